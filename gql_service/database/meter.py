"""How many statements a piece of work ran, and how long it waited for them.

Which meter counts is known by context, so that it reaches worker threads by itself.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from functools import wraps
from time import perf_counter
from typing import Concatenate, ParamSpec, TypeVar

S = TypeVar("S")
P = ParamSpec("P")
R = TypeVar("R")


@dataclass(slots=True)
class Meter:
    """What has been counted so far, of one request, whose work is never done in parallel."""

    statements: int = 0
    seconds: float = 0.0


current: ContextVar[Meter | None] = ContextVar("meter", default=None)


def metered(run: Callable[Concatenate[S, P], R]) -> Callable[Concatenate[S, P], R]:
    """Each call of the method is one statement of the current meter, failed ones included."""

    @wraps(run)
    def counted(self: S, /, *args: P.args, **kwargs: P.kwargs) -> R:
        meter = current.get()
        if meter is None:
            return run(self, *args, **kwargs)
        begun = perf_counter()
        try:
            return run(self, *args, **kwargs)
        finally:
            meter.statements += 1
            meter.seconds += perf_counter() - begun

    return counted
