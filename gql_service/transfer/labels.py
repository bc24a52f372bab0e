"""The recipe of an import: that of the dataset, one that was chosen, or one made of the source."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from gql_service.catalog.coordinates import AnnotationType
from gql_service.catalog.recipe_content import (
    Attribute,
    AttributeRange,
    AttributeType,
    Label,
    RecipeContent,
)
from gql_service.transfer.record import Record
from gql_service.transfer.target import COLORS


def recipe_of(names: Sequence[str], records: Iterable[Record]) -> RecipeContent:
    """A recipe that lets in these labels, and what the records say of their marks.

    Dots in names join parents and children. Values of an attribute decide its type: true and false,
    numbers between the least and the greatest there are, texts, lists of texts as choices. The
    recipe has the tools that are used, and boxes and classifications.
    """
    tools = {AnnotationType.CLASSIFICATION, AnnotationType.BOX}
    labels = dict.fromkeys(names)
    values: dict[str, list[Any]] = {}
    for record in records:
        for mark in record.marks:
            tools.add(mark.type)
            labels[mark.label] = None
            for key, value in mark.attributes.items():
                values.setdefault(key, []).append(value)
    return RecipeContent(
        labels=_tree(list(labels)),
        attributes=tuple(
            attribute for key, found in values.items() if (attribute := _attribute(key, found))
        ),
        tools=tuple(tool for tool in AnnotationType if tool in tools),
        instructions=None,
        strict=True,
    )


def _tree(names: Sequence[str]) -> tuple[Label, ...]:
    """Labels by the parts of their full names, in the order in which they are first met."""
    forest: dict[str, Any] = {}
    for name in names:
        place = forest
        for part in name.split("."):
            place = place.setdefault(part.strip(), {})

    def labels(children: dict[str, Any], top: bool) -> tuple[Label, ...]:
        return tuple(
            Label(
                name,
                display_name=name,
                color=COLORS[at % len(COLORS)] if top else "",
                children=labels(below, False),
            )
            for at, (name, below) in enumerate(children.items())
        )

    return labels(forest, True)


def _attribute(key: str, values: Sequence[Any]) -> Attribute | None:
    """None for values that no one type of attribute takes."""
    if all(isinstance(value, bool) for value in values):
        return Attribute(key, AttributeType.BOOLEAN)
    if all(isinstance(value, str) for value in values):
        return Attribute(key, AttributeType.FREE_TEXT)
    if all(isinstance(value, int | float) and not isinstance(value, bool) for value in values):
        return Attribute(key, AttributeType.RANGE, range=AttributeRange(min(values), max(values)))
    if all(isinstance(value, list) for value in values) and any(values):
        members = dict.fromkeys(str(member) for value in values for member in value)
        return Attribute(key, AttributeType.MULTIPLE_CHOICE, values=tuple(members))
    return None
