"""One thread for work that nobody waits for."""

from __future__ import annotations

import threading

import pytest

from gql_service.errors import Busy
from gql_service.jobs.background import Background, Stopped

PATIENCE = 20


def test_each_number_is_looked_at_and_trouble_with_one_is_not_the_end(
    caplog: pytest.LogCaptureFixture,
) -> None:
    seen: list[int] = []
    last = threading.Event()

    def work(number: int) -> None:
        seen.append(number)
        if number == 3:
            raise Busy("The database is busy")
        if number == 5:
            last.set()

    background = Background("looking", work, lambda: [2, 3])
    background.add([1])  # before the start: nobody listens
    background.start()
    background.add([4])
    background.add([5])

    assert last.wait(PATIENCE)
    background.close()
    background.add([6])

    assert sorted(seen) == [2, 3, 4, 5]
    assert "looking: The database is busy" in caplog.text


def test_closing_gives_up_what_was_begun(caplog: pytest.LogCaptureFixture) -> None:
    begun = threading.Event()
    given_up: list[int] = []

    def work(number: int) -> None:
        try:
            while True:
                begun.set()
                background.rest()
        except Stopped:
            given_up.append(number)
            raise

    background = Background("endless", work, lambda: [7])
    background.start()
    assert begun.wait(PATIENCE)

    background.close()
    background.close()

    assert given_up == [7]
    assert caplog.text == ""


def test_one_that_was_never_started_can_be_closed() -> None:
    Background("idle", lambda _number: None, list).close()
