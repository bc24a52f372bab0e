"""Datasets: created, renamed, deleted, restored, listed, and read at any version."""

from __future__ import annotations

from datetime import timedelta

from tests.api.client import Client
from tests.api.conftest import Census
from tests.api.shelf import Shelf
from tests.conftest import SetClock

BY_ID = "query ($id: ID!) { dataset(by: {id: $id}) { id name itemsCount } node(id: $id) { id } }"


def test_a_new_dataset_is_empty_and_at_version_one(ada: Client, shelf: Shelf) -> None:
    made = ada.change(
        "createDataset",
        "dataset { key type itemsCount annotationsCount labelCounts { label } sources { version } "
        "version { number operation message author { name } counts { itemsAdded } } viewerCan }",
        projectId=shelf.project,
        name="  new ",
        recipeId=shelf.recipe,
        message="a start",
    )["dataset"]
    assert (made["type"], made["itemsCount"], made["labelCounts"]) == ("MASTER", 0, [])
    assert made["version"] == {
        "number": 1,
        "operation": "CREATE",
        "message": "a start",
        "author": {"name": "Ada"},
        "counts": {"itemsAdded": 0},
    }
    assert made["viewerCan"] == ["READ", "ANNOTATE", "WRITE", "CURATE"]


def test_names_of_datasets_are_unique_in_a_project(
    ada: Client, shelf: Shelf, census: Census
) -> None:
    given = {"projectId": shelf.project, "recipeId": shelf.recipe}
    before = census()
    assert ada.refused("createDataset", **given, name="pets") == ("NAME_TAKEN", ["name"])
    assert ada.refused("createDataset", **given, name="") == ("INVALID", ["name"])
    assert ada.refused("createDataset", **given, name="x" * 201) == ("LIMIT_EXCEEDED", ["name"])
    assert census() == before


def test_a_dataset_is_found_by_id_and_by_name(ada: Client, bob: Client, shelf: Shelf) -> None:
    by_name = """query ($p: ID!, $n: String!) {
      dataset(by: {name: {projectId: $p, name: $n}}) { id } }"""
    assert ada.run(by_name, p=shelf.project, n="pets") == {"dataset": {"id": shelf.dataset}}
    assert ada.run(by_name, p=shelf.project, n="none") == {"dataset": None}
    assert bob.run(by_name, p=shelf.project, n="pets") == {"dataset": None}
    assert bob.run(BY_ID, id=shelf.dataset) == {"dataset": None, "node": None}
    assert ada.refusal(by_name, p="ds_1", n="pets") == ("INVALID", ["by", "name", "projectId"])
    assert ada.refusal(by_name, p=shelf.project, n="") == ("INVALID", ["by", "name", "name"])


def test_a_deleted_dataset_is_out_of_sight_until_it_is_restored(ada: Client, shelf: Shelf) -> None:
    gone = ada.change("deleteDataset", "datasetId restorableUntil", datasetId=shelf.dataset)
    assert gone["restorableUntil"] == "2026-01-31T12:00:00Z"
    assert ada.run(BY_ID, id=shelf.dataset) == {"dataset": None, "node": None}
    assert ada.refused("deleteDataset", datasetId=shelf.dataset) == ("NOT_FOUND", ["datasetId"])
    given = {"projectId": shelf.project, "recipeId": shelf.recipe, "name": "pets"}
    other = ada.change("createDataset", "dataset { id }", **given)["dataset"]["id"]
    assert ada.refused("restoreDataset", datasetId=shelf.dataset) == ("NAME_TAKEN", ["name"])
    ada.change("updateDataset", datasetId=other, name="other pets")
    back = ada.change("restoreDataset", "dataset { itemsCount }", datasetId=shelf.dataset)
    assert back["dataset"] == {"itemsCount": 4}
    assert ada.refused("restoreDataset", datasetId=shelf.dataset) == ("NOT_FOUND", ["datasetId"])


def test_a_viewer_may_read_and_not_write(ada: Client, bob: Client, shelf: Shelf) -> None:
    ada.change("addMember", projectId=shelf.project, email="bob@example.org", role="VIEWER")
    assert bob.run(BY_ID, id=shelf.dataset)["dataset"]["itemsCount"] == 4
    one = {"datasetId": shelf.dataset}
    all_items = {**one, "selection": {"where": {}}}
    for mutation, given in (
        ("updateDataset", {**one, "name": "x"}),
        ("deleteDataset", one),
        ("switchRecipe", {**one, "recipeId": shelf.recipe}),
        ("updateItems", {**all_items, "hidden": True}),
        ("moveItems", {**all_items, "directory": "/x"}),
        ("deleteItems", all_items),
        ("addItems", {**one, "items": []}),
        ("addAnnotations", {**one, "annotations": []}),
        ("deleteAnnotations", {**one, "ids": []}),
        ("cloneDataset", {**one, "name": "x"}),
        ("createRecipe", {"projectId": shelf.project, "title": "x"}),
    ):
        assert bob.refused(mutation, **given)[0] == "FORBIDDEN", mutation
    assert bob.upload(shelf.dataset, [("x.txt", b"x")])["code"] == "FORBIDDEN"


def test_an_annotator_annotates_and_nothing_else(ada: Client, bob: Client, shelf: Shelf) -> None:
    ada.change("addMember", projectId=shelf.project, email="bob@example.org", role="ANNOTATOR")
    done = bob.change(
        "addAnnotations",
        "annotations { label creator { name } } dataset { viewerCan }",
        datasetId=shelf.dataset,
        annotations=[{"itemId": shelf.items[1], "type": "CLASSIFICATION", "label": "dog"}],
    )
    assert done["annotations"] == [{"label": "dog", "creator": {"name": "Bob"}}]
    assert done["dataset"]["viewerCan"] == ["READ", "ANNOTATE"]
    selection = {"where": {}}
    assert (
        bob.refused("deleteItems", datasetId=shelf.dataset, selection=selection)[0] == "FORBIDDEN"
    )


def test_switching_the_recipe_is_a_version(ada: Client, shelf: Shelf) -> None:
    other = ada.change("cloneRecipe", "recipe { id }", recipeId=shelf.recipe, title="Other")
    given = {"datasetId": shelf.dataset, "recipeId": other["recipe"]["id"]}
    assert ada.refused("switchRecipe", **given, expectedVersion=1)[0] == "VERSION_MOVED"
    fields = "version { number operation recipe { title } } dataset { recipe { title } }"
    done = ada.change("switchRecipe", fields, **given, expectedVersion=2)
    assert done["version"] == {
        "number": 3,
        "operation": "SWITCH_RECIPE",
        "recipe": {"title": "Other"},
    }
    assert ada.change("switchRecipe", fields, **given)["version"] is None


def test_an_old_version_has_its_own_ids_and_content(
    ada: Client, shelf: Shelf, clock: SetClock
) -> None:
    moment = clock()
    clock.advance(timedelta(hours=1))
    ada.change(
        "updateItems",
        datasetId=shelf.dataset,
        selection={"ids": [shelf.items[0]]},
        metadata={"number": 100},
    )
    query = """query ($id: ID!, $at: VersionRef) { dataset(by: {id: $id}, at: $at) {
      id key version { number } head { number } items(first: 1) {
        version { number } nodes { id key metadata annotations(first: 1) { nodes { id key } } } }
    } }"""
    now = ada.run(query, id=shelf.dataset)["dataset"]
    item = now["items"]["nodes"][0]
    assert (now["id"], item["id"], item["metadata"]["number"]) == ("ds_1", shelf.items[0], 100)
    for at in ({"number": 2}, {"time": moment.isoformat()}):
        then = ada.run(query, id=shelf.dataset, at=at)["dataset"]
        old = then["items"]["nodes"][0]
        assert (then["id"], then["key"], then["head"]["number"]) == ("ds_1_v2", now["key"], 3)
        assert (old["id"], old["key"]) == (f"{item['id']}_v2", item["key"])
        assert old["metadata"]["number"] == 0
        assert old["annotations"]["nodes"][0]["id"].endswith("_v2")
    node = "query ($id: ID!) { node(id: $id) { id ... on Item { metadata } } }"
    assert ada.run(node, id=old["id"])["node"] == {"id": old["id"], "metadata": old["metadata"]}
    assert ada.run(node, id=f"{item['id']}_v9") == {"node": None}
    assert ada.run(node, id="ds_1_v2")["node"] == {"id": "ds_1_v2"}
    assert ada.run(query, id="ds_1_v2")["dataset"]["version"] == {"number": 2}
    assert ada.refusal(query, id="ds_1_v2", at={"number": 1}) == ("INVALID", ["at"])
    assert ada.run(query, id=shelf.dataset, at={"number": 9}) == {"dataset": None}
    assert ada.run(query, id=shelf.dataset, at={"number": 0}) == {"dataset": None}
    early = {"time": "2020-01-01T00:00:00Z"}
    assert ada.run(query, id=shelf.dataset, at=early) == {"dataset": None}


def test_datasets_are_filtered_ordered_and_paged(
    ada: Client, shelf: Shelf, clock: SetClock
) -> None:
    for name in ("b", "a"):
        clock.advance(timedelta(seconds=1))
        ada.change("cloneDataset", datasetId=shelf.dataset, name=name)
    query = """query ($p: ID, $where: DatasetWhere, $by: [DatasetOrder!], $first: Int,
        $after: String) {
      datasets(projectId: $p, where: $where, orderBy: $by, first: $first, after: $after) {
        nodes { name type } totalCount pageInfo { endCursor hasNextPage } } }"""

    def names(**given: object) -> list[str]:
        found = ada.run(query, **given)["datasets"]
        return [one["name"] for one in found["nodes"]]

    assert names() == names(p=shelf.project) == ["a", "b", "pets"]
    assert names(where={"type": {"eq": "CLONE"}}) == ["a", "b"]
    assert names(where={"type": {"ne": "CLONE"}, "name": {"startsWith": "p"}}) == ["pets"]
    made = ada.run(
        "query ($id: ID!) { dataset(by: {id: $id}) { createdAt creator { id } } }", id=shelf.dataset
    )
    created, ada_id = made["dataset"]["createdAt"], made["dataset"]["creator"]["id"]
    assert names(where={"createdAt": {"gt": created}, "itemsCount": {"gte": 4}}) == ["a", "b"]
    assert names(where={"not": {"updatedAt": {"gt": created}}}) == ["pets"]
    either = [{"name": {"eq": "a"}}, {"annotationsCount": {"gt": 100}}]
    assert names(where={"or": either, "creator": {"eq": ada_id}}) == ["a"]
    assert names(where={"and": [{"creator": {"ne": ada_id}}]}) == []
    newest = [{"field": "UPDATED_AT", "direction": "DESC"}]
    assert names(by=newest) == ["a", "b", "pets"]
    first = ada.run(query, by=newest, first=1)["datasets"]
    assert (first["totalCount"], first["pageInfo"]["hasNextPage"]) == (3, True)
    assert names(by=newest, after=first["pageInfo"]["endCursor"]) == ["b", "pets"]
    assert ada.refusal(query, where={"not": {"name": {"glob": "x" * 257}}}) == (
        "LIMIT_EXCEEDED",
        ["where", "not", "name", "glob"],
    )
    assert ada.refusal(query, where={"creator": {"eq": shelf.dataset}})[0] == "INVALID"


def test_the_address_of_a_dataset_describes_it(ada: Client, bob: Client, shelf: Shelf) -> None:
    url = ada.run("query ($id: ID!) { dataset(by: {id: $id}) { url } }", id=shelf.dataset)
    response = ada.get(url["dataset"]["url"])
    assert response.json()["name"] == "pets" and response.json()["itemsCount"] == 4
    assert bob.get(url["dataset"]["url"]).status_code == 404
    assert Client(ada.http, None).get(url["dataset"]["url"]).status_code == 401
