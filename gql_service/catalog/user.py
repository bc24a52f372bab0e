"""Users and the API tokens by which they are known.

A token is `gqls_` and 43 characters that stand for 256 random bits; the prefix lets scanners find
one that leaked. Its scopes and projects narrow what its user may do, see `catalog.permission`.
When it was last used is not kept: that would make a write of every read.

No rights are checked here: who may make users, and whose tokens one may touch, is decided by the
caller, which at the first start of a service is nobody yet.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from gql_service.catalog.names import clean_name
from gql_service.catalog.permission import TokenScope
from gql_service.catalog.unique import insert_unless_taken
from gql_service.database.acting import Actor, Bounds
from gql_service.database.columns import BigKey, Timestamp, table_of
from gql_service.database.engine import Tx
from gql_service.database.plan import Prepared
from gql_service.database.sets import among_given
from gql_service.errors import Conflict, Invalid, LimitExceeded, NotFound

ALL_SCOPES = tuple(TokenScope)
MOST_PROJECTS = 100
"""That a token can be bound to: they are read with it in every request."""

TOKEN_PREFIX = "gqls_"
EMAIL_CHARACTERS = 254
_TOKEN = re.compile(r"gqls_[A-Za-z0-9_-]{43}")
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+")


class User(SQLModel, table=True):
    """A person or a program that acts. The first one is an admin."""

    __tablename__ = "users"

    id: int | None = Field(default=None, sa_type=BigKey, primary_key=True)
    name: str
    email: str = Field(unique=True)
    admin: bool = False
    created_at: datetime = Field(sa_type=Timestamp)


class Token(SQLModel, table=True):
    """What a user shows to be known: only its SHA-256 is kept, the text is shown once.

    `scopes` are names, `projects` ids that are never given again, both with spaces between; null
    for every project.
    """

    __tablename__ = "tokens"

    id: int | None = Field(default=None, sa_type=BigKey, primary_key=True)
    user: int = Field(sa_type=sa.BigInteger, foreign_key="users.id", index=True)
    name: str
    digest: str = Field(unique=True)
    scopes: str = Field(sa_column_kwargs={"server_default": "READ ANNOTATE WRITE ADMIN"})
    projects: str | None = None
    created_at: datetime = Field(sa_type=Timestamp)
    expires_at: datetime | None = Field(default=None, sa_type=Timestamp)
    revoked_at: datetime | None = Field(default=None, sa_type=Timestamp)


USERS = table_of(User)
TOKENS = table_of(Token)


@dataclass(frozen=True, slots=True)
class UserRecord:
    """A user as read."""

    id: int
    name: str
    email: str
    admin: bool


@dataclass(frozen=True, slots=True)
class TokenRecord:
    """What is known of a token: everything but its text. `projects` is None for every project."""

    id: int
    name: str
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    scopes: tuple[TokenScope, ...] = ALL_SCOPES
    projects: tuple[int, ...] | None = None


@dataclass(frozen=True, slots=True)
class Identity:
    """A user as known by a token, and who acts with it: the user within the token's bounds."""

    user: UserRecord
    actor: Actor


def create_user(tx: Tx, name: str, email: str, *, admin: bool = False) -> int:
    """A new user; the very first one is an admin in any case.

    Raises Invalid, or Conflict when somebody has the e-mail address, in whatever case of letters.
    """
    row = {
        "name": clean_name(name, ("name",)),
        "email": clean_email(email, ("email",)),
        "admin": admin or tx.first(sa.select(USERS.c.id).limit(1)) is None,
        "created_at": tx.now,
    }
    user = insert_unless_taken(tx, USERS, row, USERS.c.id)
    if user is None:
        raise Conflict("A user with this e-mail address already exists", path=("email",))
    return user


def clean_email(text: str, path: tuple[str | int, ...] = ()) -> str:
    """An address in NFC and small letters. Raises Invalid unless it is `something@something`."""
    email = clean_name(text, path, longest=EMAIL_CHARACTERS).lower()
    if not _EMAIL.fullmatch(email):
        raise Invalid("An e-mail address is needed here", path=path)
    return email


def users_by_id(tx: Tx, ids: Collection[int]) -> dict[int, UserRecord]:
    """The users of `ids`; unknown ones are left out."""
    return {user.id: user for user in map(_user, tx.rows(_BY_ID, {"ids": list(ids)}))}


def first_admin(tx: Tx) -> UserRecord | None:
    """The admin that was made first, None while nobody is."""
    row = tx.first(_users().where(USERS.c.admin).order_by(USERS.c.id).limit(1))
    return None if row is None else _user(row)


def user_by_email(tx: Tx, email: str) -> UserRecord | None:
    """The user with this address, in whatever case of letters. Raises Invalid when it is none."""
    row = tx.first(_users().where(USERS.c.email == clean_email(email, ("email",))))
    return None if row is None else _user(row)


def create_token(
    tx: Tx,
    user: int,
    name: str,
    expires_at: datetime | None = None,
    *,
    scopes: Collection[TokenScope] = ALL_SCOPES,
    projects: Collection[int] | None = None,
) -> str:
    """The text of a new token, which cannot be read again. It never expires without `expires_at`,
    and without `projects` it is good for every project.

    Raises Invalid for a wrong name, for an expiry that is not in the future, and for no scope or
    no project; LimitExceeded for too many projects.
    """
    if expires_at is not None and expires_at <= tx.now:
        raise Invalid("A token must expire in the future", path=("expiresAt",))
    if not scopes:
        raise Invalid("A token needs at least one scope", path=("scopes",))
    if projects is not None and not projects:
        raise Invalid("A token needs at least one project", path=("projectIds",))
    if projects is not None and len(projects) > MOST_PROJECTS:
        raise LimitExceeded(
            f"A token can be bound to at most {MOST_PROJECTS} projects", path=("projectIds",)
        )
    text = TOKEN_PREFIX + secrets.token_urlsafe(32)
    row = {
        "user": user,
        "name": clean_name(name, ("name",)),
        "digest": _digest(text),
        "scopes": " ".join(scope.value for scope in TokenScope if scope in scopes),
        "projects": None if projects is None else " ".join(map(str, sorted(set(projects)))),
        "created_at": tx.now,
        "expires_at": expires_at,
    }
    tx.execute(sa.insert(TOKENS).values(row))
    return text


def user_of_token(tx: Tx, text: str) -> Identity | None:
    """Who is known by a token; None when it is unknown, expired or revoked, or no token at all."""
    if not _TOKEN.fullmatch(text):
        return None
    row = tx.first(_BY_TOKEN, {"digest": _digest(text)})
    if row is None or (row.expires_at is not None and row.expires_at <= tx.now):
        return None
    reach = _numbers(row.projects)
    projects = None if reach is None else frozenset(reach)
    bounds = Bounds(row.token, frozenset(row.scopes.split()), projects)
    return Identity(_user(row[:4]), Actor(row.id, bounds))


def tokens_alive(tx: Tx, texts: Collection[str]) -> set[str]:
    """Those of the tokens by which somebody is known: neither expired nor revoked."""
    by_digest = {_digest(text): text for text in texts}
    rows = tx.rows(_ALIVE, {"digests": list(by_digest), "now": tx.now})
    return {by_digest[row.digest] for row in rows}


def revoke_token(tx: Tx, user: int, token: int) -> None:
    """Ends a token of `user`; one that ended before keeps its time. Raises NotFound."""
    hit = tx.execute(
        sa.update(TOKENS)
        .where(TOKENS.c.id == token, TOKENS.c.user == user)
        .values(revoked_at=sa.func.coalesce(TOKENS.c.revoked_at, sa.literal(tx.now, Timestamp)))
    )
    if hit.rowcount == 0:
        raise NotFound("There is no such token", path=("tokenId",))


def tokens_of(tx: Tx, user: int) -> list[TokenRecord]:
    """The tokens of a user, ended ones included, in the order in which they were made."""
    names = ("id", "name", "created_at", "expires_at", "revoked_at", "scopes", "projects")
    columns = [TOKENS.c[name] for name in names]
    rows = tx.rows(sa.select(*columns).where(TOKENS.c.user == user).order_by(TOKENS.c.id))
    return [
        TokenRecord(
            id=row.id,
            name=row.name,
            created_at=row.created_at,
            expires_at=row.expires_at,
            revoked_at=row.revoked_at,
            scopes=tuple(map(TokenScope, row.scopes.split())),
            projects=_numbers(row.projects),
        )
        for row in rows
    ]


def _numbers(text: str | None) -> tuple[int, ...] | None:
    return None if text is None else tuple(map(int, text.split()))


def _users() -> sa.Select[Any]:
    """The columns of `UserRecord`, in its order."""
    return sa.select(USERS.c.id, USERS.c.name, USERS.c.email, USERS.c.admin)


_BY_ID = Prepared(_users().where(among_given(USERS.c.id, "ids")))
_NOT_REVOKED = TOKENS.c.revoked_at.is_(None)
_LIVES = sa.and_(
    _NOT_REVOKED,
    sa.or_(TOKENS.c.expires_at.is_(None), TOKENS.c.expires_at > sa.bindparam("now")),
)
_BY_TOKEN = Prepared(
    _users()
    .add_columns(
        TOKENS.c.id.label("token"), TOKENS.c.scopes, TOKENS.c.projects, TOKENS.c.expires_at
    )
    .join(TOKENS, TOKENS.c.user == USERS.c.id)
    .where(TOKENS.c.digest == sa.bindparam("digest"), _NOT_REVOKED),
    lasting=True,
)
_ALIVE = Prepared(
    sa.select(TOKENS.c.digest).where(among_given(TOKENS.c.digest, "digests", numbers=False), _LIVES)
)


def _user(row: Sequence[Any]) -> UserRecord:
    return UserRecord(*row)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
