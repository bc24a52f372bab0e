"""Bytes on their way in and out: streamed, limited, checked, and nothing left after a failure.

Seeded bugs that turned these red: the journal row written after the bytes; the key left pending,
or the bytes left, after a failure; an upload that does not look whether its lease lasted; the last
piece handed out before the hash was compared, or no hash; the size not compared; a damaged binary
not marked; a healed object not looked for.
"""

from __future__ import annotations

import errno
import hashlib
import io
import os
import tracemalloc
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from gql_service.catalog.binary import BLOB_KEYS, BinaryRecord, StoredBlob, binaries_by_id
from gql_service.catalog.blob import open_binary, store
from gql_service.database.engine import Database
from gql_service.errors import (
    BinaryCorrupt,
    Conflict,
    InsufficientStorage,
    LimitExceeded,
    StorageUnavailable,
)
from gql_service.vault.disk import DiskVault
from gql_service.vault.memory import MemoryVault
from tests.catalog.holding import LEASE, Shelf, make_shelf

MIB = 1024 * 1024


@pytest.fixture
def shelf(database: Database, actor: int, tmp_path: Path) -> Shelf:
    return make_shelf(database, DiskVault(tmp_path / "vault"), actor)


def put(shelf: Shelf, chunks: Any, name: str = "a.bin", max_bytes: int | None = None) -> StoredBlob:
    return store(shelf.database, shelf.vault, chunks, name=name, max_bytes=max_bytes, lease=LEASE)


def record(shelf: Shelf, number: int) -> BinaryRecord:
    with shelf.database.read() as tx:
        return binaries_by_id(tx, [number])[number]


def nothing_stayed(shelf: Shelf) -> bool:
    return list(shelf.vault.keys()) == [] and {row["state"] for row in shelf.rows(BLOB_KEYS)} == {
        "dead"
    }


def test_bytes_are_hashed_counted_and_recognised(shelf: Shelf) -> None:
    picture = io.BytesIO()
    Image.new("RGB", (30, 20)).save(picture, "PNG")
    content = picture.getvalue()
    blob = put(shelf, [content[:10], content[10:]], "cat.png")
    assert blob.sha256 == hashlib.sha256(content).hexdigest()
    assert (blob.size, blob.mime_type) == (len(content), "image/png")
    assert (blob.width, blob.height) == (30, 20)
    assert shelf.key_state(blob.blob_key) == "pending"


def test_the_journal_knows_the_key_before_the_first_byte(shelf: Shelf) -> None:
    def looking() -> Iterator[bytes]:
        (row,) = shelf.rows(BLOB_KEYS)
        assert row["state"] == "pending"
        assert row["lease_until"] == shelf.database.clock() + LEASE
        yield b"x"

    put(shelf, looking())


@pytest.mark.parametrize("size", [0, 9, 10])
def test_up_to_the_limit_is_stored(shelf: Shelf, size: int) -> None:
    assert put(shelf, [b"x" * size], max_bytes=10).size == size


def test_past_the_limit_nothing_stays_and_no_more_is_read(shelf: Shelf) -> None:
    read: list[int] = []

    def endless() -> Iterator[bytes]:
        while True:
            read.append(1)
            yield b"1234"

    with pytest.raises(LimitExceeded):
        put(shelf, endless(), max_bytes=10)
    assert len(read) == 3
    assert nothing_stayed(shelf)


@pytest.mark.parametrize("error", [ConnectionResetError, KeyboardInterrupt, GeneratorExit])
def test_a_client_that_goes_away_leaves_nothing(shelf: Shelf, error: type[BaseException]) -> None:
    def broken() -> Iterator[bytes]:
        yield b"some"
        raise error

    with pytest.raises(error):
        put(shelf, broken())
    assert nothing_stayed(shelf)


@pytest.mark.parametrize("call", ["open", "write", "fsync", "rename"])
@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO])
def test_a_failing_disk_leaves_nothing_and_the_same_upload_succeeds_later(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch, call: str, number: int
) -> None:
    def failing(*_args: Any, **_options: Any) -> Any:
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as broken:
        broken.setattr(os, call, failing)
        with pytest.raises(InsufficientStorage if number == errno.ENOSPC else StorageUnavailable):
            put(shelf, [b"bytes"])
    assert nothing_stayed(shelf)
    assert shelf.publish([put(shelf, [b"bytes"])])
    assert shelf.problems() == []


def test_an_upload_that_outlives_its_lease_removes_its_own_bytes(shelf: Shelf, clock: Any) -> None:
    def slow() -> Iterator[bytes]:
        yield b"some"
        for _ in range(20):
            clock.advance(timedelta(days=1))
        shelf.sweep()
        yield b"more"

    with pytest.raises(Conflict):
        put(shelf, slow())
    assert nothing_stayed(shelf)


def test_a_large_file_is_never_in_memory(shelf: Shelf) -> None:
    piece = bytes(MIB)
    tracemalloc.start()
    blob = put(shelf, (piece for _ in range(64)))
    (number,) = shelf.publish([blob])
    for _ in open_binary(shelf.database, shelf.vault, record(shelf, number)):
        pass
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert blob.size == 64 * MIB
    assert peak < 12 * MIB


@pytest.mark.parametrize(
    ("start", "stop"), [(0, None), (0, 3), (2, None), (5, 5), (3, 999), (999, None), (0, 10)]
)
def test_ranges_are_those_of_the_content(shelf: Shelf, start: int, stop: int | None) -> None:
    content = b"0123456789"
    (number,) = shelf.add(content)
    pieces = open_binary(shelf.database, shelf.vault, record(shelf, number), start=start, stop=stop)
    assert b"".join(pieces) == content[start:stop]


def test_an_empty_file_is_served(shelf: Shelf) -> None:
    (number,) = shelf.add(b"")
    assert list(open_binary(shelf.database, shelf.vault, record(shelf, number))) == []


def damaged(shelf: Shelf, content: bytes, instead: bytes | None) -> BinaryRecord:
    (number,) = shelf.add(content)
    binary = record(shelf, number)
    shelf.vault.delete(binary.blob_key)
    if instead is not None:
        shelf.vault.put(binary.blob_key, [instead])
    return binary


@pytest.mark.parametrize("instead", [None, b"", b"precio", b"precious!"])
def test_missing_or_wrongly_sized_bytes_are_refused_at_once_and_healed_by_an_upload(
    shelf: Shelf, instead: bytes | None
) -> None:
    binary = damaged(shelf, b"precious", instead)
    with pytest.raises(BinaryCorrupt):
        open_binary(shelf.database, shelf.vault, binary)
    assert shelf.binary(binary.id)["state"] == "corrupt"
    assert shelf.add(b"precious") == [binary.id]
    assert b"".join(open_binary(shelf.database, shelf.vault, record(shelf, binary.id)))
    assert shelf.problems() == []


def test_changed_bytes_never_reach_the_reader_as_a_whole_file(shelf: Shelf) -> None:
    content = bytes(MIB)
    binary = damaged(shelf, content, content[:-1] + b"!")
    received = 0
    with pytest.raises(BinaryCorrupt):
        for piece in open_binary(shelf.database, shelf.vault, binary):
            received += len(piece)
    assert received < len(content)
    assert shelf.binary(binary.id)["state"] == "corrupt"


def test_a_small_changed_file_gives_not_one_byte(shelf: Shelf) -> None:
    binary = damaged(shelf, b"precious", b"precioux")
    with pytest.raises(BinaryCorrupt):
        next(open_binary(shelf.database, shelf.vault, binary))


def test_a_reader_with_an_old_row_gets_the_healed_bytes(shelf: Shelf, clock: Any) -> None:
    binary = damaged(shelf, b"precious", None)
    with pytest.raises(BinaryCorrupt):
        open_binary(shelf.database, shelf.vault, binary)
    shelf.add(b"precious")
    assert b"".join(open_binary(shelf.database, shelf.vault, binary)) == b"precious"
    assert shelf.binary(binary.id)["state"] == "live"


def test_a_reader_of_a_swept_binary_gets_its_new_bytes_or_an_error(
    database: Database, actor: int, clock: Any
) -> None:
    shelf = make_shelf(database, MemoryVault(), actor)
    binary = record(shelf, shelf.add(b"come and gone")[0])
    shelf.purge()
    for _ in range(12):
        shelf.sweep()
        clock.advance(timedelta(days=1))
    with pytest.raises(BinaryCorrupt):
        open_binary(shelf.database, shelf.vault, binary)
    shelf.add(b"come and gone")
    assert b"".join(open_binary(shelf.database, shelf.vault, binary)) == b"come and gone"
