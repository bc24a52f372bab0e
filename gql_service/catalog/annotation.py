"""Annotations: labels on items. Their states are dated like those of items."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from gql_service.database.columns import FOREVER, BigKey, ByteOrderedText, Timestamp


class AnnotationState(SQLModel, table=True):
    """One immutable content of an annotation, valid in versions [since, until) of its line.

    `item` is the key of its item. `root` is its lineage: equal to `key`, except for those that a
    merge kept beside another as a conflict. `status_known` is false when it was written or seen
    without its status, which then means unknown, not none.
    """

    __tablename__ = "annotation_states"
    __table_args__ = (
        sa.CheckConstraint("since < until", name="annotation_states_interval"),
        sa.UniqueConstraint("line", "key", "until", name="annotation_states_key"),
        sa.Index("annotation_states_item", "line", "item", "until"),
        sa.Index("annotation_states_label", "line", "label", "until"),
        sa.Index("annotation_states_since", "line", "since"),
        # Two indexes that a bulk insert does not pay for: few rows have ended, and only those
        # that a merge kept beside another differ from their root.
        sa.Index(
            "annotation_states_ended",
            "line",
            "until",
            sqlite_where=sa.text(f"until < {FOREVER}"),
            postgresql_where=sa.text(f"until < {FOREVER}"),
        ),
        sa.Index(
            "annotation_states_sibling",
            "line",
            "root",
            sqlite_where=sa.text("root <> key"),
            postgresql_where=sa.text("root <> key"),
        ),
        # The number of a row names a write for ever; one that is used again would be another.
        {"sqlite_autoincrement": True},
    )

    id: int | None = Field(default=None, sa_type=BigKey, primary_key=True)
    line: int = Field(sa_type=sa.BigInteger, foreign_key="lines.id")
    since: int = Field(sa_type=sa.BigInteger)
    until: int = Field(default=FOREVER, sa_type=sa.BigInteger)
    key: int = Field(sa_type=sa.BigInteger)
    root: int = Field(sa_type=sa.BigInteger)
    copy_of: int | None = Field(default=None, sa_type=sa.BigInteger)
    origin_dataset: int = Field(sa_type=sa.BigInteger)
    origin_version: int = Field(sa_type=sa.BigInteger)
    item: int = Field(sa_type=sa.BigInteger)
    type: str
    label: str = Field(sa_type=ByteOrderedText)
    coordinates: str
    attributes: str
    meta: str = Field(sa_column=sa.Column("metadata", sa.Text(), nullable=False))
    status: str | None = None
    status_known: bool = True
    created_by: int = Field(sa_type=sa.BigInteger)
    created_at: datetime = Field(sa_type=Timestamp)
    updated_by: int = Field(sa_type=sa.BigInteger)
    updated_at: datetime = Field(sa_type=Timestamp)


class AnnotationWhiteout(SQLModel, table=True):
    """Covers a state of a lower line, for everyone who has `line` at `since` or later."""

    __tablename__ = "annotation_whiteouts"
    __table_args__ = (sa.Index("annotation_whiteouts_since", "line", "since"),)

    state: int = Field(
        sa_type=sa.BigInteger,
        foreign_key="annotation_states.id",
        primary_key=True,
        ondelete="CASCADE",
    )
    line: int = Field(sa_type=sa.BigInteger, foreign_key="lines.id", primary_key=True)
    since: int = Field(sa_type=sa.BigInteger)
