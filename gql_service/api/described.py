"""Strawberry's decorators with types, and with descriptions that cannot be left out."""

from __future__ import annotations

from collections.abc import Callable
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
