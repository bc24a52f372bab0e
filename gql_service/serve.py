"""The HTTP server around a service: until it is stopped, or beside a demo."""

from __future__ import annotations

import gc
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from gql_service.api.answers import refused
from gql_service.app import Service
from gql_service.errors import ErrorCode
from gql_service.playground.pages import MAKE_IT, is_built
from gql_service.settings import Settings

BACKLOG = 2048
SWITCH_SECONDS = 0.0005
"""How long a thread may keep the interpreter while another one waits. With Python's 5 ms, the event
loop waited for each worker thread in turn before it could read or answer anything."""
KEEP_ALIVE_SECONDS = 5
GRACEFUL_SECONDS = 30


class CodedHTTP(H11Protocol):
    """HTTP/1.1; what is none is answered in JSON with a code, as everything else is."""

    def send_400_response(self, msg: str) -> None:
        answer = refused(ErrorCode.INVALID, msg)
        headers = [*answer.raw_headers, (b"connection", b"close")]
        for event in (
            h11.Response(status_code=400, headers=headers, reason=b"Bad Request"),
            h11.Data(data=bytes(answer.body)),
            h11.EndOfMessage(),
        ):
            self.transport.write(self.conn.send(event) or b"")
        self.transport.close()


@dataclass(frozen=True, slots=True)
class Running:
    """A server that answers at `url`."""

    url: str
    thread: threading.Thread

    def wait(self) -> None:
        """Until Ctrl-C."""
        while self.thread.is_alive():
            self.thread.join(timeout=0.5)


def serve_until_stopped(
    service: Service, *, listening: Callable[[str], None] = lambda _url: None
) -> None:
    """Serves until SIGINT or SIGTERM, then lets open requests finish. Raises OSError when the port
    is taken; otherwise `listening` is told the address, once requests can come."""
    try:
        listener = _listen(service.settings)
        # What is there now stays for good: looking through it for garbage takes 0.1 s each time.
        gc.collect()
        gc.freeze()
        sys.setswitchinterval(SWITCH_SECONDS)
        listening(_url(listener))
        _server(service).run(sockets=[listener])
    finally:
        service.close()


def greeting(
    service: Service, *, url: str | None = None, to_a_person: bool = False
) -> Iterator[str]:
    """What is said at the start, a line each: addresses, and where the admin's token is.

    The token itself is shown to a person only: everything else is a log, as a rule.
    """
    address = url or service.settings.resolved_public_url
    yield f"GraphQL at {address}/graphql"
    fragment = ""
    if service.token_file.exists():
        if to_a_person:
            secret = service.token_file.read_text(encoding="utf-8").strip()
            yield f"Authorization: Bearer {secret}"
            fragment = f"#token={secret}"  # which browsers send to nobody
        yield f"The admin's token is in {service.token_file}"
    if is_built():
        yield f"Playground at {address}/playground{fragment}"
    else:
        yield f"The playground was not built; with npm in reach: {MAKE_IT}"


@contextmanager
def running(service: Service) -> Iterator[Running]:
    """A server in a thread, answering from the start of the block to its end."""
    listener = _listen(service.settings)
    server = _server(service)
    ready = threading.Event()
    thread = threading.Thread(target=_run, args=(server, listener, ready), daemon=True)
    thread.start()
    ready.wait()
    try:
        yield Running(_url(listener), thread)
    finally:
        server.should_exit = True
        thread.join()
        service.close()


def _run(server: uvicorn.Server, listener: socket.socket, ready: threading.Event) -> None:
    # The socket listens before the server runs: what comes early waits in its queue.
    ready.set()
    server.run(sockets=[listener])


def _listen(settings: Settings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    # With the protocol named, or asyncio does not see that it is TCP and leaves Nagle's algorithm
    # on: every answer then waits 40 ms for the client to confirm its headers.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((settings.host, settings.port))
    except OSError as taken:
        listener.close()
        where = f"{settings.host}:{settings.port}"
        raise OSError(taken.errno, f"Cannot listen on {where}: {taken.strerror}") from taken
    listener.listen(BACKLOG)
    return listener


def _url(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _server(service: Service) -> uvicorn.Server:
    return uvicorn.Server(
        uvicorn.Config(
            service.asgi,
            http=CodedHTTP,
            log_level="warning",
            server_header=False,
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=GRACEFUL_SECONDS,
        )
    )
