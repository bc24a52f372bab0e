"""Many reads in one snapshot, by one thread."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from gql_service.database.deadline import Deadline
from gql_service.database.engine import Database, Tx
from gql_service.database.reads import Reads
from gql_service.errors import Timeout
from tests.database.test_engine import insert, numbers


def test_all_reads_see_one_state_until_they_are_closed(database: Database) -> None:
    reads = Reads(database)
    database.write(insert(1))
    first = reads.read(numbers, None)
    database.write(insert(2))

    assert (first, reads.read(numbers, None)) == ({1: 0}, {1: 0})

    reads.close()
    assert reads.read(numbers, None) == {1: 0, 2: 0}
    reads.close()


def test_reading_goes_on_after_a_statement_that_failed(database: Database) -> None:
    reads = Reads(database)

    def fail(tx: Tx) -> None:
        tx.execute(sa.text("SELECT * FROM nowhere"))

    assert reads.read(numbers, None) == {}
    with pytest.raises(DBAPIError):
        reads.read(fail, None)

    assert reads.read(numbers, None) == {}
    reads.close()


def test_nothing_is_read_past_the_deadline(database: Database) -> None:
    reads = Reads(database)
    deadline = Deadline(30)
    with deadline.active():
        assert reads.read(numbers, None) == {}
        deadline.stop()
        with pytest.raises(Timeout):
            reads.read(numbers, None)
        reads.close()
    database.write(insert(1))  # the connection is given back as it was
