"""The way of bytes into the vault and out of it: streamed, hashed, counted, checked.

Going in, the journal knows the key before the vault does, and the bytes are durable before anybody
hears of them. Coming out, a whole file is compared with its hash and its last piece is held back
until that has been done, so that a reader of damaged bytes always gets an error and never a file.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from io import BufferedReader
from pathlib import Path

import sqlalchemy as sa

from gql_service.catalog.binary import (
    BLOB_KEYS,
    BinaryRecord,
    StoredBlob,
    binary_by_sha256,
    mark_corrupt,
)
from gql_service.catalog.media import HEAD, Window, image_size, mime_type
from gql_service.database.deadline import set_aside
from gql_service.database.engine import Database, Tx
from gql_service.database.plan import Prepared
from gql_service.database.sets import among, among_given, chunks
from gql_service.errors import BinaryCorrupt, Conflict, LimitExceeded
from gql_service.vault.contract import CHUNK, Vault

FILES_AT_ONCE = 500
WRITERS = 4
"""Threads of `store_files`: most of the time is spent waiting for the disk to confirm."""


def store(
    database: Database,
    vault: Vault,
    pieces: Iterable[bytes],
    *,
    name: str,
    max_bytes: int | None,
    lease: timedelta,
) -> StoredBlob:
    """Streams `pieces` into the vault; no more than one of them is in memory.

    The claim lasts for `lease`: `attach` the result before, or `abandon` it. `name` helps to tell
    what kind of file it is. Raises LimitExceeded beyond `max_bytes`, InsufficientStorage when
    there is no room, Conflict when it took longer than the lease. After a failure, that of
    `pieces` itself included, no bytes stay.
    """
    (key,) = _journal(database, 1, lease)
    try:
        blob = _put(vault, key, pieces, name, max_bytes)
        _require_pending(database, [key])
        return blob
    except BaseException:
        _give_up(database, vault, [key])
        raise


def store_files(
    database: Database, vault: Vault, files: Iterable[Path], *, lease: timedelta
) -> Iterator[StoredBlob]:
    """Streams files into the vault, several at a time, and yields their blobs in order.

    The journal is written once for many files. Raises as `store`, and OSError for a file that
    cannot be read; what has been yielded is then the caller's to `abandon`, the rest is given up.
    """
    for part in chunks(files, FILES_AT_ONCE):
        keys = _journal(database, len(part), lease)
        pending = set(keys)
        try:
            with ThreadPoolExecutor(WRITERS) as pool:
                try:
                    for blob in pool.map(lambda k, f: _put_file(vault, k, f), keys, part):
                        pending.discard(blob.blob_key)
                        yield blob
                except BaseException:
                    pool.shutdown(cancel_futures=True)
                    raise
            _require_pending(database, keys)
        except BaseException:
            _give_up(database, vault, sorted(pending))
            raise


def abandon(database: Database, vault: Vault, blobs: Sequence[StoredBlob]) -> None:
    """Gives up blobs that will not be attached; those that have been are left alone."""
    with set_aside():
        dead = _turn_dead(database, [blob.blob_key for blob in blobs])
    for key in dead:
        vault.delete(key)


def open_binary(
    database: Database,
    vault: Vault,
    binary: BinaryRecord,
    *,
    start: int = 0,
    stop: int | None = None,
) -> Iterator[bytes]:
    """The bytes from `start` up to, not including, `stop`, in pieces.

    Raises BinaryCorrupt when they are missing or differ: at once where the size tells, else before
    the last piece (the whole file is compared with its hash, a range only with its length). The
    binary is then marked, so that the next upload of this content heals it.
    """
    try:
        return _open(database, vault, binary, start, stop)
    except BinaryCorrupt:
        with database.read() as tx:
            current = binary_by_sha256(tx, binary.sha256)
        if current is None:
            raise
        if current.blob_key == binary.blob_key:
            _mark(database, binary)
            raise
    return _open(database, vault, current, start, stop)  # healed or stored again since it was read


_CLAIM = Prepared(sa.insert(BLOB_KEYS))


def _journal(database: Database, count: int, lease: timedelta) -> list[str]:
    """Fresh keys, pending, and known to the journal before any of them is used."""
    keys = [secrets.token_hex(16) for _ in range(count)]

    def insert(tx: Tx) -> None:
        rows = [{"key": key, "state": "pending", "lease_until": tx.now + lease} for key in keys]
        tx.run(_CLAIM, rows)

    database.write(insert)
    return keys


def _put_file(vault: Vault, key: str, file: Path) -> StoredBlob:
    with file.open("rb") as source:
        pieces = iter(lambda: source.read(CHUNK), b"")
        return _put(vault, key, pieces, file.name, None)


def _put(
    vault: Vault, key: str, pieces: Iterable[bytes], name: str, max_bytes: int | None
) -> StoredBlob:
    meter = _Meter(pieces, max_bytes)
    vault.put(key, meter)
    return _describe(vault, key, meter, name)


def _give_up(database: Database, vault: Vault, keys: Sequence[str]) -> None:
    """After a failure. Nobody else has heard of these keys, so nothing can name the objects.
    Should this fail as well, the lease runs out and the sweep does the same."""
    with suppress(Exception), set_aside():
        _turn_dead(database, keys)
    for key in keys:
        with suppress(Exception):
            vault.delete(key)


def _turn_dead(database: Database, keys: Sequence[str]) -> list[str]:
    """pending → dead; returns those that were pending."""

    def turn(tx: Tx) -> list[str]:
        turned = tx.rows(
            sa.update(BLOB_KEYS)
            .where(among(BLOB_KEYS.c.key, keys), BLOB_KEYS.c.state == "pending")
            .values(state="dead", dead_at=tx.now)
            .returning(BLOB_KEYS.c.key)
        )
        return [row.key for row in turned]

    return database.write(turn)


_PENDING = Prepared(
    sa.select(sa.func.count()).where(
        among_given(BLOB_KEYS.c.key, "keys", numbers=False), BLOB_KEYS.c.state == "pending"
    )
)


def _require_pending(database: Database, keys: Sequence[str]) -> None:
    """An upload that outlived its lease may also have outlived its journal row: then only we can
    still remove the object.
    """
    with database.read() as tx:
        if tx.scalar(_PENDING, {"keys": list(keys)}) != len(keys):
            raise Conflict("The upload was given up, because it took too long")


class _Meter:
    """Passes chunks on, and knows afterwards what they were."""

    def __init__(self, chunks: Iterable[bytes], max_bytes: int | None) -> None:
        self._chunks = chunks
        self._max_bytes = max_bytes
        self._digest = hashlib.sha256()
        self.size = 0
        self.head = b""

    def __iter__(self) -> Iterator[bytes]:
        for chunk in self._chunks:
            self.size += len(chunk)
            if self._max_bytes is not None and self.size > self._max_bytes:
                raise LimitExceeded(f"The file is larger than {self._max_bytes} bytes")
            self._digest.update(chunk)
            if len(self.head) < HEAD:
                self.head += chunk[: HEAD - len(self.head)]
            yield chunk

    @property
    def sha256(self) -> str:
        return self._digest.hexdigest()


def _describe(vault: Vault, key: str, meter: _Meter, name: str) -> StoredBlob:
    if vault.size(key) != meter.size:
        raise BinaryCorrupt("The bytes that were stored are not those that were sent")
    mime = mime_type(meter.head, name)

    def fetch(start: int, stop: int) -> bytes:
        return b"".join(vault.read(key, start, stop))

    with BufferedReader(Window(fetch, meter.size)) as file:
        measured = image_size(file, mime)
    width, height = measured or (None, None)
    return StoredBlob(key, meter.sha256, meter.size, mime, width, height)


def _open(
    database: Database, vault: Vault, binary: BinaryRecord, start: int, stop: int | None
) -> Iterator[bytes]:
    if vault.size(binary.blob_key) != binary.size:
        raise BinaryCorrupt("The stored bytes are missing or incomplete")
    end = binary.size if stop is None else min(stop, binary.size)
    return _checked(
        database, binary, vault.read(binary.blob_key, start, end), range(start, max(start, end))
    )


def _checked(
    database: Database, binary: BinaryRecord, pieces: Iterator[bytes], wanted: range
) -> Iterator[bytes]:
    """The pieces, one late."""
    digest = hashlib.sha256() if len(wanted) == binary.size else None
    count, held_back = 0, b""
    try:
        for piece in pieces:
            count += len(piece)
            if digest is not None:
                digest.update(piece)
            if held_back:
                yield held_back
            held_back = piece
        if count != len(wanted) or (digest and digest.hexdigest() != binary.sha256):
            raise BinaryCorrupt("The stored bytes differ from what was uploaded")
    except BinaryCorrupt:
        _mark(database, binary)
        raise
    if held_back:
        yield held_back


def _mark(database: Database, binary: BinaryRecord) -> None:
    database.write(lambda tx: mark_corrupt(tx, binary.id, binary.blob_key))
