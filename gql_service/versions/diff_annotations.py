"""What differs in the annotations of items that a diff found."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from gql_service.catalog.visibility import View
from gql_service.database.engine import Tx
from gql_service.versions.content import Row, annotations_of_items
from gql_service.versions.diff import ChangeKind
from gql_service.versions.diff_by_path import annotation_value

Pair = tuple[int | None, int | None]
"""The key of an item before and after; None where it is not there."""


@dataclass(frozen=True, slots=True)
class AnnotationDifference:
    """An annotation as it was and as it is; at least one of them."""

    kind: ChangeKind
    before: Row | None
    after: Row | None

    @property
    def key(self) -> int:
        row = self.after if self.before is None else self.before
        assert row is not None, "a difference of nothing"
        key: int = row.key
        return key


def annotation_differences(
    tx: Tx, before: View | None, after: View, pairs: Collection[Pair]
) -> dict[Pair, list[AnnotationDifference]]:
    """What differs on each item, by key of the annotation; two statements for all of them."""
    old_items = [old for old, _ in pairs if old is not None]
    new_items = [new for _, new in pairs if new is not None]
    old = _by_item(annotations_of_items(tx, before, old_items) if before else ())
    new = _by_item(annotations_of_items(tx, after, new_items))
    found = {}
    for pair in pairs:
        was, is_now = old.get(pair[0] or 0, []), new.get(pair[1] or 0, [])
        related = None in pair or pair[0] == pair[1]
        changes = _by_key(was, is_now) if related else _by_value(was, is_now)
        found[pair] = sorted(changes, key=lambda change: change.key)
    return found


def _by_item(rows: Iterable[Row]) -> dict[int, list[Row]]:
    found: dict[int, list[Row]] = {}
    for row in rows:
        found.setdefault(row.item, []).append(row)
    return found


def _by_key(old: Iterable[Row], new: Iterable[Row]) -> list[AnnotationDifference]:
    left = {row.key: row for row in old}
    found = []
    for row in new:
        was = left.pop(row.key, None)
        if was is None:
            found.append(AnnotationDifference(ChangeKind.ADDED, None, row))
        elif annotation_value(was) != annotation_value(row):
            found.append(AnnotationDifference(ChangeKind.MODIFIED, was, row))
    return found + [AnnotationDifference(ChangeKind.REMOVED, row, None) for row in left.values()]


def _by_value(old: Iterable[Row], new: Iterable[Row]) -> list[AnnotationDifference]:
    """Of strangers: equal ones are the same, of all others nobody knows."""
    left: dict[tuple[object, ...], list[Row]] = {}
    for row in old:
        left.setdefault(annotation_value(row), []).append(row)
    found = []
    for row in new:
        equal = left.get(annotation_value(row))
        if equal:
            equal.pop()
        else:
            found.append(AnnotationDifference(ChangeKind.ADDED, None, row))
    gone = [row for rows in left.values() for row in rows]
    return found + [AnnotationDifference(ChangeKind.REMOVED, row, None) for row in gone]
