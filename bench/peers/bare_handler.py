"""The least that can answer over HTTP: each path hands one precomposed statement to the driver.

    python -m bench.peers.bare_handler <port> <address of the database> <JSON: SQL by path>

No token, no GraphQL, no choice of fields: the database makes the whole body.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
import sys
from collections.abc import Awaitable, Callable
from typing import Any

import psycopg
import uvicorn

from bench.bare import PRAGMAS

CONNECTIONS = 10
Answer = Callable[[str], Awaitable[str]]


class BareHandler:
    """A raw ASGI application."""

    def __init__(self, url: str, statements: dict[str, str]) -> None:
        self._url = url
        self._statements = statements
        self._answer: Answer

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await receive()
            self._answer = await _opened(self._url)
            await send({"type": "lifespan.startup.complete"})
            await receive()
            await send({"type": "lifespan.shutdown.complete"})
            return
        body = (await self._answer(self._statements[scope["path"]])).encode()
        length = str(len(body)).encode()
        headers = [(b"content-type", b"application/json"), (b"content-length", length)]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})


async def _opened(url: str) -> Answer:
    return await _postgres(url) if url.startswith("postgresql:") else _sqlite(url)


def _sqlite(url: str) -> Answer:
    """On the event loop: a thread for what takes less than a millisecond only costs time."""
    connection = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)
    for pragma in PRAGMAS:
        connection.execute(f"PRAGMA {pragma}")

    async def answer(sql: str) -> str:
        text: str = connection.execute(sql).fetchone()[0]
        return text

    return answer


async def _postgres(url: str) -> Answer:
    """A few connections, so that the database works on several requests at once."""
    idle: asyncio.Queue[psycopg.AsyncConnection[Any]] = asyncio.Queue()
    for _ in range(CONNECTIONS):
        idle.put_nowait(await psycopg.AsyncConnection.connect(url, autocommit=True))

    async def answer(sql: str) -> str:
        connection = await idle.get()
        try:
            row = await (await connection.execute(sql.encode(), prepare=True)).fetchone()
        finally:
            idle.put_nowait(connection)
        assert row is not None, "an aggregate has a row"
        text: str = row[0]
        return text

    return answer


if __name__ == "__main__":
    port, url, statements = sys.argv[1:]
    uvicorn.run(
        BareHandler(url, json.loads(statements)),
        port=int(port),
        log_level="warning",
        server_header=False,
    )
