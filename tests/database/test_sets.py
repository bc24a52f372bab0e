"""Membership in a list of values: one statement for any number, of numbers or of texts."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa

from gql_service.catalog.user import User
from gql_service.database.columns import table_of
from gql_service.database.engine import Database
from gql_service.database.sets import among, chunks

USERS = table_of(User)


def names(database: Database, column: sa.ColumnElement[Any], values: list[Any]) -> list[str]:
    with database.read() as tx:
        return [row.name for row in tx.rows(sa.select(USERS.c.name).where(among(column, values)))]


@pytest.mark.parametrize("empty_first", [True, False])
def test_lists_of_texts_and_of_numbers_may_be_empty_and_then_full(
    database: Database, actor: int, empty_first: bool
) -> None:
    for column, value in ((USERS.c.email, "ada@example.org"), (USERS.c.id, actor)):
        found = [[], [value]] if empty_first else [[value], []]
        assert [names(database, column, values) for values in found] == [
            ["Ada"] if values else [] for values in found
        ]


def test_many_values_are_one_parameter(database: Database, actor: int) -> None:
    assert names(database, USERS.c.id, list(range(100_000))) == ["Ada"]
    assert names(database, USERS.c.email, [str(n) for n in range(50_000)]) == []


def test_texts_are_compared_as_they_are(database: Database, actor: int) -> None:
    assert names(database, USERS.c.email, ['"', "\\", "ada@example.org'", "é"]) == []


def test_chunks_hold_everything_once_and_in_order() -> None:
    assert list(chunks(range(5), 2)) == [[0, 1], [2, 3], [4]]
    assert list(chunks([])) == []
