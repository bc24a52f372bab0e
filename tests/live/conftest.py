"""Services on real sockets that notice things soon, and people who write to them."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest

from gql_service.app import Service, build
from gql_service.catalog.user import create_token, create_user
from gql_service.database.engine import Tx
from gql_service.serve import running
from gql_service.settings import Settings
from gql_service.versions.verify import verify_store
from tests.api.client import Client
from tests.api.shelf import Shelf
from tests.conftest import DIALECTS
from tests.postgres import MIGRATED, Cluster


@dataclass(frozen=True, slots=True)
class Running:
    """A service that answers at `url`, its admin and their token."""

    service: Service
    url: str
    ada: Client
    token: str

    def hire(self, name: str) -> tuple[Client, str]:
        """Another user, with a token."""

        def work(tx: Tx) -> str:
            return create_token(tx, create_user(tx, name, f"{name}@example.org"), "live")

        token = self.service.database.write(work)
        return Client(self.ada.http, token), token

    def another_token(self) -> tuple[str, str]:
        """A second token of Ada's: its text and its id."""
        made = self.ada.change("createToken", "text token { id }", name="second")
        return made["text"], made["token"]["id"]


Start = Callable[..., Running]


@pytest.fixture
def dialect() -> str:
    """On which database; a test that is to run on both takes it as a parameter."""
    return "sqlite"


@pytest.fixture
def start(request: pytest.FixtureRequest, tmp_path: Path, dialect: str) -> Iterator[Start]:
    """`start(setting=…)` runs a service; all of a test share one database, and in the end every
    invariant of its store holds."""
    assert dialect in DIALECTS
    where: dict[str, Any] = {"data_dir": tmp_path, "port": 0}
    if dialect == "postgresql":
        cluster: Cluster = request.getfixturevalue("cluster")
        cluster.clean()
        where["database_url"] = cluster.url(MIGRATED)
    else:
        template: Path = request.getfixturevalue("sqlite_template")
        shutil.copy(template, tmp_path / "gql-service.sqlite3")
    quick = {"watch_look_seconds": 0.1, "watch_poll_seconds": 0.05}
    with ExitStack() as stack:
        services: list[Service] = []

        def run(**given: Any) -> Running:
            service = build(Settings(**{**where, **quick, **given}))
            services.append(service)
            at = stack.enter_context(running(service))
            http = stack.enter_context(httpx2.Client(base_url=at.url, timeout=30))
            token = service.token_file.read_text().strip()
            return Running(service, at.url, Client(http, token), token)

        yield run
        for service in services[:1]:
            assert verify_store(service.database, service.vault, deep=True) == []


@pytest.fixture
def live(start: Start) -> Running:
    return start()


@pytest.fixture
def shelf(live: Running) -> Shelf:
    return Shelf.fill(live.ada)
