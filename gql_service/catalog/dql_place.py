"""Places inside a JSON query, for refusals, and how much a query may ask."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from gql_service.catalog.filter_limits import filter_limits
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
        """One more condition. Raises LimitExceeded when these are too many."""
        self.conditions += 1
        most = filter_limits.get().conditions
        if self.conditions > most:
            raise at.excess(f"a query can have {most:,} conditions")


def check_depth(depth: int, at: At) -> None:
    most = filter_limits.get().depth
    if depth > most:
        raise at.excess(f"conditions can be nested {most} deep")


def listed(value: Any, at: At) -> Sequence[Any]:
    """A list within its limit. Raises Invalid and LimitExceeded."""
    if not isinstance(value, list):
        raise at.refusal("a list is needed here")
    most = filter_limits.get().values
    if len(value) > most:
        raise at.excess(f"a list can have {most:,} values; this one has {len(value):,}")
    return value


def check_text(text: str, at: At) -> None:
    most = filter_limits.get().text
    if len(text) > most:
        raise at.excess(f"a text can have {most:,} characters here")


def check_pattern(text: str, at: At) -> None:
    most = filter_limits.get().pattern
    if len(text) > most:
        raise at.excess(f"a pattern can have {most:,} characters")
