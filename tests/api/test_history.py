"""Who changed what: histories and blame of items and annotations, through clones and merges."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.api.client import Client
from tests.api.shelf import CAT, Shelf
from tests.builders import ON_SQLITE
from tests.conftest import SetClock

ITEM_HISTORY = """query ($by: ItemBy!, $at: VersionRef, $first: Int, $after: String) {
  item(by: $by, at: $at) { history(first: $first, after: $after) {
    totalCount pageInfo { hasNextPage endCursor } nodes { kind before { path } after { path }
      version { id operation author { name } } metadata { path before after }
      annotations { nodes { kind before { label } after { label } values { path } } } } } } }"""
MARK_HISTORY = """query ($id: ID!) { node(id: $id) { ... on Annotation { history { totalCount
  nodes { kind before { label status } after { label status } values { path before after }
    version { id author { name } } } } } } }"""
BLAME = "blame { path user { name } source { version dataset { name } } }"
BLAMES = f"""query ($by: ItemBy!, $at: VersionRef) {{ item(by: $by, at: $at) {{ {BLAME}
  annotations {{ nodes {{ id label {BLAME} }} }} }} }}"""


def told(change: Any) -> tuple[str, str, str]:
    version = change["version"]
    return change["kind"], version["id"], version["author"]["name"]


def at_path(dataset: str, path: str) -> dict[str, Any]:
    return {"by": {"path": {"datasetId": dataset, "path": path}}}


def blamed(node: Any) -> dict[str, tuple[str, str | None, int]]:
    return {
        ".".join(one["path"]): (
            one["user"]["name"],
            (one["source"]["dataset"] or {}).get("name"),
            one["source"]["version"],
        )
        for one in node["blame"]
    }


@pytest.fixture
def story(ada: Client, bob: Client, shelf: Shelf, clock: SetClock) -> Shelf:
    """Ada's shelf; Bob's clone of it, in which he works; Ada's work meanwhile; the merge."""
    ada.change("addMember", projectId=shelf.project, email="bob@example.org", role="DEVELOPER")

    def edit(client: Client, mutation: str, **input: Any) -> None:
        clock.advance(timedelta(minutes=1))
        client.change(mutation, **input)

    mine, his = shelf.items[0], shelf.items[0].replace("it_1", "it_2")
    mark, same = shelf.annotations[0], shelf.annotations[0].replace("an_1", "an_2")
    edit(ada, "updateItems", datasetId="ds_1", selection={"ids": [mine]}, metadata={"a": 1, "b": 1})
    edit(bob, "cloneDataset", datasetId="ds_1", name="bob's")
    edit(bob, "moveItems", datasetId="ds_2", selection={"ids": [his]}, path="/new.txt")
    edit(bob, "updateItems", datasetId="ds_2", selection={"ids": [his]}, metadata={"b": 2})
    change = {"id": same, "label": "dog.poodle"}
    edit(bob, "updateAnnotations", datasetId="ds_2", annotations=[change])
    edit(ada, "updateItems", datasetId="ds_1", selection={"ids": [mine]}, metadata={"a": 3})
    edit(ada, "addAnnotations", datasetId="ds_1", annotations=[{**CAT, "itemId": mine}])
    edit(ada, "mergeDatasets", name="both", datasetIds=["ds_1", "ds_2"])
    status = {"id": mark.replace("an_1", "an_3"), "status": "REVIEW"}
    edit(bob, "updateAnnotations", datasetId="ds_3", annotations=[status])
    return shelf


def test_the_history_of_an_item_goes_through_clones_and_merges(ada: Client, story: Shelf) -> None:
    found = ada.run(ITEM_HISTORY, **at_path("ds_3", "/new.txt"))["item"]["history"]
    assert [told(one) for one in found["nodes"]] == [
        ("MODIFIED", "ve_3_2", "Bob"),
        ("ADDED", "ve_3_1", "Ada"),
        ("MODIFIED", "ve_1_5", "Ada"),
        ("MODIFIED", "ve_1_4", "Ada"),
        ("MODIFIED", "ve_2_4", "Bob"),
        ("MODIFIED", "ve_2_3", "Bob"),
        ("RENAMED", "ve_2_2", "Bob"),
        ("MODIFIED", "ve_1_3", "Ada"),
        ("ADDED", "ve_1_2", "Ada"),
    ]
    assert found["totalCount"] == 9
    moved, bobs, labelled, added = (found["nodes"][at] for at in (6, 5, 4, 2))
    assert (moved["before"], moved["after"]) == ({"path": "/file0.txt"}, {"path": "/new.txt"})
    assert bobs["metadata"] == [{"path": ["b"], "before": 1, "after": 2}]
    assert labelled["annotations"]["nodes"] == [
        {
            "kind": "MODIFIED",
            "before": {"label": "dog"},
            "after": {"label": "dog.poodle"},
            "values": [{"path": ["label"]}],
        }
    ]
    assert [one["kind"] for one in added["annotations"]["nodes"]] == ["ADDED"]
    assert (added["before"], added["metadata"]) == ({"path": "/file0.txt"}, [])
    assert found["nodes"][8]["before"] is None


def test_a_history_is_paged_and_ends_where_a_version_has_seen(ada: Client, story: Shelf) -> None:
    asked = at_path("ds_3", "/new.txt") | {"first": 4}
    page = ada.run(ITEM_HISTORY, **asked)["item"]["history"]
    assert page["pageInfo"]["hasNextPage"] is True and len(page["nodes"]) == 4
    after = page["pageInfo"]["endCursor"]
    rest = ada.run(ITEM_HISTORY, **asked | {"after": after, "first": 5})["item"]["history"]
    assert [told(one)[1] for one in rest["nodes"]][0::4] == ["ve_2_4", "ve_1_2"]
    assert rest["pageInfo"]["hasNextPage"] is False
    other = at_path("ds_1", "/file0.txt") | {"after": after}
    assert ada.refusal(ITEM_HISTORY, **other) == ("INVALID", ["after"])

    bobs = ada.run(ITEM_HISTORY, **at_path("ds_2", "/new.txt"))["item"]["history"]
    assert [told(one)[1] for one in bobs["nodes"]] == [
        *("ve_2_4", "ve_2_3", "ve_2_2", "ve_1_3", "ve_1_2")
    ]
    early = at_path("ds_2", "/file0.txt") | {"at": {"number": 1}}
    old = ada.run(ITEM_HISTORY, **early)["item"]["history"]
    assert [told(one)[1] for one in old["nodes"]] == ["ve_1_3", "ve_1_2"]


@ON_SQLITE
def test_removals_are_events_and_what_comes_back_keeps_its_past(
    ada: Client, story: Shelf, clock: SetClock
) -> None:
    gone = {"datasetId": "ds_1", "selection": {"ids": [story.items[2]]}}
    clock.advance(timedelta(minutes=1))
    ada.change("deleteItems", **gone)
    clock.advance(timedelta(minutes=1))
    start = {"from": {"number": 5}, "ids": [story.items[2]]}
    ada.change("restoreItems", datasetId="ds_1", **start)
    found = ada.run(ITEM_HISTORY, **at_path("ds_1", "/file2.txt"))["item"]["history"]["nodes"]
    assert [(one["kind"], one["version"]["operation"]) for one in found] == [
        ("ADDED", "RESTORE"),
        ("REMOVED", "DELETE"),
        ("ADDED", "UPLOAD"),
    ]
    assert found[1]["annotations"]["nodes"][0]["before"] == {"label": "dog"}
    mark = ada.run(MARK_HISTORY, id=story.annotations[2])["node"]["history"]
    assert [one["kind"] for one in mark["nodes"]] == ["ADDED", "REMOVED", "ADDED"]


@ON_SQLITE
def test_the_history_of_an_annotation(ada: Client, bob: Client, story: Shelf) -> None:
    id = story.annotations[0].replace("an_1", "an_3")
    found = ada.run(MARK_HISTORY, id=id)["node"]["history"]["nodes"]
    assert [told(one) for one in found] == [
        ("MODIFIED", "ve_3_2", "Bob"),
        ("MODIFIED", "ve_2_4", "Bob"),
        ("ADDED", "ve_1_2", "Ada"),
    ]
    assert found[0]["values"] == [{"path": ["status"], "before": "APPROVED", "after": "REVIEW"}]
    assert found[1]["before"] == {"label": "dog", "status": "APPROVED"}


@ON_SQLITE
def test_a_history_shows_no_more_than_the_dataset_it_happened_in(
    ada: Client, story: Shelf, clock: SetClock
) -> None:
    without = {"withTaskAnnotationsStatus": False, "withMetadata": False}
    ada.change("cloneDataset", datasetId="ds_1", name="bare", **without)
    clock.advance(timedelta(minutes=1))
    id = story.annotations[0].replace("an_1", "an_4")
    ada.change("updateAnnotations", datasetId="ds_4", annotations=[{"id": id, "label": "cat"}])
    found = ada.run(MARK_HISTORY, id=id)["node"]["history"]["nodes"]
    assert [told(one)[1] for one in found] == ["ve_4_2", "ve_1_2"]
    assert found[0]["before"] == {"label": "dog", "status": None}
    assert [one["path"] for one in found[0]["values"]] == [["label"]]
    assert found[1]["after"] == {"label": "dog", "status": "APPROVED"}
    item = ada.run(BLAMES, **at_path("ds_4", "/file0.txt"))["item"]
    assert blamed(item).keys() == {"path", "binary", "description", "hidden"}
    assert "status" not in blamed(item["annotations"]["nodes"][0])


@ON_SQLITE
def test_blame_names_who_wrote_each_value(ada: Client, story: Shelf) -> None:
    item = ada.run(BLAMES, **at_path("ds_3", "/new.txt"))["item"]
    assert blamed(item) == {
        "path": ("Bob", "bob's", 2),
        "binary": ("Ada", "pets", 2),
        "description": ("Ada", "pets", 2),
        "hidden": ("Ada", "pets", 2),
        "metadata.a": ("Ada", "pets", 4),
        "metadata.b": ("Bob", "bob's", 3),
        "metadata.camera": ("Ada", "pets", 2),
        "metadata.number": ("Ada", "pets", 2),
    }
    mark = next(one for one in item["annotations"]["nodes"] if one["label"] == "dog.poodle")
    assert blamed(mark) == {
        "type": ("Ada", "pets", 2),
        "label": ("Bob", "bob's", 4),
        "coordinates": ("Ada", "pets", 2),
        "status": ("Bob", "both", 2),
    }


@ON_SQLITE
def test_what_the_viewer_may_not_read_is_left_out(
    ada: Client, bob: Client, story: Shelf, clock: SetClock
) -> None:
    own = bob.change("createProject", "project { id }", name="own")["project"]["id"]
    clock.advance(timedelta(minutes=1))
    bob.change("cloneDataset", datasetId="ds_3", name="away", projectId=own)
    user = bob.run("{ viewer { user { id } } }")["viewer"]["user"]["id"]
    ada.change("removeMember", projectId=story.project, userId=user)
    where = at_path("ds_4", "/new.txt")
    assert bob.run(ITEM_HISTORY, **where)["item"]["history"]["totalCount"] == 0
    assert blamed(bob.run(BLAMES, **where)["item"])["path"] == ("Bob", None, 2)
    item = bob.run("query ($by: ItemBy!) { item(by: $by) { id } }", **where)["item"]["id"]
    change = {"selection": {"ids": [item]}, "metadata": {"b": 4}}
    bob.change("updateItems", datasetId="ds_4", **change)
    nodes = bob.run(ITEM_HISTORY, **where)["item"]["history"]["nodes"]
    assert [told(one) for one in nodes] == [("MODIFIED", "ve_4_2", "Bob")]


@ON_SQLITE
def test_annotations_kept_side_by_side_have_their_own_pasts(
    ada: Client, bob: Client, story: Shelf, clock: SetClock
) -> None:
    clock.advance(timedelta(minutes=1))
    change = {"id": story.annotations[0], "label": "cat"}
    ada.change("updateAnnotations", datasetId="ds_1", annotations=[change])
    clock.advance(timedelta(minutes=1))
    ada.change("mergeDatasets", name="conflict", datasetIds=["ds_1", "ds_2"])
    marks = ada.run(BLAMES, **at_path("ds_4", "/new.txt"))["item"]["annotations"]["nodes"]
    first, _, _, second = sorted(marks, key=lambda mark: int(mark["id"].split("_")[-1]))
    assert blamed(first)["label"] == ("Ada", "pets", 6)
    assert blamed(second)["label"] == ("Bob", "bob's", 4)
    past = ada.run(MARK_HISTORY, id=second["id"])["node"]["history"]["nodes"]
    assert [told(one)[1] for one in past] == ["ve_2_4", "ve_1_2"]
