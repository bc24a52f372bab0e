"""GraphQL over WebSocket, as graphql-transport-ws has it: all three kinds of operations.

Whatever a client sends, it gets an answer or a close code; a client that goes takes everything with
it that was begun for it. Messages are read one after the other, and one is read only when the one
before has been dealt with, so that a client that does not read cannot make us write ever more.
"""

from __future__ import annotations

import asyncio
import logging
import uuid
from typing import Any

import orjson
from starlette.websockets import WebSocket, WebSocketDisconnect

from gql_service.api.answers import GRAPHQL_TYPE, refusal_entry
from gql_service.api.asked import Asked, Operation, operation_in
from gql_service.api.auth import TOKEN_IS_NONE, bearer_token, find_user
from gql_service.api.context import Backend
from gql_service.api.live.feed import Feed
from gql_service.api.live.following import follow
from gql_service.api.live.messages import (
    PROTOCOL,
    Close,
    Closing,
    Message,
    error_message,
    next_message,
    plain,
    read_message,
    token_in,
)
from gql_service.api.live.telling import Subscribed, error_entries
from gql_service.api.operations import Operations
from gql_service.database.deadline import Deadline
from gql_service.errors import (
    Busy,
    Invalid,
    LimitExceeded,
    Timeout,
    Unauthenticated,
)

log = logging.getLogger("gql_service.api")


class Socket:
    """One connection, from its handshake to its end."""

    def __init__(self, socket: WebSocket, backend: Backend, doing: Operations, feed: Feed) -> None:
        self._socket = socket
        self._backend = backend
        self._operations = doing
        self._feed = feed
        self._token = ""
        self._running: dict[str, asyncio.Task[None]] = {}
        self._writing = asyncio.Lock()
        self._end: asyncio.Future[Closing] = asyncio.get_running_loop().create_future()

    async def serve(self) -> None:
        """Answers until one of the two sides has enough."""
        accepted = PROTOCOL in self._socket.scope["subprotocols"]
        await self._socket.accept(PROTOCOL if accepted else None)
        if not accepted:
            await self._close(Closing(Close.NOT_ACCEPTABLE, f"The subprotocol is {PROTOCOL}"))
            return
        reader = asyncio.create_task(self._converse())
        try:
            until: tuple[asyncio.Future[Any], ...] = (reader, self._end)
            await asyncio.wait(until, return_when=asyncio.FIRST_COMPLETED)
        finally:
            running = list(self._running.values())
            for task in (reader, *running):
                task.cancel()
            await asyncio.gather(reader, *running, return_exceptions=True)
        if self._end.done():
            await self._close(self._end.result())

    async def _close(self, closing: Closing) -> None:
        try:
            await self._socket.close(closing.code, closing.reason)
        except (WebSocketDisconnect, RuntimeError):
            return  # it has gone by itself

    def _fail(self, closing: Closing) -> None:
        if not self._end.done():
            self._end.set_result(closing)

    def _cut(self) -> None:
        self._fail(Closing(Close.UNAUTHORIZED, TOKEN_IS_NONE))

    # Reading.

    async def _converse(self) -> None:
        try:
            await self._introduced()
            with self._feed.connected(self._token, self._cut):
                await self._send(plain("connection_ack"))
                while True:
                    await self._deal_with(await self._read())
        except Closing as closing:
            self._fail(closing)
        except LimitExceeded as refusal:
            self._fail(Closing(Close.TOO_MANY, refusal.message))
        except WebSocketDisconnect:
            return
        except Exception as error:
            log.error("a WebSocket failed", exc_info=error)
            self._fail(Closing(Close.INTERNAL, "Something went wrong; it is logged"))

    async def _read(self) -> Message:
        received = await self._socket.receive()
        if received["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(received.get("code") or 1005)
        return read_message(received.get("text"))

    async def _introduced(self) -> None:
        """Reads until the client has said who it is. Raises Closing when it does not."""
        try:
            async with asyncio.timeout(self._backend.settings.connection_init_seconds):
                while (message := await self._read()).type != "connection_init":
                    if message.type == "ping":
                        await self._send(plain("pong"))
                    elif message.type == "subscribe":
                        raise Closing(Close.UNAUTHORIZED, "Unauthorized")
        except TimeoutError:
            raise Closing(Close.INIT_TIMEOUT, "Connection initialisation timeout") from None
        try:
            token = token_in(message.payload) or bearer_token(self._socket)
            if token is None:
                raise Closing(Close.FORBIDDEN, "A token is needed in `authorization`")
            with Deadline(self._backend.settings.request_seconds).active():
                await find_user(token, self._backend)
        except Unauthenticated as refusal:
            raise Closing(Close.FORBIDDEN, refusal.message) from None
        except (Busy, Timeout) as refusal:
            raise Closing(Close.TRY_AGAIN, refusal.message) from None
        self._token = token

    async def _deal_with(self, message: Message) -> None:
        match message.type:
            case "connection_init":
                raise Closing(Close.TOO_MANY, "Too many initialisation requests")
            case "ping":
                await self._send(plain("pong"))
            case "complete" if message.id in self._running:
                self._running.pop(message.id).cancel()
            case "subscribe":
                await self._subscribe(message)

    async def _subscribe(self, message: Message) -> None:
        if message.id in self._running:
            raise Closing(Close.ALREADY_EXISTS, "There is a subscriber with this id already")
        try:
            operation = operation_in(message.payload)
        except Invalid as refusal:
            raise Closing(Close.BAD_REQUEST, refusal.message[:100]) from None
        most = self._backend.settings.max_subscriptions_per_connection
        if len(self._running) >= most:
            refused = LimitExceeded(f"A connection can have {most} operations running")
            await self._send(error_message(message.id, [refusal_entry(refused)]))
            return
        self._running[message.id] = asyncio.create_task(self._run(message.id, operation))

    # Answering.

    async def _run(self, id: str, operation: Operation) -> None:
        request_id = uuid.uuid4().hex
        try:
            last = await self._operate(id, operation, request_id)
        except Unauthenticated:
            self._cut()
            return
        except WebSocketDisconnect:
            return
        except Exception as error:
            last = error_message(id, error_entries(error, request_id))
        finally:
            if self._running.get(id) is asyncio.current_task():
                del self._running[id]
        try:
            await self._send(last)
        except WebSocketDisconnect:
            return

    async def _operate(self, id: str, operation: Operation, request_id: str) -> bytes:
        """Sends the answers of an operation; the message that ends it is returned."""
        asked = Asked(
            self._token,
            lambda: operation,
            request_id,
            GRAPHQL_TYPE,
            changes_allowed=True,
            streams=True,
        )
        deadline = Deadline(self._backend.settings.request_seconds)
        try:
            with deadline.active():
                answer = await self._backend.run(lambda: self._operations.answer(asked))
        finally:
            deadline.stop()  # of a client that has gone, whatever is still running
        if isinstance(answer, Subscribed):
            await follow(self._feed, answer, lambda payload: self._send(next_message(id, payload)))
            return plain("complete", id)
        body = bytes(answer.body)
        if answer.status_code != 200:  # it failed before it began
            return error_message(id, orjson.loads(body)["errors"])
        await self._send(next_message(id, body))
        return plain("complete", id)

    async def _send(self, message: bytes) -> None:
        """Returns when the socket can take the next one. Raises WebSocketDisconnect."""
        async with self._writing:
            try:
                await self._socket.send({"type": "websocket.send", "text": message.decode()})
            except RuntimeError:  # it was closed from this side
                raise WebSocketDisconnect(1006) from None
