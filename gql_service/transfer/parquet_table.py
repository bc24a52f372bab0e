"""Parquet in and out: `dataset.parquet`, all columns texts, beside the folder `files`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from gql_service.errors import Invalid
from gql_service.transfer.extras import needed
from gql_service.transfer.importing import Read
from gql_service.transfer.places import Places
from gql_service.transfer.record import Record, Report, Source
from gql_service.transfer.table_rows import (
    COLUMNS,
    FILES,
    Row,
    files_of,
    records_of,
    rows_of,
    table_file,
)

FILE = "dataset.parquet"
ROWS_AT_ONCE = 10_000
_LIBRARY = "The format parquet"


def read_parquet(source: Source, report: Report) -> Read:
    """The records of a Parquet file, or of the one in a folder. Raises Invalid for what is none."""
    file = table_file(source.path, ".parquet")
    return records_of(_rows(file), files_of(file, source.files), report)


def _rows(file: Path) -> Iterator[tuple[str, Mapping[str, Any]]]:
    arrow, parquet = needed("pyarrow", _LIBRARY), needed("pyarrow.parquet", _LIBRARY)
    number = 0
    try:
        with parquet.ParquetFile(file) as table:
            for batch in table.iter_batches(batch_size=ROWS_AT_ONCE):
                for row in batch.to_pylist():
                    number += 1
                    yield f"{file.name}:{number}", row
    except (arrow.ArrowException, OSError, UnicodeDecodeError) as wrong:
        raise Invalid(f"{file} cannot be read as Parquet: {wrong}", path=("source",)) from wrong


class ParquetWriter:
    """Holds all of the state of items and annotations."""

    files = FILES

    def __init__(self, folder: Path, _labels: Sequence[str], _report: Report) -> None:
        self._arrow = needed("pyarrow", _LIBRARY)
        parquet = needed("pyarrow.parquet", _LIBRARY)
        self._files = folder / FILES
        self._files.mkdir()
        self._places = Places()
        self._schema = self._arrow.schema([(name, self._arrow.string()) for name in COLUMNS])
        self._writer = parquet.ParquetWriter(folder / FILE, self._schema)
        self._rows: list[Row] = []

    def place(self, record: Record) -> str:
        return self._places.place(record.path)

    def add(self, record: Record) -> None:
        place = record.file.relative_to(self._files).as_posix()
        self._rows.extend(rows_of(record, place))
        if len(self._rows) >= ROWS_AT_ONCE:
            self._flush()

    def finish(self) -> None:
        self._flush()

    def close(self) -> None:
        self._writer.close()

    def _flush(self) -> None:
        self._writer.write_table(self._arrow.Table.from_pylist(self._rows, schema=self._schema))
        self._rows = []
