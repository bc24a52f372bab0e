"""Retention: versions that a dataset need not keep any more expire, and stay listed.

A version expires when everything that is set says so: it is not among the newest `keep_versions`,
and it has not been the head for more than `keep_days`. The head never expires, and neither does a
version with a tag. What has expired cannot be read again, by whatever is set later.

Each dataset is a transaction of its own, and one that is locked keeps all versions. What nobody can
see any more is taken away afterwards, in `forgetting`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from gql_service.catalog.dataset import VERSIONS, alive
from gql_service.catalog.tag import TAGS
from gql_service.catalog.visibility import DATASETS
from gql_service.database.engine import Database, Tx
from gql_service.database.sets import among, chunks
from gql_service.errors import Busy, DatasetLocked, Invalid, LimitExceeded
from gql_service.versions.locking import lock_dataset, refuse_read_only

MOST_VERSIONS = 1_000_000
MOST_DAYS = 36_500
_PATH = ("retention",)


@dataclass(frozen=True, slots=True)
class Outdated:
    """Versions of one dataset, ascending, that have expired or are to; `kept` says why they may
    not."""

    dataset: int
    name: str
    versions: tuple[int, ...]
    kept: str | None = None


def set_retention(tx: Tx, dataset: int, versions: int | None, days: int | None) -> None:
    """Lets versions of a dataset expire that fall out of all that is given; with None for both,
    none from now on.

    Not a version. Raises Invalid, LimitExceeded, NotFound, DatasetLocked.
    """
    _check(versions, "keepVersions", MOST_VERSIONS)
    _check(days, "keepDays", MOST_DAYS)
    lock_dataset(tx, dataset)
    given = versions is not None or days is not None
    retention = {
        "keep_versions": versions,
        "keep_days": days,
        "retention_by": tx.actor if given else None,
    }
    tx.execute(sa.update(DATASETS).where(DATASETS.c.id == dataset).values(retention))


def _check(number: int | None, name: str, most: int) -> None:
    if number is not None and number < 1:
        raise Invalid(
            f"{name} is at least 1; leave it out to set no such limit", path=(*_PATH, name)
        )
    if number is not None and number > most:
        raise LimitExceeded(f"{name} is at most {most:,}", path=(*_PATH, name))


def plan_expiry(tx: Tx) -> list[Outdated]:
    """Which versions `expire_versions` would let expire now, and of which locked datasets none."""
    rows = tx.rows(_KEEPING.where(alive()).order_by(DATASETS.c.id))
    # Each dataset has limits of its own, and so a statement of its own.
    plans = (_outdated(tx, row) for row in rows)
    return [plan for plan in plans if plan.versions]


def expire_versions(database: Database) -> list[Outdated]:
    """Lets versions expire, and says of which datasets it could not.

    Datasets of which none has to are not locked.
    """
    with database.read() as tx:
        plans = plan_expiry(tx)
    done = (plan if plan.kept else _carried_out(database, plan) for plan in plans)
    return [one for one in done if one.versions]


def expire_versions_of(tx: Tx, dataset: int) -> tuple[int, ...]:
    """Lets versions of one dataset expire, and says which. Raises DatasetLocked."""
    # Whoever is cloning or merging from an old version holds a share of this lock; whoever comes
    # later finds that it has expired.
    own = _KEEPING.where(DATASETS.c.id == dataset, alive())
    row = tx.first(own.with_for_update(of=DATASETS))
    if row is None:  # deleted, or its retention is gone
        return ()
    refuse_read_only(row)
    numbers = _numbers(tx, row)
    for part in chunks(numbers):
        these = sa.and_(VERSIONS.c.dataset == dataset, among(VERSIONS.c.number, part))
        tx.execute(sa.update(VERSIONS).where(these).values(expired_at=tx.now))
    if numbers:
        kept_from = max(numbers[-1] + 1, row.kept_from or 1)
        here = DATASETS.c.id == dataset
        tx.execute(sa.update(DATASETS).where(here).values(kept_from=kept_from))
    return numbers


_KEEPING = sa.select(
    DATASETS.c.id,
    DATASETS.c.name,
    DATASETS.c.head,
    DATASETS.c.kept_from,
    DATASETS.c.locked_at,
    DATASETS.c.lock_reason,
    DATASETS.c.keep_versions,
    DATASETS.c.keep_days,
).where(sa.or_(DATASETS.c.keep_versions.is_not(None), DATASETS.c.keep_days.is_not(None)))


def _outdated(tx: Tx, row: sa.Row[Any]) -> Outdated:
    numbers = _numbers(tx, row)
    try:
        refuse_read_only(row)
    except DatasetLocked as locked:
        return Outdated(row.id, row.name, numbers, kept=locked.message)
    return Outdated(row.id, row.name, numbers)


def _numbers(tx: Tx, row: sa.Row[Any]) -> tuple[int, ...]:
    """The versions that fall out of all limits of a dataset, ascending."""
    follower, c = VERSIONS.alias("follower"), VERSIONS.c
    tagged = sa.exists().where(TAGS.c.dataset == row.id, TAGS.c.version == c.number)
    tests = [c.dataset == row.id, c.number < row.head, c.expired_at.is_(None), ~tagged]
    if row.keep_versions is not None:
        tests.append(c.number <= row.head - row.keep_versions)
    if row.keep_days is not None:  # it was the head until the next one was made
        tests.append(follower.c.created_at < tx.now - timedelta(days=row.keep_days))
    next_one = sa.and_(follower.c.dataset == c.dataset, follower.c.number == c.number + 1)
    rows = tx.rows(
        sa.select(c.number)
        .select_from(VERSIONS.join(follower, next_one))
        .where(*tests)
        .order_by(c.number)
    )
    return tuple(one.number for one in rows)


def _carried_out(database: Database, plan: Outdated) -> Outdated:
    try:
        done = database.write(lambda tx: expire_versions_of(tx, plan.dataset))
    except (DatasetLocked, Busy) as refusal:
        return Outdated(plan.dataset, plan.name, plan.versions, kept=refusal.message)
    return Outdated(plan.dataset, plan.name, done)


def by_dataset(plans: Iterable[Outdated]) -> Mapping[int, Sequence[int]]:
    """The versions that are to expire, of the datasets that may let them."""
    return {plan.dataset: plan.versions for plan in plans if plan.kept is None}
