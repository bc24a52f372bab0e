"""The end of a history: every version of every dataset is compared, and all counters."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from gql_service.catalog.dataset import LabelCount, Version
from gql_service.database.columns import table_of
from gql_service.database.engine import Tx
from gql_service.database.sets import among
from tests.oracle.counters import changes, counters
from tests.oracle.model import Snapshot
from tests.versions.agreeing import agree
from tests.versions.pairing import Pairing
from tests.versions.twin import Twin

VERSIONS = table_of(Version)
LABEL_COUNTS = table_of(LabelCount)
EMPTY = Snapshot({}, {}, frozenset(), 0, "")


def compare_everything(twin: Twin) -> None:
    """Every readable version of every dataset that is not purged, and the counters of all."""
    with twin.database.read() as tx:
        numbers = _version_rows(tx, twin.pairing)
        labels = _label_counts(tx, twin.pairing)
        for dataset in twin.world.datasets:
            if dataset.number in twin.purged:
                continue
            number = twin.id(dataset.number)
            versions = range(1, dataset.head + 1)
            readable = [(dataset.number, version) for version in dataset.readable()]
            twin.pairing.compare(tx, readable)
            before = EMPTY
            agree(
                sorted(v for d, v in numbers if d == number),
                list(versions),
                f"dataset {dataset.number}: versions",
            )
            for version in versions:
                snapshot = dataset.then(version)
                _compare_counters(
                    twin,
                    numbers[number, version],
                    {
                        row.label: row.annotations
                        for row in labels.get(number, ())
                        if row.since <= version < row.until
                    },
                    before,
                    snapshot,
                    f"dataset {dataset.number} at version {version}",
                )
                before = snapshot
            gone = {n for (d, n), row in numbers.items() if d == number and row.expired_at}
            agree(gone, dataset.expired, f"dataset {dataset.number}: expired versions")


def _version_rows(tx: Tx, pairing: Pairing) -> dict[tuple[int, int], sa.Row[Any]]:
    rows = tx.rows(sa.select(VERSIONS).where(among(VERSIONS.c.dataset, pairing.datasets)))
    return {(row.dataset, row.number): row for row in rows}


def _label_counts(tx: Tx, pairing: Pairing) -> dict[int, list[sa.Row[Any]]]:
    rows = tx.rows(sa.select(LABEL_COUNTS).where(among(LABEL_COUNTS.c.dataset, pairing.datasets)))
    found: dict[int, list[sa.Row[Any]]] = {}
    for row in rows:
        found.setdefault(row.dataset, []).append(row)
    return found


def _compare_counters(
    twin: Twin,
    row: sa.Row[Any],
    labels: dict[str, int],
    before: Snapshot,
    snapshot: Snapshot,
    where: str,
) -> None:
    expected = counters(snapshot)
    changed = changes(before, snapshot)
    got = (row.items, row.annotated_items, row.annotations, labels)
    agree(
        got,
        (expected.items, expected.annotated_items, expected.annotations, expected.labels),
        f"{where}: items, annotated items, annotations, labels",
    )
    agree(
        (row.items_added, row.items_modified, row.items_removed),
        changed.items,
        f"{where}: items added, modified, removed",
    )
    agree(
        (row.annotations_added, row.annotations_modified, row.annotations_removed),
        changed.annotations,
        f"{where}: annotations added, modified, removed",
    )
    agree(row.recipe, twin.stage.recipes[snapshot.recipe], f"{where}: recipe")
    agree(row.operation, snapshot.operation, f"{where}: operation")
