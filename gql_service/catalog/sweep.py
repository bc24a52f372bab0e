"""The sweep: takes away what nothing holds, slowly, and stops when something does not add up.

Each binary that lost its last state goes one step per sweep, never two:

    candidate → condemned → after the grace: row deleted, key dead → after the delay: object
    deleted → after the life of an upload: deleted once more, journal row dropped

Only the first step is a judgement, and until the row is deleted every writer can take it back. A
dead key never lives again, so that its object can be deleted outside of any transaction, twice,
by two sweeps at once, or late. The delay keeps the objects of every backup that is younger.

Idempotency keys go with their last hour, in one step.

No step depends on the time being right: a clock that jumps shortens or lengthens the waiting only.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import Any

import sqlalchemy as sa

from gql_service.catalog.binary import BINARIES, BLOB_KEYS, CANDIDATES
from gql_service.catalog.idempotency import forget, forgettable
from gql_service.catalog.sweep_steps import (
    HELD,
    NAMED,
    Batch,
    Due,
    TooMuch,
    condemn,
    delete_objects,
    drop_keys,
    due_for_reaping,
    expire_uploads,
    expired_uploads,
    keys_to_drop,
    objects_to_delete,
    pages,
    reap,
)
from gql_service.database.engine import Database, Tx
from gql_service.database.sets import among, chunks
from gql_service.settings import Settings
from gql_service.vault.contract import Vault

EVERYDAY_BYTES = 256 * 1024 * 1024
LARGEST_SHARE = 0.2
"""More than both of these condemned within one grace is an accident until an operator says no."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SweepReport:
    """What a sweep did, or what it would do if it ran now (`dry_run`). Sizes in bytes.

    With `alarms` it stopped, and changed nothing that is not counted here. `unknown_objects` are
    objects without a journal row; they are never deleted, and `unknown_sample` names some.
    """

    dry_run: bool = False
    alarms: tuple[str, ...] = ()
    condemned: int = 0
    condemned_bytes: int = 0
    acquitted: int = 0
    reaped: int = 0
    reaped_bytes: int = 0
    expired_uploads: int = 0
    deleted_objects: int = 0
    freed_bytes: int = 0
    failed_deletions: int = 0
    dropped_keys: int = 0
    expired_idempotency_keys: int = 0
    unknown_objects: int = 0
    unknown_sample: tuple[str, ...] = ()


def sweep(
    database: Database,
    vault: Vault,
    settings: Settings,
    *,
    dry_run: bool = False,
    force: bool = False,
) -> SweepReport:
    """One sweep; any number may run at once, and each may be killed at any moment.

    `force` condemns however much it is; the other alarms cannot be overridden.
    """
    audit = _audit(database, vault)
    with database.read() as tx:
        due = Due(tx.now, settings)
        allowance = None if force else _allowance(tx)
        plan = _plan(tx, due)
        alarms = [*audit.alarms, *_alarms(tx, plan, allowance)]
    found = replace(
        plan,
        alarms=tuple(alarms),
        unknown_objects=len(audit.unknown),
        unknown_sample=tuple(sorted(audit.unknown)[:20]),
    )
    for alarm in alarms:
        _log.error("sweep stopped: %s", alarm)
    if dry_run:
        keys = chain.from_iterable(pages(database, objects_to_delete(due)))
        freed = sum(vault.size(key) or 0 for key in keys)
        return replace(found, dry_run=True, freed_bytes=freed)
    nothing = SweepReport(
        alarms=found.alarms,
        unknown_objects=found.unknown_objects,
        unknown_sample=found.unknown_sample,
    )
    return nothing if alarms else _execute(database, vault, due, allowance, nothing)


@dataclass(slots=True)
class _Audit:
    unknown: set[str] = field(default_factory=set)
    alarms: list[str] = field(default_factory=list)


def _audit(database: Database, vault: Vault) -> _Audit:
    """Compares the objects that are there with the rows that speak of them.

    Uploads and other sweeps go on meanwhile: at worst they make this sweep stop without need.
    """
    expected = _sound_binaries(database)
    found, audit = 0, _Audit()
    for keys in chunks(vault.keys()):
        with database.read() as tx:
            rows = tx.rows(
                sa.select(BLOB_KEYS.c.key, BINARIES.c.state)
                .outerjoin(BINARIES, BINARIES.c.blob_key == BLOB_KEYS.c.key)
                .where(among(BLOB_KEYS.c.key, keys))
            )
        found += sum(row.state in ("live", "condemned") for row in rows)
        audit.unknown |= set(keys) - {row.key for row in rows}
    if audit.unknown:  # unless another sweep has just deleted it and dropped its row
        audit.unknown &= set(vault.keys())
    missing = min(expected, _sound_binaries(database)) - found
    if missing > 0:
        audit.alarms.append(
            f"{missing} stored objects are missing: is this the right vault? Then verify it"
        )
    return audit


def _sound_binaries(database: Database) -> int:
    with database.read() as tx:
        count: int = tx.scalar(
            sa.select(sa.func.count()).select_from(BINARIES).where(BINARIES.c.state != "corrupt")
        )
    return count


def _plan(tx: Tx, due: Due) -> SweepReport:
    judged = sa.exists().where(CANDIDATES.c.binary == BINARIES.c.id)
    condemned, condemned_bytes = _measure(tx, judged & BINARIES.c.condemned_at.is_(None) & ~HELD)
    reaped, reaped_bytes = _measure(tx, due_for_reaping(due) & ~HELD)
    acquitted = sa.select(BINARIES.c.id).where(due_for_reaping(due), HELD)
    return SweepReport(
        condemned=condemned,
        condemned_bytes=condemned_bytes,
        acquitted=_count(tx, acquitted),
        reaped=reaped,
        reaped_bytes=reaped_bytes,
        expired_uploads=_count(tx, expired_uploads(due)),
        deleted_objects=_count(tx, objects_to_delete(due)),
        dropped_keys=_count(tx, keys_to_drop(due)),
        expired_idempotency_keys=_count(tx, forgettable(due.now)),
    )


def _alarms(tx: Tx, plan: SweepReport, allowance: int | None) -> Iterator[str]:
    misnamed = sa.select(BLOB_KEYS.c.key).where(BLOB_KEYS.c.state != "live", NAMED)
    if count := _count(tx, misnamed):
        yield f"{count} binaries name an object that the journal does not call live"
    if allowance is not None and plan.condemned_bytes > allowance:
        yield _too_much(allowance)


def _allowance(tx: Tx) -> int:
    """Bytes that may still be condemned, beside those that are waiting for their grace to end."""
    _, total = _measure(tx, sa.true())
    _, waiting = _measure(tx, BINARIES.c.condemned_at.is_not(None))
    return max(0, max(EVERYDAY_BYTES, int(total * LARGEST_SHARE)) - waiting)


def _too_much(allowance: int) -> str:
    return (
        f"more than {allowance} bytes would go, too large a part of all that is stored; "
        "if that is right, sweep with force"
    )


def _measure(tx: Tx, condition: sa.ColumnElement[bool]) -> tuple[int, int]:
    """How many binaries, and their bytes in all."""
    size = sa.cast(sa.func.coalesce(sa.func.sum(BINARIES.c.size), 0), sa.BigInteger)
    row: Any = tx.first(sa.select(sa.func.count(), size).select_from(BINARIES).where(condition))
    return row[0], row[1]


def _count(tx: Tx, rows: sa.Select[Any]) -> int:
    count: int = tx.scalar(sa.select(sa.func.count()).select_from(rows.subquery()))
    return count


def _execute(
    database: Database, vault: Vault, due: Due, allowance: int | None, report: SweepReport
) -> SweepReport:
    """The last step first, so that nothing takes two steps in one sweep."""
    dropped = drop_keys(database, vault, due)
    deleted = delete_objects(database, vault, due)
    reaped = reap(database, due)
    report = replace(
        report,
        dropped_keys=dropped.count,
        deleted_objects=deleted.count,
        freed_bytes=deleted.bytes + dropped.bytes,
        failed_deletions=deleted.failed + dropped.failed,
        reaped=sum(len(batch.sizes) for batch in reaped),
        reaped_bytes=_size(reaped),
        acquitted=sum(batch.acquitted for batch in reaped),
        expired_uploads=database.write(lambda tx: expire_uploads(tx, due)),
        expired_idempotency_keys=forget(database, due.now),
    )
    alarms: tuple[str, ...] = ()
    try:
        condemned = condemn(database, allowance)
    except TooMuch as stopped:  # much was let go since the plan was made
        condemned, alarms = stopped.done, (_too_much(allowance or 0),)
    return replace(
        report,
        alarms=alarms,
        condemned=sum(len(batch.sizes) for batch in condemned),
        condemned_bytes=_size(condemned),
    )


def _size(batches: list[Batch]) -> int:
    return sum(sum(batch.sizes) for batch in batches)
