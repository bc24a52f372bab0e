"""Many random filters and JSON queries against plain evaluators, with a raw log.

    uv run python -m proofs.filters.run --filters 20000 --processes 2

Each batch has a database of its own, and a seed from which it can be made again; half of the
filters are typed, half are JSON queries, and half of each are of annotations. The log names the
machine, the date, the seeds and every disagreement. The exit code is 1 when there is one.
"""

from __future__ import annotations

import argparse
import gc
import os
import platform
import shlex
import sqlite3
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import sqlalchemy as sa
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from gql_service.catalog.user import create_user
from gql_service.database import migrate
from gql_service.database.engine import Database
from gql_service.settings import Settings
from tests.catalog.dql_strategies import annotation_queries, queries
from tests.catalog.filter_oracle import EMAILS
from tests.catalog.filter_strategies import annotation_filters, item_filters, masks, shelves
from tests.catalog.test_dql_differential import compare_annotation_queries, compare_queries
from tests.catalog.test_filters_differential import compare_filters
from tests.postgres import find_binaries, running_cluster

BATCH = 250
"""Filters per seed."""
PER_EXAMPLE = 8
MEMORY = Path("/dev/shm")


@contextmanager
def fresh_database(dialect: str) -> Iterator[Database]:
    """A migrated database: an SQLite file, in memory where there is a place for that, or a
    PostgreSQL server of its own."""
    with ExitStack() as stack:
        if dialect == "sqlite":
            where = MEMORY if MEMORY.is_dir() else None
            folder = stack.enter_context(TemporaryDirectory(prefix="filters-", dir=where))
            url = f"sqlite:///{folder}/filters.sqlite3"
        else:
            binaries = find_binaries()
            assert binaries is not None, "no PostgreSQL binaries on this machine"
            url = stack.enter_context(running_cluster(binaries)).create("filters")
        database = Database(Settings(database_url=url).resolved_database_url)
        migrate.upgrade(database)
        yield database
        database.close()


def run_batch(dialect: str, number: int) -> tuple[int, int, str | None, float]:
    """The seed, how many filters were compared, the first disagreement, and the seconds."""
    began = time.monotonic()
    gc.set_threshold(100_000, 50, 50)
    with fresh_database(dialect) as database:
        actor = database.write(lambda tx: create_user(tx, "Ada", EMAILS[1]))
        compared, failure = compare(database, actor, number)
    return number, compared, failure, time.monotonic() - began


def compare(database: Database, actor: int, number: int) -> tuple[int, str | None]:
    compared = 0

    @seed(number)
    @settings(
        max_examples=BATCH // PER_EXAMPLE + 1,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(items=shelves, through=masks, data=st.data())
    def example(items: Any, through: Any, data: st.DataObject) -> None:
        nonlocal compared
        wheres = [data.draw(item_filters) for _ in range(PER_EXAMPLE // 4)]
        inner = [data.draw(annotation_filters) for _ in range(PER_EXAMPLE // 4)]
        asked = [data.draw(queries) for _ in range(PER_EXAMPLE // 4)]
        of_annotations = [data.draw(annotation_queries) for _ in range(PER_EXAMPLE // 4)]
        compare_filters(database, actor, items, through, wheres, inner)
        compare_queries(database, actor, items, through, asked)
        compare_annotation_queries(database, actor, items, through, of_annotations)
        compared += PER_EXAMPLE

    try:
        example()
    except Exception as failure:  # a disagreement, or a statement that failed: both are findings
        return compared, f"{type(failure).__name__}: {str(failure)[:2_000]}"
    return compared, None


def heading() -> str:
    return "\n".join(
        [
            f"date: {datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
            f"machine: {platform.machine()}, {os.cpu_count()} cores, {platform.platform()}",
            f"versions: Python {platform.python_version()}, SQLAlchemy {sa.__version__}, "
            f"SQLite {sqlite3.sqlite_version}",
            f"command: python -m proofs.filters.run {shlex.join(sys.argv[1:])}",
        ]
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--filters", type=int, default=20_000)
    parser.add_argument("--first", type=int, default=1, help="the first seed")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--dialect", choices=["sqlite", "postgresql"], default="sqlite")
    parser.add_argument("--log", type=Path)
    options = parser.parse_args()
    path = options.log or Path(__file__).parent / f"{options.dialect}.log"
    began, compared, failed = time.monotonic(), 0, 0
    with path.open("w") as log, ProcessPoolExecutor(options.processes) as pool:

        def tell(text: str) -> None:
            print(text, flush=True)
            print(text, file=log, flush=True)

        tell(heading())
        numbers = range(options.first, options.first + -(-options.filters // BATCH))
        waiting = [pool.submit(run_batch, options.dialect, number) for number in numbers]
        for finished in as_completed(waiting):
            number, count, failure, seconds = finished.result()
            compared += count
            failed += failure is not None
            tell(f"seed {number}: {count} filters, {seconds:.0f} s")
            if failure is not None:
                tell(f"  {failure}")
        tell(f"filters: {compared:,} in {(time.monotonic() - began) / 60:.1f} minutes")
        tell(f"disagreements: {failed}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
