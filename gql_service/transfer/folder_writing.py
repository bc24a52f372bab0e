"""Folders out: each item in the sub-folder of its one classification, as an import takes them in.

An item without one stands at the top, because any sub-folder would name a class.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from gql_service.catalog.coordinates import AnnotationType
from gql_service.catalog.item_path import SEGMENT_BYTES, name_of
from gql_service.transfer.losses import tell_item_losses, tell_mark_losses, tell_type_loss
from gql_service.transfer.places import Places
from gql_service.transfer.record import Mark, Record, Report


class FolderWriter:
    """Writes nothing but the files."""

    files = "."

    def __init__(self, _folder: Path, _labels: Sequence[str], report: Report) -> None:
        self._report = report
        self._places = Places()

    def place(self, record: Record) -> str:
        mark = _class(record)
        if mark is None:
            return self._places.place("/" + name_of(record.path))
        inside = record.path.removeprefix(f"/{mark.label}")
        return self._places.place(f"/{mark.label}{inside}")

    def add(self, record: Record) -> None:
        tell_item_losses(record, self._report)
        written = _class(record)
        for mark in record.marks:
            if mark is written:
                tell_mark_losses(record, mark, self._report, attributes=False)
            else:
                tell_type_loss(record, mark, self._report, "a folder names one class")

    def finish(self) -> None:
        pass

    def close(self) -> None:
        pass


def _class(record: Record) -> Mark | None:
    """The first classification whose label can be the name of a folder."""
    for mark in record.marks:
        fits = "/" not in mark.label and "\\" not in mark.label
        if mark.type is AnnotationType.CLASSIFICATION and fits:
            return mark if len(mark.label.encode()) <= SEGMENT_BYTES else None
    return None
