"""Recipe contents as values and as text."""

from __future__ import annotations

import orjson
from hypothesis import given, settings

from gql_service.catalog.recipe_check import DEEPEST_LABEL, checked
from gql_service.catalog.recipe_content import Label, RecipeContent, from_text, to_text, walk
from tests.catalog.recipes import PETS, contents


def test_labels_are_known_by_their_full_names() -> None:
    assert [name for name, _ in walk(PETS.labels)] == [
        "animal",
        "animal.dog",
        "animal.dog.poodle",
        "animal.cat",
        "person",
    ]
    assert PETS.labels_by_name["animal.dog.poodle"].name == "poodle"
    assert list(PETS.attributes_by_key) == ["colour", "seen", "age", "asleep", "remark"]


@settings(max_examples=40, deadline=None)
@given(contents())
def test_a_content_comes_back_from_its_text(content: RecipeContent) -> None:
    text = to_text(content)
    assert from_text(text) == content
    assert to_text(from_text(text)) == text


def test_the_text_speaks_the_words_of_the_graphql_types() -> None:
    value = orjson.loads(to_text(checked(PETS)))
    assert value["labels"][0]["children"][0] == {
        "name": "dog",
        "displayName": "Dog",
        "color": "#aabbcc",
        "attributes": [],
        "children": value["labels"][0]["children"][0]["children"],
    }
    assert value["attributes"][2] == {
        "key": "age",
        "title": "age",
        "type": "RANGE",
        "values": None,
        "range": {"min": 0, "max": 20, "step": 0.5},
        "scope": None,
        "optional": True,
    }
    assert value["tools"] == ["BOX", "CLASSIFICATION"]


def test_the_deepest_tree_has_a_text() -> None:
    label = Label("l")
    for _ in range(DEEPEST_LABEL - 1):
        label = Label("l", children=(label,))
    content = checked(RecipeContent(labels=(label,)))
    assert from_text(to_text(content)) == content
