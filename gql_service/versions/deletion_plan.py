"""What deleting a dataset, and purging it later, would really free.

It is what the purge and the sweep then find, as long as nothing else changes meanwhile and nobody
holds the same in a project that the actor may not read. These are left out of all counts: who tells
that a file would not be freed tells that a stranger has it. A deleted dataset that can still be
restored counts as one that stays: nothing is promised that a restore could take back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from gql_service.catalog.dataset import DATASETS
from gql_service.catalog.project import own_projects
from gql_service.catalog.tag import has_golden_tag
from gql_service.catalog.visibility import ITEMS, LAYERS, LINES
from gql_service.database.engine import Tx
from gql_service.versions.knowledge import KNOWLEDGE
from gql_service.versions.locking import lock_dataset
from gql_service.versions.report import BINARIES
from gql_service.versions.retention import pins, unpinned

_OTHER = ITEMS.alias("elsewhere")


@dataclass(frozen=True, slots=True)
class DeletionPlan:
    """Items and binaries that no dataset of the actor's projects would hold any more, at any
    version, and their bytes."""

    items: int
    binaries: int
    bytes: int


def plan_deletion(tx: Tx, dataset: int) -> DeletionPlan:
    """What would be freed if this dataset alone were deleted now and purged: nothing, with a golden
    tag. Writes nothing. Raises NotFound and DatasetLocked, as `delete_dataset` does."""
    lock_dataset(tx, dataset)
    if tx.scalar(sa.select(has_golden_tag(sa.literal(dataset, sa.BigInteger())))):
        return DeletionPlan(0, 0, 0)
    lines = pins(tx, [dataset], of=own_projects(tx))
    freed = _freed(ITEMS, lines)
    kept = sa.and_(~_freed(_OTHER, lines), _seen(tx))
    keys = sa.select(ITEMS.c.key).where(freed)
    elsewhere = sa.select(_OTHER.c.key).where(_OTHER.c.line.in_(_related(dataset)), kept)
    items = sa.select(sa.func.count()).select_from(keys.except_(elsewhere).subquery())
    held = sa.select(sa.literal(1)).where(_OTHER.c.binary == BINARIES.c.id, kept).exists()
    sums = tx.rows(
        sa.select(
            sa.func.count().label("binaries"),
            sa.cast(sa.func.coalesce(sa.func.sum(BINARIES.c.size), 0), sa.BigInteger).label("size"),
        ).where(BINARIES.c.id.in_(sa.select(ITEMS.c.binary).where(freed)), ~held)
    )[0]
    return DeletionPlan(tx.scalar(items), sums.binaries, sums.size)


def _freed(states: sa.FromClause, lines: Mapping[int, Sequence[int]]) -> sa.ColumnElement[bool]:
    """The states of items that a purge would take away."""
    return sa.or_(sa.false(), *(unpinned(states, line, ats) for line, ats in lines.items()))


def _seen(tx: Tx) -> sa.ColumnElement[bool]:
    """Whether a state lies on a line of the actor's projects, or under one at its version."""
    own = (
        sa.select(LINES.c.id)
        .join(DATASETS, DATASETS.c.id == LINES.c.dataset)
        .where(DATASETS.c.project.in_(own_projects(tx)), DATASETS.c.purged_at.is_(None))
    )
    over = sa.select(sa.literal(1)).where(
        LAYERS.c.below == _OTHER.c.line,
        LAYERS.c.at >= _OTHER.c.since,
        LAYERS.c.at < _OTHER.c.until,
        LAYERS.c.line.in_(own),
    )
    return sa.or_(_OTHER.c.line.in_(own), over.exists())


def _related(dataset: int) -> sa.Select[Any]:
    """The lines on which keys of this dataset can be: of those that know of something in common."""
    c = KNOWLEDGE.c
    known = sa.select(c.other).where(c.dataset == dataset)
    near = sa.or_(c.other == dataset, c.other.in_(known))
    return sa.select(LINES.c.id).where(
        sa.or_(
            LINES.c.dataset == dataset,
            LINES.c.dataset.in_(known),
            LINES.c.dataset.in_(sa.select(c.dataset).where(near)),
        )
    )
