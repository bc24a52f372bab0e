"""The past of items and annotations: who changed what, through clones and merges, newest first.

A place (a dataset at a version) is told every version that it has seen, of its own dataset and of
those it comes from, in which the thing was written or removed. What was only brought along by a
clone or a merge is no event there: it happened where it was written.

Where versions have expired, the past ends: what a version did is told only when it and the one
before can still be read, because only then is it known what was there before and after.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import sqlalchemy as sa

from gql_service.catalog.dataset import datasets_by_id
from gql_service.catalog.lineage import PlacedItem
from gql_service.catalog.version import VersionRecord, versions_by_number
from gql_service.database.engine import Tx
from gql_service.versions.comparing import ITEM_VALUES
from gql_service.versions.diff import ChangeKind, ItemDifference
from gql_service.versions.diff_annotations import AnnotationDifference
from gql_service.versions.knowledge import Seen, Sight, seen_by, sights
from gql_service.versions.past import History, Past, Place
from gql_service.versions.past_rows import (
    Change,
    Lines,
    lines_of,
    past_at,
    past_of_annotations,
    past_of_items,
    past_on_items,
)

ItemPlace = tuple[int, int, int]
"""A dataset at a version, and the key of an item."""
D = TypeVar("D", ItemDifference, AnnotationDifference)
_REST = [name for name in ITEM_VALUES if name != "path"]


@dataclass(frozen=True, slots=True)
class PlacedAnnotation:
    """An annotation as a dataset shows it; `row` has the columns of `AnnotationColumns`."""

    dataset: int
    version: int
    row: sa.Row[Any]


Placed = TypeVar("Placed", PlacedItem, PlacedAnnotation)


def item_histories(
    tx: Tx, items: Collection[PlacedItem]
) -> dict[PlacedItem, History[ItemDifference]]:
    """The events of each item, its annotations' included, in datasets that the actor may read."""
    found: dict[PlacedItem, History[ItemDifference]] = {}
    for placed in _by_place(items):
        keys = {item.row.key for item in placed}
        lines, sight = _seen(tx, placed[0], keys)
        own = _seen_only(past_of_items(tx, lines.datasets, keys), sight, item="key")
        inside = _seen_only(past_on_items(tx, lines.datasets, keys), sight, item="item")
        at = {(*change.place, change.either.key): change for change in own}
        events = [(change.either.key, change) for change in own]
        events += [(change.either.item, change) for change in inside]
        told: dict[int, dict[Place, ItemDifference]] = {key: {} for key in keys}
        for key, change in events:
            if not change.copied:
                told[key][change.place] = _item_difference(key, change.place, at)
        order = _newest_first(tx, {place for one in told.values() for place in one})
        for item in placed:
            its = told[item.row.key]
            found[item] = History(_in_order(its.items(), order), lines.complete)
    return found


def annotation_histories(
    tx: Tx, annotations: Collection[PlacedAnnotation]
) -> dict[PlacedAnnotation, History[AnnotationDifference]]:
    """The events of each annotation, in datasets that the actor may read."""
    pasts, complete = _annotation_pasts(tx, annotations)
    order = _newest_first(tx, {change.place for past in pasts.values() for change in past})
    found: dict[PlacedAnnotation, History[AnnotationDifference]] = {}
    for one, past in pasts.items():
        events = [(change.place, annotation_difference(change)) for change in past]
        found[one] = History(_in_order(events, order), complete[one])
    return found


def inside_events(
    tx: Tx, places: Collection[ItemPlace]
) -> dict[ItemPlace, list[AnnotationDifference]]:
    """What each version did to the annotations of an item, by key."""
    lines = lines_of(tx, {dataset for dataset, _, _ in places})
    items, versions = {item for _, _, item in places}, {version for _, version, _ in places}
    found: dict[ItemPlace, list[AnnotationDifference]] = {place: [] for place in places}
    for change in past_at(tx, lines.datasets, items, versions):
        place = (*change.place, change.either.item)
        if place in found:
            found[place].append(annotation_difference(change))
    for differences in found.values():
        differences.sort(key=lambda difference: difference.key)
    return found


def pasts_of_items(tx: Tx, items: Collection[PlacedItem]) -> dict[PlacedItem, Past]:
    """All that has been done to each item itself, whoever may read it."""
    pasts: dict[PlacedItem, list[Change]] = {}
    complete: dict[PlacedItem, bool] = {}
    for placed in _by_place(items):
        keys = {item.row.key for item in placed}
        lines, sight = _seen(tx, placed[0], keys)
        seen = _seen_only(past_of_items(tx, lines.datasets, keys), sight, item="key")
        by_key = _grouped(seen, lambda change: change.either.key)
        pasts.update({item: by_key.get(item.row.key, []) for item in placed})
        complete.update(dict.fromkeys(placed, lines.complete))
    return _dated(tx, pasts, complete)


def pasts_of_annotations(
    tx: Tx, annotations: Collection[PlacedAnnotation]
) -> dict[PlacedAnnotation, Past]:
    """All that has been done to each annotation, whoever may read it."""
    return _dated(tx, *_annotation_pasts(tx, annotations))


def annotation_difference(change: Change) -> AnnotationDifference:
    return AnnotationDifference(_kind(change), change.before, change.after)


def _annotation_pasts(
    tx: Tx, annotations: Collection[PlacedAnnotation]
) -> tuple[dict[PlacedAnnotation, list[Change]], dict[PlacedAnnotation, bool]]:
    """The changes of each annotation, of one that a merge kept beside another also those that it
    had under the key before; and whether these are all."""
    pasts: dict[PlacedAnnotation, list[Change]] = {}
    complete: dict[PlacedAnnotation, bool] = {}
    for placed in _by_place(annotations):
        lines, sight = _seen(tx, placed[0], {one.row.item for one in placed})
        rows = [one.row for one in placed]
        roots = {row.root for row in rows if row.root != row.key}
        found = past_of_annotations(tx, lines.datasets, {row.key for row in rows}, roots)
        all_seen = _seen_only(found, sight, item="item")
        seen = [change for change in all_seen if not change.copied]
        by_key = _grouped(seen, lambda change: change.either.key)
        for one in placed:
            own = by_key.get(one.row.key, [])
            before = _ancestry(one, own, seen) if one.row.key != one.row.root else []
            pasts[one] = own + before
            complete[one] = lines.complete
    return pasts, complete


def _ancestry(one: PlacedAnnotation, own: list[Change], seen: list[Change]) -> list[Change]:
    """What led to the writes of an annotation under other keys of its lineage."""
    made = {change.after.write: change for change in seen if change.after is not None}
    writes = [one.row.write, *(c.before.write for c in own if c.before is not None)]
    found: list[Change] = []
    while writes:
        change = made.pop(writes.pop(), None)
        if change is None:
            continue
        if change not in own:
            found.append(change)
        if change.before is not None:
            writes.append(change.before.write)
    return found


def _by_place(things: Iterable[Placed]) -> list[list[Placed]]:
    """A page lies in one dataset at one version as a rule."""
    groups: dict[Place, list[Placed]] = {}
    for thing in things:
        groups.setdefault((thing.dataset, thing.version), []).append(thing)
    return list(groups.values())


def _seen(tx: Tx, at: PlacedItem | PlacedAnnotation, items: Collection[int]) -> tuple[Lines, Sight]:
    """The lines of all datasets that a place has seen, and what it has seen of these items."""
    seen: list[Seen] = seen_by(tx, at.dataset, at.version)
    (sight,) = sights(tx, [seen], items)
    return lines_of(tx, sight.others), sight


def _seen_only(changes: Iterable[Change], sight: Sight, *, item: str) -> list[Change]:
    """Those that were seen; `item` is the column with the key of the item."""
    annotation = item != "key"
    return [
        change
        for change in changes
        if sight.has_seen(getattr(change.either, item), *change.place, annotation=annotation)
    ]


def _grouped(changes: Iterable[Change], by: Callable[[Change], int]) -> dict[int, list[Change]]:
    found: dict[int, list[Change]] = {}
    for change in changes:
        found.setdefault(by(change), []).append(change)
    return found


def _in_order(
    events: Iterable[tuple[Place, D]], order: Mapping[Place, int]
) -> list[tuple[Place, D]]:
    return sorted((e for e in events if e[0] in order), key=lambda event: order[event[0]])


def _newest_first(tx: Tx, places: Collection[Place]) -> dict[Place, int]:
    """The order of those of the places that the actor may read, and that can still be told."""
    readable = datasets_by_id(tx, {dataset for dataset, _ in places})
    versions = _with_previous(tx, [place for place in places if place[0] in readable])
    told = [
        (dataset, number)
        for dataset, number in places
        if all(
            one in versions and versions[one].expired_at is None
            for one in ((dataset, number), (dataset, max(number - 1, 1)))
        )
    ]
    newest = sorted(told, key=lambda one: (versions[one].created_at, *one), reverse=True)
    return {place: number for number, place in enumerate(newest)}


def _with_previous(tx: Tx, places: Collection[Place]) -> dict[Place, VersionRecord]:
    """The versions there, and those before them."""
    previous = {(dataset, number - 1) for dataset, number in places if number > 1}
    return versions_by_number(tx, previous.union(places))


def _dated(
    tx: Tx, pasts: Mapping[Placed, list[Change]], complete: Mapping[Placed, bool]
) -> dict[Placed, Past]:
    versions = _with_previous(
        tx, {change.place for changes in pasts.values() for change in changes}
    )

    def newest(change: Change) -> tuple[Any, ...]:
        version = versions.get(change.place)
        at = change.either.updated_at if version is None else version.created_at
        return (at, *change.place)

    return {
        thing: Past(sorted(changes, key=newest, reverse=True), versions, complete[thing])
        for thing, changes in pasts.items()
    }


def _item_difference(key: int, place: Place, at: Mapping[ItemPlace, Change]) -> ItemDifference:
    """What a version did to an item, if only to its annotations."""
    own = at.get((*place, key))
    kind = ChangeKind.MODIFIED if own is None else _kind(own)
    if own is not None and kind is ChangeKind.MODIFIED and _moved_only(own):
        kind = ChangeKind.RENAMED
    if place[1] == 1 and kind is not ChangeKind.REMOVED:
        kind = ChangeKind.ADDED  # before a first version there was nothing, whatever it lies on
    return ItemDifference(
        kind,
        None if kind is ChangeKind.ADDED else key,
        None if kind is ChangeKind.REMOVED else key,
    )


def _kind(change: Change) -> ChangeKind:
    if change.before is None:
        return ChangeKind.ADDED
    return ChangeKind.REMOVED if change.after is None else ChangeKind.MODIFIED


def _moved_only(change: Change) -> bool:
    old, new = change.before, change.after
    assert old is not None and new is not None, "a change of what is there"
    same = all(getattr(old, name) == getattr(new, name) for name in _REST)
    return same and old.path != new.path
