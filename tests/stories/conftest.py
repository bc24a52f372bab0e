"""A real server on a free port, over a folder of its own, and people who talk to it over HTTP."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest
import uvicorn

from gql_service.app import Service, build
from gql_service.settings import Settings
from gql_service.versions.verify import verify_store
from tests.api.client import Client
from tests.conftest import SetClock


@contextmanager
def served(service: Service) -> Iterator[str]:
    """The address of the service while the block runs."""
    started = threading.Event()

    class Server(uvicorn.Server):
        async def startup(self, sockets: list[object] | None = None) -> None:
            await super().startup(sockets)  # type: ignore[arg-type]
            started.set()

    server = Server(uvicorn.Config(service.asgi, port=0, log_level="warning"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    assert started.wait(30)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(30)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path / "data")


@pytest.fixture
def service(settings: Settings, clock: SetClock) -> Iterator[Service]:
    """A fresh embedded service; in the end every invariant of its store holds."""
    service = build(settings, clock=clock)
    yield service
    assert verify_store(service.database, service.vault, deep=True) == []
    service.close()


@pytest.fixture
def url(service: Service) -> Iterator[str]:
    with served(service) as url:
        yield url


@pytest.fixture
def ada(service: Service, url: str) -> Iterator[Client]:
    """The admin of the first start."""
    with httpx2.Client(base_url=url, timeout=30) as http:
        yield Client(http, service.token_file.read_text().strip())


Hire = Callable[[str], Client]


@pytest.fixture
def hire(ada: Client) -> Hire:
    """`hire("Bob")` makes another user."""

    def make(name: str) -> Client:
        made = ada.change("createUser", "text", name=name, email=f"{name}@example.org")
        return Client(ada.http, made["text"])

    return make
