"""Which recipes can be kept, and what is filled in."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given, settings

from gql_service.catalog.coordinates import AnnotationType
from gql_service.catalog.recipe_check import (
    DEEPEST_LABEL,
    INSTRUCTION_CHARACTERS,
    LABEL_BYTES,
    MOST_ATTRIBUTES,
    MOST_LABELS,
    MOST_VALUES,
    checked,
    clean_label,
)
from gql_service.catalog.recipe_content import (
    Attribute,
    AttributeRange,
    AttributeType,
    Label,
    RecipeContent,
)
from gql_service.errors import Invalid, LimitExceeded
from tests.catalog.recipes import PETS, contents

CHOICE = AttributeType.SINGLE_CHOICE
RANGE = AttributeType.RANGE


def labels(*found: Label) -> RecipeContent:
    return RecipeContent(labels=found)


def attributes(*found: Attribute) -> RecipeContent:
    return RecipeContent(labels=(Label("dog"),), attributes=found)


def span(low: float, high: float, step: float | None = None) -> RecipeContent:
    return attributes(Attribute("a", RANGE, range=AttributeRange(low, high, step)))


@settings(max_examples=40, deadline=None)
@given(contents())
def test_checking_a_checked_content_changes_nothing(content: RecipeContent) -> None:
    assert checked(content) == content


def test_names_are_cleaned_everywhere() -> None:
    content = checked(
        RecipeContent(
            labels=(Label(" cafe\u0301 ", attributes=("e\u0301 ",)),),
            attributes=(
                Attribute(" e\u0301", CHOICE, values=("o\u0302", " p "), scope=("cafe\u0301",)),
            ),
        )
    )
    assert content.labels[0].name == "caf\u00e9"
    assert content.labels[0].attributes == ("\u00e9",)
    assert content.attributes[0].key == "\u00e9"
    assert content.attributes[0].values == ("\u00f4", "p")
    assert content.attributes[0].scope == ("caf\u00e9",)


def test_what_was_left_out_follows_from_the_name() -> None:
    dog, other = (checked(labels(Label(name))).labels[0] for name in ("dog", "cat"))
    assert dog.display_name == "dog"
    assert re.fullmatch("#[0-9a-f]{6}", dog.color)
    assert dog.color != other.color
    assert checked(labels(Label("dog"))).labels[0].color == dog.color
    assert checked(attributes(Attribute("a", AttributeType.BOOLEAN))).attributes[0].title == "a"
    assert checked(replace(PETS, instructions="")).instructions is None


def test_what_is_a_set_holds_everything_once() -> None:
    content = checked(
        RecipeContent(
            labels=(Label("dog", attributes=("a", "a")),),
            attributes=(Attribute("a", AttributeType.BOOLEAN, scope=("dog", "dog")),),
            tools=(AnnotationType.BOX, AnnotationType.POINT, AnnotationType.BOX),
        )
    )
    assert content.labels[0].attributes == ("a",)
    assert content.attributes[0].scope == ("dog",)
    assert content.tools == (AnnotationType.BOX, AnnotationType.POINT)


@pytest.mark.parametrize(
    ("content", "place"),
    [
        (labels(Label("")), "labels.0.name"),
        (labels(Label("a"), Label("b.c")), "labels.1.name"),
        (labels(Label("a\0")), "labels.0.name"),
        (labels(Label("\ud800")), "labels.0.name"),
        (labels(Label("x" * 201)), "labels.0.name"),
        (labels(Label("a"), Label("a")), "labels.1.name"),
        (labels(Label("e\u0301"), Label("\u00e9")), "labels.1.name"),
        (
            labels(Label("a", children=(Label("b"), Label("b")))),
            "labels.0.children.1.name",
        ),
        (labels(Label("a", display_name="\n")), "labels.0.displayName"),
        (labels(Label("a", color="red")), "labels.0.color"),
        (labels(Label("a", color="#12345")), "labels.0.color"),
        (labels(Label("a", color="#12345g")), "labels.0.color"),
        (labels(Label("a", attributes=("none",))), "labels.0.attributes.0"),
        (attributes(Attribute("", AttributeType.BOOLEAN)), "attributes.0.key"),
        (
            attributes(
                Attribute("a", AttributeType.BOOLEAN), Attribute("a", AttributeType.FREE_TEXT)
            ),
            "attributes.1.key",
        ),
        (attributes(Attribute("a", AttributeType.BOOLEAN, title="\0")), "attributes.0.title"),
        (attributes(Attribute("a", CHOICE)), "attributes.0.values"),
        (attributes(Attribute("a", CHOICE, values=())), "attributes.0.values"),
        (attributes(Attribute("a", CHOICE, values=("x", ""))), "attributes.0.values.1"),
        (attributes(Attribute("a", CHOICE, values=("x", "x "))), "attributes.0.values.1"),
        (
            attributes(Attribute("a", AttributeType.BOOLEAN, values=("x",))),
            "attributes.0.values",
        ),
        (
            attributes(Attribute("a", CHOICE, values=("x",), range=AttributeRange(0, 1))),
            "attributes.0.range",
        ),
        (attributes(Attribute("a", RANGE)), "attributes.0.range"),
        (
            attributes(Attribute("a", RANGE, values=("x",), range=AttributeRange(0, 1))),
            "attributes.0.values",
        ),
        (span(float("nan"), 1), "attributes.0.range.min"),
        (span(0, float("inf")), "attributes.0.range.max"),
        (span(0, 10**400), "attributes.0.range.max"),
        (span(True, 1), "attributes.0.range.min"),
        (span(2, 1), "attributes.0.range.max"),
        (span(0, 1, 0), "attributes.0.range.step"),
        (span(0, 1, -1), "attributes.0.range.step"),
        (span(0, 1, 2), "attributes.0.range.step"),
        (span(0, 1, float("nan")), "attributes.0.range.step"),
        (
            attributes(Attribute("a", AttributeType.BOOLEAN, scope=("cat",))),
            "attributes.0.scope.0",
        ),
        (
            attributes(Attribute("a", AttributeType.BOOLEAN, scope=("dog", "dog..x"))),
            "attributes.0.scope.1",
        ),
        (RecipeContent(instructions="\0"), "instructions"),
    ],
)
def test_a_refusal_names_the_place(content: RecipeContent, place: str) -> None:
    with pytest.raises(Invalid) as refusal:
        checked(content, ("input", "content"))
    assert refusal.value.path == ("input", "content", *place.split("."))


def test_a_name_may_stand_under_two_parents() -> None:
    content = labels(Label("a", children=(Label("x"),)), Label("b", children=(Label("x"),)))
    assert set(checked(content).labels_by_name) == {"a", "b", "a.x", "b.x"}


def chain(depth: int, name: str = "l") -> RecipeContent:
    label = Label(name)
    for _ in range(depth - 1):
        label = Label(name, children=(label,))
    return labels(label)


def many_labels(count: int) -> RecipeContent:
    children = tuple(Label(f"l{n}") for n in range(count - 1))
    return labels(Label("root", children=children))


def many_attributes(count: int) -> RecipeContent:
    return attributes(*(Attribute(f"a{n}", AttributeType.BOOLEAN) for n in range(count)))


def many_values(count: int) -> RecipeContent:
    return attributes(Attribute("a", CHOICE, values=tuple(f"v{n}" for n in range(count))))


@pytest.mark.parametrize(
    ("make", "limit"),
    [
        (chain, DEEPEST_LABEL),
        (many_labels, MOST_LABELS),
        (many_attributes, MOST_ATTRIBUTES),
        (many_values, MOST_VALUES),
        (lambda n: labels(Label("a" * (n // 5), children=chain(4, "a" * 199).labels)), LABEL_BYTES),
        (lambda n: RecipeContent(instructions="x" * n), INSTRUCTION_CHARACTERS),
    ],
    ids=["depth", "labels", "attributes", "values", "full name", "instructions"],
)
def test_limits(make: object, limit: int) -> None:
    assert callable(make)
    checked(make(limit))
    with pytest.raises(LimitExceeded):
        checked(make(limit + 5))


def test_a_full_name_is_cleaned_part_by_part() -> None:
    assert clean_label("animal . cafe\u0301") == "animal.caf\u00e9"
    assert clean_label(".".join(["l"] * DEEPEST_LABEL)).count(".") == DEEPEST_LABEL - 1
    for text in ("", ".", "a.", ".a", "a..b", "a\0", "\ud800", "l." * 5_000):
        with pytest.raises(Invalid) as refusal:
            clean_label(text, ("label",))
        assert refusal.value.path == ("label",)
