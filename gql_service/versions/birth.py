"""How a dataset begins: its row, its line, what it lies over, and the draft of its version 1."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from gql_service.catalog.dataset import DatasetType, Operation
from gql_service.catalog.dataset_source import DatasetSource
from gql_service.catalog.visibility import DATASETS, LAYERS, LINES, Sheet, View
from gql_service.database.columns import FOREVER, table_of
from gql_service.database.engine import Tx
from gql_service.database.plan import Prepared
from gql_service.errors import NameTaken
from gql_service.versions.counting import LABEL_COUNTS, Counters, Tally
from gql_service.versions.draft import VERSION_ROW, Draft
from gql_service.versions.indexing import inherit_indexes

SOURCES = table_of(DatasetSource)
_NEW_DATASET = Prepared(sa.insert(DATASETS).returning(DATASETS.c.id))
_NEW_LINE = Prepared(sa.insert(LINES).returning(LINES.c.id))
_NEW_LAYERS = Prepared(sa.insert(LAYERS))
_NEW_SOURCES = Prepared(sa.insert(SOURCES))
_NAMED = Prepared(
    sa.select(DATASETS.c.id).where(
        DATASETS.c.project == sa.bindparam("project"),
        DATASETS.c.name == sa.bindparam("name"),
        DATASETS.c.deleted_at.is_(None),
    )
)
_INHERIT_LABELS = Prepared(
    sa.insert(LABEL_COUNTS).from_select(
        ["dataset", "since", "until", "label", "annotations"],
        sa.select(
            sa.bindparam("heir", type_=sa.BigInteger()),
            sa.literal(1, sa.BigInteger()),
            sa.literal(FOREVER, sa.BigInteger()),
            LABEL_COUNTS.c.label,
            LABEL_COUNTS.c.annotations,
        ).where(
            LABEL_COUNTS.c.dataset == sa.bindparam("below"),
            LABEL_COUNTS.c.since <= sa.bindparam("version"),
            LABEL_COUNTS.c.until > sa.bindparam("version"),
        ),
    )
)


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
    line = tx.scalar(_NEW_LINE, {"dataset": dataset, "born": 1, "current": True})
    if sources:
        add_sources(tx, dataset, 1, sources)
    below = base.sheets if base else ()
    if below:
        tx.run(_NEW_LAYERS, [_layer(line, depth, s) for depth, s in enumerate(below, 1)])
    if base:
        inherit_indexes(tx, dataset, line, base)
    tally = Tally(_inherit_counters(tx, dataset, base) if base else Counters())
    view = View(dataset, 1, True, (Sheet(line, 1), *below))
    return Draft(tx, view, 1, operation, message, recipe, tally, force=True)


def add_sources(tx: Tx, dataset: int, since: int, sources: Sequence[tuple[int, int]]) -> None:
    """Records what version `since` of a dataset took in: (source, version), in order."""
    taken = 0
    if since > 1:
        rows = sa.select(sa.func.count()).select_from(SOURCES)
        taken = tx.scalar(rows.where(SOURCES.c.dataset == dataset))
    tx.run(
        _NEW_SOURCES,
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
        dataset: int = tx.scalar(_NEW_DATASET, row)
    return dataset


@contextmanager
def refuse_taken_name(tx: Tx, project: int, name: str) -> Iterator[None]:
    """Raises NameTaken when a live dataset has the name, or is given it while we write."""
    require_free_name(tx, project, name)
    try:
        yield
    except IntegrityError as lost:  # another transaction took the name since we looked
        raise _name_taken() from lost


def require_free_name(tx: Tx, project: int, name: str) -> None:
    """Raises NameTaken when a live dataset of the project has the name."""
    if tx.first(_NAMED, {"project": project, "name": name}) is not None:
        raise _name_taken()


def _name_taken() -> NameTaken:
    return NameTaken("Dataset with the same name already exists", path=("name",))


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
    row = tx.first(VERSION_ROW, {"dataset": base.dataset, "number": base.version})
    assert row is not None, "a view of a version that is not there"
    if not base.sheets[0].annotations:
        return Counters(items=row.items)
    tx.run(_INHERIT_LABELS, {"heir": dataset, "below": base.dataset, "version": base.version})
    return Counters(
        items=row.items,
        annotated_items=row.annotated_items,
        annotations=row.annotations,
    )
