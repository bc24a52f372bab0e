"""Strawberry's decorators with types, and with descriptions that cannot be left out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import strawberry

F = TypeVar("F", bound=Callable[..., Any])


def resolver(*, description: str) -> Callable[[F], F]:
    """A field that is computed when it is asked for."""
    decorated: Callable[[F], F] = strawberry.field(description=description)
    return decorated


def mutation(*, description: str) -> Callable[[F], F]:
    """A field of the mutation type."""
    decorated: Callable[[F], F] = strawberry.mutation(description=description)
    return decorated
