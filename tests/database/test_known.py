"""What is known of a state of the database: of that one, and of no other."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack

import pytest
import sqlalchemy as sa

from gql_service.database.engine import Database, Tx
from gql_service.database.known import KEPT, State
from gql_service.database.plan import Prepared
from gql_service.database.reads import Reads, Seen
from tests.database.test_engine import NUMBERS as TABLE
from tests.database.test_engine import insert, on_postgresql

NUMBERS = Prepared(
    sa.select(TABLE.c.batch).where(TABLE.c.batch <= sa.bindparam("most")).order_by(TABLE.c.batch),
    lasting=True,
)


def seeing(database: Database) -> AbstractContextManager[Seen]:
    """A snapshot of the kind of which a state is known."""
    return database.snapshot() if database.brief is None else database.brief.snapshot(60)


def listed(tx: Tx, most: int = 100) -> list[int]:
    return [row.batch for row in tx.rows(NUMBERS, {"most": most})]


def delete(which: int) -> Callable[[Tx], None]:
    def work(tx: Tx) -> None:
        tx.execute(sa.delete(TABLE).where(TABLE.c.batch == which))

    return work


@pytest.fixture
def reads(database: Database) -> Iterator[Reads]:
    reads = Reads(database, lambda: seeing(database))
    yield reads
    reads.close()


def state_of(database: Database) -> State:
    with seeing(database) as (_, state):
        assert state is not None
        return state


def test_a_state_is_the_same_until_something_is_committed(database: Database) -> None:
    database.write(insert(1))
    first = state_of(database)
    assert state_of(database) is first
    database.write(insert(2))
    assert state_of(database) is not first


def test_what_is_known_is_read_once_and_again_after_each_commit(
    database: Database, reads: Reads
) -> None:
    for number in range(1, 4):
        database.write(insert(number))
        for _ in range(3):
            assert reads.read(listed, None) == list(range(1, number + 1))
            assert reads.read(lambda tx: listed(tx, 1), None) == [1]
            reads.close()
        before = reads.read(listed, None)
        database.write(insert(number + 50))
        assert reads.read(listed, None) == before, "a snapshot goes on as it began"
        reads.close()
        assert number + 50 in reads.read(listed, None)
        reads.close()
        database.write(delete(number + 50))


@on_postgresql
def test_an_older_state_teaches_nothing_to_a_newer_one(database: Database) -> None:
    database.write(insert(1))
    with ExitStack() as stack:
        old = Reads(database)
        stack.callback(old.close)
        assert old.read(listed, None) == [1]
        database.write(insert(2))
        new = Reads(database)
        stack.callback(new.close)
        assert new.read(listed, None) == [1, 2]
        assert old.read(listed, None) == [1]
        later = Reads(database)
        stack.callback(later.close)
        assert later.read(listed, None) == [1, 2]


def test_what_is_known_has_an_end() -> None:
    state = State("one")
    for number in range(KEPT + 10):
        assert state.rows(NUMBERS, {"most": number}, list) == []
    assert len(state._rows) == 10
