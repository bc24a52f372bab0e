"""Users, and acting as one, in a line each."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import sqlalchemy as sa

from gql_service.catalog.dataset import Dataset, Version
from gql_service.catalog.user import create_user
from gql_service.database.columns import table_of
from gql_service.database.engine import Database, Tx

T = TypeVar("T")


def new_user(database: Database, name: str) -> int:
    return database.write(lambda tx: create_user(tx, name, f"{name}@example.org"))


def do(database: Database, actor: int, work: Callable[..., T], *args: object, **kw: object) -> T:
    """`work(tx, *args, **kw)` as `actor`, committed."""
    return database.write(lambda tx: work(tx, *args, **kw), actor=actor)


def new_dataset(database: Database, actor: int, project: int, name: str, recipe: int) -> int:
    """The rows of an empty dataset at version 1, without the writer above this room."""

    def insert(tx: Tx) -> int:
        row = {
            "project": project,
            "name": name,
            "type": "MASTER",
            "head": 1,
            "creator": actor,
            "created_at": tx.now,
        }
        datasets = table_of(Dataset)
        dataset: int = tx.scalar(sa.insert(datasets).values(row).returning(datasets.c.id))
        counters = {column.name: 0 for column in table_of(Version).c if not column.nullable}
        version = counters | {
            "dataset": dataset,
            "number": 1,
            "operation": "CREATE",
            "message": None,
            "author": actor,
            "created_at": tx.now,
            "recipe": recipe,
            "recipe_revision": 1,
        }
        tx.execute(sa.insert(table_of(Version)).values(version))
        return dataset

    return database.write(insert)


def set_dataset(database: Database, dataset: int, **values: object) -> None:
    table = table_of(Dataset)
    database.write(
        lambda tx: tx.execute(sa.update(table).where(table.c.id == dataset).values(**values))
    )
