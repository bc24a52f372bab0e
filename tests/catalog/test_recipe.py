"""Recipes as rows: revisions, reads and pages."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from gql_service.catalog.member import add_member
from gql_service.catalog.project import Role, create_project
from gql_service.catalog.recipe import (
    RecipeRecord,
    count_recipes,
    create_recipe,
    newest_revision,
    recipe_page,
    recipes_by_id,
    update_recipe,
)
from gql_service.catalog.recipe_check import checked
from gql_service.catalog.recipe_content import Label, RecipeContent, to_text
from gql_service.catalog.recipe_equality import fingerprint
from gql_service.database.engine import Database
from gql_service.errors import Forbidden, Invalid, LimitExceeded, NotFound
from tests.catalog.people import do, new_user
from tests.catalog.recipes import PETS
from tests.conftest import SetClock

CARS = RecipeContent(labels=(Label("car"),))


@pytest.fixture
def project(database: Database, actor: int) -> int:
    return do(database, actor, create_project, "pets")


@pytest.fixture
def recipe(database: Database, actor: int, project: int) -> int:
    return do(database, actor, create_recipe, project, " Pets ", PETS)


def newest(database: Database, recipe: int) -> RecipeRecord:
    with database.read() as tx:
        return recipes_by_id(tx, [(recipe, None)])[recipe, None]


def test_a_recipe_begins_at_revision_one_with_its_checked_content(
    database: Database, actor: int, project: int, recipe: int, clock: SetClock
) -> None:
    content = checked(PETS)
    assert newest(database, recipe) == RecipeRecord(
        id=recipe,
        project=project,
        newest=1,
        creator=actor,
        created_at=clock(),
        deleted_at=None,
        revision=1,
        title="Pets",
        fingerprint=fingerprint(content),
        text=to_text(content),
        author=actor,
        revised_at=clock(),
    )
    assert newest(database, recipe).content == content


def test_an_edit_is_a_new_revision_and_the_old_one_stays(
    database: Database, actor: int, recipe: int, clock: SetClock
) -> None:
    begun = newest(database, recipe)
    clock.advance(timedelta(hours=1))
    assert do(database, actor, update_recipe, recipe, content=CARS) == 2
    assert do(database, actor, update_recipe, recipe, title="Cars") == 3
    with database.read() as tx:
        found = recipes_by_id(tx, [(recipe, n) for n in (1, 2, 3, 4, None)])
        assert newest_revision(tx, recipe) == 3
    assert found[recipe, 1] == replace(begun, newest=3)
    assert (found[recipe, 2].title, found[recipe, 2].content) == ("Pets", checked(CARS))
    assert (found[recipe, 3].title, found[recipe, 3].content) == ("Cars", checked(CARS))
    assert found[recipe, 3] == found[recipe, None]
    assert found[recipe, 3].created_at < found[recipe, 3].revised_at
    assert (recipe, 4) not in found


@pytest.mark.parametrize(
    "changes", [{}, {"title": "Pets  "}, {"content": PETS}, {"title": "Pets", "content": PETS}]
)
def test_what_changes_nothing_makes_no_revision(
    database: Database, actor: int, recipe: int, changes: dict[str, Any]
) -> None:
    assert do(database, actor, update_recipe, recipe, **changes) == 1
    assert newest(database, recipe).newest == 1


def test_an_edit_that_equality_ignores_is_a_revision_all_the_same(
    database: Database, actor: int, recipe: int
) -> None:
    loose = replace(PETS, strict=False)
    assert do(database, actor, update_recipe, recipe, content=loose) == 2
    assert newest(database, recipe).fingerprint == fingerprint(PETS)


def test_what_cannot_be_kept_leaves_nothing_behind(
    database: Database, actor: int, project: int, recipe: int
) -> None:
    bad = RecipeContent(labels=(Label("a.b"),))
    for work, args, kw in (
        (create_recipe, (project, "Bad", bad), {}),
        (create_recipe, (project, " ", PETS), {}),
        (update_recipe, (recipe,), {"content": bad}),
        (update_recipe, (recipe,), {"title": "\0"}),
    ):
        with pytest.raises(Invalid):
            do(database, actor, work, *args, **kw)
    with database.read() as tx:
        assert count_recipes(tx, [project]) == {project: 1}
    assert newest(database, recipe).newest == 1


def test_a_recipe_of_more_than_four_mebibytes_is_refused(
    database: Database, actor: int, project: int
) -> None:
    labels = tuple(Label(f"{n}", display_name="x" * 200) for n in range(10_000))
    nested = tuple(replace(label, display_name="é" * 200) for label in labels)
    do(database, actor, create_recipe, project, "Large", RecipeContent(labels=labels))
    with pytest.raises(LimitExceeded):
        do(database, actor, create_recipe, project, "Larger", RecipeContent(labels=nested))


@pytest.mark.parametrize("role", [*Role, None])
def test_owners_and_developers_write_recipes(
    database: Database, actor: int, project: int, recipe: int, role: Role | None
) -> None:
    bo = new_user(database, "bo")
    if role is not None:
        do(database, actor, add_member, project, bo, role)
    calls: list[tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any]]] = [
        (create_recipe, (project, "Mine", CARS), {}),
        (update_recipe, (recipe,), {"title": "Mine"}),
    ]
    for work, args, kw in calls:
        if role in (Role.OWNER, Role.DEVELOPER):
            do(database, bo, work, *args, **kw)
        else:
            with pytest.raises(NotFound if role is None else Forbidden):
                do(database, bo, work, *args, **kw)


def test_a_foreign_recipe_looks_like_an_absent_one(database: Database, recipe: int) -> None:
    bo = new_user(database, "bo")
    refusals = []
    for number in (recipe, recipe + 1):
        with pytest.raises(NotFound) as refusal:
            do(database, bo, update_recipe, number, title="Mine")
        refusals.append((refusal.value.message, refusal.value.path))
    assert refusals[0] == refusals[1]


def test_revisions_of_many_recipes_come_under_the_pairs_asked_for(
    database: Database, actor: int, project: int, recipe: int
) -> None:
    other = do(database, actor, create_recipe, project, "Cars", CARS)
    do(database, actor, update_recipe, other, title="Cars and bikes")
    wanted = [(recipe, None), (recipe, 1), (recipe, 2), (other, 1), (other, None), (99, None)]
    with database.read() as tx:
        found = recipes_by_id(tx, wanted)
        assert recipes_by_id(tx, []) == {}
    titles = {pair: record.title for pair, record in found.items()}
    assert titles == {
        (recipe, None): "Pets",
        (recipe, 1): "Pets",
        (other, 1): "Cars",
        (other, None): "Cars and bikes",
    }


def test_there_is_no_newest_revision_of_nothing(database: Database) -> None:
    with database.read() as tx, pytest.raises(NotFound):
        newest_revision(tx, 99)


@pytest.mark.parametrize(
    ("arguments", "titles"),
    [
        ({"limit": 9}, ["a", "b", "c", "d"]),
        ({"limit": 2}, ["a", "b"]),
        ({"limit": 2, "backwards": True}, ["c", "d"]),
        ({"limit": 2, "after": "a"}, ["b", "c"]),
        ({"limit": 2, "before": "d", "backwards": True}, ["b", "c"]),
        ({"limit": 9, "after": "a", "before": "c"}, ["b"]),
    ],
)
def test_pages_hold_the_newest_revisions_oldest_recipe_first(
    database: Database, actor: int, project: int, arguments: dict[str, Any], titles: list[str]
) -> None:
    ids = {title: do(database, actor, create_recipe, project, title, CARS) for title in "abcd"}
    elsewhere = do(database, actor, create_project, "elsewhere")
    do(database, actor, create_recipe, elsewhere, "other", CARS)
    do(database, actor, update_recipe, ids["a"], content=PETS)
    anchored = {name: ids.get(value, value) for name, value in arguments.items()}
    with database.read() as tx:
        page = recipe_page(tx, project, **anchored)
        assert count_recipes(tx, [project, elsewhere, 99]) == {project: 4, elsewhere: 1, 99: 0}
    assert [record.title for record in page] == titles
    assert all(record.revision == record.newest for record in page)


def test_edits_at_the_same_time_are_revisions_one_after_the_other(
    database: Database, actor: int, recipe: int
) -> None:
    together = threading.Barrier(4)
    revisions: list[int] = []

    def edit(title: str) -> None:
        together.wait()
        revisions.append(do(database, actor, update_recipe, recipe, title=title))

    threads = [threading.Thread(target=edit, args=(title,)) for title in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(revisions) == [2, 3, 4, 5]


def test_reading_many_recipes_takes_one_statement(
    database: Database,
    actor: int,
    project: int,
    count_statements: Callable[[], AbstractContextManager[list[str]]],
) -> None:
    ids = [do(database, actor, create_recipe, project, f"r{n}", CARS) for n in range(20)]
    with database.read() as tx, count_statements() as statements:
        assert len(recipes_by_id(tx, [(recipe, None) for recipe in ids])) == 20
        assert len(recipe_page(tx, project, limit=50)) == 20
    assert len(statements) == 2
