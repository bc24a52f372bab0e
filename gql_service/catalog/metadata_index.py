"""Declared indexes of item metadata: what stands at a path, kept in rows that can be searched.

A dataset declares a path. The values at that path are kept for every line that the dataset reads
its head through, and belong to the line: whoever lies on it reads them too, a clone included, and
no byte of them is copied. They are rows beside the states, with the same dates.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from gql_service.catalog.line import Layer, Line
from gql_service.database.columns import FOREVER, BigKey, ByteOrderedText, Timestamp, table_of
from gql_service.database.engine import Tx
from gql_service.database.sets import among

COMPLETE = FOREVER
"""`filled` of an index that has the values of all states of its line."""


class DatasetIndex(SQLModel, table=True):
    """A path that a dataset has declared, as `spelt` has it."""

    __tablename__ = "dataset_indexes"

    dataset: int = Field(sa_type=sa.BigInteger, foreign_key="datasets.id", primary_key=True)
    path: str = Field(sa_type=ByteOrderedText, primary_key=True)
    creator: int = Field(sa_type=sa.BigInteger, foreign_key="users.id")
    created_at: datetime = Field(sa_type=Timestamp)


class LineIndex(SQLModel, table=True):
    """The values at a path of the states of a line. Whoever writes on the line writes them too,
    from the moment that this row is there; what was there before is brought in key by key, and has
    been up to the key `filled`."""

    __tablename__ = "line_indexes"
    __table_args__ = (sa.UniqueConstraint("line", "path", name="line_indexes_line"),)

    id: int | None = Field(default=None, sa_type=BigKey, primary_key=True)
    line: int = Field(sa_type=sa.BigInteger, foreign_key="lines.id", ondelete="CASCADE")
    path: str = Field(sa_type=ByteOrderedText)
    filled: int = Field(sa_type=sa.BigInteger)


class ItemValue(SQLModel, table=True):
    """What stands in a state at the path of an index, as `values_at` has it, and the dates of the
    state. A state with nothing there has no row."""

    __tablename__ = "item_values"
    __table_args__ = (
        sa.Index("item_values_value", "index", "kind", "number", "text", "until", "since", "state"),
        {"sqlite_with_rowid": False},
    )

    state: int = Field(
        sa_type=sa.BigInteger, foreign_key="item_states.id", primary_key=True, ondelete="CASCADE"
    )
    index: int = Field(
        sa_type=sa.BigInteger, foreign_key="line_indexes.id", primary_key=True, ondelete="CASCADE"
    )
    kind: int = Field(sa_type=sa.SmallInteger)
    number: Decimal = Field(sa_type=sa.Numeric)
    text: str = Field(sa_type=ByteOrderedText)
    since: int = Field(sa_type=sa.BigInteger)
    until: int = Field(sa_type=sa.BigInteger)


DATASET_INDEXES = table_of(DatasetIndex)
LINE_INDEXES = table_of(LineIndex)
VALUES = table_of(ItemValue)
_LINES, _LAYERS = table_of(Line), table_of(Layer)


_KEY = re.compile(r'[^"\\\x00-\x1f\x7f\ud800-\udfff]+')
_POSITION = re.compile("[0-9]+")


def can_be_declared(path: Sequence[str]) -> bool:
    """Whether the path is one of keys that both databases can spell, and none is a position."""
    return bool(path) and all(_KEY.fullmatch(s) and not _POSITION.fullmatch(s) for s in path)


def spelt(path: Sequence[str]) -> str:
    """A path of keys, in the spelling of SQLite and of SQL/JSON: `$."camera"."model"`."""
    return "$" + "".join(f'."{step}"' for step in path)


def steps_of(text: str) -> list[str]:
    """The keys of a path that `spelt` made."""
    return re.findall('"([^"]+)"', text)


@dataclass(frozen=True, slots=True)
class IndexRecord:
    """An index as a dataset declared it; `ready` when it is used for what the head shows."""

    dataset: int
    path: str
    creator: int
    created_at: datetime
    ready: bool


def _unready() -> sa.ColumnElement[bool]:
    """Whether a line that the head is read through lacks values at the path, masked ones aside."""
    own = sa.select(_LINES.c.id.label("line")).where(
        _LINES.c.dataset == DATASET_INDEXES.c.dataset, _LINES.c.current
    )
    below = (
        sa.select(_LAYERS.c.below)
        .join(_LINES, _LINES.c.id == _LAYERS.c.line)
        .where(
            _LINES.c.dataset == DATASET_INDEXES.c.dataset, _LINES.c.current, _LAYERS.c.with_metadata
        )
    )
    pile = sa.union_all(own.correlate(DATASET_INDEXES), below.correlate(DATASET_INDEXES)).subquery(
        "pile"
    )
    full = sa.exists().where(
        LINE_INDEXES.c.line == pile.c.line,
        LINE_INDEXES.c.path == DATASET_INDEXES.c.path,
        LINE_INDEXES.c.filled == COMPLETE,
    )
    return sa.select(sa.literal(1)).select_from(pile).where(~full).exists()


UNREADY = _unready()
_INDEXES: sa.Select[Any] = sa.select(
    *(DATASET_INDEXES.c[name] for name in ("dataset", "path", "creator", "created_at")),
    sa.not_(UNREADY).label("ready"),
)


def indexes_of(tx: Tx, datasets: Collection[int]) -> dict[int, list[IndexRecord]]:
    """What each dataset has declared, whoever asks, by path."""
    found: dict[int, list[IndexRecord]] = {dataset: [] for dataset in datasets}
    wanted = _INDEXES.where(among(DATASET_INDEXES.c.dataset, datasets))
    for row in tx.rows(wanted.order_by(DATASET_INDEXES.c.dataset, DATASET_INDEXES.c.path)):
        found[row.dataset].append(IndexRecord(**row._mapping))
    return found
