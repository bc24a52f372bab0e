"""Reads that are done where everybody waits for them, and that end before that matters.

Handing a short read to another thread takes longer than the read. But nobody knows of a read
beforehand that it will be short; so one that is not is stopped, and has to be done elsewhere.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, cast

from sqlalchemy.engine import Connection, Engine

from gql_service.database.plan import Prepared, Row

STEPS = 1000
"""How much SQLite does, in steps of its machine, before it looks at the clock: some 20 µs."""
KEPT = 10_000
"""Answers of lasting statements."""


class Elsewhere(Exception):
    """Another thread reads briefly at this moment."""


class Known:
    """Rows that were read before, as long as nothing has been committed since."""

    def __init__(self) -> None:
        self._state: int | None = None
        self._rows: dict[tuple[Any, ...], Sequence[Row]] = {}

    def begin(self, state: int) -> None:
        """The database is in this state now; those of another one are forgotten."""
        if state != self._state or len(self._rows) > KEPT:
            self._rows.clear()
            self._state = state

    def forget(self) -> None:
        """Numbers of states are those of one connection."""
        self._state = None

    def rows(
        self, statement: Prepared, given: Mapping[str, Any], read: Callable[[], Sequence[Row]]
    ) -> Sequence[Row]:
        """What a lasting statement finds; read if that is not known."""
        values = [tuple(one) if isinstance(one, list) else one for one in given.values()]
        key = (statement, *values)
        found = self._rows.get(key)
        if found is None:
            found = self._rows[key] = read()
        return found


class BriefReads:
    """Snapshots of an SQLite database, one at a time, over a connection that stays open.

    The engine makes connections to read with.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._connection: Connection | None = None
        self._taken = threading.Lock()
        self._end = 0.0
        self.known = Known()

    @contextmanager
    def snapshot(self, seconds: float) -> Iterator[Connection]:
        """A connection that sees one state of the database. After so many seconds whatever runs on
        it ends with an error of the driver. Raises Elsewhere."""
        if not self._taken.acquire(blocking=False):
            raise Elsewhere
        try:
            self._end = time.monotonic() + seconds
            connection = self._connection = self._connection or self._opened()
            driver = cast(sqlite3.Connection, connection.connection.driver_connection)
            with connection.begin():
                driver.execute("BEGIN")
                # Of the state that this transaction sees; any commit of another connection, in
                # whichever process, gives another number.
                (state,) = driver.execute("PRAGMA data_version").fetchone()
                self.known.begin(state)
                yield connection
        finally:
            self._taken.release()

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        self._engine.dispose()

    def _opened(self) -> Connection:
        connection = self._engine.connect()
        self.known.forget()
        driver = cast(sqlite3.Connection, connection.connection.driver_connection)
        driver.execute("PRAGMA busy_timeout=0")  # readers wait only while a log is being recovered
        driver.set_progress_handler(self._is_over, STEPS)
        return connection

    def _is_over(self) -> bool:
        return time.monotonic() > self._end
