"""Uploads: files that come by themselves, in one piece or in several, before they are items.

    open       its parts are objects of the vault, each journaled, durable, and `pending`
    complete   one object with all the bytes, `pending` as well, described as `StoredBlob` is
    taken      by `addItems`, which attaches the object and deletes the row in one transaction

Nothing of an upload is held by anything but its lease: `expires_at` is that of the row and of all
its keys alike, moves with every part, and when it has passed, a sweep takes the keys and the row.
What has been received is told by one number, which is raised in the transaction that notes the
part: of two who continue at one place, one commits and the other is refused.

An upload is its user's. Whoever else asks is told what they are told of one that never was.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from gql_service.catalog.binary import BLOB_KEYS, StoredBlob, bury_keys
from gql_service.catalog.project import check_may_upload
from gql_service.catalog.user import TOKENS
from gql_service.database.columns import Timestamp, table_of
from gql_service.database.engine import Tx
from gql_service.database.plan import Prepared
from gql_service.database.sets import among
from gql_service.errors import Conflict, LimitExceeded, NotFound


class Upload(SQLModel, table=True):
    """A file that is coming or has come. `length` and `received` in bytes."""

    __tablename__ = "uploads"

    id: str = Field(primary_key=True)
    user: int = Field(sa_type=sa.BigInteger, foreign_key="users.id")
    token: int | None = Field(
        default=None, sa_type=sa.BigInteger, foreign_key="tokens.id", index=True
    )
    name: str
    described: str
    length: int = Field(sa_type=sa.BigInteger)
    received: int = Field(sa_type=sa.BigInteger)
    blob_key: str | None = Field(default=None, unique=True)
    sha256: str | None = None
    mime_type: str | None = None
    width: int | None = None
    height: int | None = None
    created_at: datetime = Field(sa_type=Timestamp)
    expires_at: datetime = Field(sa_type=Timestamp, index=True)


class UploadPart(SQLModel, table=True):
    """Some bytes of an open upload, from `start` on. Keys are not referenced: the journal forgets
    those that a sweep took, whether the row is still there or not."""

    __tablename__ = "upload_parts"

    upload: str = Field(foreign_key="uploads.id", primary_key=True, ondelete="CASCADE")
    start: int = Field(sa_type=sa.BigInteger, primary_key=True)
    size: int = Field(sa_type=sa.BigInteger)
    blob_key: str = Field(unique=True)


UPLOADS = table_of(Upload)
PARTS = table_of(UploadPart)


@dataclass(frozen=True, slots=True)
class UploadRecord:
    """An upload as read. `described` are the metadata as the client gave them; a complete upload,
    and no other, has a `sha256`."""

    id: str
    name: str
    described: str
    length: int
    received: int
    sha256: str | None
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Opening:
    """What is said of an upload when it begins."""

    name: str
    described: str
    length: int


_LOADED = [
    UPLOADS.c[name]
    for name in ("id", "name", "described", "length", "received", "sha256", "expires_at")
]


def open_upload(tx: Tx, opening: Opening, lasting: timedelta, *, most_open: int) -> UploadRecord:
    """A new upload, of which nothing has been received.

    Raises Forbidden as `check_may_upload`, LimitExceeded when the token has too many open ones.
    """
    check_may_upload(tx)
    token = tx.bounds.token
    # Held until the commit, so that no two openings count the same ones.
    tx.first(sa.select(TOKENS.c.id).where(TOKENS.c.id == token).with_for_update())
    count = sa.select(sa.func.count()).select_from(UPLOADS)
    of_token = UPLOADS.c.token == token, UPLOADS.c.blob_key.is_(None), _living(tx)
    if tx.scalar(count.where(*of_token)) >= most_open:
        raise LimitExceeded(f"A token can have {most_open} unfinished uploads; complete or end one")
    return _insert(tx, opening, tx.now + lasting)


_CLAIMED = Prepared(
    sa.select(BLOB_KEYS.c.lease_until)
    .where(BLOB_KEYS.c.key == sa.bindparam("key"), BLOB_KEYS.c.state == "pending")
    .with_for_update()
)


def keep_whole(tx: Tx, name: str, blob: StoredBlob) -> UploadRecord:
    """A new upload that is complete at once; it lasts as long as the claim on its object.

    Raises Conflict when the object is not pending any more, Forbidden as `check_may_upload`.
    """
    check_may_upload(tx)
    lease = tx.scalar(_CLAIMED, {"key": blob.blob_key})
    if lease is None:
        raise _given_up()
    return _insert(tx, Opening(name, "", blob.size), lease, blob)


def upload_of(tx: Tx, id: str) -> UploadRecord:
    """The actor's upload of that id, expired or not. Raises NotFound."""
    row = tx.first(sa.select(*_LOADED).where(UPLOADS.c.id == id, UPLOADS.c.user == tx.actor))
    if row is None:
        raise NotFound("There is no such upload")
    return UploadRecord(**row._mapping)


def add_part(tx: Tx, upload: UploadRecord, blob: StoredBlob, lasting: timedelta) -> None:
    """Notes that durable bytes follow those that `upload` had when it was read.

    Raises Conflict when somebody else continued it, or when it has expired or ended.
    """
    expires = tx.now + lasting
    moved = _move(tx, upload, received=upload.received + blob.size, expires_at=expires)
    if not moved:
        raise _moved()
    part = {"upload": upload.id, "start": upload.received, "size": blob.size}
    tx.execute(sa.insert(PARTS).values(part | {"blob_key": blob.blob_key}))
    keys = sa.select(PARTS.c.blob_key).where(PARTS.c.upload == upload.id)
    renewed = tx.execute(
        sa.update(BLOB_KEYS)
        .where(BLOB_KEYS.c.key.in_(keys), BLOB_KEYS.c.state == "pending")
        .values(lease_until=expires)
    )
    if renewed.rowcount != tx.scalar(sa.select(sa.func.count()).select_from(keys.subquery())):
        raise _given_up()


def parts_of(tx: Tx, id: str) -> Sequence[tuple[str, int]]:
    """Key and size of each part, in the order of their bytes."""
    rows = sa.select(PARTS.c.blob_key, PARTS.c.size).where(PARTS.c.upload == id)
    return [(row.blob_key, row.size) for row in tx.rows(rows.order_by(PARTS.c.start))]


def complete(
    tx: Tx, upload: UploadRecord, blob: StoredBlob, spare: Collection[str], lasting: timedelta
) -> list[str]:
    """Makes `blob` the whole of the upload. The keys of its parts, and those of `spare`, are dead
    then, and are returned for their objects to be deleted. Raises Conflict as `add_part`."""
    expires = tx.now + lasting
    assert upload.received <= upload.length == blob.size, "the whole file"
    moved = _move(
        tx,
        upload,
        received=upload.length,
        expires_at=expires,
        blob_key=blob.blob_key,
        sha256=blob.sha256,
        mime_type=blob.mime_type,
        width=blob.width,
        height=blob.height,
    )
    if not moved:
        raise _moved()
    renewed = tx.execute(
        sa.update(BLOB_KEYS)
        .where(BLOB_KEYS.c.key == blob.blob_key, BLOB_KEYS.c.state == "pending")
        .values(lease_until=expires)
    )
    if renewed.rowcount != 1:
        raise _given_up()
    return _bury_parts(tx, [upload.id], spare)


def end_upload(tx: Tx, id: str) -> list[str]:
    """Ends the actor's upload, complete or not; returns keys, dead now, whose objects are to be
    deleted. Raises NotFound."""
    own = UPLOADS.c.id == id, UPLOADS.c.user == tx.actor
    row = tx.first(sa.select(UPLOADS.c.blob_key).where(*own).with_for_update())
    if row is None:
        raise NotFound("There is no such upload")
    dead = _bury_parts(tx, [id], [row.blob_key] if row.blob_key else [])
    tx.execute(sa.delete(UPLOADS).where(*own))
    return dead


def forget_expired(tx: Tx, now: datetime) -> int:
    """Deletes the rows of uploads whose time has passed: their keys run out at the same moment."""
    expired = sa.select(UPLOADS.c.id).where(UPLOADS.c.expires_at < now)
    ids = [row.id for row in tx.rows(expired.with_for_update(skip_locked=True))]
    tx.execute(sa.delete(UPLOADS).where(among(UPLOADS.c.id, ids)))
    return len(ids)


def take_uploads(tx: Tx, ids: Collection[str]) -> dict[str, StoredBlob]:
    """The objects of the actor's complete uploads, for `attach` in this transaction, by id.

    Their rows go: each can be taken once. Those that are absent, expired, unfinished or somebody
    else's are left out.
    """
    taken = tx.rows(
        sa.delete(UPLOADS)
        .where(
            among(UPLOADS.c.id, sorted(ids)),
            UPLOADS.c.user == tx.actor,
            UPLOADS.c.blob_key.is_not(None),
            _living(tx),
        )
        .returning(
            *(UPLOADS.c[name] for name in ("id", "blob_key", "sha256", "length")),
            *(UPLOADS.c[name] for name in ("mime_type", "width", "height")),
        )
    )
    return {row[0]: StoredBlob(*tuple(row)[1:]) for row in taken}


_NEW = Prepared(sa.insert(UPLOADS))


def _insert(
    tx: Tx, opening: Opening, expires: datetime, whole: StoredBlob | None = None
) -> UploadRecord:
    record = UploadRecord(
        id=secrets.token_hex(16),
        name=opening.name,
        described=opening.described,
        length=opening.length,
        received=opening.length if whole else 0,
        sha256=whole.sha256 if whole else None,
        expires_at=expires,
    )
    row = {
        **asdict(record),
        "user": tx.actor,
        "token": tx.bounds.token,
        "blob_key": whole.blob_key if whole else None,
        "mime_type": whole.mime_type if whole else None,
        "width": whole.width if whole else None,
        "height": whole.height if whole else None,
        "created_at": tx.now,
    }
    tx.run(_NEW, row)
    return record


def _move(tx: Tx, upload: UploadRecord, **values: object) -> bool:
    """Changes the row if it is what it was when it was read: the one place where two meet."""
    unchanged = UPLOADS.c.received == upload.received, UPLOADS.c.blob_key.is_(None)
    mine = UPLOADS.c.id == upload.id, UPLOADS.c.user == tx.actor
    moved = tx.execute(sa.update(UPLOADS).where(*mine, *unchanged, _living(tx)).values(values))
    return moved.rowcount == 1


def _bury_parts(tx: Tx, ids: list[str], spare: Collection[str]) -> list[str]:
    of_these = among(PARTS.c.upload, ids)
    gone = tx.rows(sa.delete(PARTS).where(of_these).returning(PARTS.c.blob_key))
    dead = [*(row.blob_key for row in gone), *spare]
    bury_keys(tx, dead)
    return dead


def _living(tx: Tx) -> sa.ColumnElement[bool]:
    return UPLOADS.c.expires_at > tx.now


def _moved() -> Conflict:
    return Conflict("The upload was continued by another request, or has ended")


def _given_up() -> Conflict:
    return Conflict("The upload was given up, because it took too long")
