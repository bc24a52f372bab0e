"""A vault between the service and a sound one, whose answers get lost and whose work comes late."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum

from gql_service.errors import StorageUnavailable
from gql_service.vault.contract import Vault


class Fault(Enum):
    """What becomes of a request."""

    NONE = "it is done and answered"
    REFUSED = "it is not done, and that is answered"
    ANSWER_LOST = "it is done, but the answer is lost"
    LATE = "no answer comes, and it is done much later"


@dataclass
class FaultyVault:
    """Passes everything on, save for what `fault` says of a `put` or a `delete` by its key.

    What comes late happens when the test calls `land`.
    """

    inner: Vault
    fault: Callable[[str, str], Fault] = lambda _what, _key: Fault.NONE
    late: list[Callable[[], None]] = field(default_factory=list)

    def put(self, key: str, chunks: Iterable[bytes]) -> None:
        content = b"".join(chunks)
        self._perform("put", key, lambda: self.inner.put(key, [content]))

    def delete(self, key: str) -> None:
        self._perform("delete", key, lambda: self.inner.delete(key))

    def read(self, key: str, start: int = 0, stop: int | None = None) -> Iterator[bytes]:
        return self.inner.read(key, start, stop)

    def size(self, key: str) -> int | None:
        return self.inner.size(key)

    def keys(self) -> Iterator[str]:
        return self.inner.keys()

    def link(self, key: str, headers: Mapping[str, str], *, seconds: int) -> str | None:
        return self.inner.link(key, headers, seconds=seconds)

    def land(self) -> None:
        """Everything that was late happens now, the newest first."""
        while self.late:
            self.late.pop()()

    def _perform(self, what: str, key: str, work: Callable[[], None]) -> None:
        fault = self.fault(what, key)
        if fault in (Fault.NONE, Fault.ANSWER_LOST):
            work()
        if fault is Fault.LATE:
            self.late.append(work)
        if fault is not Fault.NONE:
            raise StorageUnavailable("The storage of files does not answer")
