"""COCO in: one JSON file of images, annotations and categories beside a folder of images.

One annotation of COCO may be several of ours. Its polygons are a POLYGON with a ring each, its
run-length code is a BINARY_MASK, its keypoints are a POSE, and its bbox is a BOX, unless it is the
box around the polygons or the mask, give or take a pixel. What belongs together has the same
number at `coco.annotation` in its metadata, and `coco.iscrowd` is kept there too.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from gql_service.errors import Invalid
from gql_service.transfer.coco_shapes import Shape, shapes_of
from gql_service.transfer.files import Files, read_json
from gql_service.transfer.importing import Read
from gql_service.transfer.record import Mark, Reason, Record, Report, Source

_ASKED = 50
"""Images that are looked for to find out which folder they are in."""


@dataclass(frozen=True, slots=True)
class Category:
    """A label, and the names of its keypoints in order."""

    name: str
    keypoints: tuple[str, ...] = ()


def read_coco(source: Source, report: Report) -> Read:
    """The records of a COCO file, or of the one such file in a folder.

    Raises Invalid for what is no COCO file, and LimitExceeded.
    """
    file = _file(source.path)
    content = read_json(file)
    if not isinstance(content, dict) or not isinstance(content.get("images"), list):
        raise Invalid(f"{file} has no list of images, as COCO has", path=("source",))
    folder = source.files or _folder(file, content["images"])
    categories = _categories(content, report)
    images, records = _images(content["images"], Files(folder), report)
    marks: dict[str, list[Mark]] = {}
    for key, mark in _marks(content, categories, images, records, report):
        marks.setdefault(key, []).append(mark)
    read = [replace(one, marks=tuple(marks.get(path, ()))) for path, one in records.items()]
    return Read(read, [category.name for category in categories.values()])


def _file(path: Path) -> Path:
    if path.is_file():
        return path
    if not path.is_dir():
        raise Invalid(f"There is no {path}", path=("source",))
    found = sorted(path.glob("*.json")) or sorted(path.glob("annotations/*.json"))
    if len(found) != 1:
        names = ", ".join(file.name for file in found[:10]) or "none"
        raise Invalid(
            f"One JSON file of {path} has to be named; there are: {names}", path=("source",)
        )
    return found[0]


def _folder(file: Path, images: list[Any]) -> Path:
    """Where most of the first images are: beside the file, in `images`, around it, or in a folder
    that has the last part of its name, as `val2017` of `instances_val2017.json`."""
    here, above = file.parent, file.parent.parent
    named = [one.get("file_name") for one in images[:_ASKED] if isinstance(one, dict)]
    part = file.stem.rsplit("_", 1)[-1]
    around = (here / "images", here, above / "images", above, here / part, above / part)
    folders = [folder for folder in around if folder.is_dir()]
    return max(folders, key=lambda folder: sum(map(Files(folder).has, named)))


def _categories(content: Mapping[str, Any], report: Report) -> dict[Any, Category]:
    found: dict[Any, Category] = {}
    for at, one in enumerate(_listed(content, "categories", report)):
        where = f"categories[{at}]"
        if not isinstance(one, dict) or not _is_id(one.get("id")):
            report.tell("category", Reason.MALFORMED, where, "It has no id")
        elif not isinstance(one.get("name"), str):
            report.tell("category", Reason.MALFORMED, where, "It has no name")
        elif one["id"] in found:
            report.tell("category", Reason.DUPLICATE, where, f"The id {one['id']} is there twice")
        else:
            points = one.get("keypoints")
            names = tuple(map(str, points)) if isinstance(points, list) else ()
            found[one["id"]] = Category(one["name"], names)
            if one.get("supercategory") not in (None, "", "none", one["name"]):
                detail = f"The supercategory {one['supercategory']}"
                report.tell("supercategory", Reason.NOT_HELD, where, detail)
            if one.get("skeleton"):
                report.tell("skeleton", Reason.NOT_HELD, where, "Which keypoints are joined")
    return found


def _images(
    images: list[Any], files: Files, report: Report
) -> tuple[dict[Any, str | None], dict[str, Record]]:
    """The path of each image by its id, None where it was told why not; the records by path."""
    paths: dict[Any, str | None] = {}
    records: dict[str, Record] = {}
    for at, one in enumerate(images):
        where = f"images[{at}]"
        if not isinstance(one, dict) or not _is_id(one.get("id")):
            report.tell("image", Reason.MALFORMED, where, "It has no id")
            continue
        if one["id"] in paths:
            report.tell("image", Reason.DUPLICATE, where, f"The id {one['id']} is there twice")
            continue
        paths[one["id"]] = None
        found = files.find(one.get("file_name"), where, report)
        if found is None:
            continue
        file, path = found
        if path in records:
            report.tell("image", Reason.DUPLICATE, where, f"{path} is there twice")
            continue
        width, height = one.get("width"), one.get("height")
        if not (_is_size(width) and _is_size(height)):
            width = height = None
        records[path] = Record(path, file, width, height, where=where)
        paths[one["id"]] = path
    return paths, records


def _marks(
    content: Mapping[str, Any],
    categories: Mapping[Any, Category],
    images: Mapping[Any, str | None],
    records: Mapping[str, Record],
    report: Report,
) -> Iterator[tuple[str, Mark]]:
    """The path and the mark of every shape of every annotation."""
    seen: set[Any] = set()
    for at, one in enumerate(_listed(content, "annotations", report)):
        where = f"annotations[{at}]"
        refusal = _refusal(one, categories, images, seen)
        if refusal is not None:
            report.tell("annotation", *_told(refusal, where))
            continue
        if _is_id(one.get("id")):
            seen.add(one["id"])
        path = images[one["image_id"]]
        if path is None:
            detail = f"Its image {one['image_id']} was left out"
            report.tell("annotation", Reason.UNKNOWN_IMAGE, where, detail)
            continue
        category = categories[one["category_id"]]
        try:
            shapes = shapes_of(one, category.keypoints, records[path])
        except Invalid as wrong:
            report.tell("annotation", Reason.MALFORMED, where, wrong.message)
            continue
        for shape in shapes:
            yield path, _mark(shape, category.name, one, where, many=len(shapes) > 1)


def _refusal(
    one: Any, categories: Mapping[Any, Category], images: Mapping[Any, Any], seen: set[Any]
) -> tuple[Reason, str] | None:
    if not isinstance(one, dict):
        return Reason.MALFORMED, "It is no object"
    image, category, id = one.get("image_id"), one.get("category_id"), one.get("id")
    if not _is_id(image) or image not in images:
        return Reason.UNKNOWN_IMAGE, f"There is no image {image}"
    if not _is_id(category) or category not in categories:
        return Reason.UNKNOWN_CATEGORY, f"There is no category {category}"
    if _is_id(id) and id in seen:
        return Reason.DUPLICATE, f"The id {id} is there twice"
    return None


def _told(refusal: tuple[Reason, str], where: str) -> tuple[Reason, str, str]:
    return refusal[0], where, refusal[1]


def _mark(shape: Shape, label: str, one: Mapping[str, Any], where: str, *, many: bool) -> Mark:
    told: dict[str, Any] = {}
    if many and _is_id(one.get("id")):
        told["annotation"] = one["id"]
    if one.get("iscrowd") in (1, True):
        told["iscrowd"] = 1
    attributes = one.get("attributes")
    return Mark(
        shape.type,
        label,
        shape.coordinates,
        attributes=attributes if isinstance(attributes, dict) else {},
        metadata={"coco": told} if told else {},
        where=where,
    )


def _listed(content: Mapping[str, Any], name: str, report: Report) -> list[Any]:
    value = content.get(name, [])
    if isinstance(value, list):
        return value
    report.tell(name, Reason.MALFORMED, name, "It is no list")
    return []


def _is_id(value: Any) -> bool:
    """Numbers by the standard; texts are met."""
    if isinstance(value, float):
        return math.isfinite(value)
    return isinstance(value, int | str) and not isinstance(value, bool)


def _is_size(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value < 2**31
