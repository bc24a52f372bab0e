"""Which queries are answered on the event loop itself, because a thread would take longer to hear
of them than they take.

Nobody is told beforehand. A query that a thread has answered once is tried, within `BRIEF_SECONDS`;
if that was not enough, it is left to threads for a while, and so is what was begun.
"""

from __future__ import annotations

import time

BRIEF_SECONDS = 0.02
"""What a request may keep all others of a process waiting, a large page included."""
SLOW_SECONDS = 1.0
"""How long threads are asked then. A machine that is busy with other things makes anything slow."""
LONGEST_TEXT = 16 * 1024
"""Characters of a request that are read on the event loop; variables can be a megabyte of JSON."""


class Haste:
    """Of one query."""

    __slots__ = ("_slow_until", "proven")

    def __init__(self) -> None:
        self.proven = False
        """Whether it has been answered before."""
        self._slow_until = 0.0

    @property
    def allowed(self) -> bool:
        return self.proven and time.monotonic() >= self._slow_until

    def took(self, seconds: float) -> None:
        """Of a processor, so that waiting for one does not count."""
        if seconds > BRIEF_SECONDS:
            self.stopped()

    def stopped(self) -> None:
        """It was not there in time."""
        self._slow_until = time.monotonic() + SLOW_SECONDS
