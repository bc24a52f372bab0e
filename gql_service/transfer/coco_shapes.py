"""The shapes of one annotation of COCO: polygons or a mask, keypoints, and the box around them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gql_service.catalog.coordinates import AnnotationType
from gql_service.errors import Invalid
from gql_service.transfer.masks import area_of_code, code_of_png, png_of_code
from gql_service.transfer.record import Record

NEAR = 1.0
"""Pixels by which the sides of a box may differ and still be those of the shape in it."""

Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Shape:
    """A type of annotation with its coordinates."""

    type: AnnotationType
    coordinates: Any


def shapes_of(one: Mapping[str, Any], names: Sequence[str], image: Record) -> list[Shape]:
    """The shapes of an annotation, at least one. Raises Invalid for what is none."""
    shapes: list[Shape] = []
    around: Box | None = None
    segmentation = one.get("segmentation")
    if isinstance(segmentation, dict):
        shape, around = _mask(segmentation, image)
        shapes.append(shape)
    elif segmentation:
        shape, around = _polygon(segmentation)
        shapes.append(shape)
    pose = _pose(one.get("keypoints"), names)
    box = _box(one.get("bbox"), needed=not shapes and pose is None)
    if box is not None and (around is None or not _near(box, around)):
        left, top, width, height = box
        corners = [
            {"x": fine(left), "y": fine(top)},
            {"x": fine(left + width), "y": fine(top + height)},
        ]
        shapes.append(Shape(AnnotationType.BOX, corners))
    if pose is not None:
        shapes.append(pose)
    return shapes


def _box(value: Any, *, needed: bool) -> Box | None:
    if value in (None, []):
        if needed:
            raise Invalid("It has no bbox, segmentation or keypoints")
        return None
    left, top, width, height = numbers(value, "bbox", 4)
    if width < 0 or height < 0:
        raise Invalid("The width and height of a bbox are not negative")
    return left, top, width, height


def _mask(code: Any, image: Record) -> tuple[Shape, Box]:
    if image.width is None or image.height is None:
        raise Invalid("A mask needs the width and height of its image")
    text = png_of_code(code, image.width, image.height)
    box = area_of_code(code_of_png(text, image.width, image.height))[1]
    return Shape(AnnotationType.BINARY_MASK, text), (box[0], box[1], box[2], box[3])


def _polygon(value: Any) -> tuple[Shape, Box]:
    if not isinstance(value, list):
        raise Invalid("The segmentation is neither polygons nor a mask")
    rings = []
    for ring in value:
        flat = numbers(ring, "segmentation")
        if len(flat) < 6 or len(flat) % 2:
            raise Invalid("A polygon has three points or more, each x and y")
        rings.append([{"x": x, "y": y} for x, y in zip(flat[::2], flat[1::2], strict=True)])
    across = [point["x"] for ring in rings for point in ring]
    down = [point["y"] for ring in rings for point in ring]
    left, top = min(across), min(down)
    return Shape(AnnotationType.POLYGON, rings), (left, top, max(across) - left, max(down) - top)


def _pose(value: Any, names: Sequence[str]) -> Shape | None:
    """The keypoints that are there; None when none is. Those without a name get a number."""
    if not value:
        return None
    flat = numbers(value, "keypoints")
    if len(flat) % 3:
        raise Invalid("A keypoint is x, y and whether it is visible")
    if names and len(flat) // 3 != len(names):
        raise Invalid(f"There are {len(flat) // 3} keypoints; the category has {len(names)}")
    points = [
        {
            "name": names[at] if names else str(at + 1),
            "x": flat[3 * at],
            "y": flat[3 * at + 1],
            "visible": flat[3 * at + 2] >= 2,
        }
        for at in range(len(flat) // 3)
        if flat[3 * at + 2] > 0
    ]
    return Shape(AnnotationType.POSE, {"points": points}) if points else None


def numbers(value: Any, what: str, count: int | None = None) -> list[float]:
    """Finite numbers. Raises Invalid for anything else, and for another number of them."""
    if not isinstance(value, list) or (count is not None and len(value) != count):
        raise Invalid(f"{what} is a list of {count or ''} numbers".replace("  ", " "))
    for one in value:
        if isinstance(one, bool) or not isinstance(one, int | float) or not math.isfinite(one):
            raise Invalid(f"{what} has a value that is no finite number")
    return value


def fine(value: float) -> float:
    """To a millionth of a pixel: what sums and quotients add to the digits is not from a file."""
    return round(value, 6)


def _near(one: Box, other: Box) -> bool:
    left, top, width, height = one
    left2, top2, width2, height2 = other
    gaps = (left - left2, top - top2, left + width - left2 - width2, top + height - top2 - height2)
    return all(abs(gap) <= NEAR for gap in gaps)
