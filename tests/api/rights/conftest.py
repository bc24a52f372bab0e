"""The world of the tests of rights, and the service over it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from gql_service.database.engine import Database
from gql_service.vault.memory import MemoryVault
from tests.api.client import Client
from tests.api.rights.world import World, build_world
from tests.conftest import CountStatements, SetClock
from tests.snapshot import Snapshot, SqliteSnapshot


@dataclass
class Stage:
    """The service over a filled world, and the statements that it sends."""

    http: TestClient
    database: Database
    vault: MemoryVault
    snapshot: Snapshot
    world: World
    statements: list[str]
    kept: set[str] = field(default_factory=set)

    def undo(self) -> None:
        """Brings back what there was at the beginning."""
        self.snapshot.put_back()
        for key in set(self.vault.keys()) - self.kept:
            self.vault.delete(key)

    def client(self, caller: str, token: str = "WHOLE") -> Client:
        return self.world.client(self.http, caller, token)

    def cost(self) -> int:
        """How many statements there were since `statements` was cleared."""
        return sum(not one.startswith(("BEGIN", "PRAGMA")) for one in self.statements)


@dataclass(frozen=True)
class _Kept:
    world: World
    objects: dict[str, bytes]


_WORLDS: list[_Kept] = []
"""The one world, which is filled over HTTP the first time, and put back for the next tests."""


@pytest.fixture
def stage(
    http: TestClient,
    database: Database,
    vault: MemoryVault,
    sqlite_template: Path,
    sqlite_file: Path,
    clock: SetClock,
    count_statements: CountStatements,
) -> Iterator[Stage]:
    """On SQLite; of another kind than the shelves, and kept in a file of its own. Every invariant
    holds afterwards, which the fixture of the application sees to."""
    snapshot = SqliteSnapshot(database, sqlite_file, sqlite_template.with_name("rights.sqlite3"))
    if _WORLDS:
        snapshot.put_back()
        for key, content in _WORLDS[0].objects.items():
            vault.put(key, [content])
    else:
        world = build_world(http, database)
        snapshot.keep()
        objects = {key: b"".join(vault.read(key)) for key in sorted(vault.keys())}
        _WORLDS.append(_Kept(world, objects))
    clock.advance(timedelta(minutes=1))
    with count_statements() as statements:
        world, kept = _WORLDS[0].world, set(vault.keys())
        yield Stage(http, database, vault, snapshot, world, statements, kept)
