"""One snapshot for all that somebody reads in a row.

A request asks many small things. A transaction for each of them would cost more than the answers,
and would let one answer show two states of the database.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack, suppress
from typing import TypeVar

from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError

from gql_service.database import deadline
from gql_service.database.acting import Actor, parted
from gql_service.database.engine import Database, Tx
from gql_service.database.failing import translated
from gql_service.database.known import State
from gql_service.errors import Timeout

T = TypeVar("T")
Seen = tuple[Connection, State | None]
"""A connection in a snapshot, and what is known of the state that it sees."""


class Reads:
    """Reads of one thread in one snapshot, which begins with the first of them.

    `snapshot` is where from, by default the database's connections to read with.
    """

    def __init__(
        self,
        database: Database,
        snapshot: Callable[[], AbstractContextManager[Seen]] | None = None,
    ) -> None:
        self._database = database
        self._snapshot = snapshot or database.snapshot
        self._opened: tuple[ExitStack, Seen] | None = None

    def read(self, work: Callable[[Tx], T], actor: int | Actor | None) -> T:
        """What `work` finds, as the actor. Raises Busy and Timeout as `Database.read`.

        After a statement that failed, the next read begins a new snapshot.
        """
        if (current := deadline.current()) is not None:
            current.check()
        user, bounds = parted(actor)
        with translated():
            try:
                now = self._database.clock()
                connection, known = self._seen()
                return work(Tx(connection, now, user, snapshot=True, bounds=bounds, known=known))
            except DBAPIError:
                self.close()
                raise

    def close(self) -> None:
        """Ends the snapshot; the next read begins another one."""
        if self._opened is not None:
            stack, _ = self._opened
            self._opened = None
            with suppress(Timeout):  # all that was asked for has been answered
                stack.close()

    def _seen(self) -> Seen:
        if self._opened is None:
            with ExitStack() as stack:
                seen = stack.enter_context(self._snapshot())
                self._opened = (stack.pop_all(), seen)
        return self._opened[1]
