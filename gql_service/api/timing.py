"""How long the execution of a request may take, and that nobody works for clients who have gone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio
from starlette.requests import Request

from gql_service.api.context import Backend
from gql_service.database.deadline import Deadline

_UNWATCHED = 0.1
"""Most answers are there before it would be worth while to look whether the client still is."""


@asynccontextmanager
async def timed(request: Request, backend: Backend) -> AsyncIterator[None]:
    """Work in this block has `request_seconds`; it also ends with the client, and with the server.

    What it is doing in the database is then stopped, and whatever it still begins raises Timeout.
    The body of the request must have been read.
    """
    seconds = backend.settings.request_seconds
    deadline = Deadline(seconds)
    loop = asyncio.get_running_loop()
    watching: list[asyncio.Task[None]] = []

    def watch() -> None:
        watching.append(loop.create_task(_stop_in_time(request, deadline)))

    timer = loop.call_later(min(_UNWATCHED, seconds), watch)
    try:
        with deadline.active(), backend.stopping.stoppable(deadline):
            yield
    finally:
        timer.cancel()
        for task in watching:
            task.cancel()


async def _stop_in_time(request: Request, deadline: Deadline) -> None:
    with anyio.move_on_after(deadline.remaining):
        while (await request.receive())["type"] != "http.disconnect":
            pass
    deadline.stop()
