"""Conflicts of merges are closed by the version in which somebody decides them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("merge_conflicts", sa.Column("resolved", sa.BigInteger(), nullable=True))
