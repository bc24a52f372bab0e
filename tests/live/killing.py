"""Subscriptions that are opened and killed, and what the process then holds."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import socket
import struct
import threading
import time
from dataclasses import astuple, dataclass
from pathlib import Path

from websockets.exceptions import ConnectionClosed

from tests.live.conftest import Running
from tests.live.listener import PATIENCE, STEPS, listening

_RESET = struct.pack("ii", 1, 0)
"""Closing sends nothing but that the connection is gone."""


@dataclass(frozen=True, slots=True)
class Held:
    """What a process holds; memory in KiB."""

    tasks: int
    threads: int
    files: int
    memory: int

    @staticmethod
    def now() -> Held:
        gc.collect()
        tasks = [
            one for one in gc.get_objects() if isinstance(one, asyncio.Task) and not one.done()
        ]
        status = Path("/proc/self/status").read_text()
        memory = next(line for line in status.splitlines() if line.startswith("VmRSS"))
        return Held(
            len(tasks),
            threading.active_count(),
            len(os.listdir("/proc/self/fd")),
            int(memory.split()[1]),
        )


def at_rest() -> Held:
    """What is held once nothing more ends by itself."""
    end = time.monotonic() + PATIENCE
    held, last = Held.now(), None
    while time.monotonic() < end and astuple(held)[:3] != last:
        last = astuple(held)[:3]
        threading.Event().wait(0.5)
        held = Held.now()
    return held


def open_and_kill(live: Running, dataset: str, count: int) -> None:
    """Opens subscriptions, ten on a socket, and ends each socket in one of four ways: without a
    word, in the middle of a message, by a malformed one, or as one should; every fifth
    subscription is an event stream."""
    sockets = count * 4 // 5 // 10
    for number in range(sockets):
        _socket(live, dataset, number % 4)
    for _ in range(count - 10 * sockets):
        _stream(live, dataset)


def _socket(live: Running, dataset: str, way: int) -> None:
    with listening(live.url, live.token) as listener:
        for id in range(10):
            listener.ask(STEPS, str(id), id=dataset, since=0 if id == 0 else None)
        listener.step()
        raw = listener.socket.socket
        if way == 0:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            raw.close()
        elif way == 1:
            raw.sendall(b"\x81\xfe\x10\x00half a mess")
            raw.shutdown(socket.SHUT_RDWR)
        elif way == 2:
            try:
                listener.say("[")
            except ConnectionClosed:
                return


def _stream(live: Running, dataset: str) -> None:
    query = f'subscription {{ datasetChanged(datasetId: "{dataset}") {{ fromVersion }} }}'
    body = json.dumps({"query": query}).encode()
    host, _, port = live.url.removeprefix("http://").partition(":")
    head = (
        f"POST /graphql HTTP/1.1\r\nhost: {host}\r\naccept: text/event-stream\r\n"
        f"authorization: Bearer {live.token}\r\ncontent-type: application/json\r\n"
        f"content-length: {len(body)}\r\n\r\n"
    )
    with socket.create_connection((host, int(port)), timeout=PATIENCE) as raw:
        raw.sendall(head.encode() + body)
        assert raw.recv(4096).startswith(b"HTTP/1.1 200")
