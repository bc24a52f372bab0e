"""One statement that compares two views item by item, annotations included.

Contents are compared as they are shown, behind the masks: what was written where, and by whom,
makes no difference. An item is its own counterpart, by key, and so is an annotation on the same
item.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sqlalchemy as sa

from gql_service.catalog.filter_sql import item_predicate
from gql_service.catalog.filters import ItemFilter
from gql_service.catalog.visibility import (
    AnnotationColumns,
    ItemColumns,
    View,
    visible_annotations,
    visible_items,
)

Which = Callable[[sa.ColumnElement[Any]], sa.ColumnElement[bool]]
"""Makes the condition on the column of item keys: which items are compared."""
WhichAnnotations = Callable[[AnnotationColumns], sa.ColumnElement[bool]]

ITEM_VALUES = ("path", "binary", "metadata", "description", "hidden")
ANNOTATION_VALUES = ("type", "label", "coordinates", "attributes", "metadata", "status")
_NO: sa.ColumnElement[int] = sa.literal_column("0")
_YES: sa.ColumnElement[int] = sa.literal_column("1")


def compared(
    before: View,
    after: View,
    which: Which,
    annotated: WhichAnnotations,
    filter: ItemFilter | None,
    *,
    postgres: bool,
) -> sa.CTE:
    """A row for each of the chosen items that the two views show differently, themselves or in
    the chosen annotations.

    `key`; `was` and `is_now`, whether each view shows it; `differs`, whether it itself differs,
    and `moved_only`, whether in nothing but its path; `annotations_added`, `_modified` and
    `_removed`. With a filter, only items that match as they are now, or as they were when they
    are no longer there. Flags are 0 or 1.
    """
    old = _items(before, which, filter, postgres).cte("old_items")
    new = _items(after, which, filter, postgres).cte("new_items")
    items = sa.union_all(_kept_and_added(old, new), _removed(old, new)).cte("items_compared")
    annotations = _annotation_changes(before, after, annotated)
    found = sa.select(
        items.c.key,
        items.c.was,
        items.c.is_now,
        items.c.differs,
        items.c.moved_only,
        *(
            sa.func.coalesce(annotations.c[name], 0).label(f"annotations_{name}")
            for name in ("added", "modified", "removed")
        ),
    ).select_from(items.outerjoin(annotations, annotations.c.item == items.c.key))
    return found.where(
        items.c.matches == _YES,
        sa.or_(items.c.differs == _YES, annotations.c.item.is_not(None)),
    ).cte("differences")


def _items(
    view: View, which: Which, filter: ItemFilter | None, postgres: bool
) -> sa.Select[Any] | sa.CompoundSelect[Any]:
    def build(c: ItemColumns) -> sa.Select[Any]:
        matches: sa.ColumnElement[Any] = _YES
        if filter is not None:
            matches = flag(item_predicate(filter, c, view, postgres=postgres))
        values = [getattr(c, name).label(name) for name in ITEM_VALUES]
        return sa.select(c.key.label("key"), *values, matches.label("matches")).where(which(c.key))

    return visible_items(view, build)


def _kept_and_added(old: sa.CTE, new: sa.CTE) -> sa.Select[Any]:
    there = old.c.key.is_not(None)
    rest = sa.or_(*(differ(old, new, name) for name in ITEM_VALUES if name != "path"))
    moved = differ(old, new, "path")
    return sa.select(
        new.c.key.label("key"),
        flag(there).label("was"),
        _YES.label("is_now"),
        flag(sa.or_(~there, moved, rest)).label("differs"),
        flag(sa.and_(there, moved, ~rest)).label("moved_only"),
        new.c.matches.label("matches"),
    ).select_from(new.outerjoin(old, old.c.key == new.c.key))


def _removed(old: sa.CTE, new: sa.CTE) -> sa.Select[Any]:
    return (
        sa.select(old.c.key, _YES, _NO, _YES, _NO, old.c.matches)
        .select_from(old.outerjoin(new, new.c.key == old.c.key))
        .where(new.c.key.is_(None))
    )


def _annotation_changes(before: View, after: View, which: WhichAnnotations) -> sa.Subquery:
    """For each item with changed annotations, how many were added, modified and removed."""

    def build(c: AnnotationColumns) -> sa.Select[Any]:
        values = [getattr(c, name).label(name) for name in ANNOTATION_VALUES]
        return sa.select(c.key.label("key"), c.item.label("item"), *values).where(which(c))

    old = visible_annotations(before, build).cte("old_annotations")
    new = visible_annotations(after, build).cte("new_annotations")
    same = sa.and_(old.c.key == new.c.key, old.c.item == new.c.item)
    differs = sa.or_(*(differ(old, new, name) for name in ANNOTATION_VALUES))
    arrived = old.c.key.is_(None)
    added_and_modified = (
        sa.select(
            new.c.item.label("item"),
            flag(arrived).label("added"),
            flag(~arrived).label("modified"),
            _NO.label("removed"),
        )
        .select_from(new.outerjoin(old, same))
        .where(sa.or_(arrived, differs))
    )
    removed = (
        sa.select(old.c.item, _NO, _NO, _YES)
        .select_from(old.outerjoin(new, same))
        .where(new.c.key.is_(None))
    )
    each = sa.union_all(added_and_modified, removed).subquery()
    sums = [sa.func.sum(each.c[name]).label(name) for name in ("added", "modified", "removed")]
    return sa.select(each.c.item, *sums).group_by(each.c.item).subquery()


def differ(old: sa.FromClause, new: sa.FromClause, name: str) -> sa.ColumnElement[bool]:
    return old.c[name].is_distinct_from(new.c[name])


def flag(test: sa.ColumnElement[bool]) -> sa.ColumnElement[int]:
    return sa.case((test, _YES), else_=_NO)
