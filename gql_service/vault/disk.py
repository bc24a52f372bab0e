"""A vault in a folder: one file per object, named by its key, in 256 sub-folders.

`<folder>/<first two digits>/<key>`; while it is written, `<key>.tmp` beside it. The order of a
write is what makes it safe: the bytes reach the disk (fsync of the file), then the name changes
(rename, which is atomic), then the new name reaches the disk (fsync of the folder). Only then does
`put` return, and only then does a row speak of the object.

A failed fsync is never tried again on the same file: the kernel may have dropped the pages and
would report success. Deletions are not synced: one that a power loss undoes is repeated, because
the sweep deletes every object a second time, much later, before it forgets the key.
"""

from __future__ import annotations

import errno
import logging
import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from gql_service.errors import (
    BinaryCorrupt,
    Conflict,
    InsufficientStorage,
    StorageUnavailable,
)
from gql_service.vault.contract import CHUNK, KEY, check_key

_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_DAMAGED = {errno.ENOENT, errno.EISDIR, errno.EIO, errno.EBADMSG, errno.EUCLEAN}
"""Of a file that cannot be read: it is gone or bad. The rest passes, such as too many open files,
and must not let a binary be marked."""
_log = logging.getLogger(__name__)


class DiskVault:
    """Keeps the contract of `Vault` on a local file system. Makes the folder when it is absent."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        # All at once, so that no upload has to wonder whether its sub-folder is on the disk yet.
        for number in range(256):
            (folder / f"{number:02x}").mkdir(parents=True, exist_ok=True)
        _sync_folder(folder)

    def put(self, key: str, chunks: Iterable[bytes]) -> None:
        path = self._path(key)
        temporary = path.with_suffix(".tmp")
        with _medium_errors():
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o640)
        try:
            try:
                for chunk in chunks:
                    with _medium_errors():
                        _write_all(descriptor, chunk)
                with _medium_errors():
                    os.fsync(descriptor)
            finally:
                os.close(descriptor)
            with _medium_errors():
                _publish(temporary, path)
                _sync_folder(path.parent)
        except BaseException:
            # The second one for a folder that could not be synced: the name may not last.
            for leftover in (temporary, path):
                with suppress(OSError):
                    leftover.unlink()
            raise

    def read(self, key: str, start: int = 0, stop: int | None = None) -> Iterator[bytes]:
        pieces = _pieces(self._path(key), start, stop)
        next(pieces)  # opens the file now, where the caller can still answer with an error
        return pieces

    def size(self, key: str) -> int | None:
        path = self._path(key)
        with _medium_errors():
            try:
                return path.stat().st_size
            except FileNotFoundError:
                return None

    def delete(self, key: str) -> None:
        path = self._path(key)
        with _medium_errors():
            path.with_suffix(".tmp").unlink(missing_ok=True)
            path.unlink(missing_ok=True)

    def check_writable(self) -> None:
        with tempfile.TemporaryFile(dir=self.folder, buffering=0) as file:  # which has no name
            file.write(b"x")

    def keys(self) -> Iterator[str]:
        for number in range(256):
            with _medium_errors(), os.scandir(self.folder / f"{number:02x}") as entries:
                names = {entry.name.removesuffix(".tmp") for entry in entries}
            yield from (name for name in names if KEY.fullmatch(name))

    def link(self, key: str, headers: Mapping[str, str], *, seconds: int) -> None:  # noqa: ARG002
        return None

    def _path(self, key: str) -> Path:
        return self.folder / check_key(key)[:2] / key


def _write_all(descriptor: int, chunk: bytes) -> None:
    rest = memoryview(chunk)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def _publish(temporary: Path, path: Path) -> None:
    try:
        os.rename(temporary, path)
    except FileNotFoundError as error:
        raise Conflict("The upload was given up, because it took too long") from error


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _pieces(path: Path, start: int, stop: int | None) -> Iterator[bytes]:
    """First an empty piece, once the file is open, then the bytes."""
    try:
        with path.open("rb", buffering=0) as file:
            file.seek(start)
            yield b""
            left = None if stop is None else stop - start
            while left is None or left > 0:
                piece = file.read(CHUNK if left is None else min(CHUNK, left))
                if not piece:
                    return
                left = None if left is None else left - len(piece)
                yield piece
    except OSError as error:
        if error.errno in _DAMAGED:
            raise BinaryCorrupt("The stored bytes are missing or cannot be read") from error
        _log.error("the disk failed: %s", error)
        raise StorageUnavailable("The storage of files failed") from error


@contextmanager
def _medium_errors() -> Iterator[None]:
    """Errors of the disk in our words; `chunks` is left outside, its errors are its own."""
    try:
        yield
    except OSError as error:
        if error.errno in _NO_ROOM:
            raise InsufficientStorage("There is no room left for the bytes") from error
        _log.error("the disk failed: %s", error)
        raise StorageUnavailable("The storage of files failed") from error
