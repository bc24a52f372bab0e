"""Flatten: a dataset that lies on many layers, or hides much, goes on with a line of its own.

A read asks every line of a pile, and passes over every state that is covered by a whiteout. Beyond
a limit that costs more than the copy of what is shown, which is made once: the new line lies on
nothing. It is no version, changes nothing that anybody is told, and costs no byte of a file.
"""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from gql_service.catalog.dataset import alive
from gql_service.catalog.line import FLATTENINGS
from gql_service.catalog.visibility import (
    ANNOTATION_WHITEOUTS,
    DATASETS,
    ITEM_WHITEOUTS,
    LAYERS,
    LINES,
    View,
)
from gql_service.database.engine import Database, Tx
from gql_service.errors import Busy, NotFound
from gql_service.settings import Settings
from gql_service.versions.draft import VERSIONS
from gql_service.versions.flattening import (
    Making,
    Overtaken,
    Rest,
    begin,
    catch_up,
    discard,
    fill,
    inform_planner,
    leased,
    publish,
)


@dataclass(frozen=True, slots=True)
class Limits:
    """A pile is flattened above `layers`, and above `hidden` covered states per visible one.

    Items count alone, and together with annotations.
    """

    layers: int
    hidden: float

    @classmethod
    def of(cls, settings: Settings) -> Limits:
        return cls(settings.flatten_layers, settings.flatten_hidden)


@dataclass(frozen=True, slots=True)
class Flattened:
    """A dataset that reads its head, which was `version`, through a new line now."""

    dataset: int
    version: int


def flatten(
    database: Database,
    dataset: int,
    limits: Limits | None = None,
    *,
    rest: Rest = lambda: None,
) -> Flattened | None:
    """Flattens a dataset whose pile is above the limits, or any without them.

    None when it is not, when another process is at it, or when it was deleted meanwhile. What
    `rest` raises ends it, and leaves what the next one throws away. Nobody waits for it longer than
    for a small write.
    """

    def due(tx: Tx, view: View) -> bool:
        return limits is None or is_due(tx, view, limits)

    discard(database, dataset, rest)
    try:
        making = database.write(lambda tx: begin(tx, dataset, due))
    except NotFound:
        return None
    return None if making is None else _carried_out(database, making, rest)


def is_due(tx: Tx, view: View, limits: Limits) -> bool:
    """Whether the head of a dataset is above the limits."""
    if len(view.sheets) == 1:
        return False
    return bool(due_datasets(tx, limits, view.dataset))


def due_datasets(tx: Tx, limits: Limits, dataset: int | None = None) -> list[int]:
    """The datasets whose heads are above the limits, and those that were left half-done; of all of
    them, or of one. Ascending."""
    over = sa.or_(
        limits.layers < _DEPTH,
        limits.hidden * _ITEMS < _HIDDEN_ITEMS,
        limits.hidden * (_ITEMS + VERSIONS.c.annotations) < _HIDDEN_ITEMS + _HIDDEN_ANNOTATIONS,
    )
    if dataset is None:
        left_over = sa.exists().where(FLATTENINGS.c.dataset == DATASETS.c.id)
        found = _PILES.where(sa.or_(over, left_over))
    else:
        found = _PILES.where(over, DATASETS.c.id == dataset)
    return [row.id for row in tx.rows(found.order_by(DATASETS.c.id))]


def flatten_due(database: Database, limits: Limits) -> list[Flattened]:
    """Flattens all datasets that are above the limits, one after the other."""
    with database.read() as tx:
        due = due_datasets(tx, limits)
    done = (_unless_busy(database, dataset, limits) for dataset in due)
    return [one for one in done if one is not None]


def _unless_busy(database: Database, dataset: int, limits: Limits) -> Flattened | None:
    try:
        return flatten(database, dataset, limits)
    except Busy:  # it is found again
        return None


def _carried_out(database: Database, making: Making, rest: Rest) -> Flattened | None:
    try:
        with leased(database, making):
            fill(database, making, rest)
            making = catch_up(database, making, rest)
            inform_planner(database, making)
            head = database.write(lambda tx: publish(tx, making))
    except Overtaken:
        return None
    except NotFound:  # deleted meanwhile
        discard(database, making.dataset, rest)
        return None
    return Flattened(making.dataset, head)


def _covering(whiteouts: sa.Table) -> sa.ColumnElement[int]:
    """How many states the pile of a line covers: on the line itself and on those under it."""
    w = whiteouts.c
    own = sa.select(sa.func.count()).where(w.line == LINES.c.id)
    lower = sa.select(sa.func.count()).where(
        LAYERS.c.line == LINES.c.id, w.line == LAYERS.c.below, w.since <= LAYERS.c.at
    )
    counts = (own.correlate(LINES), lower.correlate(LINES))
    first, second = (count.scalar_subquery() for count in counts)
    return first + second


_ITEMS = VERSIONS.c["items"]
_DEPTH = (
    sa.select(sa.func.count()).where(LAYERS.c.line == LINES.c.id).correlate(LINES).scalar_subquery()
)
_HIDDEN_ITEMS = _covering(ITEM_WHITEOUTS)
_HIDDEN_ANNOTATIONS = _covering(ANNOTATION_WHITEOUTS)
_PILES = (
    sa.select(DATASETS.c.id)
    .join(LINES, LINES.c.dataset == DATASETS.c.id)
    .join(
        VERSIONS,
        sa.and_(VERSIONS.c.dataset == DATASETS.c.id, VERSIONS.c.number == DATASETS.c.head),
    )
    .where(LINES.c.current, alive())
)
