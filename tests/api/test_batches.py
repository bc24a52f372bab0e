"""Turns: who waits for records, and when they are read."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from gql_service.api.batches import Batch, Begun, Turns
from gql_service.errors import NotFound


class Read:
    """A batch that says what it was asked for, and knows the squares of even numbers."""

    def __init__(self, turns: Turns) -> None:
        self.asked: list[list[int]] = []
        self.batch: Batch[int, int] = turns.batch(self._read)

    def _read(self, keys: list[int]) -> Mapping[int, int]:
        self.asked.append(keys)
        if 13 in keys:
            raise NotFound("there is no 13")
        return {key: key * key for key in keys if key % 2 == 0}


async def squared_twice(read: Read, key: int) -> int | None:
    once = await read.batch.load(key)
    return None if once is None else await read.batch.load(once)


async def all_of(begun: list[Begun]) -> list[int]:
    return [await one for one in begun]


def test_what_is_asked_for_at_one_moment_is_read_at_once_on_every_level() -> None:
    turns = Turns()
    read = Read(turns)
    begun = [turns.started(squared_twice(read, key)) for key in (2, 6, 2, 3, 4)]
    found = turns.finished(turns.started(all_of(begun)))
    assert found == [16, 1296, 16, None, 256]
    # 4 was there already when it was asked for again.
    assert read.asked == [[2, 6, 3, 4], [36, 16]]


def test_whoever_waits_for_a_batch_that_fails_is_told_and_may_go_on() -> None:
    turns = Turns()
    failing, working = Read(turns), Read(turns)

    async def caught(key: int) -> int | None:
        try:
            return await failing.batch.load(key)
        except NotFound:
            return await working.batch.load(key + 1)

    begun = [turns.started(caught(key)) for key in (1, 13)]
    assert turns.finished(turns.started(all_of(begun))) == [4, 196]
    with pytest.raises(NotFound):
        turns.finished(turns.started(squared_twice(failing, 13)))


def test_what_waits_for_nothing_needs_no_turn() -> None:
    turns = Turns()

    async def at_once() -> str:
        return "there"

    assert turns.started(at_once()) == "there"
