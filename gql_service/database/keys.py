"""Lineage keys: numbers that are unique in the whole database and say "the same thing".

Items, annotations and batches of filtered clones draw from one well, before their rows are
written, so that rows can name one another. On PostgreSQL a sequence hands out blocks, because a
counter row would make every writer wait for every other; the rest of a block is left unused.
"""

from __future__ import annotations

import sqlalchemy as sa

from gql_service.database.engine import Tx
from gql_service.database.plan import Prepared

BLOCK = 256
"""Keys a value of the PostgreSQL sequence stands for; also written in the first migration."""


_DRAW = Prepared(sa.text("SELECT nextval('lineage_key') FROM generate_series(1, :n)"))
_COUNT_ON = Prepared(sa.text("UPDATE lineage_key SET next = next + :n RETURNING next"))


def take_keys(tx: Tx, count: int) -> list[int]:
    """`count` fresh keys, ascending. No committed row ever shares one with another thing."""
    if count == 0:
        return []
    if tx.postgres:
        blocks = -(-count // BLOCK)
        drawn = tx.rows(_DRAW, {"n": blocks})
        keys = [row[0] * BLOCK + step for row in sorted(drawn) for step in range(BLOCK)]
        return keys[:count]
    end: int = tx.scalar(_COUNT_ON, {"n": count})
    return list(range(end - count, end))
