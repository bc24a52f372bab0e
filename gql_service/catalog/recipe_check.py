"""Whether a recipe can be kept: every name in one spelling, nothing twice, every reference met.

Labels of one parent have different names, names have no dots, colours are `#rrggbb`; choices have
values and ranges have numbers; scopes and labels speak only of labels and attributes of the same
recipe. Paths of refusals use the member names of the GraphQL types.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from gql_service.catalog.names import clean_name, clean_text
from gql_service.catalog.recipe_content import (
    CHOICES,
    Attribute,
    AttributeRange,
    AttributeType,
    Label,
    RecipeContent,
    walk,
)
from gql_service.errors import Invalid, LimitExceeded

MOST_LABELS = 10_000
DEEPEST_LABEL = 16
LABEL_BYTES = 1_000
"""Of a full name in UTF-8: PostgreSQL cannot index a text of more than about 2,700 bytes."""

MOST_ATTRIBUTES = 200
MOST_VALUES = 1_000
INSTRUCTION_CHARACTERS = 50_000
LARGEST_NUMBER = 2**53
_COLOR = re.compile("#[0-9a-f]{6}")

At = tuple[str | int, ...]


def checked(content: RecipeContent, path: Sequence[str | int] = ()) -> RecipeContent:
    """The content as it is stored: names cleaned, display names, titles and colours filled in.

    Checking a checked content changes nothing. Raises Invalid, naming the place below `path`, or
    LimitExceeded past 10,000 labels, 16 levels of them, 200 attributes, or 1,000 values of one.
    """
    at = tuple(path)
    attributes = _attributes(content.attributes, (*at, "attributes"))
    keys = {attribute.key for attribute in attributes}
    labels = _Tree(keys).children(content.labels, "", 1, (*at, "labels"))
    names = {name for name, _ in walk(labels)}
    scoped = [
        replace(attribute, scope=_scope(attribute, names, (*at, "attributes", position, "scope")))
        for position, attribute in enumerate(attributes)
    ]
    return RecipeContent(
        labels=labels,
        attributes=tuple(scoped),
        tools=tuple(dict.fromkeys(content.tools)),
        instructions=_instructions(content.instructions, (*at, "instructions")),
        strict=content.strict,
    )


def clean_label(text: str, path: Sequence[str | int] = ()) -> str:
    """The full name of a label as it is stored: each part between dots cleaned as a name.

    Raises Invalid for an empty part, LimitExceeded past 16 parts or 1,000 bytes.
    """
    parts = text.split(".", maxsplit=DEEPEST_LABEL)
    if len(parts) > DEEPEST_LABEL:
        raise LimitExceeded(f"Labels can be {DEEPEST_LABEL} levels deep", path=path)
    full_name = ".".join(clean_name(part, path) for part in parts)
    _refuse_long_label(full_name, path)
    return full_name


class _Tree:
    """Checks the labels of one recipe, counting them as they are met."""

    def __init__(self, keys: Collection[str]) -> None:
        self.keys = keys
        self.labels = 0

    def children(
        self, labels: Sequence[Label], parent: str, depth: int, at: At
    ) -> tuple[Label, ...]:
        self.labels += len(labels)
        if self.labels > MOST_LABELS:
            raise LimitExceeded(f"A recipe can have {MOST_LABELS:,} labels", path=at)
        if labels and depth > DEEPEST_LABEL:
            raise LimitExceeded(f"Labels can be {DEEPEST_LABEL} levels deep", path=at)
        cleaned: dict[str, Label] = {}
        for position, label in enumerate(labels):
            here = (*at, position)
            kept = self.label(label, parent, depth, here)
            if kept.name in cleaned:
                raise Invalid(f"Two labels have the name {kept.name}", path=(*here, "name"))
            cleaned[kept.name] = kept
        return tuple(cleaned.values())

    def label(self, label: Label, parent: str, depth: int, at: At) -> Label:
        name = clean_name(label.name, (*at, "name"))
        if "." in name:
            raise Invalid(
                f"The label {name} has a dot in its name; dots join parents and children",
                path=(*at, "name"),
            )
        full_name = f"{parent}.{name}" if parent else name
        _refuse_long_label(full_name, (*at, "name"))
        return Label(
            name=name,
            display_name=clean_name(label.display_name or name, (*at, "displayName")),
            color=_color(label.color, full_name, (*at, "color")),
            attributes=_references(label.attributes, self.keys, "attribute", (*at, "attributes")),
            children=self.children(label.children, full_name, depth + 1, (*at, "children")),
        )


def _refuse_long_label(full_name: str, path: Sequence[str | int]) -> None:
    if len(full_name.encode()) > LABEL_BYTES:
        raise LimitExceeded(f"A label's full name can have {LABEL_BYTES:,} bytes", path=path)


def _color(color: str, full_name: str, at: At) -> str:
    """A colour that was not chosen follows from the name, so that it is the same every time."""
    if not color:
        return "#" + hashlib.sha256(full_name.encode()).hexdigest()[:6]
    if not _COLOR.fullmatch(color.lower()):
        raise Invalid("A colour is written #rrggbb", path=at)
    return color.lower()


def _references(names: Sequence[str], known: Collection[str], noun: str, at: At) -> tuple[str, ...]:
    """`names` cleaned, each once, in the order given; all of them must be `known`."""
    kept: dict[str, None] = {}
    for position, text in enumerate(names):
        here = (*at, position)
        name = clean_label(text, here) if noun == "label" else clean_name(text, here)
        if name not in known:
            raise Invalid(f"The recipe has no {noun} {name}", path=here)
        kept[name] = None
    return tuple(kept)


def _scope(attribute: Attribute, names: Collection[str], at: At) -> tuple[str, ...] | None:
    return None if attribute.scope is None else _references(attribute.scope, names, "label", at)


def _attributes(attributes: Sequence[Attribute], at: At) -> tuple[Attribute, ...]:
    if len(attributes) > MOST_ATTRIBUTES:
        raise LimitExceeded(f"A recipe can have {MOST_ATTRIBUTES} attributes", path=at)
    cleaned: dict[str, Attribute] = {}
    for position, attribute in enumerate(attributes):
        here = (*at, position)
        key = clean_name(attribute.key, (*here, "key"))
        if key in cleaned:
            raise Invalid(f"Two attributes have the key {key}", path=(*here, "key"))
        cleaned[key] = replace(
            attribute,
            key=key,
            title=clean_name(attribute.title or key, (*here, "title")),
            values=_values(attribute, (*here, "values")),
            range=_range(attribute, (*here, "range")),
        )
    return tuple(cleaned.values())


def _values(attribute: Attribute, at: At) -> tuple[str, ...] | None:
    if attribute.type not in CHOICES:
        if attribute.values is not None:
            raise Invalid("Only a choice has values", path=at)
        return None
    if not attribute.values:
        raise Invalid("A choice needs at least one value", path=at)
    if len(attribute.values) > MOST_VALUES:
        raise LimitExceeded(f"An attribute can have {MOST_VALUES:,} values", path=at)
    cleaned: dict[str, None] = {}
    for position, text in enumerate(attribute.values):
        value = clean_name(text, (*at, position))
        if value in cleaned:
            raise Invalid(f"The value {value} stands there twice", path=(*at, position))
        cleaned[value] = None
    return tuple(cleaned)


def _range(attribute: Attribute, at: At) -> AttributeRange | None:
    span = attribute.range
    if attribute.type is not AttributeType.RANGE:
        if span is not None:
            raise Invalid("Only a range has min, max and step", path=at)
        return None
    if span is None:
        raise Invalid("A range needs min and max", path=at)
    numbers: Mapping[str, int | float | None] = {
        "min": span.min,
        "max": span.max,
        "step": span.step,
    }
    for name, number in numbers.items():
        if number is not None and not _is_number(number):
            raise Invalid("A finite number within ±2^53 is needed here", path=(*at, name))
    if span.min > span.max:
        raise Invalid("The max must not be less than the min", path=(*at, "max"))
    if span.step is not None and not 0 < span.step <= span.max - span.min:
        raise Invalid("The step must be above 0 and fit between min and max", path=(*at, "step"))
    return span


def _is_number(value: int | float) -> bool:
    """NaN and infinity fail the comparison too."""
    return not isinstance(value, bool) and abs(value) <= LARGEST_NUMBER


def _instructions(text: str | None, at: At) -> str | None:
    return clean_text(text, at, longest=INSTRUCTION_CHARACTERS) or None if text else None
