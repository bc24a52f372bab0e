"""Which rows of a database belong to a dataset with all of its past.

Its own lines whole; of the lines that it lies on, what it sees of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from gql_service.catalog.line import UNBORN
from gql_service.catalog.lost_state import LOST
from gql_service.catalog.visibility import (
    ANNOTATION_WHITEOUTS,
    ANNOTATIONS,
    ITEM_WHITEOUTS,
    ITEMS,
    LAYERS,
    LINES,
)
from gql_service.database.engine import Tx
from gql_service.database.sets import among
from gql_service.versions.bundle_tables import (
    ANNOTATION_ROWS,
    ANNOTATION_WHITEOUT_ROWS,
    BESIDE_VERSIONS,
    CHOSEN_ROWS,
    ITEM_ROWS,
    ITEM_WHITEOUT_ROWS,
    LAYER_ROWS,
    LINE_ROWS,
    LOST_ANNOTATION_ROWS,
    LOST_ITEM_ROWS,
)
from gql_service.versions.knowledge import CHOSEN_KEYS, KNOWLEDGE

Where = sa.ColumnElement[bool]


@dataclass(frozen=True, slots=True)
class Pile:
    """What one dataset is read through: its lines, and the layers of all of them by line."""

    own: tuple[int, ...]
    layers: tuple[sa.Row[Any], ...]

    @property
    def lines(self) -> list[int]:
        """Also those of others, ascending."""
        return sorted({*self.own, *(layer.below for layer in self.layers)})


def pile_of(tx: Tx, dataset: int) -> Pile:
    """The lines of a dataset that are not just being filled, and what they lie on."""
    born = sa.select(LINES.c.id).where(LINES.c.dataset == dataset, LINES.c.born != UNBORN)
    own = tuple(row.id for row in tx.rows(born.order_by(LINES.c.id)))
    layers = sa.select(LAYERS).where(among(LAYERS.c.line, own))
    return Pile(own, tuple(tx.rows(layers.order_by(LAYERS.c.line, LAYERS.c.depth))))


def conditions(tx: Tx, dataset: int, pile: Pile) -> dict[str, Where]:
    """Which rows of each part go out, the numbers of others apart."""
    where = {part.name: part.table.c.dataset == dataset for part in BESIDE_VERSIONS}
    where[LINE_ROWS.name] = among(LINES.c.id, pile.lines)
    where[LAYER_ROWS.name] = among(LAYERS.c.line, pile.lines)
    where[ITEM_ROWS.name] = _carried(pile, ITEMS, ITEM_WHITEOUTS)
    where[ANNOTATION_ROWS.name] = _carried(pile, ANNOTATIONS, ANNOTATION_WHITEOUTS)
    for part in (ITEM_WHITEOUT_ROWS, ANNOTATION_WHITEOUT_ROWS):
        where[part.name] = among(part.table.c.line, pile.own)
    lost = among(LOST.c.line, pile.own)
    where[LOST_ITEM_ROWS.name] = sa.and_(lost, LOST.c.of_item)
    where[LOST_ANNOTATION_ROWS.name] = sa.and_(lost, ~LOST.c.of_item)
    where[CHOSEN_ROWS.name] = among(CHOSEN_KEYS.c.batch, batches_of(tx, dataset))
    return where


def batches_of(tx: Tx, dataset: int) -> set[int]:
    """The batches within which a dataset has seen others."""
    known = sa.select(KNOWLEDGE.c.batches).where(KNOWLEDGE.c.dataset == dataset).distinct()
    return {int(batch) for row in tx.rows(known) for batch in row.batches.split(",") if batch}


def _carried(pile: Pile, states: sa.Table, whiteouts: sa.Table) -> Where:
    """The states of the own lines, and what the layers show of others."""
    wanted = [among(states.c.line, pile.own)]
    for layer in pile.layers:
        if states is ANNOTATIONS and not layer.with_annotations:
            continue
        above = [
            sa.and_(whiteouts.c.line == upper.below, whiteouts.c.since <= upper.at)
            for upper in pile.layers
            if upper.line == layer.line and upper.depth < layer.depth
        ]
        covered = sa.exists().where(whiteouts.c.state == states.c.id, sa.or_(sa.false(), *above))
        wanted.append(
            sa.and_(
                states.c.line == layer.below,
                states.c.since <= layer.at,
                states.c.until > layer.at,
                ~covered if above else sa.true(),
            )
        )
    return sa.or_(*wanted)
