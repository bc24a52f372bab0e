"""The end of deleted datasets: what nobody can read any more goes, what others lie on stays."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from datetime import timedelta

import pytest
import sqlalchemy as sa

from gql_service.catalog.binary import CANDIDATES
from gql_service.catalog.filters import ItemFilter, StringFilter
from gql_service.catalog.line import Layer
from gql_service.catalog.sweep import sweep
from gql_service.catalog.tag import TAGS
from gql_service.catalog.visibility import (
    ANNOTATION_WHITEOUTS,
    ANNOTATIONS,
    DATASETS,
    ITEM_WHITEOUTS,
    ITEMS,
    LINES,
)
from gql_service.database.columns import table_of
from gql_service.database.engine import Tx
from gql_service.errors import ErrorCode
from gql_service.settings import Settings
from gql_service.versions.birth import SOURCES
from gql_service.versions.counting import LABEL_COUNTS
from gql_service.versions.datasets import delete_dataset, restore_dataset
from gql_service.versions.draft import VERSIONS
from gql_service.versions.items import ItemPatch
from gql_service.versions.knowledge import CHOSEN_KEYS, KNOWLEDGE
from gql_service.versions.merge_rules import MergePolicy
from gql_service.versions.report import CONFLICTS, RENAMES, REPORTS
from gql_service.versions.retention import Purge, deleted_since, purge_deleted
from gql_service.versions.selection import Selection
from gql_service.versions.tags import delete_tag, tag_version
from tests.builders import ON_SQLITE, Lab, by_keys, new_item, samples
from tests.conftest import SetClock
from tests.versions.waiting import PATIENCE, wait_for_waiting

MONTH = timedelta(days=30)
NOW = timedelta(0)
OF_STATES = (ITEMS, ANNOTATIONS, ITEM_WHITEOUTS, ANNOTATION_WHITEOUTS, LINES, table_of(Layer))
OF_DATASETS = (TAGS, LABEL_COUNTS, VERSIONS, KNOWLEDGE, SOURCES, REPORTS, CONFLICTS, RENAMES)


def purge(lab: Lab, *datasets: int) -> Purge:
    """Deletes these and purges all that is deleted."""
    for dataset in datasets:
        lab.write(delete_dataset, dataset)
    return lab.write(purge_deleted, NOW)


@ON_SQLITE
def test_a_dataset_is_purged_when_its_time_is_over_and_not_before(
    lab: Lab, clock: SetClock
) -> None:
    dataset, alive = lab.dataset(), lab.dataset()
    lab.write(delete_dataset, dataset)
    clock.advance(MONTH - timedelta(microseconds=1))
    assert lab.write(purge_deleted, MONTH) == Purge(0, 0, 0)
    assert lab.read(deleted_since, MONTH) == []
    lab.write(restore_dataset, dataset)
    lab.write(delete_dataset, dataset)
    clock.advance(MONTH)

    assert lab.read(deleted_since, MONTH) == [dataset]
    assert lab.write(purge_deleted, MONTH) == Purge(1, 3, 3)
    assert lab.write(purge_deleted, MONTH) == Purge(0, 0, 0)

    with lab.refused(ErrorCode.NOT_FOUND):
        lab.shown(dataset)
    assert len(lab.paths(alive)) == 3
    lab.verify()


def test_of_a_dataset_that_nothing_lies_on_only_its_nameless_row_is_left(lab: Lab) -> None:
    source = lab.dataset(*samples(2))
    dataset = lab.clone(source)
    a, b = lab.keys(dataset)
    lab.update(dataset, by_keys(a), ItemPatch(hidden=True))
    lab.delete(dataset, b)
    part = lab.clone(dataset, selection=by_keys(a))
    lab.write(tag_version, dataset, "not golden")
    merged = lab.merge(source, part)

    purge(lab, source, dataset, part, merged)

    assert [len(lab.rows(table)) for table in OF_STATES] == [0] * len(OF_STATES)
    assert [len(lab.rows(table)) for table in OF_DATASETS] == [0] * len(OF_DATASETS)
    assert lab.rows(CHOSEN_KEYS) == []
    assert {(row.name, row.purged_at is None) for row in lab.rows(DATASETS)} == {("", False)}
    lab.verify()


def test_what_a_clone_lies_on_stays_and_the_rest_of_the_line_goes(lab: Lab) -> None:
    source = lab.dataset()
    a, b, c = lab.keys(source)
    old = lab.clone(source)
    lab.update(source, by_keys(a), ItemPatch(metadata={"x": 1}))
    new = lab.clone(source)
    lab.update(source, by_keys(a, b), ItemPatch(metadata={"y": 1}))
    lab.delete(source, c)
    before = lab.shown(old), lab.shown(new)

    report = purge(lab, source)

    assert report == Purge(1, 2, 0)
    assert (lab.shown(old), lab.shown(new)) == before
    lab.verify()


def test_all_pins_count_and_not_only_the_largest(lab: Lab) -> None:
    source = lab.dataset(new_item("/a"))
    (a,) = lab.keys(source)
    clones = [lab.clone(source)]
    for number in range(4):
        lab.update(source, by_keys(a), ItemPatch(metadata={"x": number}))
        if number % 2:
            clones.append(lab.clone(source))
    before = [lab.shown(clone) for clone in clones]

    report = purge(lab, source)

    assert report.item_states == 2
    assert [lab.shown(clone) for clone in clones] == before
    lab.verify()


def test_a_line_in_the_middle_of_a_pile_stays_with_its_whiteouts(lab: Lab) -> None:
    source = lab.dataset()
    a, b, c = lab.keys(source)
    middle = lab.clone(source)
    lab.delete(middle, a)
    top = lab.clone(middle)
    lab.delete(middle, b)
    lab.update(top, by_keys(c), ItemPatch(hidden=True))
    before = lab.shown(top), lab.shown(top, 1)

    purge(lab, middle)
    assert (lab.shown(top), lab.shown(top, 1)) == before
    purge(lab, source)
    assert (lab.shown(top), lab.shown(top, 1)) == before
    lab.verify()

    purge(lab, top)
    assert [len(lab.rows(table)) for table in OF_STATES] == [0] * len(OF_STATES)
    lab.verify()


def test_a_line_that_was_kept_for_a_clone_goes_with_it(lab: Lab) -> None:
    source = lab.dataset()
    clone = lab.clone(source)
    purge(lab, source)
    assert len(lab.rows(ITEMS)) == 3

    report = purge(lab, clone)

    assert report == Purge(1, 3, 3)
    assert lab.rows(LINES) == []


def test_bytes_that_nothing_holds_any_more_are_swept_and_those_of_a_clone_are_not(
    lab: Lab, clock: SetClock
) -> None:
    source = lab.dataset(new_item("/a", 1), new_item("/b", 2))
    kept = lab.clone(source, selection=Selection(where=ItemFilter(path=StringFilter(eq="/a"))))
    rules = Settings(sweep_grace_hours=1, sweep_delete_delay_hours=1)

    purge(lab, source)

    assert {row.binary for row in lab.rows(CANDIDATES)} == {1, 2}
    for _ in range(3):
        sweep(lab.database, lab.vault, rules, force=True)
        clock.advance(timedelta(hours=48))
    sizes = {len(b"".join(lab.vault.read(key))) for key in lab.vault.keys()}  # noqa: SIM118
    assert len(b"first file") in sizes
    assert len(b"second file") not in sizes
    assert lab.paths(kept) == ["/a"]
    lab.verify()


def test_purged_sources_still_count_in_later_merges(lab: Lab) -> None:
    source = lab.dataset(new_item("/a", 1, "cat"), new_item("/b"))
    one, other = lab.clone(source), lab.clone(source)
    a, b = lab.keys(source)
    lab.delete(one, a)
    lab.update(other, by_keys(b), ItemPatch(metadata={"x": 1}))

    purge(lab, source)
    outcome = lab.merging(one, other, policy=MergePolicy.THREE_WAY)

    assert outcome.outcome == "COMBINED"
    assert lab.metadata(outcome.dataset) == {"/b": {"x": 1}}
    lab.verify()


@pytest.mark.parametrize("edit", ["value", "nothing"])
def test_after_a_purge_everything_goes_on(lab: Lab, edit: str) -> None:
    source = lab.dataset()
    clone = lab.clone(source)
    a, b, _ = lab.keys(source)
    purge(lab, source)

    if edit == "value":
        lab.update(clone, by_keys(a), ItemPatch(hidden=True))
        lab.delete(clone, b)
        lab.add(clone, new_item("/new", 1, "dog"))
    copy = lab.clone(clone)

    assert lab.shown(copy) == lab.shown(clone)
    assert lab.paths(clone, 1) == ["/0.jpg", "/1.jpg", "/2.jpg"]
    lab.verify()


def test_a_golden_tag_keeps_a_deleted_dataset_with_its_bytes_while_it_is_there(
    lab: Lab, clock: SetClock
) -> None:
    golden, plain = lab.dataset(new_item("/a", 1, "cat")), lab.dataset(new_item("/b", 2))
    lab.write(tag_version, golden, "gold", 1, golden=True)
    lab.write(tag_version, golden, "plain")
    lab.write(tag_version, plain, "plain")
    before = lab.shown(golden)
    rules = Settings(sweep_grace_hours=1, sweep_delete_delay_hours=1)

    def months_pass() -> set[bytes]:
        """All that is due is purged and swept; what bytes are left."""
        purged = lab.write(purge_deleted, MONTH)
        for _ in range(3):
            sweep(lab.database, lab.vault, rules, force=True)
            clock.advance(MONTH)
        counts.append(purged.datasets)
        return {b"".join(lab.vault.read(key)) for key in list(lab.vault.keys())}

    counts: list[int] = []
    for dataset in (golden, plain):
        lab.write(delete_dataset, dataset)
    clock.advance(MONTH)
    left = months_pass()
    assert b"first file" in left and b"second file" not in left
    assert {row.dataset for row in lab.rows(TAGS)} == {golden}
    lab.verify()
    lab.write(restore_dataset, golden)
    assert lab.shown(golden) == before

    lab.write(delete_dataset, golden)
    clock.advance(MONTH)
    months_pass()
    lab.write(delete_tag, golden, "gold")
    assert b"first file" not in months_pass()

    assert counts == [1, 0, 1]
    assert lab.rows(TAGS) == []
    lab.verify()


def test_a_purge_spares_what_is_made_golden_while_it_waits(lab: Lab) -> None:
    dataset, restored, gone = lab.dataset(), lab.dataset(), lab.dataset()
    for one in (dataset, restored, gone):
        lab.write(delete_dataset, one)
    with ThreadPoolExecutor(1) as pool:

        def make_golden(tx: Tx) -> Future[Purge]:
            restore_dataset(tx, dataset)
            restore_dataset(tx, restored)
            tag_version(tx, dataset, "gold", golden=True)
            delete_dataset(tx, dataset)
            purge = pool.submit(lab.write, purge_deleted, NOW)
            wait_for_waiting(tx, purge)
            return purge

        purged = lab.write(make_golden).result(PATIENCE)

    assert purged.datasets == 1
    lab.write(restore_dataset, dataset)
    assert lab.shown(dataset) and lab.shown(restored)
    lab.verify()


def test_nothing_that_is_left_speaks_of_what_is_gone(lab: Lab) -> None:
    source = lab.dataset()
    lab.clone(source)
    purge(lab, source)

    dangling = sa.select(ITEM_WHITEOUTS.c.state).where(
        ITEM_WHITEOUTS.c.state.not_in(sa.select(ITEMS.c.id))
    )
    assert lab.read(lambda tx: tx.rows(dangling)) == []
