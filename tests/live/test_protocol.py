"""graphql-transport-ws, as its protocol says, and whatever a client may send instead."""

from __future__ import annotations

import json

import pytest

from tests.api.shelf import Shelf
from tests.live.conftest import Running, Start
from tests.live.listener import STEPS, Listener, listening

INIT = {"type": "connection_init"}
DEEP = "[" * 20_000 + "]" * 20_000
SUBSCRIBE = {"id": "1", "type": "subscribe", "payload": {"query": "{ viewer { user { name } } }"}}
MALFORMED: list[tuple[object, int]] = [
    ("", 4400),
    ("1", 4400),
    ("null", 4400),
    ('"text"', 4400),
    ("[]", 4400),
    ("{}", 4400),
    ("{", 4400),
    ("NaN", 4400),
    (DEEP, 4400),
    ('{"type": "ping", "payload": ' + DEEP + "}", 4400),
    (b"\x00\x01", 4400),
    (json.dumps({"type": "ping"}).encode(), 4400),
    ({"type": 1}, 4400),
    ({"type": ["subscribe"]}, 4400),
    ({"type": "start", "id": "1"}, 4400),
    ({"type": "ping", "payload": 1}, 4400),
    ({"type": "pong", "payload": []}, 4400),
    ({"type": "complete"}, 4400),
    ({"type": "complete", "id": 7}, 4400),
    ({**SUBSCRIBE, "id": ["1"]}, 4400),
    ({**SUBSCRIBE, "id": {}}, 4400),
    ({**SUBSCRIBE, "id": ""}, 4400),
    ({**SUBSCRIBE, "payload": None}, 4400),
    ({**SUBSCRIBE, "payload": "{ viewer }"}, 4400),
    ({**SUBSCRIBE, "payload": []}, 4400),
    ({**SUBSCRIBE, "payload": {}}, 4400),
    ({**SUBSCRIBE, "payload": {"query": 1}}, 4400),
    ({**SUBSCRIBE, "payload": {"query": "{ a }", "variables": []}}, 4400),
    ({**SUBSCRIBE, "payload": {"query": "{ a }", "operationName": 1}}, 4400),
    ({**SUBSCRIBE, "payload": {"query": "{ a }", "extensions": "x"}}, 4400),
    (INIT, 4429),
    ("x" * 70_000, 1009),
]


@pytest.mark.exhaustive
def test_whatever_is_no_message_closes_the_socket_with_a_code_and_harms_nobody(
    live: Running, caplog: pytest.LogCaptureFixture
) -> None:
    with listening(live.url, live.token) as bystander:
        for message, code in MALFORMED:
            with listening(live.url, live.token) as listener:
                listener.say(message)
                assert listener.closed() == code, str(message)[:80]
        with listening(live.url, live.token) as listener:
            listener.socket.send(b"\xff\xfe", text=True)
            assert listener.closed() == 1007
        bystander.ask("{ viewer { user { name } } }")
        assert bystander.data() == {"viewer": {"user": {"name": "Admin"}}}
    assert [one for one in caplog.records if one.name == "gql_service.api"] == []


def test_a_socket_says_who_asks_before_it_asks(start: Start) -> None:
    live = start(connection_init_seconds=0.2)
    with listening(live.url, protocols=()) as listener:
        assert listener.closed() == 4406
    with listening(live.url, protocols=("graphql-ws",)) as listener:
        assert listener.closed() == 4406
    with listening(live.url) as listener:
        assert listener.closed() == 4408
    with listening(live.url) as listener:
        listener.say({"type": "ping"})
        assert listener.hear() == {"type": "pong"}
        listener.say(SUBSCRIBE)
        assert listener.closed() == 4401
    for payload in (
        None,
        {},
        {"authorization": 1},
        {"authorization": "Bearer"},
        {"authorization": "Basic x"},
        {"authorization": "Bearer nobody"},
    ):
        with listening(live.url) as listener:
            listener.say({**INIT, "payload": payload})
            assert listener.closed() == 4403, payload
    with listening(live.url) as listener:
        listener.say({**INIT, "payload": "Bearer"})
        assert listener.closed() == 4400


def test_all_operations_run_on_a_socket_each_under_its_id(live: Running, shelf: Shelf) -> None:
    with listening(live.url, live.token) as listener:
        listener.ask("{ viewer { user { name } } }", "a")
        assert listener.data() == {"viewer": {"user": {"name": "Admin"}}}
        assert listener.hear() == {"id": "a", "type": "complete"}
        rename = (
            'mutation ($id: ID!) { updateDataset(input: {datasetId: $id, name: "x"})'
            " { __typename } }"
        )
        listener.ask(rename, "b", id=shelf.dataset)
        assert listener.data() == {"updateDataset": {"__typename": "UpdateDatasetSuccess"}}
        assert listener.hear() == {"id": "b", "type": "complete"}
        for query, code in (
            ("{", "INVALID"),
            ("{ nothing }", "INVALID"),
            ("subscription { nothing }", "INVALID"),
            ('subscription { datasetChanged(datasetId: "ds_99") { fromVersion } }', "NOT_FOUND"),
            ('subscription { datasetChanged(datasetId: "x") { fromVersion } }', "INVALID"),
            (
                STEPS.replace("$since: Int", "$since: Int = 9").replace(
                    "$id: ID!", f'$id: ID = "{shelf.dataset}"'
                ),
                "INVALID",
            ),
            ('subscription { job(id: "jo_99") { status } }', "NOT_FOUND"),
            ("{ a " * 13 + "}" * 13, "LIMIT_EXCEEDED"),
        ):
            listener.ask(query, "c")
            assert listener.refusal() == ("c", code), query
        listener.ask(STEPS, "d", id=shelf.dataset, since=1)
        assert listener.step()["version"]["number"] == 2
        listener.say({"id": "d", "type": "complete"})
        listener.say({"id": "d", "type": "complete"})  # of an operation that has ended
        listener.ask(STEPS, "d", id=shelf.dataset, since=0)
        assert listener.step()["version"]["number"] == 1
        listener.ask(STEPS, "d", id=shelf.dataset)
        assert listener.closed() == 4409


def test_a_job_is_told_as_it_is_and_completes_when_it_has_finished(
    live: Running, shelf: Shelf
) -> None:
    made = live.ada.change("cloneDataset", "job { id }", datasetId=shelf.dataset, name="copy")
    with listening(live.url, live.token) as listener:
        listener.ask("subscription ($id: ID!) { job(id: $id) { id status } }", **made["job"])
        assert listener.data() == {"job": {**made["job"], "status": "SUCCEEDED"}}
        assert listener.hear()["type"] == "complete"


def test_connections_of_a_token_and_operations_of_a_connection_are_limited(
    start: Start,
) -> None:
    live = start(max_subscriptions_per_connection=2, max_connections_per_token=2)
    shelf = Shelf.fill(live.ada)
    with listening(live.url, live.token) as listener, listening(live.url, live.token):
        for id in "ab":
            listener.ask(STEPS, id, id=shelf.dataset)
        listener.ask(STEPS, "c", id=shelf.dataset)
        assert listener.refusal() == ("c", "LIMIT_EXCEEDED")
        with listening(live.url) as third:
            third.say({**INIT, "payload": {"authorization": f"Bearer {live.token}"}})
            assert third.closed() == 4429
        asked = {
            "query": f'subscription {{ datasetChanged(datasetId: "{shelf.dataset}")'
            " { fromVersion } }"
        }
        refused = live.ada.http.request(
            "POST",
            "/graphql",
            json=asked,
            headers={**live.ada.headers, "accept": "text/event-stream"},
        )
        assert refused.status_code == 429
        assert refused.json()["errors"][0]["extensions"]["code"] == "LIMIT_EXCEEDED"
        _, other = live.hire("Bob")
        with listening(live.url, other):
            listener.say({"id": "a", "type": "complete"})
            listener.ask(STEPS, "d", id=shelf.dataset, since=0)
            assert _next_of(listener, "d")


def _next_of(listener: Listener, id: str) -> bool:
    message = listener.hear()
    return bool(message["type"] == "next" and message["id"] == id)
