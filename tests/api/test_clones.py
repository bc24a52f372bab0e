"""Clones: what they take, what they know of their source, and what is refused."""

from __future__ import annotations

from typing import Any

from gql_service.vault.contract import Vault
from tests.api.client import Client
from tests.api.conftest import Census
from tests.api.shelf import Shelf
from tests.builders import ON_SQLITE

DONE = """
  job { id kind status progress { done total unit percent } finishedAt creator { name } }
  dataset { id name type itemsCount annotationsCount recipe { id }
            sources { version dataset { id name } } }
  report { itemsCount annotationsCount bytesAdded renamed { wanted given item { path } } }
"""


def test_a_clone_holds_the_same_and_stores_nothing(ada: Client, shelf: Shelf, vault: Vault) -> None:
    objects = set(vault.keys())
    done = ada.change("cloneDataset", DONE, datasetId=shelf.dataset, name="copy", message="why")
    assert done["dataset"] == {
        "id": "ds_2",
        "name": "copy",
        "type": "CLONE",
        "itemsCount": 4,
        "annotationsCount": 3,
        "recipe": {"id": shelf.recipe},
        "sources": [{"version": 2, "dataset": {"id": "ds_1_v2", "name": "pets"}}],
    }
    assert done["report"] == {
        "itemsCount": 4,
        "annotationsCount": 3,
        "bytesAdded": "0",
        "renamed": [],
    }
    job = done["job"]
    assert (job["kind"], job["status"], job["creator"]) == ("CLONE", "SUCCEEDED", {"name": "Ada"})
    assert job["progress"] == {"done": "4", "total": "4", "unit": "items", "percent": 100.0}
    assert set(vault.keys()) == objects
    result = f"result {{ ... on CloneDatasetSuccess {{ {DONE} }} }}"
    query = f"query ($id: ID!) {{ job(id: $id) {{ {result} }} }}"
    again = ada.run(query, id=job["id"])
    assert again["job"]["result"] == {key: done[key] for key in ("job", "dataset", "report")}


def test_items_of_a_clone_know_where_they_come_from(ada: Client, shelf: Shelf) -> None:
    ada.change("cloneDataset", datasetId=shelf.dataset, name="second")
    ada.change("cloneDataset", datasetId="ds_2", name="third")
    lineage = """query ($id: ID!) { item(by: {id: $id}) { key
      sourceItems { id path dataset { name } } masterItem { id dataset { name } }
      ancestors { id } copies { totalCount version { number } nodes { id dataset { name } } }
      binary { referenceCount referencedBy { nodes { dataset { name } } } } } }"""
    key = shelf.items[0].split("_")[-1]
    third = ada.run(lineage, id=f"it_3_{key}")["item"]
    first = ada.run(lineage, id=shelf.items[0])["item"]
    assert third["key"] == first["key"] == key
    assert third["sourceItems"] == [
        {"id": f"it_2_{key}_v1", "path": "/file0.txt", "dataset": {"name": "second"}}
    ]
    assert third["masterItem"] == {"id": f"it_1_{key}_v2", "dataset": {"name": "pets"}}
    assert third["ancestors"] == [{"id": f"it_2_{key}_v1"}, {"id": f"it_1_{key}_v2"}]
    assert third["copies"]["nodes"] == []
    assert (first["sourceItems"], first["masterItem"], first["ancestors"]) == ([], None, [])
    assert first["copies"] == {
        "totalCount": 2,
        "version": None,
        "nodes": [
            {"id": f"it_2_{key}", "dataset": {"name": "second"}},
            {"id": f"it_3_{key}", "dataset": {"name": "third"}},
        ],
    }
    assert first["binary"]["referenceCount"] == 3
    paged = """query ($id: ID!, $after: String) { item(by: {id: $id}) {
      copies(first: 1, after: $after) { nodes { id } pageInfo { endCursor hasNextPage } } } }"""
    page = ada.run(paged, id=shelf.items[0])["item"]["copies"]
    assert page["pageInfo"]["hasNextPage"] is True
    page = ada.run(paged, id=shelf.items[0], after=page["pageInfo"]["endCursor"])["item"]["copies"]
    assert page["nodes"] == [{"id": f"it_3_{key}"}]
    assert page["pageInfo"]["hasNextPage"] is False


@ON_SQLITE
def test_a_second_copy_in_one_dataset_knows_its_source(ada: Client, shelf: Shelf) -> None:
    done = ada.change(
        "cloneDataset",
        DONE,
        datasetId=shelf.dataset,
        destination={"datasetId": shelf.dataset},
        filters={"ids": [shelf.items[0]]},
        allowMany=True,
    )
    assert done["report"]["itemsCount"] == 1
    assert done["report"]["renamed"] == [
        {
            "wanted": "/file0.txt",
            "given": "/file0 (2).txt",
            "item": {"path": "/file0 (2).txt"},
        }
    ]
    query = """query ($by: ItemBy!) { item(by: $by) { id key sourceItems { id }
      copies { nodes { path } } } }"""
    by_path = {"path": {"datasetId": shelf.dataset, "path": "/file0 (2).txt"}}
    copy = ada.run(query, by=by_path)["item"]
    assert copy["sourceItems"] == [{"id": f"{shelf.items[0]}_v2"}]
    original = ada.run(query, by={"id": shelf.items[0]})["item"]
    assert original["key"] != copy["key"]
    assert original["sourceItems"] == []
    assert original["copies"]["nodes"] == [{"path": "/file0 (2).txt"}]


@ON_SQLITE
def test_flags_and_filters_choose_what_is_taken(ada: Client, shelf: Shelf) -> None:
    content = """dataset { items { nodes { path metadata annotations { nodes { status } }
      binary { size mimeType } } } } report { itemsCount annotationsCount }"""

    def clone(name: str, **given: Any) -> Any:
        return ada.change("cloneDataset", content, datasetId=shelf.dataset, name=name, **given)

    bare = clone("a", withItemsAnnotations=False, withMetadata=False)
    assert bare["report"] == {"itemsCount": 4, "annotationsCount": 0}
    for item in bare["dataset"]["items"]["nodes"]:
        assert (item["metadata"], item["annotations"]["nodes"]) == ({}, [])
        assert item["binary"] == {"size": "7", "mimeType": "text/plain"}
    plain = clone("b", withTaskAnnotationsStatus=False)["dataset"]["items"]["nodes"][0]
    assert [one["status"] for one in plain["annotations"]["nodes"]] == [None, None]
    cats = {"where": {"annotations": {"some": {"label": {"eq": "cat"}}}}}
    assert clone("c", filters=cats)["report"] == {"itemsCount": 1, "annotationsCount": 2}
    two = {"ids": [shelf.items[0], shelf.items[1]]}
    assert clone("d", filters=two)["report"] == {"itemsCount": 2, "annotationsCount": 2}


@ON_SQLITE
def test_a_clone_of_an_old_version_is_as_that_was(ada: Client, shelf: Shelf) -> None:
    ada.change("deleteItems", datasetId=shelf.dataset, selection={"where": {}})
    for name, source in (("a", {"at": {"number": 2}}), ("b", {})):
        done = ada.change("cloneDataset", DONE, datasetId=shelf.dataset, name=name, **source)
        assert done["report"]["itemsCount"] == (4 if source else 0)
    by_id = ada.change("cloneDataset", DONE, datasetId=f"{shelf.dataset}_v2", name="c")
    assert by_id["report"]["itemsCount"] == 4


@ON_SQLITE
def test_a_clone_into_a_directory_keeps_what_is_there(ada: Client, shelf: Shelf) -> None:
    given = {"projectId": shelf.project, "recipeId": shelf.recipe, "name": "target"}
    target = ada.change("createDataset", "dataset { id }", **given)["dataset"]["id"]
    into = {"destination": {"datasetId": target, "directory": "/in"}, "datasetId": shelf.dataset}
    done = ada.change("cloneDataset", DONE, **into, expectedVersion=1)
    assert (done["dataset"]["id"], done["report"]["itemsCount"]) == (target, 4)
    again = ada.change("cloneDataset", DONE, **into)
    assert again["report"] == {
        "itemsCount": 0,
        "annotationsCount": 0,
        "bytesAdded": "0",
        "renamed": [],
    }
    assert ada.refused("cloneDataset", **into, expectedVersion=1) == (
        "VERSION_MOVED",
        ["expectedVersion"],
    )


@ON_SQLITE
def test_wrong_clones_are_refused_and_nothing_is_made(
    ada: Client, bob: Client, shelf: Shelf, census: Census
) -> None:
    theirs = Shelf.fill(bob, name="theirs", count=1)
    other = ada.change(
        "createRecipe", "recipe { id }", projectId=shelf.project, title="x", labels=[{"name": "x"}]
    )["recipe"]["id"]
    strange = ada.change(
        "createDataset", "dataset { id }", projectId=shelf.project, name="strange", recipeId=other
    )["dataset"]["id"]
    deleted = ada.change("cloneDataset", "dataset { id }", datasetId=shelf.dataset, name="gone")
    ada.change("deleteDataset", datasetId=deleted["dataset"]["id"])
    before = census()
    cases: list[tuple[dict[str, Any], tuple[str, list[str]]]] = [
        ({}, ("INVALID", ["name"])),
        ({"name": "x", "destination": {"datasetId": strange}}, ("INVALID", ["destination"])),
        ({"name": "pets"}, ("NAME_TAKEN", ["name"])),
        ({"name": ""}, ("INVALID", ["name"])),
        ({"name": "\ud800"}, ("INVALID", ["name"])),
        ({"name": "x", "at": {"number": 9}}, ("NOT_FOUND", ["at"])),
        ({"name": "x", "at": {"number": 0}}, ("NOT_FOUND", ["at"])),
        ({"name": "x", "expectedVersion": 1}, ("VERSION_MOVED", ["expectedVersion"])),
        ({"name": "x", "message": "\x00"}, ("INVALID", ["message"])),
        ({"name": "x", "message": "x" * 1001}, ("LIMIT_EXCEEDED", ["message"])),
        ({"name": "x", "datasetId": "ds_999"}, ("NOT_FOUND", ["datasetId"])),
        ({"name": "x", "datasetId": theirs.dataset}, ("NOT_FOUND", ["datasetId"])),
        ({"name": "x", "datasetId": deleted["dataset"]["id"]}, ("NOT_FOUND", ["datasetId"])),
        ({"name": "x", "datasetId": "it_1_1"}, ("INVALID", ["datasetId"])),
        ({"name": "x", "projectId": theirs.project}, ("NOT_FOUND", ["projectId"])),
        ({"name": "x", "projectId": "ds_1"}, ("INVALID", ["projectId"])),
        ({"name": "x", "filters": {"ids": ["it_1_999"]}}, ("NOT_FOUND", ["filters", "ids"])),
        ({"name": "x", "filters": {"ids": ["it_9_1"]}}, ("INVALID", ["filters", "ids", "0"])),
        (
            {"destination": {"datasetId": theirs.dataset}},
            ("NOT_FOUND", ["destination", "datasetId"]),
        ),
        (
            {"destination": {"datasetId": strange}},
            ("RECIPE_MISMATCH", ["destination", "datasetId"]),
        ),
        (
            {"destination": {"datasetId": shelf.dataset, "directory": "/../x"}},
            ("INVALID", ["destination", "directory"]),
        ),
    ]
    for wrong, refusal in cases:
        given = {"datasetId": shelf.dataset, **wrong}
        assert ada.refused("cloneDataset", **given) == refusal, wrong
    assert census() == before
    mismatch = ada.attempt(
        "cloneDataset", datasetId=shelf.dataset, destination={"datasetId": strange}
    )
    found = {(one["kind"], one["name"]) for one in mismatch["differences"]}
    assert {("LABEL_REMOVED", "x"), ("LABEL_ADDED", "dog")} <= found


@ON_SQLITE
def test_a_clone_outlives_its_source_and_hides_it_from_others(
    ada: Client, bob: Client, shelf: Shelf
) -> None:
    project = bob.change("createProject", "project { id }", name="theirs")["project"]["id"]
    bob.change("addMember", projectId=project, email="ada@example.org", role="DEVELOPER")
    done = ada.change(
        "cloneDataset", DONE, datasetId=shelf.dataset, name="shared", projectId=project
    )
    clone = done["dataset"]["id"]
    query = """query ($id: ID!) { dataset(by: {id: $id}) { sources { version dataset { id } }
      recipe { id title project { id } }
      items { nodes { path sourceItems { id } masterItem { id } ancestors { id }
        binary { referenceCount } } } } }"""
    theirs = bob.run(query, id=clone)["dataset"]
    assert theirs["sources"] == [{"version": 2, "dataset": None}]
    assert theirs["recipe"] == {"id": shelf.recipe, "title": "Pets", "project": None}
    assert theirs["items"]["nodes"][0] == {
        "path": "/file0.txt",
        "sourceItems": [],
        "masterItem": None,
        "ancestors": [],
        "binary": {"referenceCount": 1},
    }
    ours = ada.run(query, id=clone)["dataset"]["items"]["nodes"][0]
    assert ours["binary"] == {"referenceCount": 2} and ours["sourceItems"]
    ada.change("deleteDataset", datasetId=shelf.dataset)
    assert ada.run(query, id=clone)["dataset"]["sources"] == [{"version": 2, "dataset": None}]
    assert len(bob.run(query, id=clone)["dataset"]["items"]["nodes"]) == 4


@ON_SQLITE
def test_clones_of_a_dataset_are_listed(ada: Client, bob: Client, shelf: Shelf) -> None:
    for name in ("b", "a"):
        ada.change("cloneDataset", datasetId=shelf.dataset, name=name)
    query = """query ($id: ID!) { dataset(by: {id: $id}) { clones { totalCount nodes { name } }
      recipe { datasets { nodes { name } } } } }"""
    found = ada.run(query, id=shelf.dataset)["dataset"]
    assert found["clones"] == {"totalCount": 2, "nodes": [{"name": "a"}, {"name": "b"}]}
    assert [one["name"] for one in found["recipe"]["datasets"]["nodes"]] == ["a", "b", "pets"]


@ON_SQLITE
def test_a_job_is_seen_by_members_of_its_project(ada: Client, bob: Client, shelf: Shelf) -> None:
    job = ada.change("cloneDataset", "job { id }", datasetId=shelf.dataset, name="x")["job"]["id"]
    query = "query ($id: ID!) { job(id: $id) { id } node(id: $id) { id } }"
    assert ada.run(query, id=job) == {"job": {"id": job}, "node": {"id": job}}
    assert bob.run(query, id=job) == {"job": None, "node": None}
    assert ada.refusal(query, id="ds_1") == ("INVALID", ["id"])
