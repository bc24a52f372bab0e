"""Pictures and datasets to bring in: small real files, and random marks of every kind."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from random import Random
from typing import Any

from PIL import Image

from gql_service.catalog.coordinates import CORNERS, AnnotationType
from gql_service.catalog.recipe import create_recipe, update_recipe
from gql_service.transfer.importing import Read, plan_import, run_import
from gql_service.transfer.labels import recipe_of
from gql_service.transfer.record import Record, Report
from gql_service.transfer.target import Target, dataset_of_target
from gql_service.versions.annotations import NewAnnotation, add_annotations
from tests.builders import Lab


def picture(width: int, height: int, shade: int = 0) -> bytes:
    """A PNG file; another shade is another content."""
    buffer = BytesIO()
    Image.new("L", (width, height), shade).save(buffer, "PNG")
    return buffer.getvalue()


def put(file: Path, content: bytes) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)
    return file


def put_json(file: Path, content: Any) -> Path:
    return put(file, json.dumps(content).encode())


LABELS = ("cat", "animal.dog", 'ünusual name, with: "signs" & <more>')


def random_mark(random: Random, type: AnnotationType, width: int, height: int) -> NewAnnotation:
    """A mark whose points are on the image, in halves and thousandths of a pixel."""

    def x() -> float:
        return round(random.uniform(0, width), random.choice((0, 3)))

    def y() -> float:
        return round(random.uniform(0, height), random.choice((0, 3)))

    def points(count: int) -> list[dict[str, float]]:
        return [{"x": x(), "y": y()} for _ in range(count)]

    def box() -> list[dict[str, float]]:
        (left, right), (top, bottom) = sorted((x(), x())), sorted((y(), y()))
        return [{"x": left, "y": top}, {"x": right, "y": bottom}]

    many = range(random.randint(1, 2))
    names = random.sample(("nose", "left eye", "tail"), 2)
    coordinates: dict[AnnotationType, Callable[[], Any]] = {
        AnnotationType.BOX: box,
        AnnotationType.POLYGON: lambda: [points(random.randint(3, 6)) for _ in many],
        AnnotationType.POLYLINE: lambda: [points(2)],
        AnnotationType.POINT: lambda: points(1)[0],
        AnnotationType.ELLIPSE: lambda: {"center": points(1)[0], "rx": 2, "ry": 3.5, "angle": 30},
        AnnotationType.CUBE: lambda: dict(zip(CORNERS, points(8), strict=True)),
        AnnotationType.CLASSIFICATION: lambda: None,
        AnnotationType.BINARY_MASK: lambda: random_mask(random, width, height),
        AnnotationType.POSE: lambda: {
            "points": [
                {"name": name, **points(1)[0], "visible": random.random() < 0.5} for name in names
            ]
        },
        AnnotationType.TEXT_MARK: lambda: {"start": 1, "end": 5},
        AnnotationType.SUBTITLE: lambda: {"start": 1, "end": 5.5, "text": "ah"},
        AnnotationType.NOTE: lambda: {**points(1)[0], "text": 'look,\n"here"'},
    }
    return NewAnnotation(
        type,
        random.choice(LABELS),
        coordinates[type](),
        metadata={"by": "hand"} if len(many) == 2 and type is AnnotationType.NOTE else {},
    )


def random_mask(random: Random, width: int, height: int) -> str:
    image = Image.new("1", (width, height))
    for _ in range(random.randint(1, 60)):
        image.putpixel((random.randrange(width), random.randrange(height)), 1)
    buffer = BytesIO()
    image.save(buffer, "PNG", optimize=True)
    return base64.b64encode(buffer.getvalue()).decode()


def random_dataset(lab: Lab, folder: Path, types: Sequence[AnnotationType], seed: int) -> int:
    """A dataset of 12 pictures in directories, with up to 6 marks of these types on each."""
    random = Random(seed)
    marks: dict[str, list[NewAnnotation]] = {}
    records = []
    for number in range(12):
        width, height = random.randint(5, 40), random.randint(5, 40)
        path = f"/{random.choice(('a/', 'b/ü/', ''))}{number}.png"
        file = put(folder / path[1:], picture(width, height, number))
        count = random.randint(0, 6) if len(types) < 5 else len(types)
        marks[path] = [
            random_mark(random, types[at % len(types)], width, height) for at in range(count)
        ]
        records.append(Record(path, file, metadata={"number": number} if number == 5 else {}))
    recipe = lab.write(create_recipe, lab.project, lab.name(), recipe_of(LABELS, []))
    lab.write(update_recipe, recipe, content=replace(recipe_of(LABELS, []), tools=(), strict=False))
    report, target = Report(), Target("lab", lab.name(), recipe)
    plan = lab.read(plan_import, target, Read(records), report)
    lease = timedelta(hours=1)
    run_import(lab.database, lab.vault, target, plan, report, actor=lab.actor, lease=lease)
    found = lab.read(dataset_of_target, target)
    assert found is not None
    keys = dict(zip(lab.paths(found.id), lab.keys(found.id), strict=True))
    lab.write(
        add_annotations,
        found.id,
        [(keys[path], mark) for path, given in marks.items() for mark in given],
    )
    return found.id


def without_boxes_around(content: dict[str, list[Any]]) -> dict[str, list[Any]]:
    """The content without boxes, and poses with their points in the order of their names."""

    def ordered(mark: Any) -> Any:
        kind, label, value = mark
        return kind, label, sorted(value["points"], key=lambda point: str(point["name"]))

    return {
        path: sorted((ordered(mark) for mark in marks if mark[0] != "BOX"), key=repr)
        for path, marks in content.items()
    }
