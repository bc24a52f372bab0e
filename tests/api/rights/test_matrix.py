"""Who may do what: every place of an id, for every role, in one's own project and in others, with
tokens of every kind, against a table that knows nothing of the service.

The rows are held against the schema: a new argument, operation, type of node or address without a
row fails. What is absent and what is a stranger's must not differ in anything, nor in how many
statements it takes to find out.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from graphql import extend_schema, parse
from starlette.applications import Starlette
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient

from tests.api.rights.asking import SCHEMA, Answer, ask, places_of
from tests.api.rights.conftest import Stage
from tests.api.rights.places import id_places, node_types, root_fields
from tests.api.rights.rows import NODES, OPEN_ROUTES, ROUTES, ROWS
from tests.api.rights.table import Row, expected
from tests.api.rights.world import CALLERS, DEAD, SCOPES
from tests.builders import ON_SQLITE

ALL_ROWS = [*ROWS, *ROUTES.values()]
SLICE = 149
"""Every so many cells are tried in every run; the number has no factor in common with the table."""


@dataclass(frozen=True)
class Cell:
    """One question: which row, the place of the id, whose thing it is, who asks, by which token."""

    row: Row
    varied: str
    caller: str
    token: str
    whose: str

    @property
    def code(self) -> str:
        if self.token in DEAD:
            return "UNAUTHENTICATED"
        return expected(self.row, self.varied, self.whose, self.caller, self.token)

    def __str__(self) -> str:
        return f"{self.row.field}({self.varied}) {self.whose}, {self.caller} with {self.token}"


Question = tuple[Cell, ...]
"""Cells that differ only in whose the thing is; of these, foreign and absent must be one."""

AGAIN = 3
"""Times: while one asks, an event may still be made for whoever watched before."""


def questions() -> Iterator[Question]:
    """All of the table. Strangers' things are asked for by everybody with a whole token, and by the
    owner with every token; one's own by everybody with every token."""
    for row in ALL_ROWS:
        varying = [""] if row.field.startswith("/") else list(row.ids())
        for varied in varying or [""]:
            for caller in CALLERS:
                for token in SCOPES:
                    everywhere = bool(row.ids()) and (token == "WHOLE" or caller == "OWNER")
                    yield _cells(row, varied, caller, token, everywhere)
            for token in DEAD:
                yield _cells(row, varied, "OWNER", token, bool(row.ids()))


def _cells(row: Row, varied: str, caller: str, token: str, everywhere: bool) -> Question:
    whose = ("own", "foreign", "absent") if everywhere else ("own",)
    return tuple(Cell(row, varied, caller, token, one) for one in whose)


def judge(stage: Stage, question: Question, file: Path) -> list[str]:
    """What is wrong; nothing, as a rule. What a cell changed is undone before the next."""
    wrong: list[str] = []
    refusals: dict[str, tuple[Answer, int]] = {}
    for cell in question:
        answer, cost, wrote = _try(stage, cell, file)
        if answer.code != cell.code:
            wrong.append(f"{cell}: {answer.code}, not {cell.code}: {answer.text[:200]}")
        if wrote and answer.code != "OK":
            wrong.append(f"{cell}: refused, and something was written")
        if cell.whose != "own" and answer.code != "OK":
            refusals[cell.whose] = (answer, cost)
    tries = AGAIN if question[0].row.field.startswith("Subscription.") else 0
    while len(refusals) == 2 and refusals["foreign"] != refusals["absent"] and tries:
        tries -= 1
        for cell in question[1:]:
            refusals[cell.whose] = _try(stage, cell, file)[:2]
    if len(refusals) == 2 and refusals["foreign"] != refusals["absent"]:
        wrong.append(f"{question[0]}: absent and foreign differ: {refusals}")
    return wrong


def _try(stage: Stage, cell: Cell, file: Path) -> tuple[Answer, int, bool]:
    """The answer, how many statements it took, and whether anything was written."""
    given = {name: getattr(cell, name) for name in ("varied", "whose", "caller", "token")}
    stage.statements.clear()
    with closing(sqlite3.connect(file)) as observer:
        before = observer.execute("PRAGMA data_version").fetchone()
        answer = ask(stage.http, stage.world, cell.row, **given)
        wrote = observer.execute("PRAGMA data_version").fetchone() != before
    cost = stage.cost()
    if wrote:
        stage.undo()
    return answer, cost, wrote


def judged(stage: Stage, asked: Iterable[Question], file: Path) -> None:
    wrong = [line for question in asked for line in judge(stage, question, file)]
    assert not wrong, f"{len(wrong)} cells are wrong:\n" + "\n".join(wrong[:40])


@ON_SQLITE
def test_some_of_the_table_holds(stage: Stage, sqlite_file: Path) -> None:
    judged(stage, list(questions())[::SLICE], sqlite_file)


@ON_SQLITE
@pytest.mark.exhaustive
def test_the_whole_table_holds(stage: Stage, sqlite_file: Path) -> None:
    every = list(questions())
    assert sum(map(len, every)) > 2_000
    judged(stage, every, sqlite_file)


def missing(schema: Any) -> set[Any]:
    """What stands in a schema and has no row."""
    listed = {place for row in ROWS for place in places_of(row)}
    fields = {row.field for row in ROWS}
    return (
        (id_places(schema) - listed)
        | (root_fields(schema) - fields)
        | (node_types(schema) - NODES.keys())
    )


def test_every_place_of_an_id_has_a_row_and_so_has_every_operation() -> None:
    assert missing(SCHEMA) == set()
    assert {place for row in ROWS for place in places_of(row)} <= id_places(SCHEMA)


@pytest.mark.parametrize(
    ("more", "found"),
    [
        ("extend type Query { more(id: ID!): Item }", {("Query.more", "id"), "Query.more"}),
        ("extend type Query { more: Int }", {"Query.more"}),
        ("extend type Dataset { more(ids: [[ID!]]): Int }", {("Dataset.more", "ids")}),
        ("extend type Mutation { more: Int }", {"Mutation.more"}),
        (
            "extend input CloneDestination { recipeId: ID }",
            {
                ("Mutation.cloneDataset", "input.destination.recipeId"),
                ("Query.planClone", "input.destination.recipeId"),
            },
        ),
        (
            "extend input LabelInput { of: ID }",
            {(f"Mutation.{name}Recipe", "input.labels.of") for name in ("create", "update")},
        ),
        ("extend input ItemWhere { reviewer: IdFilter }", {("ItemWhere", "reviewer")}),
        ("type More implements Node { id: ID! }", {"More"}),
        (
            "extend type Subscription { more(id: ID!): Job }",
            {("Subscription.more", "id"), "Subscription.more"},
        ),
    ],
)
def test_what_a_schema_has_more_is_missed(more: str, found: set[Any]) -> None:
    assert missing(extend_schema(SCHEMA, parse(more))) == found


@ON_SQLITE
def test_every_address_has_a_row(http: TestClient) -> None:
    app = http.app
    assert isinstance(app, Starlette)
    known = [one for one in app.routes if isinstance(one, Route | WebSocketRoute)]
    assert known == app.routes
    paths = {route.path for route in known}
    assert paths == OPEN_ROUTES | ROUTES.keys()
