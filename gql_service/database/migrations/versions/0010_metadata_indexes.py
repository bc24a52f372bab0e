"""What datasets have declared of their items' metadata, and the values that are kept for it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from gql_service.database.columns import BigKey, ByteOrderedText, Timestamp

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "dataset_indexes",
        sa.Column("dataset", sa.BigInteger(), sa.ForeignKey("datasets.id"), primary_key=True),
        sa.Column("path", ByteOrderedText, primary_key=True),
        sa.Column("creator", sa.BigInteger(), sa.ForeignKey("users.id"), nullable=False),
        sa.Column("created_at", Timestamp(), nullable=False),
    )
    op.create_table(
        "line_indexes",
        sa.Column("id", BigKey, primary_key=True),
        sa.Column(
            "line",
            sa.BigInteger(),
            sa.ForeignKey("lines.id", ondelete="CASCADE"),
            nullable=False,
        ),
        sa.Column("path", ByteOrderedText, nullable=False),
        sa.Column("filled", sa.BigInteger(), nullable=False),
        sa.UniqueConstraint("line", "path", name="line_indexes_line"),
    )
    op.create_table(
        "item_values",
        sa.Column(
            "state",
            sa.BigInteger(),
            sa.ForeignKey("item_states.id", ondelete="CASCADE"),
            primary_key=True,
        ),
        sa.Column(
            "index",
            sa.BigInteger(),
            sa.ForeignKey("line_indexes.id", ondelete="CASCADE"),
            primary_key=True,
        ),
        sa.Column("kind", sa.SmallInteger(), nullable=False),
        sa.Column("number", sa.Numeric(), nullable=False),
        sa.Column("text", ByteOrderedText, nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sqlite_with_rowid=False,
    )
    columns = ["index", "kind", "number", "text", "until", "since", "state"]
    op.create_index("item_values_value", "item_values", columns)
