"""Clients that come and go take with them all that was there for them."""

from __future__ import annotations

import pytest

from tests.api.shelf import Shelf
from tests.conftest import DIALECTS
from tests.live.conftest import Start
from tests.live.killing import at_rest, open_and_kill

POOLED = 8
"""Worker threads, each with a connection of its own, that may not have been needed before. What
stayed behind of every socket or stream would be more."""


@pytest.mark.exhaustive
@pytest.mark.parametrize("dialect", DIALECTS)
def test_killed_subscriptions_leave_memory_tasks_threads_and_files_where_they_were(
    start: Start, dialect: str
) -> None:
    live = start()
    shelf = Shelf.fill(live.ada)
    open_and_kill(live, shelf.dataset, 100)  # pools and caches are filled
    before = at_rest()

    open_and_kill(live, shelf.dataset, 300)

    after = at_rest()
    assert after.tasks <= before.tasks
    assert after.threads <= before.threads + POOLED
    assert after.files <= before.files + 2 * POOLED
    assert after.memory <= before.memory + 4_096
