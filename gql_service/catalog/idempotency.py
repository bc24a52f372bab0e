"""Retries: under one key a change is made once, and whoever asks again is told what it did.

The key is claimed, the work done and its result stored in one transaction, so that there is never
one without the other: a refused change leaves its key free, and of two at once the second waits
until the first has ended and then either finds its result or does the work itself.

Neither the key nor what was asked for is kept, only their SHA-256. A claim lasts for `KEPT`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Generic, TypeVar

import sqlalchemy as sa
from pydantic import TypeAdapter
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Field, SQLModel

from gql_service.database.columns import Timestamp, table_of
from gql_service.database.engine import Database, Tx
from gql_service.errors import IdempotencyConflict

T = TypeVar("T")

KEPT = timedelta(hours=24)
FORGOTTEN_AT_ONCE = 1000
"""Rows per transaction: short, because each one keeps writers out on SQLite."""

_PATH = ("idempotencyKey",)


class IdempotencyKey(SQLModel, table=True):
    """A change that was made under a key. `result` is JSON, null where it may not be told again."""

    __tablename__ = "idempotency_keys"
    __table_args__ = (sa.Index("idempotency_keys_created", "created_at"),)

    user: int = Field(sa_type=sa.BigInteger, foreign_key="users.id", primary_key=True)
    operation: str = Field(primary_key=True)
    key: str = Field(primary_key=True)
    digest: str
    result: str | None = None
    created_at: datetime = Field(sa_type=Timestamp)


KEYS = table_of(IdempotencyKey)
_PRIMARY_KEY = [KEYS.c.user, KEYS.c.operation, KEYS.c.key]


@dataclass(frozen=True, slots=True)
class Claim:
    """Which change is meant: its name, the SHA-256 of the caller's key and of what is asked for."""

    operation: str
    key: str
    digest: str


@dataclass(frozen=True, slots=True)
class ShownOnce:
    """Stands in for the type of a result that must not be stored; `message` is told instead."""

    message: str


@dataclass(frozen=True, slots=True)
class Done(Generic[T]):
    """What a change did; `repeated` when it was done before and only its result was read."""

    result: T
    repeated: bool


def once(
    tx: Tx, claim: Claim, work: Callable[[Tx], T], kept: TypeAdapter[T] | ShownOnce
) -> Done[T]:
    """Does `work` as `tx.actor`, unless it was done under this claim in the last `KEPT`.

    Raises IdempotencyConflict when the key stands for something else, or for a result that is
    shown once; and whatever `work` raises, which frees the key again.
    """
    if not _claimed(tx, claim):
        return Done(_first_result(tx, claim, kept), repeated=True)
    result = work(tx)
    if isinstance(kept, TypeAdapter):
        text = kept.dump_json(result).decode()
        tx.execute(sa.update(KEYS).where(*_is(tx, claim)).values(result=text))
    return Done(result, repeated=False)


def forgettable(now: datetime) -> sa.Select[Any]:
    """The claims that have ended."""
    return sa.select(*_PRIMARY_KEY).where(KEYS.c.created_at <= now - KEPT)


def forget(database: Database, now: datetime) -> int:
    """Removes the claims that have ended, and returns how many. One that is just being renewed
    is skipped, so that nobody waits."""
    some = forgettable(now).limit(FORGOTTEN_AT_ONCE).with_for_update(skip_locked=True)
    statement = sa.delete(KEYS).where(sa.tuple_(*_PRIMARY_KEY).in_(some))
    total = 0
    while count := database.write(lambda tx: tx.execute(statement).rowcount):
        total += count
    return total


def _claimed(tx: Tx, claim: Claim) -> bool:
    """Whether the key was free. On PostgreSQL this waits for a concurrent change under it."""
    insert = postgresql.insert if tx.postgres else sqlite.insert
    row = {
        "user": tx.actor,
        "operation": claim.operation,
        "key": claim.key,
        "digest": claim.digest,
        "result": None,
        "created_at": tx.now,
    }
    renewed = {name: row[name] for name in ("digest", "result", "created_at")}
    statement = (
        insert(KEYS)
        .values(row)
        .on_conflict_do_update(
            index_elements=_PRIMARY_KEY, set_=renewed, where=KEYS.c.created_at <= tx.now - KEPT
        )
        .returning(KEYS.c.key)
    )
    return tx.first(statement) is not None


def _first_result(tx: Tx, claim: Claim, kept: TypeAdapter[T] | ShownOnce) -> T:
    row: Any = tx.first(sa.select(KEYS.c.digest, KEYS.c.result).where(*_is(tx, claim)))
    if row.digest != claim.digest:
        raise IdempotencyConflict("This key was used for another input", path=_PATH)
    if isinstance(kept, ShownOnce):
        raise IdempotencyConflict(kept.message, path=_PATH)
    return kept.validate_json(row.result)


def _is(tx: Tx, claim: Claim) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        KEYS.c.user == tx.actor,
        KEYS.c.operation == claim.operation,
        KEYS.c.key == claim.key,
    )
