"""What a merge or a clone decided, kept beside the version it made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson
import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from gql_service.catalog.binary import Binary
from gql_service.database.columns import table_of
from gql_service.database.engine import Tx
from gql_service.database.sets import among
from gql_service.versions.merge_rules import Conflict
from gql_service.versions.paths import PathChange

BINARIES = table_of(Binary)
Point = tuple[int, int]
"""A (dataset, version)."""


@dataclass(frozen=True, slots=True)
class ConflictRecord:
    """One conflict of a merge, as it is told: values are JSON values, binaries their SHA-256,
    sources are (dataset, version). `resolved` is the version in which it was decided."""

    position: int
    item: int
    annotation: int | None
    field: str
    base: Any
    left: Any
    right: Any
    left_source: Point
    right_source: Point
    chosen: Any
    resolved: int | None = None


class MergeReportRow(SQLModel, table=True):
    """The sums of a merge: outcome is COMBINED, SUMMED or MIXED."""

    __tablename__ = "merge_reports"

    dataset: int = Field(sa_type=sa.BigInteger, foreign_key="datasets.id", primary_key=True)
    version: int = Field(sa_type=sa.BigInteger, primary_key=True)
    outcome: str
    unified: int = Field(sa_type=sa.BigInteger)
    summed: int = Field(sa_type=sa.BigInteger)


class ConflictRow(SQLModel, table=True):
    """One conflict of a merge. Values are JSON texts; sources are (dataset, version). `resolved` is
    the version in which somebody decided it."""

    __tablename__ = "merge_conflicts"

    dataset: int = Field(sa_type=sa.BigInteger, foreign_key="datasets.id", primary_key=True)
    version: int = Field(sa_type=sa.BigInteger, primary_key=True)
    position: int = Field(primary_key=True)
    item: int = Field(sa_type=sa.BigInteger)
    annotation: int | None = Field(default=None, sa_type=sa.BigInteger)
    field: str
    base: str | None = None
    left: str | None = Field(default=None, sa_column=sa.Column("left_value", sa.Text()))
    right: str | None = Field(default=None, sa_column=sa.Column("right_value", sa.Text()))
    left_dataset: int = Field(sa_type=sa.BigInteger)
    left_version: int = Field(sa_type=sa.BigInteger)
    right_dataset: int = Field(sa_type=sa.BigInteger)
    right_version: int = Field(sa_type=sa.BigInteger)
    chosen: str | None = None
    resolved: int | None = Field(default=None, sa_type=sa.BigInteger)


class RenameRow(SQLModel, table=True):
    """A path that a clone or merge had to change, because another item had it."""

    __tablename__ = "path_changes"

    dataset: int = Field(sa_type=sa.BigInteger, foreign_key="datasets.id", primary_key=True)
    version: int = Field(sa_type=sa.BigInteger, primary_key=True)
    item: int = Field(sa_type=sa.BigInteger, primary_key=True)
    wanted: str
    given: str


RENAMES = table_of(RenameRow)
REPORTS = table_of(MergeReportRow)
CONFLICTS = table_of(ConflictRow)


def keep_merge_report(
    tx: Tx,
    dataset: int,
    version: int,
    *,
    outcome: str,
    unified: int,
    summed: int,
    conflicts: Sequence[ConflictRecord],
    renamed: Sequence[PathChange],
) -> None:
    """Keeps what a merge decided beside the version it made, to be read again."""
    point = {"dataset": dataset, "version": version}
    tx.execute(
        sa.insert(REPORTS), {**point, "outcome": outcome, "unified": unified, "summed": summed}
    )
    keep_renames(tx, dataset, version, renamed)
    if conflicts:
        tx.execute(sa.insert(CONFLICTS), [{**point, **_row(one)} for one in conflicts])


def _row(conflict: ConflictRecord) -> dict[str, Any]:
    left, right = conflict.left_source, conflict.right_source
    values = {
        "base": conflict.base,
        "left_value": conflict.left,
        "right_value": conflict.right,
        "chosen": conflict.chosen,
    }
    return {
        "position": conflict.position,
        "item": conflict.item,
        "annotation": conflict.annotation,
        "field": conflict.field,
        **{name: orjson.dumps(value).decode() for name, value in values.items()},
        "left_dataset": left[0],
        "left_version": left[1],
        "right_dataset": right[0],
        "right_version": right[1],
    }


def told(tx: Tx, conflicts: Sequence[Conflict], sources: Sequence[Point]) -> list[ConflictRecord]:
    """Conflicts as they are told, in their order. `sources` are those of the merge."""
    digests = _digests(tx, conflicts)

    def shown(field: str, value: Any) -> Any:
        return digests.get(value) if field == "binary" else value

    return [
        ConflictRecord(
            position,
            one.item,
            one.annotation,
            one.field,
            shown(one.field, one.base),
            shown(one.field, one.left),
            shown(one.field, one.right),
            sources[one.left_source],
            sources[one.right_source],
            shown(one.field, one.chosen),
        )
        for position, one in enumerate(conflicts)
    ]


def _digests(tx: Tx, conflicts: Sequence[Conflict]) -> dict[int, str]:
    """Binaries are told by their SHA-256: their numbers mean nothing outside the database."""
    numbers = {
        value
        for one in conflicts
        if one.field == "binary"
        for value in (one.base, one.left, one.right, one.chosen)
        if value is not None
    }
    rows = tx.rows(sa.select(BINARIES.c.id, BINARIES.c.sha256).where(among(BINARIES.c.id, numbers)))
    return {row.id: row.sha256 for row in rows}


def keep_renames(tx: Tx, dataset: int, version: int, renamed: Sequence[PathChange]) -> None:
    """Keeps the path changes of a version, to be read again."""
    if renamed:
        tx.execute(
            sa.insert(RENAMES),
            [
                {
                    "dataset": dataset,
                    "version": version,
                    "item": change.item,
                    "wanted": change.wanted,
                    "given": change.given,
                }
                for change in renamed
            ],
        )
