"""How many bytes a dataset holds, alone and together with others, as clients see it.

Seeded bugs that turned these red: a binary counted once per item; the dataset itself, or one that
the viewer may not read, counted among the others; what a head has covered counted as held.
"""

from __future__ import annotations

from tests.api.client import Client
from tests.api.shelf import Shelf

STORAGE = """query ($id: ID!, $at: VersionRef) { dataset(by: {id: $id}, at: $at) {
  storage { totalBytes uniqueBytes sharedBytes } } }"""
FILE = len(b"shelf 0")


def storage(client: Client, dataset: str, version: int | None = None) -> tuple[int, int, int]:
    """Total, unique and shared bytes."""
    at = None if version is None else {"number": version}
    found = client.run(STORAGE, id=dataset, at=at)["dataset"]["storage"]
    return int(found["totalBytes"]), int(found["uniqueBytes"]), int(found["sharedBytes"])


def test_a_clone_shares_its_bytes_until_one_of_both_changes_them(ada: Client, shelf: Shelf) -> None:
    assert storage(ada, shelf.dataset) == (4 * FILE, 4 * FILE, 0)
    assert storage(ada, shelf.dataset, 1) == (0, 0, 0)
    copy = ada.change("cloneDataset", "dataset { id }", datasetId=shelf.dataset, name="copy")
    clone = copy["dataset"]["id"]
    further = ada.change("cloneDataset", "dataset { id }", datasetId=clone, name="further")
    for dataset in (shelf.dataset, clone, further["dataset"]["id"]):
        assert storage(ada, dataset) == (4 * FILE, 0, 4 * FILE)

    ada.change("deleteDataset", datasetId=further["dataset"]["id"])
    ada.upload(clone, [("file0.txt", b"another content")], mode="OVERWRITE")
    ada.upload(clone, [("again.txt", b"another content")])
    fresh = len(b"another content")
    assert storage(ada, clone) == (3 * FILE + fresh, fresh, 3 * FILE)
    assert storage(ada, clone, 1) == (4 * FILE, 0, 4 * FILE)
    assert storage(ada, shelf.dataset) == (4 * FILE, FILE, 3 * FILE)
    ada.change("deleteItems", datasetId=shelf.dataset, selection={"ids": [shelf.items[1]]})
    assert storage(ada, shelf.dataset) == (3 * FILE, FILE, 2 * FILE)
    assert storage(ada, clone) == (3 * FILE + fresh, FILE + fresh, 2 * FILE)
    assert storage(ada, shelf.dataset, 2) == (4 * FILE, FILE, 3 * FILE)


def test_what_others_hold_is_told_only_to_those_who_may_read_it(
    ada: Client, bob: Client, shelf: Shelf
) -> None:
    theirs = Shelf.fill(bob, name="theirs", count=1)
    bob.upload(theirs.dataset, [("same.txt", b"shelf 1")])
    own = len(b"theirs 0")
    assert storage(bob, theirs.dataset) == (own + FILE, own + FILE, 0)
    assert storage(ada, shelf.dataset) == (4 * FILE, 4 * FILE, 0)
    count = """query ($id: ID!) { items(datasetId: $id, where: {name: {eq: "file1.txt"}}) { nodes {
      binary { referenceCount referencedBy { totalCount nodes { path } } } } } }"""
    alone = {"referenceCount": 1, "referencedBy": _held("/file1.txt")}
    assert ada.run(count, id=shelf.dataset)["items"]["nodes"] == [{"binary": alone}]

    bob.change("addMember", projectId=theirs.project, email="Ada@example.org", role="VIEWER")
    assert storage(ada, shelf.dataset) == (4 * FILE, 3 * FILE, FILE)
    assert storage(ada, theirs.dataset) == (own + FILE, own, FILE)
    assert storage(bob, theirs.dataset) == (own + FILE, own + FILE, 0)
    both = {"referenceCount": 2, "referencedBy": _held("/file1.txt", "/same.txt")}
    assert ada.run(count, id=shelf.dataset)["items"]["nodes"] == [{"binary": both}]
    assert bob.run(STORAGE, id=shelf.dataset) == {"dataset": None}


def _held(*paths: str) -> dict[str, object]:
    return {"totalCount": len(paths), "nodes": [{"path": path} for path in paths]}
