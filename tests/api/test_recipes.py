"""Recipes: created, revised, copied, compared, deleted."""

from __future__ import annotations

from tests.api.client import Client
from tests.api.conftest import Census
from tests.api.shelf import ATTRIBUTES, LABELS, Shelf
from tests.builders import ON_SQLITE

FIELDS = (
    "recipe { id title revision fingerprint strict tools instructions project { id } "
    "labels { name fullName displayName color attributes children { fullName } } "
    "attributes { key title type values scope optional range { min max step } } }"
)


@ON_SQLITE
def test_a_recipe_has_what_it_was_given(ada: Client, shelf: Shelf) -> None:
    made = ada.change(
        "createRecipe",
        FIELDS,
        projectId=shelf.project,
        title="Full",
        labels=LABELS,
        attributes=[
            *ATTRIBUTES,
            {
                "key": "age",
                "type": "RANGE",
                "range": {"min": 0, "max": 20, "step": 0.5},
                "scope": ["dog.poodle"],
                "optional": False,
                "title": "Age",
            },
        ],
        tools=["BOX", "CLASSIFICATION"],
        instructions="Be kind.",
        strict=False,
    )["recipe"]
    assert made["revision"] == 1 and made["project"] == {"id": shelf.project}
    assert (made["strict"], made["tools"]) == (False, ["BOX", "CLASSIFICATION"])
    dog, cat = made["labels"]
    assert dog["children"] == [{"fullName": "dog.poodle"}]
    assert (cat["attributes"], cat["displayName"]) == (["mood"], "cat")
    assert made["attributes"][1] == {
        "key": "age",
        "title": "Age",
        "type": "RANGE",
        "values": None,
        "scope": ["dog.poodle"],
        "optional": False,
        "range": {"min": 0.0, "max": 20.0, "step": 0.5},
    }


def test_an_update_makes_a_revision_that_heads_follow_and_old_versions_do_not(
    ada: Client, shelf: Shelf
) -> None:
    done = ada.change(
        "updateRecipe",
        "recipe { id revision title labels { name } } removedLabels { label count }",
        recipeId=shelf.recipe,
        title="Cats",
        labels=[LABELS[1]],
    )
    assert (done["recipe"]["revision"], done["recipe"]["title"]) == (2, "Cats")
    assert done["removedLabels"] == [
        {"label": "dog", "count": 2},
        {"label": "dog.poodle", "count": 0},
    ]
    data = ada.run(
        """query ($id: ID!) {
          now: dataset(by: {id: $id}) { recipe { id revision } head { number } }
          then: dataset(by: {id: $id}, at: {number: 2}) { recipe { id revision title } }
        }""",
        id=shelf.dataset,
    )
    assert data["now"] == {"recipe": {"id": shelf.recipe, "revision": 2}, "head": {"number": 2}}
    old = data["then"]["recipe"]
    assert old == {"id": f"{shelf.recipe}_r1", "revision": 1, "title": "Pets"}
    found = ada.run("query ($id: ID!) { node(id: $id) { ... on Recipe { title } } }", id=old["id"])
    assert found["node"] == {"title": "Pets"}


@ON_SQLITE
def test_an_update_without_a_change_makes_no_revision(ada: Client, shelf: Shelf) -> None:
    done = ada.change("updateRecipe", "recipe { revision }", recipeId=shelf.recipe, title="Pets")
    assert done["recipe"] == {"revision": 1}


@ON_SQLITE
def test_recipes_are_compared_by_content(ada: Client, shelf: Shelf) -> None:
    query = """query ($left: ID!, $right: ID!) { compareRecipes(left: $left, right: $right) {
      equal left { id } right { id } differences { kind name left right detail } } }"""
    copy = ada.change("cloneRecipe", "recipe { id title }", recipeId=shelf.recipe)["recipe"]
    assert copy["title"] == "Pets"
    same = ada.run(query, left=shelf.recipe, right=copy["id"])["compareRecipes"]
    assert same["equal"] is True and same["differences"] == []
    ada.change("updateRecipe", recipeId=copy["id"], labels=[LABELS[1]])
    other = ada.run(query, left=shelf.recipe, right=copy["id"])["compareRecipes"]
    assert other["equal"] is False
    assert [(one["kind"], one["name"]) for one in other["differences"]] == [
        ("LABEL_REMOVED", "dog"),
        ("LABEL_REMOVED", "dog.poodle"),
    ]
    assert ada.run(query, left=shelf.recipe, right="re_999") == {"compareRecipes": None}
    assert ada.refusal(query, left=shelf.recipe, right="ds_1") == ("INVALID", ["right"])


@ON_SQLITE
def test_a_recipe_in_use_is_not_deleted(ada: Client, shelf: Shelf, census: Census) -> None:
    before = census()
    assert ada.refused("deleteRecipe", recipeId=shelf.recipe) == ("CONFLICT", ["recipeId"])
    assert census() == before
    spare = ada.change("cloneRecipe", "recipe { id }", recipeId=shelf.recipe)["recipe"]["id"]
    assert ada.change("deleteRecipe", "recipeId", recipeId=spare)["recipeId"] == spare
    assert ada.refused("deleteRecipe", recipeId=spare) == ("NOT_FOUND", ["recipeId"])
    assert ada.run("query ($id: ID!) { node(id: $id) { id } }", id=spare) == {"node": None}


@ON_SQLITE
def test_a_foreign_recipe_looks_like_none(ada: Client, bob: Client, shelf: Shelf) -> None:
    project = bob.change("createProject", "project { id }", name="theirs")["project"]["id"]
    for mutation, more in (
        ("updateRecipe", {"title": "x"}),
        ("deleteRecipe", {}),
        ("cloneRecipe", {"projectId": project, "title": "x"}),
    ):
        foreign = bob.attempt(mutation, recipeId=shelf.recipe, **more)
        assert foreign == bob.attempt(mutation, recipeId="re_999", **more), mutation
        assert foreign["code"] == "NOT_FOUND"
    given = {"projectId": project, "name": "x"}
    foreign = bob.attempt("createDataset", recipeId=shelf.recipe, **given)
    assert foreign == bob.attempt("createDataset", recipeId="re_999", **given)


@ON_SQLITE
def test_what_is_wrong_in_a_recipe_is_named(ada: Client, shelf: Shelf, census: Census) -> None:
    before = census()
    given = {"projectId": shelf.project, "title": "x"}
    cases: list[tuple[dict[str, object], tuple[str, list[str]]]] = [
        ({"title": ""}, ("INVALID", ["title"])),
        ({"labels": [{"name": "a.b"}]}, ("INVALID", ["labels", "0", "name"])),
        ({"labels": [{"name": "a"}, {"name": "a"}]}, ("INVALID", ["labels", "1", "name"])),
        ({"labels": [{"name": "a", "color": "red"}]}, ("INVALID", ["labels", "0", "color"])),
        (
            {"labels": [{"name": "a", "attributes": ["none"]}]},
            ("INVALID", ["labels", "0", "attributes", "0"]),
        ),
        (
            {"attributes": [{"key": "k", "type": "SINGLE_CHOICE"}]},
            ("INVALID", ["attributes", "0", "values"]),
        ),
        ({"labels": [{"name": "\ud800"}]}, ("INVALID", ["labels", "0", "name"])),
    ]
    for wrong, refusal in cases:
        assert ada.refused("createRecipe", **{**given, **wrong}) == refusal, wrong
    assert census() == before
