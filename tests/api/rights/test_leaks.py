"""What somebody does in a project of their own changes nothing that anybody else can ask.

Eve is a developer of `home` and the only member of `away`. She takes from the one what she needs in
the other, which is her right; nobody at home may notice: not by a count, nor by a plan, nor by how
many statements an answer takes.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.api.client import Client
from tests.api.rights.conftest import Stage
from tests.builders import ON_SQLITE

PAGE = "nodes { id } totalCount"
ITEM = f"""id referenced: binary {{ id referenceCount referencedBy {{ {PAGE} }} }}
  sourceItems {{ id }} masterItem {{ id }} ancestors {{ id }} copies {{ {PAGE} }}
  annotations {{ nodes {{ id source {{ version dataset {{ name }} }}
    blame {{ user {{ name }} source {{ dataset {{ name }} }} }} }} }}
  history {{ totalCount nodes {{ kind version {{ dataset {{ name }} author {{ email }} }} }} }}
  blame {{ path user {{ name email }} source {{ version dataset {{ name }} }} }}"""
DATASET = f"""id head {{ number }} storage {{ totalBytes uniqueBytes sharedBytes }}
  clones {{ {PAGE} }} sources {{ version dataset {{ name }} }}
  recipe {{ id revision title project {{ name }} datasets {{ {PAGE} }} }}
  versions(includeSources: true) {{ totalCount nodes {{ number message dataset {{ name }}
    author {{ name }} mergeReport {{ itemsCount conflicts {{ totalCount nodes {{ field left right
      base chosen leftSource {{ dataset {{ name }} }} rightSource {{ dataset {{ name }} }} }} }} }}
  }} }}
  labelCounts {{ label count }} facets(paths: ["mimeType", "size", "annotations.label"])
    {{ path values {{ value count }} }}
  tags {{ name }} viewerCan"""
QUESTIONS = {
    "dataset": f"query ($dataset: ID!) {{ dataset(by: {{id: $dataset}}) {{ {DATASET} }} }}",
    "items": f"query ($dataset: ID!) {{ items(datasetId: $dataset) {{ nodes {{ {ITEM} }} }} }}",
    "disputed": f"query ($disputed: ID!) {{ dataset(by: {{id: $disputed}}) {{ {DATASET} }} }}",
    "lists": f"""{{ projects {{ nodes {{ id name members {{ user {{ email }} }} }} totalCount }}
        datasets {{ {PAGE} }} }}""",
    "project": f"""query ($project: ID!) {{ project(by: {{id: $project}}) {{
        datasets {{ {PAGE} }} recipes {{ {PAGE} }} members {{ user {{ email }} role }} }} }}""",
    "plan of a deletion": """query ($other: ID!) { planDeleteDataset(
        input: {datasetId: $other}) { ... on DeletionReport {
        itemsCount annotationsCount itemsFreed binariesFreed bytesFreed } } }""",
    "plan of a merge": """query ($dataset: ID!, $disputed: ID!) { planMerge(
        input: {datasetIds: [$dataset, $disputed], name: "new"}) { __typename ... on MergeReport {
        itemsCount annotationsCount conflicts { totalCount } } } }""",
    "plan of a clone": """query ($dataset: ID!) { planClone(
        input: {datasetId: $dataset, name: "new"}) { ... on CloneReport { itemsCount } } }""",
    "by bytes": "query ($sha256: String!) { binary(sha256: $sha256) { id referenceCount } }",
    "strange bytes": "query ($strange: String!) { binary(sha256: $strange) { id } }",
    "nodes": "query ($guesses: [ID!]!) { nodes(ids: $guesses) { id } }",
    "viewer": "{ viewer { user { name } tokens { name } } }",
}
GUESSES = [f"{kind}_{number}" for kind in ("pr", "ds", "re", "jo", "ta") for number in range(1, 40)]
SECRET = "hush"


def answers(stage: Stage, caller: str) -> dict[str, tuple[Any, int]]:
    """All that somebody can ask, and how many statements each answer takes."""
    client, home = stage.client(caller), stage.world.home
    given = {
        "dataset": home["dataset"],
        "other": home["other/dataset"],
        "disputed": home["disputed/dataset"],
        "project": home["project"],
        "sha256": home["sha256"],
        "strange": stage.world.away["sha256"],
        "guesses": GUESSES,
    }
    found = {}
    for name, question in QUESTIONS.items():
        stage.statements.clear()
        told = client.answer(
            question, **{key: given[key] for key in given if f"${key}" in question}
        )
        assert caller != "OWNER" or "errors" not in told, told
        found[name] = (told, stage.cost())
    return found


def act_in_secret(eve: Client, stage: Stage) -> None:
    """Everything that one can do with what is at home, and out of its sight."""
    home, away = stage.world.home, {"projectId": stage.world.away["project"]}
    copies = []
    for source in ("dataset", "disputed/dataset", "other/dataset"):
        one = {"datasetId": home[source], **away, "name": f"{SECRET} {source}"}
        done = eve.change("cloneDataset", "dataset { id items { nodes { id } } }", **one)
        copies.append(done["dataset"])
    copy, other, _ = (one["id"] for one in copies)
    mark = {"type": "CLASSIFICATION", "label": "cat", "metadata": {"note": SECRET}}
    items = [one["id"] for one in copies[0]["items"]["nodes"]]
    eve.change(
        "addAnnotations", datasetId=copy, annotations=[{"itemId": one, **mark} for one in items]
    )
    rename = {"selection": {"ids": items[:1]}, "path": f"/{SECRET}.txt", "message": SECRET}
    eve.change("moveItems", datasetId=copy, **rename)
    eve.upload(copy, [(f"{SECRET}.txt", b"home  0"), ("same.txt", b"home other/ 1")])
    merged = {"datasetIds": [copy, home["dataset"]], **away, "name": f"{SECRET} merge"}
    eve.change("mergeDatasets", **merged)
    eve.change("cloneRecipe", recipeId=home["recipe"], **away, title=SECRET)
    eve.change("tagVersion", datasetId=copy, name=SECRET, golden=True)
    eve.change("lockDataset", datasetId=copy, reason=SECRET)
    eve.change("deleteDataset", datasetId=other)
    eve.change("createProject", name=f"{SECRET} project")
    eve.change("createToken", name=SECRET)


def let_in(stage: Stage) -> Client:
    owner, home = stage.client("OWNER"), stage.world.home
    eve = {"projectId": home["project"], "email": "EVE@example.org", "role": "DEVELOPER"}
    owner.change("addMember", **eve)
    return stage.client("EVE")


@pytest.mark.exhaustive
@ON_SQLITE
def test_nobody_notices_what_is_done_in_a_project_of_others(stage: Stage) -> None:
    eve = let_in(stage)
    people = ("OWNER", "ADMIN")
    before = {caller: answers(stage, caller) for caller in people}

    act_in_secret(eve, stage)

    for caller in people:
        after = answers(stage, caller)
        for question, told in before[caller].items():
            assert after[question] == told, f"{question}, asked by {caller}"
        assert SECRET not in json.dumps(after)
    assert SECRET in json.dumps(answers(stage, "EVE")), "the secret was where it should be"
    freed = before["OWNER"]["plan of a deletion"][0]["data"]["planDeleteDataset"]
    assert (freed["itemsFreed"], freed["binariesFreed"]) == (3, 3)


@ON_SQLITE
def test_what_was_brought_from_elsewhere_tells_nothing_of_the_place(stage: Stage) -> None:
    eve, home = let_in(stage), stage.world.home
    away = {"projectId": stage.world.away["project"]}
    origin = eve.change(
        "createDataset",
        "dataset { id }",
        **away,
        name=f"{SECRET} origin",
        recipeId=stage.world.away["recipe"],
    )["dataset"]["id"]
    eve.upload(origin, [("first.txt", b"one"), (f"{SECRET}.txt", b"two")], message=SECRET)
    eve.change(
        "updateItems",
        datasetId=origin,
        selection={"where": {}},
        metadata={"note": "for all"},
        message=SECRET,
    )
    eve.change("tagVersion", datasetId=origin, name=SECRET)
    only = {"where": {"name": {"eq": "first.txt"}}}
    there = {"projectId": home["project"], "name": "brought", "filters": only}
    brought = eve.change("cloneDataset", "dataset { id }", datasetId=origin, **there)["dataset"]
    owner = stage.client("OWNER")
    given = {"dataset": brought["id"]}

    told = {name: owner.run(QUESTIONS[name], **given) for name in ("dataset", "items")}

    assert SECRET not in json.dumps(told)
    assert told["dataset"]["dataset"]["sources"] == [{"version": 3, "dataset": None}]
    (item,) = told["items"]["items"]["nodes"]
    assert (item["sourceItems"], item["masterItem"], item["ancestors"]) == ([], None, [])
    assert item["referenced"]["referenceCount"] == 1
    assert told["dataset"]["dataset"]["storage"]["sharedBytes"] == "0"
    for id in (origin, origin.replace("ds", "ve") + "_3", f"{origin}_v3"):
        assert owner.run("query ($id: ID!) { node(id: $id) { id } }", id=id) == {"node": None}


@ON_SQLITE
def test_users_are_not_found_by_trying_to_make_them_members(stage: Stage) -> None:
    """By id nobody is found whom one may not look up; by address one says oneself who it is, and
    learns whether there is such a user only where one may add members."""
    stranger, world, viewer = stage.client("STRANGER"), stage.world, {"role": "VIEWER"}
    made = stranger.change("createProject", "project { id }", name="trap")["project"]["id"]
    for guess in (world.away["user"], "us_999"):
        given = {**viewer, "projectId": made, "userId": guess}
        assert stranger.refused("addMember", **given) == ("NOT_FOUND", ["userId"])
    home, bound = {"projectId": world.home["project"]}, stage.client("OWNER", "ONLY WRITE")
    for email in ("EVE@example.org", "nobody@example.org"):
        given = {**viewer, "email": email}
        for project in (home, {"projectId": "pr_999"}):
            refused = stranger.refused("addMember", **project, **given)
            assert refused == ("NOT_FOUND", ["projectId"])
        assert bound.refused("addMember", **home, **given) == ("FORBIDDEN", ["projectId"])


@ON_SQLITE
def test_the_key_of_somebody_else_tells_nothing(stage: Stage) -> None:
    key = {"idempotencyKey": "nightly"}
    eve, stranger = stage.client("EVE"), stage.client("STRANGER")
    eve.change("createProject", name=SECRET, **key)
    eve.change("createToken", name=SECRET, **key)
    assert stranger.change("createToken", "token { name }", name="mine", **key)["token"] == {
        "name": "mine"
    }
    assert stranger.change("createProject", "project { name }", name="mine", **key)["project"] == {
        "name": "mine"
    }
    foreign = {"datasetId": stage.world.away["dataset"], "name": "x", **key}
    eve.change("tagVersion", **foreign)
    assert stranger.refused("tagVersion", **foreign) == ("NOT_FOUND", ["datasetId"])
