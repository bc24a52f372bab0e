"""The command line: `python -m bench clone|merge|…|serve|all`."""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

from bench import (
    clone,
    download,
    flatten,
    history,
    imports,
    merge,
    page,
    postgres,
    serve,
    thumbnails,
    upload,
)
from bench.measure import Figure, heading, table
from bench.store import PostgresStores, SQLiteStores, Store, Stores

Measure = Callable[[Store, int], Iterator[Figure]]

BENCHES: dict[str, tuple[Measure, dict[str, tuple[int, ...]]]] = {
    "clone": (clone.measure, {"sqlite": (10_000, 1_000_000), "postgresql": (10_000, 100_000)}),
    "merge": (merge.measure, {"sqlite": (10_000, 100_000, 1_000_000), "postgresql": (100_000,)}),
    "page": (page.measure, {"sqlite": (10_000, 1_000_000), "postgresql": (100_000,)}),
    "history": (history.measure, {"sqlite": (10_000, 1_000_000), "postgresql": (100_000,)}),
    "flatten": (flatten.measure, {"sqlite": (10_000, 100_000), "postgresql": (100_000,)}),
    "import": (imports.measure, {"sqlite": (10_000, 100_000), "postgresql": (100_000,)}),
    "upload": (upload.measure, {"sqlite": (10_000,), "postgresql": (10_000,)}),
    "download": (download.measure, {"sqlite": (10_000,), "postgresql": (10_000,)}),
    "thumbnails": (thumbnails.measure, {"sqlite": (10_000,), "postgresql": (10_000,)}),
    "serve": (serve.measure, {"sqlite": (10_000, 100_000), "postgresql": (100_000,)}),
}
"""What measures, and how many items unless it is said."""


def main(arguments: Sequence[str] | None = None) -> None:
    asked = _parsed(arguments)
    names = list(BENCHES) if asked.bench == "all" else [asked.bench]
    databases = [asked.database] if asked.database else ["sqlite", "postgresql"]
    with ExitStack() as stack:
        stores = {name: _stores(name, asked.kept, stack) for name in databases}
        command = "python -m bench " + shlex.join(sys.argv[1:] if arguments is None else arguments)
        further = [version for _, version in stores.values()]
        if "serve" in names:
            further += serve.versions()
        for line in heading(command, asked.runs, further):
            print(f"- {line}" if asked.markdown else line)
        for database, (opened, _) in stores.items():
            for name in names:
                measure, sizes = BENCHES[name]
                figures = []
                for items in asked.items or sizes[database]:
                    with opened.open(items) as store:
                        for figure in measure(store, asked.runs):
                            _say(f"{opened.title}, {figure.items:,}: {figure.operation}")
                            figures.append(figure)
                title = f"{name.capitalize()} on {opened.title}"
                print("\n".join(table(title, figures, markdown=asked.markdown)), flush=True)


def _parsed(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("bench", choices=[*BENCHES, "all"])
    parser.add_argument("--items", type=int, action="append", help="size; may be repeated")
    parser.add_argument("--database", choices=["sqlite", "postgresql"], help="by default both")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--kept", type=Path, help="folder in which filled SQLite files are kept")
    parser.add_argument("--markdown", action="store_true", help="tables for docs/performance.md")
    return parser.parse_args(arguments)


def _stores(database: str, kept: Path | None, stack: ExitStack) -> tuple[Stores, str]:
    """Where to measure, and the version of the database that it is."""
    if database == "sqlite":
        return SQLiteStores(_say, kept), ""
    binaries = postgres.find_binaries()
    if binaries is None:
        raise SystemExit("PostgreSQL is not installed on this machine: see --database sqlite")
    folder = stack.enter_context(postgres.running_server(binaries))
    return PostgresStores(_say, folder), postgres.version_of(binaries)


def _say(text: str) -> None:
    """Progress, beside the tables and not among them."""
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
