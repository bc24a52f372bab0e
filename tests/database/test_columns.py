"""Columns mean the same on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st
from sqlmodel import SQLModel

from gql_service.catalog.user import User
from gql_service.database.columns import (
    FOREVER,
    BigKey,
    ByteOrderedText,
    Timestamp,
    from_microseconds,
    table_of,
    to_microseconds,
)
from gql_service.database.engine import Database, Tx

SAMPLES = sa.Table(
    "samples",
    sa.MetaData(),
    sa.Column("id", BigKey, primary_key=True),
    sa.Column("number", sa.BigInteger),
    sa.Column("moment", Timestamp),
    sa.Column("text", ByteOrderedText),
)


@pytest.fixture
def samples(empty_database: Database) -> Iterator[Database]:
    empty_database.write(lambda tx: SAMPLES.create(tx.connection))
    yield empty_database


@given(st.datetimes(timezones=st.just(UTC)))
def test_a_moment_survives_as_microseconds(moment: datetime) -> None:
    assert from_microseconds(to_microseconds(moment)) == moment


def test_a_moment_of_another_zone_is_the_same_moment() -> None:
    cet = timezone(timedelta(hours=1))

    assert to_microseconds(datetime(1970, 1, 1, 1, 0, 0, 5, tzinfo=cet)) == 5


@pytest.mark.parametrize(
    "moment",
    [
        None,
        datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
        datetime(2026, 1, 1, 12, 0, 0, 1, tzinfo=UTC),
        datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
    ],
)
def test_a_moment_comes_back_in_utc(samples: Database, moment: datetime | None) -> None:
    samples.write(lambda tx: tx.execute(sa.insert(SAMPLES).values(moment=moment)))

    with samples.read() as tx:
        stored = tx.scalar(sa.select(SAMPLES.c.moment))
    assert stored == moment
    assert stored is None or stored.tzinfo is UTC


def test_moments_compare_in_the_database(samples: Database) -> None:
    noon = datetime(2026, 1, 1, 12, tzinfo=UTC)
    rows = [{"moment": noon + timedelta(microseconds=step)} for step in (-1, 0, 1)]
    samples.write(lambda tx: tx.execute(sa.insert(SAMPLES), rows))

    with samples.read() as tx:
        later = sa.select(sa.func.count()).where(SAMPLES.c.moment > noon)
        assert tx.scalar(later) == 1


def test_the_database_numbers_rows_by_itself(samples: Database) -> None:
    def insert(tx: Tx) -> list[int]:
        rows = [{"number": 7}, {"number": 8}]
        return [r[0] for r in tx.execute(sa.insert(SAMPLES).returning(SAMPLES.c.id), rows)]

    assert samples.write(insert) == [1, 2]


@pytest.mark.parametrize("number", [-(2**63), 2**53 + 1, FOREVER])
def test_numbers_have_64_bits(samples: Database, number: int) -> None:
    row = {"id": FOREVER, "number": number}
    samples.write(lambda tx: tx.execute(sa.insert(SAMPLES).values(row)))

    with samples.read() as tx:
        assert tx.first(sa.select(SAMPLES.c.id, SAMPLES.c.number)) == (row["id"], number)


def test_text_sorts_by_its_bytes(samples: Database) -> None:
    texts = [
        "/B",
        "/a",
        "/a b",
        "/a-b",
        "/a.b",
        "/a/b",
        "/a_b",
        "/ab",
        "/é",
        "/z",
        "/😀",
        "/\uffee",
    ]
    rows = [{"text": text} for text in texts]
    samples.write(lambda tx: tx.execute(sa.insert(SAMPLES), rows))

    with samples.read() as tx:
        ordered = [row[0] for row in tx.rows(sa.select(SAMPLES.c.text).order_by(SAMPLES.c.text))]
    assert ordered == sorted(texts, key=str.encode)


def test_the_table_of_a_row_class_is_the_one_in_the_metadata() -> None:
    assert table_of(User) is SQLModel.metadata.tables["users"]


def test_a_class_without_a_table_is_refused() -> None:
    class Loose(SQLModel):
        name: str

    with pytest.raises(AssertionError, match="Loose is not a table"):
        table_of(Loose)
