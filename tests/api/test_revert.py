"""Reverts and restores: what comes back, what they report, and what is refused."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

import pytest

from tests.api.client import Client
from tests.api.conftest import Census
from tests.api.shelf import BOX, CAT, Shelf
from tests.builders import ON_SQLITE

REPORT = """recipeChanged to { id } counts { itemsAdded itemsModified itemsRemoved
  annotationsAdded annotationsModified annotationsRemoved }"""
DONE = f"version {{ number operation author {{ name }} }} report {{ {REPORT} }}"
PLAN = f"""query ($input: RevertDatasetInput!) {{ planRevert(input: $input) {{ __typename
  ... on RevertReport {{ {REPORT} }} ... on Error {{ code path message }} }} }}"""
DIFF = """query ($from: VersionRef!) { diff(from: {datasetId: "ds_1", at: $from},
  to: {datasetId: "ds_1"}) { items { totalCount nodes { kind after { path } } }
  recipe { left { id } right { id } } } }"""
ITEM = """query ($by: ItemBy!) { item(by: $by) { id key path metadata createdAt creator { name }
  updatedBy { name } annotations { nodes { id label status attributes creator { name }
  updatedBy { name } } } } }"""
OPERATIONS = '{ dataset(by: {id: "ds_1"}) { versions { nodes { operation } } } }'
GOOD = 2
TWIN = {"sha256": sha256(b"shelf 0").hexdigest(), "annotations": [CAT]}


def plan(client: Client, **input: Any) -> Any:
    return client.run(PLAN, input={"datasetId": "ds_1", **input})["planRevert"]


def differing(client: Client, version: int) -> int:
    """How many items of the head are not what they were, annotations included."""
    count: int = client.run(DIFF, **{"from": {"number": version}})["diff"]["items"]["totalCount"]
    return count


def item_at(client: Client, path: str) -> Any:
    return client.run(ITEM, by={"path": {"datasetId": "ds_1", "path": path}})["item"]


def edit(client: Client, mutation: str, **input: Any) -> None:
    client.change(mutation, datasetId="ds_1", **input)


@pytest.fixture
def spoilt(ada: Client, bob: Client, shelf: Shelf) -> Shelf:
    """Everything is wrong since version 2: edits, paths swapped, an item gone, one too many, the
    recipe. Bob is a developer."""
    one, other, third, _ = shelf.items
    ada.change("addMember", projectId=shelf.project, email="bob@example.org", role="DEVELOPER")
    edit(ada, "updateItems", selection={"where": {}}, metadata={"camera": "lost"})
    label = {"id": shelf.annotations[2], "label": "dog.poodle"}
    edit(ada, "updateAnnotations", annotations=[label])
    edit(ada, "deleteItems", selection={"ids": [one]})
    edit(ada, "moveItems", selection={"ids": [other]}, path="/file0.txt")
    edit(ada, "moveItems", selection={"ids": [third]}, path="/file1.txt")
    edit(ada, "moveItems", selection={"ids": [other]}, path="/file2.txt")
    edit(ada, "addItems", items=[{**TWIN, "path": "/file0.txt"}])
    marks = [{"itemId": other, **BOX}]
    edit(ada, "addAnnotations", annotations=marks)
    made = ada.change("cloneRecipe", "recipe { id }", recipeId=shelf.recipe, title="Other")
    edit(ada, "switchRecipe", recipeId=made["recipe"]["id"])
    return shelf


def test_a_whole_revert_brings_everything_back_as_one_version(
    ada: Client, bob: Client, spoilt: Shelf, census: Census
) -> None:
    before = item_at(ada, "/file3.txt")
    rows = census()
    planned = plan(bob, to={"number": GOOD})
    assert census() == rows
    done = bob.change("revertDataset", DONE, datasetId="ds_1", to={"number": GOOD})

    assert planned == {"__typename": "RevertReport", **done["report"]}
    assert done["report"] == {
        "recipeChanged": True,
        "to": {"id": f"ve_1_{GOOD}"},
        "counts": {
            "itemsAdded": 1,
            "itemsModified": 3,
            "itemsRemoved": 1,
            "annotationsAdded": 2,
            "annotationsModified": 1,
            "annotationsRemoved": 2,
        },
    }
    assert done["version"] == {"number": 12, "operation": "REVERT", "author": {"name": "Bob"}}
    found = ada.run(DIFF, **{"from": {"number": GOOD}})["diff"]
    assert found["items"]["nodes"] == []
    assert found["recipe"]["right"] == {"id": f"{spoilt.recipe}_r1"}
    back = item_at(ada, "/file0.txt")
    assert (back["id"], back["metadata"]["camera"]) == (spoilt.items[0], "south")
    assert (back["creator"]["name"], back["updatedBy"]["name"]) == ("Ada", "Bob")
    assert [one["id"] for one in back["annotations"]["nodes"]] == list(spoilt.annotations[:2])
    assert back["annotations"]["nodes"][0]["creator"] == {"name": "Ada"}
    assert item_at(ada, "/file3.txt")["createdAt"] == before["createdAt"]


@ON_SQLITE
def test_a_revert_of_a_revert_and_one_for_nothing(ada: Client, spoilt: Shelf) -> None:
    ada.change("revertDataset", datasetId="ds_1", to={"number": GOOD})
    again = ada.change("revertDataset", DONE, datasetId="ds_1", to={"number": GOOD})
    assert again["version"] is None
    assert set(again["report"]["counts"].values()) == {0}
    assert again["report"]["recipeChanged"] is False
    ada.change("revertDataset", datasetId="ds_1", to={"number": 11}, message="it was right")
    assert differing(ada, 11) == 0 and differing(ada, GOOD) == 5
    listed = ada.run(OPERATIONS)["dataset"]["versions"]["nodes"]
    assert [one["operation"] for one in listed[:3]] == ["REVERT", "REVERT", "SWITCH_RECIPE"]


@ON_SQLITE
def test_some_items_go_back_and_nothing_else(ada: Client, spoilt: Shelf) -> None:
    one, _, third, fourth = spoilt.items
    to = {"number": GOOD}
    taken = {"to": to, "selection": {"ids": [fourth, one]}}
    assert ada.refused("revertDataset", datasetId="ds_1", **taken) == ("PATH_TAKEN", ["selection"])
    assert "/file0.txt" in plan(ada, **taken)["message"]

    both = {"to": to, "selection": {"where": {"path": {"eq": "/file0.txt"}}}}
    done = ada.change("revertDataset", DONE, datasetId="ds_1", **both)
    assert done["report"]["recipeChanged"] is False
    assert done["report"]["counts"] == {
        "itemsAdded": 1,
        "itemsModified": 0,
        "itemsRemoved": 1,
        "annotationsAdded": 2,
        "annotationsModified": 0,
        "annotationsRemoved": 1,
    }
    assert item_at(ada, "/file0.txt")["id"] == one
    assert differing(ada, GOOD) == 3
    then = {"where": {"metadata": [{"path": ["camera"], "eq": "north"}]}}
    ada.change("revertDataset", datasetId="ds_1", to=to, selection={"ids": [fourth]})
    swapped = {"to": to, "selection": then}
    assert plan(ada, **swapped)["code"] == "PATH_TAKEN"
    pair = [third, spoilt.items[1]]
    ada.change("revertDataset", datasetId="ds_1", to=to, selection={"ids": pair})
    assert differing(ada, GOOD) == 0


@ON_SQLITE
def test_removed_items_are_restored_with_their_annotations(ada: Client, spoilt: Shelf) -> None:
    one = spoilt.items[0]
    start = {"from": {"number": GOOD}, "ids": [one]}
    assert ada.refused("restoreItems", datasetId="ds_1", **start) == ("PATH_TAKEN", ["ids"])
    edit(ada, "deleteItems", selection={"where": {"path": {"eq": "/file0.txt"}}})
    fields = "version { operation counts { itemsAdded annotationsAdded } } items { id path }"
    done = ada.change("restoreItems", fields, datasetId="ds_1", **start)
    assert done["items"] == [{"id": one, "path": "/file0.txt"}]
    assert done["version"] == {
        "operation": "RESTORE",
        "counts": {"itemsAdded": 1, "annotationsAdded": 2},
    }
    labels = [mark["label"] for mark in item_at(ada, "/file0.txt")["annotations"]["nodes"]]
    assert sorted(labels) == ["cat", "dog"]
    assert ada.refused("restoreItems", datasetId="ds_1", **start) == ("CONFLICT", ["ids", "0"])
    early = {"from": {"number": 1}, "ids": [one]}
    assert ada.refused("restoreItems", datasetId="ds_1", **early) == ("NOT_FOUND", ["ids", "0"])


@ON_SQLITE
def test_a_recipe_that_is_gone_is_not_put_back(ada: Client, spoilt: Shelf) -> None:
    ada.change("deleteRecipe", recipeId=spoilt.recipe)
    whole: dict[str, Any] = {"to": {"number": GOOD}}
    assert ada.refused("revertDataset", datasetId="ds_1", **whole) == ("CONFLICT", ["to"])
    assert plan(ada, **whole)["code"] == "CONFLICT"
    ada.change("revertDataset", datasetId="ds_1", **whole, selection={"where": {}})
    assert differing(ada, GOOD) == 0


@ON_SQLITE
def test_who_may_revert(ada: Client, bob: Client, shelf: Shelf) -> None:
    back = {"datasetId": "ds_1", "to": {"number": 1}}
    gone = {"datasetId": "ds_1", "from": {"number": 1}, "ids": [shelf.items[0]]}
    for code in ("NOT_FOUND", "FORBIDDEN"):
        assert bob.refused("revertDataset", **back)[0] == code
        assert bob.refused("restoreItems", **gone)[0] == code
        assert plan(bob, to={"number": 1})["code"] == code
        if code == "NOT_FOUND":
            role = {"email": "bob@example.org", "role": "ANNOTATOR"}
            ada.change("addMember", projectId=shelf.project, **role)
    moved = {**back, "expectedVersion": 1}
    assert ada.refused("revertDataset", **moved) == ("VERSION_MOVED", ["expectedVersion"])
    assert plan(ada, to={"number": 1}, expectedVersion=1)["code"] == "VERSION_MOVED"
    ada.change("lockDataset", datasetId="ds_1")
    assert ada.refused("revertDataset", **back) == ("DATASET_LOCKED", ["datasetId"])
    assert ada.refused("restoreItems", **gone) == ("DATASET_LOCKED", ["datasetId"])
    assert plan(ada, to={"number": 1})["code"] == "DATASET_LOCKED"
