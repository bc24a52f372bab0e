"""A check of the store: silent on every sound one, and for each kind of damage the one finding."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from gql_service.catalog.annotation_content import AnnotationStatus
from gql_service.catalog.binary import BINARIES
from gql_service.catalog.visibility import (
    ANNOTATION_WHITEOUTS,
    ANNOTATIONS,
    ITEM_WHITEOUTS,
    ITEMS,
)
from gql_service.database.engine import Database, Tx
from gql_service.versions.annotations import AnnotationPatch
from gql_service.versions.datasets import delete_dataset, switch_recipe
from gql_service.versions.draft import VERSIONS
from gql_service.versions.items import ItemPatch, UploadMode
from gql_service.versions.merge_rules import MergePolicy
from gql_service.versions.retention import purge_deleted
from gql_service.versions.verify import verify_store, verify_versions
from tests.builders import Lab, by_keys, mark, new_item
from tests.catalog.undone import undone
from tests.versions.damages import (
    Place,
    annotation_without_item,
    closed_after_the_head,
    covered_twice,
    dataset_row,
    dated_after_the_head,
    expired_version,
    forgotten,
    forgotten_annotations,
    index_value,
    late_whiteout,
    layer,
    line_of,
    lost_after_the_head,
    missing_version,
    number,
    overlapping,
    put,
    stray_whiteout,
    surplus_version,
    tag_beyond_the_head,
    two_values,
    wrong_label_count,
)


@pytest.fixture
def place(lab: Lab) -> Place:
    source = lab.dataset(
        new_item("/a", 1, "cat", "dog", metadata={"n": 0}),
        new_item("/b", 2, "cat", metadata={"n": 1}),
        new_item("/c", 3, "cat", metadata={"n": 2}),
    )
    a, b, c = lab.keys(source)
    first = lab.annotations(source)[0].key
    lab.update(source, by_keys(a), ItemPatch(metadata={"x": 1}))
    lab.change(source, AnnotationPatch(first, status=AnnotationStatus.ISSUE))
    clone = lab.clone(source)
    lab.update(clone, by_keys(b), ItemPatch(metadata={"x": 2}))
    (on_b,) = [row.key for row in lab.annotations(clone) if row.item == b]
    lab.change(clone, AnnotationPatch(on_b, label="dog"))
    top = lab.clone(clone)
    return Place(lab, source, clone, top, (a, b, c))


AFTER = "no {} is dated after its dataset's head"
OVERLAP = "no two {} of a key overlap on a line"
COVERS = "every one of {} covers what its line saw"
TWICE = "no state is covered twice in one pile by {}"
ONE_VALUE = "one write of {} is one value everywhere"
COUNTERS, PER_LABEL = "counters are counts", "counts per label are counts"
SEEN = "what is shown has been seen"
NUMBERED = "versions are numbered from 1 to the head"
ORPHANS = "every annotation lies on an item that is shown"
ITEM_TWICE, PATH_TWICE = "every item is shown once", "every path is shown once"
LOCKED_BY = "a locked dataset is not deleted, and was locked by somebody"
HAS_ALL = "an index has the values of all states that it has come to"
HAS_NO_OTHER = "an index has no values but those of the states of its line"
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
REFERENCES = "references are what heads show"

DAMAGES: dict[str, tuple[Callable[[Tx, Place], None], set[str]]] = {
    "an item dated after the head": (
        dated_after_the_head(ITEMS),
        {AFTER.format("item_states")},
    ),
    "an annotation dated after the head": (
        dated_after_the_head(ANNOTATIONS),
        {AFTER.format("annotation_states")},
    ),
    "an item closed after the head": (
        closed_after_the_head(ITEMS),
        {AFTER.format("item_states"), COUNTERS, ORPHANS},
    ),
    "an annotation closed after the head": (
        closed_after_the_head(ANNOTATIONS),
        {AFTER.format("annotation_states"), COUNTERS, PER_LABEL},
    ),
    "an item state twice": (
        overlapping(ITEMS),
        {OVERLAP.format("item_states"), ITEM_TWICE, PATH_TWICE, COUNTERS},
    ),
    "an annotation state twice": (
        overlapping(ANNOTATIONS),
        {
            OVERLAP.format("annotation_states"),
            "every annotation is shown once",
            COUNTERS,
            PER_LABEL,
        },
    ),
    "a whiteout of an item that was not there": (
        stray_whiteout(ITEMS, ITEM_WHITEOUTS),
        {COVERS.format("item_whiteouts")},
    ),
    "a whiteout of an annotation that was not there": (
        stray_whiteout(ANNOTATIONS, ANNOTATION_WHITEOUTS),
        {COVERS.format("annotation_whiteouts")},
    ),
    "an item covered twice": (covered_twice(ITEM_WHITEOUTS), {TWICE.format("item_whiteouts")}),
    "an annotation covered twice": (
        covered_twice(ANNOTATION_WHITEOUTS),
        {TWICE.format("annotation_whiteouts")},
    ),
    "an item whiteout dated after the head": (
        late_whiteout(ITEMS, ITEM_WHITEOUTS),
        {AFTER.format("item_whiteouts"), REFERENCES},
    ),
    "an annotation whiteout dated after the head": (
        late_whiteout(ANNOTATIONS, ANNOTATION_WHITEOUTS),
        {AFTER.format("annotation_whiteouts")},
    ),
    "a pile that is not that of its parent": (
        layer(2, at=3),
        {"a line lies on its parent and on all that lies under it"},
    ),
    "a mask that the parent has not": (
        layer(2, with_status=False),
        {"masks of layers are combined downwards"},
    ),
    "a mask of the parent that does not go through": (
        layer(1, with_metadata=False),
        {"masks of layers are combined downwards"},
    ),
    "a layer at a version to come": (
        layer(1, at=9),
        {"no layer is frozen at a version that is not published"},
    ),
    "a wrong number of items": (number("items"), {COUNTERS}),
    "a wrong number of annotations": (number("annotations"), {COUNTERS}),
    "a wrong number of annotated items": (number("annotated_items"), {COUNTERS}),
    "a wrong number of a label": (wrong_label_count, {PER_LABEL}),
    "values that were never seen": (forgotten, {SEEN}),
    "annotations that were never seen": (forgotten_annotations, {SEEN}),
    "a path that is shown twice": (
        lambda tx, place: put(tx, ITEMS, line_of(tx, place.clone), place.keys[1], path="/c"),
        {PATH_TWICE},
    ),
    "an annotation on nothing": (annotation_without_item, {ORPHANS}),
    "a version that is missing": (missing_version, {NUMBERED}),
    "a version beyond the head": (surplus_version, {NUMBERED}),
    "a tag of a version beyond the head": (
        tag_beyond_the_head,
        {NUMBERED, "every tag is of a published version that is kept"},
    ),
    "a lock that nobody has set": (dataset_row(locked_at=NOON), {LOCKED_BY}),
    "a lock of a deleted dataset": (
        dataset_row(locked_at=NOON, locked_by=1, deleted_at=NOON),
        {LOCKED_BY},
    ),
    "an expired version among those that are kept": (
        expired_version(kept_from=None),
        {"what a dataset keeps has not expired"},
    ),
    "an expired version with a tag": (
        expired_version(kept_from=2, tag="old"),
        {"no version with a tag has expired"},
    ),
    "a head that is not kept": (dataset_row(kept_from=2), {"a dataset keeps its head"}),
    "a retention that nobody has set": (
        dataset_row(keep_days=3),
        {"a retention is of numbers, and was set by somebody"},
    ),
    "a value that an index has lost": (index_value(), {HAS_ALL}),
    "another value in an index": (index_value(number=7), {HAS_ALL, HAS_NO_OTHER}),
    "a value that ends later than its state": (index_value(until=99), {HAS_ALL, HAS_NO_OTHER}),
    "a lost state dated after the head": (
        lost_after_the_head,
        {"no lost state is dated after its dataset's head"},
    ),
}


@pytest.mark.exhaustive
def test_every_damage_of_versions_is_found_and_nothing_else(
    place: Place, subtests: pytest.Subtests
) -> None:
    lab = place.lab
    lab.verify()
    for name, (damage, expected) in DAMAGES.items():
        with subtests.test(name), undone(lab.database, lab.actor) as tx:
            damage(tx, place)
            assert {one.invariant for one in verify_versions(tx)} == expected


OF_COPIES: dict[str, tuple[Callable[[Tx, Place], None], set[str]]] = {
    "another binary": (two_values(ITEMS, binary=2), {ONE_VALUE.format("item_states")}),
    "another origin": (
        two_values(ITEMS, origin_version=1),
        {ONE_VALUE.format("item_states")},
    ),
    "another metadata": (
        two_values(ITEMS, metadata='{"z":1}'),
        {"one write of item_states has one metadata"},
    ),
    "other coordinates": (
        two_values(ANNOTATIONS, coordinates="[]"),
        {ONE_VALUE.format("annotation_states")},
    ),
    "another status": (
        two_values(ANNOTATIONS, status="REVIEW"),
        {"one write of annotation_states has one status"},
    ),
}


def test_copies_that_differ_are_found(place: Place, subtests: pytest.Subtests) -> None:
    lab = place.lab
    lab.clone(place.source, selection=by_keys(*place.keys))
    lab.verify()
    for name, (damage, expected) in OF_COPIES.items():
        with subtests.test(name), undone(lab.database, lab.actor) as tx:
            damage(tx, place)
            assert {one.invariant for one in verify_versions(tx)} == expected


def test_a_copy_behind_a_mask_is_no_other_value(place: Place) -> None:
    for flag in ("with_metadata", "with_status"):
        place.lab.clone(place.source, selection=by_keys(*place.keys), **{flag: False})

    place.lab.verify()


def test_a_finding_says_where(place: Place) -> None:
    place.lab.write(number("items"), place)

    (finding,) = verify_store(place.lab.database, place.lab.vault)

    assert finding.detail == f"dataset {place.source}, version 2: items is 7, there are 3"


def test_an_empty_store_is_sound(database: Database, lab: Lab) -> None:
    lab.verify()


def test_a_rich_history_is_sound_and_every_version_and_binary_is_looked_at(place: Place) -> None:
    lab, (a, b, c) = place.lab, place.keys
    part = lab.clone(place.top, selection=by_keys(a, b), with_metadata=False)
    flat = lab.clone(part, strip_folders=True, with_status=False)
    lab.annotate(flat, a, mark("dog"))
    lab.add(part, new_item("/a", 3, "dog"), new_item("/d"), mode=UploadMode.OVERWRITE)
    lab.move(place.top, {a: "/b", b: "/a"})
    lab.delete(place.clone, c)
    merges = [
        lab.merge(place.source, place.clone, part, flat, policy=policy) for policy in MergePolicy
    ]
    lab.cloning(place.source, destination=merges[0], allow_many=True)
    lab.cloning(merges[1], destination=part)
    lab.write(switch_recipe, flat, lab.twin)
    lab.merge(*merges, with_annotations=False)
    for gone in (place.clone, part, merges[0]):
        lab.write(delete_dataset, gone)
    lab.verify()
    lab.write(purge_deleted, timedelta(0))
    steps = []

    assert verify_store(lab.database, lab.vault, deep=True, progress=lambda: steps.append(1)) == []

    assert len(steps) == len(lab.rows(VERSIONS)) + len(lab.rows(BINARIES))
