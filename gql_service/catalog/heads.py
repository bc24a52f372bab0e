"""The predicate of visibility asked from the state's side: which heads show an item state."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

import sqlalchemy as sa

from gql_service.catalog.visibility import DATASETS, ITEM_WHITEOUTS, ITEMS, LAYERS, LINES, Column
from gql_service.database.columns import FOREVER
from gql_service.database.sets import among


def in_heads(
    build: Callable[[sa.FromClause, Column], sa.Select[Any]],
    datasets: Collection[int] | None = None,
) -> sa.CompoundSelect[Any]:
    """The item states that the heads of datasets show, each with its dataset.

    `build` gets the table of states and the dataset whose head shows the state. Restricted to
    `datasets` when given; deleted datasets have no head.
    """

    def alive(line: sa.FromClause, dataset: sa.FromClause) -> list[Column]:
        met = [
            line.c.dataset == dataset.c.id,
            line.c.current,
            dataset.c.deleted_at.is_(None),
            dataset.c.head > 0,
        ]
        return met if datasets is None else [*met, among(dataset.c.id, datasets)]

    state, line, dataset = ITEMS.alias(), LINES.alias(), DATASETS.alias()
    own = (
        build(state, dataset.c.id)
        .select_from(state)
        .where(state.c.until == FOREVER, state.c.line == line.c.id, *alive(line, dataset))
    )
    state, line, dataset, layer = ITEMS.alias(), LINES.alias(), DATASETS.alias(), LAYERS.alias()
    cover, between = ITEM_WHITEOUTS.alias(), LAYERS.alias()
    covering = sa.select(sa.literal(1)).where(
        between.c.line == layer.c.line,
        between.c.below == cover.c.line,
        cover.c.since <= between.c.at,
    )
    covered = sa.select(sa.literal(1)).where(
        cover.c.state == state.c.id,
        sa.or_(cover.c.line == layer.c.line, covering.correlate(layer, cover).exists()),
    )
    inherited = (
        build(state, dataset.c.id)
        .select_from(state)
        .where(
            layer.c.below == state.c.line,
            state.c.since <= layer.c.at,
            state.c.until > layer.c.at,
            layer.c.line == line.c.id,
            *alive(line, dataset),
            ~covered.correlate(state, layer).exists(),
        )
    )
    return sa.union_all(own, inherited)
