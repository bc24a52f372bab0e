"""What a check of the store can find."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from gql_service.database.engine import Tx

EXAMPLES = 3


@dataclass(frozen=True, slots=True)
class Finding:
    """One invariant that does not hold, and where; `damaged` is the key of a bad object."""

    invariant: str
    detail: str
    damaged: str | None = None


def no_rows(
    tx: Tx, statement: sa.Select[Any], invariant: str, where: str = ""
) -> Iterator[Finding]:
    """A finding, with a few examples, when the statement has an answer."""
    rows = tx.rows(statement.limit(EXAMPLES))
    if rows:
        detail = ", ".join(str(tuple(row)) for row in rows)
        yield Finding(invariant, f"{where}: {detail}" if where else detail)
