"""Filled databases to measure in: an SQLite file or a PostgreSQL database, a copy per bench.

Filling a million items takes minutes, so the filled SQLite files are kept in a folder for
temporary files, by the release of tables and the code of the data that they were made from.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr

from bench import data, postgres
from bench.bare import Bare
from bench.data import Stage
from bench.measure import told
from gql_service.database import migrate
from gql_service.database.engine import Database
from gql_service.settings import Settings

Say = Callable[[str], None]
Opener = Callable[[int], Iterator["Store"]]


@dataclass(frozen=True, slots=True)
class Store:
    """A filled database: through the service, and bare."""

    database: Database
    bare: Bare
    stage: Stage

    @property
    def postgres(self) -> bool:
        return self.bare.postgres

    def settle(self) -> None:
        """Brings what was committed into the database file, so that nobody else pays for it."""
        if not self.postgres:
            self.bare.run("PRAGMA wal_checkpoint(TRUNCATE)")

    def bytes(self) -> int:
        """Size of tables and indexes."""
        if self.postgres:
            return int(
                self.bare.value(
                    "SELECT sum(pg_relation_size(oid)) FROM pg_class WHERE relkind IN ('r', 'i')"
                )
            )
        pages = self.bare.value("PRAGMA page_count") - self.bare.value("PRAGMA freelist_count")
        return int(pages * self.bare.value("PRAGMA page_size"))


class SQLiteStores:
    """Copies of kept SQLite files."""

    title = "SQLite"

    def __init__(self, say: Say, folder: Path | None = None) -> None:
        self._say = say
        self._folder = folder or Path(tempfile.gettempdir()) / "gql-service-bench"

    @contextmanager
    def open(self, items: int) -> Iterator[Store]:
        template = self._template(items)
        with tempfile.TemporaryDirectory(dir=self._folder) as folder:
            path = Path(folder) / "work.sqlite3"
            shutil.copy(template, path)
            with _opened(f"sqlite:///{path}", items) as store:
                yield store

    def _template(self, items: int) -> Path:
        path = self._folder / f"{_origin()}-{items}.sqlite3"
        if path.is_file():
            return path
        self._folder.mkdir(parents=True, exist_ok=True)
        with told(f"Filling an SQLite file with {items:,} items", self._say):
            making = self._folder / f"{os.getpid()}.sqlite3"
            try:
                _fill(f"sqlite:///{making}", items)
                making.rename(path)
            finally:
                making.unlink(missing_ok=True)
        return path


class PostgresStores:
    """Copies of databases that are filled once per run of the bench."""

    title = "PostgreSQL"

    def __init__(self, say: Say, folder: Path) -> None:
        self._say = say
        self._folder = folder
        self._filled: set[int] = set()

    @contextmanager
    def open(self, items: int) -> Iterator[Store]:
        template = f"filled_{items}"
        if items not in self._filled:
            with told(f"Filling a PostgreSQL database with {items:,} items", self._say):
                url = postgres.create(self._folder, template)
                _fill(url, items)
                vacuum = Bare(url)
                vacuum.run("VACUUM ANALYZE")
                vacuum.close()
            self._filled.add(items)
        with _opened(postgres.create(self._folder, "work", template), items) as store:
            yield store


Stores = SQLiteStores | PostgresStores


@contextmanager
def _opened(url: str, items: int) -> Iterator[Store]:
    database = Database(_driven(url))
    bare = Bare(url)
    try:
        yield Store(database, bare, data.staged(database, items))
    finally:
        bare.close()
        database.close()


def _fill(url: str, items: int) -> None:
    database = Database(_driven(url))
    migrate.upgrade(database)
    data.fill(database, items)
    database.close()  # the last connection: SQLite puts everything into the one file


def _driven(url: str) -> str:
    return Settings(database_url=SecretStr(url)).resolved_database_url


def _origin() -> str:
    """What the contents of a filled file depend on."""
    sources = [Path(data.__file__), *sorted(Path(migrate.__file__).parent.rglob("[0-9]*.py"))]
    return hashlib.sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()[:12]
