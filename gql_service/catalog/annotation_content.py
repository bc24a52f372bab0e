"""What an annotation says beside where it lies, checked against the recipe of its dataset."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from enum import Enum
from fractions import Fraction
from typing import Any

from gql_service.catalog.coordinates import AnnotationType, check_coordinates
from gql_service.catalog.json_text import canonical, parse
from gql_service.catalog.names import NAME_CHARACTERS, clean_name
from gql_service.catalog.recipe_check import clean_label
from gql_service.catalog.recipe_content import (
    Attribute,
    AttributeRange,
    AttributeType,
    Label,
    RecipeContent,
)
from gql_service.errors import Invalid, LabelUnknown

__all__ = [  # the types live where their shapes are; whoever writes annotations needs all of these
    "AnnotationStatus",
    "AnnotationType",
    "check_against_recipe",
    "check_coordinates",
]


class AnnotationStatus(Enum):
    """What a reviewer said of an annotation; many have none."""

    ISSUE = "ISSUE"
    APPROVED = "APPROVED"
    REVIEW = "REVIEW"


def check_against_recipe(
    content: RecipeContent,
    type: AnnotationType,
    label: str,
    attributes: Any,
    path: Sequence[str | int] = (),
) -> tuple[str, str]:
    """The label, and the JSON text of the attributes, in the spelling in which they are stored.

    `attributes` is a JSON object or None for an empty one; `path` is the place of the annotation
    in the caller's input. An attribute that is not optional may still be absent: annotations are
    written step by step, and whether one is complete is for its reviewer to say. Under a recipe
    that is not strict, labels and attributes that it does not know are let in, and scopes do not
    bind; values of attributes that it does know are still checked.

    Raises Invalid when the recipe's tools do not include `type`, or for what cannot be a label or
    attributes at all; LabelUnknown, naming it, for a label, attribute or value that the recipe
    does not allow.
    """
    if content.tools and type not in content.tools:
        raise Invalid(f"The recipe has no tool {type.value}", path=(*path, "type"))
    name = clean_label(label, (*path, "label"))
    known = content.labels_by_name.get(name)
    if known is None and content.strict:
        raise LabelUnknown(f"The recipe has no label {name}", path=(*path, "label"))
    if not attributes and attributes in (None, {}):
        return name, "{}"
    return name, _attributes_text(content, name, known, attributes, (*path, "attributes"))


def _attributes_text(
    content: RecipeContent,
    label: str,
    known: Label | None,
    attributes: Any,
    at: tuple[str | int, ...],
) -> str:
    checked: dict[str, Any] = {}
    for given, value in parse(canonical(attributes, at, object_only=True)).items():
        here = (*at, given)
        key = clean_name(given, here)
        if key in checked:
            raise Invalid(f"The attribute {key} stands there twice", path=here)
        attribute = content.attributes_by_key.get(key)
        if content.strict and attribute is None:
            raise LabelUnknown(f"The recipe has no attribute {key}", path=here)
        if content.strict and attribute is not None and not _applies(attribute, label, known):
            raise LabelUnknown(f"The attribute {key} is not for the label {label}", path=here)
        checked[key] = value if attribute is None else _value(attribute, value, here)
    return canonical(checked, at, object_only=True)


def _applies(attribute: Attribute, name: str, label: Label | None) -> bool:
    if attribute.scope is None or name in attribute.scope:
        return True
    return label is not None and attribute.key in label.attributes


def _value(attribute: Attribute, value: Any, at: tuple[str | int, ...]) -> Any:
    """`value` in the recipe's spelling. Raises LabelUnknown when it is not allowed."""
    match attribute.type:
        case AttributeType.SINGLE_CHOICE:
            return _choice(attribute, value, at)
        case AttributeType.MULTIPLE_CHOICE:
            return _choices(attribute, value, at)
        case AttributeType.RANGE:
            if attribute.range is None or not _within(attribute.range, value):
                raise LabelUnknown(f"The value of {attribute.key} is not in its range", path=at)
        case AttributeType.BOOLEAN:
            if not isinstance(value, bool):
                raise LabelUnknown(f"The value of {attribute.key} is true or false", path=at)
        case AttributeType.FREE_TEXT:
            if not isinstance(value, str):
                raise LabelUnknown(f"The value of {attribute.key} is a text", path=at)
    return value


def _choice(attribute: Attribute, value: Any, at: tuple[str | int, ...]) -> str:
    if not isinstance(value, str):
        raise LabelUnknown(f"The value of {attribute.key} is one of its choices", path=at)
    name = unicodedata.normalize("NFC", value).strip()
    if name not in (attribute.values or ()):
        raise LabelUnknown(f"{attribute.key} has no value {name[:NAME_CHARACTERS]}", path=at)
    return name


def _choices(attribute: Attribute, value: Any, at: tuple[str | int, ...]) -> list[str]:
    if not isinstance(value, list):
        raise LabelUnknown(f"The value of {attribute.key} is a list of its choices", path=at)
    chosen: dict[str, None] = {}
    for position, member in enumerate(value):
        name = _choice(attribute, member, (*at, position))
        if name in chosen:
            raise LabelUnknown(f"The value {name} stands there twice", path=(*at, position))
        chosen[name] = None
    return list(chosen)


def _within(span: AttributeRange, value: Any) -> bool:
    """Whether a number lies on a step. Decimal notation decides, so 0.3 is three steps of 0.1."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    if not span.min <= value <= span.max:
        return False
    if span.step is None:
        return True
    steps = (Fraction(repr(value)) - Fraction(repr(span.min))) / Fraction(repr(span.step))
    return steps.denominator == 1
