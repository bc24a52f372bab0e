"""JSON as it comes in and goes out: strict on the way in, never failing on the way out."""

from __future__ import annotations

import json
from typing import Any, NoReturn

import orjson

from gql_service.errors import Invalid


def decode(body: bytes | str, what: str) -> Any:
    """The value of a JSON text. Raises Invalid, saying `what` is wrong.

    The standard library's parser, because it keeps integers of any size, which scalars then
    refuse by name; orjson would silently turn them into floating point.
    """
    try:
        text = body if isinstance(body, str) else body.decode("utf-8")
        return json.loads(text, parse_constant=_refuse_constant)
    except RecursionError:
        raise Invalid(f"{what} is nested too deeply") from None
    except ValueError:  # also UnicodeDecodeError, and integers of thousands of digits
        raise Invalid(f"{what} is not JSON in UTF-8") from None


def encode(value: Any) -> bytes:
    """The JSON of an answer. A message may repeat a half of a surrogate pair, which UTF-8 cannot
    hold: then everything that is not ASCII is escaped."""
    try:
        return orjson.dumps(value)
    except orjson.JSONEncodeError:
        return json.dumps(value).encode("ascii")


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
