"""How many bytes a dataset holds, and how many of them other datasets hold as well.

A binary counts once, however many items show it. Another dataset holds what its head shows: what
it has only at old versions, or has been deleted with, is not counted as shared.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from gql_service.catalog.binary import BINARIES
from gql_service.catalog.dataset import DATASETS, readable
from gql_service.catalog.heads import in_heads
from gql_service.catalog.visibility import View, open_views, visible_items
from gql_service.database.engine import Tx


@dataclass(frozen=True, slots=True)
class Storage:
    """Bytes of the distinct binaries of a dataset; `shared` are held by another one too."""

    total: int
    shared: int

    @property
    def unique(self) -> int:
        return self.total - self.shared


def storage_of(tx: Tx, points: Collection[tuple[int, int]]) -> dict[tuple[int, int], Storage]:
    """What each (dataset, version) shows, beside the heads of all others that the actor may read.

    A statement each, besides two for all of them. Raises NotFound when there is no such dataset or
    version.
    """
    others = [row.id for row in tx.rows(sa.select(DATASETS.c.id).where(readable(tx)))]
    views = open_views(tx, points)
    return {point: _storage(tx, views[point], others) for point in points}


def _storage(tx: Tx, view: View, readable_datasets: Collection[int]) -> Storage:
    # Added to nothing, for else SQLite walks the index of binaries, which has every item there is.
    shown = visible_items(view, lambda c: sa.select((c.binary + 0).label("binary"))).subquery()
    held = sa.select(shown.c.binary).distinct().subquery("held")
    size = BINARIES.c.size
    shared: sa.ColumnElement[Any] = sa.literal(0)
    if others := [dataset for dataset in readable_datasets if dataset != view.dataset]:
        shared = sa.case((_in_heads_of(others, held), size), else_=0)
    row = tx.first(
        sa.select(
            sa.func.coalesce(sa.func.sum(size), 0).label("total"),
            sa.func.coalesce(sa.func.sum(shared), 0).label("shared"),
        ).select_from(held.join(BINARIES, BINARIES.c.id == held.c.binary))
    )
    assert row is not None, "a sum is a row"
    return Storage(int(row.total), int(row.shared))


def _in_heads_of(datasets: Collection[int], held: sa.FromClause) -> sa.ColumnElement[bool]:
    """Whether one of the heads shows an item with the binary: the first that is found will do."""

    def build(state: sa.FromClause, head: sa.ColumnElement[Any]) -> sa.Select[Any]:
        same = state.c.binary == held.c.binary
        return sa.select(head.label("dataset")).where(same).correlate(held)

    return in_heads(build, datasets).exists()
