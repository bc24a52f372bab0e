"""Many random histories against the naive model, over several processes, with a raw log.

    uv run python -m proofs.histories.run --histories 100000 --processes 2

A history has as many steps as its seed says, from --fewest to --most: short ones are many, and
most mistakes are found by few steps; long ones reach what only grows late.

Each process has a database of its own and begins a new one now and then, so that no history pays
for those before it; `--dialect postgresql` starts servers from the machine's binaries. The log
names the machine, the date, the seeds, what was done how often, and every seed in which service
and model disagree. The exit code is 1 when there is one.
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
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import sqlalchemy as sa

from gql_service.database import migrate
from gql_service.database.engine import Database
from gql_service.settings import Settings
from tests.postgres import find_binaries, running_cluster
from tests.versions.histories import STEPS, Failed, prepared, run_history
from tests.versions.service import Stage

BATCH = 250
"""Seeds per database and per line of the log."""
MEMORY = Path("/dev/shm")
Batch = tuple[range, Counter[str], list[str], float]
"""The seeds, what was done, which seeds failed and how, and the seconds."""


@contextmanager
def fresh_database(dialect: str) -> Iterator[tuple[Database, Stage]]:
    """A migrated database: an SQLite file, in memory where there is a place for that, or a
    PostgreSQL server of its own."""
    with ExitStack() as stack:
        if dialect == "sqlite":
            where = MEMORY if MEMORY.is_dir() else None
            folder = stack.enter_context(TemporaryDirectory(prefix="histories-", dir=where))
            url = f"sqlite:///{folder}/histories.sqlite3"
        else:
            binaries = find_binaries()
            assert binaries is not None, "no PostgreSQL binaries on this machine"
            url = stack.enter_context(running_cluster(binaries)).create("histories")
        database = Database(Settings(database_url=url).resolved_database_url)
        migrate.upgrade(database)
        yield database, prepared(database)
        database.close()


def run_batch(dialect: str, seeds: range, steps: range, everything: bool | None) -> Batch:
    """One batch in this process; `everything` puts all kinds of steps into each history."""
    gc.set_threshold(100_000, 50, 50)
    done: Counter[str] = Counter()
    failures: list[str] = []
    began = time.monotonic()
    with fresh_database(dialect) as (database, stage):
        for seed in seeds:
            try:
                done += run_history(
                    database,
                    stage,
                    seed,
                    steps[seed % len(steps)],
                    dropping=everything,
                    into=everything,
                    reverting=everything,
                    retaining=everything,
                    resolving=everything or seed % 4 == 1,
                )
            except Failed as failure:
                failures.append(str(failure))
    return seeds, done, failures, time.monotonic() - began


def batches(first: int, count: int) -> list[range]:
    end = first + count
    return [range(at, min(at + BATCH, end)) for at in range(first, end, BATCH)]


def heading(options: argparse.Namespace) -> str:
    return "\n".join(
        [
            f"date: {datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
            f"machine: {platform.machine()}, {os.cpu_count()} cores, {platform.platform()}",
            f"versions: Python {platform.python_version()}, SQLAlchemy {sa.__version__}, "
            f"SQLite {sqlite3.sqlite_version}",
            f"command: python -m proofs.histories.run {shlex.join(sys.argv[1:])}",
            f"seeds: {options.first} to {options.first + options.histories - 1}, "
            f"{options.fewest} to {options.most} steps, "
            + ("all kinds in each" if options.everything else "the rarer kinds in some"),
        ]
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--histories", type=int, default=1_000)
    parser.add_argument("--first", type=int, default=1_000_000, help="the first seed")
    parser.add_argument("--fewest", type=int, default=STEPS // 5, help="steps")
    parser.add_argument("--most", type=int, default=STEPS // 2, help="steps")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--dialect", choices=["sqlite", "postgresql"], default="sqlite")
    parser.add_argument(
        "--everything",
        action="store_const",
        const=True,
        help="deletions, merges into, reverts, retention, reviews in every history, not in some",
    )
    parser.add_argument("--log", type=Path)
    options = parser.parse_args()
    steps = range(options.fewest, options.most + 1)
    path = options.log or Path(__file__).parent / f"{options.dialect}.log"
    began, done, failed, lived = time.monotonic(), Counter[str](), 0, 0
    with path.open("w") as log, ProcessPoolExecutor(options.processes) as pool:

        def tell(text: str) -> None:
            print(text, flush=True)
            print(text, file=log, flush=True)

        tell(heading(options))
        waiting = [
            pool.submit(run_batch, options.dialect, seeds, steps, options.everything)
            for seeds in batches(options.first, options.histories)
        ]
        for finished in as_completed(waiting):
            seeds, counts, failures, seconds = finished.result()
            done += counts
            lived += len(seeds)
            failed += len(failures)
            tell(f"seeds {seeds.start}-{seeds.stop - 1}: {len(failures)} failed, {seconds:.0f} s")
            for failure in failures:
                tell(f"  {failure}")
        minutes = (time.monotonic() - began) / 60
        tell("what was done, and what came of it:")
        for name, count in sorted(done.items()):
            tell(f"  {count:>9,}  {name}")
        tell(
            f"histories: {lived:,} in {minutes:.1f} minutes, {lived / minutes / 60:.1f} per second"
        )
        tell(f"disagreements: {failed}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
