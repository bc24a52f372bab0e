"""Coroutines that wait for nothing but records read in batches, and need no event loop.

Resolvers are coroutines because the keys that many of them ask for at the same moment are read with
one statement. Nothing else is waited for, so whoever begins them can also tell whose turn it is:
first everybody who can go on, and when nobody can, every batch that somebody waits for is read.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Generator, Mapping
from typing import Any, Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Pending:
    """What will be there, or will have failed, when whoever awaits it goes on."""

    __slots__ = ("_failure", "_value", "done", "waiting")

    def __init__(self) -> None:
        self.done = False
        self.waiting: list[Begun] = []
        self._value: Any = None
        self._failure: BaseException | None = None

    def settle(self, value: Any, failure: BaseException | None = None) -> None:
        self.done, self._value, self._failure = True, value, failure

    def result(self) -> Any:
        """Raises what it failed with."""
        if self._failure is not None:
            raise self._failure
        return self._value

    def __await__(self) -> Generator[Pending, None, Any]:
        if not self.done:
            yield self
        return self.result()


class Begun(Pending):
    """A coroutine that has begun, and waits."""

    __slots__ = ("coroutine",)

    def __init__(self, coroutine: Coroutine[Any, Any, Any]) -> None:
        super().__init__()
        self.coroutine = coroutine


class Turns:
    """The coroutines of one operation, and what they wait for."""

    def __init__(self) -> None:
        self._ready: deque[Begun] = deque()
        self._due: list[Batch[Any, Any]] = []

    def started(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        """What the coroutine returns, if it comes to its end without waiting; otherwise `Begun`."""
        try:
            waits_for = coroutine.send(None)
        except StopIteration as end:
            return end.value
        begun = Begun(coroutine)
        waits_for.waiting.append(begun)
        return begun

    def finished(self, begun: Begun) -> Any:
        """The end of a coroutine. Raises what it raised."""
        while not begun.done:
            while self._ready:
                self._go_on(self._ready.popleft())
            if not begun.done:
                self._read_batches()
        return begun.result()

    def batch(self, read: Callable[[list[K]], Mapping[K, V]]) -> Batch[K, V]:
        """Records that are read together."""
        return Batch(read, self._due)

    def _go_on(self, begun: Begun) -> None:
        try:
            waits_for = begun.coroutine.send(None)
        except StopIteration as end:
            begun.settle(end.value)
        except Exception as failure:
            begun.settle(None, failure)
        else:
            waits_for.waiting.append(begun)
            return
        self._ready.extend(begun.waiting)

    def _read_batches(self) -> None:
        due = self._due.copy()
        self._due.clear()
        assert due, "a coroutine waits for something that is no batch"
        for batch in due:
            for settled in batch.read():
                self._ready.extend(settled.waiting)


class Batch(Generic[K, V]):
    """Reads records by key, all keys of one moment at once, and each of them once."""

    def __init__(
        self, read: Callable[[list[K]], Mapping[K, V]], due: list[Batch[Any, Any]]
    ) -> None:
        self._read = read
        self._due = due
        self._asked: dict[K, Pending] = {}
        self._new: dict[K, Pending] = {}

    def load(self, key: K) -> Awaitable[V | None]:
        """The record, None where there is none."""
        found = self._asked.get(key)
        if found is None:
            if not self._new:
                self._due.append(self)
            found = self._asked[key] = self._new[key] = Pending()
        return found

    def read(self) -> list[Pending]:
        """Those that have been waited for, now that they are there."""
        new, self._new = self._new, {}
        try:
            found = self._read(list(new))
        except Exception as failure:
            for pending in new.values():
                pending.settle(None, failure)
        else:
            for key, pending in new.items():
                pending.settle(found.get(key))
        return list(new.values())
