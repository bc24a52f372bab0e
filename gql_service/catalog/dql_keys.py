"""The keys that queries know: of items, of annotations, and inside of metadata."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from gql_service.catalog.annotation_content import AnnotationStatus, AnnotationType
from gql_service.catalog.dql_condition import Compiler, F, Field, Group, Kind
from gql_service.catalog.dql_fields import (
    SOMETHING,
    FixedField,
    FlagField,
    JsonField,
    NumberField,
    TextField,
    ValueField,
    moment,
)
from gql_service.catalog.dql_place import At, Budget
from gql_service.catalog.filters import AnnotationFilter, ItemFilter, JsonCondition
from gql_service.catalog.json_text import JSON_DEPTH

KeyOf = Callable[[str, Sequence[str | int]], int]
"""The key that an id spells, which stands at a path. Raises Invalid."""

SYSTEM = "metadata.system"
_TYPES = {
    "segment": AnnotationType.POLYGON,
    "class": AnnotationType.CLASSIFICATION,
    "binary": AnnotationType.BINARY_MASK,
}
_ITEM = Kind(ItemFilter)
_ANNOTATION = Kind(AnnotationFilter)
_ITEM_FIELDS: dict[str, Field[ItemFilter] | Group] = {
    "name": TextField(_ITEM, "name"),
    "filename": TextField(_ITEM, "path"),
    "dir": TextField(_ITEM, "directory"),
    "description": TextField(_ITEM, "description", nullable=True),
    "type": FixedField(_ITEM, "file"),
    "hidden": FlagField(_ITEM, "hidden"),
    "annotated": FlagField(_ITEM, "annotated"),
    "createdAt": ValueField(_ITEM, "created_at", moment),
    "updatedAt": ValueField(_ITEM, "updated_at", moment),
    "creator": TextField(_ITEM, "creator_email", stored=str.lower),
    "updatedBy": TextField(_ITEM, "updater_email", stored=str.lower),
    "annotationStatus": FixedField(_ITEM, ()),
    SYSTEM: Group(f"{SYSTEM}.", FixedField(_ITEM, SOMETHING)),
    f"{SYSTEM}.mimetype": TextField(_ITEM, "mime_type"),
    f"{SYSTEM}.size": NumberField(_ITEM, "size"),
    f"{SYSTEM}.width": NumberField(_ITEM, "width", nullable=True),
    f"{SYSTEM}.height": NumberField(_ITEM, "height", nullable=True),
    f"{SYSTEM}.refs": FixedField(_ITEM, ()),
    f"{SYSTEM}.tags": FixedField(_ITEM, None),
}
_UNDER: dict[str, Field[ItemFilter]] = {
    # No task refers to an item and no split has tagged one: nothing is under these.
    f"{SYSTEM}.refs.": FixedField(_ITEM, None),
    f"{SYSTEM}.tags.": FixedField(_ITEM, None),
}
_ANNOTATION_FIELDS: dict[str, Field[AnnotationFilter] | Group] = {
    "label": TextField(_ANNOTATION, "label"),
    "type": TextField(_ANNOTATION, "type", stored=lambda text: _word(text, _TYPES)),
    "status": TextField(_ANNOTATION, "status", nullable=True, stored=lambda t: _word(t, {})),
    "createdAt": ValueField(_ANNOTATION, "created_at", moment),
    "updatedAt": ValueField(_ANNOTATION, "updated_at", moment),
    "creator": TextField(_ANNOTATION, "creator_email", stored=str.lower),
    "attributes": JsonField(_ANNOTATION, "attributes", ()),
}


@dataclass(frozen=True, slots=True)
class Keys:
    """What keys mean in the queries of one dataset, whose ids the two functions read."""

    item: KeyOf
    annotation: KeyOf

    def items(self, budget: Budget) -> Compiler[ItemFilter]:
        return Compiler(_ITEM, self._item_field, condition_inside, budget)

    def annotations(self, budget: Budget) -> Compiler[AnnotationFilter]:
        return Compiler(_ANNOTATION, self._annotation_field, condition_inside, budget)

    def _item_field(self, key: str, at: At) -> Field[ItemFilter] | Group:
        if key == "id":
            return ValueField(_ITEM, "key", _reader(self.item))
        if key in _ITEM_FIELDS:
            return _ITEM_FIELDS[key]
        for prefix, field in _UNDER.items():
            if key.startswith(prefix):
                return field
        if key.startswith(f"{SYSTEM}."):
            raise at.refusal("this key is not known; see metadata.user for what users wrote")
        return _metadata(_ITEM, key, at)

    def _annotation_field(self, key: str, at: At) -> Field[AnnotationFilter] | Group:
        if key == "id":
            return ValueField(_ANNOTATION, "key", _reader(self.annotation))
        if key == "itemId":
            return ValueField(_ANNOTATION, "item", _reader(self.item))
        if key in _ANNOTATION_FIELDS:
            return _ANNOTATION_FIELDS[key]
        if key.startswith("attributes."):
            return JsonField(_ANNOTATION, "attributes", steps_of(key, 1, at))
        if key.startswith(f"{SYSTEM}.") or key == SYSTEM:
            raise at.refusal("this key of an annotation is not known")
        return _metadata(_ANNOTATION, key, at)


def _metadata(kind: Kind[F], key: str, at: At) -> Field[F] | Group:
    """User metadata: `metadata.user.key`, or shorter `metadata.key`."""
    if key == "metadata":
        return Group("metadata.", JsonField(kind, "metadata", ()))
    if key == "metadata.user":
        return JsonField(kind, "metadata", ())
    if key.startswith("metadata."):
        return JsonField(kind, "metadata", user_path(key, at))
    raise at.refusal("this key is not known")


def user_path(key: str, at: At) -> tuple[str, ...]:
    """The keys in user metadata that `metadata.user.a.b`, or `metadata.a.b`, names."""
    return steps_of(key, 2 if key.startswith("metadata.user.") else 1, at)


def steps_of(key: str, skipped: int, at: At) -> tuple[str, ...]:
    """The steps of a dotted path behind the first ones. Raises Invalid and LimitExceeded."""
    steps = tuple(key.split(".")[skipped:])
    if "" in steps:
        raise at.refusal("a step of the path is empty")
    if len(steps) > JSON_DEPTH:
        raise at.excess(f"a path can have {JSON_DEPTH} steps")
    return steps


def condition_inside(value: Any, at: At, depth: int, budget: Budget) -> JsonCondition:
    """The condition on one object inside of metadata: every dotted key is known."""
    kind = Kind(JsonCondition)

    def field(key: str, at: At) -> Field[JsonCondition]:
        return JsonField(kind, "at", steps_of(key, 0, at))

    return Compiler(kind, field, condition_inside, budget).condition(value, at, depth)


def _reader(key_of: KeyOf) -> Callable[[Any, At], int]:
    def read(operand: Any, at: At) -> int:
        if not isinstance(operand, str):
            raise at.refusal("an id is a text")
        return key_of(operand, at.steps)

    return read


def _word(text: str, others: dict[str, AnnotationType]) -> str:
    """A word of an enumeration as it is stored, in whatever case it is written."""
    known = others.get(text.lower())
    return known.value if known else text.upper()


assert all(word.value == word.value.upper() for word in (*AnnotationType, *AnnotationStatus))
