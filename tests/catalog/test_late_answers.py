"""A store whose answers get lost, or whose work comes late, loses nothing and leaks nothing.

Seeded bugs that turned these red: no second deletion; a failed deletion noted as done; the journal
row of a failed upload dropped; a failed upload taken for done.
"""

from __future__ import annotations

import random
from contextlib import suppress
from datetime import timedelta

import pytest

from gql_service.catalog.binary import BINARIES, BLOB_KEYS, BinaryRecord, StoredBlob, binaries_by_id
from gql_service.catalog.blob import open_binary
from gql_service.database.engine import Database
from gql_service.errors import Conflict, StorageUnavailable
from gql_service.vault.memory import MemoryVault
from tests.builders import ON_SQLITE
from tests.catalog.holding import Shelf, make_shelf
from tests.conftest import SetClock
from tests.vault.faulty import Fault, FaultyVault

DAY = timedelta(days=1)
CONTENTS = [bytes([number]) * (number + 1) for number in range(6)]

pytestmark = ON_SQLITE


@pytest.fixture
def store() -> FaultyVault:
    return FaultyVault(MemoryVault())


@pytest.fixture
def shelf(database: Database, store: FaultyVault, actor: int) -> Shelf:
    return make_shelf(database, store, actor)


def faults(store: FaultyVault, **wanted: Fault) -> None:
    """From now on every `put` or `delete` that is named goes like this."""
    store.fault = lambda what, _key: wanted.get(what, Fault.NONE)


def served(shelf: Shelf, number: int) -> bytes:
    with shelf.database.read() as tx:
        record: BinaryRecord = binaries_by_id(tx, [number])[number]
    return b"".join(open_binary(shelf.database, shelf.vault, record))


def sweep_for(shelf: Shelf, clock: SetClock, *, days: int) -> None:
    for _ in range(days):
        shelf.sweep(force=True)
        clock.advance(DAY)


@pytest.mark.parametrize(
    ("fault", "cleaning"),
    [
        (Fault.REFUSED, Fault.REFUSED),
        (Fault.ANSWER_LOST, Fault.LATE),
        (Fault.LATE, Fault.NONE),
        (Fault.LATE, Fault.LATE),
    ],
)
def test_an_upload_that_failed_comes_and_goes_and_the_next_one_is_sound(
    shelf: Shelf, store: FaultyVault, clock: SetClock, fault: Fault, cleaning: Fault
) -> None:
    faults(store, put=fault, delete=cleaning)
    with pytest.raises(StorageUnavailable):
        shelf.add(b"bytes")
    faults(store)
    (number,) = shelf.add(b"bytes")
    sweep_for(shelf, clock, days=8)  # the dead key's object is deleted for the first time
    store.land()  # and the late upload makes it again
    sweep_for(shelf, clock, days=2)  # until it is deleted for the second time
    assert list(store.keys()) == [shelf.binary(number)["blob_key"]]
    assert [row["state"] for row in shelf.rows(BLOB_KEYS)] == ["live"]
    assert served(shelf, number) == b"bytes"


@pytest.mark.parametrize("fault", [Fault.REFUSED, Fault.ANSWER_LOST, Fault.LATE])
def test_a_deletion_that_was_not_answered_is_repeated_and_hits_nothing_else(
    shelf: Shelf, store: FaultyVault, clock: SetClock, fault: Fault
) -> None:
    shelf.add(b"bytes")
    shelf.purge()
    faults(store, delete=fault)
    sweep_for(shelf, clock, days=10)
    assert shelf.rows(BINARIES) == []
    assert shelf.rows(BLOB_KEYS) != []  # it is not forgotten before it is known to be gone
    (number,) = shelf.add(b"bytes")
    store.land()
    assert served(shelf, number) == b"bytes"
    faults(store)
    sweep_for(shelf, clock, days=3)
    assert shelf.problems() == []
    assert len(list(store.keys())) == 1


def test_an_upload_that_comes_after_everything_was_forgotten_is_reported_and_kept(
    shelf: Shelf, store: FaultyVault, clock: SetClock
) -> None:
    faults(store, put=Fault.LATE)
    with pytest.raises(StorageUnavailable):
        shelf.add(b"bytes")
    faults(store)
    sweep_for(shelf, clock, days=10)
    assert shelf.rows(BLOB_KEYS) == []
    store.land()
    (stray,) = store.keys()
    for report in (shelf.sweep(dry_run=True), shelf.sweep()):
        assert (report.unknown_objects, report.unknown_sample) == (1, (stray,))
    assert list(store.keys()) == [stray]


@pytest.mark.model
@pytest.mark.parametrize("seed", range(6))
def test_whatever_is_late_or_lost_what_was_acknowledged_stays_and_the_rest_goes(
    shelf: Shelf, store: FaultyVault, clock: SetClock, seed: int
) -> None:
    rng = random.Random(seed)
    store.fault = lambda _what, _key: rng.choices(list(Fault), [5, 1, 2, 2])[0]
    held: dict[int, bytes] = {}
    uploaded: list[tuple[StoredBlob, bytes]] = []
    for _ in range(120):
        act = rng.choices(["upload", "publish", "purge", "sweep", "land"], [6, 6, 3, 4, 1])[0]
        if act == "upload":
            content = rng.choice(CONTENTS)
            with suppress(StorageUnavailable):
                uploaded.append((shelf.upload(content), content))
        elif act == "publish" and uploaded:
            blob, content = uploaded.pop(rng.randrange(len(uploaded)))
            with suppress(Conflict):  # its lease has run out
                held[shelf.publish([blob])[0]] = content
        elif act == "purge" and held:
            number = rng.choice(list(held))
            shelf.purge(number)
            del held[number]
        elif act == "sweep":
            shelf.sweep(force=True)
            clock.advance(rng.choice([DAY / 8, DAY]))
        elif act == "land" and store.late:
            store.late.pop(rng.randrange(len(store.late)))()
        assert {number: served(shelf, number) for number in held} == held
    store.land()
    faults(store)
    shelf.purge()
    strays = set(store.keys()) - {row["key"] for row in shelf.rows(BLOB_KEYS)}
    sweep_for(shelf, clock, days=12)
    assert shelf.rows(BLOB_KEYS) == []
    assert set(store.keys()) == strays == set(shelf.sweep().unknown_sample)
