"""What takes too long is really stopped, leaves nothing behind, and harms nobody else."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest
import sqlalchemy as sa

from gql_service.database.columns import table_of
from gql_service.database.deadline import Deadline, current, set_aside
from gql_service.database.engine import Database, Tx
from gql_service.errors import Timeout
from gql_service.versions.knowledge import ChosenKey

NUMBERS = table_of(ChosenKey)
MINUTES = sa.text(
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000000000)"
    " SELECT count(*) FROM n"
)
on_sqlite = pytest.mark.parametrize("database", ["sqlite"], indirect=True)
on_postgresql = pytest.mark.parametrize("database", ["postgresql"], indirect=True)


def numbers(database: Database) -> list[int]:
    with database.read() as tx:
        return sorted(tx.connection.scalars(sa.select(NUMBERS.c.batch)))


def insert(tx: Tx, which: int) -> None:
    tx.execute(sa.insert(NUMBERS).values(batch=which, key=0))


class Announced:
    """Says when a transaction has got so far that only its long statement is left."""

    def __init__(self) -> None:
        self.running = threading.Event()

    def read(self, database: Database) -> None:
        with database.read() as tx:
            tx.scalar(sa.select(1))
            self.running.set()
            tx.scalar(MINUTES)

    def write(self, database: Database) -> None:
        def work(tx: Tx) -> None:
            insert(tx, 1)
            self.running.set()
            tx.scalar(MINUTES)

        database.write(work)


def stopped(deadline: Deadline, announced: Announced, work: Callable[[], None]) -> float:
    """Runs `work` under the deadline, stops it, and says how long stopping took."""

    def run() -> None:
        with deadline.active():
            work()

    with ThreadPoolExecutor(1) as pool:
        done = pool.submit(run)
        assert announced.running.wait(10)
        began = time.perf_counter()
        deadline.stop()
        with pytest.raises(Timeout, match="took longer than 60 seconds"):
            done.result(timeout=20)
        return time.perf_counter() - began


def test_a_read_that_would_run_for_minutes_is_stopped_within_a_second(database: Database) -> None:
    announced = Announced()
    assert stopped(Deadline(60), announced, lambda: announced.read(database)) < 1
    assert numbers(database) == []


def test_a_write_that_is_stopped_leaves_nothing_and_lets_the_next_one_in(
    database: Database,
) -> None:
    announced = Announced()
    assert stopped(Deadline(60), announced, lambda: announced.write(database)) < 1
    database.write(lambda tx: insert(tx, 2))
    assert numbers(database) == [2]


def test_every_connection_of_the_pool_is_usable_after_many_were_stopped(
    database: Database,
) -> None:
    for _ in range(12):  # more than the pool keeps open
        announced = Announced()
        stopped(Deadline(60), announced, partial(announced.read, database))
    for number in range(12):
        database.write(partial(insert, which=number))
        assert len(numbers(database)) == number + 1
    assert database.reading.pool.checkedout() == 0  # type: ignore[attr-defined]


def test_work_between_two_statements_is_stopped_at_the_next_one(database: Database) -> None:
    deadline = Deadline(60)
    with deadline.active(), pytest.raises(Timeout), database.read() as tx:
        tx.scalar(sa.select(1))
        deadline.stop()
        tx.scalar(MINUTES)


def test_work_that_ends_after_the_deadline_is_undone(database: Database) -> None:
    deadline = Deadline(60)

    def work(tx: Tx) -> None:
        insert(tx, 1)
        deadline.stop()

    with deadline.active(), pytest.raises(Timeout):
        database.write(work)
    assert numbers(database) == []


def test_nothing_begins_when_time_is_up(database: Database) -> None:
    begun = []
    with Deadline(0).active():
        with pytest.raises(Timeout):
            database.write(begun.append)
        with pytest.raises(Timeout), database.read() as tx:
            begun.append(tx)
    assert begun == []


def test_what_tidies_up_is_done_all_the_same(database: Database) -> None:
    with Deadline(0).active():
        with set_aside():
            database.write(lambda tx: insert(tx, 1))
        assert current() is not None
    assert numbers(database) == [1]


def test_the_work_of_others_goes_on(database: Database) -> None:
    """Whoever has another deadline, or none, is not stopped along with it."""
    announced, deadline = Announced(), Deadline(60)

    def slow() -> int:
        with Deadline(60).active(), database.read() as tx:
            return int(tx.scalar(sa.text(str(MINUTES).replace("2000000000", "300000"))))

    with ThreadPoolExecutor(2) as pool:
        others = [pool.submit(slow) for _ in range(2)]
        stopped(deadline, announced, lambda: announced.read(database))
        assert [other.result() for other in others] == [300_000] * 2


@on_sqlite
def test_a_write_waits_for_the_lock_only_as_long_as_it_has_time(database: Database) -> None:
    def wait(tx: Tx) -> None:
        insert(tx, 1)
        began = time.perf_counter()
        with Deadline(0.3).active(), pytest.raises(Timeout):
            database.write(lambda other: insert(other, 2))
        assert time.perf_counter() - began < 2

    database.write(wait)
    assert numbers(database) == [1]


@on_postgresql
def test_a_write_that_waits_for_a_row_is_stopped(database: Database) -> None:
    database.write(lambda tx: insert(tx, 1))
    announced = Announced()
    update = sa.update(NUMBERS).where(NUMBERS.c.batch == 1).values(key=9)

    def blocked() -> None:
        def work(tx: Tx) -> None:
            announced.running.set()
            tx.execute(update)

        database.write(work)

    def hold(tx: Tx) -> None:
        tx.execute(update)
        assert stopped(Deadline(60), announced, blocked) < 1

    database.write(hold)
