"""Labels and attributes of annotations against the recipe of their dataset."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from gql_service.catalog.annotation_content import (
    AnnotationStatus,
    AnnotationType,
    check_against_recipe,
)
from gql_service.catalog.json_text import parse
from gql_service.catalog.recipe_check import checked
from gql_service.catalog.recipe_content import (
    Attribute,
    AttributeRange,
    AttributeType,
    Label,
    RecipeContent,
)
from gql_service.errors import Invalid, LabelUnknown, LimitExceeded
from tests.catalog.recipes import PETS

STRICT = checked(PETS)
LOOSE = replace(STRICT, strict=False)
BOX = AnnotationType.BOX


def kept(content: RecipeContent, label: str, attributes: Any) -> tuple[str, Any]:
    name, text = check_against_recipe(content, BOX, label, attributes)
    return name, parse(text)


@pytest.mark.parametrize(
    ("label", "attributes"),
    [
        ("person", {}),
        ("animal", {"colour": "black"}),
        ("animal.dog", {"seen": ["tail", "head"], "age": 3.5, "asleep": True, "remark": ""}),
        ("animal.cat", {"seen": []}),
        ("animal.dog.poodle", {"age": 0}),
        ("person", {"age": 20}),
    ],
)
def test_what_the_recipe_allows_is_kept(label: str, attributes: dict[str, Any]) -> None:
    assert kept(STRICT, label, attributes) == (label, attributes)


def test_no_attributes_are_an_empty_object() -> None:
    assert check_against_recipe(STRICT, BOX, "person", None) == ("person", "{}")
    assert check_against_recipe(STRICT, BOX, "person", {}) == ("person", "{}")


def test_an_attribute_that_is_not_optional_may_come_later() -> None:
    assert kept(STRICT, "animal.dog", {}) == ("animal.dog", {})


@pytest.mark.parametrize(
    ("label", "attributes", "place", "named"),
    [
        ("cat", {}, "label", "cat"),
        ("Person", {}, "label", "Person"),
        ("animal.dog.puli", {}, "label", "animal.dog.puli"),
        ("person", {"size": 1}, "attributes.size", "size"),
        ("person", {"colour": "black"}, "attributes.colour", "colour"),
        ("animal.dog", {"colour": "black"}, "attributes.colour", "colour"),
        ("person", {"seen": ["head"]}, "attributes.seen", "seen"),
        ("animal.dog.poodle", {"seen": ["head"]}, "attributes.seen", "seen"),
        ("animal", {"colour": "red"}, "attributes.colour", "red"),
        ("animal", {"colour": ""}, "attributes.colour", "colour"),
        ("animal", {"colour": ["black"]}, "attributes.colour", "colour"),
        ("animal", {"colour": None}, "attributes.colour", "colour"),
        ("animal.cat", {"seen": "head"}, "attributes.seen", "seen"),
        ("animal.cat", {"seen": ["head", "wing"]}, "attributes.seen.1", "wing"),
        ("animal.cat", {"seen": ["head", "head"]}, "attributes.seen.1", "head"),
        ("animal.cat", {"seen": [1]}, "attributes.seen.0", "seen"),
        ("person", {"age": 20.5}, "attributes.age", "age"),
        ("person", {"age": -0.5}, "attributes.age", "age"),
        ("person", {"age": 0.25}, "attributes.age", "age"),
        ("person", {"age": "3"}, "attributes.age", "age"),
        ("person", {"age": True}, "attributes.age", "age"),
        ("person", {"asleep": 1}, "attributes.asleep", "asleep"),
        ("person", {"asleep": "true"}, "attributes.asleep", "asleep"),
        ("person", {"remark": 1}, "attributes.remark", "remark"),
        ("person", {"remark": None}, "attributes.remark", "remark"),
    ],
)
def test_what_the_recipe_does_not_allow_is_refused_by_name(
    label: str, attributes: dict[str, Any], place: str, named: str
) -> None:
    with pytest.raises(LabelUnknown) as refusal:
        check_against_recipe(STRICT, BOX, label, attributes, ("annotations", 2))
    assert refusal.value.path == ("annotations", "2", *place.split("."))
    assert named in refusal.value.message


@pytest.mark.parametrize(
    ("label", "attributes", "place"),
    [
        ("", {}, "label"),
        ("a..b", {}, "label"),
        ("a\0", {}, "label"),
        ("person", [], "attributes"),
        ("person", "text", "attributes"),
        ("person", 0, "attributes"),
        ("person", {"remark": "\ud800"}, "attributes.remark"),
        ("person", {"age": float("nan")}, "attributes.age"),
        ("animal.cat", {"e\u0301": 1, "\u00e9": 2}, "attributes.\u00e9"),
    ],
)
def test_what_cannot_be_a_label_or_attributes_is_invalid_even_when_not_strict(
    label: str, attributes: Any, place: str
) -> None:
    with pytest.raises(Invalid) as refusal:
        check_against_recipe(LOOSE, BOX, label, attributes)
    assert refusal.value.path == tuple(place.split("."))
    assert not isinstance(refusal.value, LabelUnknown)


def test_spelling_follows_the_recipe() -> None:
    content = checked(
        RecipeContent(
            labels=(Label("caf\u00e9"),),
            attributes=(
                Attribute("\u00e9", AttributeType.SINGLE_CHOICE, values=("\u00f4", "p")),
                Attribute("many", AttributeType.MULTIPLE_CHOICE, values=("\u00f4", "p")),
            ),
        )
    )
    given = {"e\u0301": "o\u0302 ", "many": ["p", "o\u0302"]}
    assert kept(content, "cafe\u0301", given) == (
        "caf\u00e9",
        {"\u00e9": "\u00f4", "many": ["p", "\u00f4"]},
    )


def test_a_recipe_that_is_not_strict_lets_in_what_it_does_not_know() -> None:
    assert kept(LOOSE, "car.red", {"doors": [4, {"a": 1.0}]}) == (
        "car.red",
        {"doors": [4, {"a": 1}]},
    )
    assert kept(LOOSE, "person", {"colour": "black"}) == ("person", {"colour": "black"})


@pytest.mark.parametrize("label", ["person", "car"])
def test_a_recipe_that_is_not_strict_still_checks_the_values_it_knows(label: str) -> None:
    for attributes in ({"colour": "red"}, {"age": 21}, {"asleep": "no"}):
        with pytest.raises(LabelUnknown):
            check_against_recipe(LOOSE, BOX, label, attributes)


@pytest.mark.parametrize("content", [STRICT, LOOSE])
def test_only_the_tools_of_the_recipe_are_taken(content: RecipeContent) -> None:
    with pytest.raises(Invalid, match="POLYGON") as refusal:
        check_against_recipe(content, AnnotationType.POLYGON, "person", {}, ("annotations", 0))
    assert refusal.value.path == ("annotations", "0", "type")


def test_a_recipe_without_tools_takes_every_type() -> None:
    content = replace(STRICT, tools=())
    for type_ in AnnotationType:
        assert check_against_recipe(content, type_, "person", {}) == ("person", "{}")


@pytest.mark.parametrize(
    ("low", "high", "step", "inside", "outside"),
    [
        (0, 1, 0.1, [0, 0.1, 0.3, 0.7, 1.0], [0.05, 0.35, 1.1]),
        (1, 10, 3, [1, 4, 7.0, 10], [2, 3, 9, 13]),
        (-0.5, 0.5, 0.25, [-0.5, -0.25, 0, 0.5], [0.1, -0.75]),
        (0.1, 0.9, None, [0.1, 0.123456789, 0.9], [0, 1]),
        (3, 3, None, [3, 3.0], [2.9999]),
        (0, 2**53, 1e-9, [2**53, 0.000000001], [0.0000000005]),
    ],
)
def test_a_range_takes_the_numbers_on_its_steps(
    low: float, high: float, step: float | None, inside: list[float], outside: list[float]
) -> None:
    span = AttributeRange(low, high, step)
    attribute = Attribute("n", AttributeType.RANGE, range=span)
    content = checked(RecipeContent(labels=(Label("l"),), attributes=(attribute,)))
    for value in inside:
        assert kept(content, "l", {"n": value}) == ("l", {"n": value})
    for value in outside:
        with pytest.raises(LabelUnknown):
            check_against_recipe(content, BOX, "l", {"n": value})


def test_attributes_have_the_size_of_any_json() -> None:
    with pytest.raises(LimitExceeded) as refusal:
        check_against_recipe(STRICT, BOX, "person", {"remark": "x" * 70_000})
    assert refusal.value.path == ("attributes",)


def test_statuses_are_three() -> None:
    assert [status.value for status in AnnotationStatus] == ["ISSUE", "APPROVED", "REVIEW"]
