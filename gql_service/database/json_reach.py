"""What keys reach through arrays in a JSON text: functions of SQLite that know it.

SQLite's own functions spell one place at a time. A statement that goes on from every element of an
array nests a sub-select for each step, and its parser gives up after a few; here a condition is one
call, whatever is nested in it. PostgreSQL has JSON paths for this.

A test is JSON: `{"keys": […], "is": name, "of": operand}`. It is true when a value that the keys
reach, or an element of one that is an array, satisfies it:

| is | true of |
|---|---|
| exists | anything that is reached |
| in | what equals one of a list; lists only as a whole |
| gt, gte, lt, lte | a number or a text on that side of one of a list of the same kind |
| contains | a list with an equal element, a text with the text in it |
| glob, stars | a text that matches; for stars, `?` stands for itself |
| match | an object that satisfies a condition: `{"and": […], "or": […], "not": …, "at": […]}` |

`at` holds tests; one with `"not": true` is true when the test fails.
"""

from __future__ import annotations

import operator
import sqlite3
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

import orjson

from gql_service.database import glob

_REMEMBERED = 256
_ORDER: dict[str, Callable[[Any, Any], bool]] = {
    "gt": operator.gt,
    "gte": operator.ge,
    "lt": operator.lt,
    "lte": operator.le,
}


def register(connection: sqlite3.Connection) -> None:
    """Gives a connection of SQLite two functions.

    `json_reaches(document, test)`, and `json_scalars(document, keys)`: a list of the scalars that
    are reached, or are elements of what is reached.
    """
    connection.create_function("json_reaches", 2, _json_reaches, deterministic=True)
    connection.create_function("json_scalars", 2, _json_scalars, deterministic=True)


def _json_reaches(document: str | None, test: str) -> bool | None:
    return None if document is None else holds(orjson.loads(document), _parsed(test))


def _json_scalars(document: str | None, keys: str) -> str | None:
    if document is None:
        return None
    found = list(_reached(orjson.loads(document), _parsed(keys), 0))
    opened = [one for value in found for one in (value if isinstance(value, list) else [value])]
    return orjson.dumps([one for one in opened if not isinstance(one, list | dict)]).decode()


@lru_cache(_REMEMBERED)
def _parsed(test: str) -> Any:
    return orjson.loads(test)


def holds(value: Any, test: Any) -> bool:
    """Whether the test is true of a JSON value."""
    found = any(_satisfies(one, test) for one in _reached(value, test["keys"], 0))
    return found is not bool(test.get("not"))


def _reached(value: Any, keys: list[str], done: int) -> Iterator[Any]:
    """An array on the way is opened once: not the arrays inside it."""
    if done == len(keys):
        yield value
        return
    for one in value if isinstance(value, list) else (value,):
        if isinstance(one, dict) and keys[done] in one:
            yield from _reached(one[keys[done]], keys, done + 1)


def _satisfies(value: Any, test: Any) -> bool:
    name, operand = test["is"], test.get("of")
    if name == "exists":
        return True
    if name == "in" and any(_same(value, one) for one in operand):
        return True
    if name != "in" and _is(value, name, operand):
        return True
    return isinstance(value, list) and any(_is(one, name, operand) for one in value)


def _is(value: Any, name: str, operand: Any) -> bool:
    if name == "in":
        return any(_same(value, one) for one in operand if not isinstance(one, list))
    if name == "match":
        return isinstance(value, dict) and _condition(value, operand)
    if name == "contains":
        if isinstance(value, list):
            return any(_same(one, operand) for one in value)
        return isinstance(value, str) and isinstance(operand, str) and operand in value
    if name in ("glob", "stars"):
        return isinstance(value, str) and glob.accepts(operand, value, ones=name == "glob")
    kind = _kind(value)
    return kind in ("number", "str") and any(
        _kind(one) == kind and _ORDER[name](value, one) for one in operand
    )


def _condition(value: dict[str, Any], condition: Any) -> bool:
    return (
        all(_condition(value, inner) for inner in condition.get("and", ()))
        and ("or" not in condition or any(_condition(value, one) for one in condition["or"]))
        and ("not" not in condition or not _condition(value, condition["not"]))
        and all(holds(value, test) for test in condition.get("at", ()))
    )


def _kind(value: Any) -> str:
    if isinstance(value, bool):
        return "bool"
    return "number" if isinstance(value, int | float) else type(value).__name__


def _same(left: Any, right: Any) -> bool:
    """Equality with types: Python's own takes true for 1, at any depth."""
    if _kind(left) != _kind(right):
        return False
    if isinstance(left, list):
        return len(left) == len(right) and all(map(_same, left, right))
    if isinstance(left, dict):
        return left.keys() == right.keys() and all(_same(left[key], right[key]) for key in left)
    return bool(left == right)
