"""What datasets were made from, and what has been cloned into them since."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from gql_service.database.columns import table_of
from gql_service.database.engine import Tx
from gql_service.database.sets import among


class DatasetSource(SQLModel, table=True):
    """What a dataset was made from, in order; a clone into it adds one."""

    __tablename__ = "dataset_sources"

    dataset: int = Field(sa_type=sa.BigInteger, foreign_key="datasets.id", primary_key=True)
    position: int = Field(primary_key=True)
    source: int = Field(sa_type=sa.BigInteger, foreign_key="datasets.id", index=True)
    source_version: int = Field(sa_type=sa.BigInteger)
    since: int = Field(sa_type=sa.BigInteger)
    """The version of `dataset` that took it in."""


SOURCES = table_of(DatasetSource)


def sources_of(
    tx: Tx, wanted: Collection[tuple[int, int]]
) -> dict[tuple[int, int], list[tuple[int, int]]]:
    """What each (dataset, version) was made from: (source, version), in the order taken in."""
    rows = tx.rows(
        sa.select(SOURCES)
        .where(among(SOURCES.c.dataset, {dataset for dataset, _ in wanted}))
        .order_by(SOURCES.c.dataset, SOURCES.c.position)
    )
    taken: dict[tuple[int, int], list[tuple[int, int]]] = {pair: [] for pair in wanted}
    by_dataset: dict[int, list[sa.Row[Any]]] = {}
    for row in rows:
        by_dataset.setdefault(row.dataset, []).append(row)
    for dataset, version in taken:
        for row in by_dataset.get(dataset, ()):
            if row.since <= version:
                taken[dataset, version].append((row.source, row.source_version))
    return taken
