"""Conditions of the JSON query language, walked once and made into filters.

What a key means is up to the fields of its resource; what `$and`, `$or` and the operators do is the
same for all: for items, for annotations, and for the objects inside of metadata.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Literal, Protocol, TypeVar

from gql_service.catalog.dql_place import At, Budget, check_depth, listed
from gql_service.catalog.filters import JsonCondition

F = TypeVar("F")
Made = TypeVar("Made", covariant=True)

Operator = Literal["plain", "eq", "in_", "gt", "gte", "lt", "lte", "exists"]
"""`plain` is a value without an operator, where stars are wildcards."""

_OPERATORS: dict[str, Operator] = {
    "$eq": "eq",
    "$gt": "gt",
    "$gte": "gte",
    "$lt": "lt",
    "$lte": "lte",
    "$in": "in_",
    "$exists": "exists",
}
_NEGATIONS: dict[str, Operator] = {"$ne": "eq", "$nin": "in_"}
_COMBINING = ("$and", "$or")


class Field(Protocol[Made]):
    """What a key names."""

    def test(self, operator: Operator, operand: Any, at: At) -> Made:
        """The filter that is true where the operator holds."""
        ...

    def match(self, condition: JsonCondition, at: At) -> Made:
        """The filter that is true where one object, or element, satisfies the condition."""
        ...


@dataclass(frozen=True, slots=True)
class Kind(Generic[F]):
    """A kind of filter, made by the names of its fields."""

    filter: Callable[..., F]

    def where(self, **fields: Any) -> F:
        return self.filter(**fields)

    def always(self, holds: bool) -> F:
        return self.where(and_=()) if holds else self.where(or_=())

    def all_of(self, filters: Sequence[F]) -> F:
        return filters[0] if len(filters) == 1 else self.where(and_=tuple(filters))

    def any_of(self, filters: Sequence[F]) -> F:
        return filters[0] if len(filters) == 1 else self.where(or_=tuple(filters))

    def negated(self, filter: F) -> F:
        return self.where(not_=filter)


@dataclass(frozen=True, slots=True)
class Group:
    """A key that only leads to others, such as `metadata`, and what it is by itself."""

    prefix: str
    field: Any


@dataclass(frozen=True, slots=True)
class Compiler(Generic[F]):
    """Makes filters of one kind; `field` says what a key names, and refuses unknown ones."""

    kind: Kind[F]
    field: Callable[[str, At], Field[F] | Group]
    inside: Callable[[Any, At, int, Budget], JsonCondition]
    """Makes the condition on an object inside of a value."""
    budget: Budget

    def condition(self, value: Any, at: At, depth: int, prefix: str = "") -> F:
        """The filter that a condition means. Raises Invalid and LimitExceeded."""
        check_depth(depth, at)
        if not isinstance(value, dict):
            raise at.refusal("a condition is an object: {key: value, …}")
        made: list[F] = []
        for key, inner in value.items():
            here = at / key
            if key in _COMBINING:
                members = enumerate(listed(inner, here))
                parts = [self.condition(m, here / n, depth + 1, prefix) for n, m in members]
                made.append(self._combined(key, parts))
            elif key.startswith("$"):
                raise here.refusal("this operator is not known here")
            else:
                made.append(self._key(prefix + key, inner, here, depth))
        return self.kind.all_of(made)

    def _combined(self, how: str, parts: Sequence[F]) -> F:
        return self.kind.all_of(parts) if how == "$and" else self.kind.any_of(parts)

    def _key(self, key: str, value: Any, at: At, depth: int) -> F:
        field = self.field(key, at)
        if isinstance(field, Group):
            if isinstance(value, dict) and not any(name.startswith("$") for name in value):
                return self.condition(value, at, depth + 1, field.prefix)
            field = field.field
        return self._value(field, value, at, depth)

    def _value(self, field: Field[F], value: Any, at: At, depth: int) -> F:
        if not isinstance(value, dict):
            return self._test(field, "plain", value, at)
        operators = [name for name in value if name.startswith("$")]
        if not operators:  # a plain nested object
            return self._match(field, value, at, depth)
        if len(operators) < len(value):
            raise at.refusal("operators and keys cannot be mixed")
        made = [self._operator(field, n, operand, at / n, depth) for n, operand in value.items()]
        return self.kind.all_of(made)

    def _operator(self, field: Field[F], name: str, operand: Any, at: At, depth: int) -> F:
        if name in _COMBINING:
            check_depth(depth + 1, at)
            members = enumerate(listed(operand, at))
            parts = [self._value(field, member, at / n, depth + 1) for n, member in members]
            return self._combined(name, parts)
        if name == "$match":
            return self._match(field, operand, at, depth)
        if name in _NEGATIONS:
            return self.kind.negated(self._test(field, _NEGATIONS[name], operand, at))
        if name not in _OPERATORS:
            raise at.refusal("this operator is not known")
        return self._test(field, _OPERATORS[name], operand, at)

    def _test(self, field: Field[F], operator: Operator, operand: Any, at: At) -> F:
        self.budget.spend(at)
        if operator == "in_":
            listed(operand, at)
        if operator == "exists" and not isinstance(operand, bool):
            raise at.refusal("true or false is needed here")
        return field.test(operator, operand, at)

    def _match(self, field: Field[F], value: Any, at: At, depth: int) -> F:
        self.budget.spend(at)
        return field.match(self.inside(value, at, depth + 1, self.budget), at)
