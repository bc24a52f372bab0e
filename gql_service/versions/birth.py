"""How a dataset begins: its row, its line, what it lies over, and the draft of its version 1."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from gql_service.catalog.dataset import (
    DatasetSource,
    DatasetType,
    Operation,
)
from gql_service.catalog.visibility import DATASETS, LAYERS, LINES, Sheet, View
from gql_service.database.columns import FOREVER, table_of
from gql_service.database.engine import Tx
from gql_service.errors import NameTaken
from gql_service.versions.counting import LABEL_COUNTS, Counters, Tally
from gql_service.versions.draft import VERSIONS, Draft

SOURCES = table_of(DatasetSource)
MAX_LAYERS = 8
"""Deepest pile that a whole clone may lie on; beyond it, PostgreSQL plans reads slowly."""


def begin_dataset(
    tx: Tx,
    *,
    project: int,
    name: str,
    kind: DatasetType,
    recipe: int,
    operation: Operation,
    message: str | None = None,
    sources: Sequence[tuple[int, int]] = (),
    base: View | None = None,
) -> Draft:
    """The draft of version 1 of a new dataset, invisible until it is published.

    Over `base`, it shows what that view shows from the start, at the cost of a row per sheet.
    Raises NameTaken, also when another transaction takes the name first.
    """
    dataset = _insert_dataset(tx, project, name, kind)
    line = tx.scalar(sa.insert(LINES).returning(LINES.c.id), {"dataset": dataset, "born": 1})
    if sources:
        add_sources(tx, dataset, 1, sources)
    below = base.sheets if base else ()
    if below:
        tx.execute(sa.insert(LAYERS), [_layer(line, depth, s) for depth, s in enumerate(below, 1)])
    tally = Tally(_inherit_counters(tx, dataset, base) if base else Counters())
    view = View(dataset, 1, True, (Sheet(line, 1), *below))
    return Draft(tx, view, 1, operation, message, recipe, tally, force=True)


def add_sources(tx: Tx, dataset: int, since: int, sources: Sequence[tuple[int, int]]) -> None:
    """Records what version `since` of a dataset took in: (source, version), in order."""
    taken = 0
    if since > 1:
        rows = sa.select(sa.func.count()).select_from(SOURCES)
        taken = tx.scalar(rows.where(SOURCES.c.dataset == dataset))
    tx.execute(
        sa.insert(SOURCES),
        [
            {
                "dataset": dataset,
                "position": position,
                "source": source,
                "source_version": version,
                "since": since,
            }
            for position, (source, version) in enumerate(sources, taken)
        ],
    )


def _insert_dataset(tx: Tx, project: int, name: str, kind: DatasetType) -> int:
    row = {
        "project": project,
        "name": name,
        "type": kind.value,
        "head": 0,
        "creator": tx.actor,
        "created_at": tx.now,
    }
    with refuse_taken_name(tx, project, name):
        dataset: int = tx.scalar(sa.insert(DATASETS).returning(DATASETS.c.id), row)
    return dataset


@contextmanager
def refuse_taken_name(tx: Tx, project: int, name: str) -> Iterator[None]:
    """Raises NameTaken when a live dataset has the name, or is given it while we write."""
    taken = sa.select(DATASETS.c.id).where(
        DATASETS.c.project == project, DATASETS.c.name == name, DATASETS.c.deleted_at.is_(None)
    )
    refusal = NameTaken("Dataset with the same name already exists", path=("name",))
    if tx.first(taken) is not None:
        raise refusal
    try:
        yield
    except IntegrityError as lost:  # another transaction took the name since we looked
        raise refusal from lost


def _layer(line: int, depth: int, sheet: Sheet) -> dict[str, Any]:
    return {
        "line": line,
        "below": sheet.line,
        "depth": depth,
        "at": sheet.at,
        "with_annotations": sheet.annotations,
        "with_metadata": sheet.metadata,
        "with_status": sheet.status,
    }


def _inherit_counters(tx: Tx, dataset: int, base: View) -> Counters:
    """The counters of what `base` shows, per label too; masked annotations count as none."""
    row = tx.first(
        sa.select(VERSIONS).where(
            VERSIONS.c.dataset == base.dataset, VERSIONS.c.number == base.version
        )
    )
    assert row is not None, "a view of a version that is not there"
    if not base.sheets[0].annotations:
        return Counters(items=row.items)
    counts = LABEL_COUNTS
    tx.execute(
        sa.insert(counts).from_select(
            ["dataset", "since", "until", "label", "annotations"],
            sa.select(
                sa.literal(dataset, sa.BigInteger()),
                sa.literal(1, sa.BigInteger()),
                sa.literal(FOREVER, sa.BigInteger()),
                counts.c.label,
                counts.c.annotations,
            ).where(
                counts.c.dataset == base.dataset,
                counts.c.since <= base.version,
                counts.c.until > base.version,
            ),
        )
    )
    return Counters(
        items=row.items,
        annotated_items=row.annotated_items,
        annotations=row.annotations,
    )
