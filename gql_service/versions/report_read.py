"""What merges and clones decided, read again: the sums, the conflicts, the changed paths."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from gql_service.catalog.json_text import parse
from gql_service.database.engine import Tx
from gql_service.database.sets import among
from gql_service.versions.paths import PathChange
from gql_service.versions.report import CONFLICTS, RENAMES, REPORTS, ConflictRecord, Point


@dataclass(frozen=True, slots=True)
class ReportRecord:
    """The sums of a merge; `outcome` is COMBINED, SUMMED or MIXED."""

    outcome: str
    unified: int
    summed: int


def merge_reports(tx: Tx, points: Collection[Point]) -> dict[Point, ReportRecord]:
    """The reports of those versions that a merge made."""
    rows = tx.rows(
        sa.select(REPORTS).where(
            among(REPORTS.c.dataset, {dataset for dataset, _ in points}),
            among(REPORTS.c.version, {version for _, version in points}),
        )
    )
    found = {
        (row.dataset, row.version): ReportRecord(row.outcome, row.unified, row.summed)
        for row in rows
    }
    return {point: found[point] for point in points if point in found}


def conflicts_of(
    tx: Tx, point: Point, *, after: int = -1, limit: int, unresolved: bool = False
) -> list[ConflictRecord]:
    """Up to `limit` conflicts of the merge that made a version, behind the position `after`."""
    rows = tx.rows(
        sa.select(CONFLICTS)
        .where(_of(point, unresolved), CONFLICTS.c.position > after)
        .order_by(CONFLICTS.c.position)
        .limit(limit)
    )
    return [_conflict(row) for row in rows]


def open_conflicts(tx: Tx, point: Point) -> list[ConflictRecord]:
    """All conflicts of the merge that made a version and that nobody has decided yet."""
    rows = tx.rows(sa.select(CONFLICTS).where(_of(point, True)).order_by(CONFLICTS.c.position))
    return [_conflict(row) for row in rows]


def conflicts_at(tx: Tx, point: Point, positions: Sequence[int]) -> dict[int, ConflictRecord]:
    """The conflicts at these positions; absent ones are left out."""
    rows = tx.rows(
        sa.select(CONFLICTS).where(_of(point, False), among(CONFLICTS.c.position, positions))
    )
    return {row.position: _conflict(row) for row in rows}


def count_conflicts(tx: Tx, point: Point, *, unresolved: bool = False) -> int:
    """How many conflicts the merge that made a version had, or has open."""
    count: int = tx.scalar(
        sa.select(sa.func.count()).select_from(CONFLICTS).where(_of(point, unresolved))
    )
    return count


def _of(point: Point, unresolved: bool) -> sa.ColumnElement[bool]:
    c = CONFLICTS.c
    of = sa.and_(c.dataset == point[0], c.version == point[1])
    return sa.and_(of, c.resolved.is_(None)) if unresolved else of


def renames_of(tx: Tx, points: Collection[Point]) -> dict[Point, list[PathChange]]:
    """The paths that the clone or merge which made a version had to change, by path given."""
    rows = tx.rows(
        sa.select(RENAMES)
        .where(
            among(RENAMES.c.dataset, {dataset for dataset, _ in points}),
            among(RENAMES.c.version, {version for _, version in points}),
        )
        .order_by(RENAMES.c.given, RENAMES.c.item)
    )
    found: dict[Point, list[PathChange]] = {point: [] for point in points}
    for row in rows:
        if (row.dataset, row.version) in found:
            change = PathChange(row.item, row.wanted, row.given)
            found[row.dataset, row.version].append(change)
    return found


def _conflict(row: sa.Row[Any]) -> ConflictRecord:
    return ConflictRecord(
        row.position,
        row.item,
        row.annotation,
        row.field,
        _value(row.base),
        _value(row.left_value),
        _value(row.right_value),
        (row.left_dataset, row.left_version),
        (row.right_dataset, row.right_version),
        _value(row.chosen),
        row.resolved,
    )


def _value(text: str | None) -> Any:
    return None if text is None else parse(text)
