"""What a dataset shows at a version: the one predicate behind every read, diff, clone and merge.

A view is a pile of sheets: the dataset's own line on top, and the layers under it, each frozen at
one version and seen through its masks. A state on a sheet is visible when it is valid at the
sheet's version and no line above covers it with a whiteout. A statement over a view is a UNION ALL
of one branch per sheet, and every branch offers the *masked* columns, so that a filter can never
see what a mask hides.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import sqlalchemy as sa

from gql_service.catalog.annotation import AnnotationState, AnnotationWhiteout
from gql_service.catalog.dataset import Dataset
from gql_service.catalog.item import ItemState, ItemWhiteout
from gql_service.catalog.line import Layer, Line
from gql_service.catalog.sheet import (
    AnnotationColumns,
    Column,
    ItemColumns,
    Sheet,
    annotation_columns,
    item_columns,
)
from gql_service.catalog.version import refuse_expired
from gql_service.database.columns import FOREVER, table_of
from gql_service.database.engine import Tx
from gql_service.database.plan import Prepared
from gql_service.database.sets import among_given
from gql_service.errors import NotFound

ITEMS = table_of(ItemState)
ANNOTATIONS = table_of(AnnotationState)
ITEM_WHITEOUTS = table_of(ItemWhiteout)
ANNOTATION_WHITEOUTS = table_of(AnnotationWhiteout)
LINES = table_of(Line)
LOWER = LINES.alias("lower")
LAYERS = table_of(Layer)
DATASETS = table_of(Dataset)

__all__ = [  # a view is read with its columns: whoever imports the one wants the others
    "AnnotationColumns",
    "Column",
    "ItemColumns",
    "Sheet",
    "Statement",
    "View",
    "open_view",
    "open_views",
    "visible_annotations",
    "visible_items",
]

Statement = sa.Select[Any] | sa.CompoundSelect[Any]


@dataclass(frozen=True, slots=True)
class View:
    """One dataset at one version; `sheets` from the top down.

    `live` is true when the version is the head and stays so while the view is used (a snapshot, or
    the dataset's lock): the own line is then read by `until = FOREVER`, which an index serves in
    the order of paths however much history there is.
    """

    dataset: int
    version: int
    live: bool
    sheets: tuple[Sheet, ...]

    @property
    def line(self) -> int:
        """The dataset's own line at this version."""
        return self.sheets[0].line

    def masked(self, *, annotations: bool, metadata: bool, status: bool) -> View:
        """The same view with further masks over every sheet."""
        mask = Sheet(0, 0, annotations, metadata, status)
        return replace(
            self,
            sheets=tuple(sheet.behind(mask) for sheet in self.sheets),
        )


LAYERED = (
    LINES.c.id.label("line"),
    LINES.c.born,
    LINES.c.flat_of,
    LAYERS.c.below,
    LAYERS.c.at,
    LAYERS.c.with_annotations,
    LAYERS.c.with_metadata,
    LAYERS.c.with_status,
    LOWER.c.born.label("below_born"),
    LOWER.c.flat_of.label("below_flat_of"),
)
"""What is read of a line and of each layer under it, which `layer_sheet` understands."""


def with_layers(lines: sa.FromClause) -> sa.Join:
    """Lines, each with its layers, or with none."""
    own = lines.outerjoin(LAYERS, LAYERS.c.line == LINES.c.id)
    return own.outerjoin(LOWER, LOWER.c.id == LAYERS.c.below)


_PILES = Prepared(
    sa.select(DATASETS.c.id.label("dataset"), DATASETS.c.head, DATASETS.c.kept_from, *LAYERED)
    .select_from(with_layers(DATASETS.join(LINES, LINES.c.dataset == DATASETS.c.id)))
    .where(among_given(DATASETS.c.id, "datasets"), DATASETS.c.purged_at.is_(None))
    .order_by(DATASETS.c.id, LINES.c.born.desc(), LINES.c.id.desc(), LAYERS.c.depth),
    lasting=True,
)
"""Every pile of the datasets given, the newest line of each first, from the top down."""


def open_view(tx: Tx, dataset: int, version: int | None = None) -> View:
    """The dataset at a version, or at its head. Raises NotFound when there is no such thing, and
    VersionExpired when it is not kept any more."""
    return open_views(tx, [(dataset, version)])[dataset, version]


def open_views(
    tx: Tx, points: Collection[tuple[int, int | None]]
) -> dict[tuple[int, int | None], View]:
    """Many views in one statement; version None is the head. Raises as `open_view`."""
    datasets = sorted({dataset for dataset, _ in points})
    rows = tx.rows(_PILES, {"datasets": datasets})
    by_dataset: dict[int, list[sa.Row[Any]]] = {}
    for row in rows:
        by_dataset.setdefault(row.dataset, []).append(row)
    return {
        (dataset, version): _view(tx, by_dataset.get(dataset, []), version)
        for dataset, version in points
    }


def _view(tx: Tx, rows: Sequence[sa.Row[Any]], version: int | None) -> View:
    head = rows[0].head if rows else 0
    wanted = head if version is None else version
    if not 1 <= wanted <= head:
        raise NotFound("There is no such dataset or version")
    refuse_expired(tx, rows[0].dataset, wanted, head=head, kept_from=rows[0].kept_from)
    own = next(row for row in rows if row.born <= wanted)
    sheets = [Sheet(own.line, wanted, born=own.born, flat_of=own.flat_of)]
    sheets += [layer_sheet(row) for row in rows if row.line == own.line and row.below is not None]
    return View(rows[0].dataset, wanted, tx.snapshot and wanted == head, tuple(sheets))


def layer_sheet(row: sa.Row[Any]) -> Sheet:
    """A layer as read, with `below_born` and `below_flat_of` of the line below."""
    masks = (row.with_annotations, row.with_metadata, row.with_status)
    return Sheet(row.below, row.at, *masks, born=row.below_born, flat_of=row.below_flat_of)


def visible_items(
    view: View,
    build: Callable[[ItemColumns], sa.Select[Any]] | None = None,
    *,
    limited: bool = False,
) -> Statement:
    """The items that a view shows: `build` makes the SELECT of each branch from its columns.

    Without `build`, all columns. `limited` says that it orders and limits each branch, which the
    caller must do again over the whole.
    """
    selects = []
    for depth, sheet in enumerate(view.sheets):
        table = _alias(ITEMS, depth)
        columns = item_columns(table, sheet)
        select = build(columns) if build else sa.select(*columns.all())
        shown = _shown(view, depth, table, ITEM_WHITEOUTS)
        selects.append(select.select_from(table).where(*shown))
    return _union(selects, limited)


def visible_annotations(
    view: View,
    build: Callable[[AnnotationColumns], sa.Select[Any]] | None = None,
    *,
    limited: bool = False,
) -> Statement:
    """The annotations that a view shows; as `visible_items`.

    No join with items is needed: removing an item closes its annotations in the same version.
    """
    selects = []
    for depth, sheet in enumerate(view.sheets):
        if depth and not sheet.annotations:
            continue
        table = _alias(ANNOTATIONS, depth)
        columns = annotation_columns(table, sheet)
        select = build(columns) if build else sa.select(*columns.all())
        shown = _shown(view, depth, table, ANNOTATION_WHITEOUTS)
        if not sheet.annotations:
            shown.append(sa.false())
        selects.append(select.select_from(table).where(*shown))
    return _union(selects, limited)


@cache
def _alias(table: sa.Table, depth: int) -> sa.FromClause:
    """One alias for every place in a pile: making them anew took a third of the time of a
    statement. A view of items must therefore not be nested in another view of items. The name is
    none that SQLAlchemy would make up for an alias of its own inside a condition."""
    return table.alias(f"{table.name}_at_{depth}")


def _union(selects: list[sa.Select[Any]], limited: bool) -> Statement:
    if len(selects) == 1:
        return selects[0]
    if limited:  # SQLite takes ORDER BY and LIMIT inside a compound only in a sub-select
        selects = [sa.select(select.subquery()) for select in selects]
    return sa.union_all(*selects)


def _shown(view: View, depth: int, table: sa.FromClause, whiteouts: sa.Table) -> list[Column]:
    """THE predicate: on this sheet, valid at its version, and covered by none above."""
    on_sheet = table.c.line == view.sheets[depth].line
    return _shown_of(view, depth, table, whiteouts, on_sheet=on_sheet, state=table.c.id)


def item_values_shown(
    view: View, depth: int, values: sa.FromClause, on_sheet: Column
) -> list[Column]:
    """The same of values that are kept beside the states of items, with their dates: first that
    they are valid on the sheet, then that none above covers them."""
    state = values.c.state
    shown = _shown_of(view, depth, values, ITEM_WHITEOUTS, on_sheet=on_sheet, state=state)
    dated, cover = (shown[:-1], shown[-1:]) if depth else (shown, [])
    return [sa.and_(*dated), *cover]


def _shown_of(
    view: View,
    depth: int,
    table: sa.FromClause,
    whiteouts: sa.Table,
    *,
    on_sheet: Column,
    state: Column,
) -> list[Column]:
    sheet = view.sheets[depth]
    if depth == 0 and view.live:
        return [on_sheet, table.c.until == FOREVER]
    valid: list[Column] = [on_sheet, table.c.since <= sheet.at, table.c.until > sheet.at]
    if depth:
        cover = _alias(whiteouts, depth)
        above = [
            sa.and_(cover.c.line == upper.line, cover.c.since <= upper.at)
            for upper in view.sheets[:depth]
        ]
        covered = sa.select(sa.literal(1)).where(cover.c.state == state, sa.or_(*above))
        valid.append(~covered.correlate(table).exists())
    return valid
