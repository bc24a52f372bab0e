"""A disk that is full or broken: the client is told so in a code, and everything else goes on.

Seeded bugs that turned these red: an error of the disk that is passed on as it is.
"""

from __future__ import annotations

import errno
import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from gql_service.app import build
from gql_service.settings import Settings
from gql_service.vault.disk import DiskVault
from gql_service.versions.verify import verify_store
from tests.api.client import Client
from tests.api.shelf import Shelf
from tests.builders import ON_SQLITE

URLS = "query ($id: ID!) { dataset(by: {id: $id}) { items(first: 99) { nodes { downloadUrl } } } }"
MIB = 1024 * 1024
FULL, BROKEN = errno.ENOSPC, errno.EIO


@pytest.fixture
def vault(tmp_path: Path) -> DiskVault:
    return DiskVault(tmp_path / "vault")


def contents(client: Client, dataset: str) -> list[bytes]:
    nodes = client.run(URLS, id=dataset)["dataset"]["items"]["nodes"]
    return [client.get(node["downloadUrl"]).content for node in nodes]


def failing(number: int) -> Callable[..., Any]:
    def fail(*_: Any, **__: Any) -> Any:
        raise OSError(number, os.strerror(number))

    return fail


@ON_SQLITE
@pytest.mark.parametrize(
    ("call", "number", "code"),
    [
        ("write", FULL, "INSUFFICIENT_STORAGE"),
        ("write", BROKEN, "BUSY"),
        ("fsync", FULL, "INSUFFICIENT_STORAGE"),
        ("fsync", BROKEN, "BUSY"),
    ],
)
def test_a_fault_of_the_disk_has_a_code_and_everything_else_goes_on(
    ada: Client,
    vault: DiskVault,
    monkeypatch: pytest.MonkeyPatch,
    call: str,
    number: int,
    code: str,
) -> None:
    shelf = Shelf.fill(ada)
    before = contents(ada, shelf.dataset)
    with monkeypatch.context() as broken:
        broken.setattr(os, call, failing(number))
        refused = ada.upload_answer(shelf.dataset, [("new.txt", b"new")], idempotencyKey="k")
        assert refused["errors"][0]["extensions"]["code"] == code
        assert contents(ada, shelf.dataset) == before
        ada.change("cloneDataset", datasetId=shelf.dataset, name="copy")
    assert len(list(vault.keys())) == len(before)
    done = ada.upload(shelf.dataset, [("new.txt", b"new")], idempotencyKey="k")
    assert (done["__typename"], done["added"]) == ("UploadItemsSuccess", 1)
    assert contents(ada, shelf.dataset) == [*before, b"new"]


@dataclass(frozen=True)
class SmallDisk:
    """A folder with little room, and how it is given more."""

    folder: Path
    give_room: Callable[[], object]


@pytest.fixture
def small_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SmallDisk]:
    """A file system of 6 MiB, where we may mount one; else a disk that refuses files beyond it."""
    folder = tmp_path / "small"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=6m", "small", str(folder)]
    if os.geteuid() == 0 and subprocess.run(mount, check=False).returncode == 0:
        larger = ["mount", "-o", "remount,size=60m", str(folder)]
        yield SmallDisk(folder, lambda: subprocess.run(larger, check=True))
        subprocess.run(["umount", "--lazy", folder], check=True)
        return
    write, room = os.write, [6 * MIB]

    def writing(descriptor: int, data: bytes) -> int:
        if room[0] < len(data):
            raise OSError(FULL, os.strerror(FULL))
        room[0] -= len(data)
        return write(descriptor, data)

    monkeypatch.setattr(os, "write", writing)
    yield SmallDisk(folder, lambda: room.append(room.pop() + 54 * MIB))


@pytest.mark.exhaustive
def test_a_disk_fills_up_with_database_and_files_and_is_given_room(small_disk: SmallDisk) -> None:
    settings = Settings(data_dir=small_disk.folder / "data")
    with closing(build(settings)) as service, TestClient(service.asgi) as http:
        ada = Client(http, service.token_file.read_text().strip())
        shelf = Shelf.fill(ada)
        kept, refused = [f"shelf {number}".encode() for number in range(4)], 0

        def upload(number: int) -> dict[str, Any]:
            file = (f"z{number}", number.to_bytes(4, "big") * 100_000)
            return ada.upload_answer(shelf.dataset, [file], idempotencyKey=str(number))

        for number in range(100, 125):
            if errors := upload(number).get("errors"):
                assert errors[0]["extensions"]["code"] == "INSUFFICIENT_STORAGE"
                assert contents(ada, shelf.dataset) == kept
                refused += 1
            else:
                kept.append(number.to_bytes(4, "big") * 100_000)
        assert refused > 8
        assert verify_store(service.database, service.vault, deep=True) == []
        small_disk.give_room()
        assert "errors" not in upload(124)
        assert contents(ada, shelf.dataset) == [*kept, (124).to_bytes(4, "big") * 100_000]
        assert verify_store(service.database, service.vault, deep=True) == []
