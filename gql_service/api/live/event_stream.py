"""Subscriptions as server-sent events, one for each request: graphql-sse's distinct connections.

Lines end with LF alone: the parsers of widespread clients look for two of them in a row.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from gql_service.api.answers import NO_STORE, refused
from gql_service.api.auth import TOKEN_IS_NONE
from gql_service.api.json_body import encode
from gql_service.api.live.feed import Feed
from gql_service.api.live.following import follow
from gql_service.api.live.telling import Subscribed, error_entries
from gql_service.errors import LimitExceeded, Unauthenticated

EVENTS_TYPE = "text/event-stream"
BREATH_SECONDS = 15.0
"""How often something is sent while nothing happens, lest somebody in between hangs up."""
STUCK_SECONDS = 60.0
"""How long the other side may take nothing; behind that it is let go."""
_HEADERS: Mapping[str, str] = {**NO_STORE, "x-accel-buffering": "no"}
_COMPLETE = b"event: complete\ndata: \n\n"


def whole_stream(body: bytes) -> Response:
    """An answer that does not go on, for who takes nothing but events."""
    return Response(
        _next(body) + _COMPLETE, headers=dict(_HEADERS), media_type=f"{EVENTS_TYPE}; charset=utf-8"
    )


def _next(payload: bytes) -> bytes:
    return b"event: next\ndata: " + payload + b"\n\n"


class EventStream(Response):
    """The answers of a subscription, as they come, until one of the two sides ends it."""

    def __init__(self, feed: Feed, subscription: Subscribed) -> None:
        super().__init__(headers=dict(_HEADERS), media_type=f"{EVENTS_TYPE}; charset=utf-8")
        del self.headers["content-length"]
        self._feed = feed
        self._subscription = subscription

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        ended = asyncio.Event()
        try:
            with self._feed.connected(self._subscription.token, ended.set):
                await self._stream(receive, send, ended)
        except LimitExceeded as refusal:
            answer = refused(refusal.code, refusal.message, status=429)
            await answer(scope, receive, send)

    async def _stream(self, receive: Receive, send: Send, ended: asyncio.Event) -> None:
        start = {"type": "http.response.start", "status": 200, "headers": self.raw_headers}
        await send(start)
        tasks = [
            asyncio.create_task(self._tell(send)),
            asyncio.create_task(_breathe(send)),
            asyncio.create_task(_gone(receive)),
            asyncio.create_task(_cut(send, ended, self._subscription.request_id)),
        ]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        async with asyncio.timeout(STUCK_SECONDS):
            await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _tell(self, send: Send) -> None:
        async def tell(payload: bytes) -> None:
            await _write(send, _next(payload))

        try:
            complete = await follow(self._feed, self._subscription, tell)
        except (TimeoutError, OSError):
            return
        except Exception as error:
            errors = error_entries(error, self._subscription.request_id)
            await tell(encode({"errors": errors}))
            complete = True
        if complete:  # else the server is stopping, and the client had better come again
            await _write(send, _COMPLETE)


async def _breathe(send: Send) -> None:
    while True:
        await _write(send, b":\n\n")
        await asyncio.sleep(BREATH_SECONDS)


async def _write(send: Send, body: bytes) -> None:
    """Raises TimeoutError when nobody takes it."""
    async with asyncio.timeout(STUCK_SECONDS):
        await send({"type": "http.response.body", "body": body, "more_body": True})


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _cut(send: Send, ended: asyncio.Event, request_id: str) -> None:
    await ended.wait()
    errors = error_entries(Unauthenticated(TOKEN_IS_NONE), request_id)
    await _write(send, _next(encode({"errors": errors})) + _COMPLETE)
