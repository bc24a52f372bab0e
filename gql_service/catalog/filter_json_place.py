"""Where a path leads in stored JSON: the tests that both databases give one meaning.

Stored documents and operands are both canonical (`json_text`): equal values are equal texts, whole
numbers are integers and others have their shortest form. So SQLite may compare arrays and objects
by their text, and PostgreSQL may compare numbers as decimals, and both agree.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import sqlalchemy as sa

from gql_service.catalog.json_text import canonical

Column = sa.ColumnElement[Any]
Predicate = sa.ColumnElement[bool]
Comparison = Callable[[Any, Any], Any]

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

    def some_object(self, test: PlaceTest) -> Predicate:
        """An object, or an array with an object in it, that satisfies the test.

        The test is spelt out once: conditions inside of conditions would double with each level.
        """
        ...

    def element(self, test: PlaceTest) -> Predicate:
        """An array of which one element satisfies the test."""
        ...

    def reaches(self, keys: Sequence[str], test: PlaceTest) -> Predicate:
        """The keys lead from here, through arrays, to a value that satisfies the test."""
        ...


PlaceTest = Callable[[Place], Predicate]


def is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def text_of(value: Any) -> str:
    return canonical(value, object_only=False)
