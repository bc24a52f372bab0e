"""Bringing datasets in and taking them out, and what of them can be compared."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson

from gql_service.catalog.binary import binaries_by_id
from gql_service.catalog.blob import open_binary
from gql_service.catalog.filters import ItemFilter
from gql_service.database.engine import Tx
from gql_service.transfer.exporting import Chosen, OpenWriter, export
from gql_service.transfer.importing import Plan, Read, plan_import, run_import
from gql_service.transfer.record import Report, Source
from gql_service.transfer.target import Target, dataset_of_target
from gql_service.versions.items import UploadMode
from tests.builders import Lab

Reader = Callable[[Source, Report], Read]


def told(report: Report) -> dict[tuple[str, str], int]:
    """What a report counts, by what and why."""
    return {(what, reason.value): count for (what, reason), count in report.counts.items()}


def bring(
    lab: Lab,
    read: Reader,
    path: Path,
    *,
    name: str = "brought",
    files: Path | None = None,
    recipe: int | None = None,
    mode: UploadMode = UploadMode.SKIP,
    directory: str = "/",
) -> tuple[int, Report]:
    """Imports into a dataset of the lab's project; its number, and the report."""
    report, target = Report(), Target("lab", name, recipe)
    found = read(Source(path, files), report)

    def plan(tx: Tx) -> Plan:
        return plan_import(tx, target, found, report, directory=directory, mode=mode)

    planned = lab.read(plan)
    lease = timedelta(hours=1)
    run_import(
        lab.database, lab.vault, target, planned, report, actor=lab.actor, lease=lease, mode=mode
    )
    dataset = lab.read(dataset_of_target, target)
    assert dataset is not None
    return dataset.id, report


def take(
    lab: Lab,
    dataset: int,
    write: OpenWriter,
    folder: Path,
    *,
    version: int | None = None,
    where: ItemFilter | None = None,
) -> Report:
    """Exports a dataset into a folder."""
    report = Report()
    chosen = Chosen(dataset, version or lab.head(dataset), where)
    export(lab.database, lab.vault, chosen, folder, write, report, actor=lab.actor)
    return report


def content(lab: Lab, dataset: int) -> dict[str, list[Any]]:
    """Type, label and coordinates of every annotation, in order of their texts, by path."""
    found: dict[int, list[Any]] = {}
    for row in lab.annotations(dataset):
        mark = (row.type, row.label, orjson.loads(row.coordinates))
        found.setdefault(row.item, []).append(mark)
    return {
        path: sorted(found.get(row.key, []), key=repr) for path, row in lab.items(dataset).items()
    }


def whole(lab: Lab, dataset: int) -> dict[str, Any]:
    """All of the state of a dataset that is not about who and when, by path."""
    found: dict[int, list[Any]] = {}
    for row in lab.annotations(dataset):
        mark = (row.type, row.label, row.coordinates, row.attributes, row.metadata, row.status)
        found.setdefault(row.item, []).append(mark)
    return {
        path: (
            row.binary,
            row.metadata,
            row.description,
            row.hidden,
            sorted(found.get(row.key, []), key=repr),
        )
        for path, row in lab.items(dataset).items()
    }


def bytes_of(lab: Lab, dataset: int, path: str) -> bytes:
    number = lab.items(dataset)[path].binary
    binary = lab.read(binaries_by_id, [number])[number]
    return b"".join(open_binary(lab.database, lab.vault, binary))
