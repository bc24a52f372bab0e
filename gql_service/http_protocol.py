"""HTTP/1.1 as it comes over a connection: read by httptools, bounded and judged here.

uvicorn's protocol is used as it is, but for three things. What is not HTTP is answered in JSON with
a code, as everything else is. A request names one host, as RFC 9112 (3.2) demands. And nobody makes
the parser keep what never ends: httptools itself sets no limit to a request line, a header, a
trailer or the extension of a chunk.
"""

from __future__ import annotations

from asyncio import BaseTransport
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from gql_service.api.answers import refused
from gql_service.errors import ErrorCode

MAX_HEAD_BYTES = 64 * 1024
"""How much may come before it is a whole request line with headers, or a piece of a body."""


class CodedHTTP(HttpToolsProtocol):
    """One connection."""

    def connection_made(self, transport: BaseTransport) -> None:
        self._held = 0
        self._moved = False
        super().connection_made(transport)  # type: ignore[arg-type]

    def data_received(self, data: bytes) -> None:
        self._moved = False
        super().data_received(data)
        self._held = 0 if self._moved else self._held + len(data)
        if self._held > MAX_HEAD_BYTES and not self.transport.is_closing():
            self.send_400_response(f"The head of a request has at most {MAX_HEAD_BYTES} bytes")

    def on_message_begin(self) -> None:
        self._moved = True
        self._head = 0
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        self._count(url)
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        self._count(name)
        self._count(value)
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._moved = True
        hosts = sum(name == b"host" for name, _ in self.headers)
        if hosts > 1 or (not hosts and self.parser.get_http_version() == "1.1"):
            raise ValueError("a request names one host")
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._moved = True
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._moved = True
        super().on_message_complete()

    def _count(self, part: bytes) -> None:
        """Of a head that comes in one piece; trailers are counted with it."""
        self._head += len(part)
        if self._head > MAX_HEAD_BYTES:
            raise ValueError("a head that is too long")

    def send_400_response(self, msg: str) -> None:
        """Refuses what came last. An answer that has begun is cut off: nothing can be added."""
        cycle: Any = self.cycle
        if cycle is not None and not cycle.response_complete:
            cycle.disconnected = True
            cycle.message_event.set()
        if cycle is None or cycle.response_complete or not cycle.response_started:
            answer = refused(ErrorCode.INVALID, msg)
            head = [b"%b: %b\r\n" % header for header in answer.raw_headers]
            lines = [b"HTTP/1.1 400 Bad Request\r\n", *head, b"connection: close\r\n\r\n"]
            self.transport.write(b"".join([*lines, bytes(answer.body)]))
        self.transport.close()
