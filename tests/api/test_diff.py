"""Diffs, what versions changed, and lists of versions, as clients see them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.client import Client
from tests.api.shelf import BOX, Shelf
from tests.builders import ON_SQLITE

COUNTS = """counts { itemsAdded itemsModified itemsRemoved
  annotationsAdded annotationsModified annotationsRemoved }"""
CHANGES = """totalCount pageInfo { hasNextPage endCursor } nodes { kind
  before { id path } after { id path } version { number } metadata { path before after }
  annotations { totalCount nodes { kind before { label } after { label } version { number }
    values { path before after } } } }"""
DIFF = f"""query (
    $from: DatasetRef!, $to: DatasetRef!, $where: ItemWhere, $first: Int, $after: String
  ) {{ diff(from: $from, to: $to, where: $where) {{ from {{ id }} to {{ id }} {COUNTS}
     items(first: $first, after: $after) {{ {CHANGES} }}
     recipe {{ equal differences {{ name }} }} }} }}"""


def ref(dataset: str, number: int | None = None) -> dict[str, Any]:
    return {"datasetId": dataset} | ({} if number is None else {"at": {"number": number}})


@pytest.fixture
def edited(ada: Client, shelf: Shelf) -> Shelf:
    """Four versions on: metadata and an annotation, labels, a path, an item less."""
    one, other, third, fourth = shelf.items
    camera = {"number": 0, "camera": {"model": "X100", "iso": 200}}
    ada.change("updateItems", datasetId="ds_1", selection={"ids": [one]}, metadata=camera)
    ada.change(
        "updateAnnotations",
        datasetId="ds_1",
        annotations=[{"id": shelf.annotations[0], "label": "dog.poodle", "status": "REVIEW"}],
    )
    new = [{"itemId": other, **BOX}]
    ada.change("addAnnotations", datasetId="ds_1", annotations=new)
    ada.change("moveItems", datasetId="ds_1", selection={"ids": [third]}, path="/moved/there.txt")
    ada.change("deleteItems", datasetId="ds_1", selection={"ids": [fourth]})
    return shelf


def test_a_diff_tells_what_became_of_each_item(ada: Client, edited: Shelf) -> None:
    found = ada.run(DIFF, **{"from": ref("ds_1", 2), "to": ref("ds_1")})["diff"]
    assert (found["from"]["id"], found["to"]["id"]) == ("ve_1_2", "ve_1_7")
    assert found["counts"] == {
        "itemsAdded": 0,
        "itemsModified": 2,
        "itemsRemoved": 1,
        "annotationsAdded": 1,
        "annotationsModified": 1,
        "annotationsRemoved": 0,
    }
    assert found["items"]["totalCount"] == 4
    first, second, third, fourth = found["items"]["nodes"]
    assert [one["kind"] for one in found["items"]["nodes"]] == [
        "MODIFIED",
        "MODIFIED",
        "RENAMED",
        "REMOVED",
    ]
    assert first["before"]["id"] == f"{edited.items[0]}_v2"
    assert first["after"]["id"] == f"{edited.items[0]}_v7"
    assert first["metadata"] == [
        {"path": ["camera"], "before": "south", "after": {"iso": 200, "model": "X100"}}
    ]
    assert second["annotations"]["nodes"] == [
        {
            "kind": "ADDED",
            "before": None,
            "after": {"label": "dog"},
            "version": None,
            "values": [],
        }
    ]
    assert (third["before"]["path"], third["after"]["path"]) == ("/file2.txt", "/moved/there.txt")
    assert (fourth["before"]["path"], fourth["after"]) == ("/file3.txt", None)
    assert found["recipe"] == {"equal": True, "differences": []}


def test_a_changed_annotation_says_which_values(ada: Client, edited: Shelf) -> None:
    found = ada.run(DIFF, **{"from": ref("ds_1", 2), "to": ref("ds_1"), "first": 1})["diff"]
    (item,) = found["items"]["nodes"]
    assert item["annotations"]["nodes"][0]["values"] == [
        {"path": ["label"], "before": "dog", "after": "dog.poodle"},
        {"path": ["status"], "before": "APPROVED", "after": "REVIEW"},
    ]


def test_a_diff_is_paged_at_the_versions_of_its_first_page(ada: Client, edited: Shelf) -> None:
    asked = {"from": ref("ds_1", 2), "to": ref("ds_1"), "first": 3}
    page = ada.run(DIFF, **asked)["diff"]["items"]
    assert (len(page["nodes"]), page["pageInfo"]["hasNextPage"]) == (3, True)
    ada.change("deleteItems", datasetId="ds_1", selection={"ids": [edited.items[1]]})
    after = page["pageInfo"]["endCursor"]
    last = ada.run(DIFF, **asked, after=after)["diff"]["items"]
    assert [one["kind"] for one in last["nodes"]] == ["REMOVED"]
    assert last["nodes"][0]["before"]["path"] == "/file3.txt"
    assert last["pageInfo"]["hasNextPage"] is False
    moved = asked | {"from": ref("ds_1", 3), "after": after}
    assert ada.refusal(DIFF, **moved) == ("INVALID", ["after"])


@ON_SQLITE
def test_a_filter_judges_items_as_they_are_now_or_were(ada: Client, edited: Shelf) -> None:
    asked = {"from": ref("ds_1", 2), "to": ref("ds_1")}
    moved = ada.run(DIFF, **asked, where={"path": {"startsWith": "/moved/"}})["diff"]
    assert [one["kind"] for one in moved["items"]["nodes"]] == ["RENAMED"]
    assert moved["counts"]["itemsModified"] == 1
    gone = ada.run(DIFF, **asked, where={"name": {"eq": "file3.txt"}})["diff"]
    assert [one["kind"] for one in gone["items"]["nodes"]] == ["REMOVED"]


@ON_SQLITE
def test_strangers_are_compared_by_path(ada: Client, shelf: Shelf) -> None:
    other = ada.change(
        "createDataset", "dataset { id }", projectId="pr_1", name="other", recipeId=shelf.recipe
    )["dataset"]["id"]
    given = [
        {"name": "file0.txt", "content": b"shelf 0", "annotations": [BOX]},
        {"name": "new.txt", "content": b"new"},
    ]
    ada.upload(other, given)
    found = ada.run(DIFF, **{"from": ref("ds_1"), "to": ref(other)})["diff"]
    told = [
        (one["kind"], (one["after"] or one["before"])["path"]) for one in found["items"]["nodes"]
    ]
    assert told == [
        ("MODIFIED", "/file0.txt"),
        ("REMOVED", "/file1.txt"),
        ("REMOVED", "/file2.txt"),
        ("REMOVED", "/file3.txt"),
        ("ADDED", "/new.txt"),
    ]
    first = found["items"]["nodes"][0]["annotations"]
    assert [(one["kind"], one["before"]["label"]) for one in first["nodes"]] == [("REMOVED", "cat")]


@ON_SQLITE
def test_a_version_tells_what_it_changed(ada: Client, edited: Shelf) -> None:
    query = f"""query ($id: ID!) {{ node(id: $id) {{ ... on Version {{ {COUNTS}
      changes {{ {CHANGES} }} }} }} }}"""
    renamed = ada.run(query, id="ve_1_6")["node"]
    assert [one["kind"] for one in renamed["changes"]["nodes"]] == ["RENAMED"]
    assert renamed["changes"]["nodes"][0]["version"] == {"number": 6}
    first = ada.run(query, id="ve_1_1")["node"]
    assert first["changes"]["nodes"] == []
    ada.change("cloneDataset", datasetId="ds_1", name="copy")
    cloned = ada.run(query, id="ve_2_1")["node"]
    assert cloned["counts"]["itemsAdded"] == 3
    assert [one["kind"] for one in cloned["changes"]["nodes"]] == ["ADDED"] * 3


VERSIONS = """query ($id: ID!, $at: VersionRef, $sources: Boolean!, $where: VersionWhere,
  $first: Int, $after: String, $last: Int, $before: String) {
  dataset(by: {id: $id}, at: $at) { versions(includeSources: $sources, where: $where,
    first: $first, after: $after, last: $last, before: $before) {
    totalCount pageInfo { hasNextPage hasPreviousPage endCursor }
    nodes { id operation author { name } } } } }"""


@ON_SQLITE
def test_versions_are_listed_newest_first_and_filtered(ada: Client, edited: Shelf) -> None:
    def listed(**given: Any) -> Any:
        return ada.run(VERSIONS, **{"id": "ds_1", "sources": False, **given})["dataset"]["versions"]

    found = listed()
    assert [one["id"] for one in found["nodes"]] == [f"ve_1_{n}" for n in range(7, 0, -1)]
    assert found["totalCount"] == 7
    page = listed(first=2)
    assert [one["id"] for one in page["nodes"]] == ["ve_1_7", "ve_1_6"]
    page = listed(first=2, after=page["pageInfo"]["endCursor"])
    assert [one["id"] for one in page["nodes"]] == ["ve_1_5", "ve_1_4"]
    assert [one["id"] for one in listed(last=1)["nodes"]] == ["ve_1_1"]
    assert [one["id"] for one in listed(at={"number": 2})["nodes"]] == ["ve_1_2", "ve_1_1"]
    where = {"or": [{"operation": {"in": ["MOVE"]}}, {"number": {"lte": 1}}]}
    assert [one["id"] for one in listed(where=where)["nodes"]] == ["ve_1_6", "ve_1_1"]
    nobody = {"author": {"ne": "us_1"}}
    assert listed(where=nobody)["totalCount"] == 0


@ON_SQLITE
def test_versions_go_on_into_the_sources(ada: Client, edited: Shelf) -> None:
    ada.change("cloneDataset", datasetId="ds_1", at={"number": 3}, name="copy")
    ada.change(
        "deleteItems",
        datasetId="ds_2",
        selection={"ids": [edited.items[0].replace("it_1", "it_2")]},
    )
    given = {"id": "ds_2", "sources": True}
    found = ada.run(VERSIONS, **given)["dataset"]["versions"]
    assert [one["id"] for one in found["nodes"]] == [
        "ve_2_2",
        "ve_2_1",
        "ve_1_3",
        "ve_1_2",
        "ve_1_1",
    ]
    page = ada.run(VERSIONS, **given, first=3)["dataset"]["versions"]
    rest = ada.run(VERSIONS, **given, after=page["pageInfo"]["endCursor"])["dataset"]["versions"]
    assert [one["id"] for one in rest["nodes"]] == ["ve_1_2", "ve_1_1"]


@ON_SQLITE
def test_what_is_foreign_or_absent_is_null(ada: Client, bob: Client, shelf: Shelf) -> None:
    asked = {"from": ref("ds_1"), "to": ref("ds_1", 1)}
    assert bob.run(DIFF, **asked) == {"diff": None}
    assert ada.run(DIFF, **{**asked, "to": ref("ds_9")}) == {"diff": None}
    assert ada.run(DIFF, **{**asked, "to": ref("ds_1", 99)}) == {"diff": None}
    assert ada.refusal(DIFF, **{**asked, "to": ref("it_1_2")}) == ("INVALID", ["to", "datasetId"])
