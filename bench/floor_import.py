"""Imports by the driver: rows by executemany or COPY, files by read, hash, write and fsync."""

from __future__ import annotations

import hashlib
import os
import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.bare import Bare, begin_dataset
from bench.data import Stage
from gql_service.database.columns import FOREVER
from gql_service.versions.items import NewItem


@dataclass(frozen=True, slots=True)
class Rows:
    """Finished rows of a dataset and its line, to be inserted as they are."""

    items: list[tuple[Any, ...]]
    annotations: list[tuple[Any, ...]]


ITEM_NAMES = (
    'line, since, until, key, origin_dataset, origin_version, path, "binary", metadata,'
    " metadata_known, description, hidden, created_by, created_at, updated_by, updated_at"
)
ANNOTATION_NAMES = (
    "line, since, until, key, root, origin_dataset, origin_version, item, type, label,"
    " coordinates, attributes, metadata, status, status_known, created_by, created_at,"
    " updated_by, updated_at"
)
METADATA = '{"camera":{"iso":100,"model":"camera 0"},"split":"train"}'
COORDINATES = '[{"x":12.5,"y":3.25},{"x":52.5,"y":33.25}]'


def rows_of(stage: Stage, new: Sequence[NewItem], dataset: int, line: int) -> Rows:
    now = time.time_ns() // 1000
    dated, origin = (line, 1, FOREVER), (dataset, 1)
    authors = (stage.actor, now, stage.actor, now)
    rows = Rows([], [])
    first = line * 10**9  # keys that nobody has
    for key, one in enumerate(new, first):
        rows.items.append(
            (*dated, key, *origin, one.path, one.binary, METADATA, True, None, False, *authors)
        )
        for position, mark in enumerate(one.annotations):
            number = key * 4 + position
            content = (key, mark.type.value, mark.label, COORDINATES, "{}", "{}", None, True)
            rows.annotations.append((*dated, number, number, *origin, *content, *authors))
    return rows


def prepare(bare: Bare, stage: Stage, new: Sequence[NewItem]) -> Rows:
    """A dataset to insert into, and its rows: not a part of what is measured."""
    with bare.transaction():
        dataset, line = begin_dataset(bare, stage, "MASTER", [])
    return rows_of(stage, new, dataset, line)


def insert_rows(bare: Bare, rows: Rows) -> None:
    with bare.transaction():
        for table, names, values in _tables(rows):
            marks = ", ".join("?" * len(values[0]))
            bare.many(f"INSERT INTO {table} ({names}) VALUES ({marks})", values)


def copy_rows(bare: Bare, rows: Rows) -> None:
    with bare.transaction():
        for table, names, values in _tables(rows):
            bare.copy(table, names, values)


def _tables(rows: Rows) -> list[tuple[str, str, list[tuple[Any, ...]]]]:
    tables = [("item_states", ITEM_NAMES, rows.items)]
    if rows.annotations:
        tables.append(("annotation_states", ANNOTATION_NAMES, rows.annotations))
    return tables


def store_files(sources: Sequence[Path], target: Path) -> list[str]:
    """Each file read, hashed, written under a random name and synced; returns the hashes."""
    target.mkdir(parents=True)
    digests = []
    for source in sources:
        content = source.read_bytes()
        digests.append(hashlib.sha256(content).hexdigest())
        descriptor = os.open(target / secrets.token_hex(16), os.O_WRONLY | os.O_CREAT | os.O_EXCL)
        os.write(descriptor, content)
        os.fsync(descriptor)
        os.close(descriptor)
    folder = os.open(target, os.O_RDONLY)
    os.fsync(folder)
    os.close(folder)
    return digests
