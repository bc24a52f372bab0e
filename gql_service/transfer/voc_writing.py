"""Pascal VOC out: `Annotations`, `JPEGImages`, and the list of all images in `ImageSets/Main`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as Xml

from gql_service.transfer.boxes import Corners, upright_boxes
from gql_service.transfer.losses import tell_item_losses, tell_mark_losses, tell_type_loss
from gql_service.transfer.places import Places
from gql_service.transfer.record import Mark, Record, Report
from gql_service.transfer.voc_reading import FLAGS, NO_POSE

_NOT_IN_XML = re.compile("[\ufffe\uffff]")


class VocWriter:
    """Writes the boxes of each image."""

    files = "JPEGImages"

    def __init__(self, folder: Path, _labels: Sequence[str], report: Report) -> None:
        self._folder = folder
        self._report = report
        self._places = Places(stems=True)
        (folder / "JPEGImages").mkdir()
        (folder / "Annotations").mkdir()
        (folder / "ImageSets/Main").mkdir(parents=True)
        self._names = (folder / "ImageSets/Main/trainval.txt").open("w", encoding="utf-8")

    def place(self, record: Record) -> str:
        return self._places.place(record.path)

    def add(self, record: Record) -> None:
        tell_item_losses(record, self._report)
        place = record.file.relative_to(self._folder / "JPEGImages")
        root = Xml.Element("annotation")
        _put(root, "folder", "JPEGImages")
        _put(root, "filename", place.name)
        if record.width is not None:
            size = Xml.SubElement(root, "size")
            for name, value in (("width", record.width), ("height", record.height), ("depth", 3)):
                _put(size, name, value)
        _put(root, "segmented", 0)
        for mark, corners in upright_boxes(record, self._report):
            self._object(root, record, mark, corners)
        Xml.indent(root)
        file = (self._folder / "Annotations" / place).with_suffix(".xml")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(Xml.tostring(root, encoding="utf-8"))
        self._names.write(place.with_suffix("").as_posix() + "\n")

    def finish(self) -> None:
        pass

    def close(self) -> None:
        self._names.close()

    def _object(self, root: Xml.Element, record: Record, mark: Mark, corners: Corners) -> None:
        if _NOT_IN_XML.search(mark.label):
            tell_type_loss(record, mark, self._report, "XML cannot hold its label")
            return
        said = _said(mark)
        known = ("voc",) if said is not None else ()
        tell_mark_losses(record, mark, self._report, attributes=False, known=known)
        said = said or {}
        element = Xml.SubElement(root, "object")
        _put(element, "name", mark.label)
        _put(element, "pose", said.get("pose", NO_POSE))
        for flag in FLAGS:
            _put(element, flag, said.get(flag, 0))
        box = Xml.SubElement(element, "bndbox")
        for name, side in zip(("xmin", "ymin", "xmax", "ymax"), corners, strict=True):
            _put(box, name, int(side) if float(side).is_integer() else side)


def _said(mark: Mark) -> dict[str, Any] | None:
    """What the metadata say of VOC, where it is what an import of it writes."""
    told = mark.metadata.get("voc", {})
    if not isinstance(told, dict) or not set(told) <= {"pose", *FLAGS}:
        return None
    pose = told.get("pose", "")
    fits = isinstance(pose, str) and pose.isprintable() and not _NOT_IN_XML.search(pose)
    return told if fits and all(told.get(flag, 1) == 1 for flag in FLAGS) else None


def _put(parent: Xml.Element, name: str, value: object) -> None:
    Xml.SubElement(parent, name).text = str(value)
