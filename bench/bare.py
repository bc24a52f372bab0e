"""The database without the service: its driver, the same settings, statements written by hand."""

from __future__ import annotations

import itertools
import sqlite3
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg

from bench.data import Stage
from gql_service.catalog.visibility import View
from gql_service.database.columns import FOREVER

PRAGMAS = (
    "journal_mode=WAL",
    "synchronous=FULL",
    "foreign_keys=ON",
    "cache_size=-65536",
    "temp_store=MEMORY",
)
"""Those of the service."""

_NUMBERS = itertools.count(1)


class Bare:
    """One connection of the driver. Statements have `?` for values on both databases."""

    def __init__(self, url: str) -> None:
        self.postgres = url.startswith("postgresql:")
        self.connection: Any
        if self.postgres:
            self.connection = psycopg.connect(url, autocommit=True)
        else:
            self.connection = sqlite3.connect(
                url.removeprefix("sqlite:///"), isolation_level=None, timeout=30
            )
            for pragma in PRAGMAS:
                self.connection.execute(f"PRAGMA {pragma}")

    @contextmanager
    def transaction(self) -> Iterator[None]:
        self.connection.execute("BEGIN" if self.postgres else "BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self.connection.execute("ROLLBACK")
            raise
        self.connection.execute("COMMIT")

    def run(self, sql: str, *values: Any) -> Any:
        """The cursor, after the statement."""
        return self.connection.execute(self._marked(sql), values)

    def value(self, sql: str, *values: Any) -> Any:
        """The first column of the first row."""
        return self.run(sql, *values).fetchone()[0]

    def many(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        self.connection.cursor().executemany(self._marked(sql), rows)

    def insert(self, table: str, rows: Sequence[dict[str, Any]]) -> None:
        self.many(_insert(table, rows[0]), [tuple(row.values()) for row in rows])

    def insert_one(self, table: str, row: dict[str, Any]) -> int:
        """Inserts a row of a table with an `id`, and returns that."""
        made: int = self.value(f"{_insert(table, row)} RETURNING id", *row.values())
        return made

    def copy(self, table: str, names: str, rows: Iterable[Sequence[Any]]) -> None:
        """PostgreSQL's fastest way in."""
        cursor = self.connection.cursor()
        with cursor.copy(f"COPY {table} ({names}) FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)

    def close(self) -> None:
        self.connection.close()

    def _marked(self, sql: str) -> str:
        return sql.replace("%", "%%").replace("?", "%s") if self.postgres else sql


def _insert(table: str, row: dict[str, Any]) -> str:
    return f"INSERT INTO {table} ({', '.join(row)}) VALUES ({', '.join('?' * len(row))})"


def begin_dataset(bare: Bare, stage: Stage, kind: str, sources: Sequence[View]) -> tuple[int, int]:
    """The few rows of any new dataset: itself, its line, sources, knowledge, version, job.

    Returns the ids of dataset and line. Counters are made up: the floor counts nothing.
    """
    now = time.time_ns() // 1000
    dataset = bare.insert_one(
        "datasets",
        {
            "project": stage.project,
            "name": f"bare {next(_NUMBERS)}",
            "type": kind,
            "head": 1,
            "creator": stage.actor,
            "created_at": now,
        },
    )
    line = bare.insert_one("lines", {"dataset": dataset, "born": 1})
    for position, view in enumerate(sources):
        source = {"dataset": dataset, "position": position, "source": view.dataset}
        bare.insert("dataset_sources", [{**source, "source_version": view.version, "since": 1}])
        seen = {"dataset": dataset, "since": 1, "other": view.dataset, "at": view.version}
        bare.insert("knowledge", [{**seen, "annotations": True, "batches": ""}])
    bare.insert("versions", [_version(stage, dataset, kind, now)])
    job = {"kind": kind, "status": "SUCCEEDED", "project": stage.project, "creator": stage.actor}
    times = {"created_at": now, "started_at": now, "finished_at": now}
    done = {"done": 0, "total": 0, "unit": "items", "dataset": dataset, "version": 1}
    bare.insert_one("jobs", {**job, **done, **times})
    return dataset, line


def add_layers(bare: Bare, line: int, base: View) -> None:
    rows = [
        {
            "line": line,
            "below": sheet.line,
            "depth": depth,
            "at": sheet.at,
            "with_annotations": True,
            "with_metadata": True,
            "with_status": True,
        }
        for depth, sheet in enumerate(base.sheets, 1)
    ]
    bare.insert("layers", rows)


def copy_label_counts(bare: Bare, dataset: int, base: View) -> None:
    bare.run(
        "INSERT INTO label_counts (dataset, since, until, label, annotations)"
        f" SELECT {dataset}, 1, {FOREVER}, label, annotations FROM label_counts"
        f" WHERE dataset = {base.dataset}"
        f" AND since <= {base.version} AND until > {base.version}"
    )


def _version(stage: Stage, dataset: int, kind: str, now: int) -> dict[str, Any]:
    counters = (
        "items",
        "annotated_items",
        "annotations",
        "items_added",
        "items_modified",
        "items_removed",
        "annotations_added",
        "annotations_modified",
        "annotations_removed",
    )
    return {
        "dataset": dataset,
        "number": 1,
        "operation": kind,
        "author": stage.actor,
        "created_at": now,
        "recipe": stage.recipe,
        "recipe_revision": 1,
        **dict.fromkeys(counters, 0),
    }
