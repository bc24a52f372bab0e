"""Deleting projects and recipes: only what no dataset needs any more."""

from __future__ import annotations

import pytest

from gql_service.catalog.deletion import delete_project, delete_recipe
from gql_service.catalog.member import add_member
from gql_service.catalog.project import (
    Role,
    count_projects,
    create_project,
    project_by_name,
    readable_projects,
)
from gql_service.catalog.recipe import (
    count_recipes,
    create_recipe,
    newest_revision,
    recipe_page,
    recipes_by_id,
    update_recipe,
)
from gql_service.database.engine import Database
from gql_service.errors import Conflict, Forbidden, NotFound
from tests.catalog.people import do, new_dataset, new_user, set_dataset
from tests.catalog.recipes import PETS


@pytest.fixture
def project(database: Database, actor: int) -> int:
    return do(database, actor, create_project, "pets")


@pytest.fixture
def recipe(database: Database, actor: int, project: int) -> int:
    return do(database, actor, create_recipe, project, "Pets", PETS)


def test_a_deleted_project_is_gone_for_everybody_and_its_name_is_free(
    database: Database, actor: int, project: int
) -> None:
    bo = new_user(database, "bo")
    do(database, actor, add_member, project, bo, Role.DEVELOPER)
    do(database, actor, delete_project, project)
    for user in (actor, bo):
        with database.read(user) as tx:
            assert readable_projects(tx) == set()
            assert count_projects(tx) == 0
            assert project_by_name(tx, "pets") is None
    again = do(database, bo, create_project, "pets")
    assert again != project
    do(database, bo, delete_project, again)
    with pytest.raises(NotFound):
        do(database, bo, delete_project, again)


def test_a_project_with_a_dataset_stays_until_that_is_purged(
    database: Database, actor: int, project: int, recipe: int
) -> None:
    dataset = new_dataset(database, actor, project, "cats", recipe)
    for values in ({}, {"deleted_at": database.clock()}):
        if values:
            set_dataset(database, dataset, **values)
        with pytest.raises(Conflict) as refusal:
            do(database, actor, delete_project, project)
        assert refusal.value.path == ("projectId",)
    with database.read(actor) as tx:
        assert readable_projects(tx) == {project}
        assert project_by_name(tx, "pets") is not None
    set_dataset(database, dataset, purged_at=database.clock())
    do(database, actor, delete_project, project)


def test_only_an_owner_deletes_a_project(database: Database, actor: int, project: int) -> None:
    bo, cy = new_user(database, "bo"), new_user(database, "cy")
    do(database, actor, add_member, project, bo, Role.DEVELOPER)
    with pytest.raises(Forbidden):
        do(database, bo, delete_project, project)
    with pytest.raises(NotFound):
        do(database, cy, delete_project, project)


def test_a_deleted_recipe_leaves_its_project_and_is_still_read_by_old_versions(
    database: Database, actor: int, project: int, recipe: int
) -> None:
    do(database, actor, delete_recipe, recipe)
    with database.read(actor) as tx:
        assert recipe_page(tx, project, limit=9) == []
        assert count_recipes(tx, [project]) == {project: 0}
        found = recipes_by_id(tx, [(recipe, 1), (recipe, None)])
        assert found[recipe, 1].deleted_at == tx.now
        assert found[recipe, None].title == "Pets"
        with pytest.raises(NotFound):
            newest_revision(tx, recipe)
    for work, kw in ((delete_recipe, {}), (update_recipe, {"title": "Again"})):
        with pytest.raises(NotFound):
            do(database, actor, work, recipe, **kw)


def test_a_recipe_stays_while_the_head_of_a_dataset_has_it(
    database: Database, actor: int, project: int, recipe: int
) -> None:
    dataset = new_dataset(database, actor, project, "cats", recipe)
    with pytest.raises(Conflict) as refusal:
        do(database, actor, delete_recipe, recipe)
    assert refusal.value.path == ("recipeId",)
    set_dataset(database, dataset, deleted_at=database.clock())
    with pytest.raises(Conflict):
        do(database, actor, delete_recipe, recipe)
    set_dataset(database, dataset, purged_at=database.clock())
    do(database, actor, delete_recipe, recipe)


def test_a_recipe_that_only_an_older_version_had_can_go(
    database: Database, actor: int, project: int, recipe: int
) -> None:
    dataset = new_dataset(database, actor, project, "cats", recipe)
    set_dataset(database, dataset, head=2)
    do(database, actor, delete_recipe, recipe)


def test_only_owners_and_developers_delete_a_recipe(
    database: Database, actor: int, project: int, recipe: int
) -> None:
    bo, cy = new_user(database, "bo"), new_user(database, "cy")
    do(database, actor, add_member, project, bo, Role.ANNOTATION_MANAGER)
    with pytest.raises(Forbidden):
        do(database, bo, delete_recipe, recipe)
    with pytest.raises(NotFound) as refusal:
        do(database, cy, delete_recipe, recipe)
    assert refusal.value.path == ("recipeId",)
