"""The first event of a stream that would go on, from an application that runs in this process."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import anyio
from starlette.testclient import TestClient

_FIRST = b"event: next\ndata: "


def first_event(http: TestClient, body: bytes, headers: Mapping[str, str]) -> bytes:
    """The JSON of it, or of the refusal that came instead; then the client hangs up."""
    said = bytearray()

    async def converse() -> None:
        heard, gone = anyio.Event(), False

        async def receive() -> dict[str, Any]:
            nonlocal gone
            if gone:
                await heard.wait()
                return {"type": "http.disconnect"}
            gone = True
            return {"type": "http.request", "body": body}

        async def send(message: Any) -> None:
            said.extend(message.get("body", b""))
            if _FIRST in said:
                heard.set()

        await http.app(_scope(headers, len(body)), receive, send)  # type: ignore[arg-type]

    assert http.portal is not None, "the application is running"
    http.portal.call(converse)
    told = bytes(said)
    return told.split(_FIRST)[1].split(b"\n")[0] if _FIRST in told else told


def _scope(headers: Mapping[str, str], length: int) -> dict[str, Any]:
    given = {
        **headers,
        "accept": "text/event-stream",
        "content-type": "application/json",
        "content-length": str(length),
    }
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": "/graphql",
        "raw_path": b"/graphql",
        "root_path": "",
        "query_string": b"",
        "headers": [(name.encode(), value.encode()) for name, value in given.items()],
        "client": ("testclient", 1),
        "server": ("testserver", 80),
    }
