"""The vault on disk keeps the contract, and the order of its writes survives every failure.

Seeded bugs that turned these red: no fsync of the file; no fsync of the folder; the new name left
after its folder could not be synced; the temporary file left; a second fsync after a failed one;
a short write taken for a whole one.
"""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gql_service.errors import (
    BinaryCorrupt,
    Conflict,
    InsufficientStorage,
    StorageUnavailable,
)
from gql_service.vault.disk import DiskVault
from tests.vault.contract import VaultContract, fresh

CALLS = ("open", "write", "fsync", "rename")


class TestDiskVault(VaultContract):
    @pytest.fixture
    def vault(self, tmp_path: Path) -> DiskVault:
        return DiskVault(tmp_path / "vault")


@pytest.fixture
def disk(tmp_path: Path) -> DiskVault:
    return DiskVault(tmp_path / "vault")


def files(vault: DiskVault) -> list[Path]:
    return [path for path in vault.folder.rglob("*") if path.is_file()]


class Watched:
    """Counts the calls to the system, and makes the n-th one fail."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.calls: list[str] = []
        self.fail_at: int | None = None
        self.number = errno.EIO
        for name in CALLS:
            monkeypatch.setattr(os, name, self._watching(name, getattr(os, name)))

    def _watching(self, name: str, call: Any) -> Any:
        def watching(*args: Any, **options: Any) -> Any:
            self.calls.append(name)
            if self.fail_at == len(self.calls):
                raise OSError(self.number, os.strerror(self.number))
            return call(*args, **options)

        return watching


def test_bytes_are_durable_before_the_name_and_the_name_before_the_end(
    disk: DiskVault, monkeypatch: pytest.MonkeyPatch
) -> None:
    watched = Watched(monkeypatch)
    disk.put(fresh(), [b"one", b"two"])
    assert watched.calls == ["open", "write", "write", "fsync", "rename", "open", "fsync"]


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO, errno.EDQUOT])
def test_whichever_call_fails_nothing_stays_and_the_next_upload_succeeds(
    disk: DiskVault, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    watched = Watched(monkeypatch)
    watched.number = number
    refusal = StorageUnavailable if number == errno.EIO else InsufficientStorage
    for nth in range(1, 8):
        watched.calls, watched.fail_at = [], nth
        with pytest.raises(refusal):
            disk.put(fresh(), [b"one", b"two"])
        assert files(disk) == []
    watched.fail_at = None
    key = fresh()
    disk.put(key, [b"one", b"two"])
    assert disk.size(key) == 6


def test_a_failed_fsync_is_not_tried_again(
    disk: DiskVault, monkeypatch: pytest.MonkeyPatch
) -> None:
    watched = Watched(monkeypatch)
    watched.fail_at = 3
    with pytest.raises(StorageUnavailable):
        disk.put(fresh(), [b"one"])
    assert watched.calls.count("fsync") == 1


def test_a_disk_that_takes_a_few_bytes_at_a_time_gets_them_all(
    disk: DiskVault, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, data: write(descriptor, data[:3]))
    key = fresh()
    disk.put(key, [b"more than three"])
    assert b"".join(disk.read(key)) == b"more than three"


def test_only_keys_become_names(disk: DiskVault) -> None:
    def looking() -> Iterator[bytes]:
        yield b"x"
        (temporary,) = files(disk)
        assert re.fullmatch(r"[0-9a-f]{32}\.tmp", temporary.name)

    key = fresh()
    disk.put(key, looking())
    assert [path.relative_to(disk.folder) for path in files(disk)] == [Path(key[:2]) / key]


def test_what_a_killed_upload_left_is_found_and_deleted_by_its_key(disk: DiskVault) -> None:
    key = fresh()
    (disk.folder / key[:2] / f"{key}.tmp").write_bytes(b"half")
    (disk.folder / key[:2] / "notes.txt").write_bytes(b"not ours")
    assert list(disk.keys()) == [key]
    disk.delete(key)
    assert [path.name for path in files(disk)] == ["notes.txt"]


def test_an_upload_that_was_deleted_meanwhile_is_refused(disk: DiskVault) -> None:
    key = fresh()

    def swept() -> Iterator[bytes]:
        yield b"x"
        disk.delete(key)

    with pytest.raises(Conflict):
        disk.put(key, swept())
    assert files(disk) == []


@pytest.mark.parametrize("number", [errno.EMFILE, errno.EACCES])
def test_a_trouble_that_passes_is_not_taken_for_corruption(
    disk: DiskVault, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    key = fresh()
    disk.put(key, [b"x"])

    def refusing(*_: Any, **__: Any) -> Any:
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as troubled:
        troubled.setattr(Path, "open", refusing)
        with pytest.raises(StorageUnavailable):
            disk.read(key)
    assert b"".join(disk.read(key)) == b"x"


def test_a_disk_error_while_reading_is_corruption(disk: DiskVault) -> None:
    key = fresh()
    (disk.folder / key[:2] / key).mkdir()  # opens for nobody
    with pytest.raises(BinaryCorrupt):
        disk.read(key)
