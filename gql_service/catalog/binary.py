"""Binaries: the bytes behind items, stored once per content and known by their SHA-256.

A binary row maps a content to the object that holds it. Its object's name is a fresh random key
per upload, never the hash: then nothing that is late, a write or a deletion, can touch an object
that somebody relies on. The journal of keys names every object ever tried, before it exists.

    store    key `pending`, committed → bytes streamed, hashed, counted, durable
    attach   in the writer's transaction: key `pending` → `live` or nothing, binary made or found,
             then the writer's states, then the commit, then the answer
    revive   the writer names a binary that is stored already
    release  the writer let go of states; what nothing holds, `sweep` takes away

A binary is *held* when some item state, at any version, names it. That is read from the states and
never counted up, because a stored count can lie. `condemned_at` says since when a sweep has found
it unheld. A corrupt binary stays `corrupt` until the same bytes are uploaded again, also while it
is condemned: called back to life as it is, it would serve bad bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Field, SQLModel

from gql_service.database.columns import BigKey, Timestamp, table_of
from gql_service.database.engine import Tx
from gql_service.database.plan import Prepared
from gql_service.database.sets import among, among_given, chunks
from gql_service.errors import Conflict


class Binary(SQLModel, table=True):
    """Maps a content to the object that holds it. State is live, condemned or corrupt."""

    __tablename__ = "binaries"
    __table_args__ = (
        sa.CheckConstraint("state IN ('live', 'condemned', 'corrupt')", name="binaries_state"),
        sa.Index(
            "binaries_condemned",
            "condemned_at",
            sqlite_where=sa.text("condemned_at IS NOT NULL"),
            postgresql_where=sa.text("condemned_at IS NOT NULL"),
        ),
        # Without it SQLite would give the number of a swept binary to the next one, and whoever
        # had noted that number would attach another content than they read.
        {"sqlite_autoincrement": True},
    )

    id: int | None = Field(default=None, sa_type=BigKey, primary_key=True)
    sha256: str = Field(unique=True)
    size: int = Field(sa_type=sa.BigInteger)
    mime_type: str
    width: int | None = None
    height: int | None = None
    blob_key: str = Field(foreign_key="blob_keys.key", unique=True)
    state: str
    condemned_at: datetime | None = Field(default=None, sa_type=Timestamp)
    created_at: datetime = Field(sa_type=Timestamp)


class BlobKey(SQLModel, table=True):
    """The journal of every object ever tried. State is pending, live or dead."""

    __tablename__ = "blob_keys"
    __table_args__ = (
        sa.CheckConstraint("state IN ('pending', 'live', 'dead')", name="blob_keys_state"),
        sa.Index("blob_keys_state_lease", "state", "lease_until"),
    )

    key: str = Field(primary_key=True)
    state: str
    lease_until: datetime = Field(sa_type=Timestamp)
    dead_at: datetime | None = Field(default=None, sa_type=Timestamp)
    deleted_at: datetime | None = Field(default=None, sa_type=Timestamp)


class SweepCandidate(SQLModel, table=True):
    """A binary that lost a reference and may be held by nothing: where a sweep looks first."""

    __tablename__ = "sweep_candidates"

    binary: int = Field(
        sa_type=sa.BigInteger, foreign_key="binaries.id", primary_key=True, ondelete="CASCADE"
    )


BINARIES = table_of(Binary)
BLOB_KEYS = table_of(BlobKey)
CANDIDATES = table_of(SweepCandidate)
_LOADED = [c for c in BINARIES.c if c.name != "condemned_at"]


@dataclass(frozen=True, slots=True)
class StoredBlob:
    """Durable bytes that no row speaks of yet; `attach` makes them a binary. Size in bytes."""

    blob_key: str
    sha256: str
    size: int
    mime_type: str
    width: int | None
    height: int | None


@dataclass(frozen=True, slots=True)
class BinaryRecord:
    """A binary as it was read. Size in bytes; width and height in pixels, of pictures only."""

    id: int
    sha256: str
    size: int
    mime_type: str
    width: int | None
    height: int | None
    blob_key: str
    state: str
    created_at: datetime


_BY_ID = Prepared(sa.select(*_LOADED).where(among_given(BINARIES.c.id, "ids")))


def binaries_by_id(tx: Tx, ids: Collection[int]) -> dict[int, BinaryRecord]:
    """Those that exist, by id."""
    found = tx.rows(_BY_ID, {"ids": list(ids)})
    return {row.id: BinaryRecord(**row._mapping) for row in found}


def binary_by_sha256(tx: Tx, sha256: str) -> BinaryRecord | None:
    """Whoever may call this learns whether the content is stored: check their rights first."""
    row = tx.first(sa.select(*_LOADED).where(BINARIES.c.sha256 == sha256))
    return None if row is None else BinaryRecord(**row._mapping)


def attach(tx: Tx, blobs: Sequence[StoredBlob]) -> list[int]:
    """The binaries of these blobs, in order, for the states that `tx` is about to insert.

    Equal contents give the same id. A condemned binary comes back to life, a corrupt one is healed
    by the new bytes; where other bytes serve the content already, these turn dead. Each blob can be
    attached in one transaction only. Raises Conflict when one is not pending any more, because
    its lease ran out.
    """
    if not blobs:
        return []
    claim_keys(tx, {blob.blob_key for blob in blobs})
    first = {blob.sha256: blob for blob in reversed(blobs)}
    served = _upsert(tx, [first[sha256] for sha256 in sorted(first)])
    healed = {sha: row for sha, row in served.items() if row.state == "corrupt"}
    _heal(tx, [(row.id, first[sha].blob_key) for sha, row in healed.items()])
    in_use = {first[sha].blob_key if sha in healed else row.blob_key for sha, row in served.items()}
    spare = {blob.blob_key for blob in blobs} - in_use
    bury_keys(tx, [*spare, *(row.blob_key for row in healed.values())])
    # A writer may find that nothing changes and insert no state; then nobody would ever release.
    release(tx, [row.id for row in served.values()])
    return [served[blob.sha256].id for blob in blobs]


_HELD = Prepared(
    sa.select(BINARIES.c.id, BINARIES.c.condemned_at)
    .where(among_given(BINARIES.c.id, "binaries"))
    .order_by(BINARIES.c.id)
    .with_for_update(read=True, key_share=True)
)


def revive(tx: Tx, binary_ids: Collection[int]) -> None:
    """Makes stored binaries safe to name in states that `tx` inserts afterwards.

    Until `tx` ends no sweep condemns or removes them. Raises Conflict when one is gone.
    """
    for ids in chunks(sorted(set(binary_ids))):
        found = tx.rows(_HELD, {"binaries": ids})
        if len(found) != len(ids):
            raise Conflict("The file has been removed in the meantime")
        if condemned := [row.id for row in found if row.condemned_at is not None]:
            acquit(tx, condemned)
            release(tx, condemned)  # as in attach: the states may not come


def acquit(tx: Tx, binary_ids: Collection[int]) -> None:
    """Takes condemnation back, for binaries that this transaction has locked."""
    state = sa.case((BINARIES.c.state == "condemned", "live"), else_=BINARIES.c.state)
    tx.execute(
        sa.update(BINARIES)
        .where(among(BINARIES.c.id, binary_ids))
        .values(state=state, condemned_at=None)
    )


def release(tx: Tx, binary_ids: Collection[int]) -> None:
    """Notes binaries that may be held by nothing now, for the next sweep to look at.

    Belongs into the transaction that removed the states. Cheap to call for binaries still held.
    """
    for ids in chunks(sorted(set(binary_ids))):
        present = sa.select(BINARIES.c.id).where(among(BINARIES.c.id, ids)).order_by(BINARIES.c.id)
        statement = _insert(tx, CANDIDATES).from_select(["binary"], present)
        # To do nothing would not be enough: a sweep that is just crossing the old note off, since
        # it still sees our states, must wait for us or we for it.
        tx.execute(
            statement.on_conflict_do_update(
                index_elements=["binary"], set_={"binary": statement.excluded.binary}
            )
        )


def mark_corrupt(tx: Tx, binary_id: int, blob_key: str) -> None:
    """The object under `blob_key` is bad. Nothing happens if the binary has another one by now."""
    tx.execute(
        sa.update(BINARIES)
        .where(BINARIES.c.id == binary_id, BINARIES.c.blob_key == blob_key)
        .values(state="corrupt")
    )


def bury_keys(tx: Tx, keys: Collection[str]) -> None:
    """Turns journal rows dead, which is for ever; a later sweep deletes their objects."""
    if keys:
        tx.execute(
            sa.update(BLOB_KEYS)
            .where(among(BLOB_KEYS.c.key, keys))
            .values(state="dead", dead_at=tx.now)
        )


def claim_keys(tx: Tx, keys: Collection[str]) -> None:
    """pending → live, every one or Conflict: what is not pending may be deleted at any moment."""
    claimed = tx.execute(
        sa.update(BLOB_KEYS)
        .where(among(BLOB_KEYS.c.key, keys), BLOB_KEYS.c.state == "pending")
        .values(state="live")
    )
    if claimed.rowcount != len(keys):
        raise Conflict("The upload was given up, because it took too long")


def _upserting(insert: Callable[[sa.Table], Any]) -> Prepared:
    alive = sa.case((BINARIES.c.state == "corrupt", "corrupt"), else_="live")
    return Prepared(
        insert(BINARIES).on_conflict_do_update(
            index_elements=["sha256"], set_={"state": alive, "condemned_at": None}
        )
    )


_UPSERT = {True: _upserting(postgresql.insert), False: _upserting(sqlite.insert)}
_SERVING = Prepared(
    sa.select(BINARIES.c.id, BINARIES.c.sha256, BINARIES.c.blob_key, BINARIES.c.state).where(
        among_given(BINARIES.c.sha256, "hashes", numbers=False)
    )
)


def _upsert(tx: Tx, blobs: Sequence[StoredBlob]) -> dict[str, sa.Row[Any]]:
    """The rows (id, sha256, blob_key, state) that serve these contents, locked, by hash.

    Sorted by hash, so that two writers of the same contents wait for each other in one order.
    """
    tx.run(_UPSERT[tx.postgres], [_row(tx, blob) for blob in blobs])
    rows = tx.rows(_SERVING, {"hashes": [blob.sha256 for blob in blobs]})
    return {row.sha256: row for row in rows}


def _row(tx: Tx, blob: StoredBlob) -> dict[str, Any]:
    return {
        "sha256": blob.sha256,
        "size": blob.size,
        "mime_type": blob.mime_type,
        "width": blob.width,
        "height": blob.height,
        "blob_key": blob.blob_key,
        "state": "live",
        "condemned_at": None,
        "created_at": tx.now,
    }


def _heal(tx: Tx, new_keys: Sequence[tuple[int, str]]) -> None:
    """Gives corrupt binaries the object of their new upload."""
    if new_keys:
        tx.execute(
            sa.update(BINARIES)
            .where(BINARIES.c.id == sa.bindparam("binary"))
            .values(blob_key=sa.bindparam("key"), state="live"),
            [{"binary": binary, "key": key} for binary, key in new_keys],
        )


def _insert(tx: Tx, table: sa.Table) -> Any:
    """The dialect's own INSERT, the one that knows ON CONFLICT."""
    return (postgresql if tx.postgres else sqlite).insert(table)
