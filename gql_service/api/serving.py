"""What is known of a request while it is served, and told when it has been: one line and counts.

Outermost of ours, so that every address has ids, lines and counts alike. It decides nothing.
"""

from __future__ import annotations

import re
import time
import uuid
from contextvars import ContextVar
from dataclasses import dataclass, field

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gql_service import logs, metrics
from gql_service.database import meter
from gql_service.database.meter import Meter

_GIVEN_ID = re.compile(r"[\w.:=@-]{1,128}", re.ASCII)
_ID_BYTES = b"x-request-id"
_LONGEST = 200
"""Characters of a path or of a name that a log line shows."""
_CLIENT_GONE = 499


@dataclass(slots=True)
class Served:
    """A request. `operation` and `type` come from sets that we know, for they become labels;
    `name` is what the client calls its operation."""

    id: str
    operation: str = "none"
    type: str = "none"
    name: str | None = None
    user: int | None = None
    status: int | None = None
    codes: list[str] = field(default_factory=list)
    received: int = 0
    sent: int = 0
    sql: Meter = field(default_factory=Meter)

    def refused(self, code: str) -> None:
        """Errors are told once for each code."""
        if code not in self.codes:
            self.codes.append(code)


_current: ContextVar[Served | None] = ContextVar("served", default=None)


def serving() -> Served:
    """The request that is being served; outside of any, one that nobody will look at."""
    return _current.get() or Served(uuid.uuid4().hex)


class Observed:
    """An ASGI application whose requests have ids, are logged and are counted."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        given = ""
        for name, value in scope["headers"]:
            if name == _ID_BYTES:
                given = value.decode("latin-1")
        served = Served(given if _GIVEN_ID.fullmatch(given) else uuid.uuid4().hex)
        _current.set(served)
        logs.bind(served.id)
        if scope["type"] == "websocket":  # its operations are counted by whoever runs them
            await self._app(scope, receive, send)
            return
        meter.current.set(served.sql)
        begun = time.perf_counter()
        metrics.OPEN_REQUESTS.inc()
        try:
            await self._app(scope, _receiving(served, receive), _sending(served, send))
        except Exception:
            served.status = served.status or 500
            raise
        finally:
            metrics.OPEN_REQUESTS.dec()
            _tell(served, scope, time.perf_counter() - begun)


def _receiving(served: Served, receive: Receive) -> Receive:
    async def counted() -> Message:
        message = await receive()
        served.received += len(message.get("body", b""))
        return message

    return counted


def _sending(served: Served, send: Send) -> Send:
    async def counted(message: Message) -> None:
        if message["type"] == "http.response.start":
            served.status = message["status"]
            message["headers"].append((_ID_BYTES, served.id.encode()))
        else:
            served.sent += len(message.get("body", b""))
        await send(message)

    return counted


def _tell(served: Served, scope: Scope, seconds: float) -> None:
    status = served.status or _CLIENT_GONE
    operation = served.operation
    code = served.codes[0] if served.codes else ""
    metrics.requests(operation, served.type, status, code).inc()
    counts = metrics.counts(operation)
    counts.seconds.observe(seconds)
    counts.statements.inc(served.sql.statements)
    counts.sql_seconds.inc(served.sql.seconds)
    counts.received.inc(served.received)
    counts.sent.inc(served.sent)
    # The path as it was sent, without the query: what is decoded could draw on a terminal, and the
    # query may hold a grant.
    path = scope.get("raw_path") or scope["path"].encode("ascii", "backslashreplace")
    logs.request(
        request_id=served.id,
        method=scope["method"][:_LONGEST],
        path=path.partition(b"?")[0].decode("latin-1")[:_LONGEST],
        operation=operation,
        name=served.name and served.name[:_LONGEST],
        type=served.type,
        user=served.user,
        status=status,
        codes=served.codes,
        ms=round(1000 * seconds, 2),
        sql=served.sql.statements,
        sql_ms=round(1000 * served.sql.seconds, 2),
        received=served.received,
        sent=served.sent,
    )
