"""CSV in and out: `dataset.csv` in UTF-8 beside the folder `files`."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from gql_service.catalog.coordinates import COORDINATES_BYTES
from gql_service.errors import Invalid
from gql_service.transfer.importing import Read
from gql_service.transfer.places import Places
from gql_service.transfer.record import Record, Report, Source
from gql_service.transfer.table_rows import (
    COLUMNS,
    FILES,
    files_of,
    records_of,
    rows_of,
    table_file,
)

FILE = "dataset.csv"


def read_csv(source: Source, report: Report) -> Read:
    """The records of a CSV file, or of the one in a folder. Raises Invalid for what is none."""
    file = table_file(source.path, ".csv")
    return records_of(_rows(file), files_of(file, source.files), report)


def _rows(file: Path) -> Iterator[tuple[str, Mapping[str, Any]]]:
    csv.field_size_limit(2 * COORDINATES_BYTES)  # the standard one is below that of a mask
    # Bytes that are no UTF-8 become halves of surrogates, which are refused where they stand.
    with file.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as text:
        reader = csv.DictReader(text, strict=True)
        try:
            for row in reader:
                yield f"{file.name}:{reader.line_num}", row
        except csv.Error as wrong:
            where = f"{file}, line {reader.line_num}"
            raise Invalid(f"{where}: {wrong}", path=("source",)) from wrong


class CsvWriter:
    """Holds all of the state of items and annotations."""

    files = FILES

    def __init__(self, folder: Path, _labels: Sequence[str], _report: Report) -> None:
        self._files = folder / FILES
        self._files.mkdir()
        self._places = Places()
        self._file = (folder / FILE).open("w", encoding="utf-8", newline="")
        self._writer = csv.DictWriter(self._file, COLUMNS)
        self._writer.writeheader()

    def place(self, record: Record) -> str:
        return self._places.place(record.path)

    def add(self, record: Record) -> None:
        place = record.file.relative_to(self._files).as_posix()
        self._writer.writerows(rows_of(record, place))

    def finish(self) -> None:
        pass

    def close(self) -> None:
        self._file.close()
