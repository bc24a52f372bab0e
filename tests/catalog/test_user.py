"""Users and their tokens."""

from __future__ import annotations

import hashlib
import re
from datetime import timedelta

import pytest
import sqlalchemy as sa

from gql_service.catalog.user import (
    TOKENS,
    USERS,
    UserRecord,
    create_token,
    create_user,
    revoke_token,
    tokens_of,
    user_by_email,
    user_of_token,
    users_by_id,
)
from gql_service.database.engine import Database
from gql_service.errors import Conflict, Invalid, NotFound
from tests.catalog.people import do
from tests.conftest import SetClock


def made(database: Database, name: str, email: str, *, admin: bool = False) -> int:
    return database.write(lambda tx: create_user(tx, name, email, admin=admin))


def token_for(database: Database, user: int) -> str:
    return database.write(lambda tx: create_token(tx, user, "laptop"))


def test_the_first_user_is_an_admin_and_the_next_ones_only_when_told(database: Database) -> None:
    first = made(database, "Ada", "ada@example.org")
    second = made(database, "Bo", "bo@example.org")
    third = made(database, "Cy", "cy@example.org", admin=True)
    with database.read() as tx:
        users = users_by_id(tx, [first, second, third, 99])
    assert users[first] == UserRecord(first, "Ada", "ada@example.org", True)
    assert {user: users[user].admin for user in users} == {first: True, second: False, third: True}


def test_an_address_belongs_to_one_user_in_whatever_case(database: Database) -> None:
    user = made(database, " Ada ", " Ada@Example.org ")
    with pytest.raises(Conflict) as refusal:
        made(database, "Other", "aDA@example.ORG")
    assert refusal.value.path == ("email",)
    with database.read() as tx:
        found = user_by_email(tx, "ADA@example.org")
        assert found == UserRecord(user, "Ada", "ada@example.org", True)
        assert user_by_email(tx, "nobody@example.org") is None


@pytest.mark.parametrize("email", ["", "ada", "@", "a@", "@b", "a b@c", "a@b@c", "a@\0", "x" * 300])
def test_what_is_no_address_is_refused(database: Database, email: str) -> None:
    with pytest.raises(Invalid) as refusal:
        made(database, "Ada", email)
    assert refusal.value.path == ("email",)


def test_a_name_is_needed(database: Database) -> None:
    with pytest.raises(Invalid) as refusal:
        made(database, " ", "ada@example.org")
    assert refusal.value.path == ("name",)


def test_a_token_tells_its_user(database: Database, actor: int) -> None:
    text = token_for(database, actor)
    assert re.fullmatch(r"gqls_[A-Za-z0-9_-]{43}", text)
    with database.read() as tx:
        found = user_of_token(tx, text)
    assert found is not None
    assert (found.user.id, found.actor.user) == (actor, actor)


def test_only_the_digest_of_a_token_is_kept(database: Database, actor: int) -> None:
    text = token_for(database, actor)
    with database.read() as tx:
        [row] = tx.rows(sa.select(TOKENS))
    assert row.digest == hashlib.sha256(text.encode()).hexdigest()
    assert not any(text in str(value) for value in row)


def test_no_two_tokens_are_alike(database: Database, actor: int) -> None:
    assert token_for(database, actor) != token_for(database, actor)


def test_what_is_no_token_is_nobody(database: Database, actor: int) -> None:
    text = token_for(database, actor)
    digest = hashlib.sha256(text.encode()).hexdigest()
    with database.read() as tx:
        for wrong in (
            "",
            "gqls_",
            digest,
            text[:-1],
            text + "\n",
            text.swapcase(),
            text[5:],
            "gqls_" + "é" * 43,
            "gqls_" + "\ud800" * 43,
            "x" * 1_000_000,
        ):
            assert user_of_token(tx, wrong) is None


def test_a_token_ends_at_its_expiry(database: Database, actor: int, clock: SetClock) -> None:
    end = clock() + timedelta(hours=1)
    text = database.write(lambda tx: create_token(tx, actor, "short", end))
    clock.advance(timedelta(hours=1) - timedelta(microseconds=1))
    with database.read() as tx:
        assert user_of_token(tx, text) is not None
    clock.advance(timedelta(microseconds=1))
    with database.read() as tx:
        assert user_of_token(tx, text) is None


def test_a_token_must_expire_in_the_future(database: Database, actor: int, clock: SetClock) -> None:
    with pytest.raises(Invalid) as refusal:
        database.write(lambda tx: create_token(tx, actor, "late", clock()))
    assert refusal.value.path == ("expiresAt",)


def test_a_revoked_token_is_nobody_and_keeps_its_time(
    database: Database, actor: int, clock: SetClock
) -> None:
    text, other = token_for(database, actor), token_for(database, actor)
    with database.read() as tx:
        first, second = tokens_of(tx, actor)
    revoked = clock()
    database.write(lambda tx: revoke_token(tx, actor, first.id))
    clock.advance(timedelta(days=1))
    database.write(lambda tx: revoke_token(tx, actor, first.id))
    with database.read() as tx:
        assert user_of_token(tx, text) is None
        assert user_of_token(tx, other) is not None
        assert [token.revoked_at for token in tokens_of(tx, actor)] == [revoked, None]
    assert (first.name, second.created_at, second.expires_at) == ("laptop", revoked, None)


def test_a_token_is_revoked_by_its_user_only(database: Database, actor: int) -> None:
    other = made(database, "Bo", "bo@example.org")
    text = token_for(database, actor)
    with database.read() as tx:
        [token] = tokens_of(tx, actor)
        assert tokens_of(tx, other) == []
    for user, number in ((other, token.id), (actor, token.id + 1)):
        with pytest.raises(NotFound):
            do(database, user, revoke_token, user, number)
    with database.read() as tx:
        assert user_of_token(tx, text) is not None


def test_nobody_is_asked_for_without_a_row(database: Database) -> None:
    with database.read() as tx:
        assert users_by_id(tx, []) == {}
        assert tx.rows(sa.select(USERS)) == []
