"""Coordinates of every annotation type: accepted forms, and refusals that name the place."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gql_service.catalog.coordinates import (
    CORNERS,
    LARGEST_NUMBER,
    AnnotationType,
    check_coordinates,
)
from gql_service.catalog.json_text import parse
from gql_service.errors import Invalid, LimitExceeded
from tests.catalog.test_mask import as_text, png

T = AnnotationType
P = {"x": 1, "y": 2}
Q = {"x": 3.5, "y": -4}
R = {"x": 0, "y": 0}

VALID: list[tuple[AnnotationType, Any, Any]] = [
    (T.BOX, [P, Q], [P, Q]),
    (T.BOX, {"points": [P, Q]}, [P, Q]),
    (T.BOX, {"points": [P, Q], "angle": 0.0}, [P, Q]),
    (T.BOX, {"points": [P, Q], "angle": -30}, {"points": [P, Q], "angle": -30}),
    (T.POLYGON, [[P, Q, R]], [[P, Q, R]]),
    (T.POLYGON, [[P, Q, R], [R, Q, P, R]], [[P, Q, R], [R, Q, P, R]]),
    (T.POLYLINE, [[P, Q]], [[P, Q]]),
    (T.POINT, {"y": 2.0, "x": 1}, P),
    (T.ELLIPSE, {"center": P, "rx": 2, "ry": 0}, {"center": P, "rx": 2, "ry": 0, "angle": 0}),
    (
        T.ELLIPSE,
        {"center": P, "rx": 2, "ry": 1, "angle": 45.5},
        {"center": P, "rx": 2, "ry": 1, "angle": 45.5},
    ),
    (T.CUBE, dict.fromkeys(CORNERS, Q), dict.fromkeys(CORNERS, Q)),
    (T.CLASSIFICATION, None, None),
    (T.BINARY_MASK, as_text(png()), as_text(png())),
    (
        T.POSE,
        {"points": [{"name": "nose", **P}, {"name": "e\u0301ye", **Q, "visible": False}]},
        {
            "points": [
                {"name": "nose", **P, "visible": True},
                {"name": "\u00e9ye", **Q, "visible": False},
            ]
        },
    ),
    (T.TEXT_MARK, {"start": 0, "end": 5.0}, {"start": 0, "end": 5}),
    (
        T.SUBTITLE,
        {"start": 0.5, "end": 2, "text": "Hello\nyou"},
        {"start": 0.5, "end": 2, "text": "Hello\nyou"},
    ),
    (T.NOTE, {"x": 1, "y": 2, "text": ""}, {"x": 1, "y": 2, "text": ""}),
]


def of(type: AnnotationType) -> Any:
    """The first valid value of a type, no part of it shared with another."""
    return next(json.loads(json.dumps(value)) for kind, value, _ in VALID if kind is type)


def test_every_type_has_a_shape() -> None:
    assert {type for type, _, _ in VALID} == set(AnnotationType)


@pytest.mark.parametrize(("type", "value", "kept"), VALID)
def test_coordinates_are_brought_into_one_form(type: AnnotationType, value: Any, kept: Any) -> None:
    text = check_coordinates(type, value)
    assert parse(text) == kept
    assert check_coordinates(type, parse(text)) == text


INVALID: list[tuple[AnnotationType, Any, str]] = [
    (T.BOX, None, ""),
    (T.BOX, [P], ""),
    (T.BOX, [P, Q, R], ""),
    (T.BOX, [P, {"x": 1}], "1.y"),
    (T.BOX, [P, {"x": "1", "y": 2}], "1.x"),
    (T.BOX, [P, [1, 2]], "1"),
    (T.BOX, {"points": [P]}, "points"),
    (T.BOX, {"points": [P, {**Q, "x": None}]}, "points.1.x"),
    (T.BOX, {"points": [P, Q], "angle": "30"}, "angle"),
    (T.BOX, {"points": [P, Q], "angle": None}, "angle"),
    (T.BOX, {"angle": 1}, "points"),
    (T.POLYGON, [], ""),
    (T.POLYGON, [P, Q, R], "0"),
    (T.POLYGON, [[P, Q]], "0"),
    (T.POLYGON, [[P, Q, R], [P, Q, {"x": 1, "y": float("inf")}]], "1.2.y"),
    (T.POLYGON, {"points": []}, ""),
    (T.POLYLINE, [[P]], "0"),
    (T.POLYLINE, [[P, Q], []], "1"),
    (T.POLYLINE, [[P, {**Q, "z": 1}]], "0.1.z"),
    (T.POINT, [1, 2], ""),
    (T.POINT, {"x": 1}, "y"),
    (T.POINT, {"x": True, "y": 2}, "x"),
    (T.POINT, {"x": 1, "y": float("nan")}, "y"),
    (T.POINT, {"x": 1, "y": 2, "\ud800": 3}, "\\ud800"),
    (T.ELLIPSE, {"center": P, "rx": 1}, "ry"),
    (T.ELLIPSE, {"center": P, "rx": -1, "ry": 1}, "rx"),
    (T.ELLIPSE, {"center": {"x": 1, "y": "2"}, "rx": 1, "ry": 1}, "center.y"),
    (T.ELLIPSE, {"center": P, "rx": 1, "ry": 1, "angle": False}, "angle"),
    (T.CUBE, dict.fromkeys(CORNERS[:7], P), "backBL"),
    (T.CUBE, {**dict.fromkeys(CORNERS, P), "middle": P}, "middle"),
    (T.CUBE, {**dict.fromkeys(CORNERS, P), "backTL": {"x": 1, "y": None}}, "backTL.y"),
    (T.CLASSIFICATION, {}, ""),
    (T.CLASSIFICATION, False, ""),
    (T.BINARY_MASK, "AAAA", ""),
    (T.BINARY_MASK, {"png": as_text(png())}, ""),
    (T.POSE, {"points": []}, "points"),
    (T.POSE, {"points": P}, "points"),
    (T.POSE, {"points": [{"name": "", **P}]}, "points.0.name"),
    (T.POSE, {"points": [{"name": 1, **P}]}, "points.0.name"),
    (T.POSE, {"points": [{"name": "a", **P}, {"name": "a ", **Q}]}, "points.1.name"),
    (T.POSE, {"points": [{"name": "a", **P, "visible": 1}]}, "points.0.visible"),
    (T.POSE, [{"name": "a", **P}], ""),
    (T.TEXT_MARK, {"start": 3, "end": 3}, "end"),
    (T.TEXT_MARK, {"start": 1, "end": 2.5}, "end"),
    (T.TEXT_MARK, {"start": -1, "end": 2}, "start"),
    (T.TEXT_MARK, {"start": 1}, "end"),
    (T.SUBTITLE, {"start": 1, "end": 0.5, "text": "a"}, "end"),
    (T.SUBTITLE, {"start": 1, "end": 2}, "text"),
    (T.SUBTITLE, {"start": 1, "end": 2, "text": 3}, "text"),
    (T.NOTE, {"x": 1, "y": 2, "text": "a\0"}, "text"),
    (T.NOTE, {"x": 1, "y": 2, "text": "\ud800"}, "text"),
    (T.NOTE, {"x": 1, "y": 2, "text": None}, "text"),
    (T.NOTE, None, ""),
]


@pytest.mark.parametrize(("type", "value", "place"), INVALID)
def test_a_refusal_names_the_place_of_the_offending_value(
    type: AnnotationType, value: Any, place: str
) -> None:
    with pytest.raises(Invalid) as refusal:
        check_coordinates(type, value, ("annotations", 4, "coordinates"))
    below = tuple(place.split(".")) if place else ()
    assert refusal.value.path == ("annotations", "4", "coordinates", *below)


def test_every_type_is_refused_somewhere_in_the_table() -> None:
    assert {type for type, _, _ in INVALID} == set(AnnotationType)


@pytest.mark.parametrize(
    "type", [t for t in AnnotationType if t is not T.CLASSIFICATION], ids=lambda t: t.value
)
@pytest.mark.parametrize("value", [None, True, 0, "text", [], {}, [None], {"x": {}}])
def test_no_type_takes_a_value_of_another_kind(type: AnnotationType, value: Any) -> None:
    with pytest.raises(Invalid):
        check_coordinates(type, value)


@pytest.mark.parametrize(
    "number", [LARGEST_NUMBER + 1, -(10**400), 1e300, float("nan"), float("-inf"), True, "1", None]
)
@pytest.mark.parametrize("type", AnnotationType, ids=lambda t: t.value)
def test_no_number_of_any_type_may_be_endless_or_a_boolean(
    type: AnnotationType, number: Any
) -> None:
    for place, holder, key in numbers_in(of(type)):
        held, holder[key] = holder[key], number
        with pytest.raises(Invalid) as refusal:
            check_coordinates(type, place[0])
        assert refusal.value.path == tuple(str(step) for step in place[1:])
        holder[key] = held


def numbers_in(value: Any) -> Iterator[tuple[tuple[Any, ...], Any, Any]]:
    """Each number of a value, with the value itself and the path to it, and what holds it."""

    def below(inner: Any, *path: Any) -> Iterator[tuple[tuple[Any, ...], Any, Any]]:
        keys = inner if isinstance(inner, dict) else range(len(inner))
        for key in list(keys):
            if type(inner[key]) in (int, float):
                yield (value, *path, key), inner, key
            elif isinstance(inner[key], (dict, list)):
                yield from below(inner[key], *path, key)

    if isinstance(value, (dict, list)):
        yield from below(value)


def test_the_text_of_coordinates_has_a_limit() -> None:
    ring = [{"x": 1234.5678, "y": 1234.5678 + n} for n in range(80_000)]
    with pytest.raises(LimitExceeded):
        check_coordinates(T.POLYGON, [ring])


NUMBER = st.integers(-LARGEST_NUMBER, LARGEST_NUMBER) | st.floats(-1e9, 1e9)
POINT = st.fixed_dictionaries({"x": NUMBER, "y": NUMBER})


@given(st.lists(st.lists(POINT, min_size=3, max_size=6), min_size=1, max_size=3))
def test_the_form_of_numbers_makes_no_difference(polygon: list[list[dict[str, Any]]]) -> None:
    text = check_coordinates(T.POLYGON, polygon)
    assert parse(text) == polygon
    floats = [[{axis: float(p[axis]) for axis in p} for p in ring] for ring in polygon]
    assert check_coordinates(T.POLYGON, floats) == text
