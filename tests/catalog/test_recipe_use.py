"""Recipes as datasets use them: reading through a dataset, cloning, labels in use."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from gql_service.catalog.dataset import LabelCount
from gql_service.catalog.deletion import delete_recipe
from gql_service.catalog.member import add_member
from gql_service.catalog.project import Role, create_project
from gql_service.catalog.recipe import create_recipe, recipes_by_id, update_recipe
from gql_service.catalog.recipe_check import checked
from gql_service.catalog.recipe_use import (
    clone_recipe,
    label_uses,
    readable_recipes,
    recipe_for_use,
)
from gql_service.database.columns import FOREVER, table_of
from gql_service.database.engine import Database, Tx
from gql_service.errors import Forbidden, Invalid, NotFound
from tests.catalog.people import do, new_dataset, new_user, set_dataset
from tests.catalog.recipes import PETS


@pytest.fixture
def project(database: Database, actor: int) -> int:
    return do(database, actor, create_project, "pets")


@pytest.fixture
def recipe(database: Database, actor: int, project: int) -> int:
    return do(database, actor, create_recipe, project, "Pets", PETS)


@pytest.fixture
def bo(database: Database) -> int:
    return new_user(database, "bo")


@pytest.fixture
def own_project(database: Database, bo: int) -> int:
    return do(database, bo, create_project, "bo's")


def readable(database: Database, actor: int, *recipes: int) -> set[int]:
    with database.read(actor) as tx:
        return readable_recipes(tx, recipes)


def test_members_of_its_project_read_a_recipe(
    database: Database, actor: int, project: int, recipe: int, bo: int
) -> None:
    assert readable(database, actor, recipe, 99) == {recipe}
    assert readable(database, bo, recipe, 99) == set()
    do(database, actor, add_member, project, bo, Role.VIEWER)
    assert readable(database, bo, recipe) == {recipe}


def test_a_recipe_is_read_through_a_dataset_of_another_project_while_that_lives(
    database: Database, recipe: int, bo: int, own_project: int
) -> None:
    dataset = new_dataset(database, bo, own_project, "clone", recipe)
    assert readable(database, bo, recipe) == {recipe}
    set_dataset(database, dataset, deleted_at=database.clock())
    assert readable(database, bo, recipe) == set()


def test_a_clone_is_a_recipe_of_its_own(
    database: Database, actor: int, project: int, recipe: int
) -> None:
    clone = do(database, actor, clone_recipe, recipe, project, " Copy ")
    do(database, actor, update_recipe, recipe, title="Edited later")
    with database.read() as tx:
        found = recipes_by_id(tx, [(recipe, 1), (clone, None)])
    assert clone != recipe
    assert found[clone, None].title == "Copy"
    assert found[clone, None].revision == 1
    assert found[clone, None].content == checked(PETS)
    assert found[clone, None].fingerprint == found[recipe, 1].fingerprint


def test_cloning_needs_both_to_read_the_recipe_and_to_write_the_project(
    database: Database, actor: int, project: int, recipe: int, bo: int, own_project: int
) -> None:
    with pytest.raises(NotFound) as refusal:
        do(database, bo, clone_recipe, recipe, own_project, "Mine")
    assert refusal.value.path == ("recipeId",)
    do(database, actor, add_member, project, bo, Role.VIEWER)
    with pytest.raises(Forbidden):
        do(database, bo, clone_recipe, recipe, project, "Mine")
    with pytest.raises(Invalid):
        do(database, bo, clone_recipe, recipe, own_project, "")
    clone = do(database, bo, clone_recipe, recipe, own_project, "Mine")
    with database.read() as tx:
        assert recipes_by_id(tx, [(clone, None)])[clone, None].project == own_project


def test_only_a_readable_recipe_that_is_not_deleted_can_be_taken_up(
    database: Database, actor: int, recipe: int, bo: int
) -> None:
    assert do(database, actor, recipe_for_use, recipe).title == "Pets"
    refusals = []
    for user, number in ((bo, recipe), (actor, 99)):
        with pytest.raises(NotFound) as refusal:
            do(database, user, recipe_for_use, number)
        refusals.append((refusal.value.message, refusal.value.path))
    do(database, actor, delete_recipe, recipe)
    with pytest.raises(NotFound) as refusal:
        do(database, actor, recipe_for_use, recipe)
    assert set(refusals) == {(refusal.value.message, refusal.value.path)}


def count_label(
    database: Database, dataset: int, label: str, annotations: int, until: int = FOREVER
) -> None:
    row = {
        "dataset": dataset,
        "until": until,
        "label": label,
        "since": 1,
        "annotations": annotations,
    }

    def insert(tx: Tx) -> None:
        tx.execute(sa.insert(table_of(LabelCount)).values(row))

    database.write(insert)


def test_uses_of_labels_are_counted_in_heads_that_the_actor_may_read(
    database: Database, actor: int, project: int, recipe: int, bo: int, own_project: int
) -> None:
    other_recipe = do(database, actor, create_recipe, project, "Other", PETS)
    first, second, deleted = (
        new_dataset(database, actor, project, name, recipe) for name in ("a", "b", "c")
    )
    foreign = new_dataset(database, bo, own_project, "clone", recipe)
    unrelated = new_dataset(database, actor, project, "d", other_recipe)
    set_dataset(database, deleted, deleted_at=database.clock())
    for dataset in (first, second, deleted, foreign, unrelated):
        count_label(database, dataset, "person", 10)
    count_label(database, first, "animal.dog", 3)
    count_label(database, second, "animal.dog", 5, until=2)
    with database.read(actor) as tx:
        assert label_uses(tx, recipe, ["person", "animal.dog", "none"]) == {
            "person": 20,
            "animal.dog": 3,
            "none": 0,
        }
        assert label_uses(tx, recipe, []) == {}
    with database.read(bo) as tx:
        assert label_uses(tx, recipe, ["person"]) == {"person": 10}
