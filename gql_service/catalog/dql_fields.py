"""What the values under a key of a JSON query are: texts, numbers, times, flags, ids, JSON.

Each makes the filter of one operator. Values of another kind equal nothing and are neither greater
nor less; null equals what is not there. A number may be spelled as a text.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Generic

from gql_service.catalog.dql_condition import F, Kind, Operator
from gql_service.catalog.dql_place import At, check_pattern, check_text
from gql_service.catalog.filters import JsonCondition, JsonFilter, StringFilter, ValueFilter

_ORDER = ("gt", "gte", "lt", "lte")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_SMALLEST, _LARGEST = -(2**63), 2**63 - 1


def unmatched(at: At) -> Exception:
    return at.refusal("there are no objects under this key")


@dataclass(frozen=True, slots=True)
class TextField(Generic[F]):
    """A text. `name` is the field of the filter, `stored` turns an operand into what is stored."""

    kind: Kind[F]
    name: str
    nullable: bool = False
    stored: Callable[[str], str] = field(default=str)

    def test(self, operator: Operator, operand: Any, at: At) -> F:
        if operator == "exists":
            return self._where(exists=operand)
        if operator == "in_":
            texts = [self._text(one, at) for one in operand if isinstance(one, str)]
            found = [self._where(in_=tuple(texts))]
            return self.kind.any_of(found + ([self._absent()] if None in operand else []))
        if operand is None and operator in ("plain", "eq"):
            return self._absent()
        if not isinstance(operand, str):
            return self.kind.always(False)
        text = self._text(operand, at)
        if operator == "plain" and "*" in operand:
            check_pattern(operand, at)
            return self._where(stars=text)
        return self._where(**{"eq" if operator == "plain" else operator: text})

    def match(self, condition: JsonCondition, at: At) -> F:  # noqa: ARG002
        raise unmatched(at)

    def _text(self, operand: str, at: At) -> str:
        check_text(operand, at)
        return self.stored(operand)

    def _absent(self) -> F:
        return self._where(exists=False) if self.nullable else self.kind.always(False)

    def _where(self, **operators: Any) -> F:
        return self.kind.where(**{self.name: StringFilter(**operators)})


@dataclass(frozen=True, slots=True)
class NumberField(Generic[F]):
    """A whole number of 64 bits at most."""

    kind: Kind[F]
    name: str
    nullable: bool = False

    def test(self, operator: Operator, operand: Any, at: At) -> F:  # noqa: ARG002
        if operator == "exists":
            return self._where(exists=operand)
        if operator in _ORDER:
            number = number_of(operand)
            return self.kind.always(False) if number is None else self._ordered(operator, number)
        operands = operand if operator == "in_" else [operand]
        numbers = [number_of(one) for one in operands]
        whole = [int(n) for n in numbers if n is not None and n == int(n) and _fits(int(n))]
        found = [self._where(in_=tuple(whole))]
        if self.nullable and None in operands:
            found.append(self._where(exists=False))
        return self.kind.any_of(found)

    def _ordered(self, operator: str, number: int | float) -> F:
        """A whole number is above 1.5 when it is above 1, and at least 1.5 when at least 2."""
        bound = math.floor(number) if operator in ("gt", "lte") else math.ceil(number)
        if not _fits(bound):
            holds = (bound < 0) == (operator in ("gt", "gte"))
            return self._where(exists=True) if holds else self.kind.always(False)
        return self._where(**{operator: bound})

    def match(self, condition: JsonCondition, at: At) -> F:  # noqa: ARG002
        raise unmatched(at)

    def _where(self, **operators: Any) -> F:
        return self.kind.where(**{self.name: ValueFilter(**operators)})


@dataclass(frozen=True, slots=True)
class ValueField(Generic[F]):
    """A value that is always there and is spelled as a text: a time, or an id."""

    kind: Kind[F]
    name: str
    read: Callable[[Any, At], Any]
    """The value that an operand spells. Raises Invalid."""

    def test(self, operator: Operator, operand: Any, at: At) -> F:
        if operator == "exists":
            return self.kind.always(operand)
        if operator == "in_":
            values = [self.read(one, at / n) for n, one in enumerate(operand) if one is not None]
            return self._where(in_=tuple(values))
        if operand is None:
            return self.kind.always(False)
        return self._where(**{"eq" if operator == "plain" else operator: self.read(operand, at)})

    def match(self, condition: JsonCondition, at: At) -> F:  # noqa: ARG002
        raise unmatched(at)

    def _where(self, **operators: Any) -> F:
        return self.kind.where(**{self.name: ValueFilter(**operators)})


@dataclass(frozen=True, slots=True)
class FlagField(Generic[F]):
    """True or false."""

    kind: Kind[F]
    name: str

    def test(self, operator: Operator, operand: Any, at: At) -> F:
        if operator == "exists":
            return self.kind.always(operand)
        if operator in _ORDER:
            raise at.refusal("true and false have no order")
        operands = operand if operator == "in_" else [operand]
        flags = {one for one in operands if isinstance(one, bool)}
        if len(flags) == 1:
            return self.kind.where(**{self.name: flags.pop()})
        return self.kind.always(bool(flags))

    def match(self, condition: JsonCondition, at: At) -> F:  # noqa: ARG002
        raise unmatched(at)


SOMETHING = object()
"""What is there and equals nothing that could be asked for."""


@dataclass(frozen=True, slots=True)
class FixedField(Generic[F]):
    """What is the same in all items: a text, an empty list, nothing, or SOMETHING."""

    kind: Kind[F]
    value: object

    def test(self, operator: Operator, operand: Any, at: At) -> F:  # noqa: ARG002
        return self.kind.always(self._holds(operator, operand))

    def _holds(self, operator: Operator, operand: Any) -> bool:
        value = list(self.value) if isinstance(self.value, tuple) else self.value
        if operator == "exists":
            return bool((value is not None) == operand)
        if operator == "in_":
            return any(self._holds("eq", one) for one in operand)
        if operator == "plain" and isinstance(value, str) and isinstance(operand, str):
            pattern = ".*".join(map(re.escape, operand.split("*")))
            return re.fullmatch(pattern, value) is not None
        if operator in ("plain", "eq"):
            return bool(value == operand)
        if not isinstance(value, str) or not isinstance(operand, str):
            return False
        upper = operator in ("gt", "gte")
        return (value == operand and operator.endswith("e")) or (
            value != operand and (value > operand) == upper
        )

    def match(self, condition: JsonCondition, at: At) -> F:  # noqa: ARG002
        if isinstance(self.value, str):
            raise unmatched(at)
        return self.kind.always(False)


@dataclass(frozen=True, slots=True)
class JsonField(Generic[F]):
    """What keys reach in a JSON object, through arrays; `name` is the filter's list of those."""

    kind: Kind[F]
    name: str
    keys: tuple[str, ...]

    def test(self, operator: Operator, operand: Any, at: At) -> F:
        if operator == "plain" and isinstance(operand, str) and "*" in operand:
            check_pattern(operand, at)
            return self._where(stars=operand)
        return self._where(**{"eq" if operator == "plain" else operator: operand})

    def match(self, condition: JsonCondition, at: At) -> F:  # noqa: ARG002
        return self._where(match=condition)

    def _where(self, **operators: Any) -> F:
        asked = JsonFilter(path=self.keys, through=True, **operators)
        return self.kind.where(**{self.name: (asked,)})


def number_of(operand: Any) -> int | float | None:
    """The number that an operand is, or spells; None when it is none."""
    if isinstance(operand, str) and len(operand) <= 400 and _NUMBER.fullmatch(operand):
        operand = int(operand) if operand.lstrip("-").isdigit() else float(operand)
    if isinstance(operand, bool) or not isinstance(operand, int | float):
        return None
    return operand if math.isfinite(operand) else None


def _fits(number: int) -> bool:
    return _SMALLEST <= number <= _LARGEST


def moment(operand: Any, at: At) -> datetime:
    """A moment in ISO 8601, in UTC unless it has an offset. Raises Invalid."""
    try:
        read = datetime.fromisoformat(operand)
        return (read if read.tzinfo else read.replace(tzinfo=UTC)).astimezone(UTC)
    except (TypeError, ValueError, OverflowError):
        raise at.refusal("a time is written as in 2026-01-31T12:00:00Z") from None
