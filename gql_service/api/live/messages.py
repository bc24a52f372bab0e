"""The messages of graphql-transport-ws as clients send them, and the codes that close a socket."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from gql_service.api.json_body import decode, encode
from gql_service.errors import Invalid

PROTOCOL = "graphql-transport-ws"


class Close(IntEnum):
    """Why a socket is closed: as the protocol says, or else as RFC 6455 does."""

    INTERNAL = 1011
    TRY_AGAIN = 1013
    BAD_REQUEST = 4400
    UNAUTHORIZED = 4401
    FORBIDDEN = 4403
    NOT_ACCEPTABLE = 4406
    INIT_TIMEOUT = 4408
    ALREADY_EXISTS = 4409
    TOO_MANY = 4429


class Closing(Exception):
    """The socket is to be closed with this code; the reason fits into a close frame."""

    def __init__(self, code: Close, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Message:
    """A message that has the form of one. `id` is empty where none belongs."""

    type: str
    id: str
    payload: Any


_WITH_ID = {"subscribe", "complete"}
_WITHOUT_ID = {"connection_init", "ping", "pong"}


def read_message(text: str | None) -> Message:
    """Raises Closing for whatever is no message of the protocol."""
    if text is None:
        raise Closing(Close.BAD_REQUEST, "Messages are text")
    try:
        given = decode(text, "The message")
    except Invalid as refusal:
        raise Closing(Close.BAD_REQUEST, refusal.message) from None
    kind = given.get("type") if isinstance(given, dict) else None
    if not isinstance(kind, str) or kind not in _WITH_ID | _WITHOUT_ID:
        raise Closing(Close.BAD_REQUEST, "This is no message of graphql-transport-ws")
    id, payload = given.get("id"), given.get("payload")
    if kind in _WITH_ID and not (isinstance(id, str) and id):
        raise Closing(Close.BAD_REQUEST, "`id` is a string that is not empty")
    if kind == "subscribe" and not isinstance(payload, dict):
        raise Closing(Close.BAD_REQUEST, "`payload` is an object with `query`")
    if kind in _WITHOUT_ID and payload is not None and not isinstance(payload, dict):
        raise Closing(Close.BAD_REQUEST, "`payload` is an object")
    return Message(kind, id if kind in _WITH_ID else "", payload)


def token_in(payload: dict[str, Any] | None) -> str | None:
    """The bearer token of a `connection_init`, None where it has none. Raises Closing."""
    named = [value for name, value in (payload or {}).items() if name.lower() == "authorization"]
    if not named:
        return None
    scheme, _, token = named[0].partition(" ") if isinstance(named[0], str) else ("", "", "")
    if len(named) > 1 or scheme.lower() != "bearer" or not token.strip():
        raise Closing(Close.FORBIDDEN, "`authorization` is Bearer <token>")
    return token.strip()


def plain(kind: str, id: str | None = None) -> bytes:
    """A message without a payload."""
    return encode({"type": kind} if id is None else {"id": id, "type": kind})


def next_message(id: str, payload: bytes) -> bytes:
    """An answer, which is JSON already."""
    return b'{"id":%b,"type":"next","payload":%b}' % (encode(id), payload)


def error_message(id: str, errors: list[dict[str, Any]]) -> bytes:
    """The end of an operation that failed."""
    return encode({"id": id, "type": "error", "payload": errors})
