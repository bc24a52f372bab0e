"""Tags, golden tags and locks, as clients see them.

Seeded bugs that turned these red: a tag given again to the same version; a deletion, or a clone
into a dataset, that does not look at the lock; golden tags that the purge does not ask for.
"""

from __future__ import annotations

from datetime import timedelta
from hashlib import sha256
from typing import Any

import pytest

from gql_service.database.engine import Database
from gql_service.versions.retention import purge_deleted
from tests.api.client import Client
from tests.api.conftest import Census
from tests.api.shelf import BOX, Shelf
from tests.builders import ON_SQLITE

TAG = "id name golden message createdAt creator { name } version { id number tags { name } }"
LOCKED = ("DATASET_LOCKED", ["datasetId"])
LOCK = "dataset { id lock { reason createdAt creator { name } } viewerCan head { number } }"
TAGS = "query ($id: ID!) { dataset(by: {id: $id}) { tags { name version { number } } } }"
ITEMS = """query ($id: ID!, $at: VersionRef) {
  dataset(by: {id: $id}, at: $at) { version { number } itemsCount }
  items(datasetId: $id, at: $at) { totalCount } }"""


@pytest.fixture
def tagged(ada: Client, shelf: Shelf) -> Shelf:
    """At version 3, an item less; "empty" is version 1, golden "full" is version 2."""
    ada.change("tagVersion", datasetId="ds_1", name="empty", at={"number": 1})
    ada.change("tagVersion", datasetId="ds_1", name="full", golden=True, message="for training")
    ada.change("deleteItems", datasetId="ds_1", selection={"ids": [shelf.items[3]]})
    return shelf


@ON_SQLITE
def test_a_tag_finds_its_version_wherever_one_is_named(ada: Client, tagged: Shelf) -> None:
    for name, number, count in (("empty", 1, 0), ("full", 2, 4)):
        found = ada.run(ITEMS, id="ds_1", at={"tag": f" {name} "})
        assert found["dataset"] == {"version": {"number": number}, "itemsCount": count}
        assert found["items"]["totalCount"] == count
    assert ada.run(ITEMS, id="ds_1_v2", at={"tag": "full"})["dataset"]["itemsCount"] == 4
    assert ada.run(ITEMS, id="ds_1", at={"tag": "Full"}) == {"dataset": None, "items": None}
    one = '{ items(datasetId: "ds_1_v1", at: {tag: "full"}) { totalCount } }'
    assert ada.refusal(one) == ("INVALID", ["at"])

    at = "query ($by: ItemBy!, $at: VersionRef) { item(by: $by, at: $at) { id path } }"
    gone = {"id": tagged.items[3]}
    assert ada.run(at, by=gone, at={"tag": "full"})["item"]["id"] == f"{tagged.items[3]}_v2"
    assert ada.run(at, by=gone)["item"] is None

    refs = {"from": {"datasetId": "ds_1", "at": {"tag": "full"}}, "to": {"datasetId": "ds_1"}}
    diff = "query ($from: DatasetRef!, $to: DatasetRef!) { diff(from: $from, to: $to) { %s } }"
    counted = ada.run(diff % "counts { itemsRemoved }", **refs)["diff"]["counts"]
    assert counted == {"itemsRemoved": 1}
    refs["from"]["at"] = {"tag": "\n"}
    assert ada.refusal(diff % "from { id }", **refs) == ("INVALID", ["from", "at", "tag"])


@ON_SQLITE
def test_clones_and_merges_begin_at_tags_and_have_none_themselves(
    ada: Client, tagged: Shelf
) -> None:
    ask = "dataset { id itemsCount tags { id } lock { reason } sources { version } }"
    clone = ada.change("cloneDataset", ask, datasetId="ds_1", name="c", at={"tag": "full"})
    made = clone["dataset"]
    assert (made["itemsCount"], made["tags"], made["lock"]) == (4, [], None)
    assert made["sources"] == [{"version": 2}]
    sources: list[dict[str, Any]] = [
        {"datasetId": "ds_1", "at": {"tag": "empty"}},
        {"datasetId": made["id"]},
    ]
    merged = ada.change("mergeDatasets", ask, name="m", sources=sources)["dataset"]
    assert [one["version"] for one in merged["sources"]] == [1, 1]
    sources[1]["at"] = {"tag": "full"}
    refused = ada.refused("mergeDatasets", name="m2", sources=sources)
    assert refused == ("NOT_FOUND", ["sources", "1"])
    sources[1]["at"] = {"tag": ""}
    refused = ada.refused("mergeDatasets", name="m2", sources=sources)
    assert refused == ("INVALID", ["sources", "1", "at", "tag"])


@ON_SQLITE
def test_a_tag_never_moves_and_is_no_version(ada: Client, tagged: Shelf, census: Census) -> None:
    made = ada.change("tagVersion", f"tag {{ {TAG} }}", datasetId="ds_1_v2", name="cafe\u0301")
    tag = made["tag"]
    assert (tag["name"], tag["golden"], tag["message"]) == ("café", False, None)
    assert tag["creator"] == {"name": "Ada"}
    names = [{"name": "café"}, {"name": "full"}]
    assert tag["version"] == {"id": "ve_1_2", "number": 2, "tags": names}
    before = census()
    for version in (2, 3):
        taken = ada.attempt(
            "tagVersion", datasetId="ds_1", name="café", at={"number": version}, golden=True
        )
        assert (taken["code"], taken["path"]) == ("NAME_TAKEN", ["name"])
        assert "never moves" in taken["message"]
    assert census() == before
    assert [one["name"] for one in ada.run(TAGS, id="ds_1_v1")["dataset"]["tags"]] == [
        "empty",
        "café",
        "full",
    ]

    node = "query ($id: ID!) { node(id: $id) { ... on Tag { name version { number } } } }"
    assert ada.run(node, id=tag["id"])["node"] == {"name": "café", "version": {"number": 2}}
    deleted = ada.change(
        "deleteTag", "tagId dataset { tags { name } }", datasetId="ds_1", name="café"
    )
    assert deleted["tagId"] == tag["id"]
    assert deleted["dataset"]["tags"] == [{"name": "empty"}, {"name": "full"}]
    assert ada.run(node, id=tag["id"])["node"] is None
    again = ada.change("tagVersion", f"tag {{ {TAG} }}", datasetId="ds_1", name="café")["tag"]
    assert again["version"]["number"] == 3 and again["id"] != tag["id"]
    assert census()["versions"] == before["versions"] == 3


@ON_SQLITE
def test_who_may_write_may_tag_and_lock_and_others_only_see_it(
    ada: Client, bob: Client, tagged: Shelf, census: Census
) -> None:
    ada.change("lockDataset", datasetId="ds_1", reason="frozen")
    calls: list[tuple[str, dict[str, Any]]] = [
        ("tagVersion", {"name": "x"}),
        ("deleteTag", {"name": "full"}),
        ("lockDataset", {}),
        ("unlockDataset", {}),
    ]
    node = '{ node(id: "ta_1") { id } }'
    before = census()
    for mutation, input in calls:
        assert bob.refused(mutation, datasetId="ds_1", **input) == ("NOT_FOUND", ["datasetId"])
    assert bob.run(node)["node"] is None
    assert census() == before
    for role in ("VIEWER", "ANNOTATION_MANAGER", "DEVELOPER"):
        change = "addMember" if role == "VIEWER" else "updateMember"
        ada.change(change, projectId=tagged.project, userId="us_2", role=role)
        if role != "DEVELOPER":
            for mutation, input in calls:
                refused = bob.refused(mutation, datasetId="ds_1", **input)
                assert refused == ("FORBIDDEN", ["datasetId"])
    bob.change("unlockDataset", datasetId="ds_1")
    bob.change("deleteTag", datasetId="ds_1", name="full")
    assert bob.run(node)["node"] == {"id": "ta_1"}


def changes(shelf: Shelf) -> dict[str, dict[str, Any]]:
    """One call of everything that would change, rename or delete the dataset."""
    sha = sha256(b"shelf 0").hexdigest()
    one = {"selection": {"ids": [shelf.items[0]]}}
    return {
        "addItems": {"items": [{"sha256": sha, "path": "/again.txt"}]},
        "updateItems": {**one, "metadata": {"a": 1}},
        "moveItems": {**one, "directory": "/to"},
        "deleteItems": {"selection": {"ids": [shelf.items[1]]}},
        "addAnnotations": {"annotations": [{"itemId": shelf.items[0], **BOX}]},
        "updateAnnotations": {"annotations": [{"id": shelf.annotations[0], "status": None}]},
        "deleteAnnotations": {"ids": [shelf.annotations[0]]},
        "switchRecipe": {"recipeId": "re_2"},
        "updateDataset": {"name": "renamed"},
        "deleteDataset": {},
        "lockDataset": {"reason": "again"},
    }


@ON_SQLITE
def test_a_locked_dataset_refuses_every_change_until_it_is_unlocked(
    ada: Client, tagged: Shelf, census: Census, subtests: pytest.Subtests
) -> None:
    ada.change("cloneRecipe", recipeId=tagged.recipe, title="Second")
    copy = ada.change("cloneDataset", "dataset { id }", datasetId="ds_1", name="copy")["dataset"]
    done = {"datasetId": "ds_1", "selection": {"ids": [tagged.items[0]]}, "description": "new"}
    key = {"idempotencyKey": "before the lock"}
    first = ada.change("updateItems", "version { number }", **done, **key)
    can = ada.run('{ dataset(by: {id: "ds_1"}) { viewerCan } }')["dataset"]["viewerCan"]

    locked = ada.change("lockDataset", LOCK, datasetId="ds_1", reason="exam")["dataset"]

    assert locked["lock"]["reason"] == "exam" and locked["lock"]["creator"] == {"name": "Ada"}
    assert can == ["READ", "ANNOTATE", "WRITE", "CURATE"]
    assert (locked["viewerCan"], locked["head"]) == (["READ", "CURATE"], {"number": 4})
    before = census()
    for mutation, input in changes(tagged).items():
        with subtests.test(mutation):
            assert ada.refused(mutation, datasetId="ds_1", **input) == LOCKED
    refused = ada.attempt("deleteItems", datasetId="ds_1", selection={"where": {}})
    assert "exam" in refused["message"] and refused["currentVersion"] == 4
    into = {"datasetId": copy["id"], "destination": {"datasetId": "ds_1"}}
    assert ada.refused("cloneDataset", **into)[1] == ["destination", "datasetId"]
    assert ada.refused("cloneDataset", **into)[0] == "DATASET_LOCKED"
    assert ada.change("updateItems", "version { number }", **done, **key) == first
    assert {**census(), "idempotency_keys": 0} == {**before, "idempotency_keys": 0}
    uploaded = ada.upload("ds_1", [("new.txt", b"new")])
    assert (uploaded["code"], uploaded["path"]) == LOCKED

    ada.change("cloneDataset", datasetId="ds_1", name="from a locked one")
    ada.change("mergeDatasets", name="merged", datasetIds=["ds_1", copy["id"]])
    into = {"datasetId": "ds_1", "destination": {"datasetId": copy["id"]}}
    ada.change("cloneDataset", **into)
    ada.change("tagVersion", datasetId="ds_1", name="while locked")
    assert ada.change("unlockDataset", LOCK, datasetId="ds_1")["dataset"]["lock"] is None
    assert ada.refused("unlockDataset", datasetId="ds_1") == ("NOT_LOCKED", ["datasetId"])
    for mutation, input in changes(tagged).items():
        if mutation not in ("deleteDataset", "lockDataset"):
            with subtests.test(f"{mutation} after the lock"):
                ada.change(mutation, datasetId="ds_1", **input)


@ON_SQLITE
def test_a_golden_tag_keeps_a_deleted_dataset_until_somebody_deletes_the_tag(
    ada: Client, bob: Client, tagged: Shelf, database: Database
) -> None:
    def purge() -> int:
        return database.write(lambda tx: purge_deleted(tx, timedelta(0))).datasets

    ada.change("deleteDataset", datasetId="ds_1")
    assert ada.run('{ node(id: "ta_2") { id } }')["node"] is None  # as everything of the dataset
    assert ada.refused("tagVersion", datasetId="ds_1", name="x") == ("NOT_FOUND", ["datasetId"])
    assert purge() == 0
    ada.change("restoreDataset", datasetId="ds_1")
    assert ada.run(ITEMS, id="ds_1", at={"tag": "full"})["items"]["totalCount"] == 4

    ada.change("deleteDataset", datasetId="ds_1")
    assert bob.refused("deleteTag", datasetId="ds_1", name="full")[0] == "NOT_FOUND"
    freed = ada.change("deleteTag", "tagId dataset { id }", datasetId="ds_1", name="full")
    assert freed == {"__typename": "DeleteTagSuccess", "tagId": "ta_2", "dataset": None}
    assert purge() == 1
    assert ada.refused("restoreDataset", datasetId="ds_1") == ("NOT_FOUND", ["datasetId"])
    assert ada.refused("deleteTag", datasetId="ds_1", name="empty")[0] == "NOT_FOUND"
