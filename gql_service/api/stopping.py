"""The end of serving: nothing new is promised, and what is still at work can be stopped."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from gql_service.database.deadline import Deadline


class Stopping:
    """What a server that is told to end has to tell the application. Belongs to one event loop."""

    def __init__(self) -> None:
        self.begun = False
        """From then on the service says that it is not ready."""
        self._deadlines: set[Deadline] = set()

    @contextmanager
    def stoppable(self, deadline: Deadline) -> Iterator[None]:
        """Work under the deadline in this block ends with `stop_all`."""
        self._deadlines.add(deadline)
        try:
            yield
        finally:
            self._deadlines.discard(deadline)

    def stop_all(self) -> None:
        """Ends all work: its statements are stopped and rolled back, its clients told TIMEOUT."""
        self.begun = True
        for deadline in self._deadlines:
            deadline.stop()
