"""What must hold of the lines of a dataset: the present one, those before it, the one to come."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import sqlalchemy as sa

from gql_service.catalog.finding import EXAMPLES, Finding
from gql_service.catalog.line import FLATTENINGS, UNBORN, WITH_THE_LINE
from gql_service.catalog.lost_state import LOST
from gql_service.catalog.sheet import AnnotationColumns, ItemColumns, Sheet
from gql_service.catalog.visibility import (
    ANNOTATIONS,
    DATASETS,
    ITEMS,
    LAYERS,
    LINES,
    View,
    visible_annotations,
    visible_items,
)
from gql_service.database.engine import Tx
from gql_service.versions.piles import replaced_pile

Statement = sa.Select[Any] | sa.CompoundSelect[Any]


def line_questions() -> Iterator[tuple[str, sa.Select[Any]]]:
    """Invariants, and statements that have no rows where they hold."""
    yield from _present()
    filling = sa.exists().where(FLATTENINGS.c.line == LINES.c.id)
    stray = sa.or_(sa.and_(LINES.c.born == UNBORN, ~filling), sa.and_(LINES.c.current, filling))
    born = sa.and_(LINES.c.born != UNBORN, filling)
    yield (
        "a line is unborn as long as it is being filled",
        sa.select(LINES.c.id).where(sa.or_(stray, born)),
    )
    on_layers = sa.exists().where(LAYERS.c.line == LINES.c.id)
    yield (
        "a flattened line lies on nothing",
        sa.select(LINES.c.id).where(LINES.c.flat_of.is_not(None), on_layers),
    )
    early = (
        sa.select(LOST.c.key, LOST.c.line)
        .join(LINES, LINES.c.id == LOST.c.line)
        .join(DATASETS, DATASETS.c.id == LINES.c.dataset)
        .where(LOST.c.until > DATASETS.c.head)
    )
    yield "no lost state is dated after its dataset's head", early
    for states in (ITEMS, ANNOTATIONS):
        original = sa.and_(states.c.since == WITH_THE_LINE, states.c.copy_of.is_(None))
        yield (
            f"{states.name} that came with a line are copies",
            sa.select(states.c.id).where(original),
        )


def _present() -> Iterator[tuple[str, sa.Select[Any]]]:
    newer = LINES.alias("newer")
    later = sa.or_(
        newer.c.born > LINES.c.born, sa.and_(newer.c.born == LINES.c.born, newer.c.id > LINES.c.id)
    )
    surpassed = sa.exists().where(
        newer.c.dataset == LINES.c.dataset, newer.c.born <= DATASETS.c.head, later
    )
    newest = sa.and_(LINES.c.born <= DATASETS.c.head, ~surpassed)
    wrong = (
        sa.select(LINES.c.id)
        .join(DATASETS, DATASETS.c.id == LINES.c.dataset)
        .where(DATASETS.c.purged_at.is_(None), LINES.c.current != newest)
    )
    yield "a dataset goes on with its newest line", wrong


def flattened_lines(tx: Tx) -> Iterator[Finding]:
    """Every line that began with what another one showed did begin with that."""
    c = LINES.c
    rows = tx.rows(sa.select(c.id, c.dataset, c.born, c.flat_of).where(c.flat_of.is_not(None)))
    for row in rows:
        if row.born == UNBORN:
            continue
        flat = Sheet(row.id, row.born, born=row.born, flat_of=row.flat_of)
        piles = ((flat,), replaced_pile(tx, flat))
        views = [View(row.dataset, row.born, False, pile) for pile in piles]
        for visible in (visible_items, visible_annotations):
            began, before = (_contents(visible, view) for view in views)
            torn = [*tx.rows(_beyond(began, before)), *tx.rows(_beyond(before, began))]
            if torn:
                keys = ", ".join(sorted({str(one.key) for one in torn}))
                detail = f"line {row.id}, of dataset {row.dataset} at {row.born}: {keys}"
                yield Finding("a flattened line began with what was shown", detail)


def _contents(visible: Callable[..., Statement], view: View) -> sa.Subquery:
    def build(columns: ItemColumns | AnnotationColumns) -> sa.Select[Any]:
        return sa.select(*(one for one in columns.all() if one.name not in ("id", "line")))

    return visible(view, build).subquery()


def _beyond(some: sa.Subquery, others: sa.Subquery) -> sa.Select[Any]:
    rest = sa.select(some).except_(sa.select(others)).subquery()
    return sa.select(rest.c.key).limit(EXAMPLES)
