"""What a subscription tells of a dataset: every version once, whoever writes and wherever."""

from __future__ import annotations

import random
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from gql_service.versions.forgetting import forget
from gql_service.versions.keeping import expire_versions
from tests.api.client import Client
from tests.api.shelf import BOX, Shelf
from tests.conftest import DIALECTS
from tests.live.conftest import Running, Start
from tests.live.listener import STEPS, Listener, listening

KEYS = (
    "query ($id: ID!, $at: VersionRef, $where: ItemWhere) { items(datasetId: $id, at: $at,"
    " where: $where, first: 500) { nodes { key } } }"
)
CHANGES = (
    "query ($id: ID!, $at: VersionRef) { dataset(by: {id: $id}, at: $at) { version { changes("
    "first: 500) { nodes { kind before { key } after { key } } } } } }"
)
NUMBERS = (
    "subscription ($id: ID!, $since: Int) { datasetChanged(datasetId: $id, sinceVersion: $since) {"
    " fromVersion version { number } } }"
)
FILTERS: list[dict[str, Any] | None] = [
    None,
    {"annotated": True},
    {"path": {"startsWith": "/a"}},
    {"not": {"annotations": {"some": {"label": {"eq": "cat"}}}}},
]


def edit(ada: Client, dataset: str, dice: random.Random) -> None:
    """One version, as a rule, of items that move, are hidden, marked, added and removed."""
    nodes = ada.run(
        "query ($id: ID!) { items(datasetId: $id, first: 500) { nodes { id path"
        " annotations { nodes { id } } } } }",
        id=dataset,
    )["items"]["nodes"]
    chosen = dice.sample(nodes, min(len(nodes), 2))
    selection = {"ids": [one["id"] for one in chosen]}
    held = [one["id"] for node in chosen for one in node["annotations"]["nodes"]]
    match dice.choice(["add", "move", "hide", "mark", "unmark", "remove"]):
        case "move" if chosen:
            directory = dice.choice(["/a", "/b"])
            ada.attempt("moveItems", datasetId=dataset, selection=selection, directory=directory)
        case "hide" if chosen:
            values = {"hidden": dice.random() < 0.5}
            ada.attempt("updateItems", datasetId=dataset, selection=selection, **values)
        case "mark" if chosen:
            label = dice.choice(["dog", "cat"])
            given = [{"itemId": one["id"], **BOX, "label": label} for one in chosen]
            ada.attempt("addAnnotations", datasetId=dataset, annotations=given)
        case "unmark" if held:
            ada.attempt("deleteAnnotations", datasetId=dataset, ids=held)
        case "remove" if len(nodes) > 4:
            ada.attempt("deleteItems", datasetId=dataset, selection=selection)
        case _:
            name = f"{dice.getrandbits(60)}.txt"
            ada.upload(dataset, [(name, name.encode())], directory=dice.choice(["/a", "/b"]))


def keys_at(ada: Client, dataset: str, version: int, where: Any) -> set[str]:
    if version == 0:
        return set()
    found = ada.run(KEYS, id=dataset, at={"number": version}, where=where)
    return {node["key"] for node in found["items"]["nodes"]}


def changed_in(ada: Client, dataset: str, version: int) -> set[str]:
    """All items that a version changed, as `Version.changes` tells them."""
    found = ada.run(CHANGES, id=dataset, at={"number": version})
    nodes = found["dataset"]["version"]["changes"]["nodes"]
    return {(node["after"] or node["before"])["key"] for node in nodes}


def require_step(ada: Client, dataset: str, step: Any, where: Any) -> None:
    """A step says what two lists of the filter and the changes of the versions say."""
    before, after = step["fromVersion"], step["version"]["number"]
    old, new = (keys_at(ada, dataset, number, where) for number in (before, after))
    told: dict[str, set[str]] = {"ENTERED": set(), "CHANGED": set(), "LEFT": set()}
    for node in step["items"]["nodes"]:
        item = node["change"]["after"] or node["change"]["before"]
        assert item["key"] not in set().union(*told.values()), "an item that is told twice"
        told[node["event"]].add(item["key"])
    assert (told["ENTERED"], told["LEFT"]) == (new - old, old - new)
    if after == before + 1:
        assert told["CHANGED"] == changed_in(ada, dataset, after) & old & new
    counted = {name: len(found) for name, found in told.items()}
    assert step["counts"] == {name.lower(): n for name, n in counted.items()}
    assert step["items"]["totalCount"] == sum(counted.values())


def steps_until(listener: Listener, version: int, after: int) -> list[Any]:
    """The steps from one version to another, which follow one another without a gap."""
    steps: list[Any] = []
    while after < version:
        steps.append(listener.step())
        assert steps[-1]["fromVersion"] == after
        after = steps[-1]["version"]["number"]
    assert after == version
    return steps


@pytest.mark.exhaustive
@pytest.mark.parametrize("dialect", DIALECTS)
def test_every_version_is_told_once_to_those_who_stay_and_to_those_who_come_back(
    start: Start, dialect: str
) -> None:
    live, other = start(), start()  # which hear of one another by the database alone
    shelf = Shelf.fill(live.ada)
    ada = live.ada

    def write(seed: int) -> None:
        dice = random.Random(seed)
        for _ in range(4):
            edit(ada, shelf.dataset, dice)

    written = threading.Event()

    def come_and_go(where: Any) -> list[Any]:
        """Listens up to the head of the moment, hangs up, and begins again behind it."""
        found: list[Any] = []
        while True:
            last = written.is_set()
            since = found[-1]["version"]["number"] if found else 0
            with listening(other.url, live.token) as listener:
                listener.ask(STEPS, id=shelf.dataset, where=where, since=since)
                found += steps_until(listener, head_of(ada, shelf.dataset), since)
            if last:
                return found

    with listening(other.url, live.token) as listener, ThreadPoolExecutor(3) as pool:
        listener.ask(STEPS, id=shelf.dataset, where=FILTERS[1], since=0)
        returning = pool.submit(come_and_go, FILTERS[2])
        for done in [pool.submit(write, seed) for seed in range(2)]:
            done.result()
        written.set()
        head = head_of(ada, shelf.dataset)
        told = {1: steps_until(listener, head, 0), 2: returning.result()}
    assert head > 6
    for chosen, steps in told.items():
        numbers = [step["version"]["number"] for step in steps]
        assert numbers == list(range(1, head + 1))
        for step in steps:
            require_step(ada, shelf.dataset, step, FILTERS[chosen])


@pytest.mark.exhaustive
@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("seed", range(1))
def test_steps_of_any_length_say_what_their_ends_say(start: Start, dialect: str, seed: int) -> None:
    live = start(max_watch_lag=3)
    shelf = Shelf.fill(live.ada)
    dice = random.Random(seed)
    for _ in range(25):
        edit(live.ada, shelf.dataset, dice)
    head = head_of(live.ada, shelf.dataset)
    for where in FILTERS:
        for since in range(head):
            with listening(live.url, live.token) as listener:
                listener.ask(STEPS, id=shelf.dataset, where=where, since=since)
                steps = steps_until(listener, head, since)
                assert len(steps) == (1 if head - since > 3 else head - since)
                require_step(live.ada, shelf.dataset, steps[0], where)


def head_of(ada: Client, dataset: str) -> int:
    found = ada.run("query ($id: ID!) { dataset(by: {id: $id}) { head { number } } }", id=dataset)
    number: int = found["dataset"]["head"]["number"]
    return number


def test_who_does_not_read_is_told_all_that_was_missed_in_one_step(start: Start) -> None:
    live = start(max_watch_lag=3)
    shelf = Shelf.fill(live.ada)
    whole = STEPS.replace("key }", "key metadata }")
    with listening(live.url, live.token) as slow:
        slow.ask(whole, id=shelf.dataset, since=2)
        for number in range(16):  # half a megabyte each, of which a socket takes a few
            patch = {"text": f"{number:x}" * 60_000}
            selection = {"where": {"hidden": False}}
            live.ada.change(
                "updateItems", datasetId=shelf.dataset, selection=selection, metadata=patch
            )
        steps = steps_until(slow, head_of(live.ada, shelf.dataset), 2)
    spans = [step["version"]["number"] - step["fromVersion"] for step in steps]
    assert spans[0] == 1 and max(spans) > 3


def test_expired_versions_are_skipped_and_who_had_come_to_one_reads_anew(
    live: Running, shelf: Shelf
) -> None:
    dice = random.Random(3)
    while head_of(live.ada, shelf.dataset) < 7:
        edit(live.ada, shelf.dataset, dice)
    live.ada.change("tagVersion", datasetId=shelf.dataset, name="kept", at={"number": 3})
    live.ada.change("updateDataset", datasetId=shelf.dataset, retention={"keepVersions": 2})
    expire_versions(live.service.database)
    forget(live.service.database)
    with listening(live.url, live.token) as listener:
        for since, ends in ((0, [3, 6, 7]), (3, [6, 7]), (6, [7])):
            listener.ask(STEPS, f"from {since}", id=shelf.dataset, since=since)
            steps = steps_until(listener, 7, since)
            assert [step["version"]["number"] for step in steps] == ends
            for step in steps:
                require_step(live.ada, shelf.dataset, step, None)
        listener.ask(STEPS, "gone", id=shelf.dataset, since=2)
        assert listener.refusal() == ("gone", "ERASED")
        listener.ask(NUMBERS, "numbers", id=shelf.dataset, since=2)
        assert [one["version"]["number"] for one in steps_until(listener, 7, 2)] == [3, 6, 7]


def test_events_are_made_for_those_who_may_read_only_until_they_may_not(
    live: Running, shelf: Shelf
) -> None:
    bob, token = live.hire("Bob")
    who = bob.run("{ viewer { user { id } } }")["viewer"]["user"]["id"]
    with listening(live.url, token) as listener:
        listener.ask(STEPS, id=shelf.dataset)
        assert listener.refusal() == ("1", "NOT_FOUND")
        add = {"projectId": shelf.project, "email": "Bob@example.org", "role": "VIEWER"}
        live.ada.change("addMember", **add)
        listener.ask(STEPS, id=shelf.dataset, since=1)
        assert listener.step()["version"]["number"] == 2
        live.ada.change("removeMember", projectId=shelf.project, userId=who)
        assert listener.refusal() == ("1", "NOT_FOUND")
    with listening(live.url, live.token) as listener:
        listener.ask(STEPS, id=shelf.dataset)
        listener.ask("{ viewer { user { name } } }", "2")
        assert listener.data() and listener.hear()["type"] == "complete"
        live.ada.change("deleteDataset", datasetId=shelf.dataset)
        assert listener.refusal() == ("1", "NOT_FOUND")


def test_a_revoked_token_ends_what_was_connected_with_it(live: Running, shelf: Shelf) -> None:
    text, id = live.another_token()
    asked = {
        "query": "subscription ($id: ID!) { datasetChanged(datasetId: $id) { fromVersion } }",
        "variables": {"id": shelf.dataset},
    }
    headers = {"authorization": f"Bearer {text}", "accept": "text/event-stream"}
    with (
        listening(live.url, text) as idle,
        listening(live.url, text) as busy,
        live.ada.http.stream("POST", "/graphql", json=asked, headers=headers) as stream,  # type: ignore[attr-defined]
    ):
        busy.ask(STEPS, id=shelf.dataset, since=1)
        assert busy.step()["version"]["number"] == 2
        live.ada.change("revokeToken", tokenId=id)
        assert (idle.closed(), busy.closed()) == (4401, 4401)
        told = "".join(stream.iter_text())
    assert '"code":"UNAUTHENTICATED"' in told and told.endswith("event: complete\ndata: \n\n")
