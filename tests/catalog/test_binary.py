"""Attaching, reviving and releasing binaries.

Seeded bugs that turned these red: keys claimed without counting them, or in any state; the spare
key left live; a corrupt binary condemned under the state `condemned`; the healed binary's old key
left live; the id of a swept binary given out again on SQLite.
"""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa

from gql_service.catalog.binary import (
    BINARIES,
    BLOB_KEYS,
    CANDIDATES,
    attach,
    binaries_by_id,
    binary_by_sha256,
    mark_corrupt,
    release,
    revive,
)
from gql_service.catalog.blob import abandon
from gql_service.database.engine import Database
from gql_service.errors import Conflict
from gql_service.vault.memory import MemoryVault
from tests.catalog.holding import LEASE, Shelf, make_shelf


@pytest.fixture
def shelf(database: Database, vault: MemoryVault, actor: int) -> Shelf:
    return make_shelf(database, vault, actor)


def test_an_upload_becomes_a_binary_that_can_be_read_by_id_and_by_hash(shelf: Shelf) -> None:
    (number,) = shelf.add(b"hello")
    with shelf.database.read() as tx:
        record = binaries_by_id(tx, [number, number + 1])[number]
        assert binary_by_sha256(tx, record.sha256) == record
        assert binary_by_sha256(tx, "0" * 64) is None
    assert (record.size, record.state) == (5, "live")
    assert shelf.key_state(record.blob_key) == "live"
    assert shelf.problems() == []


def test_equal_contents_share_a_binary_and_the_spare_bytes_turn_dead(shelf: Shelf) -> None:
    one, other, again = (shelf.upload(text) for text in (b"same", b"else", b"same"))
    first, second, third = shelf.publish([one, other, again])
    assert first == third != second
    assert shelf.key_state(again.blob_key) == "dead"
    later = shelf.upload(b"same")
    assert shelf.publish([later]) == [first]
    assert shelf.key_state(later.blob_key) == "dead"
    assert shelf.key_state(one.blob_key) == "live"
    assert shelf.problems() == []


def test_one_upload_may_become_two_items_in_one_transaction_only(shelf: Shelf) -> None:
    blob = shelf.upload(b"once")
    first, second = shelf.publish([blob, blob])
    assert first == second
    with pytest.raises(Conflict):
        shelf.publish([blob])
    assert shelf.problems() == []


def test_many_blobs_cost_a_fixed_number_of_statements(shelf: Shelf, count_statements: Any) -> None:
    counts = []
    for size in (1, 60):
        blobs = [shelf.upload(f"{size}:{n}".encode()) for n in range(size)]
        with count_statements() as statements:
            shelf.database.write(lambda tx, blobs=blobs: attach(tx, blobs))
        counts.append(len(statements))
    assert counts[0] == counts[1]
    assert shelf.database.write(lambda tx: attach(tx, [])) == []


def test_a_transaction_that_fails_leaves_the_upload_pending(shelf: Shelf) -> None:
    blob = shelf.upload(b"tried")

    def failing(tx: Any) -> None:
        attach(tx, [blob])
        raise Conflict("no")

    with pytest.raises(Conflict):
        shelf.database.write(failing)
    assert shelf.key_state(blob.blob_key) == "pending"
    assert shelf.publish([blob])


def test_an_upload_whose_lease_ran_out_cannot_be_attached(shelf: Shelf, clock: Any) -> None:
    kept, late = shelf.upload(b"kept"), shelf.upload(b"late")
    clock.advance(LEASE * 2)
    shelf.sweep()
    with pytest.raises(Conflict):
        shelf.publish([late])
    with pytest.raises(Conflict):
        shelf.publish([kept, late])
    assert shelf.rows(BINARIES) == []


def test_an_abandoned_upload_leaves_no_bytes_and_an_attached_one_cannot_be(shelf: Shelf) -> None:
    gone, kept = shelf.upload(b"gone"), shelf.upload(b"kept")
    shelf.publish([kept])
    abandon(shelf.database, shelf.vault, [gone, kept])
    assert list(shelf.vault.keys()) == [kept.blob_key]
    assert shelf.key_state(gone.blob_key) == "dead"
    assert shelf.problems() == []


def test_a_condemned_binary_comes_back_to_life_by_an_upload(shelf: Shelf, clock: Any) -> None:
    (number,) = shelf.add(b"wanted")
    shelf.purge()
    assert shelf.sweep().condemned == 1
    assert shelf.binary(number)["state"] == "condemned"
    assert shelf.add(b"wanted") == [number]
    assert shelf.binary(number)["state"] == "live"
    clock.advance(LEASE * 3)
    shelf.sweep()
    assert shelf.problems() == []


def test_a_condemned_binary_comes_back_to_life_by_a_writer(shelf: Shelf, clock: Any) -> None:
    (number,) = shelf.add(b"wanted")
    shelf.purge()
    shelf.sweep()
    shelf.name(number)
    assert shelf.binary(number)["state"] == "live"
    assert shelf.binary(number)["condemned_at"] is None
    clock.advance(LEASE * 3)
    assert shelf.sweep().reaped == 0
    assert shelf.problems() == []


def test_a_binary_that_is_gone_cannot_be_revived(shelf: Shelf, clock: Any) -> None:
    (number,) = shelf.add(b"unwanted")
    shelf.purge()
    shelf.sweep()
    clock.advance(LEASE)
    assert shelf.sweep().reaped == 1
    with pytest.raises(Conflict):
        shelf.name(number)
    assert shelf.add(b"another") != [number]


def test_reviving_what_is_not_condemned_changes_nothing(shelf: Shelf) -> None:
    numbers = shelf.add(b"a", b"b")
    shelf.sweep()
    before = shelf.rows(BINARIES)
    shelf.database.write(lambda tx: revive(tx, [*numbers, *numbers]))
    shelf.database.write(lambda tx: revive(tx, []))
    assert shelf.rows(BINARIES) == before
    assert shelf.rows(CANDIDATES) == []


def test_an_upload_heals_a_corrupt_binary_with_its_own_bytes(shelf: Shelf) -> None:
    (number,) = shelf.add(b"precious")
    old = shelf.binary(number)["blob_key"]
    shelf.database.write(lambda tx: mark_corrupt(tx, number, old))
    blob, spare = shelf.upload(b"precious"), shelf.upload(b"precious")
    assert shelf.publish([blob, spare]) == [number, number]
    assert shelf.binary(number)["blob_key"] == blob.blob_key
    assert shelf.binary(number)["state"] == "live"
    assert [shelf.key_state(key) for key in (old, spare.blob_key)] == ["dead", "dead"]
    assert shelf.problems() == []


def test_a_mark_for_an_object_that_was_replaced_is_ignored(shelf: Shelf) -> None:
    (number,) = shelf.add(b"precious")
    shelf.database.write(lambda tx: mark_corrupt(tx, number, "0" * 32))
    assert shelf.binary(number)["state"] == "live"


def test_condemning_does_not_hide_that_a_binary_is_corrupt(shelf: Shelf) -> None:
    (number,) = shelf.add(b"precious")
    old = shelf.binary(number)["blob_key"]
    shelf.database.write(lambda tx: mark_corrupt(tx, number, old))
    shelf.purge()
    assert shelf.sweep().condemned == 1
    shelf.name(number)
    assert shelf.binary(number)["state"] == "corrupt"
    shelf.purge()
    shelf.sweep()
    shelf.add(b"precious")
    assert shelf.binary(number)["state"] == "live"
    assert shelf.binary(number)["blob_key"] != old
    assert shelf.problems() == []


def test_releasing_twice_or_what_is_gone_is_fine(shelf: Shelf) -> None:
    (number,) = shelf.add(b"x")
    for _ in range(2):
        shelf.database.write(lambda tx: release(tx, [number, number, number + 99]))
    assert shelf.rows(CANDIDATES) == [{"binary": number}]


def test_a_thousand_and_one_contents_are_attached_at_once(shelf: Shelf) -> None:
    blob = shelf.upload(b"seed")
    blobs = [type(blob)(f"{n:032x}", f"{n:064x}", 4, "text/plain", None, None) for n in range(1001)]
    lease = shelf.database.clock()
    rows = [{"key": b.blob_key, "state": "pending", "lease_until": lease} for b in blobs]
    shelf.database.write(lambda tx: tx.execute(sa.insert(BLOB_KEYS), rows))
    numbers = shelf.database.write(lambda tx: attach(tx, list(reversed(blobs))))
    with shelf.database.read() as tx:
        found = binaries_by_id(tx, numbers)
    assert [found[n].sha256 for n in numbers] == [b.sha256 for b in reversed(blobs)]
