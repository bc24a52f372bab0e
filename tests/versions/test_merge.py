"""Merges as people meet them: what comes together, what is reported, and what is refused."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from gql_service.catalog.annotation_content import AnnotationStatus
from gql_service.catalog.dataset_source import sources_of
from gql_service.catalog.filters import ItemFilter, StringFilter
from gql_service.catalog.project import create_project
from gql_service.catalog.recipe import create_recipe
from gql_service.catalog.visibility import DATASETS
from gql_service.database.engine import Database
from gql_service.errors import ErrorCode
from gql_service.jobs.job import JOBS
from gql_service.versions.annotations import AnnotationPatch, add_annotations
from gql_service.versions.datasets import delete_dataset, recipe_at, switch_recipe
from gql_service.versions.items import ItemPatch, UploadMode
from gql_service.versions.merge import MergeOutcome
from gql_service.versions.merge_rules import ConflictPolicy, MergePolicy
from gql_service.versions.paths import PathChange
from gql_service.versions.report_read import (
    ReportRecord,
    conflicts_of,
    count_conflicts,
    merge_reports,
    renames_of,
)
from gql_service.versions.selection import Selection
from tests.builders import ON_SQLITE, PETS, Lab, by_keys, mark, new_item, samples
from tests.catalog.people import new_user
from tests.conftest import CountStatements, SetClock

UNION, THREE_WAY = MergePolicy.UNION, MergePolicy.THREE_WAY
FIRST, LAST, FAIL = ConflictPolicy.FIRST, ConflictPolicy.LAST, ConflictPolicy.FAIL
APPROVED, ISSUE = AnnotationStatus.APPROVED, AnnotationStatus.ISSUE
both_policies = pytest.mark.parametrize("policy", [UNION, THREE_WAY])


def pair(lab: Lab, *items: Any) -> tuple[int, int, list[int], list[int]]:
    """A dataset, its clone, the keys of the items and of the annotations."""
    source = lab.dataset(*items)
    marks = [row.key for row in lab.annotations(source)]
    return source, lab.clone(source), lab.keys(source), marks


def told(outcome: MergeOutcome) -> list[tuple[str, Any, Any, Any, Any]]:
    return [(c.field, c.base, c.left, c.right, c.chosen) for c in outcome.conflicts]


# Clones of one another.


def test_a_merge_is_a_new_dataset_at_version_1_and_its_sources_stay_as_they_are(lab: Lab) -> None:
    source, clone, *_ = pair(lab, *samples(10))
    lab.add(source, new_item("/eleventh"))
    before = lab.shown(source), lab.shown(clone)

    outcome = lab.merging(source, clone, name="both", message="m")

    merged = outcome.dataset
    assert (outcome.version, outcome.outcome) == (1, "COMBINED")
    assert (outcome.items, outcome.annotations) == (11, 10)
    assert (outcome.unified, outcome.summed, outcome.conflicts, outcome.renamed) == (10, 1, (), ())
    row = next(row for row in lab.rows(DATASETS) if row.id == merged)
    assert (row.name, row.type, row.project) == ("both", "MERGE", lab.project)
    version = lab.version(merged, 1)
    assert (version.operation, version.message, version.recipe) == ("MERGE", "m", lab.pets)
    assert lab.read(sources_of, [(merged, 1)])[merged, 1] == [(source, 3), (clone, 1)]
    assert (lab.shown(source), lab.shown(clone)) == before
    assert lab.read(merge_reports, [(merged, 1)]) == {(merged, 1): ReportRecord("COMBINED", 10, 1)}
    assert lab.rows(JOBS)[-1].id == outcome.job
    lab.verify()


@ON_SQLITE
@both_policies
def test_an_untouched_clone_adds_nothing(lab: Lab, policy: MergePolicy) -> None:
    source, clone, *_ = pair(lab)

    for order in ((source, clone), (clone, source)):
        merged = lab.merge(*order, policy=policy)
        assert lab.shown(merged) == lab.shown(source)


def test_two_teams_annotate_and_one_item_has_the_marks_of_both_with_their_authors(
    lab: Lab, database: Database
) -> None:
    source, clone, (item,), _ = pair(lab, new_item("/a"))
    other = new_user(database, "team-b")
    lab.annotate(source, item, mark("cat"))
    database.write(
        lambda tx: add_annotations(tx, clone, [(item, mark("dog"))]),
        actor=other,
    )

    merged = lab.merge(source, clone)

    assert lab.keys(merged) == [item]
    marks = [(row.label, row.created_by, row.origin_dataset) for row in lab.annotations(merged)]
    assert marks == [("cat", lab.actor, source), ("dog", other, clone)]
    lab.verify()


@ON_SQLITE
@both_policies
def test_what_one_side_changed_wins_over_what_the_other_left_alone(
    lab: Lab, policy: MergePolicy
) -> None:
    source, clone, (a, b, c), (mark_a, *_) = pair(lab)
    lab.update(clone, by_keys(a), ItemPatch(metadata={"n": 9}, description="d"))
    lab.move(clone, {b: "/moved.jpg"})
    lab.change(clone, AnnotationPatch(mark_a, label="dog"))
    lab.update(source, by_keys(c), ItemPatch(hidden=True))

    for order in ((source, clone), (clone, source)):
        outcome = lab.merging(*order, policy=policy)
        shown = lab.items(outcome.dataset)
        assert (shown["/0.jpg"].metadata, shown["/0.jpg"].description) == ('{"n":9}', "d")
        assert (shown["/moved.jpg"].key, shown["/2.jpg"].hidden) == (b, True)
        assert lab.labels(outcome.dataset)["/0.jpg"] == ["dog"]
        assert outcome.conflicts == ()
    lab.verify()


def test_different_fields_of_one_item_come_together(lab: Lab) -> None:
    source, clone, (item,), _ = pair(lab, new_item("/a", metadata={"x": 1, "y": 1, "z": 1}))
    lab.update(source, by_keys(item), ItemPatch(metadata={"x": 2, "z": None}, hidden=True))
    lab.update(clone, by_keys(item), ItemPatch(metadata={"y": 2, "new": 1}, description="d"))

    outcome = lab.merging(source, clone)

    (row,) = lab.items(outcome.dataset).values()
    assert (row.metadata, row.hidden, row.description) == ('{"new":1,"x":2,"y":2}', True, "d")
    assert outcome.conflicts == ()
    lab.verify()


@pytest.mark.parametrize(("on_conflict", "chosen"), [(FIRST, 1), (LAST, 2)])
def test_a_field_that_both_changed_is_decided_by_the_order_and_reported(
    lab: Lab, on_conflict: ConflictPolicy, chosen: int
) -> None:
    source, clone, (item,), _ = pair(lab, new_item("/a", metadata={"x": 0}))
    lab.update(source, by_keys(item), ItemPatch(metadata={"x": 1}))
    lab.update(clone, by_keys(item), ItemPatch(metadata={"x": 2}))

    outcome = lab.merging(source, clone, on_conflict=on_conflict)

    assert told(outcome) == [("metadata.x", 0, 1, 2, chosen)]
    assert lab.metadata(outcome.dataset) == {"/a": {"x": chosen}}
    point = (outcome.dataset, 1)
    (record,) = lab.read(conflicts_of, point, limit=9)
    assert (record.item, record.annotation, record.field) == (item, None, "metadata.x")
    assert (record.base, record.left, record.right, record.chosen) == (0, 1, 2, chosen)
    assert (record.left_source, record.right_source) == ((source, 3), (clone, 2))
    assert lab.read(count_conflicts, point) == 1
    assert lab.read(conflicts_of, point, after=0, limit=9) == []
    lab.verify()


def test_files_in_conflict_are_reported_by_their_hash(lab: Lab) -> None:
    source, clone, *_ = pair(lab, new_item("/a", 1))
    lab.add(source, new_item("/a", 2), mode=UploadMode.OVERWRITE)
    lab.add(clone, new_item("/a", 3), mode=UploadMode.OVERWRITE)

    merged = lab.merge(source, clone)

    (record,) = lab.read(conflicts_of, (merged, 1), limit=9)
    assert record.field == "binary"
    values = [record.base, record.left, record.right, record.chosen]
    assert all(isinstance(value, str) and len(value) == 64 for value in values)
    assert record.chosen == record.right


def test_an_annotation_that_both_changed_is_kept_twice_and_reported(lab: Lab) -> None:
    source, clone, (item,), _ = pair(lab, new_item("/a"))
    (key,) = lab.annotate(source, item, mark("cat", metadata={"m": 0})).keys
    clone = lab.clone(source)
    lab.change(source, AnnotationPatch(key, metadata={"m": 1}))
    lab.change(clone, AnnotationPatch(key, label="dog"))

    outcome = lab.merging(source, clone)

    first, second = lab.annotations(outcome.dataset)
    assert [(row.label, row.metadata) for row in (first, second)] == [
        ("cat", '{"m":1}'),
        ("dog", '{"m":0}'),
    ]
    assert first.key == first.root == second.root == key != second.key
    assert (first.origin_dataset, second.origin_dataset) == (source, clone)
    (conflict,) = outcome.conflicts
    assert (conflict.field, conflict.chosen, conflict.annotation) == ("annotation", "both", key)
    assert (conflict.left["label"], conflict.right["label"]) == ("cat", "dog")
    lab.verify()


def test_a_status_that_both_changed_is_one_field_and_the_later_dataset_has_it(lab: Lab) -> None:
    source, clone, _, (key,) = pair(lab, new_item("/a", 1, "cat"))
    lab.change(source, AnnotationPatch(key, status=APPROVED))
    lab.change(clone, AnnotationPatch(key, status=ISSUE))

    outcome = lab.merging(source, clone)

    assert told(outcome) == [("status", None, "APPROVED", "ISSUE", "ISSUE")]
    assert [row.status for row in lab.annotations(outcome.dataset)] == ["ISSUE"]
    lab.verify()


@ON_SQLITE
def test_the_same_change_on_both_sides_is_no_conflict(lab: Lab) -> None:
    source, clone, (item,), (key,) = pair(lab, new_item("/a", 1, "cat"))
    for place in (source, clone):
        lab.update(place, by_keys(item), ItemPatch(metadata={"x": 1}))
        lab.change(place, AnnotationPatch(key, label="dog"))

    outcome = lab.merging(source, clone)

    assert outcome.conflicts == ()
    assert lab.labels(outcome.dataset) == {"/a": ["dog"]}
    lab.verify()


@ON_SQLITE
def test_a_union_ignores_removals(lab: Lab) -> None:
    source, clone, (a, b, c), (_, mark_b, _) = pair(lab)
    lab.delete(clone, a)
    lab.erase(clone, mark_b)

    outcome = lab.merging(source, clone, policy=UNION)

    assert lab.keys(outcome.dataset) == [a, b, c]
    assert outcome.annotations == 3
    lab.verify()


def test_in_a_three_way_merge_a_removal_wins_over_what_was_left_alone(lab: Lab) -> None:
    source, clone, (a, _b, _c), (_, mark_b, _) = pair(lab)
    lab.delete(clone, a)
    lab.erase(clone, mark_b)

    for order in ((source, clone), (clone, source)):
        outcome = lab.merging(*order, policy=THREE_WAY)
        assert lab.labels(outcome.dataset) == {"/1.jpg": [], "/2.jpg": ["cat"]}
        assert outcome.conflicts == ()
    lab.verify()


def test_in_a_three_way_merge_a_change_wins_over_a_removal(lab: Lab) -> None:
    source, clone, (item,), _ = pair(lab, new_item("/a", 1, "cat"))
    lab.update(source, by_keys(item), ItemPatch(metadata={"x": 1}))
    lab.delete(clone, item)

    outcome = lab.merging(source, clone, policy=THREE_WAY)

    assert lab.metadata(outcome.dataset) == {"/a": {"x": 1}}
    assert [(c.item, c.field, c.left_source, c.right_source) for c in outcome.conflicts] == [
        (item, "removed", 0, 1)
    ]
    again = lab.merging(outcome.dataset, clone, policy=THREE_WAY)
    assert lab.metadata(again.dataset) == {"/a": {"x": 1}}
    assert again.conflicts == ()
    lab.verify()


def test_an_item_stays_for_an_annotation_that_its_remover_has_never_seen(lab: Lab) -> None:
    source = lab.dataset(new_item("/a", 1, "cat"))
    clone = lab.clone(source, with_annotations=False)
    lab.delete(clone, *lab.keys(clone))

    outcome = lab.merging(source, clone, policy=THREE_WAY)

    assert lab.labels(outcome.dataset) == {"/a": ["cat"]}
    assert told(outcome) == [("removed", None, "kept", "removed", "kept")]
    lab.verify()


@both_policies
def test_what_a_filtered_clone_did_not_take_is_not_removed(lab: Lab, policy: MergePolicy) -> None:
    source = lab.dataset()
    first = ItemFilter(path=StringFilter(eq="/0.jpg"))
    part = lab.clone(source, selection=Selection(where=first))
    lab.annotate(part, lab.keys(part)[0], mark("dog"))

    merged = lab.merge(source, part, policy=policy)

    assert lab.labels(merged) == {"/0.jpg": ["cat", "dog"], "/1.jpg": ["cat"], "/2.jpg": ["cat"]}
    lab.verify()


@ON_SQLITE
@both_policies
@pytest.mark.parametrize("flag", ["with_annotations", "with_metadata", "with_status"])
def test_what_a_flag_left_out_is_not_an_edit(lab: Lab, policy: MergePolicy, flag: str) -> None:
    source, _, (a, *_), _ = pair(lab)
    clone = lab.clone(source, **{flag: False})
    lab.annotate(clone, a, mark("dog"))

    for order in ((source, clone), (clone, source)):
        merged = lab.merge(*order, policy=policy)
        assert lab.metadata(merged) == lab.metadata(source)
        statuses = [row.status for row in lab.annotations(merged)]
        assert statuses == ["APPROVED", "APPROVED", "APPROVED", None]
    lab.verify()


@pytest.mark.parametrize("flag", ["with_annotations", "with_metadata", "with_status"])
def test_a_merge_leaves_out_what_its_own_flags_say(lab: Lab, flag: str) -> None:
    source, clone, (a, *_), _ = pair(lab)
    lab.annotate(clone, a, mark("dog", status=ISSUE))
    other = lab.dataset()

    merged = lab.merge(source, clone, other, **{flag: False})

    marks, rows = lab.annotations(merged), lab.items(merged).values()
    assert len(marks) == (0 if flag == "with_annotations" else 7)
    if flag == "with_status":
        assert {row.status for row in marks} == {None}
    emptied = {row.metadata for row in rows} == {"{}"}
    assert emptied == (flag == "with_metadata")
    lab.verify()


@both_policies
def test_merging_again_after_more_edits_reports_only_what_is_new(
    lab: Lab, policy: MergePolicy
) -> None:
    source, clone, (item,), _ = pair(lab, new_item("/a", metadata={"x": 0}))
    lab.update(source, by_keys(item), ItemPatch(metadata={"x": 1}))
    lab.update(clone, by_keys(item), ItemPatch(metadata={"x": 2}))
    merged = lab.merge(source, clone)
    lab.annotate(clone, item, mark("dog"))

    again = lab.merging(merged, clone, policy=policy)

    assert again.conflicts == ()
    assert lab.metadata(again.dataset) == {"/a": {"x": 2}}
    assert lab.labels(again.dataset) == {"/a": ["dog"]}
    lab.verify()


def test_three_clones_are_folded_in_their_order(lab: Lab) -> None:
    source = lab.dataset(new_item("/a", metadata={"x": 0}))
    (item,) = lab.keys(source)
    clones = [lab.clone(source) for _ in range(3)]
    for number, clone in enumerate(clones, 1):
        lab.update(clone, by_keys(item), ItemPatch(metadata={"x": number, f"own{number}": 1}))
        lab.annotate(clone, item, mark("dog"))

    outcome = lab.merging(source, *clones)

    assert lab.metadata(outcome.dataset) == {"/a": {"x": 3, "own1": 1, "own2": 1, "own3": 1}}
    assert lab.labels(outcome.dataset) == {"/a": ["dog"] * 3}
    assert told(outcome) == [("metadata.x", 0, 1, 3, 3)]
    lab.verify()


def test_older_versions_are_merged_as_they_were(lab: Lab) -> None:
    source, clone, (a, *_), _ = pair(lab)
    lab.annotate(clone, a, mark("dog"))
    lab.delete(source, a)

    merged = lab.merge(points=((source, 2), (clone, 1)))

    assert lab.shown(merged) == lab.shown(source, 2)
    assert lab.read(sources_of, [(merged, 1)])[merged, 1] == [(source, 2), (clone, 1)]


# Strangers.


def test_strangers_with_equal_recipes_are_summed_and_share_their_bytes(lab: Lab) -> None:
    one = lab.dataset(new_item("/same.jpg", 1, "cat"), new_item("/own"))
    other = lab.dataset(new_item("/same.jpg", 1, "dog"), recipe=lab.twin)
    objects = sorted(lab.vault.keys())

    outcome = lab.merging(one, other)

    assert (outcome.outcome, outcome.unified, outcome.summed) == ("SUMMED", 0, 3)
    assert lab.labels(outcome.dataset) == {
        "/own": [],
        "/same (2).jpg": ["dog"],
        "/same.jpg": ["cat"],
    }
    shown = lab.items(outcome.dataset)
    assert shown["/same.jpg"].binary == shown["/same (2).jpg"].binary
    assert sorted(lab.vault.keys()) == objects
    renamed = [PathChange(lab.keys(other)[0], "/same.jpg", "/same (2).jpg")]
    assert list(outcome.renamed) == renamed
    assert lab.read(renames_of, [(outcome.dataset, 1)])[outcome.dataset, 1] == renamed
    assert lab.read(recipe_at, outcome.dataset, 1).id == lab.pets
    lab.verify()


def test_the_later_dataset_is_the_one_that_is_renamed_however_large_it_is(lab: Lab) -> None:
    small, large = lab.dataset(new_item("/0.jpg", 3)), lab.dataset(*samples(4))

    outcome = lab.merging(small, large)

    assert [change.item for change in outcome.renamed] == [lab.keys(large)[0]]
    assert lab.items(outcome.dataset)["/0.jpg"].key == lab.keys(small)[0]
    lab.verify()


def test_some_relations_make_it_mixed(lab: Lab) -> None:
    source, clone, *_ = pair(lab, new_item("/a"))
    stranger = lab.dataset(new_item("/b"))

    outcome = lab.merging(source, stranger, clone)

    assert (outcome.outcome, outcome.unified, outcome.summed) == ("MIXED", 1, 1)


def test_clones_of_one_source_are_related_without_it(lab: Lab) -> None:
    source = lab.dataset()

    assert lab.merging(lab.clone(source), lab.clone(source)).outcome == "COMBINED"


# Refusals.


def test_different_recipes_are_refused_with_differences_until_one_is_switched(lab: Lab) -> None:
    one, other = lab.dataset(), lab.dataset(new_item("/b"), recipe=lab.birds)

    with lab.refused(ErrorCode.RECIPE_MISMATCH, "datasetIds", 1) as refusal:
        lab.merge(one, other)
    told_of = {(d.kind, d.name) for d in refusal.value.differences}
    assert told_of == {("LABEL_ADDED", "wren"), ("LABEL_REMOVED", "cat"), ("LABEL_REMOVED", "dog")}
    lab.write(switch_recipe, other, lab.pets)

    assert len(lab.paths(lab.merge(one, other))) == 4


@ON_SQLITE
@both_policies
def test_when_conflicts_are_to_fail_one_refuses_everything(lab: Lab, policy: MergePolicy) -> None:
    source, clone, (item, *_), _ = pair(lab)
    lab.update(source, by_keys(item), ItemPatch(description="a"))
    clean = lab.merging(source, clone, on_conflict=FAIL, policy=policy)
    lab.update(clone, by_keys(item), ItemPatch(description="b"))

    with lab.refused(ErrorCode.CONFLICT, "onConflict") as refusal:
        lab.merge(source, clone, on_conflict=FAIL, policy=policy)
    assert "description" in refusal.value.message
    assert clean.conflicts == ()


@ON_SQLITE
def test_fewer_than_two_doubles_and_absent_ones_are_refused(lab: Lab) -> None:
    one, other, gone = lab.dataset(), lab.dataset(), lab.dataset()
    lab.write(delete_dataset, gone)

    for few in ((), (one,)):
        with lab.refused(ErrorCode.INVALID, "datasetIds"):
            lab.merge(*few)
    with lab.refused(ErrorCode.INVALID, "datasetIds", 2):
        lab.merge(one, other, one)
    for absent in (gone, 99):
        with lab.refused(ErrorCode.NOT_FOUND, "datasetIds", 1):
            lab.merge(one, absent)
    with lab.refused(ErrorCode.NOT_FOUND):
        lab.merge(points=((one, 2), (other, 3)))


@ON_SQLITE
def test_a_taken_name_is_refused(lab: Lab) -> None:
    one, other = lab.dataset(name="taken"), lab.dataset()

    with lab.refused(ErrorCode.NAME_TAKEN, "name"):
        lab.merge(one, other, name="taken")
    with lab.refused(ErrorCode.INVALID, "name"):
        lab.merge(one, other, name=" ")


@ON_SQLITE
def test_projects_when_they_are_named_must_have_every_source(lab: Lab) -> None:
    elsewhere = lab.write(create_project, "elsewhere")
    lab.write(create_recipe, elsewhere, "pets", PETS)
    one = lab.dataset()
    other = lab.clone(one, project=elsewhere)

    with lab.refused(ErrorCode.INVALID, "datasetIds", 1):
        lab.merge(one, other, projects=(lab.project,))
    merged = lab.merge(one, other, projects=(elsewhere, lab.project), project=elsewhere)

    row = next(row for row in lab.rows(DATASETS) if row.id == merged)
    assert row.project == elsewhere


# What else it promises.


def test_rows_that_nobody_changed_keep_authors_and_times(lab: Lab, clock: SetClock) -> None:
    source, clone, (a, *_), _ = pair(lab)
    before = lab.shown(source)
    clock.advance(timedelta(days=1))
    lab.update(clone, by_keys(a), ItemPatch(description="d"))

    merged = lab.merge(source, clone)

    shown = lab.shown(merged)
    changed = {key for key, row in shown[0].items() if row != before[0][key]}
    assert changed == {a}
    assert (shown[0][a]["created_at"], shown[0][a]["updated_at"]) == (
        before[0][a]["created_at"],
        clock.now,
    )
    assert shown[1] == before[1]


def test_a_merge_stays_as_it_is_whatever_becomes_of_its_sources(lab: Lab) -> None:
    source, clone, (a, b, _), _ = pair(lab)
    lab.annotate(clone, a, mark("dog"))
    merged = lab.merge(source, clone)
    before = lab.shown(merged)

    lab.delete(source, a, b)
    lab.delete(clone, *lab.keys(clone))
    lab.write(delete_dataset, source)

    assert lab.shown(merged) == before
    lab.verify()


@pytest.mark.parametrize("related", [True, False])
def test_a_hundred_items_cost_as_many_statements_as_one(
    lab: Lab, count_statements: CountStatements, related: bool
) -> None:
    def run(size: int) -> int:
        new = [new_item(f"/{n}", 1, "cat") for n in range(size)]
        source = lab.dataset(*new)
        other = lab.clone(source) if related else lab.dataset(*new)
        for place, value in ((source, 1), (other, 2)):
            patch = ItemPatch(metadata={"x": value})
            lab.update(place, by_keys(*lab.keys(place)), patch)
            marks = [row.key for row in lab.annotations(place)]
            lab.change(place, *(AnnotationPatch(key, metadata={"x": value}) for key in marks))
        with count_statements() as statements:
            outcome = lab.merging(source, other)
        assert len(outcome.conflicts) == (2 * size if related else 0)
        return len(statements)

    assert run(1) == run(100)
