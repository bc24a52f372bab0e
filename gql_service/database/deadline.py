"""The time that a piece of work may take, and the end of its statements when that has passed.

Work that runs under a deadline raises Timeout as soon as the deadline is over: at the next
transaction that it opens, or in the middle of a statement, which the database then really stops.
A transaction that was stopped is rolled back, also when its work had just been done: whoever was
told Timeout can rely on nothing having been written.

Which deadline is meant is known by context, so that it reaches worker threads by itself. Without
one, work takes as long as it takes.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar

import psycopg
from sqlalchemy.engine import Connection

from gql_service.errors import Timeout

_FIRST_PAUSE, _LONGEST_PAUSE = 0.01, 0.2
_CANCEL_SECONDS = 2.0

_current: ContextVar[Deadline | None] = ContextVar("deadline", default=None)


class Deadline:
    """`seconds` from now; `stop` ends it early."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._end = time.monotonic() + seconds
        self._stopped = False
        self._running: set[Connection] = set()
        self._changed = threading.Condition()

    @property
    def remaining(self) -> float:
        """In seconds; 0 when it is over."""
        return 0.0 if self._stopped else max(0.0, self._end - time.monotonic())

    @property
    def over(self) -> bool:
        return self.remaining == 0

    def refusal(self) -> Timeout:
        return Timeout(f"This took longer than {self.seconds:g} seconds, and was stopped")

    def check(self) -> None:
        """Raises Timeout when it is over."""
        if self.over:
            raise self.refusal()

    @contextmanager
    def active(self) -> Iterator[None]:
        """What runs in this block, and in threads and tasks that it starts, is under it."""
        token = _current.set(self)
        try:
            yield
        finally:
            _current.reset(token)

    def stop(self) -> None:
        """Ends it now, and the statements that are running. Never waits for them."""
        if self._stopped:  # asked without the lock, which may be held while statements are stopped
            return
        with self._changed:
            self._stopped = True
            if self._running:
                threading.Thread(target=self._interrupt, daemon=True).start()

    @contextmanager
    def covering(self, connection: Connection) -> Iterator[None]:
        """Statements of the connection in this block end with the deadline. Raises Timeout."""
        with self._changed:
            self.check()
            self._running.add(connection)
        try:
            yield
        except BaseException:
            self._leave(connection)
            raise
        if self._leave(connection):
            raise self.refusal()

    def _leave(self, connection: Connection) -> bool:
        """Whether statements of the connection may have been stopped."""
        with self._changed:
            self._running.discard(connection)
            self._changed.notify_all()
            if self._stopped and _is_postgres(connection):
                # A late cancel could otherwise hit whoever gets the connection next.
                connection.invalidate()
            return self._stopped

    def _interrupt(self) -> None:
        """Again and again: the work may be between two statements when it is asked to stop."""
        pause = _FIRST_PAUSE
        with self._changed:
            while self._running:
                for connection in self._running:
                    _stop_statement(connection)
                self._changed.wait(pause)
                pause = min(2 * pause, _LONGEST_PAUSE)


def current() -> Deadline | None:
    """The deadline of whoever asks."""
    return _current.get()


@contextmanager
def covered(connection: Connection) -> Iterator[None]:
    """As `Deadline.covering`, by the current one, if there is any."""
    deadline = _current.get()
    if deadline is None:
        yield
        return
    with deadline.covering(connection):
        yield


@contextmanager
def set_aside() -> Iterator[None]:
    """For what has to be done also when time is up, such as tidying up behind it."""
    token = _current.set(None)
    try:
        yield
    finally:
        _current.reset(token)


def _is_postgres(connection: Connection) -> bool:
    return connection.dialect.name == "postgresql"


def _stop_statement(connection: Connection) -> None:
    """Ends the statement that is running there, if one is."""
    driver = connection.connection.driver_connection
    if isinstance(driver, sqlite3.Connection):
        driver.interrupt()
    elif isinstance(driver, psycopg.Connection):
        with suppress(psycopg.Error):  # tried again
            driver.cancel_safe(timeout=_CANCEL_SECONDS)
