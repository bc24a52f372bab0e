"""What a merge lets the database copy, seen from outside: the statements that it sends."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import event

from gql_service.database.engine import Database

ALONE = "annotations changed alone"
STRANGERS = "items of strangers"
"""Also those of a ground that lies too deep."""


@contextmanager
def copied_rows(database: Database) -> Iterator[Counter[str]]:
    """Collects how many rows the block copied without reading them, by kind."""
    copied: Counter[str] = Counter()
    annotations = 0

    def note(_connection: Any, cursor: Any, statement: str, *_: Any) -> None:
        nonlocal annotations
        table = statement.split(" ", 3)[2] if statement.startswith("INSERT INTO") else ""
        if table and "SELECT" in statement:
            if table == "item_states":
                copied[STRANGERS] += cursor.rowcount
            if table == "annotation_whiteouts":
                copied[ALONE] += annotations
            annotations = cursor.rowcount

    event.listen(database.engine, "after_cursor_execute", note)
    try:
        yield copied
    finally:
        event.remove(database.engine, "after_cursor_execute", note)
