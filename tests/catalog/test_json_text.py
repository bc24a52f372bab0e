"""Canonical JSON: one text for one value, and its limits."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gql_service.catalog.json_text import JSON_BYTES, JSON_DEPTH, canonical, parse
from gql_service.errors import Invalid, LimitExceeded

STRINGS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
NUMBERS = st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | STRINGS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(STRINGS, inner, max_size=4),
    max_leaves=20,
)


@given(VALUES)
def test_a_value_comes_back_equal(value: Any) -> None:
    text = canonical(value, object_only=False)
    assert parse(text) == value
    assert json.loads(text) == value
    assert canonical(parse(text), object_only=False) == text


@given(VALUES)
def test_the_order_of_keys_makes_no_difference(value: Any) -> None:
    def turned(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: turned(value[key]) for key in reversed(value)}
        return [turned(member) for member in value] if isinstance(value, list) else value

    assert canonical(turned(value), object_only=False) == canonical(value, object_only=False)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({}, "{}"),
        ({"b": 1, "a": [True, None, "é"]}, '{"a":[true,null,"é"],"b":1}'),
        (1.0, "1"),
        (-0.0, "0"),
        (1e16, "10000000000000000"),
        (-(2.0**63), str(-(2**63))),
        (0.1, "0.1"),
        (True, "true"),
        (2**63 - 1, "9223372036854775807"),
        (-(2**63), "-9223372036854775808"),
    ],
)
def test_a_number_has_one_form(value: Any, text: str) -> None:
    assert canonical(value, object_only=False) == text


@pytest.mark.parametrize(
    "value",
    [
        float("nan"),
        float("inf"),
        -float("inf"),
        2**63,
        -(2**63) - 1,
        10**4000,
        "\0",
        "a\ud800",
        "\udc00",
        {"\0": 1},
        {"\ud800": 1},
        {1: 1},
        b"bytes",
        (1, 2),
        {1, 2},
        object(),
    ],
    ids=lambda value: ascii(value)[:20],
)
def test_what_json_cannot_hold_is_refused_where_it_stands(value: Any) -> None:
    with pytest.raises(Invalid) as refusal:
        canonical({"a": [0, {"b": value}]}, ("metadata",), object_only=True)
    assert refusal.value.path == ("metadata", "a", "1", "b")
    assert refusal.value.fields[0].path == refusal.value.path


@pytest.mark.parametrize("value", [None, [], "text", 1, True])
def test_only_an_object_passes_where_an_object_is_needed(value: Any) -> None:
    canonical(value, object_only=False)
    with pytest.raises(Invalid) as refusal:
        canonical(value, ("metadata",), object_only=True)
    assert refusal.value.path == ("metadata",)


def test_depth_has_a_limit() -> None:
    value: Any = {}
    for _ in range(JSON_DEPTH - 1):
        value = {"a": value}
    assert parse(canonical(value, object_only=True)) == value
    with pytest.raises(LimitExceeded):
        canonical([value], object_only=False)


def test_a_value_that_holds_itself_is_too_deep() -> None:
    value: list[Any] = []
    value.append(value)
    with pytest.raises(LimitExceeded):
        canonical(value, object_only=False)


def test_size_is_counted_in_bytes_of_the_text() -> None:
    room = JSON_BYTES - len('{"a":""}')
    canonical({"a": "x" * room}, object_only=True)
    canonical({"a": "é" * (room // 2)}, object_only=True)
    for text in ("x" * (room + 1), "é" * (room // 2 + 1)):
        with pytest.raises(LimitExceeded) as refusal:
            canonical({"a": text}, ("metadata",), object_only=True)
        assert refusal.value.path == ("metadata",)
