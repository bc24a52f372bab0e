"""The sweep: what it takes, in which steps, and what makes it stop.

Seeded bugs that turned these red: the row deleted and its key left live; the object deleted before
its delay is over; the journal row dropped with the first deletion; unknown objects deleted; no look
at the states before a binary is condemned; no candidate for an attached binary; a candidate never
crossed off; an alarm that is logged only; a limit that forgets what is condemned already. Left
green: no second look at the states before a row is deleted, which the locks and the foreign key
guard too.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from gql_service.catalog.binary import BINARIES, BLOB_KEYS, CANDIDATES, attach
from gql_service.catalog.sweep import SweepReport
from gql_service.catalog.sweep_steps import TooMuch, condemn
from gql_service.database.engine import Database
from gql_service.errors import StorageUnavailable
from gql_service.vault.memory import MemoryVault
from tests.catalog.holding import LEASE, STATES, Shelf, make_shelf

DAY = timedelta(days=1)
GIB = 1024**3


@pytest.fixture
def shelf(database: Database, vault: MemoryVault, actor: int) -> Shelf:
    return make_shelf(database, vault, actor)


def change(shelf: Shelf, statement: Any) -> None:
    shelf.database.write(lambda tx: tx.execute(statement))


def sweeps(shelf: Shelf, clock: Any, *, days: int) -> list[SweepReport]:
    reports = []
    for _ in range(days):
        reports.append(shelf.sweep())
        clock.advance(DAY)
    return reports


def test_delete_everything_sweep_and_the_store_is_empty(shelf: Shelf, clock: Any) -> None:
    shelf.add(b"one", b"two", b"one", b"three")
    shelf.upload(b"never attached")
    shelf.publish([shelf.upload(b"two")])
    sweeps(shelf, clock, days=3)
    assert len(shelf.rows(BINARIES)) == 3
    assert shelf.problems() == []
    shelf.purge()
    reports = sweeps(shelf, clock, days=12)
    assert shelf.is_empty()
    assert sum(report.reaped for report in reports) == 3
    assert reports[-1] == SweepReport()


def test_each_sweep_takes_one_step_and_says_so(shelf: Shelf, clock: Any) -> None:
    (number,) = shelf.add(b"12345")
    key = shelf.binary(number)["blob_key"]
    shelf.sweep()
    shelf.purge()
    assert shelf.sweep() == SweepReport(condemned=1, condemned_bytes=5)
    assert shelf.sweep() == SweepReport()
    clock.advance(DAY)
    assert shelf.sweep() == SweepReport(reaped=1, reaped_bytes=5)
    clock.advance(7 * DAY - timedelta(seconds=1))
    assert shelf.sweep() == SweepReport()
    assert shelf.vault.size(key) == 5
    clock.advance(timedelta(seconds=1))
    assert shelf.sweep() == SweepReport(deleted_objects=1, freed_bytes=5)
    assert shelf.sweep() == SweepReport()
    assert shelf.key_state(key) == "dead"
    clock.advance(DAY)
    assert shelf.sweep() == SweepReport(dropped_keys=1)
    assert shelf.is_empty()


def test_a_dry_run_tells_what_the_next_sweep_does_and_changes_nothing(
    shelf: Shelf, clock: Any
) -> None:
    shelf.add(b"12345", b"kept")
    shelf.publish([shelf.upload(b"kept")])
    shelf.upload(b"pending")
    shelf.purge(shelf.add(b"12345")[0])
    seen = []
    for _ in range(12):
        before = [shelf.rows(table) for table in (BINARIES, BLOB_KEYS, CANDIDATES)]
        told = shelf.sweep(dry_run=True)
        assert [shelf.rows(table) for table in (BINARIES, BLOB_KEYS, CANDIDATES)] == before
        done = shelf.sweep()
        assert told.dry_run
        assert {**_figures(told), "dry_run": False} == _figures(done)
        seen.append(done)
        clock.advance(DAY)
    assert sum(report.freed_bytes for report in seen) == 5 + 5 + 4 + 7


def _figures(report: SweepReport) -> dict[str, Any]:
    return {name: getattr(report, name) for name in report.__slots__}


def test_a_binary_is_kept_while_any_state_names_it(shelf: Shelf, clock: Any) -> None:
    (number,) = shelf.add(b"shared")
    shelf.name(number)
    change(
        shelf,
        sa.delete(STATES).where(
            STATES.c.id == sa.select(sa.func.min(STATES.c.id)).scalar_subquery()
        ),
    )
    sweeps(shelf, clock, days=12)
    assert shelf.binary(number)["state"] == "live"
    assert shelf.rows(CANDIDATES) == []
    assert shelf.problems() == []


def test_a_held_binary_that_is_condemned_all_the_same_is_acquitted(
    shelf: Shelf, clock: Any
) -> None:
    (number,) = shelf.add(b"held")
    change(shelf, sa.update(BINARIES).values(state="condemned", condemned_at=clock()))
    clock.advance(DAY)
    assert shelf.sweep().acquitted == 1
    assert shelf.binary(number)["state"] == "live"


def test_an_attached_binary_that_got_no_state_is_swept(shelf: Shelf, clock: Any) -> None:
    blob = shelf.upload(b"nothing changed")
    shelf.database.write(lambda tx: attach(tx, [blob]))
    sweeps(shelf, clock, days=11)
    assert shelf.is_empty()


def test_an_unfinished_upload_is_swept_after_its_lease(shelf: Shelf, clock: Any) -> None:
    shelf.upload(b"forgotten")
    assert shelf.sweep().expired_uploads == 0
    clock.advance(LEASE + timedelta(seconds=1))
    assert shelf.sweep().expired_uploads == 1
    sweeps(shelf, clock, days=10)
    assert shelf.is_empty()


def test_an_object_that_lands_late_is_deleted_by_the_second_deletion(
    shelf: Shelf, clock: Any
) -> None:
    blob = shelf.upload(b"slow")
    clock.advance(LEASE + timedelta(seconds=1))
    shelf.sweep()
    clock.advance(7 * DAY)
    assert shelf.sweep().deleted_objects == 1
    shelf.vault.put(blob.blob_key, [b"slow"])
    clock.advance(DAY)
    assert shelf.sweep().freed_bytes == 4
    assert shelf.is_empty()


def test_unknown_objects_are_reported_and_never_deleted(shelf: Shelf, clock: Any) -> None:
    shelf.vault.put("f" * 32, [b"who put this here"])
    for report in sweeps(shelf, clock, days=12):
        assert report.unknown_objects == 1
        assert report.unknown_sample == ("f" * 32,)
        assert report.alarms == ()
    assert shelf.vault.size("f" * 32) == 17


@pytest.mark.parametrize("jump", [timedelta(days=-400), timedelta(days=400)])
def test_a_clock_that_jumps_costs_nothing_that_is_held(
    shelf: Shelf, clock: Any, jump: timedelta
) -> None:
    shelf.add(b"held")
    shelf.purge(*shelf.add(b"not held"))
    for _ in range(4):
        pending = shelf.upload(b"on its way")
        clock.advance(jump)
        shelf.sweep()
        clock.advance(-jump)
        shelf.sweep()
        if shelf.key_state(pending.blob_key) == "pending":
            shelf.publish([pending])
        assert shelf.problems() == []
    shelf.purge()
    for _ in range(5):
        clock.advance(DAY * 500)
        shelf.sweep()
    assert shelf.is_empty()


def large(shelf: Shelf, *sizes: int) -> list[int]:
    """Binaries that say they are this large."""
    numbers = shelf.add(*(f"{n} {size}".encode() for n, size in enumerate(sizes)))
    shelf.sweep()
    for number, size in zip(numbers, sizes, strict=True):
        change(shelf, sa.update(BINARIES).where(BINARIES.c.id == number).values(size=size))
    return numbers


def test_more_than_a_fifth_at_once_stops_the_sweep_until_it_is_forced(
    shelf: Shelf, clock: Any
) -> None:
    numbers = large(shelf, *[GIB] * 9)
    shelf.upload(b"to expire")
    clock.advance(2 * DAY)
    shelf.purge(*numbers[:2])
    before = shelf.rows(BLOB_KEYS)
    for dry_run in (True, False):
        (alarm,) = shelf.sweep(dry_run=dry_run).alarms
        assert "force" in alarm
    assert shelf.rows(BLOB_KEYS) == before
    assert {row["state"] for row in shelf.rows(BINARIES)} == {"live"}
    report = shelf.sweep(force=True)
    assert (report.condemned, report.condemned_bytes, report.alarms) == (2, 2 * GIB, ())


def test_a_fifth_is_not_passed_in_small_steps_either(shelf: Shelf, clock: Any) -> None:
    numbers = large(shelf, *[GIB] * 9)
    shelf.purge(numbers[0])
    assert shelf.sweep().alarms == ()
    shelf.purge(numbers[1])
    assert len(shelf.sweep().alarms) == 1
    clock.advance(DAY)
    shelf.purge(numbers[2])
    assert len(shelf.sweep(dry_run=True).alarms) == 1


def test_a_waiting_condemned_half_is_no_alarm_when_nothing_new_would_go(
    shelf: Shelf, clock: Any
) -> None:
    numbers = large(shelf, *[GIB] * 4)
    shelf.purge(*numbers[:2])
    shelf.sweep(force=True)
    assert shelf.sweep().alarms == ()
    clock.advance(DAY)
    assert shelf.sweep().reaped == 2


def test_everyday_deletions_of_a_small_store_need_no_force(shelf: Shelf) -> None:
    shelf.purge(*large(shelf, GIB // 8, GIB // 8))
    assert shelf.sweep().condemned == 2


def test_a_vault_without_its_objects_stops_the_sweep(shelf: Shelf, clock: Any) -> None:
    shelf.add(b"one", b"two")
    shelf.purge(*shelf.add(b"unwanted"))
    other = Shelf(shelf.database, MemoryVault(), shelf.actor, shelf.line)
    assert len(other.sweep(force=True).alarms) == 1
    assert {row["state"] for row in shelf.rows(BINARIES)} == {"live"}
    assert shelf.sweep().condemned == 1


def test_a_binary_known_to_be_corrupt_does_not_stop_the_sweep(shelf: Shelf) -> None:
    (number,) = shelf.add(b"lost")
    shelf.vault.delete(shelf.binary(number)["blob_key"])
    assert len(shelf.sweep().alarms) == 1
    change(shelf, sa.update(BINARIES).values(state="corrupt"))
    assert shelf.sweep().alarms == ()


def test_a_binary_whose_key_is_dead_stops_the_sweep_and_keeps_its_object(
    shelf: Shelf, clock: Any
) -> None:
    (number,) = shelf.add(b"precious")
    change(shelf, sa.update(BLOB_KEYS).values(state="dead", dead_at=clock()))
    clock.advance(30 * DAY)
    assert len(shelf.sweep(force=True).alarms) == 1
    assert shelf.vault.size(shelf.binary(number)["blob_key"]) == 8


class StubbornVault(MemoryVault):
    """Cannot delete one object."""

    stuck = ""

    def delete(self, key: str) -> None:
        if key == self.stuck:
            raise StorageUnavailable("bad sector")
        super().delete(key)


def test_an_object_that_cannot_be_deleted_does_not_keep_the_others(
    database: Database, actor: int, clock: Any
) -> None:
    vault = StubbornVault()
    shelf = make_shelf(database, vault, actor)
    numbers = shelf.add(b"one", b"two", b"three")
    vault.stuck = shelf.binary(numbers[1])["blob_key"]
    shelf.purge()
    reports = sweeps(shelf, clock, days=12)
    assert sum(report.deleted_objects for report in reports) == 2
    assert reports[-1].failed_deletions == 1
    vault.stuck = ""
    sweeps(shelf, clock, days=3)
    assert shelf.is_empty()


class DyingVault(MemoryVault):
    """Kills the sweep at its n-th deletion, before it or after it."""

    def __init__(self, *, after: bool) -> None:
        super().__init__()
        self.after = after
        self.left = 0

    def delete(self, key: str) -> None:
        if self.after:
            super().delete(key)
        if self.left == 0:
            raise KeyboardInterrupt
        self.left -= 1
        super().delete(key)


@pytest.mark.parametrize("after", [False, True])
def test_a_sweep_that_is_killed_while_deleting_is_finished_by_the_next(
    database: Database, actor: int, clock: Any, after: bool
) -> None:
    vault = DyingVault(after=after)
    shelf = make_shelf(database, vault, actor)
    shelf.add(*(bytes([n]) for n in range(5)))
    shelf.purge()
    kills = 0
    for day in range(16):
        vault.left = day % 4
        try:
            shelf.sweep()
        except KeyboardInterrupt:
            kills += 1
        clock.advance(DAY)
    vault.left = 99
    sweeps(shelf, clock, days=3)
    assert kills > 1
    assert shelf.is_empty()


def test_more_than_a_batch_is_swept_in_one_go(
    shelf: Shelf, clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gql_service.catalog.sweep_steps.BATCH", 3)
    shelf.add(*(bytes([n]) for n in range(10)))
    shelf.purge()
    assert shelf.sweep().condemned == 10
    clock.advance(DAY)
    assert shelf.sweep().reaped == 10
    clock.advance(7 * DAY)
    assert shelf.sweep().deleted_objects == 10
    clock.advance(DAY)
    assert shelf.sweep().dropped_keys == 10
    assert shelf.is_empty()


def test_what_was_let_go_after_the_plan_cannot_pass_the_limit(shelf: Shelf) -> None:
    numbers = large(shelf, *[GIB] * 4)
    shelf.purge(*numbers)
    with pytest.raises(TooMuch) as stopped:
        condemn(shelf.database, GIB)
    assert stopped.value.done == []
    assert {row["state"] for row in shelf.rows(BINARIES)} == {"live"}
    assert len(shelf.rows(CANDIDATES)) == 4
