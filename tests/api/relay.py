"""A relay between the service and PostgreSQL that can lose a connection within a COMMIT."""

from __future__ import annotations

import socket
from contextlib import suppress
from pathlib import Path
from threading import Lock, Thread

_SOCKET = ".s.PGSQL.5432"
_WRITES = b"INSERT INTO idempotency_keys"
_COMMIT = b"Q\x00\x00\x00\x0bCOMMIT\x00"
COMMIT_BYTES = len(_COMMIT)


class Relay:
    """Listens in `folder` and passes everything on to the server in `server`, until it is closed.

    After `lose(n)`, the next transaction that stores an idempotency key gets only the first `n`
    bytes of its COMMIT through, and no answer to them.
    """

    def __init__(self, server: Path, folder: Path) -> None:
        self._folder, self._server = folder, str(server / _SOCKET)
        self._lock = Lock()
        self._passing: int | None = None
        self._open: list[socket.socket] = []
        self._threads: list[Thread] = []
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(folder / _SOCKET))
        self._listener.listen()
        self._start(self._accept)

    def url(self, name: str) -> str:
        return f"postgresql://postgres@/{name}?host={self._folder}"

    def lose(self, passing: int) -> None:
        with self._lock:
            self._passing = passing

    @property
    def armed(self) -> bool:
        """Whether no connection has been lost since `lose`."""
        return self._passing is not None

    def close(self) -> None:
        for one in (self._listener, *self._open):
            _end(one)
        for thread in self._threads:
            thread.join()

    def _start(self, work: object, *given: object) -> None:
        thread = Thread(target=work, args=given, daemon=True)  # type: ignore[arg-type]
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        with suppress(OSError):  # the listener was closed
            while True:
                client, _ = self._listener.accept()
                server = socket.socket(socket.AF_UNIX)
                server.connect(self._server)
                self._open += [client, server]
                self._start(self._up, client, server)
                self._start(self._down, server, client)

    def _up(self, client: socket.socket, server: socket.socket) -> None:
        writes = False
        with suppress(OSError):
            while data := client.recv(65_536):
                writes = writes or _WRITES in data
                if writes and data == _COMMIT:
                    writes, passing = False, self._disarm()
                    if passing is not None:
                        _end(client)  # before the server can answer
                        server.sendall(data[:passing])
                        break
                server.sendall(data)
        with suppress(OSError):
            server.shutdown(socket.SHUT_WR)

    def _disarm(self) -> int | None:
        with self._lock:
            passing, self._passing = self._passing, None
        return passing

    def _down(self, server: socket.socket, client: socket.socket) -> None:
        with suppress(OSError):
            while data := server.recv(65_536):
                with suppress(OSError):  # it is gone, and the server goes on
                    client.sendall(data)
        _end(server)
        _end(client)


def _end(one: socket.socket) -> None:
    with suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)
    one.close()
