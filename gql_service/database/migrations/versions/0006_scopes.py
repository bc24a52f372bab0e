"""Tokens have scopes, and may be bound to projects; those that there are go on as before."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    every = sa.text("'READ ANNOTATE WRITE ADMIN'")
    op.add_column("tokens", sa.Column("scopes", sa.String(), nullable=False, server_default=every))
    op.add_column("tokens", sa.Column("projects", sa.String(), nullable=True))
