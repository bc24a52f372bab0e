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
from gql_service.database.sets import among, among_given, chunks
from gql_service.versions.changes import changed_lineages
from gql_service.versions.comparing import compared

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


def differing_keys(tx: Tx, before: View | None, after: View) -> list[int]:
    """Keys, ascending, of the items that may differ; of all items of `after` without `before`."""
    if before is None:
        everything = visible_items(after, lambda c: sa.select(c.key)).subquery()
        return [row.key for row in tx.rows(sa.select(everything.c.key).order_by(everything.c.key))]
    return sorted(changed_lineages(tx, before, after))


def count_differences(
    tx: Tx, before: View | None, after: View, keys: Sequence[int], filter: ItemFilter | None
) -> Counts:
    """How much differs, of the items with these keys."""
    found = Counts()
    for part in chunks(keys):
        found = found.plus(_counted(_asked(tx, before, after, part, filter, counted=True)[0]))
    return found


def page_of_differences(
    tx: Tx,
    before: View | None,
    after: View,
    keys: Sequence[int],
    filter: ItemFilter | None,
    *,
    behind: int | None,
    limit: int,
) -> list[ItemDifference]:
    """The first `limit` items, by key, that differ: of these keys, beyond the key `behind`."""
    found: list[ItemDifference] = []
    start = 0 if behind is None else bisect_right(keys, behind)
    size = 2 * limit
    while len(found) < limit and start < len(keys):
        part = keys[start : start + size]
        found += differences_of(tx, before, after, part, filter)
        start, size = start + size, min(4 * size, 20_000)
    return found[:limit]


def differences_of(
    tx: Tx,
    before: View | None,
    after: View,
    keys: Collection[int],
    filter: ItemFilter | None = None,
) -> list[ItemDifference]:
    """Those of the items with these keys that differ, by key."""
    rows = _asked(tx, before, after, keys, filter, counted=False)
    return [_difference(row) for row in rows]


def _asked(
    tx: Tx,
    before: View | None,
    after: View,
    keys: Collection[int],
    filter: ItemFilter | None,
    *,
    counted: bool,
) -> Sequence[sa.Row[Any]]:
    """The differences by key, or one row of their numbers."""
    old, wanted = before or _NOTHING, list(keys)
    if filter is not None:
        rows = compared(old, after, lambda key: among(key, wanted), filter, postgres=tx.postgres)
        return tx.rows(_numbers(rows) if counted else _listed(rows))
    listed, numbers = _prepared(old.live, masks_of(old), after.live, masks_of(after))
    given = {**numbers_of(old, "old_"), **numbers_of(after, "new_"), "keys": wanted}
    return tx.rows(numbers if counted else listed, given)


@lru_cache(maxsize=SHAPES)
def _prepared(
    old_live: bool, old: tuple[Masks, ...], new_live: bool, new: tuple[Masks, ...]
) -> tuple[Prepared, Prepared]:
    rows = compared(
        view_shaped(old_live, old, "old_"),
        view_shaped(new_live, new, "new_"),
        lambda key: among_given(key, "keys"),
        None,
        postgres=False,  # of which only filters make a difference
    )
    return Prepared(_listed(rows)), Prepared(_numbers(rows))


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
