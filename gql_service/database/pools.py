"""Connections to a database, kept open: some to write with, some to read with."""

from __future__ import annotations

import sqlite3
import time
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.engine import Engine
from sqlalchemy.pool import ConnectionPoolEntry

from gql_service.database import glob, json_reach

BUSY_SECONDS = 30
"""For how long SQLite waits for a lock, unless a transaction says otherwise."""
POOL, OVERFLOW = 10, 20
LOOKED_AFTER_SECONDS = 1.0
"""A connection to read with that was used within the last second is taken to be still there."""
_USED = "used"
CACHED_STATEMENTS = 1024
"""That SQLite keeps ready in each connection: views differ in depth and masks, and making a long
statement ready takes longer than running it."""


def create_engine(url: str, *, reading: bool = False) -> Engine:
    """The connections to a database; with `reading`, they see one state of it per transaction and
    can change nothing.

    What a connection is for is settled when it is opened. SQLite forgets all statements that it has
    made ready whenever it is told anew, and PostgreSQL's driver would be told twice per request.
    """
    parsed = sa.make_url(url)
    if parsed.get_backend_name() == "sqlite":
        return _sqlite_engine(parsed, reading=reading)
    return _postgres_engine(parsed, reading=reading)


def _sqlite_engine(url: sa.URL, *, reading: bool) -> Engine:
    if url.database:
        Path(url.database).parent.mkdir(parents=True, exist_ok=True)
    engine = sa.create_engine(
        url,
        pool_size=POOL,
        max_overflow=OVERFLOW,
        hide_parameters=True,  # an error is logged with its statement, and not with what it is of
        connect_args={
            "timeout": BUSY_SECONDS,
            "check_same_thread": False,
            "cached_statements": CACHED_STATEMENTS,
        },
    )

    @event.listens_for(engine, "connect")
    def prepare(connection: sqlite3.Connection, _entry: ConnectionPoolEntry) -> None:
        connection.isolation_level = None  # we say BEGIN ourselves, in `begun`
        glob.register(connection)
        json_reach.register(connection)
        for pragma in (
            "journal_mode=WAL",
            "synchronous=FULL",
            "foreign_keys=ON",
            "cache_size=-8192",
            "temp_store=MEMORY",
            f"query_only={'ON' if reading else 'OFF'}",
        ):
            connection.execute(f"PRAGMA {pragma}")

    return engine


def _postgres_engine(url: sa.URL, *, reading: bool) -> Engine:
    engine = sa.create_engine(
        url,
        pool_size=POOL,
        max_overflow=OVERFLOW,
        pool_pre_ping=not reading,
        isolation_level="AUTOCOMMIT" if reading else "READ COMMITTED",  # or BEGIN takes a message
        hide_parameters=True,
    )
    event.listen(engine, "connect", _without_jit)
    if reading:
        event.listen(engine, "connect", _read_only)
        event.listen(engine, "checkin", _used)
        event.listen(engine, "checkout", partial(_still_there, engine))
    return engine


def _without_jit(connection: psycopg.Connection[Any], _entry: ConnectionPoolEntry) -> None:
    """Statements over many layers have many expressions: to compile these takes PostgreSQL seconds,
    where running them takes tenths."""
    connection.autocommit = True
    connection.execute("SET jit TO off")
    connection.autocommit = False


def _read_only(connection: psycopg.Connection[Any], entry: ConnectionPoolEntry) -> None:
    connection.autocommit = True
    connection.execute("SET default_transaction_read_only TO on")
    _used(connection, entry)


def _used(_connection: object, entry: ConnectionPoolEntry) -> None:
    entry.info[_USED] = time.monotonic()


def _still_there(
    engine: Engine, connection: Any, entry: ConnectionPoolEntry, _proxy: object
) -> None:
    """A connection that nobody used for a while may have been closed at the other end."""
    if time.monotonic() - entry.info[_USED] > LOOKED_AFTER_SECONDS:
        try:
            engine.dialect.do_ping(connection)
        except psycopg.Error:
            raise sa.exc.DisconnectionError from None
