"""Coroutines that begin at once, and need no task as long as they do not wait.

A coroutine hands a future to the task that drives it, marked as being awaited; the task takes the
mark away. Here the future is held back for a while, without its mark, because others may await it
in the meantime: loaders hand the same one to everybody who asks for the same.
"""

from __future__ import annotations

from collections.abc import Coroutine, Generator
from typing import Any


class Waiting:
    """A coroutine that has begun, and now waits for something. Await it exactly once."""

    __slots__ = ("_coroutine", "_waits_for")

    def __init__(self, coroutine: Coroutine[Any, Any, Any], waits_for: Any) -> None:
        self._coroutine = coroutine
        self._waits_for = waits_for
        _mark(waits_for, False)

    def __await__(self) -> Generator[Any, Any, Any]:
        coroutine, waits_for = self._coroutine, self._waits_for
        _mark(waits_for, True)
        while True:
            failure: BaseException | None = None
            try:
                yield waits_for
            except GeneratorExit:  # given up
                coroutine.close()
                raise
            except BaseException as thrown:  # it is the coroutine's to deal with
                failure = thrown
            try:
                waits_for = coroutine.send(None) if failure is None else coroutine.throw(failure)
            except StopIteration as end:
                return end.value


def started(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """What the coroutine returns, if it comes to its end without waiting; otherwise `Waiting`."""
    try:
        return Waiting(coroutine, coroutine.send(None))
    except StopIteration as end:
        return end.value


def _mark(future: Any, awaited: bool) -> None:
    if future is not None:  # which is how a coroutine lets others go first
        future._asyncio_future_blocking = awaited
