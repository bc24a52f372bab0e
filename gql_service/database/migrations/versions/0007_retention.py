"""Datasets may say how many versions they keep, and for how long.

What has expired leaves the row of its version behind, and of each thing that had been removed by
then which write it was: merges ask for both.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # In SQL: SQLite takes a reference together with its new column only.
    op.execute("ALTER TABLE datasets ADD COLUMN keep_versions INTEGER")
    op.execute("ALTER TABLE datasets ADD COLUMN keep_days INTEGER")
    op.execute("ALTER TABLE datasets ADD COLUMN retention_by BIGINT REFERENCES users (id)")
    op.execute("ALTER TABLE datasets ADD COLUMN kept_from BIGINT")
    op.execute("ALTER TABLE versions ADD COLUMN expired_at BIGINT")
    line = sa.ForeignKey("lines.id", ondelete="CASCADE")
    op.create_table(
        "lost_states",
        sa.Column("key", sa.BigInteger(), primary_key=True),
        sa.Column("line", sa.BigInteger(), line, primary_key=True),
        sa.Column("until", sa.BigInteger(), primary_key=True),
        sa.Column("of_item", sa.Boolean(), nullable=False),
        sa.Column("root", sa.BigInteger(), nullable=False),
        sa.Column("item", sa.BigInteger(), nullable=False),
        sa.Column("write", sa.BigInteger(), nullable=False),
        sa.Column("origin_dataset", sa.BigInteger(), nullable=False),
        sa.Column("origin_version", sa.BigInteger(), nullable=False),
    )
    op.create_index("lost_states_line", "lost_states", ["line"])
    op.create_index(
        "lost_states_sibling",
        "lost_states",
        ["root"],
        sqlite_where=sa.text("root <> key"),
        postgresql_where=sa.text("root <> key"),
    )
