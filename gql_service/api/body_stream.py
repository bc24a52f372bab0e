"""The body of a request, read by a worker thread as it arrives: in memory is what is on its way.

The event loop reads ahead while the thread hashes and writes, a mebibyte or two at most; then it
takes nothing more from the connection, and the client waits. A body that says that it is short has
come before the thread begins: asking the loop for it would take longer than writing it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import TypeVar

import anyio
import anyio.from_thread
import anyio.to_thread
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from starlette.requests import ClientDisconnect, Request

from gql_service.api.json_body import arriving, is_short

T = TypeVar("T")

PIECE = 256 * 1024
"""Bytes that are gathered before they are handed to the thread, which costs more than a copy."""
_AHEAD = 4
AT_ONCE = 16
"""Bodies that are read at a time in one process; each has a thread, for as long as it comes, and
with them and the queries there are connections to the database for all."""


class Body:
    """What arrives, for one thread to read once. `failure` says why it ended early, if it did:
    ClientDisconnect, or TimeoutError when nothing came any more.

    `receive` gives the next bytes, and none at the end.
    """

    def __init__(self, receive: Callable[[], bytes]) -> None:
        self._receive = receive
        self._rest = b""
        self.failure: Exception | None = ClientDisconnect()  # until it has ended well
        self.ended = False

    def pieces(self, most: int) -> Iterator[bytes]:
        """The next bytes, up to `most` of them, or to where the body ended, early or not."""
        while most > 0:
            piece = self._rest or self._next()
            if not piece:
                return
            piece, self._rest = piece[:most], piece[most:]
            most -= len(piece)
            yield piece

    def whole(self) -> Iterator[bytes]:
        """All bytes. Raises what ended them early."""
        while piece := self._next():
            yield piece
        if self.failure is not None:
            raise self.failure

    def has_more(self) -> bool:
        """Whether anything follows what has been read."""
        self._rest = self._rest or self._next()
        return bool(self._rest)

    def _next(self) -> bytes:
        if self.ended:
            return b""
        piece = self._receive()
        self.ended = not piece
        return piece


class Bodies:
    """Reads bodies in threads of their own: a slow client must not take one from the queries."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._threads = anyio.CapacityLimiter(AT_ONCE)

    async def read(self, request: Request, work: Callable[[Body], T]) -> T:
        """What `work` makes of the body, in a thread. Raises what it raises, and TimeoutError
        when too many bodies are being read for longer than a client is waited for."""
        with anyio.fail_after(self._seconds):
            await self._threads.acquire_on_behalf_of(request)
        try:
            if is_short(request, PIECE):
                return await _in_thread(work, await _arrived(request, self._seconds))
            return await self._read(request, work)
        finally:
            self._threads.release_on_behalf_of(request)

    async def _read(self, request: Request, work: Callable[[Body], T]) -> T:
        send, receive = anyio.create_memory_object_stream[bytes](_AHEAD)
        body = Body(partial(_from_loop, receive))
        done: list[T] = []
        failed: list[Exception] = []
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(_read_ahead, request, self._seconds, send, body)
            try:
                done.append(await _in_thread(work, body))
            except Exception as failure:  # told outside, where no group wraps it
                failed.append(failure)
            tasks.cancel_scope.cancel()
        receive.close()
        if failed:
            raise failed[0]
        return done[0]


async def _in_thread(work: Callable[[Body], T], body: Body) -> T:
    limiter = anyio.CapacityLimiter(1)  # its place was taken before
    return await anyio.to_thread.run_sync(work, body, limiter=limiter)


def _from_loop(receive: MemoryObjectReceiveStream[bytes]) -> bytes:
    try:
        return anyio.from_thread.run(receive.receive)
    except anyio.EndOfStream:
        return b""


async def _arrived(request: Request, seconds: float) -> Body:
    """All of a short body, or what came of it."""
    content, failure = bytearray(), None
    try:
        async for chunk in arriving(request, seconds):
            content += chunk
    except (ClientDisconnect, TimeoutError) as ended:
        failure = ended
    pieces = iter([bytes(content)] if content else [])
    body = Body(lambda: next(pieces, b""))
    body.failure = failure
    return body


async def _read_ahead(
    request: Request, seconds: float, send: MemoryObjectSendStream[bytes], body: Body
) -> None:
    gathered = bytearray()
    with send:
        try:
            async for chunk in arriving(request, seconds):
                gathered += chunk
                if len(gathered) >= PIECE:
                    await send.send(bytes(gathered))
                    gathered.clear()
            body.failure = None
        except (ClientDisconnect, TimeoutError) as failure:
            body.failure = failure
        if gathered:
            await send.send(bytes(gathered))
