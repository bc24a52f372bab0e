"""Uploads by PUT and by the tus protocol: what each request is answered, and what is left of it."""

from __future__ import annotations

import base64
import hashlib
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from starlette.testclient import TestClient

from gql_service.catalog.binary import BLOB_KEYS
from gql_service.catalog.sweep import sweep
from gql_service.catalog.upload import PARTS, UPLOADS
from gql_service.database.engine import Database
from gql_service.settings import Settings
from gql_service.vault.memory import MemoryVault
from tests.api.client import Client
from tests.api.shelf import BOX, Shelf
from tests.builders import ON_SQLITE
from tests.conftest import SetClock

TUS = {"tus-resumable": "1.0.0"}
BYTES = {**TUS, "content-type": "application/offset+octet-stream"}
CONTENT = b"0123456789" * 1000
NAMED = {"upload-metadata": "filename " + base64.b64encode("ä b.txt".encode()).decode()}


@pytest.fixture
def settings(settings: Settings) -> Settings:
    limits = {"max_file_bytes": 100_000, "max_open_uploads_per_token": 3}
    return settings.model_copy(update=limits)


def send(client: Client, method: str, path: str, content: bytes = b"", **headers: str) -> Any:
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    return client.http.request(method, path, content=content, headers={**client.headers, **given})


def opened(client: Client, length: int = len(CONTENT), **headers: str) -> str:
    """The path of a new upload."""
    answer = send(client, "POST", "/uploads", **TUS, upload_length=str(length), **headers)
    assert answer.status_code == 201, answer.text
    path: str = answer.headers["location"].removeprefix("http://127.0.0.1:8000")
    return path


def patch(client: Client, path: str, offset: int, content: bytes, **headers: str) -> Any:
    given = {**BYTES, **headers}
    return send(client, "PATCH", path, content, **given, upload_offset=str(offset))


def offset(client: Client, path: str) -> int:
    return int(send(client, "HEAD", path, **TUS).headers["upload-offset"])


def id_of(path: str) -> str:
    return path.rpartition("/")[2]


def left_over(database: Database, vault: MemoryVault) -> tuple[int, int, int, int]:
    """Rows of uploads and of parts, keys of the journal, objects."""
    with database.read() as tx:
        count = sa.select(sa.func.count())
        rows = [tx.scalar(count.select_from(table)) for table in (UPLOADS, PARTS, BLOB_KEYS)]
    return rows[0], rows[1], rows[2], len(list(vault.keys()))


def test_a_file_sent_in_pieces_becomes_an_item(
    ada: Client, shelf: Shelf, database: Database, vault: MemoryVault
) -> None:
    before = left_over(database, vault)
    path = opened(ada, **NAMED)

    first = patch(ada, path, 0, CONTENT[:4000])
    head = send(ada, "HEAD", path, **TUS)
    last = patch(ada, path, 4000, CONTENT[4000:])

    assert (first.status_code, first.headers["upload-offset"]) == (204, "4000")
    assert head.headers["upload-length"] == "10000"
    assert head.headers["upload-metadata"] == NAMED["upload-metadata"]
    assert head.headers["cache-control"] == "no-store"
    assert "GMT" in head.headers["upload-expires"]
    assert (last.status_code, last.headers["upload-offset"]) == (204, "10000")
    assert patch(ada, path, 10_000, b"").status_code == 204
    with database.read() as tx:
        pending = sa.select(sa.func.count()).where(BLOB_KEYS.c.state == "pending")
        assert tx.scalar(pending) == 1, "only the whole; its parts are dead"
    told = send(ada, "GET", path).json()
    assert told["sha256"] == hashlib.sha256(CONTENT).hexdigest()
    assert told["name"] == "ä b.txt"

    added = ada.change(
        "addItems",
        "items { path binary { sha256 size mimeType } annotations { nodes { id } } }",
        datasetId=shelf.dataset,
        items=[
            {"uploadId": id_of(path), "path": "/new.txt", "annotations": [BOX]},
            {"uploadId": id_of(path), "path": "/twin.txt"},
        ],
    )

    sha256 = hashlib.sha256(CONTENT).hexdigest()
    binary = {"sha256": sha256, "size": "10000", "mimeType": "text/plain"}
    assert [item["binary"] for item in added["items"]] == [binary, binary]
    assert send(ada, "HEAD", path, **TUS).status_code == 404
    rows, parts, _, objects = left_over(database, vault)
    assert (rows, parts, objects) == (0, 0, before[3] + 1)


@ON_SQLITE
def test_an_upload_is_attached_once_and_only_by_its_user(
    ada: Client, bob: Client, shelf: Shelf
) -> None:
    done, unfinished = id_of(whole(ada, CONTENT)), id_of(opened(ada))
    of_bob = id_of(whole_as_member(bob))

    def refused(upload: str) -> Any:
        items = [{"uploadId": upload, "path": "/x"}]
        return ada.refused("addItems", datasetId=shelf.dataset, items=items)

    absent = ("NOT_FOUND", ["items", "0", "uploadId"])
    for upload in ("up_" + "0" * 32, unfinished, of_bob):
        assert refused(upload) == absent
    for spelling in ({}, {"uploadId": done, "sha256": "0" * 64}):
        items = [{"path": "/x", **spelling}]
        assert ada.refused("addItems", datasetId=shelf.dataset, items=items) == (
            "INVALID",
            ["items", "0", "sha256"],
        )
    twice = {"datasetId": shelf.dataset, "idempotencyKey": "k"}
    for _ in range(2):
        ada.change("addItems", **twice, items=[{"uploadId": done, "path": "/x"}])
    assert refused(done) == absent


def whole(client: Client, content: bytes) -> str:
    """The path of a complete upload."""
    answer = send(client, "PUT", "/uploads/file.bin", content)
    assert answer.status_code == 201, answer.text
    assert answer.json()["sha256"] == hashlib.sha256(content).hexdigest()
    path: str = answer.headers["location"].removeprefix("http://127.0.0.1:8000")
    return path


def whole_as_member(client: Client) -> str:
    assert send(client, "PUT", "/uploads/x", b"x").status_code == 403, "nowhere to write yet"
    client.change("createProject", name="of one's own")
    return whole(client, b"bob's")


SUM = "sha1 " + base64.b64encode(hashlib.sha1(CONTENT).digest()).decode()
WRONG_SUM = "sha256 " + base64.b64encode(bytes(32)).decode()
REFUSALS: list[tuple[int, str, str, bytes, dict[str, str]]] = [
    # status, method, path, body, headers
    (412, "POST", "", b"", {"upload-length": "1"}),
    (412, "POST", "", b"", {"tus-resumable": "0.2.2", "upload-length": "1"}),
    (412, "PATCH", "/ID", b"x", {**BYTES, "tus-resumable": "2", "upload-offset": "0"}),
    (400, "POST", "", b"", TUS),
    (400, "POST", "", b"", {**TUS, "upload-length": "-1"}),
    (400, "POST", "", b"", {**TUS, "upload-length": "١"}),
    (400, "POST", "", b"", {**TUS, "upload-defer-length": "1"}),
    (400, "POST", "", b"", {**TUS, "upload-length": "1", "upload-metadata": "a !"}),
    (400, "POST", "", b"", {**TUS, "upload-length": "1", "upload-metadata": "a YQ==,a YQ=="}),
    (400, "POST", "", b"", {**TUS, "upload-length": "1", "upload-metadata": "filename /w=="}),
    (400, "POST", "", b"", {**TUS, "upload-length": "1", "upload-metadata": "filename YQBi"}),
    (413, "POST", "", b"", {**TUS, "upload-length": "1", "upload-metadata": "a " + "YQ==" * 1200}),
    (413, "POST", "", b"", {**TUS, "upload-length": "100001"}),
    (413, "POST", "", b"xy", {**BYTES, "upload-length": "1"}),
    (415, "POST", "", b"x", {**TUS, "content-type": "text/plain", "upload-length": "1"}),
    (405, "PATCH", "", b"", BYTES),
    (405, "POST", "/ID", b"", BYTES),
    (415, "PATCH", "/ID", b"x", {**TUS, "upload-offset": "0"}),
    (415, "PATCH", "/ID", b"x", {**TUS, "content-type": "a/b", "upload-offset": "0"}),
    (400, "PATCH", "/ID", b"x", BYTES),
    (400, "PATCH", "/ID", b"x", {**BYTES, "upload-offset": "00"}),
    (409, "PATCH", "/ID", b"x", {**BYTES, "upload-offset": "1"}),
    (413, "PATCH", "/ID", CONTENT + b"x", {**BYTES, "upload-offset": "0"}),
    (460, "PATCH", "/ID", CONTENT, {**BYTES, "upload-offset": "0", "upload-checksum": WRONG_SUM}),
    (460, "PATCH", "/ID", b"x", {**BYTES, "upload-offset": "0", "upload-checksum": SUM}),
    (400, "PATCH", "/ID", b"x", {**BYTES, "upload-offset": "0", "upload-checksum": "md5 AA=="}),
    (404, "PATCH", "/up_" + "0" * 32, b"x", {**BYTES, "upload-offset": "0"}),
    (404, "HEAD", "/up_1", b"", TUS),
    (404, "DELETE", "/nothing", b"", TUS),
    (413, "PUT", "/file", b"x" * 100_001, {}),
    (400, "PUT", "/a%00b", b"x", {}),
    (413, "PUT", "/" + "a" * 256, b"x", {}),
]


@ON_SQLITE
def test_what_is_wrong_is_told_by_its_status_and_changes_nothing(
    ada: Client, database: Database, vault: MemoryVault
) -> None:
    ada.change("createProject", name="p")
    path = opened(ada)

    for status, method, where, body, headers in REFUSALS:
        at = "/uploads" + where.replace("/ID", path.removeprefix("/uploads"))
        encoded = {name: value.encode() for name, value in headers.items()}
        answer = ada.http.request(
            method,
            at,
            content=body,
            headers={**ada.headers, **encoded},  # type: ignore[dict-item]
        )
        told = (method, where, headers, answer.text)
        assert answer.status_code == status, told
        assert answer.headers["tus-resumable"] == "1.0.0", told
        assert method == "HEAD" or answer.json()["errors"][0]["extensions"]["code"], told
        assert (answer.headers.get("tus-version") == "1.0.0") == (status == 412), told

    surplus = {**ada.headers, **BYTES, "upload-offset": "0"}  # of a length that is not said
    answer = ada.http.request("PATCH", path, content=iter([CONTENT, b"x"]), headers=surplus)
    assert answer.status_code == 413

    assert offset(ada, path) == 0
    rows, parts, _, objects = left_over(database, vault)
    assert (rows, parts, objects) == (1, 0, 0)


@ON_SQLITE
def test_what_the_server_can_is_told_to_anybody(http: TestClient) -> None:
    answer = http.options("/uploads")

    assert answer.status_code == 204
    assert answer.headers["tus-version"] == "1.0.0"
    assert answer.headers["tus-max-size"] == "100000"
    extensions = "creation,creation-with-upload,expiration,termination,checksum"
    assert answer.headers["tus-extension"] == extensions
    assert answer.headers["tus-checksum-algorithm"] == "sha1,sha256"


@ON_SQLITE
def test_bytes_may_come_with_the_opening_and_under_other_methods(ada: Client) -> None:
    ada.change("createProject", name="p")

    at_once = send(ada, "POST", "/uploads", CONTENT, **BYTES, upload_length="10000")
    empty = send(ada, "POST", "/uploads", **TUS, upload_length="0")
    path = opened(ada)
    checked = patch(ada, path, 0, CONTENT, upload_checksum=SUM)
    other = opened(ada)
    overridden = send(
        ada, "POST", other, b"x", **BYTES, upload_offset="0", x_http_method_override="PATCH"
    )

    assert (at_once.status_code, at_once.headers["upload-offset"]) == (201, "10000")
    assert (empty.status_code, empty.headers["upload-offset"]) == (201, "0")
    empty_path = empty.headers["location"].removeprefix("http://127.0.0.1:8000")
    assert send(ada, "GET", empty_path).json()["sha256"] == hashlib.sha256(b"").hexdigest()
    assert (checked.status_code, checked.headers["upload-offset"]) == (204, "10000")
    assert (overridden.status_code, overridden.headers["upload-offset"]) == (204, "1")


@ON_SQLITE
def test_others_and_readers_get_nowhere(ada: Client, bob: Client) -> None:
    ada.change("createProject", name="p")
    bob.change("createProject", name="q")
    path = opened(ada)
    reading = ada.change("createToken", "text", name="reading", scopes=["READ"])["text"]
    reader = Client(ada.http, reading)

    for method, headers in (("HEAD", TUS), ("GET", {}), ("DELETE", TUS)):
        absent = send(bob, method, "/uploads/up_" + "0" * 32, **headers)
        foreign = send(bob, method, path, **headers)
        assert (foreign.status_code, foreign.text) == (absent.status_code, absent.text)
        assert foreign.status_code == 404
    assert patch(bob, path, 0, b"x").status_code == 404
    assert offset(reader, path) == 0
    for one in (path, "/uploads/up_" + "0" * 32):
        assert patch(reader, one, 0, b"x").status_code == 403
        assert send(reader, "DELETE", one, **TUS).status_code == 403
    assert send(reader, "POST", "/uploads", **TUS, upload_length="1").status_code == 403
    assert send(reader, "PUT", "/uploads/file", b"x").status_code == 403
    assert offset(ada, path) == 0


@ON_SQLITE
def test_a_token_has_so_many_open_uploads_and_complete_ones_do_not_count(ada: Client) -> None:
    ada.change("createProject", name="p")
    paths = [opened(ada, 1) for _ in range(3)]

    refused = send(ada, "POST", "/uploads", **TUS, upload_length="1")
    assert (refused.status_code, refused.json()["errors"][0]["extensions"]["code"]) == (
        429,
        "LIMIT_EXCEEDED",
    )
    assert patch(ada, paths[0], 0, b"x").status_code == 204
    assert send(ada, "DELETE", paths[1], **TUS).status_code == 204
    opened(ada, 1)
    opened(ada, 1)
    assert send(ada, "POST", "/uploads", **TUS, upload_length="1").status_code == 429


def test_uploads_that_nobody_completes_leave_nothing_behind(
    ada: Client, database: Database, vault: MemoryVault, settings: Settings, clock: SetClock
) -> None:
    """Neither rows nor objects nor keys, however they ended; and not before their time."""
    ada.change("createProject", name="p")
    ended, complete = opened(ada), whole(ada, CONTENT)
    left, renewed = opened(ada), opened(ada)
    for path in (ended, left, renewed):
        patch(ada, path, 0, CONTENT[:100])
    assert send(ada, "DELETE", ended, **TUS).status_code == 204
    assert send(ada, "HEAD", ended, **TUS).status_code == 404
    assert len(list(vault.keys())) == 3, "what was ended is gone at once"

    clock.advance(timedelta(hours=23))
    patch(ada, renewed, 100, CONTENT[100:200])
    sweep(database, vault, settings)
    assert [send(ada, "HEAD", path, **TUS).status_code for path in (left, complete)] == [200, 200]
    clock.advance(timedelta(hours=2))
    assert [send(ada, "HEAD", path, **TUS).status_code for path in (left, complete)] == [410, 410]
    assert patch(ada, left, 100, b"x").status_code == 410
    sweep(database, vault, settings)
    assert [send(ada, "HEAD", path, **TUS).status_code for path in (left, complete)] == [404, 404]
    assert patch(ada, renewed, 200, CONTENT[200:]).status_code == 204
    send(ada, "DELETE", renewed, **TUS)

    for _ in range(3):
        clock.advance(timedelta(days=8))
        sweep(database, vault, settings)
    assert left_over(database, vault) == (0, 0, 0, 0)
