"""The main job, played once: clone, annotate on both sides, merge; refused, matched, merged."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gql_service.demo import operations as ops
from gql_service.demo.client import Client

STEPS = 9
"""How many steps `play` reports."""

TEAM_ITEMS = 40
"""How many items each team annotates."""


def play(
    client: Client, team: Client, project: str, dataset: str, say: Callable[[str], None]
) -> None:
    """Plays the story on an imported dataset. `team` is another user of the same project.

    `project` and `dataset` are ids; `say` is called once for each of the STEPS with what happened.
    Raises ServiceError when anything does not go as it must.
    """
    master = client.run(ops.DATASET, id=dataset)["dataset"]
    say(f"Imported {master['itemsCount']} images as {master['name']!r}, one class label each")

    whole = team.change(ops.CLONE, input={"datasetId": dataset, "name": "digits-team-a"})
    say(_cloned("Cloned whole", whole))

    filters = {"where": {"annotations": {"some": {"label": {"in": ["three", "eight"]}}}}}
    part = client.change(
        ops.CLONE, input={"datasetId": dataset, "name": "threes-and-eights", "filters": filters}
    )
    say(_cloned("Cloned what is labelled three or eight", part))

    where_is_ink = _box_annotations(team, whole["dataset"]["id"])
    say(f"Team A drew {where_is_ink} boxes around the ink, on its clone")

    reviewed = _review(client, part["dataset"]["id"])
    say(f"The owner approved {reviewed} labels, on the filtered clone")

    sources = [dataset, whole["dataset"]["id"], part["dataset"]["id"]]
    merged = client.change(ops.MERGE, input={"name": "digits-merged", "datasetIds": sources})
    say(f"The three were {_merged(merged)}")

    other, refusal = _refused(client, project, dataset, merged["dataset"]["id"])
    say(refusal)

    matched = client.change(
        ops.SWITCH_RECIPE, input={"datasetId": other, "recipeId": master["recipe"]["id"]}
    )
    again = client.change(
        ops.MERGE, input={"name": "everything", "datasetIds": [merged["dataset"]["id"], other]}
    )
    version = matched["dataset"]["head"]["number"]
    say(
        f"Switched its recipe (version {version}), and the same merge went through: "
        + _merged(again)
    )

    say(_everybody(client, again["dataset"]["id"]))


def _cloned(what: str, result: Any) -> str:
    report = result["report"]
    return (
        f"{what} into {result['dataset']['name']!r}: {report['itemsCount']} items, "
        f"{report['annotationsCount']} annotations, {report['bytesAdded']} bytes copied"
    )


def _merged(result: Any) -> str:
    report = result["report"]
    return (
        f"merged into {result['dataset']['name']!r} ({report['outcome']}): "
        f"{report['itemsCount']} items, {report['annotationsCount']} annotations, "
        f"{report['conflicts']['totalCount']} conflicts, {report['bytesAdded']} bytes copied"
    )


def _box_annotations(team: Client, dataset: str) -> int:
    corners = [{"x": 1, "y": 0}, {"x": 7, "y": 8}]
    items = team.run(ops.ITEMS, datasetId=dataset, first=TEAM_ITEMS)["items"]["nodes"]
    boxes = [
        {
            "itemId": item["id"],
            "type": "BOX",
            "label": item["annotations"]["nodes"][0]["label"],
            "coordinates": corners,
        }
        for item in items
    ]
    team.change(
        ops.ANNOTATE,
        input={"datasetId": dataset, "annotations": boxes, "message": "boxes around the ink"},
    )
    return len(boxes)


def _review(client: Client, dataset: str) -> int:
    items = client.run(ops.ITEMS, datasetId=dataset, first=TEAM_ITEMS)["items"]["nodes"]
    approved = [
        {"id": item["annotations"]["nodes"][0]["id"], "status": "APPROVED"} for item in items
    ]
    client.change(
        ops.REVIEW,
        input={"datasetId": dataset, "annotations": approved, "message": "looked at, good"},
    )
    return len(approved)


def _refused(client: Client, project: str, dataset: str, merged: str) -> tuple[str, str]:
    """Makes a dataset under another recipe and tries to merge it."""
    recipe = client.change(
        ops.CREATE_RECIPE,
        input={
            "projectId": project,
            "title": "Letters",
            "labels": [{"name": "a"}, {"name": "b"}],
        },
    )["recipe"]["id"]
    other = client.change(
        ops.CREATE_DATASET,
        input={"projectId": project, "name": "letters", "recipeId": recipe},
    )["dataset"]["id"]
    digit = client.run(ops.ITEMS, datasetId=dataset, first=1)["items"]["nodes"][0]
    client.change(
        ops.ADD_ITEMS,
        input={
            "datasetId": other,
            "items": [{"path": "/found.png", "sha256": digit["binary"]["sha256"]}],
        },
    )
    answer = client.run(ops.MERGE, input={"name": "everything", "datasetIds": [merged, other]})
    refusal = answer["mergeDatasets"]
    if refusal["__typename"] != "RecipeMismatchError":
        raise AssertionError(f"expected a refusal, got {refusal}")
    details = "; ".join(one["detail"] for one in refusal["differences"][:3])
    count = len(refusal["differences"])
    return other, (
        f"Refused to merge {refusal['message'].lower()!r}: {count} differences ({details}; …)"
    )


def _everybody(client: Client, dataset: str) -> str:
    item = client.run(ops.EVERYBODY, datasetId=dataset)["items"]["nodes"][0]
    parts = [
        f"{one['type']} {one['label']}"
        + (f" {one['status']}" if one["status"] else "")
        + f" by {one['creator']['name']}"
        for one in item["annotations"]["nodes"]
    ]
    held = item["binary"]["referenceCount"]
    return f"On {item['path']}: {', '.join(parts)}; its bytes are held by {held} items, stored once"
