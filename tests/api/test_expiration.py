"""Expiration, as clients see it: set, changed and removed, and what it leaves in history.

Seeded bugs that turned these red: null taken for "remove it"; an expiration that a clone takes
along; a rename that stays when the expiration beside it is refused.
"""

from __future__ import annotations

from datetime import timedelta

from gql_service.database.engine import Database
from gql_service.versions.expiration import expire
from tests.api.client import Client
from tests.api.conftest import Census
from tests.api.shelf import Shelf
from tests.builders import ON_SQLITE
from tests.conftest import SetClock

SET = "dataset { expiration { itemMaxDays creator { name } } head { number } }"
HERE = ("expiration", "itemMaxDays")


@ON_SQLITE
def test_an_expiration_is_set_changed_and_removed_without_a_version(
    ada: Client, bob: Client, shelf: Shelf, census: Census
) -> None:
    given = {"projectId": shelf.project, "recipeId": shelf.recipe}
    made = ada.change("createDataset", SET, **given, name="b", expiration={"itemMaxDays": 36_500})
    assert made["dataset"]["expiration"] == {"itemMaxDays": 36_500, "creator": {"name": "Ada"}}
    for none in ({"expiration": None}, {"expiration": {"itemMaxDays": 0}}):
        name = f"without {none}"[:200]
        assert ada.change("createDataset", SET, **given, name=name, **none)["dataset"] == {
            "expiration": None,
            "head": {"number": 1},
        }

    ada.change("addMember", projectId=shelf.project, userId="us_2", role="DEVELOPER")
    before = census()
    for client, expiration, shown in (
        (ada, {"itemMaxDays": 1}, (1, "Ada")),
        (ada, None, (1, "Ada")),
        (bob, {"itemMaxDays": 1}, (1, "Bob")),
        (ada, {"itemMaxDays": 0}, None),
        (ada, {"itemMaxDays": 30}, (30, "Ada")),
    ):
        found = client.change("updateDataset", SET, datasetId="ds_1", expiration=expiration)
        held = found["dataset"]["expiration"]
        assert (held and (held["itemMaxDays"], held["creator"]["name"])) == shown
        assert found["dataset"]["head"] == {"number": 2}
    assert census() == before

    ada.change("updateMember", projectId=shelf.project, userId="us_2", role="ANNOTATION_MANAGER")
    wanted = {"datasetId": "ds_1", "name": "new", "expiration": {"itemMaxDays": 36_501}}
    assert bob.refused("updateDataset", **wanted)[0] == "FORBIDDEN"
    assert ada.refused("updateDataset", **wanted) == ("LIMIT_EXCEEDED", list(HERE))
    ada.change("lockDataset", datasetId="ds_1")
    wanted = {"datasetId": "ds_1", "expiration": {"itemMaxDays": 5}}
    assert ada.refused("updateDataset", **wanted) == ("DATASET_LOCKED", ["datasetId"])
    shown_by = '{ dataset(by: {id: "ds_1_v1"}) { name expiration { itemMaxDays } } }'
    assert ada.run(shown_by)["dataset"] == {"name": "pets", "expiration": {"itemMaxDays": 30}}
    clone = ada.change("cloneDataset", SET, datasetId="ds_1", name="clone")["dataset"]
    assert clone["expiration"] is None


def test_expired_items_stay_in_history_and_come_back_from_it(
    ada: Client, shelf: Shelf, database: Database, clock: SetClock
) -> None:
    ada.change("updateDataset", datasetId="ds_1", expiration={"itemMaxDays": 30})
    clone = ada.change("cloneDataset", "dataset { id }", datasetId="ds_1", name="clone")
    clock.advance(timedelta(days=31))
    ada.upload("ds_1", [("young.txt", b"young")])

    (gone,) = expire(database)

    assert (gone.items, gone.annotations, gone.version) == (4, 3, 4)
    read = """query ($id: ID!, $clone: ID!) {
      now: dataset(by: {id: $id}) { itemsCount annotationsCount
        items { nodes { path } }
        versions(first: 1, where: {operation: {in: [EXPIRE]}}) { nodes {
          number message author { name } counts { itemsRemoved annotationsRemoved } } } }
      before: dataset(by: {id: $id}, at: {number: 3}) { itemsCount annotationsCount }
      clone: dataset(by: {id: $clone}) { itemsCount annotationsCount } }"""
    seen = ada.run(read, id="ds_1", clone=clone["dataset"]["id"])
    assert seen["now"] == {
        "itemsCount": 1,
        "annotationsCount": 0,
        "items": {"nodes": [{"path": "/young.txt"}]},
        "versions": {
            "nodes": [
                {
                    "number": 4,
                    "message": "Older than 30 days, when items of this dataset expire",
                    "author": {"name": "Ada"},
                    "counts": {"itemsRemoved": 4, "annotationsRemoved": 3},
                }
            ]
        },
    }
    assert seen["before"] == {"itemsCount": 5, "annotationsCount": 3}
    assert seen["clone"] == {"itemsCount": 4, "annotationsCount": 3}

    back = {"datasetId": "ds_1", "from": {"number": 3}, "ids": [shelf.items[0]]}
    ada.change("restoreItems", **back)
    ask = "query ($id: ID!) { item(by: {id: $id}) { createdAt annotationsCount "
    ask += "history { nodes { kind version { operation } } } } }"
    assert ada.run(ask, id=shelf.items[0])["item"] == {
        "createdAt": "2026-01-01T12:00:00Z",
        "annotationsCount": 2,
        "history": {
            "nodes": [
                {"kind": "ADDED", "version": {"operation": "RESTORE"}},
                {"kind": "REMOVED", "version": {"operation": "EXPIRE"}},
                {"kind": "ADDED", "version": {"operation": "UPLOAD"}},
            ]
        },
    }
    assert [one.items for one in expire(database)] == [1]
    assert ada.run(ask, id=shelf.items[0])["item"] is None
