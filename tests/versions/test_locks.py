"""Read-only datasets: neither the writer nor the database lets a version in, whoever is faster.

Seeded bugs that turned these red: the writer does not look at the lock; a trigger that is not
there, or takes no share of the dataset's row; a lock set without waiting for who holds the dataset.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
import sqlalchemy as sa

from gql_service.database.engine import Tx
from gql_service.errors import DatasetLocked, ErrorCode
from gql_service.versions.datasets import delete_dataset, lift_lock, set_lock
from gql_service.versions.draft import VERSIONS
from gql_service.versions.tags import tag_version
from tests.builders import Lab, new_item
from tests.catalog.undone import undone
from tests.versions.waiting import PATIENCE, wait_for_waiting

WRITERS, WRITES = 3, 12


def insert_version(tx: Tx, dataset: int) -> None:
    """The row of one more version, past every rule of ours."""
    newest = sa.select(VERSIONS).where(VERSIONS.c.dataset == dataset)
    row = tx.first(newest.order_by(VERSIONS.c.number.desc()).limit(1))
    assert row is not None
    values = {**row._mapping, "number": row.number + 1}
    tx.execute(sa.insert(VERSIONS).values({VERSIONS.c[name]: v for name, v in values.items()}))


def test_the_database_itself_refuses_a_version_of_a_locked_dataset(lab: Lab) -> None:
    dataset, other = lab.dataset(), lab.dataset()
    lab.write(set_lock, dataset)

    with (
        pytest.raises(sa.exc.IntegrityError, match="the dataset is locked"),
        undone(lab.database, lab.actor) as tx,
    ):
        insert_version(tx, dataset)

    with undone(lab.database, lab.actor) as tx:
        insert_version(tx, other)
        lift_lock(tx, dataset)
        insert_version(tx, dataset)
    lab.verify()


def test_whoever_comes_while_a_lock_is_being_set_waits_and_is_refused(lab: Lab) -> None:
    source = lab.dataset()
    attempts: tuple[tuple[Callable[[int], Any], type[Exception]], ...] = (
        (lambda dataset: lab.add(dataset, new_item("/late")), DatasetLocked),
        (lambda dataset: lab.write(insert_version, dataset), sa.exc.IntegrityError),
        (lambda dataset: lab.write(set_lock, dataset), DatasetLocked),
        (lambda dataset: lab.write(delete_dataset, dataset), DatasetLocked),
        (lambda dataset: lab.cloning(source, destination=dataset), DatasetLocked),
    )
    for attempt, refusal in attempts:
        dataset = lab.dataset()
        with ThreadPoolExecutor(1) as pool:

            def lock(tx: Tx, dataset: int = dataset, attempt: Any = attempt) -> Future[Any]:
                set_lock(tx, dataset)
                late = pool.submit(attempt, dataset)
                wait_for_waiting(tx, late)
                return late

            late = lab.write(lock)
            with pytest.raises(refusal):
                late.result(PATIENCE)
        assert lab.head(dataset) == 2
    lab.verify()


def test_a_lock_waits_for_the_writer_before_it(lab: Lab) -> None:
    dataset = lab.dataset()
    with ThreadPoolExecutor(1) as pool:

        def write(tx: Tx) -> Future[None]:
            tag_version(tx, dataset, "before")  # takes the dataset's lock and keeps it
            lock = pool.submit(lab.write, set_lock, dataset)
            wait_for_waiting(tx, lock)
            assert not lock.done()
            return lock

        lab.write(write).result(PATIENCE)
    with lab.refused(ErrorCode.DATASET_LOCKED, "datasetId"):
        lab.add(dataset, new_item("/late"))


def test_of_many_writers_none_slips_past_a_lock(lab: Lab) -> None:
    dataset = lab.empty()
    start = Barrier(WRITERS + 1)

    def write(writer: int) -> None:
        start.wait(PATIENCE)
        for number in range(WRITES):
            try:
                lab.add(dataset, new_item(f"/{writer}/{number}"))
            except DatasetLocked:
                return

    def lock() -> int:
        start.wait(PATIENCE)
        lab.write(set_lock, dataset)
        return lab.head(dataset)

    with ThreadPoolExecutor(WRITERS + 1) as pool:
        writers = [pool.submit(write, writer) for writer in range(WRITERS)]
        locked_at = pool.submit(lock).result(PATIENCE)
        for one in writers:
            one.result(PATIENCE)

    assert lab.head(dataset) == locked_at == len(lab.paths(dataset)) + 1
    lab.verify()
