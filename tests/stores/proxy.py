"""A proxy between a client and a store that loses answers, or gives others."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from urllib.parse import urlsplit

_REQUEST = re.compile(rb"(GET|HEAD|PUT|POST|DELETE) \S+ HTTP/1.1\r\n")


@dataclass
class Proxy:
    """Where it listens, and what it does with requests whose first line matches a pattern.

    `lost` reach the store, whose answer is dropped with the connection; `refused` do not reach it
    and are answered with `status`. `count` says how many that were.
    """

    address: str = ""
    lost: bytes | None = None
    refused: bytes | None = None
    status: str = "503 Slow Down"
    count: int = field(default=0)

    def matches(self, pattern: bytes | None, line: bytes) -> bool:
        found = pattern is not None and re.search(pattern, line) is not None
        self.count += found
        return found


@contextmanager
def proxy_to(endpoint: str) -> Iterator[Proxy]:
    """Passes connections on to the endpoint until the end of the block."""
    target = urlsplit(endpoint)
    assert target.hostname is not None and target.port is not None
    upstream = (target.hostname, target.port)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        proxy = Proxy(f"http://127.0.0.1:{listener.getsockname()[1]}")
        accepting = threading.Thread(target=_accept, args=(listener, proxy, upstream))
        accepting.start()
        try:
            yield proxy
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            accepting.join()


def _accept(listener: socket.socket, proxy: Proxy, upstream: tuple[str, int]) -> None:
    with suppress(OSError):
        while True:
            client, _ = listener.accept()
            threading.Thread(target=_Connection(client, proxy, upstream).run, daemon=True).start()


class _Connection:
    """One client, and its own connection to the store."""

    def __init__(self, client: socket.socket, proxy: Proxy, upstream: tuple[str, int]) -> None:
        self.client = client
        self.store = socket.create_connection(upstream)
        self.proxy = proxy
        self.losing = False

    def run(self) -> None:
        threading.Thread(target=self._answers, daemon=True).start()
        with suppress(OSError):
            while data := self.client.recv(65536):
                if line := _REQUEST.match(data):
                    self.losing = self.proxy.matches(self.proxy.lost, line[0])
                    if self.proxy.matches(self.proxy.refused, line[0]):
                        head = f"HTTP/1.1 {self.proxy.status}\r\n"
                        close = "content-length: 0\r\nconnection: close\r\n\r\n"
                        self.client.sendall((head + close).encode())
                        self.client.shutdown(socket.SHUT_WR)
                        while self.client.recv(65536):  # or the rest of the body resets it all
                            pass
                        break
                self.store.sendall(data)
        self._close()

    def _answers(self) -> None:
        with suppress(OSError):
            while data := self.store.recv(65536):
                # Swift asks for the body of a large request first; that is not its answer.
                if self.losing and not data.startswith(b"HTTP/1.1 100"):
                    break
                self.client.sendall(data)
        self._close()

    def _close(self) -> None:
        for end in (self.client, self.store):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()
