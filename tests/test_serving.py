"""Servers that are told to end, die, and are several: nothing is lost, and nothing half-done."""

from __future__ import annotations

import json
import os
import signal
import socket
import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest

from gql_service.app import open_store
from gql_service.settings import Settings
from gql_service.versions.verify import verify_store
from tests.postgres import Cluster
from tests.processes import PATIENCE, Served, serving, until

pytestmark = pytest.mark.exhaustive  # many processes, each of which takes its time to start

CREATE_PROJECT = """mutation($name: String!) { createProject(input: {name: $name}) {
    ... on CreateProjectSuccess { project { id } } ... on Error { code } } }"""
CREATE_DATASET = """mutation($project: ID!, $recipe: ID!) {
    createDataset(input: {projectId: $project, name: "d", recipeId: $recipe}) {
        ... on CreateDatasetSuccess { dataset { id } } ... on Error { code message } } }"""
CREATE_RECIPE = """mutation($project: ID!) { createRecipe(input: {
    projectId: $project, title: "r", labels: [{name: "a"}]}) {
        ... on CreateRecipeSuccess { recipe { id } } ... on Error { code message } } }"""
UPLOAD = """mutation($dataset: ID!, $file: Upload!) { uploadItems(input: {
    datasetId: $dataset, files: [{path: "/a.txt", file: $file}]}) {
        ... on UploadItemsSuccess { version { number } } ... on Error { code message } } }"""


@pytest.fixture(autouse=True)
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("GQL_SERVICE_")]:
        monkeypatch.delenv(name)


def sound(settings: Settings) -> None:
    with closing(open_store(settings)) as store:
        assert verify_store(store.database, store.vault, deep=True) == []


def a_dataset(server: Served) -> str:
    project = server.ask(CREATE_PROJECT, name="first")["data"]["createProject"]["project"]["id"]
    made = server.ask(CREATE_RECIPE, project=project)["data"]["createRecipe"]
    recipe = made["recipe"]["id"]
    dataset = server.ask(CREATE_DATASET, project=project, recipe=recipe)["data"]["createDataset"]
    return str(dataset["dataset"]["id"])


def form(server: Served, dataset: str) -> tuple[bytes, bytes]:
    """The two halves of an upload; the first ends within the file."""
    variables = {"dataset": dataset, "file": None}
    parts = b""
    for name, text in (
        ("operations", json.dumps({"query": UPLOAD, "variables": variables})),
        ("map", '{"0": ["variables.file"]}'),
    ):
        parts += f'--x\r\ncontent-disposition: form-data; name="{name}"\r\n\r\n{text}\r\n'.encode()
    parts += b'--x\r\ncontent-disposition: form-data; name="0"; filename="a"\r\n\r\nhalf of it'
    rest = b" and the rest\r\n--x--\r\n"
    head = (
        "POST /graphql HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n"
        f"authorization: Bearer {server.token}\r\ngraphql-require-preflight: 1\r\n"
        f"content-type: multipart/form-data; boundary=x\r\n"
        f"content-length: {len(parts) + len(rest)}\r\n\r\n"
    )
    return head.encode() + parts, rest


def test_a_server_that_is_told_to_end_finishes_what_it_has_begun() -> None:
    with serving(drain_seconds="0.5") as server, ThreadPoolExecutor(1) as caller:
        first, rest = form(server, a_dataset(server))
        with (
            closing(sqlite3.connect("data/gql-service.sqlite3")) as lock,
            socket.create_connection(("127.0.0.1", server.port), PATIENCE) as upload,
        ):
            lock.execute("BEGIN IMMEDIATE")
            slow = caller.submit(server.ask, CREATE_PROJECT, name="slow")
            upload.sendall(first)
            until(lambda: server.gauge("requests_open") == 3 and server.gauge("threads_busy") == 1)

            server.process.send_signal(signal.SIGTERM)
            until(lambda: server.get("/readyz")[0] == 503)
            assert server.get("/healthz")[0] == 200
            until(server.refuses)
            assert not slow.done()
            lock.rollback()
            upload.sendall(rest)
            uploaded = b"".join(iter(lambda: upload.recv(65536), b""))

        assert "id" in slow.result()["data"]["createProject"]["project"]
        assert b'"version":{"number":2}' in uploaded
        assert server.end() == 0
    sound(Settings())


def test_a_second_signal_ends_a_server_at_once() -> None:
    with serving() as server, ThreadPoolExecutor(1) as caller:
        server.ask(CREATE_PROJECT, name="first")
        with closing(sqlite3.connect("data/gql-service.sqlite3")) as lock:
            lock.execute("BEGIN IMMEDIATE")
            slow = caller.submit(server.ask, CREATE_PROJECT, name="slow")
            until(lambda: server.gauge("threads_busy") == 1)
            server.process.send_signal(signal.SIGTERM)
            until(server.refuses)
            server.process.send_signal(signal.SIGTERM)
            assert server.end() == 128 + signal.SIGTERM
            assert isinstance(slow.exception(), OSError)
    sound(Settings())


@pytest.fixture
def url(cluster: Cluster) -> Iterator[str]:
    yield cluster.create("several")
    cluster.drop("several")


def pid_of(line: dict[str, Any]) -> int:
    pid = line["pid"]
    assert isinstance(pid, int)
    return pid


def test_three_workers_serve_one_database_replace_their_dead_and_end_together(url: str) -> None:
    settings = Settings(database_url=url)
    open_store(settings, migrate=True).close()
    with serving("--workers", "3", database_url=url, shutdown_seconds="0.2") as server:
        begun = {pid_of(server.logged()) for _ in range(3)}
        assert len(begun) == 3
        token_file = Path("data/admin-token").stat()

        def write(number: int) -> Any:
            return server.ask(CREATE_PROJECT, name=f"p{number // 2}")["data"]["createProject"]

        served: set[int] = set()
        answers: list[Any] = []
        with ThreadPoolExecutor(8) as callers:
            while served != begun:
                number = len(answers)
                answers += callers.map(write, range(number, number + 16))
                served |= {pid_of(server.logged()) for _ in range(16)}
        made = [one for one in answers if "project" in one]
        assert len(made) == len(answers) / 2
        assert [one for one in answers if "code" in one] == [{"code": "NAME_TAKEN"}] * len(made)
        counted = server.get("/metrics")[1]
        assert f'operation="createProject",status="200",type="mutation"}} {len(made)}.0' in counted
        assert all(f'process_resident_memory_bytes{{pid="{pid}"}}' in counted for pid in begun)

        victim = min(begun)
        os.kill(victim, signal.SIGKILL)
        until(lambda: server.logged()["event"] == "worker started")
        assert f"worker {victim} died" in str([line["event"] for line in server.lines])
        assert pid_of(server.lines[-1]) not in begun
        assert write(10_000)["project"]

        with psycopg.connect(url) as lock, ThreadPoolExecutor(1) as caller:
            lock.execute("LOCK TABLE projects IN EXCLUSIVE MODE")
            stuck = caller.submit(server.ask, CREATE_PROJECT, name="stuck")
            until(lambda: server.gauge("threads_busy") == 1)
            server.process.send_signal(signal.SIGTERM)
            assert stuck.result()["errors"][0]["extensions"]["code"] == "TIMEOUT"
            assert server.end() == 0
            names = lock.execute("SELECT count(*) FROM projects WHERE name = 'stuck'").fetchone()
        assert names == (0,)
        assert Path("data/admin-token").stat() == token_file
        workers = {pid_of(line) for line in server.lines if "pid" in line}
        for pid in workers:
            with pytest.raises(ProcessLookupError):
                os.kill(pid, 0)
    sound(settings)
