"""Reading a view by keyset: so many rows beyond an anchor, in an order.

A page is the rows after the values that its anchor sorts by: each branch of the view finds its own
first ones, through an index where one has the order, and the first of all of them are the page.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any, Generic, Protocol, TypeVar

import sqlalchemy as sa

from gql_service.catalog.keyset import Slice
from gql_service.catalog.visibility import Statement
from gql_service.database.engine import Tx
from gql_service.errors import Invalid

Column = sa.ColumnElement[Any]
Predicate = sa.ColumnElement[bool]


class Columns(Protocol):
    """The columns of a branch: `ItemColumns` or `AnnotationColumns`."""

    @property
    def key(self) -> Column: ...

    def all(self) -> list[Column]: ...


C = TypeVar("C", bound=Columns)
Field = TypeVar("Field")


@dataclass(frozen=True, slots=True)
class Sort(Generic[C]):
    """One value that rows are ordered by, and how a branch makes it. It is never NULL."""

    label: str
    value: Callable[[C], Column]
    descending: bool
    least: Any = None
    """What no value is below, where an index has this order."""

    def turned(self) -> Sort[C]:
        return replace(self, descending=not self.descending)

    def by(self, column: Column) -> sa.UnaryExpression[Any]:
        return column.desc() if self.descending else column.asc()

    def beyond(self, column: Column, value: Any) -> Predicate:
        test: Predicate = column < value if self.descending else column > value
        return test

    def reaches(self, column: Column, value: Any) -> Predicate:
        test: Predicate = column <= value if self.descending else column >= value
        return test


@dataclass(frozen=True, slots=True)
class Reading(Generic[C]):
    """What is read: the branches of a view, which rows of them, and in which order."""

    shown: Callable[[Callable[[C], sa.Select[Any]], bool], Statement]
    matching: Callable[[C], Predicate]
    sorts: list[Sort[C]]

    def select(
        self,
        columns: C,
        sorts: list[Sort[C]],
        anchor: list[Any] | None,
        *,
        limit: int | sa.ColumnElement[int] | None = None,
        names: Collection[str] | None = None,
    ) -> sa.Select[Any]:
        """The matching rows of a branch beyond the anchor, with the values they are sorted by.

        With a limit, the first ones in that order; with names, only these columns.
        """
        values = [sort.value(columns) for sort in sorts]
        labelled = [value.label(s.label) for s, value in zip(sorts, values, strict=True)]
        shown = [column for column in columns.all() if names is None or column.name in names]
        select = sa.select(*shown, *labelled).where(self.matching(columns))
        if anchor is not None:
            select = select.where(_beyond(sorts, values, anchor))
        if limit is None:
            return select
        if sorts[0].least is not None:
            # Always true. Without a bound, SQLite finds an index on `since` as good and then sorts.
            select = select.where(values[0] >= sorts[0].least)
        ordered = [sort.by(label) for sort, label in zip(sorts, labelled, strict=True)]
        return select.order_by(*ordered).limit(limit)

    def directed(self, *, backwards: bool) -> list[Sort[C]]:
        return [sort.turned() for sort in self.sorts] if backwards else self.sorts


def read_page(tx: Tx, read: Reading[C], after: int | None, limit: int, *, backwards: bool) -> Slice:
    """At most `limit` rows beyond the row whose key is `after`; from either end without one.

    Raises Invalid when the view does not show that row.
    """
    sorts = read.directed(backwards=backwards)
    anchor = None if after is None else anchor_of(tx, read, after)

    def build(c: C) -> sa.Select[Any]:
        return read.select(c, sorts, anchor, limit=limit + 1)

    whole = read.shown(build, True).subquery()
    sorted_by = {sort.label for sort in sorts}
    rows = tx.rows(
        sa.select(*(column for column in whole.c if column.name not in sorted_by))
        .order_by(*(sort.by(whole.c[sort.label]) for sort in sorts))
        .limit(limit + 1)
    )
    return cut(rows, limit, backwards=backwards, anchored=after is not None)


def cut(rows: Sequence[sa.Row[Any]], limit: int, *, backwards: bool, anchored: bool) -> Slice:
    """The page of rows that were read one beyond the limit, in the direction of reading."""
    more = len(rows) > limit
    kept = rows[:limit]
    if backwards:
        return Slice(kept[::-1], has_next=anchored, has_previous=more)
    return Slice(kept, has_next=more, has_previous=anchored)


def anchor_of(tx: Tx, read: Reading[C], key: int) -> list[Any]:
    """The values that the row of a cursor is sorted by. Raises Invalid when it is not shown."""

    def build(c: C) -> sa.Select[Any]:
        return sa.select(*(s.value(c).label(s.label) for s in read.sorts)).where(c.key == key)

    row = tx.first(read.shown(build, False))
    if row is None:
        raise Invalid("The cursor does not belong to this list")
    return list(row)


def _beyond(sorts: list[Sort[Any]], values: list[Column], anchor: list[Any]) -> Predicate:
    """True of rows that come after the anchor.

    Spelt out, since a comparison of rows knows one direction only; the first test is implied by
    the others and gives an index where to begin.
    """
    steps = list(zip(sorts, values, anchor, strict=True))
    ways = []
    for place, (sort, column, value) in enumerate(steps):
        same = [earlier == before for _, earlier, before in steps[:place]]
        ways.append(sa.and_(*same, sort.beyond(column, value)))
    first, column, value = steps[0]
    return ways[0] if len(ways) == 1 else sa.and_(first.reaches(column, value), sa.or_(*ways))


def sorts_of(
    parts: Callable[[Field, bool], Sequence[Callable[[C], Column]]],
    order: Sequence[tuple[Field, bool]],
    *,
    unique: Field,
    least: Any,
) -> list[Sort[C]]:
    """The order, cut after a unique field or completed by the key in the last one's direction.

    `parts` gives what a field sorts by in a direction, the most significant value first. The
    unique field, beside the key, is the one with an index; `least` is what none of its values is
    below.
    """
    sorts: list[Sort[C]] = []
    for place, (field, descending) in enumerate(order):
        if field in [earlier for earlier, _ in order[:place]]:
            continue
        floor = least if field == unique else None
        for number, value in enumerate(parts(field, descending)):
            sorts.append(Sort(f"by_{place}_{number}", value, descending, floor))
        if field in (unique, "key"):
            return sorts
    return [*sorts, Sort("by_key", lambda c: c.key, sorts[-1].descending)]
