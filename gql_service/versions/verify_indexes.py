"""What must hold of metadata indexes: each has exactly what the states of its line say."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa

from gql_service.catalog.finding import EXAMPLES, Finding
from gql_service.catalog.metadata_index import COMPLETE, LINE_INDEXES, VALUES
from gql_service.catalog.visibility import ITEMS
from gql_service.database.engine import Tx
from gql_service.versions.indexing import COLUMNS, expected_values


def index_findings(tx: Tx) -> Iterator[Finding]:
    """Every finding about the indexes of all lines."""
    for invariant, statement in _QUESTIONS[tx.postgres]:
        rows = tx.rows(statement)
        if rows:
            yield Finding(invariant, ", ".join(str(tuple(row)) for row in rows))


def _questions(*, postgres: bool) -> tuple[tuple[str, sa.Select[Any]], ...]:
    expected = expected_values(postgres=postgres).subquery("expected")
    same = [VALUES.c[name] == expected.c[name] for name in COLUMNS]
    both = sa.exists().where(*same)
    place = (LINE_INDEXES.c.path, expected.c.state)
    of_index = LINE_INDEXES.c.id == expected.c["index"]
    filled = expected.join(LINE_INDEXES, of_index).join(ITEMS, ITEMS.c.id == expected.c.state)
    missing = (
        sa.select(*place)
        .select_from(filled)
        .where(ITEMS.c.key <= LINE_INDEXES.c.filled, ~both.correlate(expected))
    )
    stray = sa.select(VALUES.c["index"], VALUES.c.state).where(~both.correlate(VALUES))
    unknown = sa.select(LINE_INDEXES.c.id).where(
        sa.or_(LINE_INDEXES.c.filled < 0, LINE_INDEXES.c.filled > COMPLETE)
    )
    return (
        ("an index has the values of all states that it has come to", missing.limit(EXAMPLES)),
        ("an index has no values but those of the states of its line", stray.limit(EXAMPLES)),
        ("an index is filled up to a key", unknown.limit(EXAMPLES)),
    )


_QUESTIONS = {dialect: _questions(postgres=dialect) for dialect in (True, False)}
