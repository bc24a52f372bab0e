"""Inserting a row whose name another transaction may be taking at the same moment."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from gql_service.database.engine import Tx


def insert_unless_taken(
    tx: Tx, table: sa.Table, row: Mapping[str, Any], key: sa.Column[int]
) -> int | None:
    """The `key` of the inserted row; None when a unique value of it is in the table already.

    Looking first and inserting then would leave room between the two; here the database decides,
    waiting for a concurrent writer of the same value, and the transaction stays usable.
    """
    insert = postgresql.insert if tx.postgres else sqlite.insert
    statement = insert(table).values(**row).on_conflict_do_nothing().returning(key)
    inserted: int | None = tx.scalar(statement)
    return inserted
