"""Plans: they report what the mutation then does, refuse what it refuses, and write nothing.

Seeded bugs that turned these red: a plan that takes locks (on PostgreSQL); one that does not look
for the name; the items of a plan looked for in its first source only; the head planned instead of
the version that was named; annotations counted that a flag leaves out; of a deletion, the versions
at which clones see a line forgotten, files counted that a clone holds, and items that it has.
Random histories found more: annotations of strangers, of removed items, and replaced ones counted.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from gql_service.catalog.visibility import DATASETS, ITEMS
from gql_service.database.engine import Database, begun
from gql_service.versions.report import BINARIES
from gql_service.versions.retention import purge_deleted
from tests.api.client import Client
from tests.api.conftest import Census
from tests.api.plans import REPORT, TAKEN, merge_as_planned, plan, same_refusal
from tests.api.shelf import BOX, CAT, Shelf
from tests.builders import ON_SQLITE
from tests.conftest import SetClock


def clone(client: Client, dataset: str, name: str, **given: Any) -> str:
    done = client.change("cloneDataset", "dataset { id }", datasetId=dataset, name=name, **given)
    made: str = done["dataset"]["id"]
    return made


def disagreeing(client: Client, shelf: Shelf) -> tuple[str, str]:
    """A clone that says something else about every item and one annotation, and a stranger with
    the same paths."""
    other = clone(client, shelf.dataset, "other")
    for dataset, camera in ((shelf.dataset, "east"), (other, "west")):
        given = {"selection": {"where": {}}, "metadata": {"camera": camera}}
        client.change("updateItems", datasetId=dataset, **given)
        key = shelf.annotations[0].split("_")[-1]
        mark = {"id": f"an_{dataset.removeprefix('ds_')}_{key}", "metadata": {"by": camera}}
        client.change("updateAnnotations", datasetId=dataset, annotations=[mark])
    stranger = client.change(
        "createDataset",
        "dataset { id }",
        projectId=shelf.project,
        name="stranger",
        recipeId=shelf.recipe,
    )["dataset"]["id"]
    client.upload(stranger, [("file0.txt", b"other"), ("file9.txt", b"nine")])
    return other, stranger


def test_a_merge_does_what_its_plan_said(
    ada: Client, shelf: Shelf, census: Census, database: Database
) -> None:
    other, stranger = disagreeing(ada, shelf)
    asked = {"name": "all", "datasetIds": [shelf.dataset, other, stranger]}
    before = census()
    with database.engine.connect() as connection, begun(connection, write=True):
        # Somebody writes meanwhile, and the plan neither waits nor stands in the way.
        connection.execute(sa.update(DATASETS).values(creator=DATASETS.c.creator))
        planned = plan(ada, "planMerge", **asked)
    assert census() == before
    sums = [planned[name] for name in ("outcome", "itemsCount", "annotationsCount", "unified")]
    assert sums == ["MIXED", 6, 4, 4]
    assert planned["conflicts"]["totalCount"] == 5
    assert [(one["wanted"], one["given"]) for one in planned["renamed"]] == [
        ("/file0.txt", "/file0 (2).txt")
    ]
    merge_as_planned(ada, **asked)
    merge_as_planned(ada, **{**asked, "name": "three"}, policy="THREE_WAY", onConflict="FIRST")
    flags = {"withItemsAnnotations": False, "withMetadata": False}
    merge_as_planned(ada, **{**asked, "name": "masked"}, **flags)


@ON_SQLITE
def test_a_plan_shows_its_items_where_they_come_from_and_has_pages(
    ada: Client, shelf: Shelf
) -> None:
    other, stranger = disagreeing(ada, shelf)
    asked = {"name": "all", "datasetIds": [shelf.dataset, other, stranger]}
    items = """conflicts { nodes { field resolved { number } item { id path dataset { name } }
      annotation { id label } } } renamed { item { id path } }"""
    planned = plan(ada, "planMerge", items, **asked)
    first = planned["conflicts"]["nodes"][0]
    assert first["item"]["dataset"] == {"name": "pets"} and first["resolved"] is None
    assert first["item"]["id"].startswith("it_1_") and first["item"]["id"].endswith("_v4")
    (mark,) = [one for one in planned["conflicts"]["nodes"] if one["annotation"]]
    assert (mark["field"], mark["annotation"]["label"]) == ("annotation", "dog")
    (renamed,) = planned["renamed"]
    assert renamed["item"]["path"] == "/file0.txt" and renamed["item"]["id"].startswith("it_3_")

    def page(**of: Any) -> Any:
        given = "first: 3" + (f', after: "{of["after"]}"' if of else "")
        nodes = "nodes { position } pageInfo { endCursor hasNextPage }"
        return plan(ada, "planMerge", f"conflicts({given}) {{ {nodes} }}", **asked)["conflicts"]

    found = page()
    assert [one["position"] for one in found["nodes"]] == [0, 1, 2]
    rest = page(after=found["pageInfo"]["endCursor"])
    assert [one["position"] for one in rest["nodes"]] == [3, 4]
    assert not rest["pageInfo"]["hasNextPage"]


@ON_SQLITE
def test_a_plan_of_pinned_sources_stays_as_it_is(ada: Client, shelf: Shelf) -> None:
    other, _ = disagreeing(ada, shelf)
    points = [
        {"datasetId": shelf.dataset, "at": {"number": 3}},
        {"datasetId": other, "at": {"number": 2}},
    ]
    asked = {"name": "pinned", "sources": points}
    planned = plan(ada, "planMerge", REPORT, **asked)
    ada.change("deleteItems", datasetId=other, selection={"where": {}})
    ada.change("updateItems", datasetId=shelf.dataset, selection={"where": {}}, hidden=True)
    assert plan(ada, "planMerge", REPORT, **asked) == planned
    assert planned["conflicts"]["totalCount"] == 4
    merge_as_planned(ada, **asked)


@ON_SQLITE
def test_a_clone_takes_what_its_plan_said(ada: Client, shelf: Shelf, census: Census) -> None:
    source = shelf.dataset
    copy = clone(ada, source, "copy", filters={"where": {"annotated": True}})
    ada.upload(source, [{"name": "file0.txt", "content": b"deep", "path": "/deep/file0.txt"}])
    ways: list[dict[str, Any]] = [
        {"name": "whole"},
        {"name": "bare", "withItemsAnnotations": False},
        {"name": "old", "at": {"number": 1}},
        {"name": "some", "filters": {"where": {"annotated": True}}},
        {"name": "masked", "filters": {"ids": [shelf.items[0]]}, "withItemsAnnotations": False},
        {"name": "flat", "stripFolders": True},
        {"destination": {"datasetId": copy}},
        {"destination": {"datasetId": copy}, "allowMany": True, "stripFolders": True},
        {"destination": {"datasetId": copy}},
    ]
    taken = []
    for way in ways:
        before = census()
        planned = plan(ada, "planClone", datasetId=source, **way)
        assert census() == before
        done = ada.change("cloneDataset", f"report {{ {TAKEN} }}", datasetId=source, **way)
        planned.pop("__typename")
        assert done["report"] == planned, way
        taken.append((planned["itemsCount"], len(planned["renamed"])))
    assert taken == [(5, 0), (5, 0), (0, 0), (2, 0), (1, 0), (5, 1), (3, 0), (5, 5), (0, 0)]
    renamed = plan(
        ada, "planClone", "renamed { item { path } }", datasetId=source, **ways[5] | {"name": "x"}
    )
    assert renamed["renamed"] == [{"item": {"path": "/file0.txt"}}]


@pytest.mark.exhaustive
@ON_SQLITE
def test_a_plan_refuses_what_the_mutation_refuses(
    ada: Client, bob: Client, shelf: Shelf, census: Census
) -> None:
    other, _ = disagreeing(ada, shelf)
    theirs = Shelf.fill(bob, name="theirs", count=1)
    recipe = ada.change(
        "createRecipe", "recipe { id }", projectId=shelf.project, title="x", labels=[{"name": "x"}]
    )["recipe"]["id"]
    given = {"projectId": shelf.project, "name": "strange", "recipeId": recipe}
    strange = ada.change("createDataset", "dataset { id }", **given)["dataset"]["id"]
    both = [shelf.dataset, other]
    before = census()
    merges: list[tuple[dict[str, Any], tuple[str, list[str]]]] = [
        ({"name": "pets", "datasetIds": both}, ("NAME_TAKEN", ["name"])),
        ({"name": " ", "datasetIds": both}, ("INVALID", ["name"])),
        ({"datasetIds": both}, ("INVALID", ["name"])),
        ({"name": "x", "datasetIds": both, "onConflict": "FAIL"}, ("CONFLICT", ["onConflict"])),
        ({"name": "x", "datasetIds": [*both, strange]}, ("RECIPE_MISMATCH", ["datasetIds", "2"])),
        ({"name": "x", "datasetIds": [theirs.dataset, other]}, ("NOT_FOUND", ["datasetIds", "0"])),
        ({"into": other, "datasetIds": [shelf.dataset], "expectedVersion": 2},
         ("VERSION_MOVED", ["expectedVersion"])),
    ]  # fmt: skip
    for asked, refusal in merges:
        assert same_refusal(ada, "planMerge", **asked) == refusal, asked
    clones: list[tuple[dict[str, Any], tuple[str, list[str]]]] = [
        ({"name": "pets"}, ("NAME_TAKEN", ["name"])),
        ({}, ("INVALID", ["name"])),
        ({"name": "x", "expectedVersion": 1}, ("VERSION_MOVED", ["expectedVersion"])),
        ({"name": "x", "filters": {"ids": ["it_1_999"]}}, ("NOT_FOUND", ["filters", "ids"])),
        ({"destination": {"datasetId": strange}},
         ("RECIPE_MISMATCH", ["destination", "datasetId"])),
        ({"destination": {"datasetId": other}, "expectedVersion": 1},
         ("VERSION_MOVED", ["expectedVersion"])),
    ]  # fmt: skip
    for asked, refusal in clones:
        given = {"datasetId": shelf.dataset, **asked}
        assert same_refusal(ada, "planClone", **given) == refusal, asked
    assert census() == before
    ada.change("addMember", projectId=shelf.project, email="bob@example.org", role="VIEWER")
    for client, asked in ((bob, {"datasetId": shelf.dataset}), (ada, {"datasetId": "ds_99"})):
        refused = plan(client, "planDeleteDataset", "itemsCount", **asked)
        assert refused["code"] == ("FORBIDDEN" if client is bob else "NOT_FOUND")


FREED = "itemsCount annotationsCount itemsFreed binariesFreed bytesFreed"


@ON_SQLITE
def test_a_plan_of_a_deletion_counts_what_the_purge_then_frees(
    ada: Client, shelf: Shelf, database: Database, clock: SetClock
) -> None:
    kept = clone(ada, shelf.dataset, "kept", filters={"ids": [shelf.items[0]]})
    layered = clone(ada, shelf.dataset, "layered", at={"number": 2})
    ada.change("deleteItems", datasetId=layered, selection={"where": {"path": {"glob": "/*[23]*"}}})
    ada.upload(shelf.dataset, [("mine.txt", b"only here"), ("twin.txt", b"shelf 0")])
    ada.change("addAnnotations", datasetId=kept, annotations=[])
    assert ada.change("deleteItems", datasetId=kept, selection={"where": {}})
    for dataset in (shelf.dataset, layered, kept):
        planned = plan(ada, "planDeleteDataset", FREED, datasetId=dataset)
        before = _sizes(database)
        keys = _keys(database)
        ada.change("deleteDataset", datasetId=dataset)
        clock.advance(timedelta(days=31))
        database.write(lambda tx: purge_deleted(tx, timedelta(days=30)))
        gone = [size for binary, size in before.items() if binary not in _sizes(database)]
        assert planned["binariesFreed"] == len(gone)
        assert planned["bytesFreed"] == str(sum(gone))
        assert planned["itemsFreed"] == len(keys - _keys(database))
    assert _sizes(database) == {}


def _sizes(database: Database) -> dict[int, int]:
    """The sizes of all binaries that some item holds at any version."""
    with database.read() as tx:
        held = sa.select(ITEMS.c.binary)
        rows = tx.rows(sa.select(BINARIES.c.id, BINARIES.c.size).where(BINARIES.c.id.in_(held)))
        return {row.id: row.size for row in rows}


def _keys(database: Database) -> set[int]:
    with database.read() as tx:
        return {row.key for row in tx.rows(sa.select(ITEMS.c.key))}


@ON_SQLITE
def test_a_deletion_frees_nothing_that_its_clones_show(ada: Client, shelf: Shelf) -> None:
    assert plan(ada, "planDeleteDataset", FREED, datasetId=shelf.dataset) == {
        "__typename": "DeletionReport",
        "itemsCount": 4,
        "annotationsCount": 3,
        "itemsFreed": 4,
        "binariesFreed": 4,
        "bytesFreed": str(4 * len(b"shelf 0")),
    }
    copy = clone(ada, shelf.dataset, "copy")
    item = {"itemId": f"it_2_{shelf.items[0].split('_')[-1]}"}
    ada.change("addAnnotations", datasetId=copy, annotations=[{**BOX, **item}, {**CAT, **item}])
    for dataset, items in ((shelf.dataset, 4), (copy, 4)):
        planned = plan(ada, "planDeleteDataset", FREED, datasetId=dataset)
        assert (planned["itemsCount"], planned["itemsFreed"]) == (items, 0)
        assert (planned["binariesFreed"], planned["bytesFreed"]) == (0, "0")
    ada.change("deleteDataset", datasetId=copy)
    assert plan(ada, "planDeleteDataset", FREED, datasetId=shelf.dataset)["binariesFreed"] == 0
    ada.change("tagVersion", datasetId=shelf.dataset, name="gold", golden=True)
    freed = plan(ada, "planDeleteDataset", FREED, datasetId=shelf.dataset)
    assert (freed["itemsCount"], freed["itemsFreed"], freed["bytesFreed"]) == (4, 0, "0")
    ada.change("lockDataset", datasetId=shelf.dataset)
    refused = plan(ada, "planDeleteDataset", FREED, datasetId=shelf.dataset)
    assert refused["code"] == "DATASET_LOCKED"
