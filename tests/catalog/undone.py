"""A transaction that a test writes in and never commits."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from gql_service.database.engine import Database, Tx


@contextmanager
def undone(database: Database, actor: int, *, snapshot: bool = True) -> Iterator[Tx]:
    with database.engine.connect() as plain:
        connection = plain.execution_options(for_write=True)
        transaction = connection.begin()
        try:
            yield Tx(connection, database.clock(), actor, snapshot=snapshot)
        finally:
            transaction.rollback()
