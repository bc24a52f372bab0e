"""The column types that must mean the same on SQLite and PostgreSQL."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Dialect
from sqlmodel import SQLModel

BigKey = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
"""A 64-bit key. SQLite only numbers rows by itself in a column it calls INTEGER."""

ByteOrderedText = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
"""Text that sorts by its bytes, as SQLite sorts, whatever the locale of the cluster."""

FOREVER = 2**63 - 1
"""`until` of a row that is still valid: the only sentinel."""


class Timestamp(sa.types.TypeDecorator[datetime]):
    """A moment in UTC, kept as microseconds since 1970: compact, and the same on both databases."""

    impl = sa.BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:  # noqa: ARG002
        return None if value is None else to_microseconds(value)

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        return None if value is None else from_microseconds(value)


@lru_cache(maxsize=1024)  # the rows of one version share their moments
def to_microseconds(moment: datetime) -> int:
    delta = moment.astimezone(UTC) - datetime(1970, 1, 1, tzinfo=UTC)
    return (delta.days * 86_400 + delta.seconds) * 1_000_000 + delta.microseconds


@lru_cache(maxsize=1024)
def from_microseconds(value: int) -> datetime:
    seconds, micros = divmod(value, 1_000_000)
    return datetime.fromtimestamp(seconds, tz=UTC).replace(microsecond=micros)


def table_of(model: type[SQLModel]) -> sa.Table:
    """The table behind a row class, for statements that name columns."""
    table: Any = model.__dict__.get("__table__")
    assert isinstance(table, sa.Table), f"{model.__name__} is not a table"
    return table
