"""Work that nobody waits for: one thread, and numbers of what there is to look at.

Nothing is lost when it is: whoever looks again later finds the same to do.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Collection

import sqlalchemy as sa

from gql_service.errors import ServiceError

_log = logging.getLogger(__name__)

LONGEST_REST = 5.0
"""Seconds."""


class Stopped(Exception):
    """The background is closed: what was begun is given up."""


class Background:
    """A thread that calls `work` for each number it was given, once however often it was given.

    It gets out of the way of whoever is waited for: after each piece it rests ten times as long as
    that took, and the work itself calls `rest` now and then, which takes as long as the work since.
    """

    def __init__(
        self, name: str, work: Callable[[int], object], begin: Callable[[], Collection[int]]
    ) -> None:
        """`begin` is called first of all, and says what was left over by others."""
        self._work = work
        self._begin = begin
        self._waiting: dict[int, None] = {}  # a set that keeps its order
        self._changed = threading.Condition()
        self._stop = threading.Event()
        self._worked_since = time.monotonic()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def add(self, numbers: Collection[int]) -> None:
        """Returns at once. Before the start, and after the end, nothing comes of it."""
        with self._changed:
            if self._thread.is_alive():
                self._waiting.update(dict.fromkeys(numbers))
                self._changed.notify()

    def rest(self) -> None:
        """To be called by the work, between its transactions. Raises Stopped."""
        now = time.monotonic()
        if self._stop.wait(min(now - self._worked_since, LONGEST_REST)):
            raise Stopped
        self._worked_since = time.monotonic()

    def close(self) -> None:
        """Ends the thread, and waits for the transaction that it is in."""
        self._stop.set()
        with self._changed:
            self._changed.notify()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        self._guarded(lambda: self.add(self._begin()))
        while (number := self._next()) is not None:
            began = self._worked_since = time.monotonic()
            self._guarded(lambda number=number: self._work(number))  # type: ignore[misc]
            self._stop.wait(min(10 * (time.monotonic() - began), LONGEST_REST))

    def _next(self) -> int | None:
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._stop.is_set())
            if self._stop.is_set():
                return None
            number = next(iter(self._waiting))
            del self._waiting[number]
            return number

    def _guarded(self, work: Callable[[], object]) -> None:
        try:
            work()
        except Stopped:
            pass
        except (ServiceError, sa.exc.SQLAlchemyError) as trouble:
            _log.warning("%s: %s", self._thread.name, trouble)
