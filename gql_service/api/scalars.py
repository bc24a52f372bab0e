"""The scalars of the schema, each as strict as its description says."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime
from typing import Any, NewType

import strawberry
from graphql import GraphQLError
from starlette.datastructures import UploadFile
from strawberry.types.scalar import ScalarDefinition

from gql_service.catalog.json_text import JSON_DEPTH

_SMALLEST, _LARGEST = -(2**63), 2**63 - 1
_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]{0,18})")
_MOMENT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?([Zz]|[+-][0-9]{2}:[0-9]{2})"
)
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_INPUT_DEPTH = 2 * JSON_DEPTH
"""What is deeper than storage allows is refused there, by name; this only bounds the work."""

BigInt = NewType("BigInt", int)
JSON = NewType("JSON", object)
Upload = NewType("Upload", UploadFile)


def parse_big_int(value: object) -> BigInt:
    if isinstance(value, str) and _INTEGER.fullmatch(value):
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise GraphQLError("BigInt is an integer, or a string of its decimal digits")
    if not _SMALLEST <= value <= _LARGEST:
        raise GraphQLError("BigInt must fit into 64 bits")
    return BigInt(value)


def parse_moment(value: object) -> datetime:
    if not isinstance(value, str) or not _MOMENT.fullmatch(value):
        raise GraphQLError("DateTime is written as in 2026-01-31T12:00:00Z, with its offset")
    try:
        return datetime.fromisoformat(value.upper()).astimezone(UTC)
    except (ValueError, OverflowError):
        raise GraphQLError("DateTime does not name a moment of the years 1 to 9999") from None


def print_moment(value: datetime) -> str:
    """RFC 3339 in UTC; microseconds only where there are some."""
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z")


def parse_json(value: object) -> JSON:
    _check_json(value, _INPUT_DEPTH, "")
    return JSON(value)


def _check_json(value: Any, levels: int, at: str) -> None:
    where = f" at {at}" if at else ""
    match value:
        case None | bool():
            pass
        case str():
            if _UNSTORABLE.search(value):
                raise GraphQLError(f"JSON holds a character that cannot be stored{where}")
        case int():
            if not _SMALLEST <= value <= _LARGEST:
                raise GraphQLError(f"An integer in JSON must fit into 64 bits{where}")
        case float():
            if not math.isfinite(value):
                raise GraphQLError(f"NaN and infinity are not JSON numbers{where}")
        case list() | dict():
            if levels == 0:
                raise GraphQLError(f"JSON has too many levels{where}")
            members = value.items() if isinstance(value, dict) else enumerate(value)
            for key, member in members:
                _check_json(key, 1, at)
                _check_json(member, levels - 1, f"{at}.{key}" if at else str(key))
        case _:
            raise GraphQLError(f"This is not JSON{where}")


def parse_upload(value: object) -> Upload:
    if not isinstance(value, UploadFile):
        raise GraphQLError("Upload is the part of a multipart request that `map` puts here")
    return Upload(value)


def _refuse_output(value: object) -> object:
    raise TypeError(f"a file cannot be an answer: {value!r}")


def _as_is(value: object) -> object:
    return value


SCALARS: dict[object, ScalarDefinition] = {
    BigInt: strawberry.scalar(
        name="BigInt",
        description=(
            "An integer of 64 bits with its sign. Given out as a string of decimal digits, because "
            "JavaScript's numbers end at 2^53; taken as such a string or as an integer. "
            'Example: "9007199254740993".'
        ),
        specified_by_url="https://www.w3.org/TR/xmlschema11-2/#long",
        serialize=str,
        parse_value=parse_big_int,
    ),
    datetime: strawberry.scalar(
        name="DateTime",
        description=(
            "A moment in RFC 3339, to the microsecond. Given out in UTC with Z; taken with any "
            'offset, never without one. Example: "2026-01-31T12:00:00Z".'
        ),
        specified_by_url="https://www.rfc-editor.org/rfc/rfc3339",
        serialize=print_moment,
        parse_value=parse_moment,
    ),
    JSON: strawberry.scalar(
        name="JSON",
        description=(
            "Any JSON value: object, list, string, number, true, false or null. Integers must fit "
            "into 64 bits, numbers are finite, and strings hold neither NUL nor halves of "
            "surrogate pairs."
        ),
        specified_by_url="https://www.rfc-editor.org/rfc/rfc8259",
        serialize=_as_is,
        parse_value=parse_json,
    ),
    Upload: strawberry.scalar(
        name="Upload",
        description=(
            "A file of a multipart request: null in `operations`, and named in `map`. The request "
            "needs the header GraphQL-Require-Preflight or Apollo-Require-Preflight."
        ),
        specified_by_url="https://github.com/jaydenseric/graphql-multipart-request-spec",
        serialize=_refuse_output,
        parse_value=parse_upload,
    ),
}
