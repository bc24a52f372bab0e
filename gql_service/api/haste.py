"""Which queries are answered on the event loop itself, because a thread would take longer to hear
of them than they take.

Nobody is told beforehand. A query that a thread has answered once is tried, within `BRIEF_SECONDS`;
if that was not enough, a thread answers, and after `TRIES` such times in a row it is left to
threads for a while.
"""

from __future__ import annotations

import time

BRIEF_SECONDS = 0.02
"""What a request may keep all others of a process waiting, a large page included."""
TRIES = 3
"""A machine that is busy with other things makes anything slow for a moment. Threads that answer
the same query at once hold each other up, and would make a moment last."""
SLOW_SECONDS = 1.0
"""How long only threads are asked then, before one more try."""
LONGEST_TEXT = 16 * 1024
"""Characters of a request that are read on the event loop; variables can be a megabyte of JSON."""


class Haste:
    """Of one query."""

    __slots__ = ("_late", "_slow_until", "proven")

    def __init__(self) -> None:
        self.proven = False
        """Whether it has been answered before."""
        self._late = 0
        self._slow_until = 0.0

    @property
    def allowed(self) -> bool:
        return self.proven and time.monotonic() >= self._slow_until

    def took(self, seconds: float, *, stopped: bool = False) -> None:
        """Of a processor, so that waiting for one does not count; or it was stopped half-way."""
        if not stopped and seconds <= BRIEF_SECONDS:
            self._late = 0
            return
        self._late += 1
        if self._late >= TRIES:
            self._slow_until = time.monotonic() + SLOW_SECONDS
