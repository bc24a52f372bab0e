"""Pascal VOC in: an XML file for each image, with boxes.

`Annotations` has the XML files and `JPEGImages` the images, in the same sub-folders; without these
two, both are beside one another. Coordinates are taken as they stand. What VOC says of an object
beside its box (pose, truncated, difficult, occluded) is kept at `voc` in the annotation's metadata.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from gql_service.catalog.coordinates import AnnotationType
from gql_service.errors import Invalid
from gql_service.transfer.extras import needed
from gql_service.transfer.files import Files, files_in, is_picture, read_bytes
from gql_service.transfer.importing import Read
from gql_service.transfer.record import Mark, Reason, Record, Report, Source

XML_BYTES = 16 * 1024 * 1024
FLAGS = ("truncated", "difficult", "occluded")
NO_POSE = "Unspecified"
_CORNERS = ("xmin", "ymin", "xmax", "ymax")
_HELD = ("name", "bndbox", "pose", *FLAGS)


def read_voc(source: Source, report: Report) -> Read:
    """The records of all images of a folder. Raises Invalid when it has no XML file."""
    described, pictures = source.path / "Annotations", source.path / "JPEGImages"
    if not described.is_dir():
        described = source.path
    folder = source.files or (pictures if pictures.is_dir() else described)
    if not described.is_dir():
        raise Invalid(f"{source.path} is not a folder", path=("source",))
    texts = files_in(described, lambda file: file.suffix.lower() == ".xml")
    if not texts:
        raise Invalid(f"{described} has no XML files", path=("source",))
    files = Files(folder)
    records: dict[str, Record] = {}
    for text in texts:
        place = text.relative_to(described)
        record = _record(text, place.as_posix(), place.parent, files, report)
        if record is not None and record.path in records:
            detail = f"{record.path} is described twice"
            report.tell("image", Reason.DUPLICATE, record.where, detail)
        elif record is not None:
            records[record.path] = record
    for image in files_in(folder, is_picture):
        name = image.relative_to(folder).as_posix()
        found = files.find(name, name, report)
        if found is not None and found[1] not in records:
            records[found[1]] = Record(found[1], found[0], where=name)
    return Read(list(records.values()))


def _record(text: Path, where: str, folder: Path, files: Files, report: Report) -> Record | None:
    try:
        root = _parsed(text)
    except Invalid as wrong:
        report.tell("image", Reason.MALFORMED, where, wrong.message)
        return None
    name = (root.findtext("filename") or "").strip()
    beside = (folder / name).as_posix() if name else ""
    found = files.find(beside if files.has(beside) else name, where, report)
    if found is None:
        return None
    width, height = (_size(root.findtext(f"size/{side}")) for side in ("width", "height"))
    marks = tuple(_marks(root, where, report))
    if width is None or height is None:
        width = height = None
    return Record(found[1], found[0], width, height, marks, where=where)


def _parsed(text: Path) -> Any:
    """The root element. Entities are refused before they are expanded."""
    xml = needed("defusedxml.ElementTree", "The format voc")
    content = read_bytes(text, XML_BYTES)
    try:
        root = xml.fromstring(content, forbid_dtd=True)
    except (SyntaxError, ValueError, LookupError, RecursionError) as wrong:
        raise Invalid(f"It is no XML: {wrong}") from wrong
    if root.tag != "annotation":
        raise Invalid("Its root is no annotation")
    return root


def _marks(root: Any, where: str, report: Report) -> Iterator[Mark]:
    for number, one in enumerate(root.findall("object"), 1):
        here = f"{where}, object {number}"
        for child in one:
            if child.tag not in _HELD:
                report.tell("voc element", Reason.NOT_HELD, here, str(child.tag))
        label = (one.findtext("name") or "").strip()
        try:
            box = _box(one)
            if not label:
                raise Invalid("It has no name")
        except Invalid as wrong:
            report.tell("annotation", Reason.MALFORMED, here, wrong.message)
            continue
        said = _said(one)
        metadata = {"voc": said} if said else {}
        yield Mark(AnnotationType.BOX, label, box, metadata=metadata, where=here)


def _box(one: Any) -> list[dict[str, float]]:
    try:
        numbers = [float(one.findtext(f"bndbox/{name}")) for name in _CORNERS]
    except (TypeError, ValueError):
        raise Invalid("It has no bndbox of four numbers") from None
    if not all(map(math.isfinite, numbers)):
        raise Invalid("The numbers of a bndbox are finite")
    left, top, right, bottom = numbers
    if left > right or top > bottom:
        raise Invalid("The max of a bndbox is not less than its min")
    return [{"x": left, "y": top}, {"x": right, "y": bottom}]


def _said(one: Any) -> dict[str, Any]:
    said: dict[str, Any] = {
        flag: 1 for flag in FLAGS if (one.findtext(flag) or "").strip().lower() in ("1", "true")
    }
    pose = (one.findtext("pose") or "").strip()
    return said | ({"pose": pose} if pose not in ("", NO_POSE) else {})


def _size(text: str | None) -> int | None:
    digits = (text or "").strip()
    return int(digits) if digits.isascii() and digits.isdigit() and 0 < len(digits) < 10 else None
