"""What becomes of each conflict that a reviewer decides. Pure functions.

A conflict is only decided where the merge's own choice still stands: who has changed the value by
hand since has decided it already, and nobody's work is undone unasked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from gql_service.catalog.annotation_content import AnnotationStatus
from gql_service.catalog.item_path import clean_path
from gql_service.catalog.json_text import canonical, parse
from gql_service.errors import Invalid
from gql_service.versions.content import (
    AnnotationContent,
    ItemContent,
    Row,
    annotation_content,
    item_content,
)
from gql_service.versions.given import GIVEN_NOTHING
from gql_service.versions.items import checked_description
from gql_service.versions.merge_annotations import shown
from gql_service.versions.report import ConflictRecord
from gql_service.versions.resolution import (
    ConflictChoice,
    Effects,
    Resolution,
    Skip,
    SkipReason,
    State,
    Stock,
)

METADATA = "metadata."


def apply(
    conflict: ConflictRecord,
    asked: Resolution,
    then: State,
    now: State,
    stock: Stock,
    effects: Effects,
) -> None:
    """Adds what follows from one resolution. `then` is the state that the merge left, `now` the
    present one. Raises Skip, and Invalid for what never fits."""
    if asked.choose is ConflictChoice.KEEP:
        return
    if conflict.item in effects.removed_items:  # other conflicts of an item that goes are moot
        if conflict.field == "removed" and asked.choose is ConflictChoice.RIGHT:
            return
        raise Skip(SkipReason.GONE)
    match conflict.field:
        case "removed":
            _remove(conflict, asked, then, now, effects)
        case "annotation":
            _choose_annotation(conflict, asked, then, now, effects)
        case "status":
            _set_status(conflict, asked, then, now, effects)
        case _:
            _set_field(conflict, asked, then, now, stock, effects)


def _side(conflict: ConflictRecord, asked: Resolution) -> Any:
    """The value that is chosen, as the report tells it."""
    if asked.value is not GIVEN_NOTHING:
        return asked.value
    if asked.choose is ConflictChoice.BASE:
        return conflict.base
    return conflict.left if asked.choose is ConflictChoice.LEFT else conflict.right


def _refuse_value(asked: Resolution) -> None:
    if asked.value is not GIVEN_NOTHING:
        raise Invalid("This conflict is between whole things", path=(*asked.path, "value"))


def _no_base(asked: Resolution) -> Invalid:
    return Invalid("The sides have no value in common", path=(*asked.path, "choose"))


def _remove(
    conflict: ConflictRecord, asked: Resolution, then: State, now: State, effects: Effects
) -> None:
    """Left, the item stays; right, it goes, if nobody has worked on it since."""
    _refuse_value(asked)
    if asked.choose is ConflictChoice.BASE:
        raise _no_base(asked)
    if now.item is None:
        raise Skip(SkipReason.GONE)
    if asked.choose is ConflictChoice.RIGHT:
        if _writes(then) != _writes(now):
            raise Skip(SkipReason.CHANGED)
        effects.removed_items.add(conflict.item)


def _writes(state: State) -> set[tuple[int, int]]:
    assert state.item is not None, "an item that the merge kept"
    return {(row.key, row.write) for row in (state.item, *state.annotations.values())}


def _choose_annotation(
    conflict: ConflictRecord, asked: Resolution, then: State, now: State, effects: Effects
) -> None:
    """One of those that were kept beside one another stays, under its key; the others go."""
    _refuse_value(asked)
    if asked.choose is ConflictChoice.BASE and conflict.base is None:
        raise _no_base(asked)
    before, present = _siblings(conflict, then, then), _siblings(conflict, then, now)
    if not present:
        raise Skip(SkipReason.GONE)
    if {row.key: row.write for row in before} != {row.key: row.write for row in present}:
        raise Skip(SkipReason.CHANGED)
    if asked.choose is ConflictChoice.BASE:
        chosen = next(row for row in present if row.key == conflict.annotation)
        effects.annotations[chosen.key] = _from_shown(annotation_content(chosen), conflict.base)
    else:
        wanted = _side(conflict, asked)
        chosen = next(row for row in present if shown(annotation_content(row)) == wanted)
        effects.chosen_annotations[chosen.key] = chosen
    effects.removed_annotations |= {row.key for row in present} - {chosen.key}


def _siblings(conflict: ConflictRecord, then: State, state: State) -> list[Row]:
    """All of the lineage in question that a state shows."""
    assert conflict.annotation is not None, "a conflict of annotations"
    root = then.annotations[conflict.annotation].root
    return [row for row in state.annotations.values() if row.root == root]


def _from_shown(content: AnnotationContent, value: Mapping[str, Any]) -> AnnotationContent:
    """An annotation with the values that a report tells; null does not tell whether anybody knew
    the status."""
    return replace(
        content,
        type=value["type"],
        label=value["label"],
        coordinates=canonical(value["coordinates"], object_only=False),
        attributes=canonical(value["attributes"], object_only=False),
        metadata=canonical(value["metadata"], object_only=False),
        status=value["status"],
        status_known=content.status_known or value["status"] is not None,
    )


def _set_status(
    conflict: ConflictRecord, asked: Resolution, then: State, now: State, effects: Effects
) -> None:
    assert conflict.annotation is not None, "a conflict of annotations"
    status = _side(conflict, asked)
    named = isinstance(status, str) and status in AnnotationStatus.__members__
    if status is not None and not named:
        raise Invalid("There is no such status", path=(*asked.path, "value"))
    row = now.annotations.get(conflict.annotation)
    if row is None:
        raise Skip(SkipReason.GONE)
    if row.status != then.annotations[conflict.annotation].status:
        raise Skip(SkipReason.CHANGED)
    content = replace(annotation_content(row), status=status, status_known=True)
    effects.annotations[row.key] = content


def _set_field(
    conflict: ConflictRecord,
    asked: Resolution,
    then: State,
    now: State,
    stock: Stock,
    effects: Effects,
) -> None:
    """A field of the item, or a key of its metadata."""
    value = _checked(conflict, asked, stock.binaries)
    if now.item is None or then.item is None:
        raise Skip(SkipReason.GONE)
    was, present = item_content(then.item), item_content(now.item)
    if _part(was, conflict.field) != _part(present, conflict.field):
        raise Skip(SkipReason.CHANGED)
    if conflict.field == "path":
        if value in effects.paths or stock.paths.get(value, conflict.item) != conflict.item:
            raise Skip(SkipReason.PATH_TAKEN)
        effects.paths.add(value)
    content = effects.items.get(conflict.item, present)
    effects.items[conflict.item] = _with_part(content, conflict.field, value)


def _checked(conflict: ConflictRecord, asked: Resolution, binaries: Mapping[str, int]) -> Any:
    """The value to set; None is a key that is not there. Raises Invalid for one that cannot be."""
    value, name = _side(conflict, asked), conflict.field
    where = (*asked.path, "value")
    if (
        asked.choose is ConflictChoice.BASE
        and value is None
        and name in ("path", "binary", "hidden")
    ):
        raise _no_base(asked)
    if name == "binary":
        if value not in (conflict.base, conflict.left, conflict.right):
            raise Invalid("Only the SHA-256 of one of the sides can be chosen", path=where)
        if value not in binaries:
            raise Skip(SkipReason.BINARY_GONE)
        return binaries[value]
    if name in ("path", "description") and not isinstance(value, str | None):
        raise Invalid("A text is needed here", path=where)
    if name == "path":
        return clean_path(value, where)
    if name == "description":
        return checked_description(value, where)
    if name == "hidden":
        if not isinstance(value, bool):
            raise Invalid("true or false is needed here", path=where)
        return value
    return None if value is None else canonical(value, where, object_only=False)


def _part(content: ItemContent, name: str) -> Any:
    """Metadata as text, key by key: 1 and true are equal in Python, not in JSON."""
    if not name.startswith(METADATA):
        return getattr(content, name)
    members = parse(content.metadata)
    key = name.removeprefix(METADATA)
    return canonical(members[key], object_only=False) if key in members else None


def _with_part(content: ItemContent, name: str, value: Any) -> ItemContent:
    if not name.startswith(METADATA):
        return replace(content, **{name: value})
    members = {**parse(content.metadata)}
    key = name.removeprefix(METADATA)
    members.pop(key, None)
    if value is not None:
        members[key] = parse(value)
    return replace(content, metadata=canonical(members, ("resolutions",), object_only=True))


def needed_binaries(conflicts: Sequence[ConflictRecord]) -> set[str]:
    """The SHA-256 of all that conflicts about binaries could choose."""
    sides = ((c.base, c.left, c.right) for c in conflicts if c.field == "binary")
    return {value for side in sides for value in side if value is not None}


def needed_paths(conflicts: Sequence[ConflictRecord], asked: Mapping[int, Resolution]) -> set[str]:
    """All paths that conflicts about paths could choose. Raises Invalid for a value that is
    none."""
    paths: set[str] = set()
    for conflict in conflicts:
        if conflict.field == "path":
            paths.update(p for p in (conflict.base, conflict.left, conflict.right) if p)
            one = asked[conflict.position]
            if isinstance(one.value, str):
                paths.add(clean_path(one.value, (*one.path, "value")))
    return paths
