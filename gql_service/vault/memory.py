"""A vault in memory: for tests and demonstrations. Gone with the process."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from threading import Lock

from gql_service.errors import BinaryCorrupt
from gql_service.vault.contract import CHUNK, check_key


class MemoryVault:
    """Keeps the contract of `Vault`, save for surviving a power loss."""

    def __init__(self) -> None:
        self._objects: dict[str, bytes] = {}
        self._lock = Lock()

    def put(self, key: str, chunks: Iterable[bytes]) -> None:
        content = b"".join(chunks)
        with self._lock:
            self._objects[check_key(key)] = content

    def read(self, key: str, start: int = 0, stop: int | None = None) -> Iterator[bytes]:
        with self._lock:
            content = self._objects.get(check_key(key))
        if content is None:
            raise BinaryCorrupt("The stored bytes are missing")
        end = len(content) if stop is None else min(stop, len(content))
        return (content[at : min(at + CHUNK, end)] for at in range(start, end, CHUNK))

    def size(self, key: str) -> int | None:
        with self._lock:
            content = self._objects.get(check_key(key))
        return None if content is None else len(content)

    def delete(self, key: str) -> None:
        with self._lock:
            self._objects.pop(check_key(key), None)

    def check_writable(self) -> None:
        pass

    def keys(self) -> Iterator[str]:
        with self._lock:
            return iter(list(self._objects))

    def link(self, key: str, headers: Mapping[str, str], *, seconds: int) -> None:  # noqa: ARG002
        return None
