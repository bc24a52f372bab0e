"""The contract of a vault: objects of bytes, each written once under a fresh random key.

A vault knows nothing of contents, hashes or references. It never lists to decide, never renames
one object over another, and never deletes by itself: who may go is decided by the rows.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Protocol

KEY = re.compile(r"[0-9a-f]{32}")
"""How a key looks: 128 random bits. Nothing that a user typed ever becomes a name in a vault."""

CHUNK = 256 * 1024
"""The largest piece, in bytes, in which an object is handed out."""


def check_key(key: str) -> str:
    """The key itself. Raises ValueError when it does not look like one."""
    if KEY.fullmatch(key) is None:
        raise ValueError("not a key of a vault")
    return key


class Vault(Protocol):
    """Where the bytes are. Every call may be made by any number of threads and processes.

    Each raises StorageUnavailable when the medium fails or cannot be reached; the cause is logged.
    """

    def put(self, key: str, chunks: Iterable[bytes]) -> None:
        """Stores an object; when this returns, it survives a power loss.

        All or nothing: until the end nobody sees the object, and after a failure (of the medium
        or of `chunks`, whose exceptions pass through) nothing of it is left. The key must never
        have been used before. Raises InsufficientStorage when there is no room, and Conflict
        where it can be seen that the key was used, or deleted while the object was being written.

        A store whose answers can be lost may still complete a `put` that failed here. That is why
        a key is never used again, and why the sweep deletes it twice.
        """
        ...

    def read(self, key: str, start: int = 0, stop: int | None = None) -> Iterator[bytes]:
        """The bytes from `start` up to, not including, `stop`, in pieces of at most CHUNK.

        What lies beyond the end is left out. An object that is being read can be deleted; the
        reading then goes on or ends with BinaryCorrupt. Raises BinaryCorrupt at once, not at the
        first piece, when the object is absent or cannot be opened.
        """
        ...

    def size(self, key: str) -> int | None:
        """Bytes of the object, None when there is none."""
        ...

    def delete(self, key: str) -> None:
        """Removes the object and whatever an unfinished `put` of this key left; absent is fine."""
        ...

    def check_writable(self) -> None:
        """Raises OSError, or StorageUnavailable, when nothing could be put now. Leaves nothing."""
        ...

    def keys(self) -> Iterator[str]:
        """Every key under which there is something, an unfinished `put` included, in any order.

        What is written or deleted meanwhile may or may not be among them.
        """
        ...

    def link(self, key: str, headers: Mapping[str, str], *, seconds: int) -> str | None:
        """An address from which anybody can get the object for `seconds`, without us.

        The answer there has these headers, of which `content-type`, `content-disposition` and
        `cache-control` can be chosen. None for a vault that has no such addresses. Whether the
        object exists is not looked at.
        """
        ...
