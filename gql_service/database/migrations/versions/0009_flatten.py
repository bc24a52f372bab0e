"""Lines that hold what older ones showed, and which line of a dataset is the present one."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from gql_service.database.columns import Timestamp

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # In SQL: SQLite takes a reference together with its new column only.
    op.execute("ALTER TABLE lines ADD COLUMN flat_of BIGINT REFERENCES lines (id)")
    # Up to now every dataset has one line.
    op.add_column(
        "lines", sa.Column("current", sa.Boolean(), nullable=False, server_default=sa.true())
    )
    op.create_table(
        "flattenings",
        sa.Column("dataset", sa.BigInteger(), sa.ForeignKey("datasets.id"), primary_key=True),
        sa.Column("line", sa.BigInteger(), sa.ForeignKey("lines.id"), nullable=False),
        sa.Column("lease_until", Timestamp(), nullable=False),
    )
