"""COCO out: `annotations.json` beside the folder `images`.

Marks that were one annotation of COCO become one again: a polygon or a mask, the keypoints of a
pose, and a box. Where no box was drawn, it is the one around the rest. Annotations are written one
by one as they come, so that their number does not matter; only images and keypoints are kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import orjson

from gql_service.catalog.bounds import bounds
from gql_service.catalog.coordinates import AnnotationType
from gql_service.errors import Invalid
from gql_service.transfer.boxes import group_of, is_upright
from gql_service.transfer.coco_shapes import fine
from gql_service.transfer.losses import tell_item_losses, tell_mark_losses, tell_type_loss
from gql_service.transfer.masks import area_of_code, code_of_png
from gql_service.transfer.places import Places
from gql_service.transfer.record import Mark, Record, Report

FILE = "annotations.json"
_SEGMENTED = (AnnotationType.POLYGON, AnnotationType.BINARY_MASK)


class CocoWriter:
    """Writes annotations while they come, and the rest at the end."""

    files = "images"

    def __init__(self, folder: Path, labels: Sequence[str], report: Report) -> None:
        self._folder = folder
        self._report = report
        self._categories = {label: at for at, label in enumerate(labels, 1)}
        self._keypoints: dict[str, list[str]] = {}
        self._poses: list[tuple[dict[str, Any], Mark]] = []
        self._images: list[dict[str, Any]] = []
        self._annotations = 0
        self._places = Places()
        (folder / "images").mkdir()
        self._file = (folder / FILE).open("wb")
        self._file.write(b'{"annotations":[')

    def place(self, record: Record) -> str:
        return self._places.place(record.path)

    def add(self, record: Record) -> None:
        tell_item_losses(record, self._report)
        image: dict[str, Any] = {
            "id": len(self._images) + 1,
            "file_name": record.file.relative_to(self._folder / "images").as_posix(),
        }
        if record.width is not None:
            image |= {"width": record.width, "height": record.height}
        self._images.append(image)
        for marks in _objects(record, self._report):
            annotation = self._annotation(record, marks)
            if annotation is not None:
                self._write(annotation, marks)

    def finish(self) -> None:
        for annotation, mark in self._poses:
            self._put(annotation | self._points(mark))
        categories = [
            {"id": id, "name": name} | self._named(name) for name, id in self._categories.items()
        ]
        rest = {"images": self._images, "categories": categories, "info": {}, "licenses": []}
        self._file.write(b"]," + orjson.dumps(rest)[1:])

    def close(self) -> None:
        self._file.close()

    def _annotation(self, record: Record, marks: Sequence[Mark]) -> dict[str, Any] | None:
        """One annotation without its keypoints; None when it cannot be written, which is told."""
        try:
            shape = _shape(record, marks)
        except Invalid as wrong:
            for mark in marks:
                tell_type_loss(record, mark, self._report, wrong.message)
            return None
        attributes: dict[str, Any] = {}
        crowd = 0
        for mark in marks:
            known = ("coco",) if _is_ours(mark) else ()
            tell_mark_losses(record, mark, self._report, attributes=True, known=known)
            attributes |= mark.attributes
            if known and mark.metadata["coco"].get("iscrowd") == 1:
                crowd = 1
        told = {"image_id": len(self._images), "category_id": self._categories[marks[0].label]}
        extra = {"attributes": attributes} if attributes else {}
        return {**told, **shape, "iscrowd": crowd, **extra}

    def _write(self, annotation: dict[str, Any], marks: Sequence[Mark]) -> None:
        pose = next((mark for mark in marks if mark.type is AnnotationType.POSE), None)
        if pose is None:
            self._put(annotation)
            return
        names = self._keypoints.setdefault(pose.label, [])
        names += [p["name"] for p in pose.coordinates["points"] if p["name"] not in names]
        self._poses.append((annotation, pose))  # until the names of all points are known

    def _put(self, annotation: dict[str, Any]) -> None:
        self._file.write(b"," if self._annotations else b"")
        self._annotations += 1
        self._file.write(orjson.dumps({"id": self._annotations, **annotation}))

    def _points(self, mark: Mark) -> dict[str, Any]:
        """The keypoints in the order of the category, zeros for those that are not there."""
        found = {point["name"]: point for point in mark.coordinates["points"]}
        flat: list[float] = []
        for name in self._keypoints[mark.label]:
            point = found.get(name)
            flat += [point["x"], point["y"], 1 + point["visible"]] if point else [0, 0, 0]
        return {"keypoints": flat, "num_keypoints": len(found)}

    def _named(self, label: str) -> dict[str, Any]:
        names = self._keypoints.get(label)
        return {"keypoints": names, "skeleton": []} if names else {}


def _is_ours(mark: Mark) -> bool:
    """Whether what the metadata say of COCO is what an import of it writes."""
    told = mark.metadata.get("coco")
    return isinstance(told, dict) and set(told) <= {"annotation", "iscrowd"}


def _objects(record: Record, report: Report) -> list[list[Mark]]:
    """The marks that can be written, those of one object together: no two of one kind, and all
    with one label."""
    objects: dict[object, list[Mark]] = {}
    for at, mark in enumerate(record.marks):
        kind = _kind(mark)
        if kind is None:
            tell_type_loss(record, mark, report)
            continue
        group = group_of(mark) if _is_ours(mark) else None
        key = (at,) if group is None else (group, mark.label)
        held = objects.get(key, [])
        if any(_kind(other) == kind for other in held):
            objects[at,] = [mark]
        else:
            objects[key] = [*held, mark]
    return list(objects.values())


def _kind(mark: Mark) -> str | None:
    if mark.type in _SEGMENTED:
        return "segmentation"
    if mark.type is AnnotationType.POSE:
        return "keypoints"
    return "bbox" if is_upright(mark) else None


def _shape(record: Record, marks: Sequence[Mark]) -> dict[str, Any]:
    """Segmentation, area and bbox. Raises Invalid for a mask that cannot be read."""
    by_kind = {_kind(mark): mark for mark in marks}
    segmented, drawn = by_kind.get("segmentation"), by_kind.get("bbox")
    segmentation: Any = []
    area: float | None = None
    if segmented is not None and segmented.type is AnnotationType.BINARY_MASK:
        segmentation = code_of_png(segmented.coordinates, record.width, record.height)
        area, box = area_of_code(segmentation)
    else:
        box = _box(drawn or segmented or by_kind["keypoints"])
    if segmented is not None and segmented.type is AnnotationType.POLYGON:
        rings = segmented.coordinates
        segmentation = [[p[axis] for p in ring for axis in ("x", "y")] for ring in rings]
        area = sum(_area(ring) for ring in rings)
    if drawn is not None:
        box = _box(drawn)
    box = [fine(side) for side in box]
    return {
        "segmentation": segmentation,
        "area": fine(box[2] * box[3]) if area is None else fine(area),
        "bbox": box,
    }


def _box(mark: Mark) -> list[float]:
    found = bounds(mark.type, orjson.dumps(mark.coordinates).decode())
    assert found is not None, "all of these lie somewhere"
    return list(found)


def _area(ring: Sequence[dict[str, float]]) -> float:
    """Of a polygon whose sides do not cross."""
    pairs = zip(ring, [*ring[1:], ring[0]], strict=True)
    return abs(sum(a["x"] * b["y"] - b["x"] * a["y"] for a, b in pairs)) / 2
