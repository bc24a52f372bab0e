"""Merges: what comes together, what is reported, and what is refused."""

from __future__ import annotations

from typing import Any

from tests.api.client import Client
from tests.api.conftest import Census
from tests.api.shelf import CAT, Shelf
from tests.builders import ON_SQLITE

DONE = """
  job { id kind }
  dataset { id type itemsCount annotationsCount sources { version dataset { name } } version {
    mergeReport { outcome unified } } }
  report { outcome itemsCount annotationsCount unified summed bytesAdded
    conflicts { totalCount nodes { field base left right chosen item { path }
      annotation { label } leftSource { version dataset { name } } rightSource { version } } }
    renamed { wanted given item { path } } }
"""


def clone(client: Client, shelf: Shelf, name: str, **given: Any) -> str:
    done = client.change(
        "cloneDataset", "dataset { id }", datasetId=shelf.dataset, name=name, **given
    )
    dataset: str = done["dataset"]["id"]
    return dataset


def test_two_teams_come_together(ada: Client, shelf: Shelf) -> None:
    other = clone(ada, shelf, "team b")
    key = shelf.items[1].split("_")[-1]
    for dataset in (shelf.dataset, other):
        item = f"it_{dataset.removeprefix('ds_')}_{key}"
        ada.change("addAnnotations", datasetId=dataset, annotations=[{**CAT, "itemId": item}])
    done = ada.change("mergeDatasets", DONE, name="both", datasetIds=[shelf.dataset, other])
    assert done["dataset"]["type"] == "MERGE"
    assert done["dataset"]["version"]["mergeReport"] == {"outcome": "COMBINED", "unified": 4}
    assert [one["dataset"]["name"] for one in done["dataset"]["sources"]] == ["pets", "team b"]
    report = done["report"]
    assert (report["outcome"], report["itemsCount"], report["annotationsCount"]) == (
        "COMBINED",
        4,
        5,
    )
    assert report["bytesAdded"] == "0" and report["conflicts"]["totalCount"] == 0
    query = """query ($by: ItemBy!) { item(by: $by) { sourceItems { dataset { name } }
      annotations { nodes { label source { dataset { name } } } } } }"""
    by = {"path": {"datasetId": done["dataset"]["id"], "path": "/file1.txt"}}
    item = ada.run(query, by=by)["item"]
    assert [one["dataset"]["name"] for one in item["sourceItems"]] == ["pets", "team b"]
    sources = [one["source"]["dataset"]["name"] for one in item["annotations"]["nodes"]]
    assert sources == ["pets", "team b"]


def test_conflicts_are_reported_and_paged(ada: Client, shelf: Shelf) -> None:
    other = clone(ada, shelf, "other")
    for dataset, camera in ((shelf.dataset, "east"), (other, "west")):
        ada.change(
            "updateItems", datasetId=dataset, selection={"where": {}}, metadata={"camera": camera}
        )
    done = ada.change("mergeDatasets", DONE, name="both", datasetIds=[shelf.dataset, other])
    conflicts = done["report"]["conflicts"]
    assert conflicts["totalCount"] == 4
    first = next(one for one in conflicts["nodes"] if one["item"]["path"] == "/file0.txt")
    assert first == {
        "field": "metadata.camera",
        "base": "south",
        "left": "east",
        "right": "west",
        "chosen": "west",
        "item": {"path": "/file0.txt"},
        "annotation": None,
        "leftSource": {"version": 3, "dataset": {"name": "pets"}},
        "rightSource": {"version": 2},
    }
    paged = """query ($id: ID!, $after: String) { job(id: $id) { result {
      ... on MergeDatasetsSuccess { report { conflicts(first: 3, after: $after) {
        nodes { item { path } } pageInfo { endCursor hasNextPage } } } } } } }"""
    page = ada.run(paged, id=done["job"]["id"])["job"]["result"]["report"]["conflicts"]
    assert (len(page["nodes"]), page["pageInfo"]["hasNextPage"]) == (3, True)
    after = page["pageInfo"]["endCursor"]
    page = ada.run(paged, id=done["job"]["id"], after=after)["job"]["result"]["report"]["conflicts"]
    assert (len(page["nodes"]), page["pageInfo"]["hasNextPage"]) == (1, False)
    strict = {"name": "strict", "datasetIds": [shelf.dataset, other], "onConflict": "FAIL"}
    assert ada.refused("mergeDatasets", **strict) == ("CONFLICT", ["onConflict"])
    ours = {"name": "ours", "datasetIds": [shelf.dataset, other], "onConflict": "FIRST"}
    kept = ada.change("mergeDatasets", DONE, **ours)["report"]["conflicts"]["nodes"]
    assert {one["chosen"] for one in kept} == {"east"}


@ON_SQLITE
def test_unrelated_datasets_stand_side_by_side(ada: Client, shelf: Shelf) -> None:
    given = {"projectId": shelf.project, "recipeId": shelf.recipe, "name": "second"}
    second = ada.change("createDataset", "dataset { id }", **given)["dataset"]["id"]
    ada.upload(second, [("file0.txt", b"shelf 0")])
    done = ada.change("mergeDatasets", DONE, name="sum", datasetIds=[shelf.dataset, second])
    report = done["report"]
    assert (report["outcome"], report["itemsCount"], report["summed"]) == ("SUMMED", 5, 5)
    assert report["renamed"] == [
        {"wanted": "/file0.txt", "given": "/file0 (2).txt", "item": {"path": "/file0 (2).txt"}}
    ]


@ON_SQLITE
def test_sources_at_versions_are_merged_as_they_were(ada: Client, shelf: Shelf) -> None:
    other = clone(ada, shelf, "other")
    ada.change("deleteItems", datasetId=shelf.dataset, selection={"where": {}})
    sources = [{"datasetId": shelf.dataset, "at": {"number": 2}}, {"datasetId": other}]
    done = ada.change("mergeDatasets", DONE, name="old", sources=sources)
    assert [one["version"] for one in done["dataset"]["sources"]] == [2, 1]


@ON_SQLITE
def test_wrong_merges_are_refused_and_nothing_is_made(
    ada: Client, bob: Client, shelf: Shelf, census: Census
) -> None:
    theirs = Shelf.fill(bob, name="theirs", count=1)
    other, gone = clone(ada, shelf, "other"), clone(ada, shelf, "gone")
    ada.change("deleteDataset", datasetId=gone)
    recipe = ada.change(
        "createRecipe", "recipe { id }", projectId=shelf.project, title="x", labels=[{"name": "x"}]
    )["recipe"]["id"]
    strange = ada.change(
        "createDataset", "dataset { id }", projectId=shelf.project, name="strange", recipeId=recipe
    )["dataset"]["id"]
    ours = shelf.dataset
    before = census()
    cases: list[tuple[dict[str, Any], tuple[str, list[str]]]] = [
        ({}, ("INVALID", ["datasetIds"])),
        ({"datasetIds": []}, ("INVALID", ["datasetIds"])),
        ({"datasetIds": [ours]}, ("INVALID", ["datasetIds"])),
        ({"datasetIds": [ours, ours]}, ("INVALID", ["datasetIds", "1"])),
        ({"datasetIds": [ours, f"{ours}_v2"]}, ("INVALID", ["datasetIds", "1"])),
        ({"datasetIds": [ours, gone]}, ("NOT_FOUND", ["datasetIds", "1"])),
        ({"datasetIds": [ours, "ds_999"]}, ("NOT_FOUND", ["datasetIds", "1"])),
        ({"datasetIds": [theirs.dataset, ours]}, ("NOT_FOUND", ["datasetIds", "0"])),
        ({"datasetIds": [ours, "pr_1"]}, ("INVALID", ["datasetIds", "1"])),
        ({"datasetIds": [ours] * 101}, ("LIMIT_EXCEEDED", ["datasetIds"])),
        ({"datasetIds": [ours, other], "name": "pets"}, ("NAME_TAKEN", ["name"])),
        ({"datasetIds": [ours, other], "name": " "}, ("INVALID", ["name"])),
        (
            {"datasetIds": [ours, other], "projectId": theirs.project},
            ("NOT_FOUND", ["projectId"]),
        ),
        (
            {"datasetIds": [ours, other], "projectIds": ["pr_999"]},
            ("INVALID", ["datasetIds", "0"]),
        ),
        ({"datasetIds": [ours, other], "projectIds": ["x"]}, ("INVALID", ["projectIds", "0"])),
        ({"datasetIds": [ours, other], "sources": []}, ("INVALID", ["datasetIds"])),
        ({"sources": [{"datasetId": ours}]}, ("INVALID", ["sources"])),
        (
            {"sources": [{"datasetId": ours}, {"datasetId": ours, "at": {"number": 1}}]},
            ("INVALID", ["sources", "1"]),
        ),
        (
            {"sources": [{"datasetId": ours}, {"datasetId": other, "at": {"number": 9}}]},
            ("NOT_FOUND", ["sources", "1"]),
        ),
    ]
    for wrong, refusal in cases:
        assert ada.refused("mergeDatasets", **{"name": "x", **wrong}) == refusal, wrong
    assert ada.refused("mergeDatasets", name="x", datasetIds=[ours, strange])[0] == (
        "RECIPE_MISMATCH"
    )
    assert census() == before


@ON_SQLITE
def test_recipes_must_be_equal_and_can_be_made_so(ada: Client, shelf: Shelf) -> None:
    recipe = ada.change(
        "createRecipe", "recipe { id }", projectId=shelf.project, title="x", labels=[{"name": "x"}]
    )["recipe"]["id"]
    given = {"projectId": shelf.project, "name": "strange", "recipeId": recipe}
    strange = ada.change("createDataset", "dataset { id }", **given)["dataset"]["id"]
    asked = {"name": "both", "datasetIds": [shelf.dataset, strange]}
    refused = ada.attempt("mergeDatasets", **asked)
    assert refused["__typename"] == "RecipeMismatchError"
    assert ("LABEL_ADDED", "x") in [(one["kind"], one["name"]) for one in refused["differences"]]
    ada.change("switchRecipe", datasetId=strange, recipeId=shelf.recipe)
    assert ada.change("mergeDatasets", **asked)


@ON_SQLITE
def test_a_merge_across_projects_needs_rights_in_both(
    ada: Client, bob: Client, shelf: Shelf
) -> None:
    theirs = Shelf.fill(bob, name="theirs", count=1)
    asked = {"name": "both", "datasetIds": [theirs.dataset, shelf.dataset]}
    assert bob.refused("mergeDatasets", **asked) == ("NOT_FOUND", ["datasetIds", "1"])
    ada.change("addMember", projectId=shelf.project, email="bob@example.org", role="VIEWER")
    merged = bob.change("mergeDatasets", "dataset { project { name } itemsCount }", **asked)
    assert merged["dataset"] == {"project": {"name": "theirs"}, "itemsCount": 5}
    turned = {"name": "both", "datasetIds": [shelf.dataset, theirs.dataset]}
    assert bob.refused("mergeDatasets", **turned)[0] == "FORBIDDEN"
