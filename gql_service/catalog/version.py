"""Versions as read: who did what and when, and what a dataset counted then."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from gql_service.catalog.dataset import VERSIONS, LabelCount, Operation
from gql_service.database.columns import table_of
from gql_service.database.engine import Tx
from gql_service.database.plan import Prepared
from gql_service.database.sets import among, among_given
from gql_service.errors import VersionExpired

LABEL_COUNTS = table_of(LabelCount)


@dataclass(frozen=True, slots=True)
class VersionRecord:
    """A version as read, with its final counters; what it showed is gone since `expired_at`."""

    dataset: int
    number: int
    operation: Operation
    message: str | None
    author: int
    created_at: datetime
    recipe: int
    recipe_revision: int
    items: int
    annotated_items: int
    annotations: int
    items_added: int
    items_modified: int
    items_removed: int
    annotations_added: int
    annotations_modified: int
    annotations_removed: int
    expired_at: datetime | None


def version_columns() -> list[sa.Column[Any]]:
    """What `version_record` reads."""
    return [VERSIONS.c[name] for name in VersionRecord.__slots__]


_BY_NUMBER = Prepared(
    sa.select(*version_columns()).where(
        among_given(VERSIONS.c.dataset, "datasets"), among_given(VERSIONS.c.number, "numbers")
    )
)

_NEXT_READABLE = Prepared(
    sa.select(sa.func.min(VERSIONS.c.number)).where(
        VERSIONS.c.dataset == sa.bindparam("dataset"),
        VERSIONS.c.number > sa.bindparam("number"),
        VERSIONS.c.expired_at.is_(None),
    )
)


def versions_by_number(
    tx: Tx, wanted: Collection[tuple[int, int]]
) -> dict[tuple[int, int], VersionRecord]:
    """The versions (dataset, number) that exist, whoever asks."""
    datasets, numbers = {dataset for dataset, _ in wanted}, {number for _, number in wanted}
    rows = tx.rows(_BY_NUMBER, {"datasets": list(datasets), "numbers": list(numbers)})
    found = {(row.dataset, row.number): version_record(row) for row in rows}
    return {pair: found[pair] for pair in wanted if pair in found}


_EXPIRED = Prepared(
    sa.select(VERSIONS.c.dataset, VERSIONS.c.number).where(
        among_given(VERSIONS.c.dataset, "datasets"), VERSIONS.c.expired_at.is_not(None)
    )
)
_HAS_EXPIRED = Prepared(
    sa.select(VERSIONS.c.number).where(
        VERSIONS.c.dataset == sa.bindparam("dataset"),
        VERSIONS.c.number == sa.bindparam("number"),
        VERSIONS.c.expired_at.is_not(None),
    )
)


def refuse_expired(
    tx: Tx,
    dataset: int,
    version: int,
    *,
    head: int,
    kept_from: int | None,
    path: Sequence[str | int] = (),
) -> None:
    """Raises VersionExpired when a version is not kept; `kept_from` is of the dataset's row, and
    spares the question for what is newer."""
    if has_expired(tx, dataset, version, kept_from=kept_from):
        raise VersionExpired(version, head, path=path)


def has_expired(tx: Tx, dataset: int, version: int, *, kept_from: int | None) -> bool:
    """Whether what a version showed is not kept any more."""
    if kept_from is None or version >= kept_from:
        return False
    return tx.first(_HAS_EXPIRED, {"dataset": dataset, "number": version}) is not None


def next_readable(tx: Tx, dataset: int, version: int, *, kept_from: int | None) -> int:
    """The first version after this one, which is not the head, that has not expired."""
    if kept_from is None or version + 1 >= kept_from:
        return version + 1
    given = {"dataset": dataset, "number": version}
    number: int = tx.scalar(_NEXT_READABLE, given)
    return number


def expired_versions(tx: Tx, datasets: Collection[int]) -> set[tuple[int, int]]:
    """Which (dataset, version) of these datasets are not kept any more."""
    rows = tx.rows(_EXPIRED, {"datasets": list(datasets)}) if datasets else ()
    return {(row.dataset, row.number) for row in rows}


def version_at(tx: Tx, dataset: int, moment: datetime) -> int | None:
    """The number of the version that was the head at a moment; None before the first one."""
    number: int | None = tx.scalar(
        sa.select(sa.func.max(VERSIONS.c.number)).where(
            VERSIONS.c.dataset == dataset, VERSIONS.c.created_at <= moment
        )
    )
    return number


def label_counts(
    tx: Tx, wanted: Collection[tuple[int, int]]
) -> dict[tuple[int, int], list[tuple[str, int]]]:
    """How many annotations carry each label at each (dataset, version), by label."""
    counted: dict[tuple[int, int], list[tuple[str, int]]] = {pair: [] for pair in wanted}
    numbers = [number for _, number in wanted]
    rows = tx.rows(
        sa.select(LABEL_COUNTS)
        .where(
            among(LABEL_COUNTS.c.dataset, {dataset for dataset, _ in wanted}),
            LABEL_COUNTS.c.since <= max(numbers, default=0),
            LABEL_COUNTS.c.until > min(numbers, default=0),
        )
        .order_by(LABEL_COUNTS.c.label)
    )
    for dataset, number in counted:
        for row in rows:
            if row.dataset == dataset and row.since <= number < row.until:
                counted[dataset, number].append((row.label, row.annotations))
    return counted


def version_record(row: sa.Row[Any]) -> VersionRecord:
    """The version in a row that has `version_columns`, perhaps among others."""
    values = {name: row._mapping[name] for name in VersionRecord.__slots__}
    return VersionRecord(**{**values, "operation": Operation(values["operation"])})
