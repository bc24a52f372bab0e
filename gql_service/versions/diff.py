"""What differs between two points of datasets: how much, and page by page.

Items are counterparts by key. The keys that may differ are found from the two piles of sheets, so
the cost grows with the changes; only those are compared, by content. Points of datasets that have
no common ancestor are compared by path instead, in `diff_by_path`.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Sequence
from dataclasses import astuple, dataclass
from enum import Enum
from functools import lru_cache
from typing import Any

import sqlalchemy as sa

from gql_service.catalog.filters import ItemFilter
from gql_service.catalog.prepared import SHAPES, Masks, masks_of, numbers_of, view_shaped
from gql_service.catalog.visibility import Sheet, View, visible_items
from gql_service.database.engine import Tx
from gql_service.database.plan import Prepared
from gql_service.database.sets import among_given, chunks
from gql_service.versions.changes import Lineages, changed_lineages
from gql_service.versions.comparing import compared
from gql_service.versions.stretch import COUNTS, FIRST_KEYS, LISTS, Stretch

_NOTHING = View(0, 0, False, (Sheet(0, 0),))
"""A view of a line that does not exist shows nothing."""


class ChangeKind(Enum):
    """How a thing differs. RENAMED is an item that differs in its path only."""

    ADDED = "ADDED"
    REMOVED = "REMOVED"
    MODIFIED = "MODIFIED"
    RENAMED = "RENAMED"


@dataclass(frozen=True, slots=True)
class ItemDifference:
    """An item of the diff, by its key before and after; None where it is not there."""

    kind: ChangeKind
    before: int | None
    after: int | None

    @property
    def key(self) -> int:
        """What orders a diff and names a place in it."""
        key = self.after if self.before is None else self.before
        assert key is not None, "a difference of nothing"
        return key


@dataclass(frozen=True, slots=True)
class Counts:
    """How many items and annotations were added, modified and removed.

    An item of which only annotations differ is not modified, but is among the `items` that differ.
    """

    items: int = 0
    items_added: int = 0
    items_modified: int = 0
    items_removed: int = 0
    annotations_added: int = 0
    annotations_modified: int = 0
    annotations_removed: int = 0

    def plus(self, other: Counts) -> Counts:
        return Counts(*(a + b for a, b in zip(astuple(self), astuple(other), strict=True)))


def lineages_between(tx: Tx, before: View | None, after: View) -> Lineages:
    """The items that may differ; all items of `after` without `before`."""
    if before is None:
        everything = visible_items(after, lambda c: sa.select(c.key)).subquery()
        rows = tx.rows(sa.select(everything.c.key).order_by(everything.c.key))
        return Lineages([row.key for row in rows], None)
    return changed_lineages(tx, before, after)


def count_differences(
    tx: Tx, before: View | None, after: View, lineages: Lineages, filter: ItemFilter | None
) -> Counts:
    """How much differs, of these lineages."""
    found = Counts()
    for part in chunks(lineages.items):
        asked = _Asked(before or _NOTHING, after, part, lineages.annotations_of(part), filter)
        found = found.plus(_counted(asked.rows(tx, counted=True)[0]))
    return found


def page_of_differences(
    tx: Tx,
    before: View | None,
    after: View,
    lineages: Lineages,
    filter: ItemFilter | None,
    *,
    behind: int | None,
    limit: int,
) -> list[ItemDifference]:
    """The first `limit` items, by key, that differ: of these lineages, beyond the key `behind`."""
    keys = lineages.items
    found: list[ItemDifference] = []
    start = 0 if behind is None else bisect_right(keys, behind)
    size = 2 * limit
    while len(found) < limit and start < len(keys):
        part = keys[start : start + size]
        found += differences_of(tx, before, after, lineages, part, filter)
        start, size = start + size, min(4 * size, 20_000)
    return found[:limit]


def differences_of(
    tx: Tx,
    before: View | None,
    after: View,
    lineages: Lineages,
    items: Collection[int],
    filter: ItemFilter | None = None,
) -> list[ItemDifference]:
    """Those of these items of the lineages that differ, by key."""
    annotations = lineages.annotations_of(items)
    asked = _Asked(before or _NOTHING, after, list(items), annotations, filter)
    return [_difference(row) for row in asked.rows(tx, counted=False)]


def count_stretch(tx: Tx, stretch: Stretch) -> Counts:
    """How much differs between the ends of a stretch."""
    return _counted(tx.rows(COUNTS[stretch.backwards], stretch.given())[0])


def page_of_stretch(
    tx: Tx, stretch: Stretch, *, behind: int | None, limit: int
) -> list[ItemDifference]:
    """As `page_of_differences`, between the ends of a stretch."""
    found: list[ItemDifference] = []
    last, size = behind or 0, 2 * limit
    while len(found) < limit:
        first = tx.rows(FIRST_KEYS, stretch.given(behind=last, limit=size))
        if not first:
            break
        given = stretch.given(items=[row.key for row in first])
        found += [_difference(row) for row in tx.rows(LISTS[stretch.backwards], given)]
        if len(first) < size:
            break
        last, size = first[-1].key, min(4 * size, 20_000)
    return found[:limit]


@dataclass(frozen=True, slots=True)
class _Asked:
    """What differs in these items, and in these annotations or all that the items have."""

    before: View
    after: View
    items: list[int]
    annotations: list[int] | None
    filter: ItemFilter | None

    def rows(self, tx: Tx, *, counted: bool) -> Sequence[sa.Row[Any]]:
        """The differences by key, or one row of their numbers."""
        given: dict[str, Any] = {"items": self.items, "annotations": self.annotations or []}
        old, new, all = self.before, self.after, self.annotations is None
        if self.filter is not None:
            rows = _compared(old, new, self.filter, all=all, postgres=tx.postgres)
            return tx.rows(_numbers(rows) if counted else _listed(rows), given)
        listed, numbers = _prepared(old.live, masks_of(old), new.live, masks_of(new), all)
        given |= {**numbers_of(old, "old_"), **numbers_of(new, "new_")}
        return tx.rows(numbers if counted else listed, given)


@lru_cache(maxsize=SHAPES)
def _prepared(
    old_live: bool, old: tuple[Masks, ...], new_live: bool, new: tuple[Masks, ...], all: bool
) -> tuple[Prepared, Prepared]:
    rows = _compared(
        view_shaped(old_live, old, "old_"),
        view_shaped(new_live, new, "new_"),
        None,
        all=all,
        postgres=False,  # of which only filters make a difference
    )
    return Prepared(_listed(rows)), Prepared(_numbers(rows))


def _compared(
    old: View, new: View, filter: ItemFilter | None, *, all: bool, postgres: bool
) -> sa.CTE:
    return compared(
        old,
        new,
        lambda key: among_given(key, "items"),
        lambda c: among_given(c.item, "items") if all else among_given(c.key, "annotations"),
        filter,
        postgres=postgres,
    )


def _listed(rows: sa.CTE) -> sa.Select[Any]:
    return sa.select(rows).order_by(rows.c.key)


def _difference(row: sa.Row[Any]) -> ItemDifference:
    if not row.was:
        return ItemDifference(ChangeKind.ADDED, None, row.key)
    if not row.is_now:
        return ItemDifference(ChangeKind.REMOVED, row.key, None)
    kind = ChangeKind.RENAMED if row.moved_only else ChangeKind.MODIFIED
    return ItemDifference(kind, row.key, row.key)


def _numbers(rows: sa.CTE) -> sa.Select[Any]:
    """Sums in the order of `Counts`."""
    c = rows.c
    sums = [
        sa.literal_column("1"),
        (1 - c.was),
        c.was * c.is_now * c.differs,
        (1 - c.is_now),
        c.annotations_added,
        c.annotations_modified,
        c.annotations_removed,
    ]
    return sa.select(
        *(sa.func.coalesce(sa.func.sum(one), 0).label(f"n{at}") for at, one in enumerate(sums))
    )


def _counted(row: sa.Row[Any]) -> Counts:
    return Counts(*map(int, row))
