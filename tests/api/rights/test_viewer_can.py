"""What `viewerCan` says is what happens, whatever the role, the token and the lock."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.client import Client
from tests.api.rights.conftest import Stage
from tests.api.rights.world import CALLERS, SCOPES
from tests.builders import ON_SQLITE

BY_ID = "query ($id: ID!) { dataset(by: {id: $id}) { viewerCan } }"
OF_PROJECT = "query ($id: ID!) { project(by: {id: $id}) { viewerCan } }"
ITEMS = "query ($id: ID!) { items(datasetId: $id, first: 1) { nodes { id } } }"
HERE = {"dataset": "dataset", "locked": "locked/dataset"}


def deeds(stage: Stage, dataset: str, item: str) -> dict[str, list[tuple[str, dict[str, Any]]]]:
    """What each permission is for, of a dataset."""
    one = {"datasetId": dataset}
    mark = {"type": "CLASSIFICATION", "label": "cat"}
    return {
        "ANNOTATE": [("addAnnotations", {**one, "annotations": [{"itemId": item, **mark}]})],
        "WRITE": [
            ("updateItems", {**one, "selection": {"where": {}}, "description": "new"}),
            ("updateDataset", {**one, "name": "new"}),
            ("switchRecipe", {**one, "recipeId": stage.world.home["spare/recipe"]}),
            ("deleteDataset", one),
        ],
        "CURATE": [("tagVersion", {**one, "name": "new"})],
    }


def of_project(stage: Stage) -> dict[str, list[tuple[str, dict[str, Any]]]]:
    """What each permission is for, of a project."""
    project, annotated = {"projectId": stage.world.home["project"]}, stage.world.home["annotation"]
    annotations = {"datasetId": stage.world.home["dataset"], "ids": [annotated]}
    tag = {"datasetId": stage.world.home["dataset"], "name": "first"}
    user = {**project, "userId": stage.world.home["user"]}
    return {
        "ANNOTATE": [("deleteAnnotations", annotations)],
        "WRITE": [("createRecipe", {**project, "title": "new"})],
        "CURATE": [("deleteTag", tag)],
        "MANAGE_MEMBERS": [("removeMember", user)],
        "MANAGE_PROJECT": [("updateProject", {**project, "name": "new"})],
    }


def wrong_about(
    stage: Stage,
    client: Client,
    can: list[str],
    deeds: dict[str, list[tuple[str, dict[str, Any]]]],
) -> list[str]:
    """Where the words and the deeds differ. What was done is undone."""
    wrong = []
    for permission, mutations in deeds.items():
        for mutation, given in mutations:
            done = client.attempt(mutation, **given)["__typename"].endswith("Success")
            if done:
                stage.undo()
            if done != (permission in can):
                wrong.append(f"{mutation}: {'done' if done else 'refused'}, and it said {can}")
    return wrong


def everything(stage: Stage, caller: str, token: str) -> list[str]:
    client, things = stage.client(caller, token), stage.world.home
    wrong = []
    for dataset in (things["dataset"], things["locked/dataset"], things["deleted/dataset"]):
        found = client.run(BY_ID, id=dataset)["dataset"]
        can = found["viewerCan"] if found else []
        assert (found is not None) == ("READ" in can)
        found = stage.client("OWNER").run(ITEMS, id=dataset)["items"]
        item = found["nodes"][0]["id"] if found else things["item"]
        wrong += wrong_about(stage, client, can, deeds(stage, dataset, item))
    found = client.run(OF_PROJECT, id=things["project"])["project"]
    can = found["viewerCan"] if found else []
    return wrong + wrong_about(stage, client, can, of_project(stage))


@ON_SQLITE
def test_what_one_can_do_is_done_and_the_rest_is_refused(stage: Stage) -> None:
    assert everything(stage, "DEVELOPER", "ONLY ANNOTATE") == []
    client, things = stage.client("OWNER"), stage.world.home
    can = {name: client.run(BY_ID, id=things[thing])["dataset"] for name, thing in HERE.items()}
    assert can["dataset"]["viewerCan"] == ["READ", "ANNOTATE", "WRITE", "CURATE"]
    assert can["locked"]["viewerCan"] == ["READ", "CURATE"]


@ON_SQLITE
@pytest.mark.exhaustive
@pytest.mark.parametrize("caller", CALLERS)
def test_viewer_can_tells_the_truth_to_everybody(stage: Stage, caller: str) -> None:
    assert [line for token in SCOPES for line in everything(stage, caller, token)] == []
