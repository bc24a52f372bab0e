"""Subscriptions as server-sent events, to clients that take them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.api.shelf import Shelf
from tests.live.conftest import Running

URQL = (
    "application/graphql-response+json, application/graphql+json, application/json, "
    "text/event-stream, multipart/mixed"
)
FOLLOW = (
    "subscription ($id: ID!, $since: Int) { datasetChanged(datasetId: $id, sinceVersion: $since)"
    " { version { number } } }"
)
COMPLETE = "event: complete\ndata: \n\n"


def asked(live: Running, query: str, accept: str, **variables: Any) -> Any:
    headers = {**live.ada.headers, "accept": accept}
    return live.ada.http.stream(  # type: ignore[attr-defined]
        "POST", "/graphql", json={"query": query, "variables": variables}, headers=headers
    )


@pytest.mark.parametrize("accept", ["text/event-stream", URQL])
def test_a_subscription_is_a_stream_of_events_that_end_with_line_feeds(
    live: Running, shelf: Shelf, accept: str
) -> None:
    with asked(live, FOLLOW, accept, id=shelf.dataset, since=0) as stream:
        assert stream.headers["content-type"] == "text/event-stream; charset=utf-8"
        assert "content-length" not in stream.headers
        said, pieces = "", stream.iter_text()
        numbers: list[int] = []
        while len(numbers) < 3:
            said += next(pieces)
            *events, said = said.split("\n\n")
            for event in events:
                assert "\r" not in event
                if event != ":":
                    kind, data = event.split("\n")
                    assert kind == "event: next"
                    body = json.loads(data.removeprefix("data: "))
                    numbers.append(body["data"]["datasetChanged"]["version"]["number"])
            if numbers == [1, 2]:
                live.ada.upload(shelf.dataset, [("new.txt", b"new")])
        assert numbers == [1, 2, 3]


def test_only_what_goes_on_is_a_stream_unless_nothing_else_is_taken(
    live: Running, shelf: Shelf
) -> None:
    query = "{ viewer { user { name } } }"
    with asked(live, query, URQL) as answer:
        assert json.loads(answer.read()) == {"data": {"viewer": {"user": {"name": "Admin"}}}}
    with asked(live, query, "text/event-stream") as stream:
        body = '{"data":{"viewer":{"user":{"name":"Admin"}}}}'
        assert stream.read().decode() == f"event: next\ndata: {body}\n\n{COMPLETE}"
    with asked(live, FOLLOW, "text/event-stream", id="ds_99") as stream:
        first, _, rest = stream.read().decode().partition("\n\n")
        errors = json.loads(first.removeprefix("event: next\ndata: "))["errors"]
        assert (errors[0]["extensions"]["code"], rest) == ("NOT_FOUND", COMPLETE)
    with asked(live, FOLLOW, "application/json", id=shelf.dataset) as refused:
        refused.read()
        assert refused.status_code == 406
        assert refused.json()["errors"][0]["extensions"]["code"] == "INVALID"
    anonymous = live.ada.http.request(
        "POST",
        "/graphql",
        json={"query": FOLLOW, "variables": {"id": shelf.dataset}},
        headers={"accept": "text/event-stream"},
    )
    assert anonymous.status_code == 401
