"""Items: uploaded, added over stored bytes, changed, moved, removed, read in pages."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from gql_service.vault.contract import Vault
from tests.api.client import Client
from tests.api.conftest import Census
from tests.api.shelf import BOX, Shelf

PATHS = """query ($id: ID!, $where: ItemWhere, $by: [ItemOrder!], $first: Int, $after: String,
    $last: Int, $before: String) {
  items(datasetId: $id, where: $where, orderBy: $by, first: $first, after: $after, last: $last,
    before: $before) {
    version { number } totalCount nodes { path metadata hidden description }
    pageInfo { startCursor endCursor hasNextPage hasPreviousPage } } }"""


def paths(client: Client, dataset: str, **given: Any) -> list[str]:
    found = client.run(PATHS, id=dataset, **given)["items"]
    return [item["path"] for item in found["nodes"]]


def test_files_become_items_as_one_version(ada: Client, shelf: Shelf) -> None:
    done = ada.upload(
        shelf.dataset,
        [
            {"name": "a.txt", "content": b"a", "description": "first", "metadata": {"n": 1}},
            {"name": "ignored", "content": b"b", "path": "sub/b.txt", "annotations": [BOX]},
        ],
        "added skipped updated version { number operation message counts { itemsAdded "
        "annotationsAdded } } items { path description metadata annotationsCount "
        "binary { sha256 size mimeType } } dataset { itemsCount head { number } }",
        directory="/new/",
        message="two",
        expectedVersion=2,
    )
    assert (done["added"], done["skipped"], done["updated"]) == (2, 0, 0)
    assert done["version"] == {
        "number": 3,
        "operation": "UPLOAD",
        "message": "two",
        "counts": {"itemsAdded": 2, "annotationsAdded": 1},
    }
    first, second = done["items"]
    assert first == {
        "path": "/new/a.txt",
        "description": "first",
        "metadata": {"n": 1},
        "annotationsCount": 0,
        "binary": {
            "sha256": hashlib.sha256(b"a").hexdigest(),
            "size": "1",
            "mimeType": "text/plain",
        },
    }
    assert (second["path"], second["annotationsCount"]) == ("/new/sub/b.txt", 1)
    assert done["dataset"] == {"itemsCount": 6, "head": {"number": 3}}


def test_a_taken_path_is_skipped_or_overwritten(ada: Client, shelf: Shelf) -> None:
    again = [("file0.txt", b"other bytes")]
    fields = "added skipped updated version { number } items { id annotationsCount }"
    kept = ada.upload(shelf.dataset, again, fields)
    assert (kept["skipped"], kept["version"]) == (1, None)
    assert kept["items"][0]["id"] == shelf.items[0]
    done = ada.upload(shelf.dataset, again, fields, mode="OVERWRITE")
    assert (done["updated"], done["version"]) == (1, {"number": 3})
    assert done["items"] == [{"id": shelf.items[0], "annotationsCount": 2}]


REFUSED_UPLOADS: list[tuple[list[Any], dict[str, Any], tuple[str, list[str]]]] = [
    ([("../x", b"x")], {}, ("INVALID", ["files", "0", "path"])),
    ([("a\\b", b"x")], {}, ("INVALID", ["files", "0", "path"])),
    ([("x", b"x"), ("x", b"y")], {}, ("INVALID", ["files", "1", "path"])),
    ([("x", b"x")], {"directory": "/.."}, ("INVALID", ["directory"])),
    ([("x" * 300, b"x")], {}, ("LIMIT_EXCEEDED", ["files", "0", "path"])),
    ([("x", b"x")], {"expectedVersion": 1}, ("VERSION_MOVED", ["expectedVersion"])),
    (
        [{"name": "x", "content": b"x", "metadata": [1]}],
        {},
        ("INVALID", ["files", "0", "metadata"]),
    ),
    (
        [{"name": "x", "content": b"x", "annotations": [{**BOX, "label": "cow"}]}],
        {},
        ("LABEL_UNKNOWN", ["files", "0", "annotations", "0", "label"]),
    ),
]


def test_a_refused_upload_leaves_nothing(
    ada: Client, shelf: Shelf, census: Census, vault: Vault, subtests: pytest.Subtests
) -> None:
    for files, given, refusal in REFUSED_UPLOADS:
        with subtests.test(f"{files} {given}"):
            before, objects = census(), set(vault.keys())
            done = ada.upload(shelf.dataset, files, **given)
            assert (done["code"], done["path"]) == refusal
            assert done["fields"][0]["path"] == refusal[1] if "fields" in done else True
            assert set(vault.keys()) == objects
            # The journal remembers keys that were tried; a sweep forgets them.
            assert {**census(), "blob_keys": 0} == {**before, "blob_keys": 0}


def test_items_are_added_over_bytes_that_one_can_see(
    ada: Client, bob: Client, shelf: Shelf, census: Census
) -> None:
    sha = hashlib.sha256(b"shelf 1").hexdigest()
    new = {"sha256": sha, "path": "/copy.txt", "metadata": {"copy": True}, "annotations": [BOX]}
    done = ada.change(
        "addItems",
        "added version { operation } items { path metadata annotationsCount binary { sha256 "
        "referenceCount } }",
        datasetId=shelf.dataset,
        items=[new],
    )
    assert done["version"] == {"operation": "ADD"}
    assert done["items"] == [
        {
            "path": "/copy.txt",
            "metadata": {"copy": True},
            "annotationsCount": 1,
            "binary": {"sha256": sha, "referenceCount": 2},
        }
    ]
    theirs = Shelf.fill(bob, name="theirs", count=0).dataset
    before = census()
    where = ["items", "0", "sha256"]
    assert bob.refused("addItems", datasetId=theirs, items=[new]) == ("NOT_FOUND", where)
    other = {**new, "sha256": "0" * 64}
    assert bob.refused("addItems", datasetId=theirs, items=[other]) == ("NOT_FOUND", where)
    wrong = {**new, "sha256": "x"}
    assert ada.refused("addItems", datasetId=shelf.dataset, items=[wrong]) == ("INVALID", where)
    assert census() == before


def test_a_binary_is_seen_by_those_who_can_see_an_item_of_it(
    ada: Client, bob: Client, shelf: Shelf
) -> None:
    sha = hashlib.sha256(b"shelf 1").hexdigest()
    query = """query ($sha: String!) { binary(sha256: $sha) { id size referenceCount
      referencedBy { totalCount version { number } nodes { path } } } }"""
    seen = ada.run(query, sha=sha)["binary"]
    assert seen["referencedBy"] == {
        "totalCount": 1,
        "version": None,
        "nodes": [{"path": "/file1.txt"}],
    }
    node = "query ($id: ID!) { node(id: $id) { id } }"
    assert ada.run(node, id=seen["id"])["node"] == {"id": seen["id"]}
    assert bob.run(query, sha=sha) == {"binary": None}
    assert bob.run(node, id=seen["id"]) == {"node": None}
    assert ada.refusal(query, sha="nonsense") == ("INVALID", ["sha256"])
    ada.change("deleteItems", datasetId=shelf.dataset, selection={"where": {}})
    gone = ada.run(query, sha=sha)["binary"]
    assert (gone["referenceCount"], gone["referencedBy"]["totalCount"]) == (0, 0)


def test_selected_items_are_changed_by_a_merge_patch(ada: Client, shelf: Shelf) -> None:
    done = ada.change(
        "updateItems",
        "updated version { number } dataset { items { nodes { metadata hidden description } } }",
        datasetId=shelf.dataset,
        selection={"where": {"metadata": [{"path": ["camera"], "eq": "north"}]}},
        metadata={"camera": None, "seen": {"by": "Ada"}},
        hidden=True,
        description="looked at",
    )
    assert done["updated"] == 2
    changed = done["dataset"]["items"]["nodes"][1]
    assert changed == {
        "metadata": {"number": 1, "seen": {"by": "Ada"}},
        "hidden": True,
        "description": "looked at",
    }
    cleared = ada.change(
        "updateItems",
        "dataset { items { nodes { hidden description } } }",
        datasetId=shelf.dataset,
        selection={"where": {"hidden": True}},
        description="",
    )
    assert cleared["dataset"]["items"]["nodes"][1] == {"hidden": True, "description": None}


def test_a_change_that_changes_nothing_makes_no_version(ada: Client, shelf: Shelf) -> None:
    given = {"datasetId": shelf.dataset, "selection": {"where": {}}}
    fields = "updated version { number } dataset { head { number } }"
    done = ada.change("updateItems", fields, **given, hidden=False, metadata=None)
    assert (done["updated"], done["version"]) == (0, None)
    assert done["dataset"]["head"] == {"number": 2}


def test_items_are_moved_into_a_directory_or_to_a_path(ada: Client, shelf: Shelf) -> None:
    one = {"ids": [shelf.items[0]]}
    moved = ada.change(
        "moveItems", "moved", datasetId=shelf.dataset, selection=one, directory="/in/here"
    )
    assert moved["moved"] == 1
    ada.change("moveItems", datasetId=shelf.dataset, selection=one, path="/in/there.txt")
    assert paths(ada, shelf.dataset)[-1] == "/in/there.txt"
    given: dict[str, Any] = {"datasetId": shelf.dataset, "selection": {"where": {}}}
    assert ada.refused("moveItems", **given) == ("INVALID", ["directory"])
    assert ada.refused("moveItems", **given, path="/x") == ("INVALID", ["selection"])
    both = {**given, "path": "/x", "directory": "/y"}
    assert ada.refused("moveItems", **both) == ("INVALID", ["directory"])
    taken = {**given, "selection": one, "path": "/file1.txt"}
    assert ada.refused("moveItems", **taken) == ("PATH_TAKEN", ["path"])


def test_items_are_removed_with_their_annotations(ada: Client, shelf: Shelf) -> None:
    done = ada.change(
        "deleteItems",
        "deleted version { counts { itemsRemoved annotationsRemoved } } dataset { itemsCount }",
        datasetId=shelf.dataset,
        selection={"ids": [shelf.items[0], f"{shelf.items[1]}_v1"]},
    )
    assert done["deleted"] == 2
    assert done["version"]["counts"] == {"itemsRemoved": 2, "annotationsRemoved": 2}
    assert done["dataset"] == {"itemsCount": 2}
    node = "query ($id: ID!) { node(id: $id) { id } }"
    assert ada.run(node, id=shelf.items[0]) == {"node": None}
    assert ada.run(node, id=f"{shelf.items[0]}_v2")["node"]


def test_a_selection_names_what_is_wrong_with_it(ada: Client, shelf: Shelf, census: Census) -> None:
    before = census()
    cases: list[tuple[Any, tuple[str, list[str]]]] = [
        ({"ids": ["it_1_999"]}, ("NOT_FOUND", ["selection", "ids"])),
        ({"ids": [shelf.items[0], "ds_1"]}, ("INVALID", ["selection", "ids", "1"])),
        ({"ids": ["it_2_1"]}, ("INVALID", ["selection", "ids", "0"])),
        ({"ids": ["it_1_1"] * 10_001}, ("LIMIT_EXCEEDED", ["selection", "ids"])),
        (
            {"where": {"path": {"glob": "x" * 257}}},
            ("LIMIT_EXCEEDED", ["selection", "where", "path", "glob"]),
        ),
        (
            {"where": {"creator": {"eq": "x"}}},
            ("INVALID", ["selection", "where", "creator", "eq"]),
        ),
    ]
    for selection, refusal in cases:
        given = {"datasetId": shelf.dataset, "selection": selection}
        assert ada.refused("deleteItems", **given) == refusal
        assert ada.refused("updateItems", **given, hidden=True) == refusal
        assert ada.refused("moveItems", **given, directory="/x") == refusal
    assert census() == before


def test_pages_go_on_with_the_version_they_began_with(ada: Client, shelf: Shelf) -> None:
    first = ada.run(PATHS, id=shelf.dataset, first=2)["items"]
    assert [item["path"] for item in first["nodes"]] == ["/file0.txt", "/file1.txt"]
    assert (first["totalCount"], first["version"]["number"]) == (4, 2)
    ada.change("deleteItems", datasetId=shelf.dataset, selection={"where": {}})
    second = ada.run(PATHS, id=shelf.dataset, first=2, after=first["pageInfo"]["endCursor"])[
        "items"
    ]
    assert [item["path"] for item in second["nodes"]] == ["/file2.txt", "/file3.txt"]
    assert (second["totalCount"], second["version"]["number"]) == (4, 2)
    assert second["pageInfo"]["hasNextPage"] is False
    ids = """query ($id: ID!, $after: String) {
      items(datasetId: $id, first: 1, after: $after) { nodes { id } } }"""
    later = ada.run(ids, id=shelf.dataset, after=first["pageInfo"]["endCursor"])
    assert later["items"]["nodes"] == [{"id": f"{shelf.items[2]}_v2"}]
    assert paths(ada, shelf.dataset) == []


def test_pages_go_backwards_too(ada: Client, shelf: Shelf) -> None:
    last = ada.run(PATHS, id=shelf.dataset, last=3)["items"]
    assert [item["path"] for item in last["nodes"]] == ["/file1.txt", "/file2.txt", "/file3.txt"]
    assert last["pageInfo"]["hasPreviousPage"] is True
    before = last["pageInfo"]["startCursor"]
    assert paths(ada, shelf.dataset, last=3, before=before) == ["/file0.txt"]


def test_an_empty_page_counts_all_the_same(ada: Client, shelf: Shelf) -> None:
    found = ada.run(PATHS, id=shelf.dataset, first=0)["items"]
    assert (found["nodes"], found["totalCount"]) == ([], 4)
    assert found["pageInfo"]["hasNextPage"] is True


def test_items_are_filtered_and_ordered(ada: Client, shelf: Shelf) -> None:
    cases: list[tuple[Any, list[int]]] = [
        ({}, [0, 1, 2, 3]),
        ({"name": {"glob": "file[!]*"}}, []),
        ({"path": {"in": ["/file1.txt", "/file3.txt"]}}, [1, 3]),
        ({"annotated": True}, [0, 2]),
        ({"annotations": {"some": {"label": {"eq": "cat"}}}}, [0]),
        ({"annotations": {"none": {"label": {"eq": "cat"}}}}, [1, 2, 3]),
        ({"annotations": {"some": {"status": {"exists": False}}}}, [0]),
        ({"annotations": {"some": {"attributes": [{"path": ["mood"], "eq": "calm"}]}}}, [0]),
        ({"metadata": [{"path": ["number"], "gte": 2}]}, [2, 3]),
        ({"metadata": [{"path": ["none"], "eq": None}]}, []),
        ({"metadata": [{"path": ["none"], "exists": False}]}, [0, 1, 2, 3]),
        ({"not": {"annotated": True}}, [1, 3]),
        ({"or": [{"path": {"eq": "/file0.txt"}}, {"path": {"eq": "/file3.txt"}}]}, [0, 3]),
        ({"or": []}, []),
        ({"and": []}, [0, 1, 2, 3]),
        ({"size": {"gt": "6"}, "mimeType": {"eq": "text/plain"}}, [0, 1, 2, 3]),
        ({"width": {"exists": True}}, []),
        ({"creator": {"eq": "us_1"}}, [0, 1, 2, 3]),
        ({"creator": {"ne": "us_1"}}, []),
        ({"createdAt": {"lt": "2026-01-01T12:00:00Z"}}, []),
        ({"hidden": None, "path": None}, [0, 1, 2, 3]),
    ]
    for where, numbers in cases:
        wanted = [f"/file{number}.txt" for number in numbers]
        assert paths(ada, shelf.dataset, where=where) == wanted, where
        found = ada.run(PATHS, id=shelf.dataset, where=where)["items"]
        assert found["totalCount"] == len(numbers), where
    down = [{"field": "NAME", "direction": "DESC"}]
    assert paths(ada, shelf.dataset, by=down, first=2) == ["/file3.txt", "/file2.txt"]


def test_an_item_is_found_by_id_and_by_path(ada: Client, bob: Client, shelf: Shelf) -> None:
    query = "query ($by: ItemBy!, $at: VersionRef) { item(by: $by, at: $at) { id path } }"
    by_path = {"path": {"datasetId": shelf.dataset, "path": "file1.txt"}}
    found = {"item": {"id": shelf.items[1], "path": "/file1.txt"}}
    assert ada.run(query, by=by_path) == ada.run(query, by={"id": shelf.items[1]}) == found
    old = {"item": {"id": f"{shelf.items[1]}_v2", "path": "/file1.txt"}}
    assert ada.run(query, by=by_path, at={"number": 2}) == old
    assert ada.run(query, by={"id": f"{shelf.items[1]}_v2"}) == old
    assert ada.run(query, by=by_path, at={"number": 1}) == {"item": None}
    assert bob.run(query, by=by_path) == {"item": None}
    assert bob.run(query, by={"id": shelf.items[1]}) == {"item": None}
    nowhere = {"path": {"datasetId": shelf.dataset, "path": "/none"}}
    assert ada.run(query, by=nowhere) == {"item": None}
    wrong = {"path": {"datasetId": shelf.dataset, "path": "/../x"}}
    assert ada.refusal(query, by=wrong) == ("INVALID", ["by", "path", "path"])
