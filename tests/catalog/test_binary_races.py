"""Writers, deleters and sweeps at once, on both databases.

On SQLite writers take turns, so that there the order is what is tested; on PostgreSQL transactions
overlap, and events hold them open at the worst moment.

Seeded bugs that turned these red on PostgreSQL: a row looked at before it is locked; rows waited
for instead of skipped; a candidate noted with DO NOTHING; `revive` without its lock.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from threading import Barrier, Event
from typing import Any

import pytest
import sqlalchemy as sa

from gql_service.catalog.binary import BINARIES, CANDIDATES, attach, release, revive
from gql_service.catalog.sweep_steps import Due, condemn_batch, reap_batch
from gql_service.database.engine import Database, Tx
from gql_service.errors import Conflict
from gql_service.vault.memory import MemoryVault
from tests.catalog.holding import RULES, STATES, Shelf, make_shelf

DAY = timedelta(days=1)
PATIENCE = 20


@pytest.fixture
def shelf(database: Database, vault: MemoryVault, actor: int) -> Shelf:
    return make_shelf(database, vault, actor)


def together(*works: Callable[[], Any]) -> list[Any]:
    """Runs all at once, released by a barrier; a Conflict is a result like another."""
    barrier = Barrier(len(works))

    def run(work: Callable[[], Any]) -> Any:
        barrier.wait(PATIENCE)
        try:
            return work()
        except Conflict as refusal:
            return refusal

    with ThreadPoolExecutor(len(works)) as pool:
        return [future.result() for future in [pool.submit(run, work) for work in works]]


def condemned(shelf: Shelf, content: bytes, clock: Any) -> int:
    """A binary that the next sweep would reap."""
    (number,) = shelf.add(content)
    shelf.purge(number)
    shelf.sweep()
    clock.advance(DAY)
    return number


def test_equal_contents_uploaded_at_once_make_one_binary(shelf: Shelf) -> None:
    for turn in range(5):
        blobs = [[shelf.upload(b"%d %d" % (turn, n)) for n in order] for order in ORDERS]
        results = together(*[partial(shelf.publish, part) for part in blobs])
        by_content = [
            dict(zip(order, ids, strict=True)) for order, ids in zip(ORDERS, results, strict=True)
        ]
        assert all(one == by_content[0] for one in by_content)
    assert len(shelf.rows(BINARIES)) == 5 * 4
    assert shelf.problems() == []


ORDERS = [(0, 1, 2, 3), (3, 2, 1, 0), (1, 3, 0, 2)]


def test_a_writer_and_a_sweep_at_once_never_lose_the_binary(shelf: Shelf, clock: Any) -> None:
    for turn in range(8):
        number = condemned(shelf, b"wanted %d" % turn, clock)
        together(partial(shelf.name, number), shelf.sweep, shelf.sweep)
        assert shelf.problems() == []


def test_an_upload_and_a_sweep_at_once_never_lose_the_content(shelf: Shelf, clock: Any) -> None:
    for turn in range(8):
        content = b"wanted %d" % turn
        condemned(shelf, content, clock)
        blob = shelf.upload(content)
        (number,), *_ = together(partial(shelf.publish, [blob]), shelf.sweep, shelf.sweep)
        assert shelf.binary(number)["state"] == "live"
        assert shelf.problems() == []


def test_an_upload_either_expires_or_is_attached(shelf: Shelf, clock: Any) -> None:
    for turn in range(8):
        blob = shelf.upload(b"%d" % turn)
        clock.advance(2 * DAY)
        published, _ = together(partial(shelf.publish, [blob]), shelf.sweep)
        won = not isinstance(published, Conflict)
        assert shelf.key_state(blob.blob_key) == ("live" if won else "dead")
        assert shelf.problems() == []


def test_a_sweep_leaves_alone_what_an_open_transaction_names(shelf: Shelf, clock: Any) -> None:
    number = condemned(shelf, b"wanted", clock)
    inserted, swept = Event(), Event()

    def writer(tx: Tx) -> None:
        revive(tx, [number])
        shelf.hold(tx, [number])
        inserted.set()
        if tx.postgres:  # on SQLite the sweep waits for us instead
            assert swept.wait(PATIENCE)

    def sweeping() -> None:
        assert inserted.wait(PATIENCE)
        assert shelf.sweep().reaped == 0
        swept.set()

    together(partial(shelf.database.write, writer, actor=shelf.actor), sweeping)
    assert shelf.binary(number)["state"] == "live"
    assert shelf.problems() == []


def test_a_state_that_came_without_revive_is_kept_by_the_foreign_key(
    shelf: Shelf, clock: Any
) -> None:
    number = condemned(shelf, b"wanted", clock)
    inserted, swept = Event(), Event()

    def writer(tx: Tx) -> None:
        shelf.hold(tx, [number])
        inserted.set()
        if tx.postgres:
            assert swept.wait(PATIENCE)

    def sweeping() -> None:
        assert inserted.wait(PATIENCE)
        shelf.sweep()
        swept.set()

    together(partial(shelf.database.write, writer, actor=shelf.actor), sweeping)
    shelf.sweep()
    assert shelf.problems() == []


@pytest.mark.parametrize("upload", [False, True])
def test_a_writer_that_comes_while_a_sweep_deletes_the_row_finds_it_gone(
    shelf: Shelf, clock: Any, upload: bool
) -> None:
    number = condemned(shelf, b"wanted", clock)
    blob = shelf.upload(b"wanted")
    deleted, coming = Event(), Event()
    due = Due(clock(), RULES)

    def sweeping(tx: Tx) -> None:
        assert len(reap_batch(tx, 0, due).sizes) == 1
        deleted.set()
        assert coming.wait(PATIENCE)

    def writing() -> Any:
        assert deleted.wait(PATIENCE)
        coming.set()
        return shelf.publish([blob]) if upload else shelf.name(number)

    _, result = together(partial(shelf.database.write, sweeping), writing)
    assert isinstance(result, Conflict) or upload
    assert shelf.problems() == []
    assert [row["id"] == number for row in shelf.rows(BINARIES)] == ([False] if upload else [])


def test_a_writer_that_comes_while_a_sweep_condemns_takes_it_back(shelf: Shelf, clock: Any) -> None:
    (number,) = shelf.add(b"wanted")
    shelf.purge()
    judged, coming = Event(), Event()

    def sweeping(tx: Tx) -> None:
        assert len(condemn_batch(tx, 0).sizes) == 1
        judged.set()
        assert coming.wait(PATIENCE)

    def writing() -> None:
        assert judged.wait(PATIENCE)
        coming.set()
        shelf.name(number)

    together(partial(shelf.database.write, sweeping), writing)
    assert shelf.binary(number)["state"] == "live"
    assert shelf.problems() == []


def test_a_purge_that_is_open_while_a_sweep_looks_is_not_forgotten(
    shelf: Shelf, clock: Any
) -> None:
    (number,) = shelf.add(b"unwanted")  # noted already, by its attachment
    purged, swept = Event(), Event()

    def purging(tx: Tx) -> None:
        tx.execute(sa.delete(STATES))
        release(tx, [number])
        purged.set()
        if tx.postgres:
            assert swept.wait(PATIENCE)

    def sweeping() -> None:
        assert purged.wait(PATIENCE)
        shelf.sweep()
        swept.set()

    together(partial(shelf.database.write, purging), sweeping)
    shelf.sweep()
    assert shelf.binary(number)["state"] == "condemned"


def test_a_sweep_does_not_wait_for_writers_nor_make_them_wait(
    shelf: Shelf, database: Database, clock: Any
) -> None:
    first, second = shelf.add(b"busy", b"idle")
    shelf.purge()
    if not _overlaps(database):
        assert shelf.sweep().condemned == 2
        return

    def writer(tx: Tx) -> None:
        revive(tx, [first])
        assert shelf.sweep().condemned == 1  # with our share of the row still held
        shelf.name(second)
        shelf.hold(tx, [first])

    database.write(writer, actor=shelf.actor)
    assert shelf.problems() == []


def _overlaps(database: Database) -> bool:
    return database.dialect == "postgresql"


@pytest.mark.model
@pytest.mark.parametrize("seed", range(2))
def test_everything_at_once_ends_whole_and_then_empty(shelf: Shelf, clock: Any, seed: int) -> None:
    contents = [b"content %d" % n for n in range(3)]

    def busy(number: int) -> None:
        dice = random.Random(seed * 100 + number)
        for _ in range(12):
            act = dice.choice(["upload", "upload", "name", "purge", "sweep", "sweep", "day"])
            present = [row["id"] for row in shelf.rows(BINARIES)]
            try:
                if act == "upload":
                    chosen = dice.choices(contents, k=2)
                    shelf.publish([shelf.upload(content) for content in chosen])
                elif act == "name" and present:
                    shelf.name(dice.choice(present))
                elif act == "purge" and present:
                    shelf.purge(dice.choice(present))
                elif act == "sweep":
                    shelf.sweep()
                else:
                    clock.advance(DAY)
            except Conflict:
                continue

    together(*[partial(busy, number) for number in range(4)])
    assert shelf.problems() == []
    shelf.purge()
    for _ in range(14):
        shelf.sweep()
        clock.advance(DAY)
    assert shelf.is_empty()


def test_uploads_attached_in_opposite_orders_do_not_block_each_other(shelf: Shelf) -> None:
    for turn in range(5):
        blobs = [[shelf.upload(b"%d %d" % (turn, n)) for n in order] for order in ORDERS[:2]]
        together(*[partial(shelf.database.write, partial(attach, blobs=part)) for part in blobs])
    assert len(shelf.rows(BINARIES)) == 20
    assert len(shelf.rows(CANDIDATES)) == 20
