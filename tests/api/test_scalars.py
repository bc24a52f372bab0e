"""Scalars are as strict as their descriptions."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from io import BytesIO
from typing import Any

import pytest
from graphql import GraphQLError
from starlette.datastructures import UploadFile

from gql_service.api import scalars


@pytest.mark.parametrize("value", [0, -1, 2**63 - 1, -(2**63), "0", "-5", str(2**63 - 1)])
def test_a_big_int_is_an_integer_or_a_string_of_it(value: Any) -> None:
    assert scalars.parse_big_int(value) == int(value)


@pytest.mark.parametrize(
    "value",
    [2**63, -(2**63) - 1, str(2**63), "1.0", "01", "", " 1", "1e3", 1.0, True, None, [], "１"],
)
def test_anything_else_is_no_big_int(value: Any) -> None:
    with pytest.raises(GraphQLError):
        scalars.parse_big_int(value)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-01-31T12:00:00Z", datetime(2026, 1, 31, 12, tzinfo=UTC)),
        ("2026-01-31t12:00:00.5z", datetime(2026, 1, 31, 12, 0, 0, 500_000, tzinfo=UTC)),
        ("2026-01-31T14:00:00+02:00", datetime(2026, 1, 31, 12, tzinfo=UTC)),
    ],
)
def test_a_moment_is_read_with_its_offset(text: str, moment: datetime) -> None:
    assert scalars.parse_moment(text) == moment


@pytest.mark.parametrize(
    "value",
    [
        "2026-01-31T12:00:00",
        "2026-01-31",
        "2026-W05-6T12:00:00Z",
        "2026-02-30T12:00:00Z",
        "2026-01-31T25:00:00Z",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-14:00",
        "2026-01-31 12:00:00Z",
        "2026-01-31T12:00:00.1234567Z",
        1767225600,
        None,
    ],
)
def test_anything_else_is_no_moment(value: Any) -> None:
    with pytest.raises(GraphQLError):
        scalars.parse_moment(value)


def test_a_moment_is_printed_in_utc_with_z() -> None:
    moment = datetime(2026, 1, 31, 14, tzinfo=timezone(timedelta(hours=2)))
    assert scalars.print_moment(moment) == "2026-01-31T12:00:00Z"


@pytest.mark.parametrize(
    "value", [None, True, 1, 1.5, "x", [], {}, {"a": [1, {"b": None}]}, -(2**63), 2**63 - 1]
)
def test_any_json_value_passes(value: Any) -> None:
    assert scalars.parse_json(value) == value


@pytest.mark.parametrize(
    ("value", "place"),
    [
        (float("nan"), ""),
        ({"a": [float("inf")]}, "a.0"),
        ({"a": 2**63}, "a"),
        ({"a": {"b": "\ud800"}}, "a.b"),
        ({"\x00": 1}, ""),
        (object(), ""),
    ],
)
def test_what_cannot_be_stored_is_refused_with_its_place(value: Any, place: str) -> None:
    with pytest.raises(GraphQLError) as refusal:
        scalars.parse_json(value)
    assert refusal.value.message.endswith(f" at {place}" if place else "") and place in (
        refusal.value.message
    )


def test_json_of_any_depth_is_refused_without_a_crash() -> None:
    value: Any = []
    for _ in range(900):
        value = [value]
    with pytest.raises(GraphQLError, match="too many levels"):
        scalars.parse_json(value)


def test_only_a_part_of_the_request_is_an_upload() -> None:
    part = UploadFile(BytesIO(b"bytes"))
    assert scalars.parse_upload(part) is part
    for value in ("evil", None, {"filename": "x"}, 1, b"bytes"):
        with pytest.raises(GraphQLError):
            scalars.parse_upload(value)
