"""The smallest upright rectangle around an annotation, for those who only crop or draw."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from gql_service.catalog.coordinates import AnnotationType
from gql_service.catalog.json_text import parse

Rectangle = tuple[float, float, float, float]
"""Left, top, width and height, in pixels."""


def bounds(type: AnnotationType, coordinates: str) -> Rectangle | None:
    """The rectangle around stored `coordinates`, a text that `check_coordinates` gave.

    None for what lies nowhere on an image (classification, text mark, subtitle) and for a mask,
    whose marked pixels are known only by decoding it.
    """
    value = parse(coordinates)
    match type:
        case AnnotationType.BOX:
            return _of_box(value)
        case AnnotationType.POLYGON | AnnotationType.POLYLINE:
            return _around((point["x"], point["y"]) for chain in value for point in chain)
        case AnnotationType.POINT | AnnotationType.NOTE:
            return _around([(value["x"], value["y"])])
        case AnnotationType.ELLIPSE:
            return _of_ellipse(value)
        case AnnotationType.CUBE:
            return _around((corner["x"], corner["y"]) for corner in value.values())
        case AnnotationType.POSE:
            return _around((point["x"], point["y"]) for point in value["points"])
        case _:
            return None


def _of_box(value: Any) -> Rectangle:
    if isinstance(value, list):
        return _around((corner["x"], corner["y"]) for corner in value)
    left, top, width, height = _around((corner["x"], corner["y"]) for corner in value["points"])
    cosine, sine = _turned(value["angle"])
    across = abs(width * cosine) + abs(height * sine)
    down = abs(width * sine) + abs(height * cosine)
    return (left + (width - across) / 2, top + (height - down) / 2, across, down)


def _of_ellipse(value: Mapping[str, Any]) -> Rectangle:
    cosine, sine = _turned(value["angle"])
    half_width = math.hypot(value["rx"] * cosine, value["ry"] * sine)
    half_height = math.hypot(value["rx"] * sine, value["ry"] * cosine)
    center = value["center"]
    return (
        center["x"] - half_width,
        center["y"] - half_height,
        2 * half_width,
        2 * half_height,
    )


def _turned(degrees: float) -> tuple[float, float]:
    """Cosine and sine, exact at right angles, where a rounding error would show in every crop."""
    quarters, rest = divmod(degrees, 90)
    if rest == 0:
        return ((1.0, 0.0), (0.0, 1.0), (-1.0, 0.0), (0.0, -1.0))[int(quarters) % 4]
    return (math.cos(math.radians(degrees)), math.sin(math.radians(degrees)))


def _around(points: Iterable[tuple[float, float]]) -> Rectangle:
    across, down = zip(*points, strict=True)
    left, top = float(min(across)), float(min(down))
    return (left, top, float(max(across)) - left, float(max(down)) - top)
