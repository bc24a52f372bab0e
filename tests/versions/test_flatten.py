"""Flatten: when it happens, that it is not seen, and what becomes of one that is left half-done.

That every answer stays the same is what the random histories say, in which any step may be followed
by a flatten, or happen in the middle of one (`flattening_steps`). Each of these mistakes was put
into the service on purpose:

| mistake | found by |
|---|---|
| masks forgotten · the own line's whiteouts and states forgotten | histories, seed 0 |
| copies dated with the version · their write not kept | histories, seed 0 |
| the last catch-up missed · annotations caught up under keys of items | histories, seed 0 |
| the line before still counts | … goes on without layers |
| a purge leaves `flat_of` | … outlive their source |
| the lease is not asked for | … who took it |
| items are not caught up | … written meanwhile |
| who removed something before is not looked for | … who removed an item |
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from gql_service.catalog.line import FLATTENINGS, UNBORN
from gql_service.catalog.references import count_references
from gql_service.catalog.storage import storage_of
from gql_service.catalog.visibility import ANNOTATIONS, ITEMS, LAYERS, LINES, open_view
from gql_service.database.engine import Tx
from gql_service.versions import flattening
from gql_service.versions.changes import changed_annotations, changed_items
from gql_service.versions.datasets import delete_dataset, set_lock
from gql_service.versions.flatten import Flattened, Limits, due_datasets, flatten, flatten_due
from gql_service.versions.flattening import LEASE, begin, fill
from gql_service.versions.items import ItemPatch
from gql_service.versions.merge_sources import removals
from gql_service.versions.retention import purge_deleted
from gql_service.versions.verify import verify_versions
from tests.builders import ON_SQLITE, Lab, by_keys, samples
from tests.conftest import SetClock

LIMITS = Limits(layers=2, hidden=1)
NOW = timedelta(0)


def piled(lab: Lab, layers: int) -> int:
    """A dataset of four items, with as many layers, each of which changed one of the items."""
    place = lab.dataset(*samples(4))
    for depth in range(layers):
        place = lab.clone(place)
        lab.update(place, by_keys(lab.keys(place)[depth % 4]), ItemPatch(metadata={"at": depth}))
    return place


def layers(lab: Lab, dataset: int) -> int:
    return lab.read(lambda tx: len(open_view(tx, dataset).sheets) - 1)


def rows(lab: Lab, *tables: sa.Table) -> list[int]:
    return [
        lab.read(lambda tx, t=t: tx.scalar(sa.select(sa.func.count()).select_from(t)))  # type: ignore[misc]
        for t in tables
    ]


def after(count: int, act: Callable[[], object]) -> Callable[[], None]:
    """Something that happens once, so many transactions after the beginning."""
    left = [count]

    def rest() -> None:
        left[0] -= 1
        if left[0] == 0:
            act()

    return rest


def test_above_a_limit_a_dataset_goes_on_without_layers(lab: Lab) -> None:
    low, high = piled(lab, 2), piled(lab, 3)
    before = [lab.shown(high), lab.read(storage_of, [(high, 2)]), lab.read(count_references, [1])]

    assert flatten(lab.database, low, LIMITS) is None
    assert lab.read(due_datasets, LIMITS) == [high]
    assert flatten_due(lab.database, LIMITS) == [Flattened(high, 2)]

    assert (layers(lab, low), layers(lab, high)) == (2, 0)
    assert lab.read(lambda tx: len(open_view(tx, high, 1).sheets)) == 4
    assert before == [
        lab.shown(high),
        lab.read(storage_of, [(high, 2)]),
        lab.read(count_references, [1]),
    ]
    assert lab.read(due_datasets, LIMITS) == []
    lab.verify()


@ON_SQLITE
def test_a_dataset_that_covers_more_than_it_shows_goes_on_without_what_it_covers(lab: Lab) -> None:
    clone = lab.clone(lab.dataset(*samples(4)))
    a, b, c, _ = lab.keys(clone)
    lab.delete(clone, a, b)
    assert lab.read(due_datasets, LIMITS) == []  # it covers as many as it shows
    upper = lab.clone(clone)
    lab.delete(upper, c)

    assert flatten_due(lab.database, LIMITS) == [Flattened(upper, 2)]
    assert len(lab.paths(upper)) == 1
    lab.verify()


@ON_SQLITE
def test_what_is_written_meanwhile_is_there(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flattening, "BATCH", 2)
    high = piled(lab, 3)
    a, b, c, d = lab.keys(high)
    (mark,) = [row.key for row in lab.annotations(high) if row.item == b]

    def write() -> None:
        lab.move(high, {a: "/swap", c: lab.paths(high)[0]})
        lab.move(high, {a: "/2.jpg"})
        lab.delete(high, d)
        lab.erase(high, mark)
        lab.write(set_lock, high)

    for piece in (1, 3, 4, 6):
        if piece == 3:
            shown = lab.shown(high)
        done = flatten(lab.database, high, rest=after(piece, write if piece == 1 else lambda: None))
        assert done == Flattened(high, 6)
    assert lab.shown(high) == shown
    assert lab.paths(high) == ["/0.jpg", "/1.jpg", "/2.jpg"]
    assert lab.keys(high) == [c, b, a]
    assert layers(lab, high) == 0
    lab.verify()


def test_one_process_at_a_time_flattens_a_dataset(lab: Lab) -> None:
    high = piled(lab, 3)
    others: list[Flattened | None] = []

    done = flatten(
        lab.database, high, rest=after(2, lambda: others.append(flatten(lab.database, high)))
    )

    assert (done, others) == (Flattened(high, 2), [None])
    lab.verify()


def test_who_loses_the_lease_leaves_the_dataset_to_who_took_it(lab: Lab, clock: SetClock) -> None:
    high = piled(lab, 3)

    def take_over() -> None:
        clock.advance(LEASE)
        assert flatten(lab.database, high) == Flattened(high, 2)

    assert flatten(lab.database, high, rest=after(2, take_over)) is None
    assert layers(lab, high) == 0
    assert rows(lab, FLATTENINGS) == [0]
    lab.verify()


@ON_SQLITE
def test_what_a_dead_process_has_left_is_thrown_away_when_its_lease_is_over(
    lab: Lab, clock: SetClock
) -> None:
    high = piled(lab, 3)
    before = rows(lab, ITEMS, ANNOTATIONS, LINES)
    making = lab.database.write(lambda tx: begin(tx, high, lambda _tx, _view: True))
    assert making is not None
    fill(lab.database, making, lambda: None)
    lab.verify()

    assert flatten(lab.database, high) is None
    assert lab.read(due_datasets, Limits(99, 99)) == [high]  # it was left half-done
    clock.advance(LEASE)
    assert flatten(lab.database, high, Limits(99, 99)) is None

    assert rows(lab, ITEMS, ANNOTATIONS, LINES) == before
    assert flatten_due(lab.database, LIMITS) == [Flattened(high, 2)]
    lab.verify()


@ON_SQLITE
def test_a_dataset_that_is_deleted_or_purged_meanwhile_leaves_nothing_behind(lab: Lab) -> None:
    first, second = piled(lab, 3), piled(lab, 3)

    def purge(dataset: int) -> None:
        lab.write(delete_dataset, dataset)
        lab.write(purge_deleted, NOW)

    deleted = flatten(lab.database, first, rest=after(2, lambda: lab.write(delete_dataset, first)))
    purged = flatten(lab.database, second, rest=after(2, lambda: purge(second)))

    assert (deleted, purged) == (None, None)
    unborn = sa.select(sa.func.count()).where(LINES.c.born == UNBORN)
    assert lab.read(lambda tx: tx.scalar(unborn)) == 0
    assert rows(lab, FLATTENINGS) == [0]
    assert flatten(lab.database, second) is None
    lab.verify()


@ON_SQLITE
def test_clones_of_before_and_after_outlive_their_source(lab: Lab) -> None:
    high = piled(lab, 3)
    old = lab.clone(high)
    flatten(lab.database, high)
    flatten(lab.database, high)
    new = lab.clone(high)
    assert (layers(lab, old), layers(lab, new)) == (4, 1)
    shown = [lab.items(dataset) for dataset in (old, new)]
    keys = lab.keys(high)
    for dataset in (old, new):
        lab.delete(dataset, keys[0])

    lab.write(delete_dataset, high)
    lab.write(purge_deleted, NOW)

    for dataset, items in zip((old, new), shown, strict=True):
        assert lab.keys(dataset) == keys[1:]
        assert {row.key: row.write for row in lab.items(dataset).values()} == {
            row.key: row.write for row in items.values() if row.key != keys[0]
        }
    assert lab.read(lambda tx: tx.scalar(sa.select(sa.func.count(LINES.c.flat_of)))) == 0
    lab.verify()


@ON_SQLITE
def test_who_removed_an_item_before_is_known(lab: Lab) -> None:
    high = piled(lab, 3)
    a, b, c, _ = lab.keys(high)
    lab.delete(high, a)
    flatten(lab.database, high)
    lab.delete(high, b)
    flatten(lab.database, high)
    lab.delete(high, c)

    ended = lab.read(lambda tx: removals(tx, open_view(tx, high), [a, b, c]))

    assert ended == {a: (high, 3), b: (high, 4), c: (high, 5)}
    lab.verify()


@ON_SQLITE
def test_across_a_flatten_only_what_was_changed_is_compared(lab: Lab) -> None:
    high = piled(lab, 3)
    a, b, c, _ = lab.keys(high)
    other = lab.clone(high)
    flatten(lab.database, high)
    lab.update(high, by_keys(a), ItemPatch(metadata={"later": 1}))
    flatten(lab.database, high)
    heir = lab.clone(high)
    lab.update(other, by_keys(b), ItemPatch(metadata={"apart": 1}))
    lab.update(heir, by_keys(c), ItemPatch(metadata={"above": 1}))

    def changed(tx: Tx, left: tuple[int, int], right: tuple[int, int]) -> set[int]:
        views = open_view(tx, *left), open_view(tx, *right)
        assert changed_annotations(tx, *views) == set()
        return changed_items(tx, *views)

    assert lab.read(changed, (high, 2), (high, 3)) == {a}
    assert lab.read(changed, (other, 2), (heir, 2)) == {a, b, c}
    assert lab.read(changed, (heir, 1), (high, 3)) == set()
    assert rows(lab, LAYERS) == [1 + 2 + 3 + 4 + 1]


@ON_SQLITE
def test_verify_finds_what_is_wrong_with_lines(lab: Lab) -> None:
    high = piled(lab, 3)
    flatten(lab.database, high)
    new, old = lab.read(
        lambda tx: tx.rows(
            sa.select(LINES).where(LINES.c.dataset == high).order_by(LINES.c.id.desc())
        )
    )
    states = sa.update(ITEMS).where(ITEMS.c.line == new.id)
    lines = sa.update(LINES).where(LINES.c.dataset == high)
    layer = {"line": new.id, "below": old.id, "depth": 1, "at": 1}
    masks = dict.fromkeys(("with_annotations", "with_metadata", "with_status"), False)
    lease = {"dataset": high, "line": new.id, "lease_until": datetime(2026, 1, 1, tzinfo=UTC)}
    damages: dict[str, sa.Executable] = {
        "a flattened line began with what was shown": states.values(updated_by=9),
        "item_states that came with a line are copies": states.values(copy_of=None),
        "a dataset goes on with its newest line": lines.values(current=True),
        "a line is unborn as long as it is being filled": sa.insert(FLATTENINGS).values(lease),
        "a flattened line lies on nothing": sa.insert(LAYERS).values(layer | masks),
    }
    for invariant, damage in damages.items():
        assert invariant in lab.write(damaged, damage)
    unborn = sa.insert(LINES).values(dataset=high, born=UNBORN, current=False)
    assert lab.write(damaged, unborn) == {"a line is unborn as long as it is being filled"}
    lab.verify()


def damaged(tx: Tx, damage: sa.Executable) -> set[str]:
    """The invariants that do not hold after it, which is undone."""
    nested = tx.connection.begin_nested()
    tx.execute(damage)
    found = {finding.invariant for finding in verify_versions(tx)}
    nested.rollback()
    return found
