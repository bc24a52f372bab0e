"""Where a path leads in stored JSON: the tests that both databases give one meaning.

Stored documents and operands are both canonical (`json_text`): equal values are equal texts, whole
numbers are integers and others have their shortest form. So SQLite may compare arrays and objects
by their text, and PostgreSQL may compare numbers as decimals, and both agree.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import sqlalchemy as sa

from gql_service.catalog.json_text import canonical

Column = sa.ColumnElement[Any]
Predicate = sa.ColumnElement[bool]
Comparison = Callable[[Any, Any], Any]

COMPARISONS: dict[str, Comparison] = {
    "gt": operator.gt,
    "gte": operator.ge,
    "lt": operator.lt,
    "lte": operator.le,
}
POSITION = re.compile("0|[1-9][0-9]{0,8}")
"""The spelling of a place in an array."""


class Place(Protocol):
    """One value in a document, or none. No predicate of it is NULL; where nothing is, all fail."""

    def exists(self) -> Predicate: ...

    def is_one_of(self, values: Sequence[Any]) -> Predicate: ...

    def compares(self, comparison: Comparison, operand: Any) -> Predicate: ...

    def contains(self, operand: Any) -> Predicate: ...

    def matches(self, pattern: str, *, ones: bool) -> Predicate:
        """A text that matches a glob; without `ones`, `?` stands for itself."""
        ...


PlaceTest = Callable[[Place], Predicate]


@dataclass(frozen=True, slots=True)
class Reach:
    """A test of what keys reach through arrays; `operand` as `database.json_reach` has it."""

    keys: tuple[str, ...]
    name: str
    operand: Any = None

    def test(self, place: Place) -> Predicate:
        """The same of one value, which is neither a list as a whole nor matched."""
        match self.name:
            case "exists":
                return sa.true()
            case "in":
                return place.is_one_of([one for one in self.operand if not isinstance(one, list)])
            case "contains":
                return place.contains(self.operand)
            case "glob" | "stars":
                return place.matches(self.operand, ones=self.name == "glob")
        compare = COMPARISONS[self.name]
        return sa.or_(sa.false(), *(place.compares(compare, one) for one in self.operand))

    @property
    def lists(self) -> list[Any]:
        """The lists that a value may equal as a whole."""
        return [one for one in self.operand if isinstance(one, list)] if self.name == "in" else []


def is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def text_of(value: Any) -> str:
    return canonical(value, object_only=False)
