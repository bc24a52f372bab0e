"""Tags: names for versions that never move. A golden one also keeps its dataset from the purge."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from gql_service.catalog.names import clean_name
from gql_service.database.columns import BigKey, ByteOrderedText, Timestamp, table_of
from gql_service.database.engine import Tx
from gql_service.database.sets import among


class Tag(SQLModel, table=True):
    """A name for one version of a dataset. Ids are not given again: another tag of the same name,
    made after this one was deleted, is another thing."""

    __tablename__ = "tags"
    __table_args__ = (
        sa.Index("tags_name", "dataset", "name", unique=True),
        sa.ForeignKeyConstraint(["dataset", "version"], ["versions.dataset", "versions.number"]),
        {"sqlite_autoincrement": True},
    )

    id: int | None = Field(default=None, sa_type=BigKey, primary_key=True)
    dataset: int = Field(sa_type=sa.BigInteger)
    name: str = Field(sa_type=ByteOrderedText)
    version: int = Field(sa_type=sa.BigInteger)
    golden: bool
    message: str | None = None
    creator: int = Field(sa_type=sa.BigInteger, foreign_key="users.id")
    created_at: datetime = Field(sa_type=Timestamp)


TAGS = table_of(Tag)


@dataclass(frozen=True, slots=True)
class TagRecord:
    """A tag as read."""

    id: int
    dataset: int
    name: str
    version: int
    golden: bool
    message: str | None
    creator: int
    created_at: datetime


_TAGS: sa.Select[Any] = sa.select(*(TAGS.c[name] for name in TagRecord.__slots__))


def tags_by_id(tx: Tx, ids: Collection[int]) -> dict[int, TagRecord]:
    """The tags that there are, whoever asks."""
    return {row.id: _record(row) for row in tx.rows(_TAGS.where(among(TAGS.c.id, ids)))}


def tags_of(tx: Tx, datasets: Collection[int]) -> dict[int, list[TagRecord]]:
    """The tags of each dataset, whoever asks, by version and name."""
    found: dict[int, list[TagRecord]] = {dataset: [] for dataset in datasets}
    rows = tx.rows(
        _TAGS.where(among(TAGS.c.dataset, datasets)).order_by(TAGS.c.version, TAGS.c.name)
    )
    for row in rows:
        found[row.dataset].append(_record(row))
    return found


def tag_named(
    tx: Tx, dataset: int, name: str, path: Sequence[str | int] = ("name",)
) -> TagRecord | None:
    """The dataset's tag of that name. Raises Invalid and LimitExceeded when it is no name."""
    wanted = clean_name(name, path)
    row = tx.first(_TAGS.where(TAGS.c.dataset == dataset, TAGS.c.name == wanted))
    return None if row is None else _record(row)


def _record(row: sa.Row[Any]) -> TagRecord:
    return TagRecord(**row._mapping)


def has_golden_tag(dataset: sa.ColumnElement[int]) -> sa.ColumnElement[bool]:
    """Whether the dataset has a golden tag, and so may not be purged."""
    return sa.exists().where(TAGS.c.dataset == dataset, TAGS.c.golden)
