"""Worker threads, each of which answers one request at a time from beginning to end.

Resolvers are coroutines, because a data loader waits for what is asked for at the same moment. What
they wait for happens in their own thread: its database calls block nobody but the request itself,
and nothing is handed to another thread half-way. The event loop of the server only reads requests
and sends answers.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class _Loop:
    """An event loop that goes with its thread."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()

    def __del__(self) -> None:
        self.loop.close()


_of_thread = threading.local()


def completed(work: Coroutine[Any, Any, T]) -> T:
    """The result of a coroutine that waits for nothing outside this thread."""
    if not hasattr(_of_thread, "own"):
        _of_thread.own = _Loop()
    own: _Loop = _of_thread.own
    return own.loop.run_until_complete(work)
