"""Who changed the sides of a conflict last, in the naive model, and which side a rule takes.

Where a source never held an item that it does not have, and only learnt of its removal, the model
does not know whom the service takes for the remover: every removal there was may be the one.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

from tests.oracle.model import Annotation, Snapshot, Stamp, World
from tests.oracle.resolving import LEFT, RIGHT, Told

Side = str | None
Rule = tuple[str, int | str | None]
"""("side", LEFT or RIGHT), ("user", who), or ("newest", None)."""


def possible_sides(
    world: World, told: Told, merged: Snapshot, rule: Rule, gone: Callable[[int], bool]
) -> set[Side]:
    """What a rule may take, None for neither side. `gone` says which datasets are purged."""
    kind, whose = rule
    if kind == "side":
        assert isinstance(whose, str), "the name of a side"
        return {whose}
    lefts, rights = (
        _stamps(world, told, merged, left=left) if not gone(point[0]) else {None}
        for left, point in ((True, told.left), (False, told.right))
    )
    return {
        _side(whose if kind == "user" else None, left, right) for left in lefts for right in rights
    }


def _side(user: int | str | None, left: Stamp | None, right: Stamp | None) -> Side:
    if left is None or right is None:
        return None
    if user is None:
        return LEFT if left[1] > right[1] else RIGHT
    theirs = left[0] == user, right[0] == user
    return {(True, False): LEFT, (False, True): RIGHT}.get(theirs)


def _stamps(world: World, told: Told, merged: Snapshot, *, left: bool) -> set[Stamp | None]:
    conflict = told.conflict
    dataset, version = told.left if left else told.right
    value = conflict.left if left else conflict.right
    if version in world.datasets[dataset].expired:
        return {None}
    source = world.datasets[dataset].then(version)
    if isinstance(value, Annotation):
        return {value.updated}
    if conflict.annotation is not None:
        root = merged.annotations[conflict.annotation].root
        rows = [row for row in source.annotations.values() if row.root == root]
        return {row.updated for row in rows if row.status == value}
    if conflict.item not in source.items:
        return _removals(world, dataset, version, conflict.item)
    item = source.items[conflict.item]
    if conflict.field != "removed":
        return {item.updated}
    marks = source.annotations_of(conflict.item)
    return {max((row.updated for row in (item, *marks)), key=lambda stamp: stamp[1])}


def _removals(world: World, dataset: int, version: int, item: int) -> set[Stamp | None]:
    own = _ends(world, dataset, item, version)
    if own:
        return {own[-1]}
    kin = world.datasets[dataset].then(version).kin
    first = world.datasets[dataset].then(1).made
    return {None, first, *(end for one in kin for end in _ends(world, one, item))}


def _ends(world: World, dataset: int, item: int, version: int | None = None) -> list[Stamp]:
    """The versions of a dataset that an item vanished in, as who made them when."""
    shown = world.datasets[dataset].versions[:version]
    return [
        after.made
        for before, after in pairwise(shown)
        if item in before.items and item not in after.items
    ]
