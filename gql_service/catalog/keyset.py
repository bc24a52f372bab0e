"""Pages of lists by keyset, for many parents in one statement.

Every parent's rows are numbered in the order asked for, beyond the anchor, and the first few of
each are kept. Meant for lists that a person could read (datasets, projects, places where a file is
used); items and annotations of one dataset have indexes to follow instead.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from gql_service.database.engine import Tx

Sort = tuple[str, bool]
"""A column's name and whether it descends. The last one of an order must be unique."""


@dataclass(frozen=True, slots=True)
class Slice:
    """Rows in the order asked for, and whether there are more on either side.

    On the side of the anchor, where the caller came from, there are more by definition.
    """

    rows: Sequence[sa.Row[Any]]
    has_next: bool
    has_previous: bool


NOTHING = Slice((), has_next=False, has_previous=False)


def slices(
    tx: Tx,
    rows: sa.Select[Any] | sa.CompoundSelect[Any],
    *,
    parent: str,
    sorts: Sequence[Sort],
    anchor: Sequence[Any] | None = None,
    limit: int,
    backwards: bool = False,
) -> dict[Any, Slice]:
    """At most `limit` of the `rows` of each parent, by the value in the column `parent`.

    They begin behind the `anchor`, the values of the sorts in some row, or end before it when
    `backwards`. Parents without rows are left out.
    """
    turned = [(name, descending != backwards) for name, descending in sorts]
    whole = rows.subquery()
    ordered = [whole.c[name].desc() if down else whole.c[name].asc() for name, down in turned]
    place = sa.over(sa.func.row_number(), partition_by=whole.c[parent], order_by=ordered)
    numbered = sa.select(whole, place.label("place"))
    if anchor is not None:
        numbered = numbered.where(_beyond(whole, turned, anchor))
    kept = numbered.subquery()
    found: dict[Any, list[sa.Row[Any]]] = {}
    for row in tx.rows(
        sa.select(kept).where(kept.c.place <= limit + 1).order_by(kept.c[parent], kept.c.place)
    ):
        found.setdefault(row._mapping[parent], []).append(row)
    return {
        key: _cut(of_parent, limit, backwards, anchored=anchor is not None)
        for key, of_parent in found.items()
    }


def _beyond(
    whole: sa.Subquery, sorts: Sequence[Sort], anchor: Sequence[Any]
) -> sa.ColumnElement[bool]:
    ways = []
    same: list[sa.ColumnElement[bool]] = []
    for (name, down), value in zip(sorts, anchor, strict=True):
        column = whole.c[name]
        ways.append(sa.and_(*same, column < value if down else column > value))
        same.append(column == value)
    return sa.or_(*ways)


def _cut(rows: Sequence[sa.Row[Any]], limit: int, backwards: bool, *, anchored: bool) -> Slice:
    more = len(rows) > limit
    kept = rows[:limit]
    if backwards:
        return Slice(kept[::-1], has_next=anchored, has_previous=more)
    return Slice(kept, has_next=more, has_previous=anchored)
