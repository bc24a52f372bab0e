"""Files that are uploaded by themselves, in one piece or in several, before items are made."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from gql_service.database.columns import Timestamp

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    from_user = sa.ForeignKey("users.id")
    op.create_table(
        "uploads",
        sa.Column("id", sa.String(), primary_key=True),
        sa.Column("user", sa.BigInteger(), from_user, nullable=False),
        sa.Column("token", sa.BigInteger(), sa.ForeignKey("tokens.id"), nullable=True),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("described", sa.String(), nullable=False),
        sa.Column("length", sa.BigInteger(), nullable=False),
        sa.Column("received", sa.BigInteger(), nullable=False),
        sa.Column("blob_key", sa.String(), nullable=True),
        sa.Column("sha256", sa.String(), nullable=True),
        sa.Column("mime_type", sa.String(), nullable=True),
        sa.Column("width", sa.Integer(), nullable=True),
        sa.Column("height", sa.Integer(), nullable=True),
        sa.Column("created_at", Timestamp, nullable=False),
        sa.Column("expires_at", Timestamp, nullable=False),
        sa.UniqueConstraint("blob_key"),
    )
    op.create_index("ix_uploads_token", "uploads", ["token"])
    op.create_index("ix_uploads_expires_at", "uploads", ["expires_at"])
    op.create_table(
        "upload_parts",
        sa.Column(
            "upload",
            sa.String(),
            sa.ForeignKey("uploads.id", ondelete="CASCADE"),
            primary_key=True,
        ),
        sa.Column("start", sa.BigInteger(), primary_key=True),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("blob_key", sa.String(), nullable=False, unique=True),
    )
