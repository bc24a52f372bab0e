"""Items: add, change, move and delete, many at once, as one version."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any

from gql_service.catalog.dataset import Operation
from gql_service.catalog.item_path import clean_path
from gql_service.catalog.json_text import canonical, parse
from gql_service.database.engine import Tx
from gql_service.database.keys import take_keys
from gql_service.errors import Invalid, LimitExceeded, NotFound, PathTaken
from gql_service.versions.annotations import NewAnnotation, Path, put_new
from gql_service.versions.content import ItemContent, ItemPut, Row, item_content
from gql_service.versions.draft import open_draft
from gql_service.versions.given import GIVEN_NOTHING, Given, Nothing, Outcome
from gql_service.versions.selection import Selection, selected_keys

MAX_DESCRIPTION = 10_000


class UploadMode(Enum):
    """What an upload does with a path that the dataset has already."""

    SKIP = "SKIP"
    OVERWRITE = "OVERWRITE"


@dataclass(frozen=True, slots=True)
class NewItem:
    """A file entry to add over a stored binary. `metadata` None leaves an overwritten one's."""

    path: str
    binary: int
    metadata: Any = None
    description: str | None = None
    hidden: bool = False
    annotations: tuple[NewAnnotation, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class ItemPatch:
    """What to change of every selected item; what is not given stays.

    `metadata` is a JSON merge patch (RFC 7396): objects merge key by key, null removes a key.
    """

    metadata: Given = GIVEN_NOTHING
    description: str | Nothing | None = GIVEN_NOTHING
    hidden: bool | Nothing = GIVEN_NOTHING


def add_items(
    tx: Tx,
    dataset: int,
    new: Sequence[NewItem],
    *,
    mode: UploadMode = UploadMode.SKIP,
    operation: Operation = Operation.ADD,
    argument: str = "items",
    expected_version: int | None = None,
    message: str | None = None,
) -> Outcome:
    """Adds items; at a path that is taken, skips or overwrites. Keys come in the order given.

    An overwritten item keeps its key and its annotations; new ones are added to them. Raises
    NotFound, Invalid (naming `argument` and the position), LabelUnknown, VersionMoved, Conflict (a
    binary that was swept away); then nothing is added.
    """
    paths = _clean_paths(new, argument)
    draft = open_draft(tx, dataset, operation, expected_version=expected_version, message=message)
    held = draft.items_at(paths)
    fresh = iter(take_keys(tx, sum(path not in held for path in paths)))
    keys = [held[path].key if path in held else next(fresh) for path in paths]
    plan = list(zip(keys, paths, new, range(len(new)), strict=True))
    overwritten = [step for step in plan if step[1] in held and mode is UploadMode.OVERWRITE]
    added = [step for step in plan if step[1] not in held]
    draft.put_items(
        (ItemPut(key, _content(path, one, None, (argument, at))) for key, path, one, at in added),
        fresh=True,
    )
    draft.put_items(
        ItemPut(key, _content(path, one, held[path], (argument, at)))
        for key, path, one, at in overwritten
    )
    put_new(
        draft,
        [
            (key, annotation, (argument, at, "annotations", position))
            for key, _, one, at in (*added, *overwritten)
            for position, annotation in enumerate(one.annotations)
        ],
    )
    return Outcome(
        draft.publish(),
        tuple(keys),
        added=len(added),
        updated=draft.tally.counters.items_modified,
        skipped=len(new) - len(added) - len(overwritten),
    )


def update_items(
    tx: Tx,
    dataset: int,
    selection: Selection,
    patch: ItemPatch,
    *,
    expected_version: int | None = None,
    message: str | None = None,
) -> Outcome:
    """Changes every selected item. Raises NotFound, Invalid, VersionMoved."""
    draft = open_draft(
        tx, dataset, Operation.UPDATE, expected_version=expected_version, message=message
    )
    keys = selected_keys(tx, draft.view, selection)
    held = draft.items(keys)
    draft.put_items((ItemPut(key, _patched(held[key], patch)) for key in keys), held=held)
    return Outcome(draft.publish(), tuple(keys), updated=draft.tally.counters.items_modified)


def move_items(
    tx: Tx,
    dataset: int,
    moves: Mapping[int, str],
    *,
    expected_version: int | None = None,
    message: str | None = None,
) -> Outcome:
    """Gives items, by key, new paths; items of one call may swap theirs.

    Raises NotFound, Invalid, PathTaken, VersionMoved.
    """
    draft = open_draft(
        tx, dataset, Operation.MOVE, expected_version=expected_version, message=message
    )
    held = draft.items(list(moves))
    if held.keys() != moves.keys():
        raise NotFound("There is no such item in the dataset", path=("ids",))
    paths = {key: clean_path(path, ("path",)) for key, path in moves.items()}
    if len(set(paths.values())) < len(paths):
        raise PathTaken("Two of the items would have the same path", path=("path",))
    draft.put_items(
        (ItemPut(key, replace(item_content(held[key]), path=path)) for key, path in paths.items()),
        held=held,
    )
    return Outcome(draft.publish(), tuple(moves), updated=draft.tally.counters.items_modified)


def delete_items(
    tx: Tx,
    dataset: int,
    selection: Selection,
    *,
    expected_version: int | None = None,
    message: str | None = None,
) -> Outcome:
    """Removes items with their annotations; history keeps both. Raises NotFound, VersionMoved."""
    draft = open_draft(
        tx, dataset, Operation.DELETE, expected_version=expected_version, message=message
    )
    keys = selected_keys(tx, draft.view, selection)
    draft.remove_items(keys)
    return Outcome(draft.publish(), tuple(keys), removed=len(keys))


def _clean_paths(new: Sequence[NewItem], argument: str) -> list[str]:
    paths = [clean_path(one.path, (argument, at, "path")) for at, one in enumerate(new)]
    seen: set[str] = set()
    for at, path in enumerate(paths):
        if path in seen:
            raise Invalid(f"The path {path!r} is given twice", path=(argument, at, "path"))
        seen.add(path)
    return paths


def _content(path: str, new: NewItem, held: Row | None, where: Path) -> ItemContent:
    description = checked_description(new.description, (*where, "description"))
    if held is None:
        metadata = {} if new.metadata is None else new.metadata
        text = canonical(metadata, (*where, "metadata"), object_only=True)
        return ItemContent(path, new.binary, text, True, description, new.hidden)
    content = replace(item_content(held), binary=new.binary)
    if new.metadata is not None:
        text = canonical(new.metadata, (*where, "metadata"), object_only=True)
        content = replace(content, metadata=text)
    if new.description is not None:
        content = replace(content, description=description)
    return content


def _patched(row: Row, patch: ItemPatch) -> ItemContent:
    content = item_content(row)
    if not isinstance(patch.metadata, Nothing):
        canonical(patch.metadata, ("metadata",), object_only=True)
        merged = _merge_patch(parse(row.metadata), patch.metadata)
        text = canonical(merged, ("metadata",), object_only=True)
        content = replace(content, metadata=text)
    if not isinstance(patch.description, Nothing):
        content = replace(
            content, description=checked_description(patch.description, ("description",))
        )
    if not isinstance(patch.hidden, Nothing):
        content = replace(content, hidden=patch.hidden)
    return content


def checked_description(text: str | None, path: Path) -> str | None:
    """The description, when it is one. Raises Invalid and LimitExceeded."""
    if text is not None:
        if len(text) > MAX_DESCRIPTION:
            raise LimitExceeded(
                f"A description has at most {MAX_DESCRIPTION} characters", path=path
            )
        canonical(text, path, object_only=False)
    return text


def _merge_patch(value: Any, patch: Any) -> Any:
    """RFC 7396, which bounds its own depth: `patch` has been checked."""
    if not isinstance(patch, dict):
        return patch
    merged = dict(value) if isinstance(value, dict) else {}
    for key, change in patch.items():
        if change is None:
            merged.pop(key, None)
        else:
            merged[key] = _merge_patch(merged.get(key), change)
    return merged
