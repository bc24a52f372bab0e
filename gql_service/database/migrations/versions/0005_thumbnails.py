"""Small pictures of binaries, kept beside them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "thumbnails",
        sa.Column("binary", sa.BigInteger(), sa.ForeignKey("binaries.id"), primary_key=True),
        sa.Column("size", sa.Integer(), primary_key=True),
        sa.Column(
            "blob_key", sa.String(), sa.ForeignKey("blob_keys.key"), nullable=False, unique=True
        ),
    )
