"""A real server on a real socket, and requests written byte for byte."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import uvicorn
from starlette.applications import Starlette

from gql_service.http_protocol import CodedHTTP

PATIENCE = 20.0


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP response; the body as its length says."""

    status: int
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Server:
    """Where it listens on this machine."""

    port: int

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE)

    def send(self, *pieces: bytes, end: bool = False) -> Answer | None:
        """What is answered to these bytes; None when the connection is closed without a word.

        With `end` nothing more can follow the bytes.
        """
        with self.connect() as connection:
            with suppress(ConnectionError):  # it may be refused before all of it is there
                for piece in pieces:
                    connection.sendall(piece)
                if end:
                    connection.shutdown(socket.SHUT_WR)
            return read_answer(connection)


@contextmanager
def serving(application: Starlette) -> Iterator[Server]:
    """The application answers from the start of the block to its end."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(128)
        server = uvicorn.Server(
            uvicorn.Config(application, http=CodedHTTP, log_level="critical", lifespan="off")
        )
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            yield Server(listener.getsockname()[1])
        finally:
            server.should_exit = True
            thread.join()


def request(
    body: bytes, headers: Sequence[str] = (), first: str = "POST /graphql HTTP/1.1"
) -> bytes:
    """The bytes of a JSON request of the right length."""
    lines = [
        first,
        "host: localhost",
        "connection: close",
        "content-type: application/json",
        f"content-length: {len(body)}",
        *headers,
    ]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def read_answer(connection: socket.socket, *, bodiless: bool = False) -> Answer | None:
    """The next answer; `bodiless` is that to a HEAD, which only says how long it would be."""
    with connection.makefile("rb") as stream:
        try:
            first = stream.readline()
        except ConnectionResetError:
            return None
        if not first:
            return None
        status = int(first.split()[1])
        headers: dict[str, str] = {}
        while line := stream.readline().strip():
            name, _, value = line.decode("latin-1").partition(":")
            headers[name.lower()] = value.strip()
        length = 0 if bodiless else int(headers.get("content-length", 0))
        return Answer(status, headers, stream.read(length))
