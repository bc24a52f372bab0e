"""Reads that are done where everybody waits for them, and that end before that matters.

Handing a short read to another thread takes longer than the read. But nobody knows of a read
beforehand that it will be short; so one that is not is stopped, and has to be done elsewhere.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import cast

from sqlalchemy.engine import Connection, Engine

from gql_service.database.known import Known, State

STEPS = 1000
"""How much SQLite does, in steps of its machine, before it looks at the clock: some 20 µs."""
PATIENCE = 5
"""A machine that is busy with other things makes everybody wait, here and elsewhere."""


class Elsewhere(Exception):
    """Another thread reads briefly at this moment."""


class BriefReads:
    """Snapshots of an SQLite database, one at a time, over a connection that stays open.

    The engine makes connections to read with.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._connection: Connection | None = None
        self._taken = threading.Lock()
        self._worked = self._end = 0.0
        self._known = Known()

    @contextmanager
    def snapshot(self, seconds: float) -> Iterator[tuple[Connection, State]]:
        """A connection that sees one state of the database, and what is known of that. After so
        many seconds of the processor, or `PATIENCE` times as many of the clock, whatever runs on it
        ends with an error of the driver. Raises Elsewhere."""
        if not self._taken.acquire(blocking=False):
            raise Elsewhere
        try:
            self._worked = time.thread_time() + seconds
            self._end = time.monotonic() + PATIENCE * seconds
            connection = self._connection = self._connection or self._opened()
            driver = cast(sqlite3.Connection, connection.connection.driver_connection)
            with connection.begin():
                driver.execute("BEGIN")
                # Of the state that this transaction sees; any commit of another connection, in
                # whichever process, gives another number.
                (state,) = driver.execute("PRAGMA data_version").fetchone()
                yield connection, self._known.of(state)
        finally:
            self._taken.release()

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        self._engine.dispose()

    def _opened(self) -> Connection:
        connection = self._engine.connect()
        self._known.forget()  # states are numbered for each connection
        driver = cast(sqlite3.Connection, connection.connection.driver_connection)
        driver.execute("PRAGMA busy_timeout=0")  # readers wait only while a log is being recovered
        driver.set_progress_handler(self._is_over, STEPS)
        return connection

    def _is_over(self) -> bool:
        return time.thread_time() > self._worked or time.monotonic() > self._end
