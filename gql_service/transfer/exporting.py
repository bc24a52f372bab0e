"""A dataset at a version becomes a folder that did not exist before, whole or not at all.

All is written beside the folder, under a name of its own, and renamed at the end. A version never
changes, so it is read in pieces, and no transaction stays open while files are copied.
"""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

from gql_service.catalog.annotation_content import AnnotationStatus, AnnotationType
from gql_service.catalog.binary import BinaryRecord, binaries_by_id
from gql_service.catalog.blob import open_binary
from gql_service.catalog.dataset import require_dataset
from gql_service.catalog.filters import ItemFilter
from gql_service.catalog.json_text import parse
from gql_service.catalog.page import count_items, page_items
from gql_service.catalog.permission import Permission
from gql_service.catalog.recipe_content import RecipeContent
from gql_service.catalog.version import label_counts
from gql_service.catalog.visibility import open_view
from gql_service.database.engine import Database, Tx
from gql_service.errors import Conflict, Invalid
from gql_service.transfer.record import Mark, Reason, Record, Report
from gql_service.vault.contract import Vault
from gql_service.versions.content import annotations_of_items
from gql_service.versions.datasets import recipe_at

AT_ONCE = 500
"""Items that are read by one transaction."""


class Writer(Protocol):
    """A format on its way out. `files` is the folder of the files, `place` says where in it that of
    a record goes. Then the file is written, and `add` is called; `finish` after all of them, and
    `close` in any case."""

    files: str

    def place(self, record: Record) -> str: ...

    def add(self, record: Record) -> None: ...

    def finish(self) -> None: ...

    def close(self) -> None: ...


OpenWriter = Callable[[Path, Sequence[str], Report], Writer]
"""Begins to write into a folder. The names are those of all labels, in an order that lasts."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """A version of a dataset, and which of its items."""

    dataset: int
    version: int
    where: ItemFilter | None = None


@dataclass(frozen=True, slots=True)
class Outline:
    """How many items there are to export, the recipe they are read under, and all labels."""

    items: int
    recipe: RecipeContent
    labels: list[str]


def outline(tx: Tx, chosen: Chosen) -> Outline:
    """Raises NotFound for what the actor may not read."""
    require_dataset(tx, chosen.dataset, Permission.READ)
    view = open_view(tx, chosen.dataset, chosen.version)
    recipe = recipe_at(tx, chosen.dataset, chosen.version).content
    pair = (chosen.dataset, chosen.version)
    used = [label for label, _ in label_counts(tx, [pair])[pair]]
    labels = list(dict.fromkeys([*recipe.labels_by_name, *used]))
    return Outline(count_items(tx, view, chosen.where or ItemFilter()), recipe, labels)


def export(
    database: Database,
    vault: Vault,
    chosen: Chosen,
    target: Path,
    open_writer: OpenWriter,
    report: Report,
    *,
    actor: int,
    progress: Callable[[], None] = lambda: None,
) -> int:
    """Writes the folder `target`; the report is told what the format cannot hold. Returns the
    number of items; `progress` is called after each.

    Raises Conflict when there is something at `target`, Invalid when it has no parent, NotFound,
    BinaryCorrupt and OSError; then there is no folder.
    """
    _require_absent(target)
    if not target.parent.is_dir():
        raise Invalid(f"There is no folder {target.parent}", path=("target",))
    with database.read(actor) as tx:
        labels = outline(tx, chosen).labels
    beside = target.parent / f".{target.name[:100]}.{secrets.token_hex(8)}"
    beside.mkdir()
    try:
        writer = open_writer(beside, labels, report)
        try:
            written = 0
            for record, binary in _read(database, chosen, actor):
                place = writer.place(record)
                if "/" + place != record.path:
                    report.tell("path", Reason.RENAMED, record.path, f"written as {place}")
                file = beside / writer.files / place
                file.parent.mkdir(parents=True, exist_ok=True)
                _copy(database, vault, binary, file)
                writer.add(replace(record, file=file))
                written += 1
                progress()
            writer.finish()
        finally:
            writer.close()
        _require_absent(target)
        beside.rename(target)
    except BaseException:
        shutil.rmtree(beside, ignore_errors=True)
        raise
    return written


def _require_absent(target: Path) -> None:
    if target.exists() or target.is_symlink():
        raise Conflict(f"{target} exists already", path=("target",))


def _copy(database: Database, vault: Vault, binary: BinaryRecord, file: Path) -> None:
    with file.open("xb") as copy:
        for piece in open_binary(database, vault, binary):
            copy.write(piece)


def _read(database: Database, chosen: Chosen, actor: int) -> Iterator[tuple[Record, BinaryRecord]]:
    """Every item by path, its annotations by key. A transaction for so many of them."""
    after: int | None = None
    while True:
        with database.read(actor) as tx:
            require_dataset(tx, chosen.dataset, Permission.READ)
            view = open_view(tx, chosen.dataset, chosen.version)
            page = page_items(tx, view, chosen.where, after=after, limit=AT_ONCE)
            keys = [row.key for row in page.rows]
            marks: dict[int, list[Mark]] = {key: [] for key in keys}
            for row in sorted(annotations_of_items(tx, view, keys), key=lambda row: int(row.key)):
                marks[row.item].append(_mark(row))
            binaries = binaries_by_id(tx, {row.binary for row in page.rows})
        for row in page.rows:
            binary = binaries[row.binary]
            yield _record(row, binary, tuple(marks[row.key])), binary
        if not page.has_next:
            return
        after = keys[-1]


def _record(row: Any, binary: BinaryRecord, marks: tuple[Mark, ...]) -> Record:
    return Record(
        row.path,
        Path(),
        binary.width,
        binary.height,
        marks,
        parse(row.metadata),
        row.description,
        row.hidden,
        where=row.path,
    )


def _mark(row: Any) -> Mark:
    return Mark(
        AnnotationType(row.type),
        row.label,
        parse(row.coordinates),
        parse(row.attributes),
        parse(row.metadata),
        None if row.status is None else AnnotationStatus(row.status),
        where=f"annotation {row.key}",
    )
