"""Lineage keys are unique, whoever draws them at the same time."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from gql_service.database.engine import Database, Tx
from gql_service.database.keys import BLOCK, take_keys


def test_no_keys_are_taken_for_nothing(database: Database) -> None:
    assert database.write(lambda tx: take_keys(tx, 0)) == []


@pytest.mark.parametrize("count", [1, 2, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK + 7])
def test_keys_are_as_many_as_asked_positive_and_ascending(database: Database, count: int) -> None:
    keys = database.write(lambda tx: take_keys(tx, count))

    assert len(keys) == count
    assert keys[0] > 0
    assert keys == sorted(set(keys))


def test_keys_of_one_transaction_do_not_repeat(database: Database) -> None:
    keys = database.write(lambda tx: take_keys(tx, 3) + take_keys(tx, 300) + take_keys(tx, 3))

    assert len(set(keys)) == 306


def test_writers_at_the_same_time_draw_different_keys(database: Database) -> None:
    ready = threading.Barrier(4)

    def draw(_writer: int) -> list[int]:
        ready.wait()
        drawn = [database.write(lambda tx: take_keys(tx, 100)) for _ in range(5)]
        return [key for keys in drawn for key in keys]

    with ThreadPoolExecutor(4) as pool:
        drawn = [key for keys in pool.map(draw, range(4)) for key in keys]

    assert len(set(drawn)) == 4 * 5 * 100


def test_keys_of_an_undone_transaction_reach_no_row(database: Database) -> None:
    class Undo(Exception):
        pass

    def take_and_fail(tx: Tx) -> None:
        take_keys(tx, 10)
        raise Undo

    with pytest.raises(Undo):
        database.write(take_and_fail)

    keys = database.write(lambda tx: take_keys(tx, 10))
    assert len(set(keys)) == 10
