"""Datasets may let their items expire, and remember who wanted it."""

from __future__ import annotations

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # In SQL: SQLite takes a reference together with its new column only.
    op.execute("ALTER TABLE datasets ADD COLUMN item_max_days INTEGER")
    op.execute("ALTER TABLE datasets ADD COLUMN expiration_by BIGINT REFERENCES users (id)")
