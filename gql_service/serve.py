"""The HTTP server around a service: until it is stopped, or beside a demo."""

from __future__ import annotations

import asyncio
import gc
import math
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import Any

import uvicorn
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from gql_service.app import Service
from gql_service.http_protocol import CodedHTTP
from gql_service.playground.pages import MAKE_IT, is_built
from gql_service.settings import Settings

BACKLOG = 2048
SWITCH_SECONDS = 0.0005
"""How long a thread may keep the interpreter while another one waits. With Python's 5 ms, the event
loop waited for each worker thread in turn before it could read or answer anything."""
KEEP_ALIVE_SECONDS = 5
LAST_SECONDS = 5
"""For the answers of requests that were stopped, before their connections are cut."""
PING_SECONDS = 20.0
"""How often a WebSocket is asked whether somebody is there, and how long it may take to say so."""


class LiveSocket(WebSocketsSansIOProtocol):
    """A WebSocket that also ends when the other side takes nothing any more: the library says good
    bye, and then waits for as long as the other side likes until that has gone out."""

    def keepalive_timeout(self) -> None:
        super().keepalive_timeout()
        self.loop.call_later(PING_SECONDS, self.transport.abort)


@dataclass(frozen=True, slots=True)
class Running:
    """A server that answers at `url`."""

    url: str
    thread: threading.Thread

    def wait(self) -> None:
        """Until Ctrl-C."""
        while self.thread.is_alive():
            self.thread.join(timeout=0.5)


class Server(uvicorn.Server):
    """Ends when it is told to: `/readyz` first, then new connections, then what takes too long.

    A second signal ends the process where it stands, as a power cut would: whatever was not
    committed has not happened. A supervised server leaves Ctrl-C, which the whole group of
    processes hears, to its parent.
    """

    def __init__(self, service: Service, *, supervised: bool = False) -> None:
        settings = service.settings
        patience = math.ceil(settings.shutdown_seconds) + LAST_SECONDS
        super().__init__(
            uvicorn.Config(
                service.asgi,
                http=CodedHTTP,
                ws=LiveSocket,
                ws_max_size=settings.max_message_bytes,
                ws_ping_interval=PING_SECONDS,
                ws_ping_timeout=PING_SECONDS,
                ws_per_message_deflate=False,  # a window for each direction of each socket
                log_config=None,
                log_level="warning",
                access_log=False,
                server_header=False,
                proxy_headers=False,
                timeout_keep_alive=KEEP_ALIVE_SECONDS,
                timeout_graceful_shutdown=patience,
            )
        )
        self._service = service
        self._supervised = supervised
        self._close_at = math.inf
        self.told: int | None = None

    def handle_exit(self, sig: int, _frame: FrameType | None) -> None:
        if sig == signal.SIGINT and self._supervised:
            return
        if self.told is not None:
            os._exit(128 + sig)
        self.told = sig
        self._service.stopping.begun = True
        self._close_at = time.monotonic() + self._service.settings.drain_seconds

    async def on_tick(self, counter: int) -> bool:
        if time.monotonic() >= self._close_at:
            self.should_exit = True
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._service.stopping.begun = True
        app: Any = self._service.asgi
        app.state.feed.close()  # it goes on for ever, and would be waited for
        loop, seconds = asyncio.get_running_loop(), self._service.settings.shutdown_seconds
        timer = loop.call_later(seconds, self._service.stopping.stop_all)
        try:
            await super().shutdown(sockets)
        finally:
            timer.cancel()


def serve_on(service: Service, listener: socket.socket, *, supervised: bool = False) -> int | None:
    """Serves until SIGINT or SIGTERM, and returns which it was, once open requests are finished."""
    server = Server(service, supervised=supervised)
    try:
        # What is there now stays for good: looking through it for garbage takes 0.1 s each time.
        gc.collect()
        gc.freeze()
        sys.setswitchinterval(SWITCH_SECONDS)
        service.flattener.start()
        server.run(sockets=[listener])
    finally:
        service.close()
    return server.told


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
    listener = listen(service.settings)
    server = Server(service)
    ready = threading.Event()
    thread = threading.Thread(target=_run, args=(server, listener, ready), daemon=True)
    thread.start()
    service.flattener.start()
    ready.wait()
    try:
        yield Running(url_of(listener), thread)
    finally:
        server.should_exit = True
        thread.join()
        service.close()


def _run(server: Server, listener: socket.socket, ready: threading.Event) -> None:
    # The socket listens before the server runs: what comes early waits in its queue.
    ready.set()
    server.run(sockets=[listener])


def listen(settings: Settings) -> socket.socket:
    """The socket that clients will find. Raises OSError when the port is taken."""
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


def url_of(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
