"""What PostgreSQL's planner is told of lines that grow.

It takes a line that is in no statistics for a single row. Any index that begins with the line then
looks as good as the one that finds a key, and a statement that looks up many keys reads the whole
line for each of them. By itself PostgreSQL looks after minutes, and after a change of a tenth.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from contextlib import suppress

from sqlalchemy.engine import Engine
from sqlalchemy.exc import SQLAlchemyError

Growth = Mapping[tuple[str, int], int]
"""How many rows tables were given of which lines."""

FIRST_LOOK = 200
"""Rows of a line in one table, at which it becomes known: fewer are soon found by any index."""
TIMES = 4
"""By how much it grows until its share is looked at again."""
LINES = 10_000


class Planner:
    """Has PostgreSQL look at tables of states when a line in them has grown by much.

    Rows are counted here, since the start of the process. Nothing depends on it but speed.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._rows: dict[tuple[str, int], int] = {}
        self._lock = threading.Lock()

    def told(self, growth: Growth) -> None:
        """After the commit. A look that fails changes nothing."""
        if self._engine.dialect.name != "postgresql" or not growth:
            return
        due = {table for (table, line), rows in growth.items() if self._is_due(table, line, rows)}
        if due:
            with (
                suppress(SQLAlchemyError),
                self._engine.connect().execution_options(isolation_level="AUTOCOMMIT") as free,
            ):
                for table in sorted(due):
                    free.exec_driver_sql(f'ANALYZE (SKIP_LOCKED) "{table}" (line, since)')

    def _is_due(self, table: str, line: int, rows: int) -> bool:
        with self._lock:
            if len(self._rows) >= LINES:
                self._rows.clear()
            before = self._rows.get((table, line), 0)
            now = self._rows[table, line] = before + rows
        look = FIRST_LOOK
        while look <= before:
            look *= TIMES
        return look <= now
