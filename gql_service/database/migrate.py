"""Brings a database to the tables of this release, all or nothing.

On both databases a change of tables is part of a transaction, so that a failure half-way leaves
the database as it was. Several processes may start at once: the first one migrates, the others
wait (SQLite for the write lock, PostgreSQL for an advisory lock) and then find nothing to do.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.engine import Connection

from gql_service.database.engine import Database, begun
from gql_service.errors import SchemaTooNew

SCRIPTS = "gql_service.database:migrations"
_LOCK = 0x67716C5F  # any number that nobody else takes as advisory lock in this database


def upgrade(database: Database, *, scripts: str = SCRIPTS) -> None:
    """Applies what is missing. Raises SchemaTooNew when a newer release was here before."""
    with _exclusive(database) as connection:
        _require_known(_revision(connection), scripts)
        config = _config(scripts)
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def current_revision(database: Database) -> str | None:
    """The revision that the database is at, None when it is empty."""
    with database.read() as tx:
        return _revision(tx.connection)


@cache
def head_revision(*, scripts: str = SCRIPTS) -> str:
    """The revision that this release works with."""
    head = ScriptDirectory.from_config(_config(scripts)).get_current_head()
    assert head is not None, "a release has at least one migration"
    return head


def ensure_current(database: Database) -> None:
    """Raises SchemaTooNew when the database is at a revision that this release does not know."""
    _require_known(current_revision(database), SCRIPTS)


def pending(database: Database) -> bool:
    """Whether `upgrade` has something to do. Raises SchemaTooNew as `ensure_current` does."""
    ensure_current(database)
    return current_revision(database) != head_revision()


def _config(scripts: str) -> Config:
    config = Config()
    config.set_main_option("script_location", scripts)
    return config


def _revision(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def _require_known(revision: str | None, scripts: str) -> None:
    directory = ScriptDirectory.from_config(_config(scripts))
    known = {script.revision for script in directory.walk_revisions()}
    if revision is not None and revision not in known:
        raise SchemaTooNew(
            f"The database is at revision {revision}, which this release does not know: "
            "it was written by a newer one"
        )


@contextmanager
def _exclusive(database: Database) -> Iterator[Connection]:
    """One transaction that keeps other migrations out; committed at the end."""
    with database.engine.connect() as connection:
        if database.dialect == "sqlite":
            with _references_unwatched(connection), begun(connection, write=True):
                yield connection
                if broken := connection.exec_driver_sql("PRAGMA foreign_key_check").all():
                    raise RuntimeError(f"The migration left {len(broken)} references dangling")
        else:
            with begun(connection, write=True):
                connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
                yield connection


@contextmanager
def _references_unwatched(connection: Connection) -> Iterator[None]:
    """SQLite changes a table by copying and dropping it, and a drop deletes what refers to it.

    The setting does nothing within a transaction, hence here, around it.
    """
    sqlite = connection.connection.driver_connection
    assert isinstance(sqlite, sqlite3.Connection)
    sqlite.execute("PRAGMA foreign_keys=OFF")
    try:
        yield
    finally:
        sqlite.execute("PRAGMA foreign_keys=ON")
