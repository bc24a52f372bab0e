"""Datasets as wholes: create, rename, delete, restore, and the choice of their recipe."""

from __future__ import annotations

from datetime import timedelta

import pytest

from gql_service.catalog.deletion import delete_recipe
from gql_service.catalog.recipe import update_recipe
from gql_service.catalog.visibility import DATASETS
from gql_service.errors import ErrorCode
from gql_service.versions.datasets import (
    create_dataset,
    delete_dataset,
    recipe_at,
    rename_dataset,
    restore_dataset,
    switch_recipe,
)
from gql_service.versions.retention import purge_deleted
from tests.builders import BIRDS, ON_SQLITE, Lab, new_item


def labels(lab: Lab, dataset: int, version: int) -> list[str]:
    """Those of the recipe that a version is read under."""
    return [label.name for label in lab.read(recipe_at, dataset, version).content.labels]


def test_a_new_dataset_is_empty_at_version_1(lab: Lab) -> None:
    dataset = lab.write(create_dataset, lab.project, "  cafe\u0301 ", lab.pets, message="begin")

    (row,) = lab.rows(DATASETS)
    assert (row.id, row.name, row.type, row.creator) == (dataset, "café", "MASTER", lab.actor)
    version = lab.version(dataset, 1)
    assert (version.operation, version.message, version.recipe) == ("CREATE", "begin", lab.pets)
    assert (version.items, version.annotations, version.items_added) == (0, 0, 0)
    assert lab.paths(dataset) == []
    lab.verify()


def test_a_name_is_given_once_in_a_project(lab: Lab) -> None:
    lab.empty("café")

    with lab.refused(ErrorCode.NAME_TAKEN, "name") as refusal:
        lab.empty("cafe\u0301")
    assert refusal.value.message == "Dataset with the same name already exists"


@ON_SQLITE
def test_a_name_that_is_none_or_a_recipe_that_is_not_there_is_refused(lab: Lab) -> None:
    lab.write(delete_recipe, lab.birds)

    with lab.refused(ErrorCode.INVALID, "name"):
        lab.empty("  ")
    for absent in (99, lab.birds):
        with lab.refused(ErrorCode.NOT_FOUND, "recipeId"):
            lab.empty(recipe=absent)


def test_another_recipe_is_a_version_and_annotations_stay_as_they_are(lab: Lab) -> None:
    dataset = lab.dataset(new_item("/a", 1, "cat"))

    number = lab.write(switch_recipe, dataset, lab.birds, message="birds now")

    assert number == 3
    version = lab.version(dataset, 3)
    assert (version.operation, version.message) == ("SWITCH_RECIPE", "birds now")
    assert (version.recipe, version.items, version.annotations) == (lab.birds, 1, 1)
    assert lab.labels(dataset) == {"/a": ["cat"]}
    assert lab.read(recipe_at, dataset, 2).id == lab.pets
    lab.verify()


@ON_SQLITE
def test_the_recipe_that_it_has_already_makes_no_version(lab: Lab) -> None:
    dataset = lab.empty()

    assert lab.write(switch_recipe, dataset, lab.pets) is None
    assert lab.head(dataset) == 1


@ON_SQLITE
def test_a_switch_is_refused_for_what_is_absent_or_has_moved(lab: Lab) -> None:
    dataset = lab.empty()

    with lab.refused(ErrorCode.NOT_FOUND, "recipeId"):
        lab.write(switch_recipe, dataset, 99)
    with lab.refused(ErrorCode.NOT_FOUND, "datasetId"):
        lab.write(switch_recipe, 99, lab.birds)
    with lab.refused(ErrorCode.VERSION_MOVED, "expectedVersion"):
        lab.write(switch_recipe, dataset, lab.birds, expected_version=2)


def test_heads_follow_the_newest_revision_and_old_versions_keep_theirs(lab: Lab) -> None:
    dataset = lab.dataset(new_item("/a"))
    clone = lab.clone(dataset, version=1)
    lab.write(update_recipe, lab.pets, content=BIRDS)

    assert labels(lab, dataset, 1) == ["cat", "dog"]
    assert labels(lab, dataset, 2) == labels(lab, clone, 1) == ["wren"]
    lab.add(dataset, new_item("/b", 1, "wren"))
    assert labels(lab, dataset, 2) == ["cat", "dog"]
    assert labels(lab, dataset, 3) == ["wren"]


def test_a_new_name_is_no_version(lab: Lab) -> None:
    dataset = lab.empty("old")

    lab.write(rename_dataset, dataset, " new ")
    lab.write(rename_dataset, dataset, "new")

    assert [row.name for row in lab.rows(DATASETS)] == ["new"]
    assert lab.head(dataset) == 1
    assert lab.empty("old") != dataset


def test_a_rename_is_refused_for_a_taken_name_a_wrong_one_and_an_absent_dataset(lab: Lab) -> None:
    lab.empty("taken")
    dataset, gone = lab.empty("mine"), lab.empty("gone")
    lab.write(delete_dataset, gone)

    with lab.refused(ErrorCode.NAME_TAKEN, "name"):
        lab.write(rename_dataset, dataset, "taken")
    with lab.refused(ErrorCode.INVALID, "name"):
        lab.write(rename_dataset, dataset, "")
    for absent in (gone, 99):
        with lab.refused(ErrorCode.NOT_FOUND, "datasetId"):
            lab.write(rename_dataset, absent, "other")


def test_a_deleted_dataset_frees_its_name_and_can_be_restored(lab: Lab) -> None:
    dataset = lab.dataset(name="mine")
    before = lab.shown(dataset)

    lab.write(delete_dataset, dataset)
    with lab.refused(ErrorCode.NOT_FOUND, "datasetId"):
        lab.write(delete_dataset, dataset)
    with lab.refused(ErrorCode.NOT_FOUND, "datasetId"):
        lab.clone(dataset)
    usurper = lab.empty("mine")
    with lab.refused(ErrorCode.NAME_TAKEN, "name"):
        lab.write(restore_dataset, dataset)
    lab.write(rename_dataset, usurper, "another")
    lab.write(restore_dataset, dataset)

    assert lab.shown(dataset) == before
    lab.add(dataset, new_item("/more"))
    lab.verify()


@ON_SQLITE
@pytest.mark.parametrize("state", ["alive", "purged", "absent"])
def test_what_is_not_deleted_cannot_be_restored(lab: Lab, state: str) -> None:
    dataset = 99 if state == "absent" else lab.empty()
    if state == "purged":
        lab.write(delete_dataset, dataset)
        lab.write(purge_deleted, timedelta(0))

    with lab.refused(ErrorCode.NOT_FOUND, "datasetId"):
        lab.write(restore_dataset, dataset)
