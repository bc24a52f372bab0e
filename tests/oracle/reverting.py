"""Reverts in the naive model: the rows of an old snapshot, put into the head once more."""

from __future__ import annotations

from collections.abc import Collection

from tests.oracle.editing import Draft
from tests.oracle.model import Dataset, Refused, Snapshot, World


def revert(
    world: World, dataset: Dataset, version: int, chosen: Collection[int] | None = None
) -> None:
    """One version that shows the chosen items (None: all, and the recipe) as an older one does."""
    draft = Draft(world, dataset)
    old = dataset.at(version)
    known = old.items.keys() | draft.items.keys()
    if chosen is not None and not known >= set(chosen):
        raise Refused("NOT_FOUND")
    _put_back(draft, old, known if chosen is None else set(chosen))
    draft.finish("REVERT", recipe=old.recipe if chosen is None else None)


def restore(world: World, dataset: Dataset, version: int, keys: Collection[int]) -> None:
    """Items that are gone come back as an older version shows them."""
    draft = Draft(world, dataset)
    old = dataset.at(version)
    for key in keys:
        if key not in old.items:
            raise Refused("NOT_FOUND")
        if key in draft.items:
            raise Refused("CONFLICT")
    _put_back(draft, old, set(keys))
    draft.finish("RESTORE")


def _put_back(draft: Draft, old: Snapshot, keys: Collection[int]) -> None:
    kept = {row.path for row in draft.items.values() if row.key not in keys}
    if any(row.path in kept for row in old.items.values() if row.key in keys):
        raise Refused("PATH_TAKEN")
    for key in sorted(keys):
        if key not in old.items:
            draft.drop_item(key)
            continue
        item = old.items[key]
        draft.put_item(item, created=item.created)
        rows = old.annotations_of(key)
        for gone in set(draft.annotations) - {row.key for row in rows}:
            if draft.annotations[gone].item == key:
                del draft.annotations[gone]
        for row in rows:
            draft.put_annotation(row, created=row.created)
