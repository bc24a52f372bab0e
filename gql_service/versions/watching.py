"""What a filter sees of the step from one version to a later one: what enters, changes and leaves.

An item is inside where it is shown and matches. The diff between two versions knows only the later
side of a filter; whoever holds a filtered list needs both, to know what to take in and what to
strike out. An item that only crosses the filter counts although nothing that it says differs: a
merge can write it anew, and a filter can ask when.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import islice

import sqlalchemy as sa

from gql_service.catalog.filter_sql import item_predicate
from gql_service.catalog.filters import ItemFilter
from gql_service.catalog.visibility import ItemColumns, View, open_views, visible_items
from gql_service.database.engine import Tx
from gql_service.database.sets import among
from gql_service.versions.changes import Lineages
from gql_service.versions.diff import (
    ChangeKind,
    ItemDifference,
    differences_of,
    lineages_between,
)

_BATCH = 500


class WatchEvent(Enum):
    """What happened to an item, as seen through a filter."""

    ENTERED = "ENTERED"
    CHANGED = "CHANGED"
    LEFT = "LEFT"


@dataclass(frozen=True, slots=True)
class Crossing:
    """An item of the filter before or after a step, and how it differs itself."""

    event: WatchEvent
    difference: ItemDifference


@dataclass(frozen=True, slots=True)
class Span:
    """The step from a version of a dataset, 0 for none, to a later one."""

    dataset: int
    after: int
    to: int


@dataclass(frozen=True, slots=True)
class CrossingCounts:
    """How many items entered a filter, changed inside it, and left it."""

    entered: int
    changed: int
    left: int


def page_of_crossings(
    tx: Tx, span: Span, filter: ItemFilter | None, *, behind: int | None, limit: int
) -> list[Crossing]:
    """The first `limit` of them, by key, beyond the key `behind`.

    Raises NotFound where there is no such dataset or version any more.
    """
    return list(islice(_crossings(tx, span, filter, behind), limit))


def count_crossings(tx: Tx, span: Span, filter: ItemFilter | None) -> CrossingCounts:
    """All of them, counted. Raises as `page_of_crossings`."""
    found = dict.fromkeys(WatchEvent, 0)
    for crossing in _crossings(tx, span, filter, None):
        found[crossing.event] += 1
    return CrossingCounts(*(found[event] for event in WatchEvent))


def _crossings(
    tx: Tx, span: Span, filter: ItemFilter | None, behind: int | None
) -> Iterator[Crossing]:
    """Batches grow, so that a page is found soon and a count takes few statements."""
    before, after = _views(tx, span)
    lineages = lineages_between(tx, before, after)
    keys = lineages.items
    start, size = 0 if behind is None else bisect_right(keys, behind), _BATCH
    while start < len(keys):
        yield from _of_batch(tx, before, after, lineages, keys[start : start + size], filter)
        start, size = start + size, min(4 * size, 20_000)


def _views(tx: Tx, span: Span) -> tuple[View | None, View]:
    later = (span.dataset, span.to)
    if span.after == 0:
        return None, open_views(tx, [later])[later]
    earlier = (span.dataset, span.after)
    views = open_views(tx, [earlier, later])
    return views[earlier], views[later]


def _of_batch(
    tx: Tx,
    before: View | None,
    after: View,
    lineages: Lineages,
    keys: Sequence[int],
    filter: ItemFilter | None,
) -> list[Crossing]:
    differing = {one.key: one for one in differences_of(tx, before, after, lineages, keys)}
    if filter is None:
        return [Crossing(_unfiltered(one), one) for one in differing.values()]
    was = set() if before is None else _inside(tx, before, keys, filter)
    now = _inside(tx, after, keys, filter)
    found: list[Crossing] = []
    for key in keys:
        difference = differing.get(key)
        if key in was and key in now:
            if difference is not None:
                found.append(Crossing(WatchEvent.CHANGED, difference))
        elif key in was or key in now:
            event = WatchEvent.ENTERED if key in now else WatchEvent.LEFT
            rewritten = ItemDifference(ChangeKind.MODIFIED, key, key)
            found.append(Crossing(event, difference or rewritten))
    return found


def _unfiltered(difference: ItemDifference) -> WatchEvent:
    if difference.before is None:
        return WatchEvent.ENTERED
    return WatchEvent.LEFT if difference.after is None else WatchEvent.CHANGED


def _inside(tx: Tx, view: View, keys: Collection[int], filter: ItemFilter) -> set[int]:
    """Those of the keys whose items the view shows and the filter matches."""

    def build(columns: ItemColumns) -> sa.Select[tuple[int]]:
        matches = item_predicate(filter, columns, view, postgres=tx.postgres)
        return sa.select(columns.key).where(among(columns.key, keys), matches)

    return {row.key for row in tx.rows(visible_items(view, build))}
