"""Items: file entries of a dataset. A state is one item's content on a line, dated by versions."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from gql_service.database.columns import FOREVER, BigKey, ByteOrderedText, Timestamp


class ItemState(SQLModel, table=True):
    """One immutable content of an item, valid in versions [since, until) of its line.

    `copy_of` is the id of the row in which this content was first written, NULL in that row
    itself; `origin_dataset` and `origin_version` say where that was. `metadata_known` is false
    when it was written or seen without its metadata, which then means unknown, not empty.
    `copied_from` is the key of the item that a second copy was made from.
    """

    __tablename__ = "item_states"
    __table_args__ = (
        sa.CheckConstraint("since < until", name="item_states_interval"),
        sa.UniqueConstraint("line", "until", "path", name="item_states_live_path"),
        sa.UniqueConstraint("line", "key", "until", name="item_states_key"),
        sa.Index("item_states_path", "line", "path", "since"),
        sa.Index("item_states_since", "line", "since"),
        sa.Index("item_states_binary", "binary"),
        # The number of a row names a write for ever; one that is used again would be another.
        {"sqlite_autoincrement": True},
    )

    id: int | None = Field(default=None, sa_type=BigKey, primary_key=True)
    line: int = Field(sa_type=sa.BigInteger, foreign_key="lines.id")
    since: int = Field(sa_type=sa.BigInteger)
    until: int = Field(default=FOREVER, sa_type=sa.BigInteger)
    key: int = Field(sa_type=sa.BigInteger)
    copy_of: int | None = Field(default=None, sa_type=sa.BigInteger)
    origin_dataset: int = Field(sa_type=sa.BigInteger)
    origin_version: int = Field(sa_type=sa.BigInteger)
    path: str = Field(sa_type=ByteOrderedText)
    binary: int = Field(sa_type=sa.BigInteger, foreign_key="binaries.id")
    meta: str = Field(sa_column=sa.Column("metadata", sa.Text(), nullable=False))
    metadata_known: bool = True
    description: str | None = None
    hidden: bool = False
    copied_from: int | None = Field(default=None, sa_type=sa.BigInteger)
    created_by: int = Field(sa_type=sa.BigInteger)
    created_at: datetime = Field(sa_type=Timestamp)
    updated_by: int = Field(sa_type=sa.BigInteger)
    updated_at: datetime = Field(sa_type=Timestamp)


class ItemWhiteout(SQLModel, table=True):
    """Covers a state of a lower line, for everyone who has `line` at `since` or later."""

    __tablename__ = "item_whiteouts"
    __table_args__ = (sa.Index("item_whiteouts_since", "line", "since"),)

    state: int = Field(
        sa_type=sa.BigInteger, foreign_key="item_states.id", primary_key=True, ondelete="CASCADE"
    )
    line: int = Field(sa_type=sa.BigInteger, foreign_key="lines.id", primary_key=True)
    since: int = Field(sa_type=sa.BigInteger)
