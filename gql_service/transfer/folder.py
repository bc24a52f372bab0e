"""A folder of files becomes items of a dataset, with the classes that its sub-folders name.

    cats/1.jpg          item /cats/1.jpg, annotated with the classification `cats`
    dogs/small/2.jpg    item /dogs/small/2.jpg, annotated `dogs`
    notes.txt           item /notes.txt, no annotation

First all bytes go into the vault, where nobody sees them; then one transaction adds all items as
one version. Whatever stops it before that leaves the dataset as it was.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from gql_service.catalog.annotation_content import AnnotationType
from gql_service.catalog.binary import StoredBlob, attach
from gql_service.catalog.blob import abandon, store_files
from gql_service.catalog.dataset import Operation
from gql_service.catalog.item_path import clean_directory, clean_path, under
from gql_service.catalog.recipe_check import clean_label
from gql_service.database.engine import Database, Tx
from gql_service.errors import Invalid
from gql_service.vault.contract import Vault
from gql_service.versions.annotations import NewAnnotation
from gql_service.versions.given import Outcome
from gql_service.versions.items import NewItem, UploadMode, add_items


@dataclass(frozen=True, slots=True)
class FoundFile:
    """A file to import: where it is, the item path it gets, the class its sub-folder names."""

    source: Path
    path: str
    label: str | None


def find_files(folder: Path, *, directory: str = "/", with_classes: bool = True) -> list[FoundFile]:
    """The files under a folder, by item path; hidden files and folders are left out.

    Links are followed for files only, so that a walk ends. Raises Invalid when `folder` is none,
    has no file, or has a name that cannot be an item path or a label, and when `directory` is none.
    """
    if not folder.is_dir():
        raise Invalid(f"{folder} is not a folder", path=("folder",))
    parent = clean_directory(directory, ("directory",))
    found = []
    for source in _walk(folder):
        parts = source.relative_to(folder).parts
        try:
            path = under(parent, clean_path("/" + "/".join(parts)))
            label = clean_label(parts[0]) if with_classes and len(parts) > 1 else None
        except Invalid as refusal:
            raise Invalid(f"{source}: {refusal.message}", path=("folder",)) from refusal
        found.append(FoundFile(source, path, label))
    if not found:
        raise Invalid(f"There are no files in {folder}", path=("folder",))
    return sorted(found, key=lambda file: file.path)


def class_names(files: Sequence[FoundFile]) -> list[str]:
    """The classes that the files name, in order."""
    return sorted({file.label for file in files if file.label is not None})


def import_files(
    database: Database,
    vault: Vault,
    dataset: int,
    files: Sequence[FoundFile],
    *,
    actor: int,
    lease: timedelta,
    mode: UploadMode = UploadMode.SKIP,
    message: str | None = None,
    progress: Callable[[int], None] = lambda _bytes: None,
) -> Outcome:
    """Adds the files to a dataset as one version.

    `progress` is called with the number of bytes of each file that was stored. Raises what
    `add_items` raises, and InsufficientStorage; then nothing is added and the bytes are given up.
    """
    blobs: list[StoredBlob] = []
    try:
        sources = [file.source for file in files]
        for blob in store_files(database, vault, sources, lease=lease):
            blobs.append(blob)
            progress(blob.size)

        def add(tx: Tx) -> Outcome:
            binaries = attach(tx, blobs)
            items = [_item(file, binary) for file, binary in zip(files, binaries, strict=True)]
            return add_items(
                tx, dataset, items, mode=mode, operation=Operation.IMPORT, message=message
            )

        return database.write(add, actor=actor)
    except BaseException:
        abandon(database, vault, blobs)
        raise


def _item(file: FoundFile, binary: int) -> NewItem:
    if file.label is None:
        return NewItem(file.path, binary)
    annotation = NewAnnotation(AnnotationType.CLASSIFICATION, file.label)
    return NewItem(file.path, binary, annotations=(annotation,))


def _walk(folder: Path) -> Iterator[Path]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith("."):
                continue
            if entry.is_dir(follow_symlinks=False):
                yield from _walk(Path(entry.path))
            elif entry.is_file():
                yield Path(entry.path)
