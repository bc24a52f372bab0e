"""Pages of the items and annotations that a view shows; the last costs no more than the first.

A cursor is no more than the version and the key of a row: the values that it sorts by are read
back from the version, which never changes. Only the orders by path (items) and by key
(annotations) are those of an index; under any other, all rows that match are read and the first of
them kept.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any, Literal

import sqlalchemy as sa

from gql_service.catalog.filter_pace import paced
from gql_service.catalog.filter_sql import annotation_predicate, item_predicate
from gql_service.catalog.filters import AnnotationFilter, ItemFilter
from gql_service.catalog.indexed_filter import counted, few_states, states_within
from gql_service.catalog.item_order import ItemOrder, item_sorts
from gql_service.catalog.keyset import Slice
from gql_service.catalog.reading import Reading, anchor_of, cut, read_page, sorts_of
from gql_service.catalog.visibility import (
    AnnotationColumns,
    ItemColumns,
    View,
    visible_annotations,
    visible_items,
)
from gql_service.database.engine import Tx
from gql_service.database.sets import among, among_given

Column = sa.ColumnElement[Any]
Predicate = sa.ColumnElement[bool]

AnnotationOrderField = Literal["key", "label", "type", "created_at", "updated_at"]
AnnotationOrder = Sequence[tuple[AnnotationOrderField, bool]]
"""Fields with whether they descend, the most significant first."""

__all__ = [  # an order is asked for together with a page
    "AnnotationOrder",
    "AnnotationOrderField",
    "ItemOrder",
    "annotations_of_items",
    "count_annotations",
    "count_annotations_of_items",
    "count_items",
    "page_annotations",
    "page_items",
]


def page_items(
    tx: Tx,
    view: View,
    filter: ItemFilter | None,
    order: ItemOrder = (),
    *,
    after: int | None = None,
    limit: int,
    backwards: bool = False,
) -> Slice:
    """At most `limit` items by `order`, then by key; by path when it is empty.

    `after` is the key of an item that the view shows: the page begins behind it, or ends before it
    when `backwards`; without it, the page is the first or the last. Raises Invalid when the view
    does not show that item.
    """
    states = few_states(tx, view, filter)
    if states is None:
        filter = paced(tx, view, filter, order[0][0] if order else None, limit)
    read = item_reading(view, filter, order, states=states, postgres=tx.postgres)
    return read_page(tx, read, after, limit, backwards=backwards)


def page_annotations(
    tx: Tx,
    view: View,
    filter: AnnotationFilter | None,
    order: AnnotationOrder = (),
    *,
    after: int | None = None,
    limit: int,
    backwards: bool = False,
) -> Slice:
    """At most `limit` annotations of the whole dataset by `order`, then by key; as `page_items`."""
    read = annotation_reading(view, filter, order, postgres=tx.postgres)
    return read_page(tx, read, after, limit, backwards=backwards)


def annotations_of_items(
    tx: Tx,
    view: View,
    items: Collection[int],
    filter: AnnotationFilter | None,
    order: AnnotationOrder = (),
    *,
    after: int | None = None,
    limit: int,
    backwards: bool = False,
) -> dict[int, Slice]:
    """A page of at most `limit` annotations for each item key, in one statement.

    `after` is the key of an annotation: only the item that it is on has a page behind it, and the
    others are left out. Raises Invalid when the view does not show it.
    """
    read = _of_items(tx, view, filter, order, items)
    sorts = read.directed(backwards=backwards)
    anchor = None if after is None else anchor_of(tx, read, after)

    def build(c: AnnotationColumns) -> sa.Select[Any]:
        return read.select(c, sorts, anchor)

    whole = read.shown(build, False).subquery()
    by_item = sa.over(
        sa.func.row_number(),
        partition_by=whole.c.item,
        order_by=[sort.by(whole.c[sort.label]) for sort in sorts],
    )
    numbered = sa.select(whole, by_item.label("place")).subquery()
    rows = tx.rows(
        sa.select(*(numbered.c[name] for name in _ANNOTATION_NAMES))
        .where(numbered.c.place <= limit + 1)
        .order_by(numbered.c.item, numbered.c.place)
    )
    asked = items if after is None else {_item_of(tx, view, after)} & set(items)
    found: dict[int, list[sa.Row[Any]]] = {item: [] for item in asked}
    for row in rows:
        if row.item not in found:
            continue
        found[row.item].append(row)
    return {
        item: cut(rows, limit, backwards=backwards, anchored=after is not None)
        for item, rows in found.items()
    }


def _item_of(tx: Tx, view: View, annotation: int) -> int:
    """The item that an annotation of the view is on."""
    item: int = tx.scalar(
        visible_annotations(view, lambda c: sa.select(c.item).where(c.key == annotation))
    )
    return item


def count_items(tx: Tx, view: View, filter: ItemFilter) -> int:
    """How many items match. The number of all is a counter of the version."""

    if (number := counted(tx, view, filter)) is not None:
        return number
    within = states_within(tx, view, filter)

    def build(c: ItemColumns) -> sa.Select[Any]:
        matching = item_predicate(filter, c, view, postgres=tx.postgres)
        return sa.select(sa.func.count().label("found")).where(within(c), matching)

    whole = visible_items(view, build).subquery()
    return int(tx.scalar(sa.select(sa.func.sum(whole.c.found))))


def count_annotations(tx: Tx, view: View, filter: AnnotationFilter) -> int:
    """How many annotations match. The number of all is a counter of the version."""

    def build(c: AnnotationColumns) -> sa.Select[Any]:
        matching = annotation_predicate(filter, c, view, postgres=tx.postgres)
        return sa.select(sa.func.count().label("found")).where(matching)

    whole = visible_annotations(view, build).subquery()
    return int(tx.scalar(sa.select(sa.func.sum(whole.c.found))))


def count_annotations_of_items(
    tx: Tx, view: View, items: Collection[int], filter: AnnotationFilter | None
) -> dict[int, int]:
    """How many annotations of each item key match, in one statement; 0 is said too."""
    read = _of_items(tx, view, filter, (), items)
    whole = read.shown(lambda c: sa.select(c.item).where(read.matching(c)), False).subquery()
    counted = sa.select(whole.c.item, sa.func.count().label("found")).group_by(whole.c.item)
    return dict.fromkeys(items, 0) | {row.item: row.found for row in tx.rows(counted)}


_ANNOTATION_SORTS: dict[AnnotationOrderField, Callable[[AnnotationColumns], Column]] = {
    "key": lambda c: c.key,
    "label": lambda c: c.label,
    "type": lambda c: c.type,
    "created_at": lambda c: c.created_at,
    "updated_at": lambda c: c.updated_at,
}


def _annotation_parts(
    field: AnnotationOrderField, _descending: bool
) -> Sequence[Callable[[AnnotationColumns], Column]]:
    return [_ANNOTATION_SORTS[field]]


_ANNOTATION_NAMES = list(AnnotationColumns.__dataclass_fields__)


def item_reading(
    view: View,
    filter: ItemFilter | None,
    order: ItemOrder,
    *,
    states: Sequence[int] | str | None = None,
    postgres: bool,
) -> Reading[ItemColumns]:
    """How the matching items of a view are read, in their order; of these states alone, or of those
    that are given by this name when it is read."""

    def matching(c: ItemColumns) -> Predicate:
        tests = []
        if isinstance(states, str):
            tests.append(among_given(c.id, states))
        elif states is not None:
            tests.append(among(c.id, states))
        if filter is not None:
            tests.append(item_predicate(filter, c, view, postgres=postgres))
        return sa.and_(sa.true(), *tests)

    return Reading(
        shown=lambda build, limited: visible_items(view, build, limited=limited),
        matching=matching,
        sorts=item_sorts(order, postgres=postgres),
    )


def annotation_reading(
    view: View,
    filter: AnnotationFilter | None,
    order: AnnotationOrder,
    *,
    of: Callable[[AnnotationColumns], Predicate] | None = None,
    postgres: bool,
) -> Reading[AnnotationColumns]:
    """How the matching annotations of a view are read, in their order; only those `of` tells."""

    def matching(c: AnnotationColumns) -> Predicate:
        tests = [] if of is None else [of(c)]
        if filter is not None:
            tests.append(annotation_predicate(filter, c, view, postgres=postgres))
        return sa.and_(sa.true(), *tests)

    steps: AnnotationOrder = order or [("key", False)]
    return Reading(
        shown=lambda build, limited: visible_annotations(view, build, limited=limited),
        matching=matching,
        sorts=sorts_of(_annotation_parts, steps, unique="key", least=0),
    )


def _of_items(
    tx: Tx,
    view: View,
    filter: AnnotationFilter | None,
    order: AnnotationOrder,
    items: Collection[int],
) -> Reading[AnnotationColumns]:
    def on_one(c: AnnotationColumns) -> Predicate:
        return among(c.item, items)

    return annotation_reading(view, filter, order, of=on_one, postgres=tx.postgres)
