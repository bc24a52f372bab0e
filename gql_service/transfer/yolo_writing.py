"""YOLO out: a label file for each image, numbers in parts of its width and height, and data.yaml.

Boxes go into a dataset for detection, polygons of one ring into one for segmentation: in one label
file, tools take boxes for polygons. Readers refuse what reaches over an edge: it is cut off there.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from gql_service.catalog.coordinates import AnnotationType
from gql_service.transfer.boxes import upright_boxes
from gql_service.transfer.losses import tell_item_losses, tell_mark_losses, tell_type_loss
from gql_service.transfer.places import Places
from gql_service.transfer.record import Mark, Reason, Record, Report

SETTINGS = "data.yaml"
Points = list[tuple[float, float]]


class YoloWriter:
    """Writes annotations of one type: BOX or POLYGON."""

    files = "images"

    def __init__(
        self, folder: Path, labels: Sequence[str], report: Report, type: AnnotationType
    ) -> None:
        self._folder = folder
        self._report = report
        self._type = type
        self._classes = {label: at for at, label in enumerate(labels)}
        # Tools put `labels` for the last `images` of a path to find the label file.
        self._places = Places(stems=True, banned="images")
        (folder / "images").mkdir()
        (folder / "labels").mkdir()

    def place(self, record: Record) -> str:
        return self._places.place(record.path)

    def add(self, record: Record) -> None:
        tell_item_losses(record, self._report)
        place = record.file.relative_to(self._folder / "images")
        file = (self._folder / "labels" / place).with_suffix(".txt")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("".join(line + "\n" for line in self._lines(record)), encoding="ascii")

    def finish(self) -> None:
        # JSON is YAML too, and quotes every name.
        names = "".join(f"  {at}: {json.dumps(name)}\n" for name, at in self._classes.items())
        text = f"path: .\ntrain: images\nval: images\nnames:\n{names}"
        (self._folder / SETTINGS).write_text(text, encoding="utf-8")

    def close(self) -> None:
        pass

    def _lines(self, record: Record) -> Iterator[str]:
        if not record.width or not record.height:
            for mark in record.marks:
                tell_type_loss(record, mark, self._report, "the size of the image is not known")
            return
        shapes = self._boxes if self._type is AnnotationType.BOX else self._rings
        for mark, points in shapes(record):
            tell_mark_losses(record, mark, self._report, attributes=False)
            parts = self._parts(record, mark, points, record.width, record.height)
            if self._type is AnnotationType.BOX:
                (left, top), (right, bottom) = parts
                parts = [((left + right) / 2, (top + bottom) / 2), (right - left, bottom - top)]
            numbers = [f"{number:.12g}" for pair in parts for number in pair]
            yield " ".join([str(self._classes[mark.label]), *numbers])

    def _boxes(self, record: Record) -> Iterator[tuple[Mark, Points]]:
        for mark, (left, top, right, bottom) in upright_boxes(record, self._report):
            yield mark, [(left, top), (right, bottom)]

    def _rings(self, record: Record) -> Iterator[tuple[Mark, Points]]:
        for mark in record.marks:
            if mark.type is not AnnotationType.POLYGON:
                tell_type_loss(record, mark, self._report)
            elif len(mark.coordinates) > 1:
                tell_type_loss(record, mark, self._report, "it has more than one ring")
            else:
                yield mark, [(point["x"], point["y"]) for point in mark.coordinates[0]]

    def _parts(self, record: Record, mark: Mark, points: Points, width: int, height: int) -> Points:
        """The points in parts of the image's width and height, from 0 to 1."""
        inside = [(min(max(x, 0), width), min(max(y, 0), height)) for x, y in points]
        if inside != points:
            where = f"{record.path}, {mark.where}"
            self._report.tell(mark.type.value, Reason.CUT_OFF, where, "cut off at the edge")
        return [(x / width, y / height) for x, y in inside]


def open_detection(folder: Path, labels: Sequence[str], report: Report) -> YoloWriter:
    """Boxes, and those around other shapes."""
    return YoloWriter(folder, labels, report, AnnotationType.BOX)


def open_segmentation(folder: Path, labels: Sequence[str], report: Report) -> YoloWriter:
    """Polygons of one ring."""
    return YoloWriter(folder, labels, report, AnnotationType.POLYGON)
