"""A server that is killed between and within the parts of an upload: what it told is still true."""

from __future__ import annotations

import hashlib
import json
import os
import random
import socket
import urllib.parse
from contextlib import closing
from pathlib import Path

import pytest

from gql_service.app import open_store
from gql_service.catalog.sweep import sweep
from gql_service.settings import Settings
from gql_service.versions.verify import verify_store
from tests.api.server import Answer, read_answer
from tests.processes import Served, serving, until

pytestmark = pytest.mark.exhaustive  # processes, each of which takes its time to start
MIB = 1024 * 1024
PROJECT = 'mutation { createProject(input: {name: "p"}) { __typename } }'


def begin(server: Served, method: str, path: str, length: int, *headers: str) -> socket.socket:
    lines = [
        f"{method} {path} HTTP/1.1",
        "host: localhost",
        f"content-length: {length}",
        f"authorization: Bearer {server.token}",
        "tus-resumable: 1.0.0",
        "content-type: application/offset+octet-stream",
        *headers,
    ]
    connection = socket.create_connection(("127.0.0.1", server.port))
    connection.sendall("\r\n".join([*lines, "", ""]).encode())
    return connection


def send(server: Served, method: str, path: str, content: bytes, *headers: str) -> Answer:
    with begin(server, method, path, len(content), *headers) as connection:
        connection.sendall(content)
        answer = read_answer(connection, bodiless=method == "HEAD")
    assert answer is not None
    return answer


def objects() -> int:
    return sum(1 for _ in Path("data/files").glob("*/*"))


def test_what_was_told_to_have_come_is_there_after_a_kill_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("GQL_SERVICE_")]:
        monkeypatch.delenv(name)
    content = random.Random(7).randbytes(5 * MIB)
    with serving(log_level="warning") as server:
        server.ask(PROJECT)
        opened = send(server, "POST", "/uploads", b"", f"upload-length: {5 * MIB}")
        path = urllib.parse.urlsplit(opened.headers["location"]).path
        first = send(server, "PATCH", path, content[:MIB], "upload-offset: 0")
        assert first.headers["upload-offset"] == str(MIB)
        with begin(server, "PATCH", path, 4 * MIB, f"upload-offset: {MIB}") as connection:
            connection.sendall(content[MIB : 4 * MIB])
            until(lambda: objects() == 2)  # the next part is being written
            server.process.kill()
            server.process.wait()

    with serving(log_level="warning") as server:
        assert send(server, "HEAD", path, b"").headers["upload-offset"] == str(MIB)
        second = send(server, "PATCH", path, content[MIB : 2 * MIB], f"upload-offset: {MIB}")
        server.process.kill()
        server.process.wait()
        assert second.headers["upload-offset"] == str(2 * MIB)

    with serving(log_level="warning") as server:
        last = send(server, "PATCH", path, content[2 * MIB :], f"upload-offset: {2 * MIB}")
        assert last.headers["upload-offset"] == str(5 * MIB)
        told = json.loads(send(server, "GET", path, b"").body)
    assert told["sha256"] == hashlib.sha256(content).hexdigest()
    settings = Settings(data_dir=Path("data"), upload_lease_hours=1e-9, sweep_delete_delay_hours=0)
    with closing(open_store(settings)) as store:
        for _ in range(3):
            sweep(store.database, store.vault, settings)
        assert objects() == 2, "the file, and what the kill cut off, whose lease has not run out"
        assert verify_store(store.database, store.vault, deep=True) == []
