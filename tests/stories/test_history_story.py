"""The story of a golden version: two people work on a clone, and nothing is lost on the way."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

from gql_service.app import Service
from gql_service.catalog.user import first_admin
from gql_service.transfer.folder import class_names, find_files, import_files
from gql_service.transfer.target import prepare_target
from tests.api.client import Client
from tests.stories.conftest import Hire

COUNTS = """query ($id: ID!, $at: VersionRef) { dataset(by: {id: $id}, at: $at) {
  version { number operation } itemsCount annotationsCount items { totalCount }
  annotations { totalCount } } }"""
DIFF = """query ($from: DatasetRef!, $to: DatasetRef!) { diff(from: $from, to: $to) {
  counts { itemsAdded itemsModified itemsRemoved
    annotationsAdded annotationsModified annotationsRemoved }
  items { nodes { kind before { path } after { path } metadata { path before after }
    annotations { nodes { kind values { path before after } } } } } } }"""
ITEM = """query ($by: ItemBy!) { item(by: $by) { id metadata annotations { nodes { id label
  metadata creator { name } blame { path user { name } source { version dataset { name } } } } } }
}"""
GOLDEN = {"datasetId": "ds_1", "at": {"tag": "golden"}}
NOTHING = (0, 0, 0, 0, 0, 0)
FILES = {
    "cat/1.png": b"tabby",
    "cat/2.png": b"tiger",
    "cat/3.png": b"tom",
    "dog/1.png": b"rex",
    "dog/2.png": b"blurred",
    "both.png": b"rex and tom",
}


def imported(service: Service, folder: Path) -> None:
    """A folder as `gql-service import` brings it in, for the admin: versions 1 and 2 of ds_1."""
    for name, content in FILES.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    files = find_files(folder)

    with service.database.read() as tx:
        admin = first_admin(tx)
    assert admin is not None
    dataset = service.database.write(
        lambda tx: prepare_target(tx, "Pets", "pets", class_names(files)), actor=admin.id
    )
    lease = timedelta(hours=1)
    import_files(service.database, service.vault, dataset, files, actor=admin.id, lease=lease)


def counts(client: Client, dataset: str, **at: Any) -> tuple[int, str, int, int]:
    """Version and operation, items and annotations: as counted, and as listed."""
    found = client.run(COUNTS, id=dataset, at=at or None)["dataset"]
    items, annotations = found["itemsCount"], found["annotationsCount"]
    assert found["items"]["totalCount"] == items
    assert found["annotations"]["totalCount"] == annotations
    return found["version"]["number"], found["version"]["operation"], items, annotations


def difference(client: Client, to: str) -> tuple[tuple[int, ...], list[Any]]:
    """From the golden version to a head: numbers of items, of annotations; and the items."""
    found = client.run(DIFF, **{"from": GOLDEN, "to": {"datasetId": to}})["diff"]
    return tuple(found["counts"].values()), found["items"]["nodes"]


def item(client: Client, dataset: str, path: str) -> Any:
    return client.run(ITEM, by={"path": {"datasetId": dataset, "path": path}})["item"]


def edit(client: Client, dataset: str, path: str, checked: str) -> None:
    selection = {"ids": [item(client, dataset, path)["id"]]}
    given: dict[str, Any] = {"selection": selection, "metadata": {"checked": checked}}
    client.change("updateItems", datasetId=dataset, **given)


def relabel(client: Client, dataset: str, path: str, **values: Any) -> None:
    (mark,) = item(client, dataset, path)["annotations"]["nodes"]
    given = [{"id": mark["id"], **values}]
    client.change("updateAnnotations", datasetId=dataset, annotations=given)


def work_on_the_clone(bob: Client, cleo: Client) -> None:
    """Bob edits, Cleo tidies up: five versions of ds_2."""
    edit(bob, "ds_2", "/cat/1.png", "by bob")
    relabel(bob, "ds_2", "/dog/1.png", label="cat")
    blurred = item(cleo, "ds_2", "/dog/2.png")["id"]
    cleo.change("deleteItems", datasetId="ds_2", selection={"ids": [blurred]})
    both = {"itemId": item(cleo, "ds_2", "/both.png")["id"], "label": "dog"}
    mark = {**both, "type": "CLASSIFICATION"}
    cleo.change("addAnnotations", datasetId="ds_2", annotations=[mark])
    tom = {"ids": [item(cleo, "ds_2", "/cat/3.png")["id"]]}
    cleo.change("moveItems", datasetId="ds_2", selection=tom, path="/tom.png")


def test_a_golden_version_is_cloned_changed_compared_merged_and_put_back(
    ada: Client, hire: Hire, service: Service, tmp_path: Path
) -> None:
    imported(service, tmp_path / "photos")
    assert counts(ada, "ds_1") == (2, "IMPORT", 6, 5)
    ada.change("tagVersion", datasetId="ds_1", name="golden", golden=True)
    bob, cleo = hire("Bob"), hire("Cleo")
    for name in ("bob", "cleo"):
        given = {"email": f"{name}@example.org", "role": "DEVELOPER"}
        ada.change("addMember", projectId="pr_1", **given)
    bob.change("cloneDataset", datasetId="ds_1", at={"tag": "golden"}, name="work")
    assert counts(bob, "ds_2") == (1, "CLONE", 6, 5)
    assert difference(bob, "ds_2") == (NOTHING, [])

    work_on_the_clone(bob, cleo)
    assert counts(ada, "ds_2") == (6, "MOVE", 5, 5)
    _the_diff_lists_what_they_did(ada)
    _the_annotation_tells_who_relabelled_it(ada)

    edit(ada, "ds_1", "/cat/1.png", "by ada")
    relabel(ada, "ds_1", "/dog/1.png", metadata={"sure": True})
    assert counts(ada, "ds_1") == (4, "ANNOTATE", 6, 5)
    _both_are_merged_and_the_conflicts_decided(bob)
    _the_clone_is_put_back(cleo)
    _a_lock_refuses_what_a_member_may_do(ada, bob)
    assert counts(ada, "ds_1", tag="golden") == (2, "IMPORT", 6, 5)


def _the_diff_lists_what_they_did(ada: Client) -> None:
    numbers, changes = difference(ada, "ds_2")
    assert numbers == (0, 2, 1, 1, 1, 1)
    by_path = {(one["before"] or one["after"])["path"]: one for one in changes}
    assert {path: one["kind"] for path, one in by_path.items()} == {
        "/both.png": "MODIFIED",
        "/cat/1.png": "MODIFIED",
        "/cat/3.png": "RENAMED",
        "/dog/1.png": "MODIFIED",
        "/dog/2.png": "REMOVED",
    }
    assert by_path["/cat/3.png"]["after"] == {"path": "/tom.png"}
    changed = [{"path": ["checked"], "before": None, "after": "by bob"}]
    assert by_path["/cat/1.png"]["metadata"] == changed
    (mark,) = by_path["/dog/1.png"]["annotations"]["nodes"]
    assert mark["values"] == [{"path": ["label"], "before": "dog", "after": "cat"}]


def _the_annotation_tells_who_relabelled_it(ada: Client) -> None:
    (mark,) = item(ada, "ds_2", "/dog/1.png")["annotations"]["nodes"]
    wrote = {
        one["path"][0]: (one["user"]["name"], one["source"]["dataset"]["name"])
        for one in mark["blame"]
    }
    assert (mark["creator"], wrote["label"]) == ({"name": "Admin"}, ("Bob", "work"))
    assert wrote["type"] == ("Admin", "pets")


def _both_are_merged_and_the_conflicts_decided(bob: Client) -> None:
    """A removal wins over the item that nobody touched; ds_3 then has Ada's side of the rest."""
    report = "report { itemsCount conflicts { nodes { position field left right } } }"
    given: dict[str, Any] = {"datasetIds": ["ds_1", "ds_2"], "policy": "THREE_WAY"}
    done = bob.change("mergeDatasets", report, name="together", **given)["report"]
    found = {one["field"]: one for one in done["conflicts"]["nodes"]}
    assert found.keys() == {"metadata.checked", "annotation"}
    checked = found["metadata.checked"]
    assert (checked["left"], checked["right"]) == ("by ada", "by bob")
    assert counts(bob, "ds_3") == (1, "MERGE", 5, 6)
    assert item(bob, "ds_3", "/cat/1.png")["metadata"] == {"checked": "by bob"}
    resolutions = [{"position": one["position"], "choose": "LEFT"} for one in found.values()]
    given = {"datasetId": "ds_3", "resolutions": resolutions}
    decided = bob.change("resolveConflicts", "resolved open", **given)
    assert (decided["resolved"], decided["open"]) == (2, 0)
    assert counts(bob, "ds_3") == (2, "RESOLVE", 5, 5)
    assert item(bob, "ds_3", "/cat/1.png")["metadata"] == {"checked": "by ada"}
    (mark,) = item(bob, "ds_3", "/dog/1.png")["annotations"]["nodes"]
    assert (mark["label"], mark["metadata"]) == ("dog", {"sure": True})


def _the_clone_is_put_back(cleo: Client) -> None:
    cleo.change("revertDataset", datasetId="ds_2", to={"number": 1})
    assert counts(cleo, "ds_2") == (7, "REVERT", 6, 5)
    assert difference(cleo, "ds_2") == (NOTHING, [])
    assert counts(cleo, "ds_2", number=6) == (6, "MOVE", 5, 5)
    assert counts(cleo, "ds_3") == (2, "RESOLVE", 5, 5)


def _a_lock_refuses_what_a_member_may_do(ada: Client, bob: Client) -> None:
    ada.change("lockDataset", datasetId="ds_3", reason="released")
    tabby: dict[str, Any] = {"selection": {"ids": [item(bob, "ds_3", "/cat/1.png")["id"]]}}
    refused = bob.refused("deleteItems", datasetId="ds_3", **tabby)
    assert refused == ("DATASET_LOCKED", ["datasetId"])
    assert counts(bob, "ds_3") == (2, "RESOLVE", 5, 5)
    bob.change("cloneDataset", datasetId="ds_3", name="further")
    assert counts(bob, "ds_4") == (1, "CLONE", 5, 5)
    ada.change("unlockDataset", datasetId="ds_3")
    assert ada.refused("unlockDataset", datasetId="ds_3") == ("NOT_LOCKED", ["datasetId"])
    bob.change("deleteItems", datasetId="ds_3", **tabby)
    assert counts(bob, "ds_3") == (3, "DELETE", 4, 4)
