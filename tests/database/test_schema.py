"""The migrated tables are those of the row classes, on both databases, to the last constraint."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy.engine import Dialect
from sqlmodel import SQLModel

from gql_service.database import migrate
from gql_service.database.engine import Database, begun

NOT_ROW_CLASSES = {"alembic_version", "lineage_key"}


def test_alembic_sees_no_difference_to_the_row_classes(database: Database) -> None:
    def ours(_object: Any, name: str | None, type_: str, *_: Any) -> bool:
        return type_ != "table" or name not in NOT_ROW_CLASSES

    with database.read() as tx:
        options = {"compare_server_default": True, "include_object": ours}
        context = MigrationContext.configure(tx.connection, opts=options)
        assert compare_metadata(context, SQLModel.metadata) == []


def test_the_database_describes_itself_as_the_row_classes_do(empty_database: Database) -> None:
    migrate.upgrade(empty_database)
    migrated = described(empty_database)
    with empty_database.engine.connect() as connection, begun(connection, write=True):
        SQLModel.metadata.drop_all(connection)
        SQLModel.metadata.create_all(connection)

    made = described(empty_database)

    assert sorted(migrated - made) == sorted(made - migrated) == []


def described(database: Database) -> set[str]:
    """All that the database tells about its tables: a line per column, constraint and index."""
    inspector = sa.inspect(database.engine)
    things = {f"{table} never reuses an id" for table in numbered_for_ever(database)}
    for table in set(inspector.get_table_names()) - NOT_ROW_CLASSES:
        for kind, found in {
            "column": inspector.get_columns(table),
            "primary key": [inspector.get_pk_constraint(table)],
            "foreign key": inspector.get_foreign_keys(table),
            "unique": inspector.get_unique_constraints(table),
            "check": inspector.get_check_constraints(table),
            "index": inspector.get_indexes(table),
        }.items():
            things |= {f"{table} {kind} {as_text(one, database.engine.dialect)}" for one in found}
    return things


def numbered_for_ever(database: Database) -> set[str]:
    """SQLite's tables that never give the id of a deleted row to another."""
    if database.dialect == "postgresql":
        return set()
    statement = "SELECT name FROM sqlite_master WHERE type = 'table' AND sql LIKE '%AUTOINCREMENT%'"
    with database.read() as tx:
        return {row[0] for row in tx.rows(sa.text(statement))}


def as_text(value: Any, dialect: Dialect) -> str:
    if isinstance(value, dict):
        pairs = [f"{name}: {as_text(inner, dialect)}" for name, inner in sorted(value.items())]
        return "{" + ", ".join(pairs) + "}"
    if isinstance(value, sa.types.TypeEngine):
        return value.compile(dialect)
    return str(value)


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)  # SQLite knows no other order
def test_paths_and_labels_sort_by_their_bytes(database: Database) -> None:
    columns = {
        (table, column["name"]): column["type"].collation
        for table in ("item_states", "annotation_states", "label_counts")
        for column in sa.inspect(database.engine).get_columns(table)
        if column["name"] in ("path", "label")
    }
    assert columns == {
        ("item_states", "path"): "C",
        ("annotation_states", "label"): "C",
        ("label_counts", "label"): "C",
    }
