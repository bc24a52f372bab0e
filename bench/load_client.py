"""Our own load: so many kept connections, each asking again as soon as it has its answer.

    python -m bench.load_client < specification > result

The specification is JSON: `targets` (host and port; connections are dealt out to them in turn),
`connections`, `seconds` and `request`, the text of one whole HTTP request. What is done per answer
is as little as can be: the request is made beforehand, and of an answer only the status and
Content-Length are read.
"""

from __future__ import annotations

import json
import selectors
import socket
import sys
import time
from dataclasses import dataclass, field

_READ = 256 * 1024
_GIVE_UP_SECONDS = 30


@dataclass(slots=True)
class Asking:
    """One connection: when it asked last, and how much of the answer is still to come.

    `missing` is None until the head of the answer has been read.
    """

    connection: socket.socket
    asked: float = 0
    head: bytes = b""
    missing: int | None = None

    def ask(self, request: bytes) -> None:
        self.head, self.missing = b"", None
        self.asked = time.perf_counter()
        self.connection.sendall(request)

    def hear(self) -> bool:
        """Reads what has come; whether the answer is complete. Raises ValueError unless it is a
        200, ConnectionError when the server has hung up."""
        part = self.connection.recv(_READ)
        if not part:
            raise ConnectionError("the server closed a connection")
        if self.missing is None:
            self.head += part
            end = self.head.find(b"\r\n\r\n")
            if end < 0:
                return False
            self.missing = _length(self.head[:end]) - (len(self.head) - end - 4)
        else:
            self.missing -= len(part)
        return self.missing <= 0


def _length(head: bytes) -> int:
    if not head.startswith(b"HTTP/1.1 200"):
        raise ValueError(f"answered {head[:40]!r}")
    _, found, rest = head.lower().partition(b"\r\ncontent-length:")
    if not found:
        raise ValueError("answered without Content-Length")
    return int(rest.partition(b"\r\n")[0])


def _ready(selector: selectors.BaseSelector) -> list[Asking]:
    """The connections on which something has come. Raises TimeoutError when nothing does."""
    ready = selector.select(_GIVE_UP_SECONDS)
    if not ready:
        raise TimeoutError(f"no answer for {_GIVE_UP_SECONDS} s")
    return [key.data for key, _ in ready]


@dataclass(slots=True)
class Load:
    """Drives the connections until the time is over; `taken` are seconds per answer."""

    targets: list[tuple[str, int]]
    request: bytes
    connections: int
    taken: list[float] = field(default_factory=list)

    def run(self, seconds: float) -> float:
        """Asks for so many seconds and waits for what is still being answered.

        All that counts, or else a server that takes as long as a run would seem to do nothing, and
        what it is still busy with would slow down whoever is measured next. Returns how long it
        took up to the last answer.
        """
        selector = selectors.DefaultSelector()
        opened = [self._open(number) for number in range(self.connections)]
        start = time.perf_counter()
        for asking in opened:
            selector.register(asking.connection, selectors.EVENT_READ, asking)
            asking.ask(self.request)
        now = start
        while selector.get_map():
            for asking in _ready(selector):
                done = asking.hear()
                now = time.perf_counter()
                if done:
                    self.taken.append(now - asking.asked)
                if done and now < start + seconds:
                    asking.ask(self.request)
                elif done:
                    selector.unregister(asking.connection)
                    asking.connection.close()
        selector.close()
        return now - start

    def _open(self, number: int) -> Asking:
        connection = socket.create_connection(self.targets[number % len(self.targets)])
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return Asking(connection)


def main() -> None:
    asked = json.load(sys.stdin)
    load = Load(
        [(host, port) for host, port in asked["targets"]],
        asked["request"].encode(),
        asked["connections"],
    )
    seconds = load.run(asked["seconds"])
    taken = sorted(load.taken)
    json.dump(
        {
            "rate": len(taken) / seconds,
            "p50": taken[len(taken) // 2] * 1000,
            "p99": taken[len(taken) * 99 // 100] * 1000,
        },
        sys.stdout,
    )


if __name__ == "__main__":
    main()
