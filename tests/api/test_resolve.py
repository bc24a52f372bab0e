"""Resolving conflicts: the chosen sides stand, what somebody changed since is left alone.

Seeded bugs that turned these red: the annotation that stays is no new write (merged with an older
version, the other came back); a value, or one of two annotations, changed by hand since the merge
and written over; an item removed that was annotated since; a conflict not closed; a path not looked
at; the newest side turned round.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.api.client import Client
from tests.api.conftest import Census
from tests.api.plans import plan
from tests.api.shelf import CAT, Shelf
from tests.api.test_merge_into import in_dataset
from tests.api.test_plans import clone
from tests.builders import ON_SQLITE
from tests.conftest import SetClock

DONE = """version { number operation message } resolved open skipped { position reason }"""
OPEN = """query ($by: DatasetBy!, $at: VersionRef!, $open: Boolean) { dataset(by: $by, at: $at) {
  version { mergeReport { conflicts(open: $open) { totalCount nodes { position field left right
    item { path metadata } resolved { number } } } } } } }"""
ITEMS = """query ($by: DatasetBy!) { dataset(by: $by) { itemsCount annotationsCount items { nodes {
  id path metadata description hidden binary { sha256 }
  annotations { nodes { id label metadata status } } } } } }"""


def conflicts(client: Client, dataset: str, version: int = 1, *, only_open: bool = False) -> Any:
    given = {"by": {"id": dataset}, "at": {"number": version}, "open": only_open}
    return client.run(OPEN, **given)["dataset"]["version"]["mergeReport"]["conflicts"]


def items(client: Client, dataset: str) -> dict[str, Any]:
    found = client.run(ITEMS, by={"id": dataset})["dataset"]["items"]["nodes"]
    return {item["metadata"].get("number", item["path"]): item for item in found}


def at(found: Any, field: str, number: int = 0) -> int:
    """The position of the conflict about a field of the item that was /file<number>.txt."""
    (position,) = [
        one["position"]
        for one in found["nodes"]
        if one["field"] == field and one["item"]["metadata"]["number"] == number
    ]
    return int(position)


@pytest.fixture
def merged(ada: Client, shelf: Shelf) -> str:
    """Everything in conflict: fields of item 0 and its annotations, and item 3 removed."""
    other = clone(ada, shelf.dataset, "other")
    for dataset, side in ((shelf.dataset, "left"), (other, "right")):
        first, last = (in_dataset(shelf.items[n], dataset) for n in (0, 3))
        ada.change(
            "updateItems",
            datasetId=dataset,
            selection={"ids": [first]},
            metadata={"camera": side},
            description=side,
        )
        ada.change("moveItems", datasetId=dataset, selection={"ids": [first]}, path=f"/{side}.txt")
        ada.upload(dataset, [("file2.txt", side.encode())], mode="OVERWRITE")
        box, _, mark = (in_dataset(one, dataset) for one in shelf.annotations)
        ada.change(
            "updateAnnotations",
            datasetId=dataset,
            annotations=[
                {"id": box, "metadata": {"by": side}},
                {"id": mark, "status": "ISSUE" if side == "left" else "REVIEW"},
            ],
        )
        if side == "left":
            ada.change(
                "updateItems", datasetId=dataset, selection={"ids": [last]}, description="new"
            )
        else:
            ada.change("deleteItems", datasetId=dataset, selection={"ids": [last]})
    done = ada.change(
        "mergeDatasets",
        "dataset { id } report { conflicts { totalCount } }",
        name="merged",
        datasetIds=[shelf.dataset, other],
        policy="THREE_WAY",
    )
    assert done["report"]["conflicts"]["totalCount"] == 7
    made: str = done["dataset"]["id"]
    return made


def test_the_chosen_sides_stand_and_the_conflicts_are_closed(ada: Client, merged: str) -> None:
    found = conflicts(ada, merged)
    chosen = {
        at(found, "metadata.camera"): {"choose": "LEFT"},
        at(found, "description"): {"value": "both"},
        at(found, "path"): {"choose": "BASE"},
        at(found, "binary", 2): {"choose": "LEFT"},
        at(found, "annotation"): {"choose": "LEFT"},
        at(found, "status", 2): {"choose": "LEFT"},
    }
    asked = [{"position": position, **what} for position, what in chosen.items()]
    before = items(ada, merged)
    assert len(before[0]["annotations"]["nodes"]) == 3

    done = ada.change(
        "resolveConflicts", DONE, datasetId=merged, resolutions=asked, message="reviewed"
    )

    assert done["version"] == {"number": 2, "operation": "RESOLVE", "message": "reviewed"}
    assert (done["resolved"], done["open"], done["skipped"]) == (6, 1, [])
    after = items(ada, merged)
    first = after[0]
    assert (first["metadata"]["camera"], first["description"]) == ("left", "both")
    assert first["path"] == "/file0.txt"
    marks = first["annotations"]["nodes"]
    assert sorted(one["label"] for one in marks) == ["cat", "dog"]
    assert [one["metadata"] for one in marks if one["label"] == "dog"] == [{"by": "left"}]
    assert [one["status"] for one in after[2]["annotations"]["nodes"]] == ["ISSUE"]
    assert after[2]["binary"] != before[2]["binary"]
    (left,) = conflicts(ada, merged, only_open=True)["nodes"]
    assert (left["field"], left["item"]["path"]) == ("removed", "/file3.txt")
    closed = [one for one in conflicts(ada, merged)["nodes"] if one["resolved"]]
    assert {one["resolved"]["number"] for one in closed} == {2} and len(closed) == 6

    removed = [{"position": left["position"], "choose": "RIGHT"}]
    done = ada.change("resolveConflicts", DONE, datasetId=merged, resolutions=removed)
    assert (done["version"]["number"], done["open"]) == (3, 0)
    assert 3 not in items(ada, merged)


@ON_SQLITE
def test_a_later_merge_of_the_same_sources_reports_only_what_is_new(
    ada: Client, shelf: Shelf, merged: str
) -> None:
    ada.change("resolveConflicts", DONE, datasetId=merged, policy={"side": "LEFT"})
    first = items(ada, merged)[0]
    assert len(first["annotations"]["nodes"]) == 2
    again = {"into": merged, "datasetIds": [shelf.dataset, "ds_2"], "policy": "THREE_WAY"}
    planned = plan(ada, "planMerge", **again)
    assert (planned["conflicts"]["totalCount"], planned["changed"]) == (0, False)
    # Not even the version before the review brings back what was decided.
    old = {"sources": [{"datasetId": merged}, {"datasetId": clone(ada, merged, "old", at=FIRST)}]}
    ada.change("mergeDatasets", name="with the old", **old)
    assert items(ada, "ds_5")[0]["metadata"]["camera"] == "left"
    marks = items(ada, "ds_5")[0]["annotations"]["nodes"]
    assert [one["metadata"] for one in marks if one["label"] == "dog"] == [{"by": "left"}]
    some = {"ids": [in_dataset(shelf.items[0], "ds_2")]}
    ada.change("updateItems", datasetId="ds_2", selection=some, metadata={"camera": "new"})
    planned = plan(ada, "planMerge", **again)
    assert planned["conflicts"]["nodes"][0]["field"] == "metadata.camera"
    assert planned["conflicts"]["totalCount"] == 1


FIRST = {"number": 1}


@ON_SQLITE
def test_what_was_changed_since_is_left_alone_and_told(ada: Client, merged: str) -> None:
    found = conflicts(ada, merged)
    first = items(ada, merged)[0]
    one, other = [mark for mark in first["annotations"]["nodes"] if mark["label"] == "dog"]
    ada.change(
        "updateItems",
        datasetId=merged,
        selection={"ids": [first["id"]]},
        metadata={"camera": "by hand"},
    )
    ada.change("deleteAnnotations", datasetId=merged, ids=[one["id"]])
    second = items(ada, merged)[2]
    ada.change("deleteItems", datasetId=merged, selection={"ids": [second["id"]]})
    last = items(ada, merged)[3]
    ada.change("addAnnotations", datasetId=merged, annotations=[{**CAT, "itemId": last["id"]}])
    ada.upload(merged, [("left.txt", b"in the way")])

    gone = [{"position": at(found, "removed", 3), "choose": "RIGHT"}]
    done = ada.change("resolveConflicts", DONE, datasetId=merged, resolutions=gone)
    assert (done["version"], done["skipped"][0]["reason"]) == (None, "CHANGED")
    done = ada.change("resolveConflicts", DONE, datasetId=merged, policy={"side": "LEFT"})

    reasons = {one["position"]: one["reason"] for one in done["skipped"]}
    assert reasons == {
        at(found, "metadata.camera"): "CHANGED",
        at(found, "annotation"): "CHANGED",
        at(found, "binary", 2): "GONE",
        at(found, "status", 2): "GONE",
        at(found, "path"): "PATH_TAKEN",
    }
    assert (done["resolved"], done["open"], done["version"]["number"]) == (2, 5, 7)
    now = items(ada, merged)[0]
    assert (now["metadata"]["camera"], now["description"]) == ("by hand", "left")
    assert [mark["id"] for mark in now["annotations"]["nodes"] if mark["label"] == "dog"] == [
        other["id"]
    ]
    kept = [{"position": position, "choose": "KEEP"} for position in reasons]
    done = ada.change("resolveConflicts", DONE, datasetId=merged, resolutions=kept)
    assert (done["resolved"], done["open"]) == (5, 0)
    done = ada.change("resolveConflicts", DONE, datasetId=merged, resolutions=kept[:1])
    assert done == {
        "__typename": "ResolveConflictsSuccess",
        "version": None,
        "resolved": 0,
        "open": 0,
        "skipped": [{"position": kept[0]["position"], "reason": "RESOLVED"}],
    }


@ON_SQLITE
def test_a_policy_takes_somebodys_side_or_the_newest(
    ada: Client, bob: Client, shelf: Shelf, clock: SetClock
) -> None:
    ada.change("addMember", projectId=shelf.project, email="bob@example.org", role="DEVELOPER")
    other = clone(ada, shelf.dataset, "other")
    for client, dataset, number, side in (
        (bob, shelf.dataset, 0, "bob"),
        (ada, other, 0, "ada"),
        (ada, shelf.dataset, 1, "ada"),
        (bob, other, 1, "bob"),
        (bob, other, 2, "old"),
        (bob, shelf.dataset, 2, "new"),
    ):
        clock.advance(timedelta(seconds=1))
        some = {"ids": [in_dataset(shelf.items[number], dataset)]}
        client.change("updateItems", datasetId=dataset, selection=some, metadata={"by": side})
    marked = "updateAnnotations"
    for client, dataset, status in ((ada, shelf.dataset, "ISSUE"), (bob, other, "REVIEW")):
        clock.advance(timedelta(seconds=1))
        mark = {"id": in_dataset(shelf.annotations[0], dataset), "status": status}
        client.change(marked, datasetId=dataset, annotations=[mark])
    sources = {"datasetIds": [shelf.dataset, other], "onConflict": "FIRST"}
    for name, policy, expected, skipped in (
        ("of bob", {"userId": "us_2"}, ("bob", "bob", "new", "REVIEW"), 1),
        ("newest", {"newest": True}, ("ada", "bob", "new", "REVIEW"), 0),
    ):
        made = ada.change("mergeDatasets", "dataset { id }", name=name, **sources)["dataset"]["id"]
        done = ada.change("resolveConflicts", DONE, datasetId=made, policy=policy)
        assert [one["reason"] for one in done["skipped"]] == ["NO_SIDE"] * skipped
        now = items(ada, made)
        marks = now[0]["annotations"]["nodes"]
        status = next(one["status"] for one in marks if one["label"] == "dog")
        assert (*(now[n]["metadata"]["by"] for n in range(3)), status) == expected


@ON_SQLITE
def test_what_makes_no_sense_is_refused_by_name(
    ada: Client, bob: Client, shelf: Shelf, merged: str, census: Census
) -> None:
    found = conflicts(ada, merged)
    camera, removed = at(found, "metadata.camera"), at(found, "removed", 3)
    path, binary, annotation = at(found, "path"), at(found, "binary", 2), at(found, "annotation")
    status, text = at(found, "status", 2), at(found, "description")
    here = ["resolutions", "0"]
    ok = {"position": camera, "choose": "LEFT"}
    cases: list[tuple[dict[str, Any], tuple[str, list[str]]]] = [
        ({}, ("INVALID", ["resolutions"])),
        ({"resolutions": [ok], "policy": {"side": "LEFT"}}, ("INVALID", ["resolutions"])),
        ({"resolutions": [{"position": camera}]}, ("INVALID", [*here, "choose"])),
        ({"resolutions": [{**ok, "value": 1}]}, ("INVALID", [*here, "choose"])),
        ({"resolutions": [{**ok, "position": 99}]}, ("NOT_FOUND", [*here, "position"])),
        ({"resolutions": [{**ok, "position": 2**31}]}, ("INVALID", [*here, "position"])),
        ({"resolutions": [{**ok, "choose": "BOTH"}]}, ("INVALID", [*here, "choose"])),
        ({"resolutions": [ok, ok]}, ("INVALID", ["resolutions", "1", "position"])),
        ({"resolutions": [ok] * 10_001}, ("LIMIT_EXCEEDED", ["resolutions"])),
        ({"resolutions": [{"position": removed, "choose": "BASE"}]},
         ("INVALID", [*here, "choose"])),
        ({"resolutions": [{"position": removed, "value": 1}]}, ("INVALID", [*here, "value"])),
        ({"resolutions": [{"position": annotation, "value": {}}]}, ("INVALID", [*here, "value"])),
        ({"resolutions": [{"position": path, "value": "/a/../b"}]}, ("INVALID", [*here, "value"])),
        ({"resolutions": [{"position": path, "value": 1}]}, ("INVALID", [*here, "value"])),
        ({"resolutions": [{"position": binary, "value": "0" * 64}]}, ("INVALID", [*here, "value"])),
        ({"resolutions": [{"position": binary, "value": []}]}, ("INVALID", [*here, "value"])),
        ({"resolutions": [{"position": status, "value": "FINE"}]}, ("INVALID", [*here, "value"])),
        ({"resolutions": [{"position": status, "value": {}}]}, ("INVALID", [*here, "value"])),
        ({"resolutions": [{"position": text, "value": 1}]}, ("INVALID", [*here, "value"])),
        ({"resolutions": [{"position": camera, "value": "\ud800"}]},
         ("INVALID", [*here, "value"])),
        ({"policy": {"side": "BASE"}}, ("INVALID", ["policy", "side"])),
        ({"policy": {"userId": "pr_1"}}, ("INVALID", ["policy", "userId"])),
        ({"policy": {"newest": False}}, ("INVALID", ["policy", "newest"])),
        ({"policy": {}}, ("INVALID", ["policy"])),
        ({"resolutions": [ok], "version": 2}, ("NOT_FOUND", ["version"])),
        ({"resolutions": [ok], "datasetId": shelf.dataset}, ("NOT_FOUND", ["version"])),
        ({"resolutions": [ok], "datasetId": "ds_99"}, ("NOT_FOUND", ["datasetId"])),
        ({"resolutions": [ok], "expectedVersion": 2}, ("VERSION_MOVED", ["expectedVersion"])),
        ({"resolutions": [ok], "message": "x" * 1_001}, ("LIMIT_EXCEEDED", ["message"])),
    ]  # fmt: skip
    before = census()
    for wrong, refusal in cases:
        asked = {"datasetId": merged, **wrong}
        assert ada.refused("resolveConflicts", **asked) == refusal, wrong
    ada.change("addMember", projectId=shelf.project, email="bob@example.org", role="VIEWER")
    asked = {"datasetId": merged, "resolutions": [ok]}
    assert bob.refused("resolveConflicts", **asked)[0] == "FORBIDDEN"
    assert {**census(), "members": before["members"]} == before
