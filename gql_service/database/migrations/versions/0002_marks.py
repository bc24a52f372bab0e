"""Tags of versions, and locks that make datasets read-only.

The writer refuses to change a locked dataset, and so does the database: a trigger refuses the row
of a new version, whoever inserts it. On PostgreSQL it takes a share of the dataset's row first, so
that a lock which is being set at this moment is waited for.

On SQLite, a later revision that makes `versions` anew must make the trigger anew, and one that
makes `datasets` anew must drop it before.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from gql_service.database.columns import BigKey, ByteOrderedText, Timestamp

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

SQLITE_TRIGGER = """
CREATE TRIGGER versions_refuse_locked BEFORE INSERT ON versions
WHEN (SELECT locked_at FROM datasets WHERE id = NEW.dataset) IS NOT NULL
BEGIN
    SELECT RAISE(ABORT, 'the dataset is locked');
END
"""
POSTGRES_FUNCTION = """
CREATE FUNCTION refuse_locked() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    locked bigint;
BEGIN
    SELECT locked_at INTO locked FROM datasets WHERE id = NEW.dataset FOR SHARE;
    IF locked IS NOT NULL THEN
        RAISE EXCEPTION 'the dataset is locked' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END
$$
"""
POSTGRES_TRIGGER = """
CREATE TRIGGER versions_refuse_locked BEFORE INSERT ON versions
FOR EACH ROW EXECUTE FUNCTION refuse_locked()
"""


def upgrade() -> None:
    # In SQL: SQLite takes a reference together with its new column only.
    op.execute("ALTER TABLE datasets ADD COLUMN locked_at BIGINT")
    op.execute("ALTER TABLE datasets ADD COLUMN locked_by BIGINT REFERENCES users (id)")
    op.execute("ALTER TABLE datasets ADD COLUMN lock_reason VARCHAR")
    op.create_table(
        "tags",
        sa.Column("id", BigKey, primary_key=True),
        sa.Column("dataset", sa.BigInteger(), nullable=False),
        sa.Column("name", ByteOrderedText, nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("golden", sa.Boolean(), nullable=False),
        sa.Column("message", sa.String(), nullable=True),
        sa.Column("creator", sa.BigInteger(), sa.ForeignKey("users.id"), nullable=False),
        sa.Column("created_at", Timestamp(), nullable=False),
        sa.ForeignKeyConstraint(["dataset", "version"], ["versions.dataset", "versions.number"]),
        sqlite_autoincrement=True,
    )
    op.create_index("tags_name", "tags", ["dataset", "name"], unique=True)
    if op.get_bind().dialect.name == "postgresql":
        op.execute(POSTGRES_FUNCTION)
        op.execute(POSTGRES_TRIGGER)
    else:
        op.execute(SQLITE_TRIGGER)
