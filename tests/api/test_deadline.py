"""Requests that take too long, and requests whose clients have gone, end in the database too."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest
import sqlalchemy as sa
from starlette.testclient import TestClient

from gql_service.api.application import application
from gql_service.api.context import Backend
from gql_service.catalog.user import create_token, create_user
from gql_service.database.engine import Database
from gql_service.settings import Settings
from gql_service.vault.contract import Vault
from gql_service.versions.verify import verify_store
from tests.api.client import Client
from tests.api.server import Server, request, serving

PROJECTS = "{ projects { nodes { name } } }"
WHO = "{ viewer { user { name } } }"
MINUTES = (
    "CREATE VIEW projects AS SELECT * FROM hidden_projects WHERE (WITH RECURSIVE n(i) AS"
    " (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000000000) SELECT count(*) FROM n) > 0"
)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path / "data", request_seconds=0.4)


@contextmanager
def slow_projects(database: Database) -> Iterator[None]:
    """Whoever reads projects waits for minutes."""

    def run(*statements: str) -> None:
        database.write(lambda tx: [tx.execute(sa.text(one)) for one in statements] and None)

    run("ALTER TABLE projects RENAME TO hidden_projects", MINUTES)
    try:
        yield
    finally:
        run("DROP VIEW projects", "ALTER TABLE hidden_projects RENAME TO projects")


def test_a_query_that_takes_too_long_is_stopped_and_says_so(
    ada: Client, database: Database
) -> None:
    ada.change("createProject", name="one")
    with slow_projects(database):
        began = time.perf_counter()
        answer = ada.answer("{ projects { nodes { name } } viewer { user { name } } }")
        assert time.perf_counter() - began < 1.4
        assert database.reading.pool.checkedout() == 0  # type: ignore[attr-defined]
    (error,) = answer["errors"]
    assert error["extensions"] == {"code": "TIMEOUT"}
    assert error["path"] == ["projects"]
    assert answer["data"]["projects"] is None
    assert answer["data"]["viewer"]["user"] == {"name": "Ada"}
    assert ada.run(PROJECTS) == {"projects": {"nodes": [{"name": "one"}]}}


def test_of_several_changes_those_before_the_deadline_are_kept(
    ada: Client, database: Database
) -> None:
    id = ada.change("createProject", "project { id }", name="one")["project"]["id"]
    document = (
        "mutation ($id: ID!) {"
        ' a: createUser(input: {name: "Bo", email: "bo@example.org"}) { __typename }'
        ' b: updateProject(input: {projectId: $id, name: "two"}) { __typename }'
        ' c: createUser(input: {name: "Cy", email: "cy@example.org"}) { __typename } }'
    )
    with slow_projects(database):
        answer = ada.answer(document, id=id)
    assert [(e["path"], e["extensions"]["code"]) for e in answer["errors"]] == [(["b"], "TIMEOUT")]
    assert ada.refused("createUser", name="Bo", email="bo@example.org")[0] == "CONFLICT"
    ada.change("createUser", name="Cy", email="cy@example.org")
    assert ada.run(PROJECTS) == {"projects": {"nodes": [{"name": "one"}]}}


def test_neighbours_are_served_while_many_wait_for_their_deadline(
    ada: Client, database: Database
) -> None:
    ada.change("createProject", name="one")
    with slow_projects(database), ThreadPoolExecutor(12) as pool:
        slow = [pool.submit(ada.answer, PROJECTS) for _ in range(10)]  # more than threads
        began = time.perf_counter()
        codes = [answer.result()["errors"][0]["extensions"]["code"] for answer in slow]
        assert codes == ["TIMEOUT"] * 10
        assert time.perf_counter() - began < 3
        slow = [pool.submit(ada.answer, PROJECTS) for _ in range(4)]
        assert ada.run(WHO)["viewer"]["user"] == {"name": "Ada"}
        assert not all(answer.done() for answer in slow)


def test_introspection_needs_no_database(http: TestClient, database: Database) -> None:
    with slow_projects(database):
        assert Client(http, None).answer("{ __typename }") == {"data": {"__typename": "Query"}}


@pytest.fixture
def backend(database: Database, vault: Vault, settings: Settings) -> Backend:
    patient = settings.model_copy(update={"request_seconds": 60.0})
    return Backend(patient, database, vault, anyio.CapacityLimiter(4))


@pytest.fixture
def server(backend: Backend) -> Iterator[Server]:
    with serving(application(backend)) as server:
        yield server
    assert verify_store(backend.database, backend.vault, deep=True) == []


@pytest.fixture
def token(database: Database) -> str:
    return database.write(lambda tx: create_token(tx, create_user(tx, "Ada", "a@x.org"), "t"))


def posted(token: str, query: str, **more: Any) -> bytes:
    body = json.dumps({"query": query, **more}).encode()
    return request(body, [f"authorization: Bearer {token}"])


def within(seconds: float, holds: Callable[[], bool]) -> bool:
    end, waiting = time.perf_counter() + seconds, threading.Event()
    while not holds():
        if time.perf_counter() > end:
            return False
        waiting.wait(0.01)
    return True


def test_the_statement_of_a_client_that_is_gone_is_stopped(
    server: Server, backend: Backend, token: str
) -> None:
    database = backend.database
    server.send(posted(token, 'mutation { createProject(input: {name: "one"}) { __typename } }'))
    with slow_projects(database):
        connections = [server.connect() for _ in range(4)]
        for connection in connections:
            connection.sendall(posted(token, PROJECTS))
        assert within(10, lambda: backend.threads.borrowed_tokens == 4)
        for connection in connections:
            connection.close()
        assert within(1.5, lambda: backend.threads.borrowed_tokens == 0)
        assert within(1, lambda: database.reading.pool.checkedout() == 0)  # type: ignore[attr-defined]
        answer = server.send(posted(token, WHO))
    assert answer is not None and answer.status == 200


def test_a_body_that_does_not_come_is_not_waited_for(
    database: Database, vault: Vault, settings: Settings, token: str
) -> None:
    backend = Backend(settings, database, vault, anyio.CapacityLimiter(4))
    half = posted(token, WHO)[:-5]
    form = half.replace(b"application/json", b"multipart/form-data; boundary=x").replace(
        b"connection: close", b"graphql-require-preflight: 1"
    )
    form = form[: form.index(b"{")] + b"--x\r\n"
    with serving(application(backend)) as server:
        for sent in (half, form):
            began = time.perf_counter()
            answer = server.send(sent)
            assert 0.3 < time.perf_counter() - began < 2
            assert answer is not None and answer.status == 408
            assert json.loads(answer.body)["errors"][0]["extensions"] == {"code": "TIMEOUT"}
