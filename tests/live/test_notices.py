"""Word from other processes, when the connection that carries it breaks."""

from __future__ import annotations

import time

import pytest
import sqlalchemy as sa

from gql_service.database.notices import CHANNEL
from tests.api.shelf import Shelf
from tests.live.conftest import Running, Start
from tests.live.listener import PATIENCE, STEPS, listening

HEAD = "query ($id: ID!) { dataset(by: {id: $id}) { version { number } } }"
LISTENS = f"LISTEN {CHANNEL}"
BREAK = sa.text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query = :query")


@pytest.mark.parametrize("dialect", ["postgresql"])
def test_what_others_write_is_told_when_the_connection_that_tells_it_was_broken(
    start: Start,
) -> None:
    seldom = 600.0  # looking would find it too, but not in the time of this test
    live, other = start(), start(watch_look_seconds=seldom, watch_poll_seconds=seldom)
    shelf = Shelf.fill(live.ada)
    head = live.ada.run(HEAD, id=shelf.dataset)["dataset"]["version"]["number"]
    with listening(other.url, live.token) as listener:
        listener.ask(STEPS, id=shelf.dataset, where=None, since=head)
        for times, name in enumerate(["told", "missed", "told again"], start=1):
            if name == "missed":
                break_connections(live)
            live.ada.upload(shelf.dataset, [(f"{name}.txt", name.encode())])
            assert listener.step()["version"]["number"] == head + times


def break_connections(live: Running) -> None:
    """Those that listen, of which there may be none in the first moment."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        with live.service.database.engine.begin() as connection:
            if True in connection.execute(BREAK, {"query": LISTENS}).scalars().all():
                return
    pytest.fail("nobody listens")
