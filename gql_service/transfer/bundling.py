"""A dataset with all of its past becomes one file, and a file becomes such a dataset.

    bundle.json             format, version, columns, how many numbers there are of each kind
    tables/NAME.ndjson.gz   a row per line
    blobs/SHA256            the bytes of each file, once
    SHA256                  of all that is before it

Out, the rows are of one snapshot and wait in a folder beside the file until they are whole. In, the
file is read to its end before a byte is stored; then its files are stored where nobody sees them,
and one transaction makes the dataset.
"""

from __future__ import annotations

import re
import secrets
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Any

import orjson

from gql_service.catalog.binary import BinaryRecord, StoredBlob, binaries_by_id
from gql_service.catalog.blob import abandon, open_binary, store_files
from gql_service.catalog.dataset import require_dataset
from gql_service.catalog.names import clean_name
from gql_service.catalog.permission import Permission
from gql_service.catalog.project import create_project, project_by_name, require
from gql_service.database.engine import Database, Tx
from gql_service.database.sets import chunks
from gql_service.errors import Conflict, Invalid
from gql_service.transfer.bundle_file import (
    BundleWriter,
    check_whole,
    damaged,
    members,
    pieces_of,
    read_rows,
    write_rows,
)
from gql_service.transfer.target import Target
from gql_service.vault.contract import Vault
from gql_service.versions.birth import require_free_name
from gql_service.versions.bundle_in import Arrived, Incoming, bring_in
from gql_service.versions.bundle_out import Outgoing, files, gather, people, rows_of
from gql_service.versions.bundle_tables import BULK, NUMBERED, Kind, Part

FORMAT = "gql-service bundle"
VERSION = 1
FILES_AT_ONCE = 500
BYTES_AT_ONCE = 256 * 1024**2
"""How much lies unpacked beside the vault at a time, the last file apart."""
_COUNTED = (Kind.KEY, Kind.ITEM_WRITE, Kind.ANNOTATION_WRITE)
_PARTS = (*NUMBERED, *BULK)
_BLOB = re.compile(r"blobs/([0-9a-f]{64})")
_MIME = re.compile(r"[\w.+-]{1,100}/[\w.+-]{1,100}", re.ASCII)
Progress = Callable[[], None]


def export_bundle(
    database: Database,
    vault: Vault,
    dataset: int,
    target: Path,
    *,
    actor: int,
    progress: Progress = lambda: None,
) -> int:
    """Writes a dataset into a new file, and returns its head; `progress` is called per binary.

    Raises Conflict when the file exists, NotFound, Forbidden for who does not own the project,
    BinaryCorrupt; then there is no file.
    """
    _require_absent(target)
    beside = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
    try:
        beside.mkdir()
        with database.read(actor) as tx:
            record = require_dataset(tx, dataset, Permission.MANAGE_PROJECT)
            out = gather(tx, dataset)
            _spool(tx, out, beside)
        writer = BundleWriter(beside / "bundle")
        try:
            description = orjson.dumps(_description(out, record.name), option=orjson.OPT_INDENT_2)
            writer.add("bundle.json", len(description), [description])
            for name in ("users", "binaries", *(part.name for part in _PARTS)):
                writer.add_file(f"tables/{name}.ndjson.gz", beside / name)
            for binary in _binaries(database, out):
                pieces = open_binary(database, vault, binary)
                writer.add(f"blobs/{binary.sha256}", binary.size, pieces)
                progress()
            writer.seal()
        finally:
            writer.close()
        _require_absent(target)
        (beside / "bundle").rename(target)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return record.head


@dataclass(frozen=True, slots=True)
class Unpacked:
    """What a bundle says of itself, checked, with its tables in a folder; `files` are digest, size
    and type of every binary, in order."""

    folder: Path
    columns: dict[str, list[str]]
    counted: dict[Kind, int]
    people: list[tuple[str, str]]
    files: dict[str, tuple[int, str]]

    def rows(self, part: Part) -> Iterator[list[Any]]:
        return read_rows(self.folder / part.name)


def import_bundle(
    database: Database,
    vault: Vault,
    source: Path,
    target: Target,
    *,
    actor: int,
    lease: timedelta,
    progress: Progress = lambda: None,
) -> Arrived:
    """Makes the dataset of a bundle, in the project of that name, which is made when absent.

    `progress` is called per binary. Raises Invalid for what is no whole bundle, NameTaken,
    Forbidden for who does not own the project, InsufficientStorage; then nothing has come in.
    """
    name = clean_name(target.dataset, ("dataset",))
    with database.read(actor) as tx:
        found = project_by_name(tx, target.project)
        if found is not None:
            require(tx, found.id, Permission.MANAGE_PROJECT)
            require_free_name(tx, found.id, name)
    check_whole(source)
    blobs: list[StoredBlob] = []
    try:
        with TemporaryDirectory(prefix="gql-service-") as folder:
            bundle = _unpack(database, vault, source, Path(folder), blobs, lease, progress)

            def bring(tx: Tx) -> Arrived:
                found = project_by_name(tx, target.project)
                project = create_project(tx, target.project) if found is None else found.id
                require(tx, project, Permission.MANAGE_PROJECT)
                return bring_in(tx, project, name, bundle)

            return database.write(bring, actor=actor)
    except BaseException:
        abandon(database, vault, blobs)
        raise


# Out.


def _require_absent(target: Path) -> None:
    if target.exists() or target.is_symlink():
        raise Conflict(f"{target} exists already", path=("target",))


def _spool(tx: Tx, out: Outgoing, folder: Path) -> None:
    """Every table into a file of its name."""
    write_rows(folder / "users", people(tx, out))
    held = ((b.sha256, b.size, b.mime_type, b.width, b.height) for b in files(tx, out))
    write_rows(folder / "binaries", held)
    for part in _PARTS:
        write_rows(folder / part.name, rows_of(tx, out, part))


def _description(out: Outgoing, name: str) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "version": VERSION,
        "dataset": name,
        "counted": {kind.value: out.counted(kind) for kind in _COUNTED},
        "columns": {part.name: part.columns for part in _PARTS},
    }


def _binaries(database: Database, out: Outgoing) -> Iterator[BinaryRecord]:
    for part in chunks(out.numbers[Kind.BINARY], FILES_AT_ONCE):
        with database.read() as tx:
            found = binaries_by_id(tx, part)
        if len(found) != len(part):  # a version has expired since the rows were read
            raise Conflict("A file has been removed in the meantime; try again")
        yield from (found[binary] for binary in part)


# In.


def _unpack(
    database: Database,
    vault: Vault,
    source: Path,
    folder: Path,
    blobs: list[StoredBlob],
    lease: timedelta,
    progress: Progress,
) -> Incoming:
    """The bundle with its tables in `folder` and its files stored: `blobs` grows with each."""
    found = members(source)
    unpacked = _read_tables(found, folder)
    for batch in _batches(found, folder, unpacked.files):
        for blob in store_files(database, vault, batch, lease=lease):
            blobs.append(blob)
            if blob.sha256 not in unpacked.files:
                raise damaged("a file has other bytes than its name says")
            progress()
        for file in batch:
            file.unlink()
    stored = [replace(blob, mime_type=unpacked.files[blob.sha256][1]) for blob in blobs]
    if [blob.sha256 for blob in stored] != list(unpacked.files):
        raise damaged("its files are not those that it lists")
    return Incoming(unpacked.people, unpacked.columns, unpacked.counted, unpacked.rows, stored)


def _read_tables(found: Iterator[tuple[str, int, IO[bytes]]], folder: Path) -> Unpacked:
    """Reads on until the last table."""
    name, _, content = next(found, ("", 0, None))
    if name != "bundle.json" or content is None:
        raise damaged("it does not begin with its description")
    columns, counted = _described(content.read())
    wanted = ["users", "binaries", *(part.name for part in _PARTS)]
    for table in wanted:
        name, _, content = next(found, ("", 0, None))
        if name != f"tables/{table}.ndjson.gz" or content is None:
            raise damaged(f"the table {table} is not where it belongs")
        with (folder / table).open("xb") as copy:
            shutil.copyfileobj(content, copy)
    people = [(str(name), str(email)) for name, email in read_rows(folder / "users")]
    rows = read_rows(folder / "binaries")
    files = {sha256: (size, _mime(mime)) for sha256, size, mime, _, _ in rows}
    return Unpacked(folder, columns, counted, people, files)


def _described(text: bytes) -> tuple[dict[str, list[str]], dict[Kind, int]]:
    """The columns and the counts. Raises Invalid for what this version cannot read."""
    try:
        told = orjson.loads(text)
        if told["format"] != FORMAT:
            raise damaged("its format is another one")
        if told["version"] != VERSION:
            raise Invalid(
                f"The bundle has version {told['version']!r} of the format, not {VERSION}",
                path=("source",),
            )
        counted = {kind: int(told["counted"][kind.value]) for kind in _COUNTED}
        columns: dict[str, list[str]] = {part.name: told["columns"][part.name] for part in _PARTS}
    except (KeyError, TypeError, ValueError) as wrong:
        raise damaged("its description is none") from wrong
    for part in _PARTS:
        if unknown := set(columns[part.name]).difference(part.columns):
            raise Invalid(
                f"The bundle was made by a newer service: {part.name} has {sorted(unknown)}",
                path=("source",),
            )
    return columns, counted


def _batches(
    found: Iterator[tuple[str, int, IO[bytes]]], folder: Path, files: dict[str, tuple[int, str]]
) -> Iterator[list[Path]]:
    """Files unpacked, so many at a time, each with the bytes that its name promises."""
    batch: list[Path] = []
    size_of_batch = 0
    for name, size, content in found:
        match = _BLOB.fullmatch(name)
        if match is None or files.get(match[1], (None,))[0] != size:
            raise damaged(f"{name} is not listed")
        file = folder / match[1]
        with file.open("xb") as copy:
            for piece in pieces_of(content):
                copy.write(piece)
        batch.append(file)
        size_of_batch += size
        if len(batch) == FILES_AT_ONCE or size_of_batch >= BYTES_AT_ONCE:
            yield batch
            batch, size_of_batch = [], 0
    if batch:
        yield batch


def _mime(text: str) -> str:
    if not _MIME.fullmatch(text):
        raise damaged(f"{text!r} is no media type")
    return text
