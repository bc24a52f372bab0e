"""A textbook three-way merge with an explicit base, for one pair: a second, independent opinion.

It knows nothing of writes or of what anybody has seen. `base` is what the clone began with, `left`
what the source is now, `right` what the clone is now, all whole and unmasked. It only speaks of
contents: per field, a side that equals the base has not changed it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tests.oracle.model import Annotation, Item, Json, Snapshot

_NOTHING = "(nothing)"
"""A metadata key that is not there."""


@dataclass
class Merged:
    """Items by key as field dictionaries; annotations by root as lists of (value, status).

    Conflicts are (item, field, base, left, right, chosen); an annotation of which both forms were
    kept is (item, "annotation", root).
    """

    items: dict[int, dict[str, Json]] = field(default_factory=dict)
    annotations: dict[int, list[tuple[Any, Json]]] = field(default_factory=dict)
    conflicts: list[tuple[Any, ...]] = field(default_factory=list)


def three_way(
    base: Snapshot, left: Snapshot, right: Snapshot, *, keep_removed: bool, prefer_left: bool
) -> Merged:
    """`keep_removed`: removals do not count. `prefer_left`: whose change wins a conflict."""
    merged = Merged()
    for key in left.items.keys() | right.items.keys():
        versions = (base.items.get(key), left.items.get(key), right.items.get(key))
        if not keep_removed and _removed(key, versions, base, left, right):
            continue
        if not keep_removed and _gone_on_one_side(versions) and _untouched(versions):
            merged.conflicts.append((key, "removed", None, "kept", "removed", "kept"))
        merged.items[key] = _fields(key, versions, prefer_left, merged.conflicts)
        _annotations(key, base, left, right, keep_removed, prefer_left, merged)
    return merged


def _gone_on_one_side(versions: tuple[Item | None, Item | None, Item | None]) -> bool:
    before, left, right = versions
    return before is not None and (left is None or right is None)


def _untouched(versions: tuple[Item | None, Item | None, Item | None]) -> bool:
    before, left, right = versions
    stays = left or right
    return before is not None and stays is not None and _flat(before) == _flat(stays)


def _removed(
    key: int,
    versions: tuple[Item | None, Item | None, Item | None],
    base: Snapshot,
    left: Snapshot,
    right: Snapshot,
) -> bool:
    """Gone on one side, and on the other neither the item nor an annotation changed or came."""
    if not _gone_on_one_side(versions) or not _untouched(versions):
        return False
    other = left if versions[1] is not None else right
    before = {row.root: row.content() for row in base.annotations_of(key)}
    return all(before.get(row.root) == row.content() for row in other.annotations_of(key))


def _flat(row: Item) -> dict[str, Json]:
    fields = {
        "path": row.path,
        "binary": row.binary,
        "description": row.description,
        "hidden": row.hidden,
    }
    return fields | {f"metadata.{key}": value for key, value in row.metadata.items()}


def _fields(
    key: int,
    versions: tuple[Item | None, Item | None, Item | None],
    prefer_left: bool,
    conflicts: list[tuple[Any, ...]],
) -> dict[str, Json]:
    before, left, right = ({} if row is None else _flat(row) for row in versions)
    if versions[1] is None or versions[2] is None:
        return left or right
    result: dict[str, Json] = {}
    for name in sorted(before.keys() | left.keys() | right.keys()):
        old, ours, theirs = (row.get(name, _NOTHING) for row in (before, left, right))
        value, clash = _pick(old, ours, theirs, prefer_left)
        if clash:
            shown = [None if v == _NOTHING else v for v in (old, ours, theirs, value)]
            conflicts.append((key, name, *shown))
        if value != _NOTHING:
            result[name] = value
    return result


def _pick(old: Json, left: Json, right: Json, prefer_left: bool) -> tuple[Json, bool]:
    if left == right or right == old:
        return left, False
    if left == old:
        return right, False
    return (left if prefer_left else right), True


def _annotations(
    item: int,
    base: Snapshot,
    left: Snapshot,
    right: Snapshot,
    keep_removed: bool,
    prefer_left: bool,
    merged: Merged,
) -> None:
    def by_root(snapshot: Snapshot) -> dict[int, Annotation]:
        return {row.root: row for row in snapshot.annotations_of(item)}

    before, ours, theirs = by_root(base), by_root(left), by_root(right)
    both_hold_item = item in left.items and item in right.items
    for root in ours.keys() | theirs.keys():
        if root in ours and root in theirs:
            rows = (before.get(root), ours[root], theirs[root])
            merged.annotations[root] = _one_annotation(rows, prefer_left, merged.conflicts)
            continue
        row = ours.get(root) or theirs[root]
        removed = root in before and both_hold_item
        unchanged = root in before and before[root].content() == row.content()
        if not (removed and unchanged and not keep_removed):
            merged.annotations[root] = [(row.value(), row.status)]


def _one_annotation(
    rows: tuple[Annotation | None, Annotation, Annotation],
    prefer_left: bool,
    conflicts: list[tuple[Any, ...]],
) -> list[tuple[Any, Json]]:
    before, left, right = rows
    old_value = before.value() if before is not None else _NOTHING
    value, clash = _pick(old_value, left.value(), right.value(), prefer_left)
    if clash:
        conflicts.append((left.item, "annotation", left.root))
        return [(left.value(), left.status), (right.value(), right.status)]
    old_status = before.status if before is not None else _NOTHING
    status, clash = _pick(old_status, left.status, right.status, prefer_left)
    if clash:
        conflicts.append((left.item, "status", old_status, left.status, right.status, status))
    return [(value, status)]
