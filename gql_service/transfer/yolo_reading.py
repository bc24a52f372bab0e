"""YOLO in: a folder of images, a label file for each, and the names of the classes.

The names are in `data.yaml`, or else in `classes.txt`, one on a line. A label file is where its
image is, with `labels` for the last `images` of the path and `.txt` for the extension. A line of
five numbers is a BOX; one of seven or more is a POLYGON. All are parts of the width and height that
the header of the image gives.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from gql_service.catalog.coordinates import AnnotationType
from gql_service.errors import Invalid
from gql_service.transfer.coco_shapes import fine
from gql_service.transfer.extras import needed
from gql_service.transfer.files import Files, files_in, is_picture, picture_size, read_bytes
from gql_service.transfer.importing import Read
from gql_service.transfer.record import Mark, Reason, Record, Report, Source

SETTINGS_BYTES = 4 * 1024 * 1024
LABEL_BYTES = 64 * 1024 * 1024
_NAMED = ("data.yaml", "data.yml", "dataset.yaml", "dataset.yml", "classes.txt", "obj.names")


def read_yolo(source: Source, report: Report) -> Read:
    """The records of all images below a folder, or of the folder of a settings file.

    An item's path begins below the folder `images`, where there is one. Raises Invalid for a
    folder without names of classes, or whose settings are not for boxes or polygons.
    """
    folder = source.path if source.path.is_dir() else source.path.parent
    names = _names(source.path if source.path.is_file() else _settings(folder))
    files = Files(folder)
    records = []
    for image in files_in(source.files or folder, is_picture):
        place = image.relative_to(source.files or folder).as_posix()
        if source.files is None and files.find(place, place, report) is None:
            continue
        path = place.removeprefix("images/")
        records.append(_record(image, path, names, report))
    return Read(records, names)


def _settings(folder: Path) -> Path:
    for name in _NAMED:
        if (folder / name).is_file():
            return folder / name
    raise Invalid(f"{folder} has no data.yaml and no classes.txt", path=("source",))


def _names(file: Path) -> list[str]:
    """The names of the classes, by number."""
    text = read_bytes(file, SETTINGS_BYTES).decode("utf-8", "replace")
    if file.suffix not in (".yaml", ".yml"):
        return [line.strip() for line in text.splitlines() if line.strip()]
    yaml = needed("yaml", "The format yolo")
    try:
        # The loader in C, where there is one: the other takes its time over deep lists.
        settings = yaml.load(text, getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except (yaml.YAMLError, RecursionError, ValueError) as wrong:
        raise Invalid(f"{file} is not YAML", path=("source",)) from wrong
    if not isinstance(settings, dict):
        raise Invalid(f"{file} has no settings", path=("source",))
    if settings.get("kpt_shape") is not None:
        raise Invalid(f"{file} is for keypoints; boxes and polygons are read", path=("source",))
    names = settings.get("names")
    if isinstance(names, dict) and all(type(key) is int and key >= 0 for key in names):
        names = [names.get(at) for at in range(max(names, default=-1) + 1)] if _dense(names) else 0
    if not isinstance(names, list) or not all(isinstance(name, str | int) for name in names):
        raise Invalid(f"{file} has no names of classes", path=("source",))
    return [str(name) for name in names]


def _dense(names: dict[int, Any]) -> bool:
    return sorted(names) == list(range(len(names)))


def _record(image: Path, path: str, names: Sequence[str], report: Report) -> Record:
    labels = _label_file(image)
    size = picture_size(image)
    if not labels.is_file():
        width, height = size or (None, None)
        return Record("/" + path, image, width, height, where=path)
    if size is None:
        report.tell("label file", Reason.MALFORMED, labels.name, f"{path} has no size")
        return Record("/" + path, image, where=path)
    marks = tuple(_marks(labels, size, names, report))
    return Record("/" + path, image, size[0], size[1], marks, where=path)


def _label_file(image: Path) -> Path:
    parts = list(image.parts)
    for at in range(len(parts) - 2, -1, -1):
        if parts[at] == "images":
            parts[at] = "labels"
            break
    return Path(*parts).with_suffix(".txt")


def _marks(
    file: Path, size: tuple[int, int], names: Sequence[str], report: Report
) -> Iterator[Mark]:
    try:
        lines = read_bytes(file, LABEL_BYTES).decode("utf-8", "replace").splitlines()
    except Invalid as refusal:
        report.tell("label file", Reason.TOO_LARGE, file.name, refusal.message)
        return
    for number, line in enumerate(lines, 1):
        where = f"{file.name}:{number}"
        if not line.strip():
            continue
        try:
            mark = _mark(line.split(), size, names, where)
        except Invalid as wrong:
            report.tell("annotation", Reason.MALFORMED, where, wrong.message)
            continue
        except LookupError:
            detail = f"There is no class {line.split()[0]}"
            report.tell("annotation", Reason.UNKNOWN_CATEGORY, where, detail)
            continue
        yield mark


def _mark(words: Sequence[str], size: tuple[int, int], names: Sequence[str], where: str) -> Mark:
    """Raises LookupError for a class without a name."""
    try:
        numbers = [float(word) for word in words]
    except ValueError:
        raise Invalid("A line is made of numbers") from None
    if not all(map(math.isfinite, numbers)):
        raise Invalid("The numbers of a line are finite")
    category, rest = numbers[0], numbers[1:]
    if not category.is_integer() or not 0 <= category < len(names):
        raise LookupError
    label = names[int(category)]
    if len(rest) == 4:
        x, y, width, height = rest
        if width < 0 or height < 0:
            raise Invalid("The width and height of a box are not negative")
        corners = [(x - width / 2, y - height / 2), (x + width / 2, y + height / 2)]
        return Mark(AnnotationType.BOX, label, _points(corners, size), where=where)
    if len(rest) < 6 or len(rest) % 2:
        raise Invalid(f"A box has 5 numbers and a polygon 7 or more; here are {len(numbers)}")
    ring = _points(list(zip(rest[::2], rest[1::2], strict=True)), size)
    return Mark(AnnotationType.POLYGON, label, [ring], where=where)


def _points(parts: Sequence[tuple[float, float]], size: tuple[int, int]) -> list[dict[str, float]]:
    return [{"x": fine(x * size[0]), "y": fine(y * size[1])} for x, y in parts]
