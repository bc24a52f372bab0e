"""Expiration: items that are older than their dataset wants them leave its head, as one version.

An item is as old as its `created_at` says, which edits, clones, merges and restores keep. Only the
head loses it: older versions, and whoever has cloned or merged them, keep items, annotations and
bytes. The version is made in the name of whoever set the expiration, who was allowed to.

Each dataset is a transaction of its own, and one that cannot be written now waits for the next
sweep, without holding up the others.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from gql_service.catalog.dataset import Operation, alive
from gql_service.catalog.filters import DateTimeFilter, ItemFilter
from gql_service.catalog.visibility import (
    DATASETS,
    AnnotationColumns,
    View,
    open_views,
    visible_annotations,
)
from gql_service.database.engine import Database, Tx
from gql_service.database.sets import among, chunks
from gql_service.errors import Busy, DatasetLocked, Invalid, LimitExceeded, NotFound
from gql_service.versions.draft import open_draft
from gql_service.versions.locking import lock_dataset, refuse_read_only
from gql_service.versions.selection import Selection, selected_keys

MAX_DAYS = 36_500
_ARGUMENT = ("expiration", "itemMaxDays")


@dataclass(frozen=True, slots=True)
class Expired:
    """Items of one dataset that are older than `days`, with their annotations.

    They were removed by `version`; without one, they are still there: this is a plan, or `kept`
    says why.
    """

    dataset: int
    name: str
    days: int
    items: int
    annotations: int
    version: int | None = None
    kept: str | None = None


def set_expiration(tx: Tx, dataset: int, days: int) -> None:
    """Lets the items of a dataset expire so many days after they were created, 0 for never.

    Not a version. The actor answers for what the expiration removes from now on. Raises Invalid,
    LimitExceeded, NotFound, DatasetLocked.
    """
    if days < 0:
        raise Invalid("Items expire after 1 day or more; 0 lets them stay", path=_ARGUMENT)
    if days > MAX_DAYS:
        raise LimitExceeded(f"Items expire after {MAX_DAYS} days at most", path=_ARGUMENT)
    lock_dataset(tx, dataset)
    expiration = {
        "item_max_days": days or None,
        "expiration_by": tx.actor if days else None,
    }
    tx.execute(sa.update(DATASETS).where(DATASETS.c.id == dataset).values(expiration))


def plan_expiration(tx: Tx) -> list[Expired]:
    """What `expire` would remove now, and of which locked datasets nothing; writes nothing."""
    rows = tx.rows(_EXPIRING.where(alive()).order_by(DATASETS.c.id))
    views = open_views(tx, [(row.id, None) for row in rows])
    # Each dataset has a view and an age of its own, and so a statement of its own.
    plans = (_planned(tx, row, views[row.id, None]) for row in rows)
    return [plan for plan in plans if plan.items]


def expire(database: Database) -> list[Expired]:
    """Removes what has expired, one version per dataset, and says of which datasets it could not.

    Those of which nothing has expired are not written, nor waited for.
    """
    with database.read() as tx:
        plans = plan_expiration(tx)
    done = (plan if plan.kept else _carried_out(database, plan) for plan in plans)
    return [one for one in done if one is not None]


def expire_items(tx: Tx, dataset: int) -> Expired | None:
    """Removes what has expired of one dataset, as one version; None, and no version, when nothing
    has, or the expiration is gone. Raises NotFound and DatasetLocked."""
    draft = open_draft(tx, dataset, Operation.EXPIRE)
    row = tx.first(_EXPIRING.where(DATASETS.c.id == dataset))
    if row is None:
        return None
    keys = selected_keys(tx, draft.view, _older(tx, row.item_max_days))
    if not keys:
        return None
    draft.tx = replace(tx, actor=row.expiration_by)
    draft.message = f"Older than {_days(row.item_max_days)}, when items of this dataset expire"
    draft.remove_items(keys)
    removed = draft.tally.counters.annotations_removed
    return _expired(row, len(keys), removed, version=draft.publish())


_EXPIRING = sa.select(
    DATASETS.c.id,
    DATASETS.c.name,
    DATASETS.c.head,
    DATASETS.c.locked_at,
    DATASETS.c.lock_reason,
    DATASETS.c.item_max_days,
    DATASETS.c.expiration_by,
).where(DATASETS.c.item_max_days.is_not(None))


def _planned(tx: Tx, row: sa.Row[Any], view: View) -> Expired:
    keys = selected_keys(tx, view, _older(tx, row.item_max_days))
    annotations = sum(_annotations(tx, view, part) for part in chunks(keys))
    try:
        refuse_read_only(row)
    except DatasetLocked as locked:
        return _expired(row, len(keys), annotations, kept=locked.message)
    return _expired(row, len(keys), annotations)


def _carried_out(database: Database, plan: Expired) -> Expired | None:
    try:
        return database.write(lambda tx: expire_items(tx, plan.dataset))
    except NotFound:  # deleted since it was planned
        return None
    except (DatasetLocked, Busy) as refusal:
        return replace(plan, kept=refusal.message)


def _older(tx: Tx, days: int) -> Selection:
    since = tx.now - timedelta(days=days)
    return Selection(where=ItemFilter(created_at=DateTimeFilter(lt=since)))


def _annotations(tx: Tx, view: View, items: list[int]) -> int:
    """How many annotations the items have."""

    def count(columns: AnnotationColumns) -> sa.Select[Any]:
        return sa.select(sa.func.count().label("found")).where(among(columns.item, items))

    return sum(row.found for row in tx.rows(visible_annotations(view, count)))


def _expired(
    row: sa.Row[Any],
    items: int,
    annotations: int,
    *,
    version: int | None = None,
    kept: str | None = None,
) -> Expired:
    return Expired(row.id, row.name, row.item_max_days, items, annotations, version, kept)


def _days(days: int) -> str:
    return f"{days} day{'s' if days > 1 else ''}"
