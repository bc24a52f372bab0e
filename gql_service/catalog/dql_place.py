"""Places inside a JSON query, for refusals, and how much a query may ask."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from gql_service.catalog.filter_limits import (
    MAX_CONDITIONS,
    MAX_DEPTH,
    MAX_LIST,
    MAX_PATTERN,
    MAX_TEXT,
)
from gql_service.errors import Invalid, LimitExceeded


@dataclass(frozen=True, slots=True)
class At:
    """Where something stands in a query: its keys and positions, from the outside in."""

    steps: tuple[str | int, ...] = ()

    def __truediv__(self, step: str | int) -> At:
        return At((*self.steps, step))

    def __str__(self) -> str:
        """`filter.$and[1].metadata.user`"""
        spelled = "".join(f"[{s}]" if isinstance(s, int) else f".{s}" for s in self.steps)
        return spelled.removeprefix(".")

    def refusal(self, message: str) -> Invalid:
        return Invalid(self._told(message), path=self.steps)

    def excess(self, message: str) -> LimitExceeded:
        return LimitExceeded(self._told(message), path=self.steps)

    def _told(self, message: str) -> str:
        return f"{self}: {message}" if self.steps else message


@dataclass(slots=True)
class Budget:
    """What a whole query has used of its limits."""

    conditions: int = 0

    def spend(self, at: At) -> None:
        """One more condition. Raises LimitExceeded past the hundredth."""
        self.conditions += 1
        if self.conditions > MAX_CONDITIONS:
            raise at.excess(f"a query can have {MAX_CONDITIONS} conditions")


def check_depth(depth: int, at: At) -> None:
    if depth > MAX_DEPTH:
        raise at.excess(f"conditions can be nested {MAX_DEPTH} deep")


def listed(value: Any, at: At) -> Sequence[Any]:
    """A list within its limit. Raises Invalid and LimitExceeded."""
    if not isinstance(value, list):
        raise at.refusal("a list is needed here")
    if len(value) > MAX_LIST:
        raise at.excess(f"a list can have {MAX_LIST:,} values; this one has {len(value):,}")
    return value


def check_text(text: str, at: At) -> None:
    if len(text) > MAX_TEXT:
        raise at.excess(f"a text can have {MAX_TEXT:,} characters here")


def check_pattern(text: str, at: At) -> None:
    if len(text) > MAX_PATTERN:
        raise at.excess(f"a pattern can have {MAX_PATTERN} characters")
