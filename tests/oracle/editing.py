"""Edits in the naive model: each call is one version, or none when nothing changed.

Every call checks everything before it changes anything, and refuses with the code that the
service must refuse with.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from tests.oracle.model import Annotation, Dataset, Entry, Item, Json, Refused, Stamp, World

SKIP, OVERWRITE = "SKIP", "OVERWRITE"


@dataclass(frozen=True)
class NewAnnotation:
    type: str
    label: str
    coordinates: Json
    attributes: Mapping[str, Json] = field(default_factory=dict)
    metadata: Mapping[str, Json] = field(default_factory=dict)
    status: str | None = None


@dataclass(frozen=True)
class NewItem:
    path: str
    binary: int
    metadata: Mapping[str, Json] | None = None
    description: str | None = None
    hidden: bool = False
    annotations: tuple[NewAnnotation, ...] = ()


@dataclass(frozen=True)
class ItemEdit:
    """What to change of an item: keys to set, keys to take away, fields by name."""

    key: int
    set: Mapping[str, Json] = field(default_factory=dict)
    remove: tuple[str, ...] = ()
    fields: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class AnnotationEdit:
    """What to change of an annotation, fields by name; a status of None given is a decision."""

    key: int
    fields: Mapping[str, Any]


class Draft:
    """The next version of a dataset while it is being written: a full copy of the head."""

    def __init__(self, world: World, dataset: Dataset) -> None:
        if dataset.deleted:
            raise Refused("NOT_FOUND")
        if dataset.locked:
            raise Refused("DATASET_LOCKED")
        self.world = world
        self.dataset = dataset
        self.head = dataset.at(dataset.head)
        self.items = dict(self.head.items)
        self.annotations = dict(self.head.annotations)

    def put_item(self, row: Item, *, created: Stamp | None = None) -> None:
        """Writes the row as a new write, unless the content is what is there already."""
        present = self.items.get(row.key)
        if present is not None and present.content() == row.content():
            return
        created = created or (present.created if present else self.world.stamp)
        self.items[row.key] = replace(
            row, write=self.world.fresh_write(), created=created, updated=self.world.stamp
        )

    def put_annotation(self, row: Annotation, *, created: Stamp | None = None) -> None:
        present = self.annotations.get(row.key)
        if present is not None and present.content() == row.content():
            return
        created = created or (present.created if present else self.world.stamp)
        self.annotations[row.key] = replace(
            row, write=self.world.fresh_write(), created=created, updated=self.world.stamp
        )

    def add_annotation(self, item: int, new: NewAnnotation) -> int:
        key = self.world.fresh_key()
        self.put_annotation(
            Annotation(
                key=key,
                root=key,
                item=item,
                write=0,
                type=new.type,
                label=new.label,
                coordinates=new.coordinates,
                attributes=new.attributes,
                metadata=new.metadata,
                status=new.status,
                status_known=True,
                created=(0, 0),
                updated=(0, 0),
            )
        )
        return key

    def drop_item(self, key: int) -> None:
        """Removes an item with all its annotations."""
        del self.items[key]
        for row in [row for row in self.annotations.values() if row.item == key]:
            del self.annotations[row.key]

    def finish(
        self,
        operation: str,
        *,
        recipe: int | None = None,
        learnt: frozenset[Entry] = frozenset(),
        kin: frozenset[int] = frozenset(),
        force: bool = False,
    ) -> int:
        """Publishes the version if anything differs from the head, or by `force`; returns the head
        then."""
        same = not force and (
            self.items == self.head.items
            and self.annotations == self.head.annotations
            and recipe in (None, self.head.recipe)
        )
        if not same:
            self.world.publish(
                self.dataset,
                items=self.items.values(),
                annotations=self.annotations.values(),
                seen=self.head.seen | learnt,
                recipe=self.head.recipe if recipe is None else recipe,
                operation=operation,
                kin=self.head.kin | kin,
            )
        return self.dataset.head


def create_dataset(world: World, recipe: int) -> Dataset:
    """An empty dataset at version 1."""
    dataset = world.new_dataset()
    world.publish(dataset, items=(), annotations=(), seen=(), recipe=recipe, operation="CREATE")
    return dataset


def add_items(world: World, dataset: Dataset, new: Sequence[NewItem], mode: str) -> list[int]:
    """The keys of what stands at the paths afterwards, in the order given."""
    if len({one.path for one in new}) < len(new):
        raise Refused("INVALID")
    draft = Draft(world, dataset)
    keys: list[int] = []
    for one in new:
        there = next((row for row in draft.items.values() if row.path == one.path), None)
        key = world.fresh_key() if there is None else there.key
        keys.append(key)
        if there is None:
            draft.put_item(_fresh(key, one))
        elif mode == OVERWRITE:
            draft.put_item(_overwritten(there, one))
        if there is None or mode == OVERWRITE:
            for annotation in one.annotations:
                draft.add_annotation(key, annotation)
    draft.finish("UPLOAD")
    return keys


def _fresh(key: int, new: NewItem) -> Item:
    return Item(
        key=key,
        write=0,
        path=new.path,
        binary=new.binary,
        metadata=new.metadata or {},
        metadata_known=True,
        description=new.description,
        hidden=new.hidden,
        copied_from=None,
        created=(0, 0),
        updated=(0, 0),
    )


def _overwritten(there: Item, new: NewItem) -> Item:
    """New bytes under the same key; metadata and description stay unless new ones are given.

    Metadata that was unknown stays so: what is given is then what was set since.
    """
    row = replace(there, binary=new.binary)
    if new.metadata is not None:
        row = replace(row, metadata=new.metadata)
    if new.description is not None:
        row = replace(row, description=new.description)
    return row


def update_items(world: World, dataset: Dataset, edits: Sequence[ItemEdit]) -> None:
    """Behind a mask only the keys that are set are known afterwards."""
    draft = Draft(world, dataset)
    _require(draft.items, [edit.key for edit in edits])
    for edit in edits:
        row = draft.items[edit.key]
        kept = {k: v for k, v in row.metadata.items() if k not in edit.remove}
        draft.put_item(replace(row, metadata={**kept, **edit.set}, **edit.fields))
    draft.finish("UPDATE")


def move_items(world: World, dataset: Dataset, moves: Mapping[int, str]) -> None:
    """All moves happen at once, so that two items may swap their paths."""
    draft = Draft(world, dataset)
    _require(draft.items, moves)
    after = [moves.get(row.key, row.path) for row in draft.items.values()]
    if len(set(after)) < len(after):
        raise Refused("PATH_TAKEN")
    for key, path in moves.items():
        draft.put_item(replace(draft.items[key], path=path))
    draft.finish("MOVE")


def delete_items(world: World, dataset: Dataset, keys: Sequence[int]) -> None:
    draft = Draft(world, dataset)
    _require(draft.items, keys)
    for key in dict.fromkeys(keys):
        draft.drop_item(key)
    draft.finish("DELETE")


def add_annotations(
    world: World, dataset: Dataset, new: Sequence[tuple[int, NewAnnotation]]
) -> list[int]:
    draft = Draft(world, dataset)
    _require(draft.items, [item for item, _ in new])
    keys = [draft.add_annotation(item, annotation) for item, annotation in new]
    draft.finish("ANNOTATE")
    return keys


def update_annotations(world: World, dataset: Dataset, edits: Sequence[AnnotationEdit]) -> None:
    """A status that was seen masked stays unknown unless the edit sets one, or none."""
    draft = Draft(world, dataset)
    _require(draft.annotations, [edit.key for edit in edits])
    for edit in edits:
        row = replace(draft.annotations[edit.key], **edit.fields)
        if "status" in edit.fields:
            row = replace(row, status_known=True)
        draft.put_annotation(row)
    draft.finish("ANNOTATE")


def delete_annotations(world: World, dataset: Dataset, keys: Sequence[int]) -> None:
    draft = Draft(world, dataset)
    _require(draft.annotations, keys)
    for key in dict.fromkeys(keys):
        del draft.annotations[key]
    draft.finish("ANNOTATE")


def switch_recipe(world: World, dataset: Dataset, recipe: int) -> None:
    draft = Draft(world, dataset)
    draft.finish("SWITCH_RECIPE", recipe=recipe)


def _require(rows: Mapping[int, Any], keys: Any) -> None:
    if any(key not in rows for key in keys):
        raise Refused("NOT_FOUND")
