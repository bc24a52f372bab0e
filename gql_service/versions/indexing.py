"""The values of metadata indexes, written with the states that they are of.

Every transaction that writes states on a line writes the values of the line's indexes too, complete
or not, under the lock by which it may write on the line. What was there before is brought in by
`index_filling`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from gql_service.catalog.indexed_values import values_at
from gql_service.catalog.metadata_index import COMPLETE, DATASET_INDEXES, LINE_INDEXES, VALUES
from gql_service.catalog.visibility import ITEMS, View
from gql_service.database.columns import FOREVER
from gql_service.database.engine import Tx
from gql_service.database.plan import Prepared
from gql_service.database.sets import among_given

COLUMNS = ("state", "index", "kind", "number", "text", "since", "until")
Predicate = sa.ColumnElement[bool]

_INDEXED = Prepared(
    sa.select(LINE_INDEXES.c.id).where(LINE_INDEXES.c.line == sa.bindparam("line")).limit(1)
)


def expected_values(*, postgres: bool) -> sa.Select[Any]:
    """What the indexes of all lines have when they are complete, under the names of COLUMNS."""
    kind, number, text = values_at(ITEMS.c.metadata, LINE_INDEXES.c.path, postgres=postgres)
    made = (ITEMS.c.id, LINE_INDEXES.c.id, kind, number, text, ITEMS.c.since, ITEMS.c.until)
    named = [column.label(name) for column, name in zip(made, COLUMNS, strict=True)]
    states = LINE_INDEXES.join(ITEMS, ITEMS.c.line == LINE_INDEXES.c.line)
    return sa.select(*named).select_from(states).where(kind.is_not(None))


def filling(which: Predicate) -> dict[bool, Prepared]:
    """Statements that write the values of some states, where they are not yet; by whether they are
    for PostgreSQL."""

    def made(insert: Callable[[sa.Table], Any], *, postgres: bool) -> Prepared:
        rows = expected_values(postgres=postgres).where(which)
        statement = insert(VALUES).from_select(list(COLUMNS), rows)
        return Prepared(statement.on_conflict_do_nothing())

    return {
        True: made(postgresql.insert, postgres=True),
        False: made(sqlite.insert, postgres=False),
    }


_ON_LINE = LINE_INDEXES.c.line == sa.bindparam("line")
_LIVE_BY_KEY = filling(
    sa.and_(_ON_LINE, among_given(ITEMS.c.key, "keys"), ITEMS.c.until == FOREVER)
)
_BY_VERSION = filling(sa.and_(_ON_LINE, ITEMS.c.since == sa.bindparam("version")))
_KEYS_BETWEEN = filling(
    sa.and_(
        _ON_LINE,
        ITEMS.c.key > sa.bindparam("after", type_=sa.BigInteger()),
        ITEMS.c.key <= sa.bindparam("last", type_=sa.BigInteger()),
    )
)
_OF_INDEX = filling(
    sa.and_(
        LINE_INDEXES.c.id == sa.bindparam("of_index"),
        ITEMS.c.key > sa.bindparam("after", type_=sa.BigInteger()),
        ITEMS.c.key <= sa.bindparam("last", type_=sa.BigInteger()),
    )
)
_CLOSE = Prepared(
    sa.update(VALUES).where(among_given(VALUES.c.state, "ended")).values(until=sa.bindparam("at"))
)


def index_keys(tx: Tx, line: int, keys: Sequence[int]) -> None:
    """Writes the values of the live states of these keys, which were just written."""
    if tx.first(_INDEXED, {"line": line}) is not None:
        tx.run(_LIVE_BY_KEY[tx.postgres], {"line": line, "keys": keys})


def index_version(tx: Tx, line: int, version: int) -> None:
    """Writes the values of the states that a version has written on a line."""
    if tx.first(_INDEXED, {"line": line}) is not None:
        tx.run(_BY_VERSION[tx.postgres], {"line": line, "version": version})


def index_keys_between(tx: Tx, line: int, after: int, last: int) -> None:
    """Writes the values of the states, of any version, of the keys in (after, last]."""
    if last > after and tx.first(_INDEXED, {"line": line}) is not None:
        tx.run(_KEYS_BETWEEN[tx.postgres], {"line": line, "after": after, "last": last})


def fill_keys_between(tx: Tx, index: int, after: int, last: int) -> None:
    """Writes the values of one index of all states of the keys in (after, last]."""
    tx.run(_OF_INDEX[tx.postgres], {"of_index": index, "after": after, "last": last})


def close_values(tx: Tx, states: Sequence[int], at: int) -> None:
    """Ends values with their states."""
    tx.run(_CLOSE, {"ended": states, "at": at})


_DECLARED = Prepared(
    sa.select(DATASET_INDEXES.c.path).where(DATASET_INDEXES.c.dataset == sa.bindparam("dataset"))
)


def begin_indexes(tx: Tx, dataset: int, line: int) -> None:
    """Gives a line that has no states yet the indexes that the dataset has declared."""
    paths = [row.path for row in tx.rows(_DECLARED, {"dataset": dataset})]
    rows = [{"line": line, "path": path, "filled": COMPLETE} for path in paths]
    if rows:
        tx.execute(sa.insert(LINE_INDEXES), rows)


def inherit_indexes(tx: Tx, dataset: int, line: int, base: View) -> None:
    """Declares of a dataset that lies on another what that one has declared, at no cost but a row
    or two for each path: the values are those of the lines it lies on."""
    declared = tx.rows(_DECLARED, {"dataset": base.dataset})
    if not declared or not any(sheet.metadata for sheet in base.sheets):
        return
    rows = [
        {"dataset": dataset, "path": row.path, "creator": tx.actor, "created_at": tx.now}
        for row in declared
    ]
    tx.execute(sa.insert(DATASET_INDEXES), rows)
    begin_indexes(tx, dataset, line)
