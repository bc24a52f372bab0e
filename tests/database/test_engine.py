"""Transactions: what is seen, what is kept, who waits, and what is tried again."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy import event

from gql_service.catalog.line import Line
from gql_service.database.columns import table_of
from gql_service.database.engine import WRITE_ATTEMPTS, Database, Tx
from gql_service.errors import Busy, Conflict, InsufficientStorage, ServiceError
from gql_service.versions.knowledge import ChosenKey
from tests.conftest import SetClock

on_sqlite = pytest.mark.parametrize("database", ["sqlite"], indirect=True)
on_postgresql = pytest.mark.parametrize("database", ["postgresql"], indirect=True)

NUMBERS = table_of(ChosenKey)
"""Any table that refers to no other: `batch` says which number, `key` is the number."""


def insert(which: int, number: int = 0) -> Callable[[Tx], None]:
    def work(tx: Tx) -> None:
        tx.execute(sa.insert(NUMBERS).values(batch=which, key=number))

    return work


def increment(tx: Tx, which: int) -> None:
    tx.execute(sa.update(NUMBERS).where(NUMBERS.c.batch == which).values(key=NUMBERS.c.key + 1))


def numbers(tx: Tx) -> dict[int, int]:
    return {row.batch: row.key for row in tx.rows(sa.select(NUMBERS))}


def numbers_now(database: Database) -> dict[int, int]:
    with database.read() as tx:
        return numbers(tx)


def fail_with(tx: Tx, sqlstate: str) -> None:
    """Has PostgreSQL say what it says at such a failure."""
    raising = f"DO $$ BEGIN RAISE EXCEPTION 'raised' USING ERRCODE = '{sqlstate}'; END $$"
    tx.connection.exec_driver_sql(raising)


# What is seen


def test_a_read_sees_one_state_while_another_writes(database: Database) -> None:
    database.write(insert(1))

    with database.read() as tx:
        before = numbers(tx)
        database.write(insert(2))
        database.write(lambda other: increment(other, 1))
        assert numbers(tx) == before == {1: 0}

    assert numbers_now(database) == {1: 1, 2: 0}


def test_a_read_does_not_wait_for_an_open_write(database: Database) -> None:
    def write_and_look(tx: Tx) -> dict[int, int]:
        insert(1)(tx)
        return numbers_now(database)

    assert database.write(write_and_look) == {}
    assert numbers_now(database) == {1: 0}


def test_a_transaction_knows_its_moment_its_actor_and_its_kind(
    database: Database, clock: SetClock
) -> None:
    start = clock.now
    with database.read(actor=7) as tx:
        clock.advance(timedelta(hours=1))
        assert (tx.now, tx.actor, tx.snapshot) == (start, 7, True)

    def look(tx: Tx) -> tuple[object, ...]:
        return (tx.now, tx.actor, tx.snapshot)

    assert database.write(look, actor=8) == (start + timedelta(hours=1), 8, False)


def test_a_read_cannot_write(database: Database) -> None:
    with pytest.raises(sa.exc.DBAPIError, match=r"read-?only"), database.read() as tx:
        insert(1)(tx)


# What is kept


def test_a_write_returns_what_its_work_returns_and_keeps_its_rows(database: Database) -> None:
    def work(tx: Tx) -> str:
        insert(1, 5)(tx)
        return "done"

    assert database.write(work) == "done"
    assert numbers_now(database) == {1: 5}


def test_what_work_raises_undoes_everything(database: Database) -> None:
    refusal = Conflict("not now")

    def work(tx: Tx) -> None:
        insert(1)(tx)
        insert(2)(tx)
        raise refusal

    with pytest.raises(Conflict) as raised:
        database.write(work)

    assert raised.value is refusal
    assert numbers_now(database) == {}
    database.write(insert(1))
    assert numbers_now(database) == {1: 0}


def test_a_statement_that_fails_undoes_everything(database: Database) -> None:
    def work(tx: Tx) -> None:
        insert(1)(tx)
        insert(1)(tx)

    with pytest.raises(sa.exc.IntegrityError):
        database.write(work)

    assert numbers_now(database) == {}


@on_sqlite
def test_sqlite_keeps_what_was_committed_and_watches_references(database: Database) -> None:
    full, on = 2, 1
    with database.read() as tx:
        assert tx.scalar(sa.text("PRAGMA journal_mode")) == "wal"
        assert tx.scalar(sa.text("PRAGMA synchronous")) == full
        assert tx.scalar(sa.text("PRAGMA foreign_keys")) == on


# Who waits


@on_sqlite
def test_a_write_on_sqlite_locks_before_its_first_statement(database: Database) -> None:
    def another_writer_comes(_tx: Tx) -> None:
        other = sqlite3.connect(str(database.engine.url.database), timeout=0)
        try:
            with pytest.raises(sqlite3.OperationalError, match="locked"):
                other.execute("BEGIN IMMEDIATE")
        finally:
            other.close()

    database.write(another_writer_comes)


@on_sqlite
def test_writers_that_read_first_do_not_lose_each_others_writes(database: Database) -> None:
    database.write(insert(1))
    ready = threading.Barrier(4)

    def read_then_write(tx: Tx) -> None:
        seen = numbers(tx)[1]
        tx.execute(sa.update(NUMBERS).values(key=seen + 1))

    def write_often(_writer: int) -> None:
        ready.wait()
        for _ in range(5):
            database.write(read_then_write)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write_often, range(4)))

    assert numbers_now(database) == {1: 20}


@on_sqlite
def test_a_write_that_waited_too_long_is_refused_as_busy(database: Database) -> None:
    impatient = Database(str(database.engine.url), patience=0)
    other = sqlite3.connect(str(database.engine.url.database))
    try:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(Busy):
            impatient.write(insert(1))
        other.rollback()
    finally:
        other.close()

    impatient.write(insert(1))
    impatient.close()
    assert numbers_now(database) == {1: 0}


@on_sqlite
def test_writers_of_one_process_queue_before_they_ask_the_database(database: Database) -> None:
    impatient = Database(str(database.engine.url), patience=0)

    def write_beside_another(_tx: Tx) -> None:
        with ThreadPoolExecutor(1) as pool, pytest.raises(Busy):
            pool.submit(impatient.write, insert(2)).result()
        assert [impatient.engine.pool.checkedin(), impatient.engine.pool.checkedout()] == [0, 1]

    impatient.write(write_beside_another)
    impatient.write(insert(1))
    impatient.close()
    assert numbers_now(database) == {1: 0}


@on_postgresql
def test_nothing_is_compiled_that_runs_in_less_time(database: Database) -> None:
    compiling = sa.text("SELECT current_setting('jit')")
    assert database.write(lambda tx: tx.scalar(compiling)) == "off"
    with database.read() as tx:
        assert tx.scalar(compiling) == "off"


# What is tried again


@on_postgresql
def test_of_two_writers_in_a_deadlock_one_is_run_again(database: Database) -> None:
    database.write(insert(1))
    database.write(insert(2))
    both_hold_one = threading.Barrier(2)
    attempts: list[tuple[int, int]] = []

    def lock(first: int, second: int) -> None:
        def work(tx: Tx) -> None:
            first_try = (first, second) not in attempts
            attempts.append((first, second))
            increment(tx, first)
            if first_try:
                both_hold_one.wait(timeout=10)
            increment(tx, second)

        database.write(work)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lock, (1, 2), (2, 1)))

    assert len(attempts) >= 3
    assert numbers_now(database) == {1: 2, 2: 2}


@on_postgresql
@pytest.mark.parametrize("sqlstate", ["40001", "40P01", "23503"])
def test_a_lost_race_is_run_again_without_a_trace_of_the_first_time(
    database: Database, sqlstate: str
) -> None:
    attempts = []

    def work(tx: Tx) -> int:
        attempts.append(numbers(tx))
        insert(len(attempts))(tx)
        if len(attempts) < 3:
            fail_with(tx, sqlstate)
        return len(attempts)

    assert database.write(work) == 3
    assert attempts == [{}, {}, {}]
    assert numbers_now(database) == {3: 0}


@on_postgresql
def test_a_race_that_is_lost_every_time_is_refused_as_busy(database: Database) -> None:
    attempts = []

    def work(tx: Tx) -> None:
        attempts.append(insert(1)(tx))
        fail_with(tx, "40001")

    with pytest.raises(Busy):
        database.write(work)

    assert len(attempts) == WRITE_ATTEMPTS
    assert numbers_now(database) == {}


def test_a_reference_to_nothing_is_a_mistake_and_not_busy(database: Database) -> None:
    def work(tx: Tx) -> None:
        insert(1)(tx)
        tx.execute(sa.insert(table_of(Line)).values(dataset=404, born=1))

    with pytest.raises(Exception) as raised:  # of another kind on each
        database.write(work)

    assert not isinstance(raised.value, ServiceError)
    assert numbers_now(database) == {}


# When there is no room


@on_sqlite
def test_a_full_disk_is_told_on_sqlite(database: Database) -> None:
    full = Database(str(database.engine.url))

    @event.listens_for(full.engine, "connect")
    def grow_no_more(connection: sqlite3.Connection, _entry: object) -> None:
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count={pages}")

    def fill(tx: Tx) -> None:
        rows = [{"batch": 1, "key": key} for key in range(10_000)]
        tx.execute(sa.insert(NUMBERS), rows)

    with pytest.raises(InsufficientStorage):
        full.write(fill)

    full.close()
    assert numbers_now(database) == {}


@on_postgresql
@pytest.mark.parametrize("sqlstate", ["53100", "53200"])
def test_a_full_disk_is_told_on_postgresql(database: Database, sqlstate: str) -> None:
    with pytest.raises(InsufficientStorage):
        database.write(lambda tx: fail_with(tx, sqlstate))


def test_the_folder_of_an_sqlite_database_is_made(tmp_path: Path) -> None:
    path = tmp_path / "not" / "yet" / "there.sqlite3"
    database = Database(f"sqlite:///{path}")
    with database.read() as tx:
        assert tx.scalar(sa.text("SELECT 1")) == 1
    database.close()

    assert path.exists()
