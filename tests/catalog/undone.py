"""A transaction that a test writes in and never commits."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress

from gql_service.database.engine import Database, Tx, begun


@contextmanager
def undone(database: Database, actor: int, *, snapshot: bool = True) -> Iterator[Tx]:
    with (
        suppress(Undo),
        database.engine.connect() as connection,
        begun(connection, write=True),
    ):
        yield Tx(connection, database.clock(), actor, snapshot=snapshot)
        raise Undo


class Undo(Exception):
    """Ends the transaction without a commit."""
