"""PostgreSQL plans for lines of any size, before it has seen their rows and after.

A line that was written a moment ago is in nobody's statistics, so the planner takes it for one row:
then any index that begins with the line looks as good as the one that finds the key, and a merge
right after a large edit read the whole line once for each of its rows. Statistics of `line` and
`since` are of no use at any time, because no line is like another. Without them the planner assumes
a fair share of the table for every line, which leads to the right index.
"""

from __future__ import annotations

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

TABLES = ("item_states", "annotation_states", "item_whiteouts", "annotation_whiteouts")


def upgrade() -> None:
    if op.get_bind().dialect.name != "postgresql":
        return
    for table in TABLES:
        op.execute(
            f"ALTER TABLE {table} ALTER COLUMN line SET STATISTICS 0, "
            "ALTER COLUMN since SET STATISTICS 0"
        )
