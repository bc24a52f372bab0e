"""What a merge lets the database copy, seen from outside: the statements that it sends."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import CursorResult

from gql_service.database.engine import Params, Tx

ALONE = "annotations changed alone"
STRANGERS = "items of strangers"
"""Also those of a ground that lies too deep."""


@dataclass(frozen=True, slots=True)
class Watched(Tx):
    """A transaction that counts the rows it copies without reading them, by kind."""

    copied: Counter[str]
    sizes: list[int]
    """Of the copies so far: covers come right behind the annotations that need them."""

    @staticmethod
    def of(tx: Tx, copied: Counter[str]) -> Watched:
        return Watched(tx.connection, tx.now, tx.actor, tx.snapshot, copied, [], growth=tx.growth)

    def execute(self, statement: sa.Executable, params: Params | None = None) -> CursorResult[Any]:
        if isinstance(statement, sa.Insert):
            statement = statement.execution_options(preserve_rowcount=True)
        result = super(Watched, self).execute(statement, params)
        if isinstance(statement, sa.Insert) and statement.select is not None:
            table = statement.entity_description["name"]
            if table == "item_states":
                self.copied[STRANGERS] += result.rowcount
            if table == "annotation_whiteouts":
                self.copied[ALONE] += self.sizes[-1] if self.sizes else 0
            self.sizes.append(result.rowcount)
        return result
