"""The whole ASGI application over each kind of database, and some people who use it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import anyio
import pytest
from sqlmodel import SQLModel
from starlette.testclient import TestClient

from gql_service.api.application import application
from gql_service.api.context import Backend
from gql_service.api.grants import Grants
from gql_service.catalog.user import create_token, create_user
from gql_service.database.engine import Database, Tx
from gql_service.settings import Settings
from gql_service.vault.contract import Vault
from gql_service.versions.verify import verify_store
from tests.api.client import Client
from tests.api.in_process import InProcess
from tests.api.shelf import Shelf
from tests.snapshot import Snapshot

GRANTS = Grants()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path / "data", max_upload_bytes=100_000, max_files_per_upload=5)


@pytest.fixture
def http(database: Database, vault: Vault, settings: Settings) -> Iterator[TestClient]:
    """The application; afterwards, every invariant of the store holds."""
    backend = Backend(settings, database, vault, anyio.CapacityLimiter(8), grants=GRANTS)
    with InProcess(application(backend)) as client:
        yield client
    assert verify_store(database, vault, deep=True) == []


@pytest.fixture
def resolved(ada: Client, database: Database, vault: Vault, settings: Settings) -> Iterator[Client]:
    """Ada again, asking a service in which every list goes through resolvers."""
    limiter = anyio.CapacityLimiter(8)
    backend = Backend(settings, database, vault, limiter, splicing=False, grants=GRANTS)
    with InProcess(application(backend)) as http:
        client = Client(http, None)
        client.headers = ada.headers
        yield client


SignIn = Callable[[str], Client]


@pytest.fixture
def sign_in(http: TestClient, database: Database) -> SignIn:
    """`sign_in("Ada")` makes a user and speaks for them; the first one is an admin."""

    def make(name: str) -> Client:
        def work(tx: Tx) -> str:
            return create_token(tx, create_user(tx, name, f"{name}@example.org"), "test")

        return Client(http, database.write(work))

    return make


@pytest.fixture
def ada(sign_in: SignIn) -> Client:
    return sign_in("Ada")


@pytest.fixture
def bob(request: pytest.FixtureRequest, ada: Client, sign_in: SignIn) -> Client:
    """Somebody else, who is no admin and no member of anything."""
    if "shelf" in request.fixturenames:  # which is there before Bob comes
        request.getfixturevalue("shelf")
    return sign_in("Bob")


@dataclass(frozen=True)
class Kept:
    """A filled shelf: its ids, how Ada is known, and the bytes."""

    shelf: Shelf
    headers: dict[str, str]
    objects: dict[str, bytes]


_SHELVES: dict[str, Kept] = {}
"""By the kind of database. The first is filled over HTTP, the next ones are put back."""


@pytest.fixture
def shelf(ada: Client, database: Database, vault: Vault, snapshot: Snapshot) -> Shelf:
    """A project of Ada's with a recipe and a small annotated dataset."""
    kept = _SHELVES.get(database.dialect)
    if kept is None:
        filled = Shelf.fill(ada)
        objects = {key: b"".join(vault.read(key)) for key in sorted(vault.keys())}
        snapshot.keep()
        _SHELVES[database.dialect] = Kept(filled, dict(ada.headers), objects)
        return filled
    snapshot.put_back()
    ada.headers.update(kept.headers)
    for key, content in kept.objects.items():
        vault.put(key, [content])
    return kept.shelf


Census = Callable[[], dict[str, int]]


@pytest.fixture
def census(database: Database) -> Census:
    """How many rows every table has."""

    names = list(SQLModel.metadata.tables)
    counts = ", ".join(f'(SELECT count(*) FROM "{name}")' for name in names)

    def count() -> dict[str, int]:
        with database.read() as tx:
            row = tx.connection.exec_driver_sql(f"SELECT {counts}").one()
            return dict(zip(names, row, strict=True))

    return count
