"""Transactions: short snapshots to read, one at a time to write, on SQLite and PostgreSQL alike.

Nobody below the command line or the edge commits: they are handed a `Tx` and raise to undo it.

* A read is a snapshot: several statements of one `Tx` see one state of the database.
* A write opens with BEGIN IMMEDIATE on SQLite. The deferred default lets two transactions read
  first and then fails one of them at once when both write, whatever the busy timeout.
* SQLite runs with synchronous=FULL: with NORMAL in WAL mode, a power loss may roll back a
  committed transaction, and a reference could come back after its bytes were deleted.
* A write that lost a race (deadlock, serialization, or a foreign key that a sweep took away) is
  run again, a few times, with a new transaction. The work must therefore be repeatable.
"""

from __future__ import annotations

import random
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from operator import itemgetter
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.engine import Connection, CursorResult

from gql_service import metrics
from gql_service.database import deadline
from gql_service.database.acting import UNBOUNDED, Actor, Bounds, parted
from gql_service.database.brief import BriefReads
from gql_service.database.failing import LostRace, too_busy, translated
from gql_service.database.known import Known, State, begin_to_read
from gql_service.database.meter import metered
from gql_service.database.notices import announce
from gql_service.database.plan import Prepared
from gql_service.database.planner import Planner
from gql_service.database.pools import BUSY_SECONDS, create_engine

T = TypeVar("T")
Clock = Callable[[], datetime]
Params = Mapping[str, Any] | Sequence[Mapping[str, Any]]

Statement = sa.Executable | Prepared

WRITE_ATTEMPTS = 6


def utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Tx:
    """One open transaction, with the moment it happens at and the user who acts.

    `bounds` are those of the token by which the user is known. `snapshot` is true for reads: the
    head seen first stays the head until the end. `growth` is how many rows tables have been given
    of each line; `known` is what has been read of this state before, where that can be told;
    `announced` are the datasets of which whoever watches them is told once this is committed,
    `published` those of which `Database.published` is.
    """

    connection: Connection
    now: datetime
    actor: int | None
    snapshot: bool
    bounds: Bounds = field(default=UNBOUNDED, kw_only=True)
    known: State | None = field(default=None, kw_only=True)
    growth: Counter[tuple[str, int]] = field(default_factory=Counter, kw_only=True)
    announced: set[int] = field(default_factory=set, kw_only=True)
    published: set[int] = field(default_factory=set, kw_only=True)

    @metered
    def execute(self, statement: sa.Executable, params: Params | None = None) -> CursorResult[Any]:
        return self.connection.execute(statement, params)

    @metered
    def run(self, statement: Prepared, params: Params) -> int:
        """Runs a prepared statement that writes; how many rows it met."""
        return statement.plan(self.connection, params).run(self.connection, params)

    def rows(self, statement: Statement, params: Params | None = None) -> Sequence[sa.Row[Any]]:
        if self.known is not None and isinstance(statement, Prepared) and statement.lasting:
            given = _named(params)
            return self.known.rows(statement, given, lambda: self._rows(statement, given))
        return self._rows(statement, params)

    def first(self, statement: Statement, params: Params | None = None) -> sa.Row[Any] | None:
        if self.known is not None and isinstance(statement, Prepared) and statement.lasting:
            found = self.rows(statement, params)
            return found[0] if found else None
        return self._first(statement, params)

    @metered
    def _rows(self, statement: Statement, params: Params | None) -> Sequence[sa.Row[Any]]:
        if isinstance(statement, Prepared):
            return statement.plan(self.connection).rows(self.connection, _named(params))
        return self.connection.execute(statement, params).all()

    @metered
    def _first(self, statement: Statement, params: Params | None) -> sa.Row[Any] | None:
        if isinstance(statement, Prepared):
            given = _named(params)
            return statement.plan(self.connection, given).first(self.connection, given)
        return self.connection.execute(statement, params).first()

    def scalar(self, statement: Statement, params: Params | None = None) -> Any:
        row = self.first(statement, params)
        return None if row is None else row[0]

    @metered
    def insert(
        self, table: sa.Table, names: Sequence[str], rows: Sequence[tuple[Any, ...]]
    ) -> None:
        """Inserts many rows by the driver itself; moments are given as microseconds.

        Preparing each row as SQLAlchemy does takes longer than SQLite takes to write it.
        """
        marks = ", ".join(["%s" if self.postgres else "?"] * len(names))
        columns = ", ".join(f'"{name}"' for name in names)
        self.connection.exec_driver_sql(
            f'INSERT INTO "{table.name}" ({columns}) VALUES ({marks})', list(rows)
        )
        if "line" in names:
            of_lines = Counter(map(itemgetter(names.index("line")), rows))
            self.growth.update({(table.name, line): found for line, found in of_lines.items()})

    def insert_selected(
        self,
        table: sa.Table,
        line: int,
        names: Sequence[str],
        rows: sa.Select[Any] | sa.CompoundSelect[Any],
    ) -> None:
        """Inserts what a statement selects for a line, without reading it here."""
        statement = sa.insert(table).from_select(names, rows)
        statement = statement.execution_options(preserve_rowcount=True)
        self.growth[table.name, line] += self.execute(statement).rowcount

    @property
    def postgres(self) -> bool:
        return self.connection.dialect.name == "postgresql"


def _named(params: Params | None) -> Mapping[str, Any]:
    assert params is None or isinstance(params, Mapping), "many rows are written, not read"
    return params or {}


class Database:
    """One database: opens transactions and hands them out.

    `patience` is for how many seconds a transaction waits for SQLite's lock. `published` is called
    after a commit with what the transaction published, by the thread that wrote; it must not raise.
    """

    def __init__(self, url: str, *, clock: Clock = utc_now, patience: float = BUSY_SECONDS) -> None:
        self.engine = create_engine(url)
        self.reading = create_engine(url, reading=True)
        self.planner = Planner(self.engine)
        self._known = Known()
        self.brief: BriefReads | None = None
        """For short reads in the thread that asks. PostgreSQL has none: it would be waited for."""
        if self.dialect == "sqlite":
            self.brief = BriefReads(create_engine(url, reading=True))
        self._turn = threading.Lock() if self.dialect == "sqlite" else None
        self.clock = clock
        self.patience = patience
        self.heard_by: set[Callable[[set[int]], None]] = set()
        """Who is told, in the thread of the writer, what a committed transaction announced."""
        self.published: Callable[[Collection[int]], None] = lambda _numbers: None

    @property
    def dialect(self) -> str:
        return self.engine.dialect.name

    @contextmanager
    def read(self, actor: int | Actor | None = None) -> Iterator[Tx]:
        """A snapshot. Raises Busy when the database cannot be had, Timeout past the deadline."""
        user, bounds = parted(actor)
        with translated(), self.snapshot() as (connection, _):
            yield Tx(connection, self.clock(), user, snapshot=True, bounds=bounds)

    @contextmanager
    def snapshot(self) -> Iterator[tuple[Connection, State | None]]:
        """A connection that sees one state of the database, whatever is written meanwhile, and
        what is known of that state; what goes wrong is told in the words of the driver."""
        with (
            self.reading.connect() as connection,
            begun(connection, write=False, patience=self.patience) as state,
            deadline.covered(connection),
        ):
            yield connection, None if state is None else self._known.of(state)

    def write(self, work: Callable[[Tx], T], *, actor: int | Actor | None = None) -> T:
        """Runs `work` in one transaction and commits it; what it raises undoes everything.

        Lost races are run again. Raises Busy when the races go on, InsufficientStorage when the
        disk is full, Timeout past the deadline.
        """
        user, bounds = parted(actor)
        for attempt in range(WRITE_ATTEMPTS):
            try:
                with (
                    self._in_turn(),
                    translated(),
                    self.engine.connect() as connection,
                    begun(connection, write=True, patience=self.patience),
                    deadline.covered(connection),
                ):
                    tx = Tx(connection, self.clock(), user, snapshot=False, bounds=bounds)
                    done = work(tx)
                    announce(connection, tx.announced)
                self.planner.told(tx.growth)
                for hear in tuple(self.heard_by) if tx.announced else ():
                    hear(tx.announced)
                if tx.published:
                    self.published(tx.published)
                return done
            except LostRace as race:
                if attempt + 1 == WRITE_ATTEMPTS:
                    if race.reference_gone:  # six times in a row is a mistake of ours, not a race
                        raise race.error from None
                    raise too_busy() from race
                time.sleep(random.uniform(0, 0.02 * 2**attempt))
        raise AssertionError("unreachable")

    @contextmanager
    def _in_turn(self) -> Iterator[None]:
        """SQLite has one writer at a time. Whoever finds it locked sleeps and looks again, and may
        find it locked again; so those of one process wait for one another here."""
        if self._turn is None:
            yield
            return
        if not self._turn.acquire(timeout=_seconds(self.patience)):
            raise too_busy()
        try:
            yield
        finally:
            self._turn.release()

    def close(self) -> None:
        self.engine.dispose()
        self.reading.dispose()
        if self.brief is not None:
            self.brief.close()


@contextmanager
def begun(
    connection: Connection, *, write: bool, patience: float = BUSY_SECONDS
) -> Iterator[str | None]:
    """A transaction that commits at the end, opened in the words of the database; what those call
    the state that it sees, where they can tell.

    Not by a listener of the engine: one makes SQLAlchemy look for listeners in every statement.
    """
    with metrics.OPEN_TRANSACTIONS.track_inprogress(), connection.begin():
        driver = connection.connection.driver_connection
        if isinstance(driver, sqlite3.Connection):
            # Waiting for a lock cannot be interrupted.
            driver.execute(f"PRAGMA busy_timeout={int(1000 * _seconds(patience))}")
            connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")
            yield None
        else:
            yield None if write else begin_to_read(connection)


def _seconds(patience: float) -> float:
    """How long to wait for a lock of SQLite, which ends with the deadline."""
    current = deadline.current()
    return patience if current is None else max(0.0, min(patience, current.remaining))
