"""Stories of merges: one dataset out of several teams' work, told over real HTTP."""

from __future__ import annotations

from typing import Any

from gql_service.app import Service
from tests.api.client import Client
from tests.api.shelf import BOX, CAT, Shelf
from tests.stories.conftest import Hire

REPORT = """dataset { id itemsCount annotationsCount } report { outcome itemsCount
  annotationsCount unified summed bytesAdded conflicts { totalCount } renamed { wanted given } }"""


def clone(client: Client, source: str, name: str) -> str:
    done = client.change("cloneDataset", "dataset { id }", datasetId=source, name=name)
    dataset: str = done["dataset"]["id"]
    return dataset


def merge(client: Client, *datasets: str, name: str = "merged") -> Any:
    return client.change("mergeDatasets", REPORT, name=name, datasetIds=list(datasets))


def test_an_original_of_eleven_and_its_clone_of_ten_make_eleven(ada: Client) -> None:
    shelf = Shelf.fill(ada, count=10)
    copy = clone(ada, shelf.dataset, "copy")
    ada.upload(shelf.dataset, [("eleventh.txt", b"eleven")])
    done = merge(ada, shelf.dataset, copy)
    assert done["dataset"]["itemsCount"] == 11
    assert (done["report"]["outcome"], done["report"]["unified"]) == ("COMBINED", 10)


def test_two_teams_annotate_and_one_item_has_both(ada: Client, hire: Hire) -> None:
    shelf = Shelf.fill(ada)
    bob = hire("Bob")
    ada.change("addMember", projectId=shelf.project, email="bob@example.org", role="DEVELOPER")
    copy = clone(ada, shelf.dataset, "team b")
    key = shelf.items[1].split("_")[-1]
    for client, dataset, annotation in ((ada, shelf.dataset, BOX), (bob, copy, CAT)):
        item = f"{dataset.replace('ds', 'it')}_{key}"
        client.change(
            "addAnnotations", datasetId=dataset, annotations=[{**annotation, "itemId": item}]
        )
    merged = merge(ada, shelf.dataset, copy)["dataset"]
    assert merged["annotationsCount"] == 5
    query = """query ($by: ItemBy!) { item(by: $by) { annotations { nodes {
      label creator { name } source { dataset { name } } } } } }"""
    by = {"path": {"datasetId": merged["id"], "path": "/file1.txt"}}
    assert ada.run(query, by=by)["item"]["annotations"]["nodes"] == [
        {"label": "dog", "creator": {"name": "Admin"}, "source": {"dataset": {"name": "pets"}}},
        {"label": "cat", "creator": {"name": "Bob"}, "source": {"dataset": {"name": "team b"}}},
    ]


def test_an_untouched_clone_merged_with_its_source_doubles_nothing(ada: Client) -> None:
    shelf = Shelf.fill(ada)
    done = merge(ada, shelf.dataset, clone(ada, shelf.dataset, "copy"))
    assert (done["dataset"]["itemsCount"], done["dataset"]["annotationsCount"]) == (4, 3)
    assert done["report"]["conflicts"] == {"totalCount": 0}


def test_unrelated_datasets_add_up_and_share_a_blob(ada: Client, service: Service) -> None:
    shelf = Shelf.fill(ada)
    given = {"projectId": shelf.project, "recipeId": shelf.recipe, "name": "other"}
    other = ada.change("createDataset", "dataset { id }", **given)["dataset"]["id"]
    ada.upload(other, [("file0.txt", b"shelf 0")])
    objects = set(service.vault.keys())
    done = merge(ada, shelf.dataset, other)
    assert (done["dataset"]["itemsCount"], done["report"]["outcome"]) == (5, "SUMMED")
    assert done["report"]["renamed"] == [{"wanted": "/file0.txt", "given": "/file0 (2).txt"}]
    assert done["report"]["bytesAdded"] == "0" and set(service.vault.keys()) == objects
    query = """query ($id: ID!) { items(datasetId: $id, where: {name: {startsWith: "file0"}}) {
      nodes { path binary { sha256 } } } }"""
    nodes = ada.run(query, id=done["dataset"]["id"])["items"]["nodes"]
    assert len(nodes) == 2 and len({node["binary"]["sha256"] for node in nodes}) == 1


def test_different_recipes_are_refused_until_they_are_made_equal(ada: Client) -> None:
    shelf = Shelf.fill(ada)
    recipe = ada.change(
        "createRecipe", "recipe { id }", projectId=shelf.project, title="x", labels=[{"name": "x"}]
    )["recipe"]["id"]
    given = {"projectId": shelf.project, "recipeId": recipe, "name": "other"}
    other = ada.change("createDataset", "dataset { id }", **given)["dataset"]["id"]
    asked = {"name": "merged", "datasetIds": [shelf.dataset, other]}
    refused = ada.attempt("mergeDatasets", **asked)
    assert refused["code"] == "RECIPE_MISMATCH" and refused["differences"]
    ada.change("switchRecipe", datasetId=other, recipeId=shelf.recipe)
    assert ada.change("mergeDatasets", REPORT, **asked)["dataset"]["itemsCount"] == 4


def test_a_merge_across_two_projects_needs_rights_in_both(ada: Client, hire: Hire) -> None:
    shelf = Shelf.fill(ada)
    bob = hire("Bob")
    theirs = Shelf.fill(bob, name="theirs", count=2)
    asked = {"name": "merged", "datasetIds": [theirs.dataset, shelf.dataset]}
    assert bob.refused("mergeDatasets", **asked)[0] == "NOT_FOUND"
    ada.change("addMember", projectId=shelf.project, email="bob@example.org", role="VIEWER")
    merged = bob.change("mergeDatasets", REPORT, **asked)
    assert merged["dataset"]["itemsCount"] == 6


def test_merging_again_reports_only_what_is_new(ada: Client) -> None:
    shelf = Shelf.fill(ada)
    copy = clone(ada, shelf.dataset, "copy")
    everything: dict[str, Any] = {"selection": {"where": {}}}
    for dataset, camera in ((shelf.dataset, "east"), (copy, "west")):
        ada.change("updateItems", datasetId=dataset, **everything, metadata={"camera": camera})
    first = merge(ada, shelf.dataset, copy, name="first")
    assert first["report"]["conflicts"] == {"totalCount": 4}
    again = merge(ada, first["dataset"]["id"], copy, name="again")
    assert again["report"]["conflicts"] == {"totalCount": 0}
