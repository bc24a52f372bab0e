"""What differs between two snapshots, by looking at every row of both."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from tests.oracle.model import Annotation, Item, Snapshot

Pair = tuple[int | None, int | None]
"""Keys of an item before and after; None where it is not there."""


@dataclass(frozen=True)
class Difference:
    """An item that differs; of annotations, the keys by what became of them."""

    kind: str
    itself: bool
    added: frozenset[int] = frozenset()
    modified: frozenset[int] = frozenset()
    removed: frozenset[int] = frozenset()


def diff(before: Snapshot, after: Snapshot) -> dict[Pair, Difference]:
    """Counterparts are equal keys, of snapshots with a common ancestor; else equal paths."""
    related = not before.kin.isdisjoint(after.kin)
    found = {}
    for pair in _pairs(before, after, related=related):
        old = before.items.get(pair[0]) if pair[0] is not None else None
        new = after.items.get(pair[1]) if pair[1] is not None else None
        difference = _difference(before, after, old, new, related=related)
        if difference is not None:
            found[pair] = difference
    return found


def _pairs(before: Snapshot, after: Snapshot, *, related: bool) -> set[Pair]:
    if related:
        return {
            (key if key in before.items else None, key if key in after.items else None)
            for key in before.items.keys() | after.items.keys()
        }
    old = {row.path: row.key for row in before.items.values()}
    new = {row.path: row.key for row in after.items.values()}
    return {(old.get(path), new.get(path)) for path in old.keys() | new.keys()}


def _difference(
    before: Snapshot, after: Snapshot, old: Item | None, new: Item | None, *, related: bool
) -> Difference | None:
    had = before.annotations_of(old.key) if old else []
    has = after.annotations_of(new.key) if new else []
    by_key = related or old is None or new is None
    added, modified, removed = _by_key(had, has) if by_key else _by_value(had, has)
    if old is None or new is None:
        return Difference("REMOVED" if new is None else "ADDED", True, added, modified, removed)
    moved, rest = old.path != new.path, _rest(old) != _rest(new)
    if not (moved or rest or added or modified or removed):
        return None
    kind = "RENAMED" if moved and not rest else "MODIFIED"
    return Difference(kind, moved or rest, added, modified, removed)


def _by_key(
    had: list[Annotation], has: list[Annotation]
) -> tuple[frozenset[int], frozenset[int], frozenset[int]]:
    old, new = {row.key: row for row in had}, {row.key: row for row in has}
    both = old.keys() & new.keys()
    modified = frozenset(key for key in both if _shown(old[key]) != _shown(new[key]))
    return frozenset(new.keys() - both), modified, frozenset(old.keys() - both)


def _by_value(
    had: list[Annotation], has: list[Annotation]
) -> tuple[frozenset[int], frozenset[int], frozenset[int]]:
    """Of equal ones nobody can tell which is left over: they are named by the last of them."""
    old, new = Counter(repr(_shown(row)) for row in had), Counter(repr(_shown(r)) for r in has)
    return _left_over(has, new - old), frozenset(), _left_over(had, old - new)


def _left_over(rows: list[Annotation], wanted: Counter[str]) -> frozenset[int]:
    left, found = Counter(wanted), []
    for row in rows:
        if left[repr(_shown(row))] > 0:
            left[repr(_shown(row))] -= 1
            found.append(row.key)
    return frozenset(found)


def _rest(row: Item) -> tuple[object, ...]:
    return (row.binary, dict(row.metadata), row.description, row.hidden)


def _shown(row: Annotation) -> tuple[object, ...]:
    return (
        row.type,
        row.label,
        row.coordinates,
        sorted(row.attributes.items()),
        sorted(row.metadata.items()),
        row.status,
    )
