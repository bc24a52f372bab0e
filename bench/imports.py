"""Imports: of rows over files that are stored already, and of a folder of small files."""

from __future__ import annotations

import itertools
import random
import tempfile
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from pathlib import Path

from bench import floor_import
from bench.bare import Bare
from bench.data import add_binaries, new_items
from bench.floor_import import Rows
from bench.measure import Figure, as_rate, side_by_side
from bench.store import Store
from gql_service.database.engine import Tx
from gql_service.transfer.folder import find_files, import_files
from gql_service.vault.disk import DiskVault
from gql_service.versions.datasets import create_dataset
from gql_service.versions.items import NewItem, add_items

FILES = 10_000
FILE_BYTES = 2048

_NUMBERS = itertools.count(1)


def measure(store: Store, runs: int) -> Iterator[Figure]:
    items = store.stage.items
    binaries = add_binaries(store.database, "imported", items)
    for annotated, name in (
        (False, "import of items, rows only"),
        (True, "the same with 3 annotations each"),
    ):
        new = new_items(binaries, annotated=annotated)
        yield _rows(store, runs, name, new, floor_import.insert_rows, "executemany")
        if store.postgres:
            yield _rows(store, runs, name, new, floor_import.copy_rows, "COPY")
    yield _files(store, runs, min(FILES, items))


def _rows(
    store: Store,
    runs: int,
    name: str,
    new: Sequence[NewItem],
    insert: Callable[[Bare, Rows], None],
    floor_is: str,
) -> Figure:
    prepared: list[Rows] = []

    def ours() -> None:
        def add(tx: Tx) -> None:
            dataset = create_dataset(
                tx, store.stage.project, f"import {next(_NUMBERS)}", store.stage.recipe
            )
            add_items(tx, dataset, new)

        store.database.write(add, actor=store.stage.actor)

    def settle() -> None:
        prepared[:] = [floor_import.prepare(store.bare, store.stage, new)]
        store.settle()

    figure = side_by_side(
        name,
        store.stage.items,
        runs,
        ours,
        lambda: insert(store.bare, prepared[0]),
        f"finished rows by {floor_is}",
        settle=settle,
    )
    return as_rate(figure, len(new), "items/s")


def _files(store: Store, runs: int, count: int) -> Figure:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "files"
        _write_files(folder, count)
        vault = DiskVault(Path(name) / "vault")
        sources = [file.source for file in find_files(folder)]

        def ours() -> None:
            def create(tx: Tx) -> int:
                stage = store.stage
                return create_dataset(tx, stage.project, f"import {next(_NUMBERS)}", stage.recipe)

            dataset = store.database.write(create, actor=store.stage.actor)
            files = find_files(folder)
            import_files(
                store.database,
                vault,
                dataset,
                files,
                actor=store.stage.actor,
                lease=timedelta(hours=1),
            )

        def floor() -> None:
            floor_import.store_files(sources, Path(name) / f"copies {next(_NUMBERS)}")
            floor_import.insert_rows(store.bare, prepared[0])

        prepared: list[Rows] = []
        binary = store.bare.value("SELECT min(id) FROM binaries")
        new = [NewItem(f"/{number}", binary) for number in range(count)]

        def settle() -> None:
            prepared[:] = [floor_import.prepare(store.bare, store.stage, new)]
            store.settle()

        figure = side_by_side(
            f"import of a folder, files of {FILE_BYTES // 1024} KiB",
            count,
            runs,
            ours,
            floor,
            "read, hash, write, fsync; executemany",
            settle=settle,
        )
    return as_rate(figure, count, "files/s")


def _write_files(folder: Path, count: int) -> None:
    """Distinct files in a few sub-folders that name classes."""
    random_bytes = random.Random(1)
    for number in range(count):
        file = folder / f"label {number % 10}" / f"{number:06d}.bin"
        if number < 10:
            file.parent.mkdir(parents=True)
        file.write_bytes(random_bytes.randbytes(FILE_BYTES))
