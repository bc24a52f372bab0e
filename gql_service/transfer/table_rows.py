"""Records as rows of a table: one for each annotation, or one for an item that has none.

    path          of the item
    file          of its bytes, below the folder of files; the path, when left out
    description, hidden (true), item_metadata (JSON)   of the item, from its first row
    type, label, status, coordinates, attributes, metadata (JSON)   of the annotation

Tables that others wrote may have `image`, `filename` or `file_name` for the path, `class` for the
label, and `xmin`, `ymin`, `xmax`, `ymax` for a box. A label alone is a classification.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson

from gql_service.catalog.annotation_content import AnnotationStatus, AnnotationType
from gql_service.errors import Invalid
from gql_service.transfer.files import Files
from gql_service.transfer.importing import Read
from gql_service.transfer.record import Mark, Reason, Record, Report

COLUMNS = (
    *("path", "file", "description", "hidden", "item_metadata"),
    *("type", "label", "status", "coordinates", "attributes", "metadata"),
)
FILES = "files"
_PATHS = ("path", "image", "filename", "file_name", "file")
_CORNERS = ("xmin", "ymin", "xmax", "ymax")

Row = dict[str, str | None]


def rows_of(record: Record, place: str) -> Iterator[Row]:
    """The rows of a record whose file is at `place`."""
    item: Row = {
        "path": record.path,
        "file": place,
        "description": record.description,
        "hidden": "true" if record.hidden else None,
        "item_metadata": _json(record.metadata),
    }
    for mark in record.marks or (None,):
        row: Row = dict.fromkeys(COLUMNS) | item
        if mark is not None:
            row |= {
                "type": mark.type.value,
                "label": mark.label,
                "status": None if mark.status is None else mark.status.value,
                "coordinates": _json(mark.coordinates),
                "attributes": _json(mark.attributes),
                "metadata": _json(mark.metadata),
            }
        yield row


def records_of(rows: Iterable[tuple[str, Mapping[str, Any]]], folder: Path, report: Report) -> Read:
    """The records of rows, each with the place that it stands at; the files are below `folder`."""
    files = Files(folder)
    records: dict[str, Record | None] = {}
    marks: dict[str, list[Mark]] = {}
    for where, row in rows:
        path = next((row[name] for name in _PATHS if _given(row.get(name))), None)
        if not isinstance(path, str):
            report.tell("row", Reason.MALFORMED, where, "It has no path")
            continue
        if path not in records:
            records[path] = _record(row, path, files, where, report)
        if records[path] is None:
            if _given(row.get("label")) or _given(row.get("class")):
                report.tell("annotation", Reason.UNKNOWN_IMAGE, where, "Its file was left out")
            continue
        try:
            mark = _mark(row, where)
        except Invalid as wrong:
            report.tell("annotation", Reason.MALFORMED, where, wrong.message)
            continue
        if mark is not None:
            marks.setdefault(path, []).append(mark)
    return Read([replace(r, marks=tuple(marks.get(p, ()))) for p, r in records.items() if r])


def files_of(source: Path, files: Path | None) -> Path:
    """Where the files of a table are: the folder given, `files` beside it, or its own folder."""
    beside = source.parent / FILES
    return files or (beside if beside.is_dir() else source.parent)


def table_file(source: Path, suffix: str) -> Path:
    """The table itself, or the one such file of a folder. Raises Invalid."""
    if not source.is_dir():
        if source.is_file():
            return source
        raise Invalid(f"There is no {source}", path=("source",))
    found = sorted(source.glob(f"*{suffix}"))
    if len(found) != 1:
        raise Invalid(f"{source} has {len(found)} files {suffix}; name one", path=("source",))
    return found[0]


def _record(
    row: Mapping[str, Any], path: str, files: Files, where: str, report: Report
) -> Record | None:
    name = row["file"] if _given(row.get("file")) else path.removeprefix("/")
    found = files.find(name, where, report)
    try:
        metadata = _object(row, "item_metadata")
    except Invalid as wrong:
        report.tell("image", Reason.MALFORMED, where, wrong.message)
        return None
    if found is None:
        return None
    description = row.get("description")
    return Record(
        path,
        found[0],
        metadata=metadata,
        description=str(description) if _given(description) else None,
        hidden=str(row.get("hidden")).lower() in ("true", "1"),
        where=where,
    )


def _mark(row: Mapping[str, Any], where: str) -> Mark | None:
    """None for a row without a label. Raises Invalid."""
    label = row["label"] if _given(row.get("label")) else row.get("class")
    if not _given(label):
        if any(_given(row.get(name)) for name in ("type", "coordinates", *_CORNERS)):
            raise Invalid("It has no label")
        return None
    coordinates = _value(row, "coordinates")
    named = row.get("type")
    if any(_given(row.get(name)) for name in _CORNERS) and coordinates is None:
        coordinates, named = _corners(row), named if _given(named) else "BOX"
    kind = str(named).upper() if _given(named) else "CLASSIFICATION"
    if kind not in AnnotationType.__members__:
        raise Invalid(f"There is no type {kind}")
    status = row.get("status")
    if _given(status) and status not in AnnotationStatus.__members__:
        raise Invalid(f"There is no status {status}")
    return Mark(
        AnnotationType[kind],
        str(label),
        coordinates,
        _object(row, "attributes"),
        _object(row, "metadata"),
        AnnotationStatus[str(status)] if _given(status) else None,
        where,
    )


def _corners(row: Mapping[str, Any]) -> list[dict[str, float]]:
    try:
        left, top, right, bottom = (float(row[name]) for name in _CORNERS)
    except (KeyError, TypeError, ValueError):
        raise Invalid("A box has xmin, ymin, xmax and ymax, all numbers") from None
    if not all(map(math.isfinite, (left, top, right, bottom))):
        raise Invalid("The numbers of a box are finite")
    return [{"x": left, "y": top}, {"x": right, "y": bottom}]


def _given(value: Any) -> bool:
    return value is not None and value != ""


def _object(row: Mapping[str, Any], name: str) -> dict[str, Any]:
    value = _value(row, name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise Invalid(f"{name} is a JSON object")
    return value


def _value(row: Mapping[str, Any], name: str) -> Any:
    text = row.get(name)
    if not _given(text):
        return None
    try:
        return orjson.loads(str(text))
    except orjson.JSONDecodeError:
        raise Invalid(f"{name} is not JSON") from None


def _json(value: Any) -> str | None:
    return None if value in (None, {}) else orjson.dumps(value).decode()
