"""Stories of clones, from upload to sweep, told over real HTTP."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from gql_service.app import Service
from gql_service.catalog.sweep import sweep
from gql_service.versions.retention import purge_deleted
from tests.api.client import Client
from tests.api.shelf import Shelf
from tests.conftest import SetClock

ITEMS = """query ($id: ID!) { dataset(by: {id: $id}) { id name type itemsCount annotationsCount
  recipe { id } items(first: 500) { nodes { path metadata downloadUrl
    binary { sha256 size mimeType width height referenceCount }
    annotations { nodes { label type coordinates attributes status } } } } } }"""


def content(client: Client, dataset: str) -> list[dict[str, Any]]:
    """Items without what must differ between a dataset and its clone."""
    items = client.run(ITEMS, id=dataset)["dataset"]["items"]["nodes"]
    for item in items:
        del item["downloadUrl"], item["binary"]["referenceCount"]
    found: list[dict[str, Any]] = items
    return found


def clone(client: Client, **given: Any) -> str:
    dataset: str = client.change("cloneDataset", "dataset { id }", **given)["dataset"]["id"]
    return dataset


def test_a_clone_is_equal_shares_the_bytes_and_outlives_its_source(
    ada: Client, service: Service, clock: SetClock
) -> None:
    shelf = Shelf.fill(ada, count=10)
    objects = set(service.vault.keys())
    before = ada.run(ITEMS, id=shelf.dataset)["dataset"]
    copy = clone(ada, datasetId=shelf.dataset, name="copy")
    after = ada.run(ITEMS, id=copy)["dataset"]
    assert (after["type"], after["recipe"]) == ("CLONE", before["recipe"])
    assert content(ada, copy) == content(ada, shelf.dataset)
    assert set(service.vault.keys()) == objects
    for old, new in zip(before["items"]["nodes"], after["items"]["nodes"], strict=True):
        assert (old["binary"]["referenceCount"], new["binary"]["referenceCount"]) == (1, 2)

    ada.change("deleteDataset", datasetId=shelf.dataset)
    assert ada.run(ITEMS, id=shelf.dataset) == {"dataset": None}
    kept = ada.run(ITEMS, id=copy)["dataset"]["items"]["nodes"]
    assert {item["binary"]["referenceCount"] for item in kept} == {1}
    _forget(service, clock)
    for number, item in enumerate(kept):
        path = item["downloadUrl"].removeprefix("http://127.0.0.1:8000")
        assert ada.get(path).content == f"shelf {number}".encode()

    ada.change("deleteDataset", datasetId=copy)
    _forget(service, clock)
    assert set(service.vault.keys()) == set()


def _forget(service: Service, clock: SetClock) -> None:
    """Lets so much time pass, with sweeps, that everything goes which nothing holds."""
    for _ in range(4):
        clock.advance(timedelta(days=40))
        service.database.write(lambda tx: purge_deleted(tx, timedelta(days=30)) and None)
        sweep(service.database, service.vault, service.settings, force=True)


def test_filters_choose_what_is_cloned(ada: Client) -> None:
    shelf = Shelf.fill(ada, count=11)

    def count(name: str, **filters: Any) -> tuple[int, int]:
        report = ada.change(
            "cloneDataset",
            "report { itemsCount annotationsCount }",
            datasetId=shelf.dataset,
            name=name,
            filters=filters,
        )["report"]
        return report["itemsCount"], report["annotationsCount"]

    assert count("names", where={"path": {"glob": "/file1*"}}) == (2, 0 + 1)
    cats = {"annotations": {"some": {"label": {"eq": "cat"}}}}
    assert count("cats", where=cats) == (3, 6)
    assert count("two", ids=list(shelf.items[:2])) == (2, 2)


def test_flags_leave_things_out(ada: Client) -> None:
    shelf = Shelf.fill(ada)
    bare = clone(ada, datasetId=shelf.dataset, name="bare", withItemsAnnotations=False)
    assert ada.run(ITEMS, id=bare)["dataset"]["annotationsCount"] == 0
    plain = content(ada, clone(ada, datasetId=shelf.dataset, name="plain", withMetadata=False))
    assert [item["metadata"] for item in plain] == [{}] * 4
    assert [item["binary"] for item in plain] == [
        item["binary"] for item in content(ada, shelf.dataset)
    ]
    fresh = content(
        ada, clone(ada, datasetId=shelf.dataset, name="new", withTaskAnnotationsStatus=False)
    )
    statuses = {one["status"] for item in fresh for one in item["annotations"]["nodes"]}
    assert statuses == {None}


def test_a_destination_and_a_directory_are_respected(ada: Client) -> None:
    shelf = Shelf.fill(ada)
    target = ada.change(
        "createDataset",
        "dataset { id }",
        projectId=shelf.project,
        name="target",
        recipeId=shelf.recipe,
    )["dataset"]["id"]
    into = {"destination": {"datasetId": target, "directory": "/in"}}
    for expected, given in ((4, {}), (4, {}), (8, {"allowMany": True})):
        clone(ada, datasetId=shelf.dataset, **into, **given)
        items = ada.run(ITEMS, id=target)["dataset"]["items"]["nodes"]
        assert len(items) == len({item["path"] for item in items}) == expected
        assert all(item["path"].startswith("/in/") for item in items)


def test_a_clone_of_a_clone_knows_parent_and_master(ada: Client) -> None:
    shelf = Shelf.fill(ada)
    second = clone(ada, datasetId=shelf.dataset, name="second")
    third = clone(ada, datasetId=second, name="third")
    query = """query ($id: ID!) { dataset(by: {id: $id}) { sources { dataset { name } }
      items { nodes { sourceItems { dataset { name } } masterItem { dataset { name } } } } } }"""
    found = ada.run(query, id=third)["dataset"]
    assert found["sources"] == [{"dataset": {"name": "second"}}]
    for item in found["items"]["nodes"]:
        assert item["sourceItems"] == [{"dataset": {"name": "second"}}]
        assert item["masterItem"] == {"dataset": {"name": "pets"}}


def test_edits_never_leak_between_a_dataset_and_its_clone(ada: Client) -> None:
    shelf = Shelf.fill(ada)
    was = content(ada, shelf.dataset)
    copy = clone(ada, datasetId=shelf.dataset, name="copy")
    ada.change("updateItems", datasetId=copy, selection={"where": {}}, metadata={"edited": True})
    assert content(ada, shelf.dataset) == was
    edited = content(ada, copy)
    ada.change("deleteItems", datasetId=shelf.dataset, selection={"where": {}})
    ada.upload(shelf.dataset, [("new.txt", b"new")])
    assert content(ada, copy) == edited


def test_neither_name_nor_destination_is_an_error_and_makes_nothing(ada: Client) -> None:
    shelf = Shelf.fill(ada)
    refused = ada.attempt("cloneDataset", datasetId=shelf.dataset)
    assert refused["message"] == "Must provide clone name or destination dataset id"
    taken = ada.attempt("cloneDataset", datasetId=shelf.dataset, name="pets")
    assert taken["message"] == "Dataset with the same name already exists"
    assert ada.run("{ datasets { totalCount } }") == {"datasets": {"totalCount": 1}}


def test_the_datasets_of_a_project_are_listed_with_what_one_wants_to_know(ada: Client) -> None:
    shelf = Shelf.fill(ada)
    query = """query ($id: ID!) { datasets(projectId: $id) { nodes {
      id url name creator { email } itemsCount createdAt } } }"""
    (one,) = ada.run(query, id=shelf.project)["datasets"]["nodes"]
    assert one["creator"] == {"email": "admin@localhost"}
    assert (one["name"], one["itemsCount"]) == ("pets", 4)
    assert one["createdAt"] == "2026-01-01T12:00:00Z" and one["url"].endswith(one["id"])
