"""What a recipe says: a tree of labels, attributes, annotation tools, instructions, strictness.

A label is known by its full name, the names from the root joined by dots: `animal.dog.poodle`. An
attribute applies to a label when its scope is all labels (None), when its scope holds the label's
full name, or when the label lists its key. No tools means every tool.

The classes hold what they are given; `recipe_check` says what is allowed. `to_text` and
`from_text` keep a content as JSON with the member names of the GraphQL types.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from typing import Any

from gql_service.catalog.coordinates import AnnotationType
from gql_service.catalog.json_text import canonical, parse

CONTENT_BYTES = 4 * 1024 * 1024
CONTENT_LEVELS = 64
"""Two for each level of labels, and a few around them."""

Number = int | float


class AttributeType(Enum):
    """What values an attribute takes."""

    SINGLE_CHOICE = "SINGLE_CHOICE"
    MULTIPLE_CHOICE = "MULTIPLE_CHOICE"
    RANGE = "RANGE"
    BOOLEAN = "BOOLEAN"
    FREE_TEXT = "FREE_TEXT"


CHOICES = (AttributeType.SINGLE_CHOICE, AttributeType.MULTIPLE_CHOICE)


@dataclass(frozen=True, slots=True)
class AttributeRange:
    """Numbers from `min` to `max`, both allowed, in steps from `min`; any number without `step`."""

    min: Number
    max: Number
    step: Number | None = None


@dataclass(frozen=True, slots=True)
class Attribute:
    """Something an annotation can say beside its label. `values` are for choices only, `range` for
    ranges only; `scope` holds full names of labels, None for all."""

    key: str
    type: AttributeType
    title: str = ""
    values: tuple[str, ...] | None = None
    range: AttributeRange | None = None
    scope: tuple[str, ...] | None = None
    optional: bool = True


@dataclass(frozen=True, slots=True)
class Label:
    """A node of the label tree; `name` is its own part of the full name, `attributes` are keys."""

    name: str
    display_name: str = ""
    color: str = ""
    attributes: tuple[str, ...] = ()
    children: tuple[Label, ...] = ()


@dataclass(frozen=True)
class RecipeContent:
    """One immutable content. With `strict` an annotation's label and attributes must be in it."""

    labels: tuple[Label, ...] = ()
    attributes: tuple[Attribute, ...] = ()
    tools: tuple[AnnotationType, ...] = ()
    instructions: str | None = None
    strict: bool = True

    @cached_property
    def labels_by_name(self) -> Mapping[str, Label]:
        """Every label of the tree by its full name, parents before children."""
        return dict(walk(self.labels))

    @cached_property
    def attributes_by_key(self) -> Mapping[str, Attribute]:
        return {attribute.key: attribute for attribute in self.attributes}


def walk(labels: Sequence[Label], parent: str = "") -> Iterator[tuple[str, Label]]:
    """Every label below `parent` with its full name, in the order of the tree."""
    for label in labels:
        name = f"{parent}.{label.name}" if parent else label.name
        yield name, label
        yield from walk(label.children, name)


def to_text(content: RecipeContent) -> str:
    """The canonical JSON text of a checked content. Raises LimitExceeded past 4 MiB."""
    return canonical(
        to_json(content), object_only=True, max_bytes=CONTENT_BYTES, max_levels=CONTENT_LEVELS
    )


def to_json(content: RecipeContent) -> dict[str, Any]:
    return {
        "labels": [_label_json(label) for label in content.labels],
        "attributes": [attribute_json(attribute) for attribute in content.attributes],
        "tools": [tool.value for tool in content.tools],
        "instructions": content.instructions,
        "strict": content.strict,
    }


def attribute_json(attribute: Attribute) -> dict[str, Any]:
    """An attribute as clients see it: choices and scope are lists or null."""
    span = attribute.range
    return {
        "key": attribute.key,
        "title": attribute.title,
        "type": attribute.type.value,
        "values": None if attribute.values is None else list(attribute.values),
        "range": None if span is None else {"min": span.min, "max": span.max, "step": span.step},
        "scope": None if attribute.scope is None else list(attribute.scope),
        "optional": attribute.optional,
    }


def from_text(text: str) -> RecipeContent:
    """The content of a text that `to_text` wrote."""
    value = parse(text)
    return RecipeContent(
        labels=tuple(_label(label) for label in value["labels"]),
        attributes=tuple(_attribute(attribute) for attribute in value["attributes"]),
        tools=tuple(AnnotationType(tool) for tool in value["tools"]),
        instructions=value["instructions"],
        strict=value["strict"],
    )


def _label_json(label: Label) -> dict[str, Any]:
    return {
        "name": label.name,
        "displayName": label.display_name,
        "color": label.color,
        "attributes": list(label.attributes),
        "children": [_label_json(child) for child in label.children],
    }


def _label(value: Mapping[str, Any]) -> Label:
    return Label(
        name=value["name"],
        display_name=value["displayName"],
        color=value["color"],
        attributes=tuple(value["attributes"]),
        children=tuple(_label(child) for child in value["children"]),
    )


def _attribute(value: Mapping[str, Any]) -> Attribute:
    span = value["range"]
    return Attribute(
        key=value["key"],
        type=AttributeType(value["type"]),
        title=value["title"],
        values=None if value["values"] is None else tuple(value["values"]),
        range=None if span is None else AttributeRange(span["min"], span["max"], span["step"]),
        scope=None if value["scope"] is None else tuple(value["scope"]),
        optional=value["optional"],
    )
