"""Where an import goes: found by name, or made with what it needs."""

from __future__ import annotations

import pytest

from gql_service.catalog.coordinates import AnnotationType
from gql_service.catalog.member import add_member
from gql_service.catalog.project import Role, project_by_name
from gql_service.catalog.visibility import DATASETS
from gql_service.database.engine import Database
from gql_service.errors import ErrorCode, ServiceError
from gql_service.transfer.target import class_recipe, prepare_target
from gql_service.versions.datasets import recipe_at
from tests.builders import ON_SQLITE, Lab
from tests.catalog.people import do, new_user


@ON_SQLITE
def test_project_recipe_and_dataset_are_made_with_the_classes_as_labels(lab: Lab) -> None:
    dataset = lab.write(prepare_target, "new project", "animals", ["cats", "dogs"])

    project = lab.read(project_by_name, "new project")
    (row,) = lab.rows(DATASETS)
    assert project is not None
    assert (row.id, row.name, row.project) == (dataset, "animals", project.id)
    recipe = lab.read(recipe_at, dataset, 1)
    assert [label.name for label in recipe.content.labels] == ["cats", "dogs"]
    assert set(recipe.content.tools) == {AnnotationType.CLASSIFICATION, AnnotationType.BOX}
    assert recipe.content.strict
    assert lab.paths(dataset) == []


@ON_SQLITE
def test_what_is_there_is_found_and_keeps_its_recipe(lab: Lab) -> None:
    dataset = lab.empty("animals")
    before = lab.everything()

    assert lab.write(prepare_target, "lab", " animals ", ["cows"]) == dataset
    assert lab.everything() == before


@ON_SQLITE
def test_a_project_of_others_and_a_role_that_may_not_write_are_refused(
    lab: Lab, database: Database
) -> None:
    stranger = new_user(database, "stranger")

    def attempt() -> ErrorCode:
        with pytest.raises(ServiceError) as refusal:
            do(database, stranger, prepare_target, "lab", "animals", [])
        return refusal.value.code

    assert attempt() is ErrorCode.NAME_TAKEN
    do(database, lab.actor, add_member, lab.project, stranger, Role.ANNOTATOR)
    assert attempt() is ErrorCode.FORBIDDEN


@ON_SQLITE
def test_a_name_that_is_none_is_refused(lab: Lab) -> None:
    for project, dataset in (("", "d"), ("lab", " ")):
        with lab.refused(ErrorCode.INVALID, "name"):
            lab.write(prepare_target, project, dataset, [])


def test_classes_have_colours_however_many_they_are() -> None:
    recipe = class_recipe([str(n) for n in range(20)])

    assert all(label.color for label in recipe.labels)
