"""What PostgreSQL's planner is told of tables that have just grown by much."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy.engine import Engine

LARGE_GROWTH = 2_000
"""Rows in one transaction: fewer are found soon enough by any index."""


def tell_planner(engine: Engine, growth: Mapping[str, int]) -> None:
    """Has PostgreSQL look at tables of states that were given many rows in one transaction.

    It takes a line that is in no statistics for a single row. Any index that begins with the line
    then looks as good as the one that finds a key, and a merge right after a large edit read the
    whole line once for each of its rows. By itself PostgreSQL looks after some minutes.
    """
    if engine.dialect.name != "postgresql":
        return
    # Tables of states and whiteouts: no other ones are filled in bulk.
    tables = sorted(name for name, rows in growth.items() if rows >= LARGE_GROWTH)
    if tables:
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as free:
            for name in tables:
                free.exec_driver_sql(f'ANALYZE (SKIP_LOCKED) "{name}" (line, since)')
