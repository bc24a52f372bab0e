"""JSON as it is stored: one text for one value, small enough to read, the same on both databases.

Keys are sorted and numbers have one form (1.0 is written 1, -0.0 is written 0), so that equal
values are equal texts and "nothing has changed" is a comparison of texts. Strings are kept as
they came.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any

import orjson

from gql_service.errors import Invalid, LimitExceeded

JSON_BYTES = 64 * 1024
JSON_DEPTH = 32
_SMALLEST, _LARGEST = -(2**63), 2**63 - 1
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def canonical(
    value: Any,
    path: Sequence[str | int] = (),
    *,
    object_only: bool,
    max_bytes: int = JSON_BYTES,
    max_levels: int = JSON_DEPTH,
) -> str:
    """The text of a JSON value made of dict, list, str, int, float, bool and None.

    Raises Invalid, naming the place below `path`, for other types, numbers that are not finite,
    integers beyond 64 bits, lone surrogates, NUL, and for anything but an object when
    `object_only`; LimitExceeded past `max_levels` of lists and objects or `max_bytes` of UTF-8.
    """
    if type(value) is dict and not value:
        return "{}"
    if object_only and type(value) is not dict:
        raise Invalid("A JSON object is needed here", path=path)
    try:
        encoded = orjson.dumps(_clean(value, max_levels), option=orjson.OPT_SORT_KEYS)
    except Invalid as refusal:
        raise refusal.under(*path) from None
    if len(encoded) > max_bytes:
        raise LimitExceeded(
            f"The JSON value has {len(encoded):,} bytes; {max_bytes:,} are allowed", path=path
        )
    return encoded.decode()


def parse(text: str) -> Any:
    """The value of a text that `canonical` wrote."""
    return orjson.loads(text)


def _clean(value: Any, levels: int) -> Any:
    kind = type(value)
    if kind is str:
        return _clean_string(value)
    if value is None or kind is bool:
        return value
    if kind is int or kind is float:
        return _clean_number(value)
    if kind is not dict and kind is not list:
        raise Invalid(f"A value of type {kind.__name__} is not JSON")
    if levels == 0:
        raise LimitExceeded("The JSON value has too many levels of lists and objects")
    return _clean_object(value, levels) if kind is dict else _clean_list(value, levels)


def _clean_object(value: dict[Any, Any], levels: int) -> dict[str, Any]:
    cleaned = {}
    for key, member in value.items():
        if type(key) is not str:
            raise Invalid("The keys of a JSON object must be strings")
        _clean_string(key)
        try:
            cleaned[key] = _clean(member, levels - 1)
        except Invalid as refusal:
            raise refusal.under(key) from None
    return cleaned


def _clean_list(value: list[Any], levels: int) -> list[Any]:
    cleaned = []
    for position, member in enumerate(value):
        try:
            cleaned.append(_clean(member, levels - 1))
        except Invalid as refusal:
            raise refusal.under(position) from None
    return cleaned


def _clean_string(value: str) -> str:
    if not value.isascii() or "\x00" in value:
        found = _UNSTORABLE.search(value)
        if found:
            what = "NUL" if found.group() == "\x00" else "Half of a surrogate pair"
            raise Invalid(f"{what} cannot be stored in JSON")
    return value


def _clean_number(value: int | float) -> int | float:
    if isinstance(value, float):
        if not math.isfinite(value):
            raise Invalid("NaN and infinity are not JSON numbers")
        # Whole floats that an integer can hold become one, or 1 and 1.0 would be two texts.
        return int(value) if value.is_integer() and _SMALLEST <= value <= _LARGEST else value
    if not _SMALLEST <= value <= _LARGEST:
        raise Invalid("An integer must fit into 64 bits")
    return value
