"""A TCP proxy that cuts connections, and counts what it carries: an unreliable network."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

_PIECE = 256 * 1024


@dataclass
class Proxy:
    """Where it listens on this machine. When as many bytes as one of `cuts` says have gone to the
    server, over all connections, the one that they went over is reset, as a broken line is."""

    port: int
    target: int
    cuts: list[int]
    sent: int = 0
    made: list[socket.socket] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def carry(self, client: socket.socket) -> None:
        server = socket.create_connection(("127.0.0.1", self.target))
        self.made += [client, server]
        back = threading.Thread(target=self._pour, args=(server, client))
        back.start()
        self._pour(client, server, counted=True)
        back.join()
        for one in (client, server):
            one.close()

    def _pour(self, source: socket.socket, sink: socket.socket, *, counted: bool = False) -> None:
        with suppress(OSError):
            while piece := source.recv(_PIECE):
                sink.sendall(piece)
                if counted and self._is_cut(len(piece)):
                    for one in (source, sink):
                        _reset(one)
                    return
        with suppress(OSError):
            sink.shutdown(socket.SHUT_WR)

    def _is_cut(self, size: int) -> bool:
        with self.lock:
            self.sent += size
            cut = bool(self.cuts) and self.sent >= self.cuts[0]
            if cut:
                self.cuts.pop(0)
        return cut


def _reset(connection: socket.socket) -> None:
    """Ends it for both directions at once; the other side reads an error, not an end."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)


@contextmanager
def cutting(target: int, cuts: list[int]) -> Iterator[Proxy]:
    """A proxy before the server at the port `target`, to the end of the block."""
    threads: list[threading.Thread] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        proxy = Proxy(listener.getsockname()[1], target, sorted(cuts))

        def accept() -> None:
            with suppress(OSError):
                while True:
                    client, _ = listener.accept()
                    threads.append(threading.Thread(target=proxy.carry, args=(client,)))
                    threads[-1].start()

        accepting = threading.Thread(target=accept)
        accepting.start()
        try:
            yield proxy
        finally:
            with suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            accepting.join()
            for one in proxy.made:
                with suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)
            for thread in threads:
                thread.join()
