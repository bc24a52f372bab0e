"""What tests are given: a migrated, empty database of each kind, a vault, a user, a set clock."""

from __future__ import annotations

import gc
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from copy import copy
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import event

import gql_service.catalog.annotation
import gql_service.catalog.binary
import gql_service.catalog.dataset
import gql_service.catalog.dataset_source
import gql_service.catalog.idempotency
import gql_service.catalog.item
import gql_service.catalog.line
import gql_service.catalog.lost_state
import gql_service.catalog.metadata_index
import gql_service.catalog.project
import gql_service.catalog.recipe
import gql_service.catalog.tag
import gql_service.catalog.thumbnail
import gql_service.catalog.upload
import gql_service.jobs.job
import gql_service.versions.knowledge
import gql_service.versions.report  # noqa: F401  (row classes of every room, for comparison)
from gql_service.catalog.user import User
from gql_service.database import migrate
from gql_service.database.columns import table_of
from gql_service.database.engine import Database, Tx
from gql_service.settings import Settings
from gql_service.vault.memory import MemoryVault
from gql_service.vault.s3_signing import Account
from tests.postgres import MIGRATED, Cluster, find_binaries, running_cluster, version_of
from tests.snapshot import PostgresSnapshot, Snapshot, SqliteSnapshot
from tests.stores.openstack import is_installed, running_swift

DIALECTS = ["sqlite", "postgresql"]


def pytest_report_header() -> str:
    binaries = find_binaries()
    if binaries is None:
        return "PostgreSQL: NOT FOUND, its half of the tests is skipped"
    return f"PostgreSQL: {version_of(binaries)} from {binaries}"


def pytest_collection_finish() -> None:
    """Modules and collected tests live to the end: looking them over for garbage again and again
    takes a quarter of the time of a run."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


class SetClock:
    """A clock that stands still until it is advanced."""

    def __init__(self) -> None:
        self.now = datetime(2026, 1, 1, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def advance(self, step: timedelta) -> None:
        self.now += step


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture
def vault() -> MemoryVault:
    return MemoryVault()


@pytest.fixture(scope="session")
def swift() -> Iterator[Account]:
    """A real S3-compatible server of this run, with an empty bucket."""
    if not is_installed():
        pytest.skip("no S3-compatible server: uv sync --group stores")
    with running_swift() as account:
        yield account


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """The PostgreSQL of this run, with its one shared database migrated."""
    binaries = find_binaries()
    if binaries is None:
        pytest.skip("no PostgreSQL binaries on this machine")
    with running_cluster(binaries) as cluster:
        _migrate(cluster.url(MIGRATED))
        yield cluster


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("template") / "migrated.sqlite3"
    _migrate(f"sqlite:///{path}")
    return path


def _migrate(url: str) -> None:
    database = Database(driven(url))
    migrate.upgrade(database)
    database.close()


@cache
def driven(url: str) -> str:
    """The same address with the driver that the service uses. Making settings takes as long as many
    a test."""
    return Settings(database_url=url).resolved_database_url


_DATABASES: dict[str, Database] = {}
"""One for each address, for the whole run: what its engine has compiled serves the next test too,
and compiling is most of the time of a short test."""


def _database_at(url: str, clock: SetClock) -> Database:
    if url not in _DATABASES:
        _DATABASES[url] = Database(url)
    database = copy(_DATABASES[url])
    database.clock = clock
    return database


def _forget_if_heard(url: str) -> None:
    """An engine that was listened to once stays slow: the next test is given another."""
    kept = _DATABASES[url]
    if kept.engine in _HEARD:
        _DATABASES.pop(url).close()
        _HEARD.clear()


_HEARD: set[sa.Engine] = set()


@pytest.fixture(scope="session")
def sqlite_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("database") / "test.sqlite3"


@pytest.fixture(params=DIALECTS)
def database(request: pytest.FixtureRequest, clock: SetClock) -> Iterator[Database]:
    """Migrated and empty, its ids starting at 1; a test that asks for it runs on both kinds."""
    if request.param == "sqlite":
        path: Path = request.getfixturevalue("sqlite_file")
        for old in path.parent.iterdir():  # the log and the index of the last one too
            old.unlink()
        shutil.copy(request.getfixturevalue("sqlite_template"), path)
        database = _database_at(driven(f"sqlite:///{path}"), clock)
        yield database
        database.close()  # the file goes, and with it what a connection knows of it
        _forget_if_heard(driven(f"sqlite:///{path}"))
        return
    cluster: Cluster = request.getfixturevalue("cluster")
    cluster.clean()
    url = driven(cluster.url(MIGRATED))
    yield _database_at(url, clock)  # its connections serve the next test
    _forget_if_heard(url)


@pytest.fixture
def snapshot(request: pytest.FixtureRequest, database: Database) -> Snapshot:
    """Keeps what the database holds, for later tests of this worker."""
    if database.dialect == "postgresql":
        return PostgresSnapshot(request.getfixturevalue("cluster"))
    template: Path = request.getfixturevalue("sqlite_template")
    file: Path = request.getfixturevalue("sqlite_file")
    return SqliteSnapshot(database, file, template.with_name("kept.sqlite3"))


@pytest.fixture(params=DIALECTS)
def empty_database(
    request: pytest.FixtureRequest, tmp_path: Path, clock: SetClock
) -> Iterator[Database]:
    """Without a single table: for tests that migrate."""
    if request.param == "sqlite":
        database = Database(f"sqlite:///{tmp_path / 'empty.sqlite3'}", clock=clock)
        yield database
        database.close()
        return
    cluster: Cluster = request.getfixturevalue("cluster")
    database = Database(driven(cluster.create("empty")), clock=clock)
    yield database
    database.close()
    cluster.drop("empty")


@pytest.fixture
def actor(database: Database) -> int:
    """The id of a user who is nobody special."""
    users = table_of(User)

    def insert(tx: Tx) -> int:
        row = {"name": "Ada", "email": "ada@example.org", "admin": False, "created_at": tx.now}
        key: int = tx.scalar(sa.insert(users).values(row).returning(users.c.id))
        return key

    return database.write(insert)


CountStatements = Callable[[], AbstractContextManager[list[str]]]


@pytest.fixture
def count_statements(database: Database) -> CountStatements:
    """`with count_statements() as statements:` collects the SQL that the block sends.

    The same on both kinds of database: the words that open a transaction do not count.
    """

    @contextmanager
    def counting() -> Iterator[list[str]]:
        statements: list[str] = []

        def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
            if not statement.startswith("BEGIN"):
                statements.append(statement)

        for engine in (database.engine, database.reading):
            event.listen(engine, "before_cursor_execute", note)
            _HEARD.add(engine)
        brief, database.brief = database.brief, None  # or a thread would not be asked
        try:
            yield statements
        finally:
            database.brief = brief
            for engine in (database.engine, database.reading):
                event.remove(engine, "before_cursor_execute", note)

    return counting
