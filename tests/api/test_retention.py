"""Retention of versions, as clients see it: set and removed, and what is refused afterwards."""

from __future__ import annotations

from typing import Any

import pytest

from gql_service.database.engine import Database
from gql_service.versions.forgetting import forget
from gql_service.versions.keeping import expire_versions
from tests.api.client import Client
from tests.api.conftest import Census
from tests.api.shelf import Shelf
from tests.builders import ON_SQLITE

SET = "dataset { retention { keepVersions keepDays creator { name } } head { number } }"
PAGE = """query ($after: String) { dataset(by: {id: "ds_1"}) { %s(first: 1, after: $after) {
  nodes { id } pageInfo { endCursor } } } }"""
DIFF = """query ($after: String) { diff(from: {datasetId: "ds_2"}, to: {datasetId: "ds_1"}) {
  items(first: 1, after: $after) { nodes { kind } pageInfo { endCursor } } } }"""


def sweep(database: Database) -> None:
    expire_versions(database)
    forget(database)


@ON_SQLITE
def test_a_retention_is_set_changed_and_removed_without_a_version(
    ada: Client, bob: Client, shelf: Shelf, census: Census
) -> None:
    ada.change("addMember", projectId=shelf.project, userId="us_2", role="DEVELOPER")
    before = census()
    for client, given, shown in (
        (ada, {"keepVersions": 3}, (3, None, "Ada")),
        (ada, None, (3, None, "Ada")),
        (bob, {"keepVersions": 3, "keepDays": 30}, (3, 30, "Bob")),
        (ada, {"keepVersions": None, "keepDays": 7}, (None, 7, "Ada")),
        (ada, {}, None),
        (ada, {"keepVersions": 1}, (1, None, "Ada")),
    ):
        found = client.change("updateDataset", SET, datasetId="ds_1", retention=given)["dataset"]
        held = found["retention"]
        got = held and (held["keepVersions"], held["keepDays"], held["creator"]["name"])
        assert (got, found["head"]) == (shown, {"number": 2})
    assert census() == before
    wanted: dict[str, Any] = {"datasetId": "ds_1", "name": "new"}
    for wrong, code in (({"keepVersions": 0}, "INVALID"), ({"keepVersions": -1}, "INVALID")):
        refusal = ada.refused("updateDataset", **wanted, retention=wrong)
        assert refusal == (code, ["retention", "keepVersions"])
    refusal = ada.refused("updateDataset", **wanted, retention={"keepDays": 36_501})
    assert refusal == ("LIMIT_EXCEEDED", ["retention", "keepDays"])
    ada.change("updateMember", projectId=shelf.project, userId="us_2", role="ANNOTATION_MANAGER")
    assert bob.refused("updateDataset", **wanted, retention={})[0] == "FORBIDDEN"
    assert ada.run('{ dataset(by: {id: "ds_1_v1"}) { name } }')["dataset"] == {"name": "pets"}


@pytest.fixture
def expired(ada: Client, shelf: Shelf, database: Database) -> dict[str, str]:
    """Cursors of lists that began at version 2 of `ds_1`, which is at 4 now and keeps only that;
    `ds_2` is a clone of version 2."""
    ada.change("cloneDataset", datasetId="ds_1", name="clone")
    gone = [shelf.items[place].replace("it_1_", "it_2_") for place in (1, 2)]
    ada.change("deleteItems", datasetId="ds_2", selection={"ids": gone})
    cursors = {}
    for name in ("items", "annotations"):
        found = ada.run(PAGE % name)["dataset"][name]
        cursors[name] = found["pageInfo"]["endCursor"]
    cursors["diff"] = ada.run(DIFF)["diff"]["items"]["pageInfo"]["endCursor"]
    ada.change("deleteItems", datasetId="ds_1", selection={"ids": [shelf.items[0]]})
    ada.change("deleteItems", datasetId="ds_1", selection={"ids": [shelf.items[1]]})
    assert ada.run(PAGE % "items", after=cursors["items"])["dataset"]["items"]["nodes"]
    ada.change("updateDataset", datasetId="ds_1", retention={"keepVersions": 1})
    sweep(database)
    return cursors


def test_an_expired_version_stays_listed_and_what_it_showed_is_refused_everywhere(
    ada: Client, shelf: Shelf, expired: dict[str, str]
) -> None:
    listed = """{ dataset(by: {id: "ds_1"}) { itemsCount versions { nodes {
      number readable message operation author { name } counts { itemsRemoved } } } } }"""
    found = ada.run(listed)["dataset"]
    assert found["itemsCount"] == 2
    assert [(one["number"], one["readable"]) for one in found["versions"]["nodes"]] == [
        (4, True),
        (3, False),
        (2, False),
        (1, False),
    ]
    assert found["versions"]["nodes"][1] == {
        "number": 3,
        "readable": False,
        "message": None,
        "operation": "DELETE",
        "author": {"name": "Ada"},
        "counts": {"itemsRemoved": 1},
    }
    item, mark = shelf.items[2], shelf.annotations[0]
    for query, path in (
        ('{ dataset(by: {id: "ds_1"}, at: {number: 3}) { id } }', ["at"]),
        ('{ dataset(by: {id: "ds_1_v3"}) { id } }', ["at"]),
        ('{ node(id: "ds_1_v3") { id } }', None),
        (f'{{ node(id: "{item}_v3") {{ id }} }}', None),
        (f'{{ node(id: "{mark}_v3") {{ id }} }}', None),
        ('{ diff(from: {datasetId: "ds_1", at: {number: 2}}, to: {datasetId: "ds_1"})'
         " { counts { itemsAdded } } }", ["from", "at"]),
        ('{ node(id: "ve_1_3") { ... on Version { changes { totalCount } } } }', None),
        ('{ node(id: "ve_1_4") { ... on Version { changes { totalCount } } } }', None),
        ('{ node(id: "ve_1_3") { ... on Version { dataset { items { totalCount } } } } }', None),
    ):  # fmt: skip
        code, got = ada.refusal(query)
        assert code == "ERASED", query
        assert path is None or got == path, query
    for mutation, given, path in (
        ("cloneDataset", {"name": "old", "at": {"number": 3}}, ["at"]),
        ("revertDataset", {"to": {"number": 3}}, ["to"]),
        ("restoreItems", {"from": {"number": 2}, "ids": [shelf.items[0]]}, ["from"]),
        ("tagVersion", {"name": "old", "at": {"number": 3}}, ["at"]),
    ):
        assert ada.refused(mutation, datasetId="ds_1", **given) == ("ERASED", path), mutation
    sources = [{"datasetId": "ds_1", "at": {"number": 3}}, {"datasetId": "ds_2"}]
    assert ada.refused("mergeDatasets", name="m", sources=sources)[0] == "ERASED"
    file = ada.get(f"/files/ds_1_v3/{item}")
    assert (file.status_code, file.json()["errors"][0]["extensions"]["code"]) == (410, "ERASED")


@ON_SQLITE
def test_a_list_that_began_at_an_expired_version_says_that_its_cursor_has_expired(
    ada: Client, expired: dict[str, str]
) -> None:
    for name in ("items", "annotations"):
        refusal = ada.refusal(PAGE % name, after=expired[name])
        assert refusal == ("CURSOR_EXPIRED", ["after"])
    assert ada.refusal(DIFF, after=expired["diff"]) == ("CURSOR_EXPIRED", ["after"])


def test_a_clone_of_an_expired_version_is_whole_and_knows_where_it_comes_from(
    ada: Client, shelf: Shelf, expired: dict[str, str]
) -> None:
    known = """{ dataset(by: {id: "ds_2"}) { itemsCount items { nodes { path sourceItems { id }
      history { complete nodes { version { number } } } blame { path orEarlier } } }
      sources { version dataset { name itemsCount } } } }"""
    found = ada.run(known)["dataset"]
    assert found["sources"] == [{"version": 2, "dataset": {"name": "pets", "itemsCount": 4}}]
    assert [one["path"] for one in found["items"]["nodes"]] == ["/file0.txt", "/file3.txt"]
    for item in found["items"]["nodes"]:
        assert item["sourceItems"] == []
        assert item["history"] == {"complete": False, "nodes": []}
        assert {one["orEarlier"] for one in item["blame"]} == {True}
    both = ["ds_1", "ds_2"]
    again = ada.change("mergeDatasets", "dataset { itemsCount }", name="m", datasetIds=both)
    assert again["dataset"]["itemsCount"] == 3
