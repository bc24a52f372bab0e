"""Clones into a new dataset: whole, filtered and flattened, behind masks, and what stays apart."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from gql_service.catalog.annotation_content import AnnotationStatus
from gql_service.catalog.dataset_source import sources_of
from gql_service.catalog.filters import (
    AnnotationFilter,
    AnnotationsFilter,
    ItemFilter,
    JsonFilter,
    StringFilter,
)
from gql_service.catalog.project import create_project
from gql_service.catalog.visibility import ANNOTATIONS, DATASETS, ITEMS, LAYERS
from gql_service.errors import ErrorCode
from gql_service.jobs.job import JOBS
from gql_service.versions.annotations import AnnotationPatch
from gql_service.versions.clone import CloneRequest
from gql_service.versions.datasets import delete_dataset, recipe_at
from gql_service.versions.items import ItemPatch
from gql_service.versions.paths import PathChange
from gql_service.versions.report_read import renames_of
from gql_service.versions.selection import Selection
from tests.builders import ON_SQLITE, Lab, by_keys, mark, new_item, samples
from tests.conftest import CountStatements, SetClock

HIGH = 10
"""Clones of clones: more layers than a dataset is left with for long."""


def labelled(label: str) -> Selection:
    some = AnnotationFilter(label=StringFilter(eq=label))
    return Selection(where=ItemFilter(annotations=AnnotationsFilter(some=some)))


def globbed(pattern: str) -> Selection:
    return Selection(where=ItemFilter(path=StringFilter(glob=pattern)))


def test_a_clone_with_defaults_shows_what_its_source_shows_and_stores_no_bytes(lab: Lab) -> None:
    source = lab.dataset(*samples(10))
    objects = set(lab.vault.keys())

    outcome = lab.cloning(source, name="copy", message="for team b")

    clone = outcome.dataset
    assert (outcome.version, outcome.items, outcome.annotations, outcome.renamed) == (1, 10, 10, ())
    assert lab.shown(clone) == lab.shown(source)
    assert set(lab.vault.keys()) == objects
    assert lab.read(recipe_at, clone, 1).id == lab.pets
    version = lab.version(clone, 1)
    assert (version.operation, version.message, version.author) == (
        "CLONE",
        "for team b",
        lab.actor,
    )
    row = next(row for row in lab.rows(DATASETS) if row.id == clone)
    assert (row.name, row.type, row.project) == ("copy", "CLONE", lab.project)
    assert lab.read(sources_of, [(clone, 1)]) == {(clone, 1): [(source, 2)]}
    assert lab.head(source) == 2
    lab.verify()


def test_a_whole_clone_costs_a_handful_of_rows(lab: Lab) -> None:
    source = lab.dataset(*samples(30))
    states = len(lab.rows(ITEMS)), len(lab.rows(ANNOTATIONS))

    lab.clone(source)

    assert (len(lab.rows(ITEMS)), len(lab.rows(ANNOTATIONS))) == states
    assert len(lab.rows(LAYERS)) == 1


def test_the_work_is_recorded_as_a_finished_job(lab: Lab) -> None:
    outcome = lab.cloning(lab.dataset())

    (job,) = lab.rows(JOBS)
    assert (job.id, job.kind, job.status) == (outcome.job, "CLONE", "SUCCEEDED")
    assert (job.dataset, job.version, job.done, job.total) == (outcome.dataset, 1, 3, 3)


def test_an_older_version_is_cloned_as_it_was(lab: Lab) -> None:
    source = lab.dataset()
    before = lab.shown(source)
    lab.delete(source, *lab.keys(source))

    for clone in (lab.clone(source, version=2), lab.clone(source, version=2, strip_folders=True)):
        assert lab.shown(clone) == before
    assert lab.paths(lab.clone(source)) == []
    lab.verify()


@pytest.mark.parametrize("how", [{}, {"selection": globbed("/**")}, {"strip_folders": True}])
def test_neither_sees_what_the_other_does_afterwards(lab: Lab, how: dict[str, Any]) -> None:
    source = lab.dataset()
    clone = lab.clone(source, **how)
    at_first = lab.shown(clone)
    a, b, c = lab.keys(source)
    mark_a, mark_b, _ = [row.key for row in lab.annotations(source)]

    lab.update(source, by_keys(a), ItemPatch(metadata={"n": "source"}))
    lab.change(source, AnnotationPatch(mark_a, label="dog"))
    lab.delete(source, b)
    lab.add(source, new_item("/new"))
    assert lab.shown(clone) == at_first
    of_source = lab.shown(source)
    lab.move(clone, {c: "/1.jpg", b: "/2.jpg"})
    lab.change(clone, AnnotationPatch(mark_b, label="dog"))
    lab.delete(clone, a)

    assert lab.shown(source) == of_source
    assert lab.shown(clone, 1) == at_first
    lab.verify()


def test_a_clone_outlives_its_source(lab: Lab) -> None:
    source = lab.dataset()
    clone = lab.clone(source)
    before = lab.shown(clone)

    lab.write(delete_dataset, source)

    assert lab.shown(clone) == before
    lab.add(clone, new_item("/new"))
    lab.verify()


def test_a_filter_on_names_takes_what_matches(lab: Lab) -> None:
    source = lab.dataset(*[new_item(f"/file{n}") for n in range(11)])

    assert lab.paths(lab.clone(source, selection=globbed("/file1*"))) == ["/file1", "/file10"]


def test_only_dogs_come_with_all_their_annotations(lab: Lab) -> None:
    source = lab.dataset(
        new_item("/a", 1, "dog", "cat"), new_item("/b", 1, "cat"), new_item("/c", 1, "dog")
    )

    outcome = lab.cloning(source, selection=labelled("dog"))

    assert lab.labels(outcome.dataset) == {"/a": ["cat", "dog"], "/c": ["dog"]}
    assert (outcome.items, outcome.annotations) == (2, 3)
    shown, held = lab.shown(outcome.dataset), lab.shown(source)
    assert all(held[0][key] == row for key, row in shown[0].items())
    assert all(held[1][key] == row for key, row in shown[1].items())
    lab.verify()


def test_chosen_keys_are_taken_and_an_unknown_one_is_refused(lab: Lab) -> None:
    source = lab.dataset()
    a, _, c = lab.keys(source)

    assert lab.keys(lab.clone(source, selection=by_keys(a, c))) == [a, c]
    with lab.refused(ErrorCode.NOT_FOUND, "ids"):
        lab.clone(source, selection=by_keys(a, 10**9))


def test_a_filter_that_matches_nothing_gives_an_empty_clone(lab: Lab) -> None:
    clone = lab.clone(lab.dataset(), selection=labelled("dog"))

    assert (lab.paths(clone), lab.head(clone)) == ([], 1)
    lab.verify()


PARTS: list[dict[str, Any]] = [{}, {"selection": labelled("cat")}, {"strip_folders": True}]


@pytest.mark.parametrize("part", PARTS)
def test_without_annotations_there_are_none(lab: Lab, part: dict[str, Any]) -> None:
    source = lab.dataset()

    outcome = lab.cloning(source, with_annotations=False, **part)

    assert (outcome.items, outcome.annotations) == (3, 0)
    assert lab.annotations(outcome.dataset) == []
    assert lab.version(outcome.dataset, 1).annotations == 0
    assert lab.metadata(outcome.dataset) == lab.metadata(source)
    lab.verify()


@pytest.mark.parametrize("part", PARTS)
def test_without_metadata_it_is_empty_and_the_file_facts_stay(
    lab: Lab, part: dict[str, Any]
) -> None:
    source = lab.dataset()

    clone = lab.clone(source, with_metadata=False, **part)

    rows = lab.items(clone).values()
    assert {(row.metadata, row.metadata_known) for row in rows} == {("{}", False)}
    assert [row.binary for row in rows] == [row.binary for row in lab.items(source).values()]
    assert lab.labels(clone) == lab.labels(source)
    lab.verify()


@pytest.mark.parametrize("part", PARTS)
def test_without_statuses_they_are_cleared(lab: Lab, part: dict[str, Any]) -> None:
    source = lab.dataset()

    clone = lab.clone(source, with_status=False, **part)

    statuses = {(row.status, row.status_known) for row in lab.annotations(clone)}
    assert statuses == {(None, False)}
    assert {row.status for row in lab.annotations(lab.clone(source))} == {"APPROVED"}
    lab.verify()


def test_a_filter_is_about_what_the_source_shows_whatever_comes_along(lab: Lab) -> None:
    source = lab.dataset(new_item("/a", 1, "dog", metadata={"k": 1}), new_item("/b"))
    by_metadata = Selection(where=ItemFilter(metadata=[JsonFilter(path=["k"], eq=1)]))

    bare = {"with_annotations": False, "with_metadata": False}
    for selection in (labelled("dog"), by_metadata):
        assert lab.paths(lab.clone(source, selection=selection, **bare)) == ["/a"]
    hidden = lab.clone(source, **bare)
    assert lab.paths(lab.clone(hidden, selection=labelled("dog"))) == []
    assert lab.paths(lab.clone(hidden, selection=by_metadata)) == []


def test_what_one_clone_left_out_the_next_cannot_bring_back(lab: Lab) -> None:
    source = lab.dataset()
    first = lab.clone(source, with_metadata=False)
    second = lab.clone(first, with_status=False)
    third = lab.clone(second, with_annotations=False)

    assert {row.metadata for row in lab.items(second).values()} == {"{}"}
    assert {row.status for row in lab.annotations(second)} == {None}
    assert lab.annotations(lab.clone(third)) == []
    lab.verify()


def test_edits_behind_a_mask_say_only_what_they_set(lab: Lab) -> None:
    source = lab.dataset(new_item("/a", 1, metadata={"old": 1}))
    (item,) = lab.keys(source)
    (key,) = lab.annotate(source, item, mark(status=AnnotationStatus.ISSUE)).keys
    clone = lab.clone(source, with_metadata=False, with_status=False)

    lab.update(clone, by_keys(item), ItemPatch(metadata={"new": 1}))
    lab.change(clone, AnnotationPatch(key, label="dog"))
    (row,) = lab.items(clone).values()
    assert (row.metadata, row.metadata_known) == ('{"new":1}', False)
    (row,) = lab.annotations(clone)
    assert (row.status, row.status_known) == (None, False)
    lab.change(clone, AnnotationPatch(key, status=None))

    (row,) = lab.annotations(clone)
    assert (row.status, row.status_known) == (None, True)
    lab.verify()


def test_flattened_items_lie_at_the_top_and_namesakes_are_numbered(lab: Lab) -> None:
    source = lab.dataset(
        new_item("/a/x.jpg", 1, "cat"),
        new_item("/b/x.jpg", 2, "dog"),
        new_item("/c/x (2).jpg", 3),
        new_item("/y"),
    )
    keys = lab.keys(source)

    outcome = lab.cloning(source, strip_folders=True)

    clone = outcome.dataset
    assert {row.key: path for path, row in lab.items(clone).items()} == {
        keys[0]: "/x.jpg",
        keys[1]: "/x (3).jpg",
        keys[2]: "/x (2).jpg",
        keys[3]: "/y",
    }
    renamed = [PathChange(keys[1], "/x.jpg", "/x (3).jpg")]
    assert list(outcome.renamed) == renamed
    assert lab.read(renames_of, [(clone, 1)]) == {(clone, 1): renamed}
    assert lab.labels(clone)["/x (3).jpg"] == ["dog"]
    origins = {path: row.origin_dataset for path, row in lab.items(clone).items()}
    assert (origins["/y"], origins["/x.jpg"]) == (source, clone)
    lab.verify()


def test_a_clone_goes_into_another_project_where_its_name_is_free(lab: Lab) -> None:
    source = lab.dataset(name="same")
    project = lab.write(create_project, "other")

    clone = lab.clone(source, name="same", project=project)

    row = next(row for row in lab.rows(DATASETS) if row.id == clone)
    assert (row.project, row.name) == (project, "same")
    assert lab.read(recipe_at, clone, 1).id == lab.pets


def test_copies_keep_authors_and_times(lab: Lab, clock: SetClock) -> None:
    source = lab.dataset(new_item("/d/a", 1, "cat"))
    made = clock.now
    clock.advance(timedelta(days=1))

    for how in ({}, {"selection": globbed("/**")}, {"strip_folders": True}):
        clone = lab.clone(source, **how)
        for row in (*lab.items(clone).values(), *lab.annotations(clone)):
            assert (row.created_at, row.updated_at) == (made, made)
        assert lab.version(clone, 1).created_at == clock.now


def test_clones_of_clones_lie_on_all_that_lies_under_their_source(lab: Lab) -> None:
    place = lab.dataset(*samples(2))
    (a, b) = lab.keys(place)
    for depth in range(HIGH):
        place = lab.clone(place)
        lab.update(place, by_keys(a), ItemPatch(metadata={"depth": depth}))

    assert lab.metadata(place) == {
        "/0.jpg": {"n": 0, "depth": HIGH - 1},
        "/1.jpg": {"n": 1},
    }
    depths = lab.read(
        lambda tx: tx.scalar(sa.select(sa.func.max(LAYERS.c.depth)).select_from(LAYERS))
    )
    assert depths == HIGH
    assert [row.key for row in lab.items(place).values()] == [a, b]
    lab.verify()


@ON_SQLITE
def test_a_clone_needs_a_name_or_a_destination_and_not_both(lab: Lab) -> None:
    source, other = lab.dataset(), lab.dataset()

    with lab.refused(ErrorCode.INVALID, "name") as refusal:
        lab.clone(source, name=None)
    assert refusal.value.message == "Must provide clone name or destination dataset id"
    with lab.refused(ErrorCode.INVALID, "destination"):
        lab.clone(source, name="x", destination=other)


def test_a_taken_name_is_refused_and_nothing_is_created(lab: Lab) -> None:
    source = lab.dataset(name="taken")

    for part in PARTS:
        with lab.refused(ErrorCode.NAME_TAKEN, "name") as refusal:
            lab.clone(source, name="taken", **part)
        assert refusal.value.message == "Dataset with the same name already exists"


@ON_SQLITE
def test_a_source_that_is_absent_deleted_or_not_so_old_is_refused(lab: Lab) -> None:
    source, gone = lab.dataset(), lab.dataset()
    lab.write(delete_dataset, gone)

    for absent in (gone, 99):
        with lab.refused(ErrorCode.NOT_FOUND, "datasetId"):
            lab.clone(absent)
    for version in (0, 3):
        with lab.refused(ErrorCode.NOT_FOUND):
            lab.clone(source, version=version)


@ON_SQLITE
def test_a_new_clone_expects_the_version_of_its_source(lab: Lab) -> None:
    source = lab.dataset()

    with lab.refused(ErrorCode.VERSION_MOVED, "expectedVersion") as refusal:
        lab.clone(source, expected_version=1)
    assert refusal.value.current_version == 2
    lab.clone(source, expected_version=2, version=1)


@ON_SQLITE
def test_a_filter_that_is_too_large_is_refused(lab: Lab) -> None:
    source = lab.dataset()
    deep = ItemFilter(hidden=False)
    for _ in range(20):
        deep = ItemFilter(not_=deep)

    with lab.refused(ErrorCode.LIMIT_EXCEEDED, "where", *["not"] * 8):
        lab.clone(source, selection=Selection(where=deep))


@pytest.mark.parametrize("part", PARTS)
def test_a_hundred_items_cost_as_many_statements_as_one(
    lab: Lab, count_statements: CountStatements, part: dict[str, Any]
) -> None:
    def run(size: int) -> int:
        source = lab.dataset(*[new_item(f"/d/{n}", 1, "cat") for n in range(size)])
        with count_statements() as statements:
            assert lab.cloning(source, **part).items == size
        return len(statements)

    assert run(1) == run(100)


def test_a_request_says_nothing_unless_it_is_told() -> None:
    request = CloneRequest(1)

    assert request.with_annotations and request.with_metadata and request.with_status
    assert not (request.strip_folders or request.allow_many)
