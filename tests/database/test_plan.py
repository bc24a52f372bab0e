"""Prepared statements: the same results and errors as through SQLAlchemy."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from gql_service.catalog.user import Token, User
from gql_service.database.columns import table_of
from gql_service.database.engine import Database, Tx
from gql_service.database.plan import Prepared
from gql_service.database.sets import among_given
from tests.conftest import CountStatements

USERS = table_of(User)
TOKENS = table_of(Token)
NEW = sa.insert(USERS)
NEW_WITH_ID = sa.insert(USERS).returning(USERS.c.id)
BY_ID = sa.select(USERS).where(among_given(USERS.c.id, "ids")).order_by(USERS.c.id)
RENAME = sa.update(USERS).where(USERS.c.id == sa.bindparam("who")).values(name=sa.bindparam("to"))
NUMBERED = sa.select(USERS.c.id, USERS.c.admin).where(USERS.c.name.in_(["Ada", "Bob", "Cyd"]))


def person(tx: Tx, name: str) -> dict[str, object]:
    return {
        "name": name,
        "email": f"{name}@example.org".lower(),
        "admin": name == "Ada",
        "created_at": tx.now,
    }


@pytest.fixture
def people(database: Database) -> list[int]:
    """Ada, Bob and Cyd."""

    def insert(tx: Tx) -> list[int]:
        assert tx.run(Prepared(NEW), [person(tx, "Bob"), person(tx, "Cyd")]) == 2
        ada = tx.scalar(Prepared(NEW_WITH_ID), person(tx, "Ada"))
        ids = tx.rows(sa.select(USERS.c.id).where(USERS.c.id != ada).order_by(USERS.c.id))
        return [ada, *(row.id for row in ids)]

    return database.write(insert)


def test_rows_are_those_of_sqlalchemy_by_place_by_name_and_as_a_mapping(
    database: Database, people: list[int]
) -> None:
    with database.read() as tx:
        ours = tx.rows(Prepared(BY_ID), {"ids": people[:2]})
        theirs = tx.rows(BY_ID, {"ids": people[:2]})
        first = tx.first(Prepared(BY_ID), {"ids": people[:1]})

    assert [tuple(row) for row in ours] == [tuple(row) for row in theirs]
    assert [dict(row._mapping) for row in ours] == [dict(row._mapping) for row in theirs]
    assert first is not None
    assert (first.name, first.admin, type(first.admin)) == ("Ada", True, bool)


def test_nothing_found_is_none(database: Database) -> None:
    with database.read() as tx:
        assert tx.first(Prepared(BY_ID), {"ids": [1]}) is None
        assert tx.scalar(Prepared(BY_ID), {"ids": []}) is None
        assert tx.rows(Prepared(BY_ID), {"ids": [1]}) == []


def test_values_that_the_statement_has_itself_are_bound(
    database: Database, people: list[int]
) -> None:
    prepared = Prepared(NUMBERED)
    with database.read() as tx:
        for _ in range(2):
            assert sorted(row.id for row in tx.rows(prepared)) == sorted(people)


def test_an_update_says_how_many_rows_it_met(database: Database, people: list[int]) -> None:
    rename = Prepared(RENAME)

    def update(tx: Tx) -> tuple[int, int]:
        absent = tx.run(rename, {"who": 10_000, "to": "Nobody"})
        return absent, tx.run(rename, {"who": people[0], "to": "Eve"})

    assert database.write(update) == (0, 1)


def test_what_the_database_refuses_is_raised_as_by_sqlalchemy(
    database: Database, people: list[int]
) -> None:
    assert people
    with pytest.raises(IntegrityError):
        database.write(lambda tx: tx.run(Prepared(NEW), person(tx, "Ada")))


def test_an_insert_takes_other_columns_another_time(database: Database) -> None:
    new = Prepared(sa.insert(TOKENS))

    def insert(tx: Tx) -> int:
        user = tx.scalar(Prepared(NEW_WITH_ID), person(tx, "Ada"))
        given = {"user": user, "name": "a", "digest": "0" * 64, "created_at": tx.now}
        tx.run(new, given)
        tx.run(new, {**given, "digest": "1" * 64, "expires_at": tx.now})
        count: int = tx.scalar(sa.select(sa.func.count(TOKENS.c.expires_at)))
        return count

    assert database.write(insert) == 1


def test_statements_are_heard_by_whoever_listens(
    database: Database, people: list[int], count_statements: CountStatements
) -> None:
    prepared = Prepared(BY_ID)
    with database.read() as tx:
        silent = tx.rows(prepared, {"ids": people})
    with count_statements() as statements, database.read() as tx:
        heard = tx.rows(prepared, {"ids": people})
    assert heard == silent
    assert sum("FROM users" in one for one in statements) == 1
