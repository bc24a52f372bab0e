"""Strawberry's decorators with types, and with descriptions that cannot be left out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import Enum
from typing import Any, TypeVar

import strawberry

F = TypeVar("F", bound=Callable[..., Any])


def resolver(*, description: str, name: str | None = None) -> Callable[[F], F]:
    """A field that is computed when it is asked for; a name that Python has taken is given."""
    decorated: Callable[[F], F] = strawberry.field(description=description, name=name)
    return decorated


def mutation(*, description: str) -> Callable[[F], F]:
    """A field of the mutation type."""
    decorated: Callable[[F], F] = strawberry.mutation(description=description)
    return decorated


def describe(kind: type[Enum], description: str, values: Mapping[str, str]) -> None:
    """Makes `kind` an enumeration of the schema. Every value must be described."""
    strawberry.enum(kind, description=description)
    definition: Any = kind.__strawberry_definition__  # type: ignore[attr-defined]
    assert {value.name for value in definition.values} == values.keys(), kind
    for value in definition.values:
        value.description = values[value.name]
