"""The file of a bundle: a tar archive whose last member is the SHA-256 of all that is before it.

What follows the digest is fixed to the byte as well, so a file that is cut off or in which any bit
has changed is told from a whole one before anything in it is believed. Any tar reads it.
"""

from __future__ import annotations

import gzip
import hashlib
import tarfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import IO, Any

import orjson

from gql_service.errors import Invalid

PIECE = 1024 * 1024
_SEAL = "SHA256"
_TAIL = 4 * tarfile.BLOCKSIZE
"""The seal's header and content, and the two empty blocks that end an archive."""


class BundleWriter:
    """Writes members one after another, and seals them. The file must not exist."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("xb")
        self._digest = hashlib.sha256()

    def add(self, name: str, size: int, pieces: Iterable[bytes]) -> None:
        """A member of `size` bytes, streamed. Raises Invalid when the pieces are of another."""
        self._write(_header(name, size))
        written = 0
        for piece in pieces:
            self._write(piece)
            written += len(piece)
        if written != size:
            raise Invalid(f"{name} has {written} bytes instead of {size}")
        self._write(bytes(-size % tarfile.BLOCKSIZE))

    def add_file(self, name: str, file: Path) -> None:
        with file.open("rb") as source:
            self.add(name, file.stat().st_size, pieces_of(source))

    def seal(self) -> None:
        self._file.write(_tail(self._digest.hexdigest()))

    def close(self) -> None:
        self._file.close()

    def _write(self, data: bytes) -> None:
        self._digest.update(data)
        self._file.write(data)


def check_whole(path: Path) -> None:
    """Reads all of a bundle. Raises Invalid unless it is to the bit what was sealed."""
    if not path.is_file():
        raise Invalid(f"{path} is not a file", path=("source",))
    rest = path.stat().st_size - _TAIL
    digest = hashlib.sha256()
    with path.open("rb") as file:
        for piece in pieces_of(file, max(rest, 0)):
            digest.update(piece)
        if rest < 0 or file.read() != _tail(digest.hexdigest()):
            raise damaged("it is cut off, or has changed since it was written")


def members(path: Path) -> Iterator[tuple[str, int, IO[bytes]]]:
    """Name, size and content of each member, in order; a content lasts until the next one."""
    with tarfile.open(path, "r|") as archive:
        for member in archive:
            content = archive.extractfile(member)
            if content is None or not member.isreg():
                raise damaged(f"{member.name} is no file")
            if member.name != _SEAL:
                yield member.name, member.size, content
            # Else there is one for every file of the dataset; the stubs do not know the list.
            archive.members = []  # type: ignore[attr-defined]


def pieces_of(file: IO[bytes], size: int | None = None) -> Iterator[bytes]:
    """What a file has from here on, or the next `size` bytes of it."""
    left = size
    while piece := file.read(PIECE if left is None else min(PIECE, left)):
        yield piece
        left = None if left is None else left - len(piece)


def write_rows(file: Path, rows: Iterable[Sequence[Any]]) -> None:
    """Rows as lines of JSON, compressed; the same rows make the same bytes."""
    with (
        file.open("wb") as raw,
        gzip.GzipFile(filename="", mode="wb", fileobj=raw, compresslevel=6, mtime=0) as lines,
    ):
        for row in rows:
            lines.write(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE))


def read_rows(file: Path) -> Iterator[list[Any]]:
    with gzip.open(file) as lines:
        for line in lines:
            yield orjson.loads(line)


def damaged(detail: str) -> Invalid:
    return Invalid(f"This is not a whole bundle: {detail}", path=("source",))


def _header(name: str, size: int) -> bytes:
    member = tarfile.TarInfo(name)
    member.size = size
    return member.tobuf(tarfile.GNU_FORMAT)


def _tail(digest: str) -> bytes:
    content = f"{digest}\n".encode()
    return (_header(_SEAL, len(content)) + content).ljust(_TAIL, b"\0")
