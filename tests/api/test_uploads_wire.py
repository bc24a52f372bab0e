"""Uploads over real connections: that break, that nobody pays for, and two at once."""

from __future__ import annotations

import hashlib
import io
import os
import random
import re
import threading
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import anyio
import pytest
import sqlalchemy as sa
from tusclient.client import TusClient

from gql_service.api.application import application
from gql_service.api.context import Backend
from gql_service.catalog.binary import BLOB_KEYS
from gql_service.catalog.project import create_project
from gql_service.catalog.sweep import sweep
from gql_service.catalog.upload import PARTS, UPLOADS, UploadRecord, upload_of
from gql_service.catalog.user import create_token, create_user
from gql_service.database.engine import Database, Tx
from gql_service.settings import Settings
from gql_service.vault.disk import DiskVault
from gql_service.versions.verify import verify_store
from tests.api.server import PATIENCE, Answer, Server, read_answer, serving
from tests.builders import ON_SQLITE
from tests.conftest import SetClock
from tests.cutting import cutting
from tests.processes import until

pytestmark = ON_SQLITE
MIB = 1024 * 1024


@dataclass
class Wire:
    """A server on a socket, over a vault on the disk, and somebody who may write."""

    server: Server
    database: Database
    vault: DiskVault
    token: str
    user: int

    def head(self, method: str, path: str, length: int, *headers: str) -> bytes:
        """The beginning of a request."""
        lines = [
            f"{method} {path} HTTP/1.1",
            "host: localhost",
            f"content-length: {length}",
            f"authorization: Bearer {self.token}",
            "tus-resumable: 1.0.0",
            "content-type: application/offset+octet-stream",
            *headers,
        ]
        return "\r\n".join([*lines, "", ""]).encode()

    def open(self, length: int) -> str:
        answer = self.server.send(self.head("POST", "/uploads", 0, f"upload-length: {length}"))
        assert answer is not None and answer.status == 201
        return re.sub("http://[^/]*", "", answer.headers["location"])

    def upload(self, path: str) -> UploadRecord:
        with self.database.read(self.user) as tx:
            return upload_of(tx, path.rpartition("_")[2])

    def content(self, path: str) -> bytes:
        with self.database.read() as tx:
            of_this = UPLOADS.c.id == path.rpartition("_")[2]
            key = tx.scalar(sa.select(UPLOADS.c.blob_key).where(of_this))
        return b"".join(self.vault.read(key))


@pytest.fixture
def wire(database: Database, tmp_path: Path) -> Iterator[Wire]:
    vault = DiskVault(tmp_path / "files")

    def sign_up(tx: Tx) -> tuple[int, str]:
        user = create_user(tx, "Ada", "ada@example.org")
        return user, create_token(tx, user, "test")

    user, token = database.write(sign_up)
    database.write(lambda tx: create_project(tx, "p"), actor=user)
    settings = Settings(data_dir=tmp_path, max_open_uploads_per_token=1000)
    backend = Backend(settings, database, vault, anyio.CapacityLimiter(8))
    with serving(application(backend)) as server:
        yield Wire(server, database, vault, token, user)
    assert verify_store(database, vault, deep=True) == []


def test_a_client_gets_its_file_through_a_connection_that_breaks_three_times(wire: Wire) -> None:
    """`tuspy`, which knows nothing of us. What it is told to have arrived, it does not send again:
    of each break, at most what was on its way is sent twice."""
    content = random.Random(1).randbytes(24 * MIB)
    with cutting(wire.server.port, [5 * MIB, 11 * MIB, 20 * MIB]) as proxy:
        url = f"http://127.0.0.1:{proxy.port}/uploads"
        client = TusClient(url, headers={"authorization": f"Bearer {wire.token}"})
        uploader = client.uploader(
            file_stream=io.BytesIO(content), chunk_size=9 * MIB, retries=20, retry_delay=0
        )
        path = wire.open(len(content))
        uploader.set_url(f"http://127.0.0.1:{proxy.port}{path}")
        uploader.offset = 0

        uploader.upload()

    assert proxy.cuts == []
    assert proxy.sent < len(content) + 3 * 9 * MIB
    assert wire.upload(path).sha256 == hashlib.sha256(content).hexdigest()
    assert wire.content(path) == content
    assert len(list(wire.vault.keys())) == 1, "the parts are gone"


@pytest.mark.parametrize("method", ["PUT", "POST", "PATCH"])
def test_who_says_not_who_they_are_is_refused_before_the_body_is_read(
    wire: Wire, method: str
) -> None:
    wire.token = "gqls_" + "x" * 43
    path = "/uploads/up_" + "0" * 32 if method == "PATCH" else "/uploads"
    with wire.server.connect() as connection:
        connection.sendall(wire.head(method, path, 10 * 1024 * MIB, "upload-length: 1"))
        answer = read_answer(connection)
        sent = 0
        with pytest.raises(OSError):
            while sent < 64 * MIB:  # far more than the buffers of a connection hold
                sent += connection.send(bytes(64 * 1024))

    assert answer is not None
    assert (answer.status, answer.headers["connection"]) == (401, "close")
    assert list(wire.vault.keys()) == []


def test_of_two_that_continue_at_one_place_one_wins(wire: Wire) -> None:
    content = [bytes([number]) * MIB for number in range(4)]
    path = wire.open(2 * MIB)
    answers: list[Answer | None] = []
    ready = threading.Barrier(4)

    def go_on(number: int) -> None:
        with wire.server.connect() as connection:
            connection.sendall(wire.head("PATCH", path, MIB, "upload-offset: 0"))
            connection.sendall(content[number][:-1])
            ready.wait(PATIENCE)  # all of them have begun, and none can have ended
            connection.sendall(content[number][-1:])
            answers.append(read_answer(connection))

    threads = [threading.Thread(target=go_on, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(answer.status for answer in answers if answer) == [204, 409, 409, 409]
    assert wire.upload(path).received == MIB
    (key,) = wire.vault.keys()
    assert b"".join(wire.vault.read(key)) in content


def writing(vault: DiskVault) -> int:
    """How many objects are being written."""
    return sum(1 for _ in vault.folder.glob("*/*.tmp"))


def written(vault: DiskVault) -> int:
    return len(list(vault.keys()))


def descriptors(wire: Wire) -> int:
    """Of connections and of files in the vault; those of the database stay in its pool."""
    found = []
    for name in os.listdir("/proc/self/fd"):
        with suppress(FileNotFoundError):
            found.append(os.readlink(f"/proc/self/fd/{name}"))
    return sum(one.startswith(("socket:", str(wire.vault.folder))) for one in found)


@pytest.mark.exhaustive
def test_a_hundred_that_break_off_leave_nothing(wire: Wire, clock: SetClock) -> None:
    """Neither threads nor descriptors at once, nor rows nor files once their time has passed."""
    paths = [wire.open(2 * MIB) for _ in range(50)]
    threads, before = threading.active_count(), descriptors(wire)
    for begun in range(0, 50, 5):  # as many at a time as leave room in the server's threads
        heads = [wire.head("PUT", "/uploads/file", 2 * MIB)] * 5
        heads += [
            wire.head("PATCH", path, 2 * MIB, "upload-offset: 0")
            for path in paths[begun : begun + 5]
        ]
        with ExitStack() as connections:
            for head in heads:
                connection = connections.enter_context(wire.server.connect())
                connection.sendall(head + bytes(MIB + 1000))
            until(lambda: writing(wire.vault) == 10)
        until(lambda kept=begun + 5: written(wire.vault) == kept and not writing(wire.vault))

    until(lambda: all(wire.upload(path).received >= MIB for path in paths))
    until(lambda: descriptors(wire) <= before)
    assert threading.active_count() <= threads + 40, "of those that wait for work there are a few"

    for _ in range(4):
        clock.advance(timedelta(days=8))
        sweep(wire.database, wire.vault, Settings())
    assert list(wire.vault.keys()) == []
    with wire.database.read() as tx:
        for table in (UPLOADS, PARTS, BLOB_KEYS):
            assert tx.scalar(sa.select(sa.func.count()).select_from(table)) == 0
