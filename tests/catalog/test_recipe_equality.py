"""When recipes are equal: properties over many contents, and a table of real differences."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import replace
from random import Random
from typing import Any, TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gql_service.catalog.coordinates import AnnotationType
from gql_service.catalog.recipe_check import checked
from gql_service.catalog.recipe_content import (
    Attribute,
    AttributeRange,
    AttributeType,
    Label,
    RecipeContent,
)
from gql_service.catalog.recipe_equality import differences, fingerprint
from gql_service.errors import RecipeDifference
from tests.catalog.recipes import PETS, contents

T = TypeVar("T")


def shuffled(values: Sequence[T], random: Random) -> tuple[T, ...]:
    return tuple(random.sample(values, len(values)))


def disguised(content: RecipeContent, random: Random) -> RecipeContent:
    """The same promise in another order, dress, number form, normal form and strictness."""

    def spelt(text: str) -> str:
        return unicodedata.normalize(random.choice(["NFC", "NFD"]), text)

    def number(value: float | None) -> float | None:
        return value if value is None else random.choice([value, float(value)])

    def dressed(label: Label) -> Label:
        return Label(
            name=spelt(label.name),
            display_name=random.choice(["", "Another"]),
            color=random.choice(["", "#010203"]),
            attributes=shuffled([spelt(key) for key in label.attributes], random),
            children=shuffled([dressed(child) for child in label.children], random),
        )

    def attribute(attribute: Attribute) -> Attribute:
        span = attribute.range
        return replace(
            attribute,
            key=spelt(attribute.key),
            title=random.choice(["", "Another"]),
            values=attribute.values and shuffled([spelt(v) for v in attribute.values], random),
            range=span
            and AttributeRange(number(span.min) or 0, number(span.max) or 0, number(span.step)),
            scope=attribute.scope and shuffled([spelt(name) for name in attribute.scope], random),
        )

    return RecipeContent(
        labels=shuffled([dressed(one) for one in content.labels], random),
        attributes=shuffled([attribute(one) for one in content.attributes], random),
        tools=shuffled(content.tools, random),
        instructions=random.choice([None, "Others"]),
        strict=random.choice([True, False]),
    )


@settings(max_examples=40, deadline=None)
@given(contents(), st.randoms(use_true_random=False))
def test_order_dress_numbers_normal_form_and_strictness_do_not_count(
    content: RecipeContent, random: Random
) -> None:
    other = disguised(content, random)
    assert fingerprint(other) == fingerprint(content)
    assert fingerprint(checked(other)) == fingerprint(content)
    assert differences(content, other) == []


@settings(max_examples=40, deadline=None)
@given(contents(), contents())
def test_there_are_differences_exactly_when_the_fingerprints_differ(
    left: RecipeContent, right: RecipeContent
) -> None:
    assert (differences(left, right) == []) == (fingerprint(left) == fingerprint(right))
    mirrored = {
        (one.kind.replace("ADDED", "-").replace("REMOVED", "ADDED").replace("-", "REMOVED"))
        + one.name
        for one in differences(right, left)
    }
    assert {one.kind + one.name for one in differences(left, right)} == mirrored


ANIMAL, PERSON = PETS.labels
DOG, CAT = ANIMAL.children
COLOUR, SEEN, AGE, ASLEEP, REMARK = PETS.attributes


def with_animal(**changes: Any) -> RecipeContent:
    return replace(PETS, labels=(replace(ANIMAL, **changes), PERSON))


def with_attribute(position: int, **changes: Any) -> RecipeContent:
    found = list(PETS.attributes)
    found[position] = replace(found[position], **changes)
    return replace(PETS, attributes=tuple(found))


REAL_DIFFERENCES: list[tuple[str, RecipeContent, list[str]]] = [
    ("a label fewer", replace(PETS, labels=(ANIMAL,)), ["LABEL_REMOVED person"]),
    (
        "a label more",
        replace(PETS, labels=(*PETS.labels, Label("car"))),
        ["LABEL_ADDED car"],
    ),
    (
        "a label renamed",
        replace(PETS, labels=(ANIMAL, replace(PERSON, name="Person"))),
        ["LABEL_ADDED Person", "LABEL_REMOVED person"],
    ),
    (
        "a label moved to the root",
        replace(
            with_animal(children=(DOG,)), labels=(replace(ANIMAL, children=(DOG,)), PERSON, CAT)
        ),
        ["LABEL_REMOVED animal.cat", "LABEL_ADDED cat"],
    ),
    ("an attribute of a label", with_animal(attributes=()), ["LABEL_CHANGED animal"]),
    (
        "another attribute of a label",
        with_animal(attributes=("age", "colour")),
        ["LABEL_CHANGED animal"],
    ),
    (
        "an attribute fewer",
        replace(PETS, attributes=PETS.attributes[:4]),
        ["ATTRIBUTE_REMOVED remark"],
    ),
    (
        "an attribute more",
        replace(PETS, attributes=(*PETS.attributes, Attribute("new", AttributeType.BOOLEAN))),
        ["ATTRIBUTE_ADDED new"],
    ),
    (
        "the type of an attribute",
        with_attribute(4, type=AttributeType.BOOLEAN),
        ["ATTRIBUTE_CHANGED remark"],
    ),
    ("a value fewer", with_attribute(0, values=("black",)), ["ATTRIBUTE_CHANGED colour"]),
    (
        "the end of a range",
        with_attribute(2, range=AttributeRange(0, 21, 0.5)),
        ["ATTRIBUTE_CHANGED age"],
    ),
    (
        "the step of a range",
        with_attribute(2, range=AttributeRange(0, 20)),
        ["ATTRIBUTE_CHANGED age"],
    ),
    ("a scope", with_attribute(1, scope=("animal.dog",)), ["ATTRIBUTE_CHANGED seen"]),
    ("all labels instead of none", with_attribute(0, scope=None), ["ATTRIBUTE_CHANGED colour"]),
    ("optional", with_attribute(1, optional=True), ["ATTRIBUTE_CHANGED seen"]),
    (
        "the tools",
        replace(PETS, tools=(AnnotationType.BOX, AnnotationType.POINT)),
        ["TOOL_REMOVED CLASSIFICATION", "TOOL_ADDED POINT"],
    ),
    ("every tool", replace(PETS, tools=()), ["TOOL_REMOVED BOX", "TOOL_REMOVED CLASSIFICATION"]),
]


@pytest.mark.parametrize(("what", "other", "expected"), REAL_DIFFERENCES, ids=lambda v: str(v)[:30])
def test_every_real_difference_is_seen_and_named(
    what: str, other: RecipeContent, expected: list[str]
) -> None:
    assert fingerprint(other) != fingerprint(PETS)
    assert [f"{one.kind} {one.name}" for one in differences(PETS, other)] == expected


def test_a_difference_shows_both_sides() -> None:
    other = with_attribute(0, values=("black", "white"), optional=False)
    [found] = differences(PETS, other)
    before = {
        "key": "colour",
        "type": "SINGLE_CHOICE",
        "values": ["black", "brown"],
        "range": None,
        "scope": [],
        "optional": True,
    }
    assert found == RecipeDifference(
        kind="ATTRIBUTE_CHANGED",
        name="colour",
        left=before,
        right={**before, "values": ["black", "white"], "optional": False},
        detail="Attribute colour differs in optional, values",
    )


def test_a_fingerprint_is_a_sha256_in_hexadecimal() -> None:
    assert len(fingerprint(PETS)) == 64
    assert int(fingerprint(PETS), 16)


def test_two_empty_recipes_are_equal() -> None:
    assert differences(RecipeContent(), RecipeContent(strict=False)) == []
