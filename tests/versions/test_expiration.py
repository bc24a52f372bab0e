"""Expiration: what is too old leaves the head, as one version, and nothing else changes.

Seeded bugs that turned these red: an age counted from the last change, or from the restore; an age
of exactly the days taken for older; the version made in the name of whoever sweeps; the expiration
read from the plan and not under the lock.
"""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

from gql_service.catalog.user import create_user
from gql_service.database.engine import Tx
from gql_service.versions.datasets import delete_dataset, lift_lock, restore_dataset, set_lock
from gql_service.versions.expiration import Expired, expire, plan_expiration, set_expiration
from gql_service.versions.items import ItemPatch
from gql_service.versions.merge import MergeRequest, merge_datasets
from gql_service.versions.revert import restore_items
from tests.builders import Lab, by_keys, mark, new_item, samples
from tests.conftest import SetClock
from tests.versions.waiting import PATIENCE, wait_for_waiting

DAY = timedelta(days=1)
MOMENT = timedelta(microseconds=1)


def swept(lab: Lab) -> list[Expired]:
    """Plans and sweeps: what goes is what was planned, and the plan writes nothing."""
    before = lab.everything()
    plan = lab.read(plan_expiration)
    assert lab.everything() == before
    done = expire(lab.database)
    assert [(one.dataset, one.items, one.annotations, one.kept) for one in done] == [
        (one.dataset, one.items, one.annotations, one.kept) for one in plan
    ]
    assert all((one.version is None) == (one.kept is not None) for one in done)
    lab.verify()
    return done


def test_what_is_older_goes_from_the_head_as_one_version_and_only_there(
    lab: Lab, clock: SetClock
) -> None:
    source = lab.dataset(*samples(2), name="source")
    clock.advance(3 * DAY)
    clone = lab.clone(source, name="clone")
    a, _ = lab.keys(clone)
    young = lab.add(clone, new_item("/young", 1, "dog"))
    lab.update(clone, by_keys(a), ItemPatch(metadata={"x": 1}))
    lab.annotate(clone, a, mark("dog"))
    lab.write(set_expiration, clone, 7)
    before, below = lab.shown(clone), lab.shown(source)
    clock.advance(4 * DAY)
    assert swept(lab) == []
    clock.advance(MOMENT)

    (done,) = swept(lab)

    head = lab.head(clone)
    assert done == Expired(clone, "clone", 7, items=2, annotations=3, version=head)
    assert lab.keys(clone) == list(young.keys)
    assert lab.labels(clone) == {"/young": ["dog"]}
    assert (lab.shown(clone, head - 1), lab.shown(source)) == (before, below)
    made = lab.version(clone, head)
    assert (made.operation, made.author, made.created_at) == ("EXPIRE", lab.actor, clock.now)
    assert made.message == "Older than 7 days, when items of this dataset expire"
    assert (made.items, made.items_removed, made.annotations_removed) == (1, 2, 3)
    assert swept(lab) == []
    assert lab.head(clone) == head

    clock.advance(3 * DAY)
    (done,) = swept(lab)
    assert (done.items, lab.paths(clone), lab.paths(source)) == (1, [], ["/0.jpg", "/1.jpg"])


def test_what_comes_back_is_as_old_as_before_and_goes_again(lab: Lab, clock: SetClock) -> None:
    dataset = lab.dataset()
    clone = lab.clone(dataset)
    lab.write(set_expiration, dataset, 1)
    clock.advance(2 * DAY)
    keys = lab.keys(dataset)
    swept(lab)
    lab.write(restore_items, dataset, 2, keys[:1])
    assert lab.labels(dataset) == {"/0.jpg": ["cat"]}

    assert [one.items for one in swept(lab)] == [1]
    lab.write(set_expiration, dataset, 0)
    lab.write(restore_items, dataset, 2, keys)
    assert swept(lab) == []
    assert lab.shown(dataset)[0].keys() == lab.shown(clone)[0].keys()

    lab.write(set_expiration, dataset, 1)
    swept(lab)
    lab.write(merge_datasets, MergeRequest(None, ((clone, None),), into=dataset))
    assert len(lab.paths(dataset)) == 3
    assert [one.items for one in swept(lab)] == [3]


def test_locked_and_deleted_datasets_wait_and_hold_up_nobody(lab: Lab, clock: SetClock) -> None:
    locked, deleted, free, lasting = (lab.dataset() for _ in range(4))
    for dataset in (locked, deleted, free):
        lab.write(set_expiration, dataset, 1)
    lab.write(set_lock, locked, "frozen")
    lab.write(delete_dataset, deleted)
    clock.advance(DAY + MOMENT)

    held, gone = swept(lab)

    assert (held.dataset, held.items, held.annotations) == (locked, 3, 3)
    assert held.kept == "The dataset is locked against changes: frozen"
    assert (gone.dataset, gone.version) == (free, 3)
    assert [len(lab.paths(one)) for one in (locked, free, lasting)] == [3, 0, 3]
    lab.write(lift_lock, locked)
    lab.write(restore_dataset, deleted)
    assert [one.dataset for one in swept(lab)] == [locked, deleted]


def test_what_is_decided_while_a_sweep_waits_holds(lab: Lab, clock: SetClock) -> None:
    locked, deleted, lifted, taken, longer = (lab.dataset() for _ in range(5))
    for dataset in (locked, deleted, lifted, taken, longer):
        lab.write(set_expiration, dataset, 1)
    clock.advance(2 * DAY)
    eve = lab.write(create_user, "Eve", "eve@example.org")
    with ThreadPoolExecutor(1) as pool:

        def decide(tx: Tx) -> Future[list[Expired]]:
            set_expiration(tx, lifted, 0)
            set_expiration(replace(tx, actor=eve), taken, 1)
            set_expiration(tx, longer, 3)
            set_lock(tx, locked)
            delete_dataset(tx, deleted)
            sweep = pool.submit(expire, lab.database)
            wait_for_waiting(tx, sweep)
            return sweep

        held, gone = lab.write(decide).result(PATIENCE)

    assert (held.dataset, held.kept) == (locked, "The dataset is locked against changes")
    assert (gone.dataset, gone.items) == (taken, 3)
    assert lab.version(taken, 3).author == eve
    assert [lab.head(one) for one in (locked, lifted, longer)] == [2, 2, 2]
    lab.verify()
