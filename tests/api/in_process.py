"""Starlette's test client, which takes the short way where a request is no more than a body.

By itself it spends five times as long on a request as the service does.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

import anyio
import httpx2
from starlette.testclient import TestClient

_USUAL = {"host": "testserver", "accept": "*/*", "user-agent": "testclient"}


class InProcess(TestClient):
    """Asks an application in this process; it has to be entered, as `TestClient` has."""

    def request(self, method: str, url: Any, **given: Any) -> httpx2.Response:  # type: ignore[override]
        content, headers = given.get("content", b""), given.get("headers") or {}
        plain = given.keys() <= {"content", "headers"} and isinstance(headers, Mapping)
        plain = plain and all(isinstance(value, str) for value in headers.values())
        if not (plain and isinstance(url, str) and url.startswith("/")):
            return super().request(method, url, **given)
        if isinstance(content, str):
            content = content.encode()
        if not isinstance(content, bytes):
            return super().request(method, url, **given)
        response = self._asked(_scope(method, url, headers, content), content)
        if response.is_redirect:
            return super().request(method, url, **given)
        return response

    def _asked(self, scope: dict[str, Any], content: bytes) -> httpx2.Response:
        sent: list[Any] = []

        async def converse() -> None:
            waiting = [{"type": "http.request", "body": content, "more_body": False}]
            answered = anyio.Event()

            async def receive() -> dict[str, Any]:
                if waiting:
                    return waiting.pop()
                await answered.wait()
                return {"type": "http.disconnect"}

            async def send(message: Any) -> None:
                sent.append(message)
                if message["type"] == "http.response.body" and not message.get("more_body"):
                    answered.set()

            await self.app(scope, receive, send)  # type: ignore[arg-type]

        assert self.portal is not None, "the application is running"
        self.portal.call(converse)
        head, *body = sent
        return httpx2.Response(
            head["status"],
            headers=head["headers"],
            content=b"".join(message.get("body", b"") for message in body),
            request=httpx2.Request(
                scope["method"], f"http://testserver{scope['raw_path'].decode()}"
            ),
        )


def _scope(method: str, url: str, headers: Mapping[str, str], content: bytes) -> dict[str, Any]:
    path, _, query = url.partition("?")
    given = {**_USUAL, **{name.lower(): value for name, value in headers.items()}}
    if content or method in ("POST", "PUT", "PATCH"):
        given.setdefault("content-length", str(len(content)))
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": unquote(path),
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": query.encode(),
        "headers": [(name.encode(), value.encode("latin-1")) for name, value in given.items()],
        "client": ("testclient", 1),
        "server": ("testserver", 80),
        "state": {},
    }
