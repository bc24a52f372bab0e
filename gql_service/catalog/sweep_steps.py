"""The steps of a sweep, each in short transactions that look at every condition again.

A condition is looked at under the lock of the row that it is about. What keeps a new state and a
deletion apart are these locks: a state takes a share of its binary's row (the foreign key), a step
takes the whole row first and looks for states in its next statement. Rows that somebody has are
skipped and come up again, so that a sweep never waits and never makes one writer wait for another.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import sqlalchemy as sa

from gql_service.catalog.binary import BINARIES, BLOB_KEYS, CANDIDATES, acquit, bury_keys
from gql_service.catalog.item import ItemState
from gql_service.catalog.thumbnail import THUMBNAILS, remove_thumbnails
from gql_service.catalog.upload import forget_expired
from gql_service.database.columns import table_of
from gql_service.database.engine import Database, Tx
from gql_service.database.sets import among
from gql_service.errors import StorageUnavailable
from gql_service.settings import Settings
from gql_service.vault.contract import Vault

BATCH = 500
"""Rows per transaction: short, because each one keeps writers out on SQLite."""

_log = logging.getLogger(__name__)
_STATES = table_of(ItemState)
HELD = sa.exists().where(_STATES.c.binary == BINARIES.c.id)
NAMED = sa.or_(
    sa.exists().where(BINARIES.c.blob_key == BLOB_KEYS.c.key),
    sa.exists().where(THUMBNAILS.c.blob_key == BLOB_KEYS.c.key),
)


class Due:
    """The moments up to which things are due, at `now`."""

    def __init__(self, now: datetime, settings: Settings) -> None:
        self.now = now
        self.condemned_until = now - timedelta(hours=settings.sweep_grace_hours)
        self.dead_until = now - timedelta(hours=settings.sweep_delete_delay_hours)
        self.deleted_until = now - timedelta(hours=settings.upload_lease_hours)


def expired_uploads(due: Due) -> sa.Select[Any]:
    """Keys whose upload may not be attached any more."""
    return sa.select(BLOB_KEYS.c.key).where(
        BLOB_KEYS.c.state == "pending", BLOB_KEYS.c.lease_until < due.now
    )


def objects_to_delete(due: Due) -> sa.Select[Any]:
    """Keys dead for long enough. That no binary names them is certain, and asked all the same."""
    return sa.select(BLOB_KEYS.c.key).where(
        BLOB_KEYS.c.state == "dead",
        BLOB_KEYS.c.dead_at <= due.dead_until,
        BLOB_KEYS.c.deleted_at.is_(None),
        ~NAMED,
    )


def keys_to_drop(due: Due) -> sa.Select[Any]:
    """Keys whose object was deleted so long ago that no late write can bring it back."""
    return sa.select(BLOB_KEYS.c.key).where(
        BLOB_KEYS.c.state == "dead", BLOB_KEYS.c.deleted_at <= due.deleted_until, ~NAMED
    )


@dataclass(frozen=True, slots=True)
class Deleted:
    count: int
    bytes: int
    failed: int


def delete_objects(database: Database, vault: Vault, due: Due) -> Deleted:
    """Deletes objects and notes when."""
    return _delete(database, vault, objects_to_delete(due), _note_deleted)


def drop_keys(database: Database, vault: Vault, due: Due) -> Deleted:
    """Deletes objects once more, in case a late write made them, and forgets their keys."""
    return _delete(database, vault, keys_to_drop(due), _forget)


def pages(database: Database, statement: sa.Select[Any]) -> Iterator[list[str]]:
    """Keys in short snapshots, so that the vault may take its time between them."""
    after = ""
    while True:
        with database.read() as tx:
            page = statement.where(BLOB_KEYS.c.key > after).order_by(BLOB_KEYS.c.key)
            keys = [row.key for row in tx.rows(page.limit(BATCH))]
        if not keys:
            return
        yield keys
        after = keys[-1]


def _delete(
    database: Database,
    vault: Vault,
    due: sa.Select[Any],
    then: Callable[[Tx, list[str]], None],
) -> Deleted:
    """First the object, then its row: the other way round, a crash would forget the object."""
    count, freed, failed = 0, 0, 0
    for keys in pages(database, due):
        sizes = {key: _delete_object(vault, key) for key in keys}
        gone = [key for key, size in sizes.items() if size is not None]
        database.write(partial(lambda tx, gone: then(tx, gone), gone=gone))
        count += len(gone)
        failed += len(keys) - len(gone)
        freed += sum(size or 0 for size in sizes.values())
    return Deleted(count, freed, failed)


def _delete_object(vault: Vault, key: str) -> int | None:
    """Bytes freed; None for a failure, because one bad sector must not keep the rest."""
    try:
        size = vault.size(key) or 0
        vault.delete(key)
    except StorageUnavailable:
        _log.exception("object %s could not be deleted", key)
        return None
    _log.info("object %s deleted, %d bytes", key, size)
    return size


def _note_deleted(tx: Tx, keys: list[str]) -> None:
    tx.execute(
        sa.update(BLOB_KEYS)
        .where(among(BLOB_KEYS.c.key, keys), BLOB_KEYS.c.state == "dead")
        .values(deleted_at=tx.now)
    )


def _forget(tx: Tx, keys: list[str]) -> None:
    tx.execute(
        sa.delete(BLOB_KEYS).where(among(BLOB_KEYS.c.key, keys), BLOB_KEYS.c.state == "dead")
    )


def expire_uploads(tx: Tx, due: Due) -> int:
    """Turns the keys of unfinished uploads dead. Safe at any moment: `attach` then refuses."""
    forget_expired(tx, due.now)
    expired = expired_uploads(due).with_for_update(skip_locked=True)
    keys = [row.key for row in tx.rows(expired)]
    bury_keys(tx, keys)
    return len(keys)


@dataclass(frozen=True, slots=True)
class Batch:
    """The last row looked at, None at the end; sizes of what was taken; how many were spared."""

    last: int | None
    sizes: Sequence[int] = ()
    acquitted: int = 0


def reap(database: Database, due: Due) -> list[Batch]:
    """Deletes the rows of binaries condemned for long enough, and turns their keys dead."""
    return list(_batches(database, partial(reap_batch, due=due)))


def reap_batch(tx: Tx, after: int, due: Due) -> Batch:
    """Row and key change in one transaction: apart, a crash between them would lose the object
    from the journal, or delete an object that is named again.
    """
    ids = _take(tx, BINARIES.c.id, BINARIES.c.id > after, due_for_reaping(due))
    if not ids:
        return Batch(None)
    held = [row.id for row in tx.rows(_those(ids).where(HELD))]
    if held:
        acquit(tx, held)
    gone = sorted(set(ids) - set(held))
    remove_thumbnails(tx, gone)
    reaped = tx.rows(
        sa.delete(BINARIES)
        .where(among(BINARIES.c.id, gone), BINARIES.c.condemned_at.is_not(None), ~HELD)
        .returning(BINARIES.c.blob_key, BINARIES.c.size)
    )
    bury_keys(tx, [row.blob_key for row in reaped])
    return Batch(ids[-1], [row.size for row in reaped], len(held))


def due_for_reaping(due: Due) -> sa.ColumnElement[bool]:
    return BINARIES.c.condemned_at <= due.condemned_until


def condemn(database: Database, allowance: int | None) -> list[Batch]:
    """Condemns candidates that nothing holds. Raises TooMuch, with those before the batch that
    exceeds `allowance` bytes condemned.
    """
    done: list[Batch] = []

    def step(tx: Tx, after: int) -> Batch:
        batch = condemn_batch(tx, after)
        size = sum(batch.sizes) + sum(sum(earlier.sizes) for earlier in done)
        if allowance is not None and size > allowance:
            raise TooMuch(done)
        return batch

    for batch in _batches(database, step):
        done.append(batch)
    return done


class TooMuch(Exception):
    """`done` are the batches that stay."""

    def __init__(self, done: list[Batch]) -> None:
        super().__init__()
        self.done = done


def condemn_batch(tx: Tx, after: int) -> Batch:
    """Crosses candidates off, and condemns those that nothing holds."""
    candidates = _take(tx, CANDIDATES.c.binary, CANDIDATES.c.binary > after)
    if not candidates:
        return Batch(None)
    ids = _take(tx, BINARIES.c.id, among(BINARIES.c.id, candidates))
    state = sa.case((BINARIES.c.state == "corrupt", "corrupt"), else_="condemned")
    condemned = tx.rows(
        sa.update(BINARIES)
        .where(among(BINARIES.c.id, ids), BINARIES.c.condemned_at.is_(None), ~HELD)
        .values(state=state, condemned_at=tx.now)
        .returning(BINARIES.c.size)
    )
    tx.execute(sa.delete(CANDIDATES).where(among(CANDIDATES.c.binary, ids)))
    return Batch(candidates[-1], [row.size for row in condemned])


def _batches(database: Database, step: Callable[..., Batch]) -> Iterator[Batch]:
    after = 0
    while (batch := database.write(partial(step, after=after))).last is not None:
        yield batch
        after = batch.last


def _take(tx: Tx, number: sa.ColumnElement[int], *conditions: sa.ColumnElement[bool]) -> list[int]:
    """The next numbers, ascending, their rows locked; those that others have are left out."""
    statement = (
        sa.select(number)
        .where(*conditions)
        .order_by(number)
        .limit(BATCH)
        .with_for_update(skip_locked=True)
    )
    return list(tx.connection.scalars(statement))


def _those(ids: Sequence[int]) -> sa.Select[Any]:
    return sa.select(BINARIES.c.id).where(among(BINARIES.c.id, ids))
