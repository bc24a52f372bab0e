"""Merging into a dataset that is there: one version of it, and what it already knows.

Seeded bugs that turned these red: the flags laid over the destination too; a destination that is
not the first source; what was merged not learnt; no version where there is only something to learn.
"""

from __future__ import annotations

from typing import Any

from tests.api.client import Client
from tests.api.conftest import Census
from tests.api.plans import merge_as_planned, plan, same_refusal
from tests.api.retries import at_once
from tests.api.shelf import BOX, CAT, Shelf
from tests.api.test_plans import clone
from tests.builders import ON_SQLITE

SHOWN = """query ($by: DatasetBy!) { dataset(by: $by) { name type sources { version
  dataset { name } } head { number operation message counts { itemsAdded itemsModified }
  mergeReport { outcome unified summed changed conflicts { totalCount } } }
  items { nodes { path metadata annotations { nodes { label status creator { name } } } } } } }"""


def shown(client: Client, dataset: str) -> Any:
    return client.run(SHOWN, by={"id": dataset})["dataset"]


def in_dataset(id: str, dataset: str) -> str:
    """The id of the same item or annotation in another dataset."""
    kind, _, key = id.split("_")
    return f"{kind}_{dataset.removeprefix('ds_')}_{key}"


def test_work_of_a_clone_comes_home_as_one_version(ada: Client, shelf: Shelf) -> None:
    team = clone(ada, shelf.dataset, "team")
    mark = {**CAT, "itemId": in_dataset(shelf.items[1], team)}
    ada.change("addAnnotations", datasetId=team, annotations=[mark])
    ada.upload(team, [("more.txt", b"more")])
    some = {"ids": [shelf.items[0]]}
    ada.change("updateItems", datasetId=shelf.dataset, selection=some, metadata={"ours": 1})

    asked = {"into": shelf.dataset, "datasetIds": [team], "message": "home"}
    done = merge_as_planned(ada, **asked, expectedVersion=3)

    assert done["dataset"]["id"] == shelf.dataset
    home = shown(ada, shelf.dataset)
    assert (home["name"], home["type"]) == ("pets", "MASTER")
    assert home["sources"] == [{"version": 3, "dataset": {"name": "team"}}]
    assert home["head"] == {
        "number": 4,
        "operation": "MERGE",
        "message": "home",
        "counts": {"itemsAdded": 1, "itemsModified": 0},
        "mergeReport": {
            "outcome": "COMBINED",
            "unified": 4,
            "summed": 1,
            "changed": True,
            "conflicts": {"totalCount": 0},
        },
    }
    items = {item["path"]: item for item in home["items"]["nodes"]}
    assert items["/file0.txt"]["metadata"]["ours"] == 1
    assert [one["label"] for one in items["/file1.txt"]["annotations"]["nodes"]] == ["cat"]
    assert "/more.txt" in items
    history = "query ($by: DatasetBy!) { dataset(by: $by, at: {number: 3}) { itemsCount } }"
    assert ada.run(history, by={"id": shelf.dataset})["dataset"] == {"itemsCount": 4}


@ON_SQLITE
def test_merging_again_makes_no_version_until_there_is_something_new(
    ada: Client, shelf: Shelf, census: Census
) -> None:
    team = clone(ada, shelf.dataset, "team")
    ada.change("updateItems", datasetId=team, selection={"where": {}}, metadata={"camera": "west"})
    # The same thought in both: nothing to change, but from now on one knows of the other's.
    ada.change(
        "updateItems", datasetId=shelf.dataset, selection={"where": {}}, metadata={"camera": "west"}
    )
    asked = {"into": shelf.dataset, "datasetIds": [team]}
    assert merge_as_planned(ada, **asked)["dataset"]["head"]["number"] == 4
    assert shown(ada, shelf.dataset)["head"]["counts"]["itemsModified"] == 0
    before = census()
    again = merge_as_planned(ada, **asked)
    assert again["report"] is None and again["dataset"]["head"]["number"] == 4
    assert {**census(), "jobs": before["jobs"]} == before

    ada.change("updateItems", datasetId=team, selection={"where": {}}, metadata={"camera": "up"})
    done = merge_as_planned(ada, **asked, onConflict="FAIL")  # no conflict: theirs is the newer
    assert done["dataset"]["head"]["number"] == 5
    assert {one["metadata"]["camera"] for one in shown(ada, shelf.dataset)["items"]["nodes"]} == {
        "up"
    }


@ON_SQLITE
def test_the_flags_are_for_what_comes_in(ada: Client, shelf: Shelf) -> None:
    team = clone(ada, shelf.dataset, "team")
    ada.change("updateItems", datasetId=team, selection={"where": {}}, metadata={"theirs": 1})
    ada.change(
        "addAnnotations",
        datasetId=team,
        annotations=[{**BOX, "itemId": in_dataset(shelf.items[1], team)}],
    )
    ada.upload(team, [{"name": "more.txt", "content": b"more", "metadata": {"m": 1}}])
    flags = {
        "withMetadata": False,
        "withItemsAnnotations": False,
        "withTaskAnnotationsStatus": False,
    }
    merge_as_planned(ada, into=shelf.dataset, datasetIds=[team], **flags)
    items = {item["path"]: item for item in shown(ada, shelf.dataset)["items"]["nodes"]}
    assert items["/more.txt"]["metadata"] == {}
    assert items["/file0.txt"]["metadata"] == {"number": 0, "camera": "south"}
    assert [one["status"] for one in items["/file0.txt"]["annotations"]["nodes"]] == [
        "APPROVED",
        None,
    ]
    assert items["/file1.txt"]["annotations"]["nodes"] == []
    merge_as_planned(ada, into=shelf.dataset, datasetIds=[team])  # now with all of it
    items = {item["path"]: item for item in shown(ada, shelf.dataset)["items"]["nodes"]}
    assert items["/more.txt"]["metadata"] == {"m": 1}
    assert len(items["/file1.txt"]["annotations"]["nodes"]) == 1


@ON_SQLITE
def test_the_destination_keeps_its_paths_and_comes_first(ada: Client, shelf: Shelf) -> None:
    given = {"projectId": shelf.project, "recipeId": shelf.recipe}
    made = [
        ada.change("createDataset", "dataset { id }", name=name, **given)["dataset"]["id"]
        for name in ("one", "two")
    ]
    for dataset in made:
        ada.upload(dataset, [("file0.txt", dataset.encode())])
    done = merge_as_planned(ada, into=made[1], datasetIds=[shelf.dataset, made[0]])
    report = done["report"]
    assert (report["outcome"], report["summed"], report["unified"]) == ("SUMMED", 6, 0)
    assert sorted((one["wanted"], one["given"]) for one in report["renamed"]) == [
        ("/file0.txt", "/file0 (2).txt"),
        ("/file0.txt", "/file0 (3).txt"),
    ]
    team = clone(ada, made[1], "team")
    for dataset, camera in ((made[1], "left"), (team, "right")):
        ada.change(
            "updateItems", datasetId=dataset, selection={"where": {}}, metadata={"camera": camera}
        )
    for policy, chosen in (("FIRST", "left"), ("LAST", "right")):
        plan_of = {"into": made[1], "datasetIds": [team], "onConflict": policy}
        conflicts = plan(ada, "planMerge", **plan_of)["conflicts"]["nodes"]
        assert {(one["left"], one["chosen"]) for one in conflicts} == {("left", chosen)}
    merge_as_planned(ada, into=made[1], datasetIds=[team])
    assert not plan(ada, "planMerge", into=made[1], datasetIds=[team])["changed"]


@ON_SQLITE
def test_several_merge_into_one_dataset_at_once(ada: Client, shelf: Shelf) -> None:
    """Each decides on the head that it then writes over: nobody's work is lost or told twice."""
    teams = [clone(ada, shelf.dataset, f"team {number}") for number in range(4)]
    for number, team in enumerate(teams):
        some = {"ids": [in_dataset(shelf.items[0], team)]}
        ada.change("updateItems", datasetId=team, selection=some, metadata={f"k{number}": 1})
        ada.upload(team, [("new.txt", team.encode())])
    waiting = list(teams)
    fields = "report { renamed { given } conflicts { totalCount } }"
    done = at_once(
        lambda: ada.change("mergeDatasets", fields, into=shelf.dataset, datasetIds=[waiting.pop()])[
            "report"
        ]
    )
    assert [one["conflicts"]["totalCount"] for one in done] == [0] * 4
    given = sorted(change["given"] for one in done for change in one["renamed"])
    assert given == ["/new (2).txt", "/new (3).txt", "/new (4).txt"]
    home = shown(ada, shelf.dataset)
    assert home["head"]["number"] == 6
    (first,) = [item for item in home["items"]["nodes"] if item["path"] == "/file0.txt"]
    assert {f"k{number}" for number in range(4)} <= first["metadata"].keys()


@ON_SQLITE
def test_what_cannot_be_merged_into_is_refused_before_anything_is_written(
    ada: Client, bob: Client, shelf: Shelf, census: Census
) -> None:
    team = clone(ada, shelf.dataset, "team")
    theirs = Shelf.fill(bob, name="theirs", count=1)
    ada.change("addMember", projectId=shelf.project, email="bob@example.org", role="VIEWER")
    before = census()
    into, only = {"into": shelf.dataset}, {"datasetIds": [team]}
    cases: list[tuple[dict[str, Any], tuple[str, list[str]]]] = [
        (only, ("INVALID", ["name"])),
        ({**into, **only, "name": "x"}, ("INVALID", ["into"])),
        ({**into, **only, "projectId": shelf.project}, ("INVALID", ["projectId"])),
        ({**into, **only, "projectIds": [theirs.project]}, ("INVALID", ["into"])),
        ({**into, **only, "expectedVersion": 1}, ("VERSION_MOVED", ["expectedVersion"])),
        ({"name": "x", "datasetIds": [team, shelf.dataset], "expectedVersion": 2},
         ("INVALID", ["expectedVersion"])),
        ({**into, "datasetIds": []}, ("INVALID", ["datasetIds"])),
        ({**into, "datasetIds": [team, shelf.dataset]}, ("INVALID", ["datasetIds", "1"])),
        ({**into, "sources": [{"datasetId": shelf.dataset, "at": {"number": 1}}]},
         ("INVALID", ["sources", "0"])),
        ({**into, "sources": [{"datasetId": team, "at": {"number": 9}}]},
         ("NOT_FOUND", ["sources", "0"])),
        ({"into": "it_1_1", **only}, ("INVALID", ["into"])),
        ({"into": "ds_99", **only}, ("NOT_FOUND", ["into"])),
        ({"into": theirs.dataset, **only}, ("NOT_FOUND", ["into"])),
    ]  # fmt: skip
    for wrong, refusal in cases:
        assert ada.refused("mergeDatasets", **wrong) == refusal, wrong
    ada.change("lockDataset", datasetId=shelf.dataset)
    locked = ("DATASET_LOCKED", ["into"])
    assert same_refusal(ada, "planMerge", **into, **only) == locked
    ada.change("unlockDataset", datasetId=shelf.dataset)
    asked = {**into, "datasetIds": [theirs.dataset]}
    assert bob.refused("mergeDatasets", **asked) == ("FORBIDDEN", ["into"])
    assert census() == before
