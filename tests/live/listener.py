"""A client of graphql-transport-ws, written message by message."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

PATIENCE = 20.0
PROTOCOL = "graphql-transport-ws"
STEPS = (
    "subscription Steps($id: ID!, $where: ItemWhere, $since: Int) { datasetChanged(datasetId: $id,"
    " where: $where, sinceVersion: $since) { fromVersion version { number } counts { entered"
    " changed left } items(first: 500) { totalCount nodes { event change { kind before { key }"
    " after { key } } } } } }"
)


class Listener:
    """One socket."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket

    def say(self, message: Any) -> None:
        text = message if isinstance(message, str | bytes) else json.dumps(message)
        self.socket.send(text)

    def hear(self) -> Any:
        """The next message, which must be text."""
        message = self.socket.recv(PATIENCE)
        assert isinstance(message, str), "a frame that is not text"
        return json.loads(message)

    def greet(self, token: str) -> None:
        payload = {"authorization": f"Bearer {token}"}
        self.say({"type": "connection_init", "payload": payload})
        assert self.hear() == {"type": "connection_ack"}

    def ask(self, query: str, under: str = "1", **variables: Any) -> None:
        payload = {"query": query, "variables": variables}
        self.say({"id": under, "type": "subscribe", "payload": payload})

    def data(self) -> Any:
        """Of the next answer, which must have no errors."""
        message = self.hear()
        assert message["type"] == "next" and "errors" not in message["payload"], message
        return message["payload"]["data"]

    def step(self) -> Any:
        return self.data()["datasetChanged"]

    def refusal(self) -> tuple[str, str]:
        """The id and the code of the error that comes next."""
        message = self.hear()
        assert message["type"] == "error", message
        return message["id"], message["payload"][0]["extensions"]["code"]

    def closed(self) -> int:
        """With which code the other side closes; whatever it says before does not matter."""
        try:
            while True:
                self.socket.recv(PATIENCE)
        except ConnectionClosed as closed:
            assert closed.rcvd is not None, "it hung up without a word"
            return closed.rcvd.code


@contextmanager
def listening(
    url: str, token: str | None = None, protocols: tuple[str, ...] = (PROTOCOL,)
) -> Iterator[Listener]:
    """A socket that takes little before it is read; with a token, one that has said who asks."""
    host, _, port = url.removeprefix("http://").partition(":")
    raw = socket.socket()
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16 * 1024)
    raw.connect((host, int(port)))
    given: Any = list(protocols) or None
    with connect(
        f"ws://{host}:{port}/graphql",
        sock=raw,
        subprotocols=given,
        close_timeout=2,
        max_queue=1,
        max_size=None,
    ) as conversation:
        listener = Listener(conversation)
        if token is not None:
            listener.greet(token)
        yield listener
