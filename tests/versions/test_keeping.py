"""Retention of versions: what falls out of all limits expires, and what nobody needs then goes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from gql_service.catalog.binary import BINARIES, CANDIDATES
from gql_service.catalog.filters import ItemFilter, StringFilter
from gql_service.catalog.lineage import items_at
from gql_service.catalog.lost_state import LOST
from gql_service.catalog.visibility import ANNOTATIONS, DATASETS, ITEMS, open_view
from gql_service.errors import ErrorCode
from gql_service.versions.blame import blame_items
from gql_service.versions.datasets import delete_dataset, lift_lock, restore_dataset, set_lock
from gql_service.versions.draft import VERSIONS
from gql_service.versions.forgetting import Forgotten, forget, forget_states, plan_forgetting
from gql_service.versions.history import item_histories
from gql_service.versions.items import ItemPatch
from gql_service.versions.keeping import (
    Outdated,
    by_dataset,
    expire_versions,
    plan_expiry,
    set_retention,
)
from gql_service.versions.merge import MergeOutcome, MergeRequest, merge_datasets
from gql_service.versions.merge_rules import MergePolicy
from gql_service.versions.merge_sources import removals
from gql_service.versions.retention import purge_deleted
from gql_service.versions.revert import RevertRequest, revert_dataset
from gql_service.versions.selection import Selection
from gql_service.versions.tags import delete_tag, tag_version
from tests.builders import ON_SQLITE, Lab, by_keys, new_item
from tests.conftest import SetClock
from tests.versions.needing import check_needed

DAY = timedelta(days=1)
MOMENT = timedelta(microseconds=1)


def swept(lab: Lab) -> tuple[list[Outdated], list[Forgotten]]:
    """Plans and sweeps: what goes is what was planned, and the plan writes nothing."""
    before = lab.everything()
    outdated = lab.read(plan_expiry)
    planned = lab.read(plan_forgetting, by_dataset(outdated))
    assert lab.everything() == before
    assert expire_versions(lab.database) == outdated
    assert forget(lab.database) == planned
    assert lab.read(plan_expiry) == [one for one in outdated if one.kept]
    assert forget(lab.database) == []
    with lab.database.read() as tx:
        for dataset in {one.dataset for one in planned}:
            check_needed(tx, dataset)
    lab.verify()
    return outdated, planned


def edited(lab: Lab, dataset: int, key: int, **metadata: Any) -> None:
    lab.update(dataset, by_keys(key), ItemPatch(metadata=metadata))


def merged_into(lab: Lab, source: int, into: int) -> MergeOutcome:
    return lab.write(merge_datasets, MergeRequest(None, ((source, None),), into=into))


def readable(lab: Lab, dataset: int) -> list[int]:
    rows = lab.rows(VERSIONS)
    return sorted(r.number for r in rows if r.dataset == dataset and r.expired_at is None)


@ON_SQLITE
def test_a_version_expires_when_it_falls_out_of_all_limits(lab: Lab, clock: SetClock) -> None:
    dataset = lab.empty("kept")  # version 1
    for number in range(2, 7):
        clock.advance(DAY)
        lab.add(dataset, new_item(f"/{number}"))
    clock.advance(DAY)  # version n was the head from day n - 1 to day n, and this is day 6
    lab.write(set_retention, dataset, 4, None)
    assert lab.read(plan_expiry) == [Outdated(dataset, "kept", (1, 2))]
    lab.write(set_retention, dataset, None, 3)
    assert lab.read(plan_expiry)[0].versions == (1, 2)  # 3 was the head until 3 days ago
    clock.advance(MOMENT)
    assert lab.read(plan_expiry)[0].versions == (1, 2, 3)
    lab.write(set_retention, dataset, 5, 3)
    assert lab.read(plan_expiry)[0].versions == (1,)
    lab.write(set_retention, dataset, 2, 4)
    lab.write(tag_version, dataset, "kept", 1)

    outdated, _ = swept(lab)

    assert outdated[0].versions == (2,)
    assert readable(lab, dataset) == [1, 3, 4, 5, 6]
    lab.write(delete_tag, dataset, "kept")
    lab.write(set_retention, dataset, 1, None)
    swept(lab)
    assert readable(lab, dataset) == [6]
    lab.write(set_retention, dataset, None, None)
    lab.add(dataset, new_item("/7"))
    assert swept(lab) == ([], [])
    assert readable(lab, dataset) == [6, 7]


def test_what_only_expired_versions_showed_is_freed_and_the_plan_has_said_so(
    lab: Lab, clock: SetClock
) -> None:
    dataset, other = lab.dataset(new_item("/a", 1, "cat"), new_item("/b", 2)), lab.empty()
    a, b = lab.keys(dataset)
    lab.delete(dataset, b)  # 3: binary 2 is held by the past alone
    edited(lab, dataset, a, k=1)  # 4
    lab.add(dataset, new_item("/c", 3))  # 5
    lab.add(other, new_item("/d", 2))
    lab.delete(other, *lab.keys(other))
    for one in (dataset, other):
        lab.write(set_retention, one, 1, None)
    shown = lab.shown(dataset)

    outdated, freed = swept(lab)

    size = next(row.size for row in lab.rows(BINARIES) if row.id == 2)
    assert [one.versions for one in outdated] == [(1, 2, 3, 4), (1, 2)]
    # The first frees none of what the second holds: the last one to let go frees it.
    assert freed == [Forgotten(dataset, 2), Forgotten(other, 1, 0, 1, size)]
    assert lab.shown(dataset) == shown
    assert [row.binary for row in lab.rows(CANDIDATES)] == [1, 2]
    assert {row.binary for row in lab.rows(ITEMS)} == {1, 3}
    assert {(row.key, row.until) for row in lab.rows(LOST)} >= {(b, 3)}
    assert lab.version(dataset, 1).items == 0  # as ever, in the list of versions
    for version in (1, 4):
        with lab.refused(ErrorCode.ERASED):
            lab.shown(dataset, version)
        with lab.refused(ErrorCode.ERASED):
            lab.clone(dataset, version=version)
        with lab.refused(ErrorCode.ERASED):
            lab.write(revert_dataset, RevertRequest(dataset, version))
        with lab.refused(ErrorCode.ERASED, "at"):
            lab.write(tag_version, dataset, "late", version)


def test_states_go_in_batches_and_leave_a_trace_of_what_was_removed_only(lab: Lab) -> None:
    dataset = lab.dataset(*(new_item(f"/{n}", 1, "cat") for n in range(7)))
    keys = lab.keys(dataset)
    for n in range(3):
        lab.update(dataset, by_keys(*keys), ItemPatch(metadata={"n": n}))
    lab.delete(dataset, *keys[:3])
    lab.write(set_retention, dataset, 1, None)
    expire_versions(lab.database)

    found = forget_states(lab.database, dataset, size=2)

    assert (found.item_states, found.annotation_states, found.bytes) == (3 * 7 + 3, 3, 0)
    removed = {(row.key, row.until) for row in lab.rows(LOST) if row.of_item}
    assert removed == {(key, 6) for key in keys[:3]}
    assert len(lab.rows(LOST)) == 6
    assert (len(lab.rows(ITEMS)), len(lab.rows(ANNOTATIONS))) == (4, 4)
    lab.verify()


def test_clones_keep_what_they_lie_on_and_what_a_filter_chose_of_them_is_kept_for_merges(
    lab: Lab,
) -> None:
    source = lab.dataset(new_item("/a", 1, metadata={"k": 0}), new_item("/b", 2))
    a, b = lab.keys(source)
    whole = lab.clone(source, with_metadata=False)
    lab.move(source, {b: "/bb"})
    some = lab.clone(source, selection=Selection(where=ItemFilter(path=StringFilter(eq="/a"))))
    lab.move(source, {b: "/bbb"})
    edited(lab, source, a, k=1)
    shown = lab.shown(whole), lab.shown(some)
    lab.write(set_retention, source, 1, None)

    _, freed = swept(lab)

    assert freed == [Forgotten(source, 1)]  # /bb, which the filter did not choose
    assert (lab.shown(whole), lab.shown(some)) == shown
    lab.write(delete_dataset, whole)
    lab.write(purge_deleted, timedelta(0))
    assert swept(lab) == ([], [Forgotten(source, 1)])  # /b
    merged = lab.merging(source, some, policy=MergePolicy.THREE_WAY)
    assert merged.conflicts == ()
    assert lab.metadata(merged.dataset)["/a"] == {"k": 1}
    lab.write(delete_dataset, some)
    lab.write(delete_dataset, merged.dataset)
    lab.write(purge_deleted, timedelta(0))
    assert swept(lab) == ([], [Forgotten(source, 1)])  # /a with k = 0


def test_a_newer_merge_lets_go_of_what_the_one_before_had_seen(lab: Lab) -> None:
    source = lab.dataset(new_item("/a"))
    into = lab.clone(source, selection=by_keys(*lab.keys(source)))
    (a,) = lab.keys(source)
    for k in (1, 2):
        edited(lab, source, a, k=k)
        merged_into(lab, source, into)
    for one in (source, into):
        lab.write(set_retention, one, 1, None)

    _, freed = swept(lab)

    # Of the source all but the head, which the last merge has seen; the batch of the clone stays.
    assert [one.item_states for one in freed] == [1, 2]
    assert merged_into(lab, source, into).version is None


def test_a_layer_keeps_what_it_lies_on_when_a_merge_has_seen_more_since(lab: Lab) -> None:
    source = lab.dataset(new_item("/a", 1, "cat"), new_item("/b", 2))
    a, b = lab.keys(source)
    clone = lab.clone(source)
    edited(lab, source, b, k=1)
    merged_into(lab, source, clone)
    lab.delete(source, a)
    for one in (source, clone):
        lab.write(set_retention, one, 1, None)
    shown = lab.shown(clone)

    _, freed = swept(lab)

    assert freed == []  # /a and the older /b are under the clone, which shows one and covers one
    assert lab.shown(clone) == shown


def conflict_of(lab: Lab, left: int, right: int) -> list[tuple[Any, ...]]:
    merged = lab.merging(left, right, policy=MergePolicy.UNION)
    return [(one.field, one.base, one.left, one.right) for one in merged.conflicts]


def both_bring_back(lab: Lab, sweep: Callable[[Lab, int], None]) -> list[tuple[Any, ...]]:
    """An item was removed where both sides come from, and both have it again; what both have seen
    last of it is told, unless it is gone."""
    source = lab.dataset(new_item("/a", 1, metadata={"k": "old"}))
    (a,) = lab.keys(source)
    early = lab.clone(source)
    edited(lab, source, a, k="base")
    lab.delete(source, a)
    sides = []
    for value in ("old", "new"):
        side = lab.clone(source)
        merged_into(lab, early, side)
        edited(lab, side, a, k=value, side=value)
        sides.append(side)
    sweep(lab, source)
    return conflict_of(lab, *sides)


def test_a_base_that_is_gone_is_no_base_and_an_older_one_does_not_pass_for_it(lab: Lab) -> None:
    def nothing(_lab: Lab, _source: int) -> None:
        pass

    def retain(lab: Lab, source: int) -> None:
        lab.write(set_retention, source, 1, None)
        swept(lab)

    known = both_bring_back(lab, nothing)
    assert ("metadata.k", "base", "old", "new") in known
    lost = both_bring_back(lab, retain)
    assert ("metadata.k", None, "old", "new") in lost
    assert {field for field, *_ in lost} == {field for field, *_ in known}


def test_a_removal_is_told_to_a_merge_when_the_item_is_gone_for_good(lab: Lab) -> None:
    source = lab.dataset(new_item("/a"), new_item("/b"))
    a, _ = lab.keys(source)
    clone = lab.clone(source, selection=by_keys(a))
    edited(lab, source, a, j=1)  # 3, of which no state is left
    lab.delete(source, a)
    edited(lab, clone, a, k=1)
    lab.write(set_retention, source, 1, None)
    swept(lab)
    lab.add(source, new_item("/c"))
    swept(lab)

    with lab.database.read() as tx:
        assert removals(tx, open_view(tx, source), [a]) == {a: (source, 4)}

    merged = lab.merging(source, clone, policy=MergePolicy.THREE_WAY)

    (told,) = merged.conflicts
    assert (told.field, told.chosen, told.item) == ("removed", "changed", a)


@ON_SQLITE
def test_a_locked_or_deleted_dataset_keeps_its_versions(lab: Lab) -> None:
    dataset = lab.dataset(new_item("/a"))
    lab.delete(dataset, *lab.keys(dataset))
    lab.write(set_retention, dataset, 1, None)
    lab.write(set_lock, dataset)
    outdated, freed = swept(lab)
    assert (outdated[0].versions, freed) == ((1, 2), [])
    assert outdated[0].kept == "The dataset is locked against changes"
    assert readable(lab, dataset) == [1, 2, 3]
    with lab.refused(ErrorCode.DATASET_LOCKED, "datasetId"):
        lab.write(set_retention, dataset, 2, None)
    lab.write(lift_lock, dataset)
    lab.write(delete_dataset, dataset)
    assert swept(lab) == ([], [])
    lab.write(restore_dataset, dataset)
    swept(lab)
    assert readable(lab, dataset) == [3]


@ON_SQLITE
def test_histories_end_where_versions_have_expired_and_blame_says_so(lab: Lab) -> None:
    dataset = lab.dataset(new_item("/a", 1, metadata={"k": 0}))
    (a,) = lab.keys(dataset)
    for version in range(3, 8):
        edited(lab, dataset, a, n=version)

    def past() -> tuple[list[int], bool, dict[Sequence[str], tuple[int, bool]]]:
        with lab.database.read(lab.actor) as tx:
            (item,) = items_at(tx, {(dataset, 7): [a]}).values()
            history = item_histories(tx, [item])[item]
            blamed = blame_items(tx, [item])[item]
        versions = [version for (_, version), _ in history.events]
        return versions, history.complete, {b.path: (b.version, b.or_earlier) for b in blamed}

    events, complete, blamed = past()
    assert (events, complete) == ([7, 6, 5, 4, 3, 2], True)
    assert (blamed["metadata", "k"], blamed["metadata", "n"]) == ((2, False), (7, False))
    lab.write(set_retention, dataset, 3, None)
    lab.write(tag_version, dataset, "kept", 3)
    swept(lab)

    events, complete, blamed = past()

    assert (events, complete) == ([7, 6], False)
    assert (blamed["metadata", "k"], blamed["metadata", "n"]) == ((5, True), (7, False))


@ON_SQLITE
def test_retention_has_bounds(lab: Lab) -> None:
    dataset = lab.empty()
    for given, name in (((0, None), "keepVersions"), ((None, 0), "keepDays")):
        with lab.refused(ErrorCode.INVALID, "retention", name):
            lab.write(set_retention, dataset, *given)
    for given, name in (((1_000_001, None), "keepVersions"), ((1, 36_501), "keepDays")):
        with lab.refused(ErrorCode.LIMIT_EXCEEDED, "retention", name):
            lab.write(set_retention, dataset, *given)
    assert lab.read(lambda tx: tx.scalar(sa.select(DATASETS.c.retention_by))) is None
