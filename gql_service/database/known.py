"""What has been read of a state of the database, for as long as it is in that state.

Who is behind a token, which datasets they may read and what those lie on is asked for by every
request, and changes seldom. A database can say which state a transaction sees; what a statement
finds in a state is found again in the same one. So nothing that is known here is ever out of date.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any

from sqlalchemy.engine import Connection

from gql_service.database.plan import Prepared, Row, sent

_BEGIN = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
_STATE = "SELECT pg_current_snapshot()::text"
KEPT = 10_000
"""Answers; when there are more, all are read again."""


class State:
    """What is known of one state. Threads that see the same one share it."""

    __slots__ = ("_rows", "name")

    def __init__(self, name: Hashable) -> None:
        self.name = name
        self._rows: dict[tuple[Any, ...], Sequence[Row]] = {}

    def rows(
        self, statement: Prepared, given: Mapping[str, Any], read: Callable[[], Sequence[Row]]
    ) -> Sequence[Row]:
        """What a lasting statement finds; read if that is not known."""
        values = [tuple(one) if isinstance(one, list) else one for one in given.values()]
        key = (statement, *values)
        found = self._rows.get(key)
        if found is None:
            if len(self._rows) >= KEPT:
                self._rows.clear()
            found = self._rows[key] = read()
        return found


class Known:
    """What is known of the state that was seen last."""

    def __init__(self) -> None:
        self._last = State(None)

    def of(self, name: Hashable) -> State:
        """Of the state that the database calls so."""
        last = self._last
        if name != last.name:
            last = self._last = State(name)
        return last

    def forget(self) -> None:
        self._last = State(None)


def begin_to_read(connection: Connection) -> str | None:
    """Begins a transaction of PostgreSQL, in one message; what that calls the state it sees.

    The name says which transactions are over, and so which rows there are. A connection that
    somebody listens to is told in words that listeners hear, and asks for no name.
    """
    if connection._has_events or connection.engine._has_events:
        connection.exec_driver_sql(_BEGIN)
        return None
    cursor = sent(connection, f"{_BEGIN}; {_STATE}")
    cursor.nextset()
    name: str = cursor.fetchone()[0]
    return name
