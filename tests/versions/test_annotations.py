"""Annotating: adding, changing and removing labels on items, each call as one version or none."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from gql_service.catalog.annotation_content import AnnotationStatus, AnnotationType
from gql_service.catalog.recipe import update_recipe
from gql_service.database.engine import Database
from gql_service.errors import ErrorCode
from gql_service.versions.annotations import (
    AnnotationPatch,
    NewAnnotation,
    add_annotations,
    update_annotations,
)
from gql_service.versions.given import Outcome
from tests.builders import BIRDS, ON_SQLITE, Lab, mark, new_item
from tests.catalog.people import new_user
from tests.conftest import CountStatements, SetClock

APPROVED, ISSUE = AnnotationStatus.APPROVED, AnnotationStatus.ISSUE
BOX = [{"x": 1, "y": 2.0}, {"x": 3, "y": 4}]


def annotated(lab: Lab, *labels: str) -> tuple[int, list[int]]:
    """A dataset of one item with these labels, and the keys of the annotations."""
    dataset = lab.dataset(new_item("/a", 1, *labels))
    return dataset, [row.key for row in lab.annotations(dataset)]


def test_added_annotations_are_one_version_with_author_message_and_counts(lab: Lab) -> None:
    dataset = lab.dataset(new_item("/a"), new_item("/b"))
    a, _ = lab.keys(dataset)

    outcome = lab.annotate(dataset, a, mark("cat"), mark("dog"), message="two")

    assert (outcome.version, outcome.added) == (3, 2)
    assert lab.labels(dataset) == {"/a": ["cat", "dog"], "/b": []}
    version = lab.version(dataset, 3)
    assert (version.operation, version.message, version.author) == ("ANNOTATE", "two", lab.actor)
    assert (version.annotations, version.annotated_items, version.annotations_added) == (2, 1, 2)
    assert (version.items, version.items_added, version.items_modified) == (2, 0, 0)
    lab.verify()


def test_keys_come_in_the_order_given_and_everything_is_kept_as_given(lab: Lab) -> None:
    dataset = lab.dataset(new_item("/a"))
    (item,) = lab.keys(dataset)
    box = NewAnnotation(AnnotationType.BOX, "dog", BOX, metadata={"m": 1.0}, status=ISSUE)

    outcome = lab.annotate(dataset, item, mark("cat"), box)

    first, second = lab.annotations(dataset)
    assert outcome.keys == (first.key, second.key)
    assert (second.item, second.root, second.type) == (item, second.key, "BOX")
    assert second.coordinates == '[{"x":1,"y":2},{"x":3,"y":4}]'
    assert (second.metadata, second.status, second.status_known) == ('{"m":1}', "ISSUE", True)
    assert (first.attributes, first.coordinates, first.status) == ("{}", "null", None)
    assert (first.origin_dataset, first.origin_version) == (dataset, 3)


def test_annotations_in_a_clone_do_not_reach_the_source(lab: Lab) -> None:
    source, (kept,) = annotated(lab, "cat")
    before = lab.shown(source)
    clone = lab.clone(source)
    (item,) = lab.keys(clone)

    lab.annotate(clone, item, mark("dog"))
    lab.change(clone, AnnotationPatch(kept, label="dog"))
    lab.erase(clone, kept)

    assert lab.labels(clone) == {"/a": ["dog"]}
    assert lab.shown(source) == before
    lab.verify()


@ON_SQLITE
def test_nothing_to_do_makes_no_version(lab: Lab) -> None:
    dataset, (key,) = annotated(lab, "cat")

    assert lab.annotate(dataset, lab.keys(dataset)[0]) == Outcome(None, ())
    assert lab.change(dataset) == Outcome(None, ())
    assert lab.erase(dataset) == Outcome(None, ())
    assert lab.change(dataset, AnnotationPatch(key)).version is None
    assert lab.head(dataset) == 2


@ON_SQLITE
@pytest.mark.parametrize(
    ("wrong", "code", "path"),
    [
        (mark("cow"), ErrorCode.LABEL_UNKNOWN, ("label",)),
        (mark(""), ErrorCode.INVALID, ("label",)),
        (
            NewAnnotation(AnnotationType.POINT, "cat", {"x": 1, "y": "2"}),
            ErrorCode.INVALID,
            ("coordinates", "y"),
        ),
        (mark(coordinates={"x": 1}), ErrorCode.INVALID, ("coordinates",)),
        (mark(attributes={"age": 3}), ErrorCode.LABEL_UNKNOWN, ("attributes", "age")),
        (mark(metadata=[]), ErrorCode.INVALID, ("metadata",)),
    ],
)
def test_a_wrong_annotation_is_named_by_its_place_and_nothing_is_added(
    lab: Lab, wrong: NewAnnotation, code: ErrorCode, path: tuple[str, ...]
) -> None:
    dataset = lab.dataset(new_item("/a"))

    with lab.refused(code, "annotations", 1, *path):
        lab.annotate(dataset, lab.keys(dataset)[0], mark(), wrong)


@ON_SQLITE
def test_an_item_or_annotation_that_is_not_there_is_refused(lab: Lab) -> None:
    dataset, (key,) = annotated(lab, "cat")
    (item,) = lab.keys(dataset)
    other, (foreign,) = annotated(lab, "cat")

    with lab.refused(ErrorCode.NOT_FOUND, "annotations", 1, "itemId"):
        lab.write(add_annotations, dataset, [(item, mark()), (lab.keys(other)[0], mark())])
    with lab.refused(ErrorCode.NOT_FOUND, "annotations", 1, "id"):
        lab.change(dataset, AnnotationPatch(key, label="dog"), AnnotationPatch(foreign))
    with lab.refused(ErrorCode.NOT_FOUND, "ids"):
        lab.erase(dataset, key, foreign)
    with lab.refused(ErrorCode.NOT_FOUND, "datasetId"):
        lab.annotate(99, item, mark())


@ON_SQLITE
def test_an_annotation_that_is_named_twice_in_one_change_is_refused(lab: Lab) -> None:
    dataset, (first, second) = annotated(lab, "cat", "dog")

    with lab.refused(ErrorCode.INVALID, "annotations", 2, "id"):
        lab.change(dataset, *map(AnnotationPatch, (first, second, first)))


@ON_SQLITE
def test_every_change_expects_the_version_that_it_is_told(lab: Lab) -> None:
    dataset, (key,) = annotated(lab, "cat")
    (item,) = lab.keys(dataset)
    changes: list[Any] = [
        lambda **how: lab.annotate(dataset, item, mark(), **how),
        lambda **how: lab.change(dataset, AnnotationPatch(key, label="dog"), **how),
        lambda **how: lab.erase(dataset, key, **how),
    ]
    for change in changes:
        head = lab.head(dataset)
        with lab.refused(ErrorCode.VERSION_MOVED, "expectedVersion") as refusal:
            change(expected_version=head - 1)
        assert refusal.value.current_version == head
        assert change(expected_version=head).version == head + 1


@pytest.mark.parametrize(
    ("given", "column", "value"),
    [
        ({"label": "dog"}, "label", "dog"),
        ({"coordinates": BOX}, "coordinates", '[{"x":1,"y":2},{"x":3,"y":4}]'),
        ({"metadata": {"new": 1}}, "metadata", '{"new":1}'),
        ({"status": APPROVED}, "status", "APPROVED"),
        ({"status": None}, "status", None),
    ],
)
@ON_SQLITE
def test_a_change_replaces_what_is_given_and_keeps_the_rest(
    lab: Lab, given: dict[str, Any], column: str, value: Any
) -> None:
    dataset = lab.dataset(new_item("/a"))
    old = [{"x": 0, "y": 0}, {"x": 1, "y": 1}]
    box = NewAnnotation(AnnotationType.BOX, "cat", old, metadata={"old": 1}, status=ISSUE)
    (key,) = lab.annotate(dataset, lab.keys(dataset)[0], box).keys
    (before,) = lab.annotations(dataset)

    outcome = lab.change(dataset, AnnotationPatch(key, **given))

    (after,) = lab.annotations(dataset)
    changed = {
        name
        for name in ("label", "coordinates", "attributes", "metadata", "status", "item", "root")
        if getattr(after, name) != getattr(before, name)
    }
    assert (outcome.updated, changed, getattr(after, column)) == (1, {column}, value)
    assert lab.version(dataset, outcome.version or 0).annotations_modified == 1


@ON_SQLITE
def test_a_change_counts_only_what_it_changes(lab: Lab) -> None:
    dataset, keys = annotated(lab, "cat", "dog")

    outcome = lab.change(dataset, *(AnnotationPatch(key, label="dog") for key in keys))

    assert (outcome.updated, outcome.keys) == (1, tuple(keys))


def test_the_creator_stays_and_the_updater_is_who_changes(
    lab: Lab, database: Database, clock: SetClock
) -> None:
    dataset, (key,) = annotated(lab, "cat")
    (before,) = lab.annotations(dataset)
    clock.advance(timedelta(hours=1))
    other = new_user(database, "other")

    database.write(
        lambda tx: update_annotations(tx, dataset, [AnnotationPatch(key, status=ISSUE)]),
        actor=other,
    )

    (after,) = lab.annotations(dataset)
    assert (after.created_by, after.created_at) == (lab.actor, before.created_at)
    assert (after.updated_by, after.updated_at) == (other, clock.now)


def test_under_a_label_that_the_recipe_has_lost_everything_but_the_label_can_change(
    lab: Lab,
) -> None:
    dataset, (key,) = annotated(lab, "cat")
    lab.write(update_recipe, lab.pets, content=BIRDS)

    lab.change(dataset, AnnotationPatch(key, status=APPROVED))
    with lab.refused(ErrorCode.LABEL_UNKNOWN, "annotations", 0, "label"):
        lab.change(dataset, AnnotationPatch(key, label="cat"))
    lab.change(dataset, AnnotationPatch(key, label="wren"))

    assert lab.labels(dataset) == {"/a": ["wren"]}
    assert lab.labels(dataset, 3) == {"/a": ["cat"]}
    lab.verify()


def test_removed_annotations_stay_in_history(lab: Lab) -> None:
    dataset, (first, second) = annotated(lab, "cat", "dog")

    outcome = lab.erase(dataset, second, second)

    assert (outcome.version, outcome.removed, outcome.keys) == (3, 1, (second,))
    assert [row.key for row in lab.annotations(dataset)] == [first]
    assert lab.labels(dataset, 2) == {"/a": ["cat", "dog"]}
    assert lab.version(dataset, 3).annotations_removed == 1
    lab.verify()


@pytest.mark.parametrize("change", ["add", "update", "delete"])
def test_a_hundred_annotations_cost_as_many_statements_as_one(
    lab: Lab, count_statements: CountStatements, change: str
) -> None:
    def run(size: int) -> int:
        source = lab.dataset(*[new_item(f"/{n}", 1, "cat") for n in range(size)])
        clone = lab.clone(source)
        items, keys = lab.keys(clone), [row.key for row in lab.annotations(clone)]
        changes: dict[str, Any] = {
            "add": lambda: lab.write(add_annotations, clone, [(item, mark()) for item in items]),
            "update": lambda: lab.change(
                clone, *(AnnotationPatch(key, label="dog") for key in keys)
            ),
            "delete": lambda: lab.erase(clone, *keys),
        }
        with count_statements() as statements:
            changes[change]()
        return len(statements)

    assert run(1) == run(100)
