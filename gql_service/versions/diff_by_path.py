"""What differs between datasets that have nothing in common but paths.

Neither has a key of the other, so items are counterparts by path, and annotations of counterparts
are equal or not: there is no telling which became which. Both views are read once, in the order
of their paths, side by side.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from gql_service.catalog.filter_sql import item_predicate
from gql_service.catalog.filters import ItemFilter
from gql_service.catalog.visibility import ItemColumns, View, visible_items
from gql_service.database.engine import Tx
from gql_service.versions.comparing import ANNOTATION_VALUES, ITEM_VALUES
from gql_service.versions.content import Row, annotations_of_items, items_by_key
from gql_service.versions.diff import ChangeKind, Counts, ItemDifference

_STRETCH = 2_000
"""Items of each side that are read and compared at once."""


@dataclass(frozen=True, slots=True)
class _Both:
    """What two views have at one path, and how many annotations only one of them has."""

    old: Row | None
    new: Row | None
    gone: int
    arrived: int

    def difference(self) -> ItemDifference | None:
        if self.old is None or self.new is None:
            kind = ChangeKind.REMOVED if self.new is None else ChangeKind.ADDED
            return ItemDifference(
                kind, self.old.key if self.old else None, self.new.key if self.new else None
            )
        if self.gone or self.arrived or _itself_differs(self.old, self.new):
            return ItemDifference(ChangeKind.MODIFIED, self.old.key, self.new.key)
        return None

    def counts(self) -> Counts:
        return Counts(
            items=int(self.difference() is not None),
            items_added=int(self.old is None),
            items_modified=int(_itself_differs(self.old, self.new)),
            items_removed=int(self.new is None),
            annotations_added=self.arrived,
            annotations_removed=self.gone,
        )


def count_by_path(tx: Tx, before: View, after: View, filter: ItemFilter | None) -> Counts:
    found = Counts()
    for both in _side_by_side(tx, before, after, filter, "", _STRETCH):
        found = found.plus(both.counts())
    return found


def page_by_path(
    tx: Tx,
    before: View,
    after: View,
    filter: ItemFilter | None,
    *,
    behind: int | None,
    limit: int,
) -> list[ItemDifference]:
    """The first `limit` items, by path, that differ: beyond the path of the item `behind`."""
    start = "" if behind is None else _path_of(tx, before, after, behind)
    found: list[ItemDifference] = []
    stretch = max(2 * limit, 100)
    for both in _side_by_side(tx, before, after, filter, start, stretch):
        if len(found) == limit:
            break
        if (difference := both.difference()) is not None:
            found.append(difference)
    return found


def _side_by_side(
    tx: Tx, before: View, after: View, filter: ItemFilter | None, start: str, stretch: int
) -> Iterator[_Both]:
    """What both views have at each path beyond `start`, of what matches now, or did when it is
    not there any more; by path."""
    while True:
        sides = [_stretch(tx, view, filter, start, stretch) for view in (before, after)]
        ends = [rows[-1].path for rows in sides if len(rows) == stretch]
        horizon = min(ends, key=str.encode) if ends else None
        old, new = ({row.path: row for row in _up_to(rows, horizon)} for rows in sides)
        gone, arrived = _lonely_annotations(tx, before, after, old, new)
        for path in sorted(old.keys() | new.keys(), key=str.encode):
            was, is_now = old.get(path), new.get(path)
            if (is_now or was).matches:  # type: ignore[union-attr]
                yield _Both(was, is_now, gone[path], arrived[path])
        if horizon is None:
            return
        start = horizon


def _stretch(
    tx: Tx, view: View, filter: ItemFilter | None, start: str, limit: int
) -> Sequence[Row]:
    def build(c: ItemColumns) -> sa.Select[Any]:
        matches: sa.ColumnElement[Any] = sa.true()
        if filter is not None:
            matches = item_predicate(filter, c, view, postgres=tx.postgres)
        values = [getattr(c, name).label(name) for name in ITEM_VALUES]
        return (
            sa.select(c.key.label("key"), *values, matches.label("matches"))
            .where(c.path > start)
            .order_by(c.path)
            .limit(limit)
        )

    whole = visible_items(view, build, limited=True).subquery()
    return tx.rows(sa.select(whole).order_by(whole.c.path).limit(limit))


def _up_to(rows: Sequence[Row], horizon: str | None) -> Sequence[Row]:
    if horizon is None:
        return rows
    return [row for row in rows if row.path.encode() <= horizon.encode()]


def _lonely_annotations(
    tx: Tx, before: View, after: View, old: dict[str, Row], new: dict[str, Row]
) -> tuple[Counter[str], Counter[str]]:
    """At each path, how many annotations only the one view has, and how many only the other."""
    had, has = _annotations(tx, before, old), _annotations(tx, after, new)
    gone: Counter[str] = Counter()
    arrived: Counter[str] = Counter()
    for (path, *_), number in (had - has).items():
        gone[path] += number
    for (path, *_), number in (has - had).items():
        arrived[path] += number
    return gone, arrived


def _annotations(tx: Tx, view: View, items: dict[str, Row]) -> Counter[tuple[Any, ...]]:
    paths = {row.key: path for path, row in items.items()}
    rows = annotations_of_items(tx, view, list(paths))
    return Counter((paths[row.item], *annotation_value(row)) for row in rows)


def annotation_value(row: Row) -> tuple[Any, ...]:
    """All that a diff compares of an annotation."""
    return tuple(getattr(row, name) for name in ANNOTATION_VALUES)


def _itself_differs(old: Row | None, new: Row | None) -> bool:
    """False of what only one side has."""
    if old is None or new is None:
        return False
    return any(getattr(old, name) != getattr(new, name) for name in ITEM_VALUES)


def _path_of(tx: Tx, before: View, after: View, key: int) -> str:
    """The path of an item that one of the views shows; the end of all paths when none does."""
    row = items_by_key(tx, after, [key]).get(key) or items_by_key(tx, before, [key]).get(key)
    path: str = row.path if row is not None else "\U0010ffff"
    return path
