"""Queries that are answered on the event loop: they say what a thread would have said, of the same
state, and they give up before anybody notices."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any, TypeVar

import pytest

from gql_service.api import haste
from gql_service.api.context import Backend
from gql_service.database.engine import Database
from tests.api.client import Client
from tests.api.shelf import Shelf
from tests.builders import ON_SQLITE
from tests.conftest import SetClock

T = TypeVar("T")

NAME = "query ($id: ID!) { dataset(by: { id: $id }) { name head: version { number } } }"
PAGE = """query ($id: ID!, $after: String) {
  items(datasetId: $id, first: 2, after: $after) { nodes { path annotations { nodes { label } } }
    pageInfo { endCursor startCursor } } }"""
ONE = "query ($id: ID!) { item(by: { id: $id }) { path } viewer { user { name } } }"


@pytest.fixture
def threads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A word for each request that a thread is asked about; however slow the machine is, nothing is
    too long for the event loop."""
    asked: list[str] = []
    run = Backend.run

    async def counted(self: Backend, work: Callable[[], T]) -> T:
        asked.append("asked")
        return await run(self, work)

    monkeypatch.setattr(Backend, "run", counted)
    monkeypatch.setattr(haste, "BRIEF_SECONDS", 60.0)
    return asked


def proven(client: Client, query: str, **variables: Any) -> Any:
    """What a thread says; from now on the event loop does."""
    answer = client.answer(query, **variables)
    assert "errors" not in answer
    return answer


@ON_SQLITE
def test_what_a_thread_has_answered_once_needs_none(
    ada: Client, shelf: Shelf, threads: list[str]
) -> None:
    for query, id in ((NAME, shelf.dataset), (PAGE, shelf.dataset), (ONE, shelf.items[0])):
        first = proven(ada, query, id=id)
        threads.clear()
        assert ada.answer(query, id=id) == first
        assert threads == []
    cursor = ada.run(PAGE, id=shelf.dataset)["items"]["pageInfo"]["endCursor"]
    assert ada.run(PAGE, id=shelf.dataset, after=cursor)["items"]["nodes"]
    assert ada.run(ONE, id=shelf.items[1])["item"]["path"] != ada.run(ONE, id=shelf.items[0])
    assert threads == []


def test_every_commit_is_seen_at_once(ada: Client, bob: Client, shelf: Shelf) -> None:
    before = proven(ada, NAME, id=shelf.dataset)["data"]["dataset"]
    ada.change("updateDataset", datasetId=shelf.dataset, name="renamed")
    assert ada.run(NAME, id=shelf.dataset)["dataset"] == {**before, "name": "renamed"}
    assert bob.run(NAME, id=shelf.dataset)["dataset"] is None
    reader = bob.run("{ viewer { user { id } } }")["viewer"]["user"]["id"]
    ada.change("addMember", projectId=shelf.project, userId=reader, role="VIEWER")
    assert bob.run(NAME, id=shelf.dataset)["dataset"]["name"] == "renamed"
    ada.change("deleteDataset", datasetId=shelf.dataset)
    assert ada.run(NAME, id=shelf.dataset)["dataset"] is None
    assert bob.run(NAME, id=shelf.dataset)["dataset"] is None


def test_a_token_ends_when_it_is_revoked_and_when_its_time_is_over(
    ada: Client, shelf: Shelf, clock: SetClock
) -> None:
    made = [ada.change("createToken", "text token { id }", name=name) for name in "ab"]
    one, other = (Client(ada.http, each["text"]) for each in made)
    for client in (one, other):
        proven(client, NAME, id=shelf.dataset)
        proven(client, NAME, id=shelf.dataset)
    ada.change("revokeToken", tokenId=made[0]["token"]["id"])
    assert one.refusal(NAME, id=shelf.dataset)[0] == "UNAUTHENTICATED"
    proven(other, NAME, id=shelf.dataset)
    clock.advance(timedelta(days=91))
    assert other.refusal(NAME, id=shelf.dataset)[0] == "UNAUTHENTICATED"


@ON_SQLITE
def test_what_takes_too_long_is_stopped_and_left_to_threads(
    ada: Client,
    shelf: Shelf,
    database: Database,
    threads: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    brief = database.brief
    assert brief is not None
    with brief.snapshot(0.0) as (connection, _), pytest.raises(Exception, match="interrupted"):
        connection.exec_driver_sql(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1e7)"
            " SELECT count(*) FROM n"
        )
    first = proven(ada, PAGE, id=shelf.dataset)
    monkeypatch.setattr(haste, "BRIEF_SECONDS", -1.0)
    threads.clear()
    again = haste.TRIES + 2
    assert [ada.answer(PAGE, id=shelf.dataset) for _ in range(again)] == [first] * again
    assert len(threads) >= 2  # tries may have been stopped half-way as well, and the last were none


def test_a_query_is_left_to_threads_for_a_while_after_three_late_tries_in_a_row(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = 100.0
    monkeypatch.setattr("gql_service.api.haste.time.monotonic", lambda: now)
    query = haste.Haste()
    assert not query.allowed
    query.proven = True
    for late in ({"seconds": 1.0}, {"seconds": 0.0, "stopped": True}, {"seconds": 0.001}) * 2:
        query.took(**late)
        assert query.allowed
    for _ in range(haste.TRIES):
        assert query.allowed
        query.took(0.0, stopped=True)
    assert not query.allowed
    now += haste.SLOW_SECONDS
    assert query.allowed
    query.took(0.0, stopped=True)
    assert not query.allowed


@ON_SQLITE
def test_who_reads_briefly_does_not_wait_for_another(
    ada: Client, shelf: Shelf, database: Database, threads: list[str]
) -> None:
    assert database.brief is not None
    first = proven(ada, PAGE, id=shelf.dataset)
    threads.clear()
    with database.brief.snapshot(1.0):
        assert ada.answer(PAGE, id=shelf.dataset) == first
    assert threads == ["asked"]
    assert ada.answer(PAGE, id=shelf.dataset) == first
    assert threads == ["asked"]


@ON_SQLITE
def test_errors_are_said_as_threads_say_them(
    ada: Client, shelf: Shelf, resolved: Client, threads: list[str]
) -> None:
    proven(ada, PAGE, id=shelf.dataset)
    wrong = {"id": shelf.dataset, "after": "1.1.abcdef01"}
    assert ada.answer(PAGE, **wrong) == resolved.answer(PAGE, **wrong)
    assert ada.answer(PAGE, id="nonsense") == resolved.answer(PAGE, id="nonsense")
    assert ada.answer(PAGE, id=None) == resolved.answer(PAGE, id=None)
