"""Uploads under an idempotency key: what makes two the same, and where the bytes of a retry go.

Seeded bugs that turned these red: files left out of the digest; the bytes of a repeated upload not
given up; the key claimed outside of the work's transaction; a look for it before it is inserted.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from gql_service.catalog.sweep import sweep
from gql_service.database.engine import Database
from gql_service.settings import Settings
from gql_service.vault.contract import Vault
from tests.api.client import Client
from tests.api.conftest import Census
from tests.api.retries import CONFLICT, at_once, refusal
from tests.api.shelf import Shelf
from tests.conftest import SetClock

DAY = timedelta(hours=24)
KEYS = "idempotency_keys"


def test_an_upload_is_the_same_by_its_paths_and_bytes(ada: Client, shelf: Shelf) -> None:
    def send(name: str, content: bytes, **fields: Any) -> Any:
        file = {"name": name, "content": content, **fields}
        return ada.upload(shelf.dataset, [file], idempotencyKey="key")

    first = send("x.txt", b"x")
    assert first["__typename"] == "UploadItemsSuccess"
    assert refusal(send("x.txt", b"y")) == CONFLICT
    assert refusal(send("y.txt", b"x")) == CONFLICT
    assert refusal(send("x.txt", b"x", metadata={"a": 1})) == CONFLICT
    assert send("x.txt", b"x") == first


def test_what_a_repeated_upload_brought_is_swept(
    ada: Client,
    shelf: Shelf,
    census: Census,
    database: Database,
    vault: Vault,
    settings: Settings,
    clock: SetClock,
) -> None:
    files = [("a", b"new"), ("b", b"new"), ("c", b"shelf 0")]
    for _ in range(3):
        ada.upload(shelf.dataset, files, idempotencyKey="key")
    assert census()["blob_keys"] == 4 + 3 * 3
    assert pending(database) == 0
    reports = []
    for _ in range(10):
        clock.advance(DAY)
        reports.append(sweep(database, vault, settings))
    assert [report.expired_idempotency_keys for report in reports] == [1] + [0] * 9
    rows = census()
    assert (rows["blob_keys"], rows["binaries"], rows[KEYS]) == (5, 5, 0)
    assert len(set(vault.keys())) == 5


def test_uploads_at_once_under_one_key_are_one(
    ada: Client, shelf: Shelf, census: Census, database: Database
) -> None:
    before = census()["item_states"]
    answers = at_once(lambda: ada.upload(shelf.dataset, [("x", b"x")], idempotencyKey="key"))
    assert answers[0]["__typename"] == "UploadItemsSuccess", answers
    assert all(answer == answers[0] for answer in answers)
    assert census()["item_states"] == before + 1
    assert pending(database) == 0


def pending(database: Database) -> int:
    with database.read() as tx:
        count: int = tx.connection.exec_driver_sql(
            "SELECT count(*) FROM blob_keys WHERE state = 'pending'"
        ).scalar_one()
        return count
