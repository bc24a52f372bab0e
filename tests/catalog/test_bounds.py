"""The rectangle around an annotation."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gql_service.catalog.bounds import bounds
from gql_service.catalog.coordinates import (
    CORNERS,
    LARGEST_NUMBER,
    AnnotationType,
    check_coordinates,
)
from tests.catalog.test_mask import as_text, png

T = AnnotationType


def xy(x: float, y: float) -> dict[str, float]:
    return {"x": x, "y": y}


@pytest.mark.parametrize(
    ("type", "value", "rectangle"),
    [
        (T.BOX, [xy(1, 2), xy(4, 8)], (1, 2, 3, 6)),
        (T.BOX, [xy(4, 8), xy(1, 2)], (1, 2, 3, 6)),
        (T.BOX, {"points": [xy(0, 0), xy(4, 2)], "angle": 90}, (1, -1, 2, 4)),
        (T.BOX, {"points": [xy(0, 0), xy(4, 2)], "angle": -270}, (1, -1, 2, 4)),
        (T.BOX, {"points": [xy(0, 0), xy(4, 2)], "angle": 180}, (0, 0, 4, 2)),
        (
            T.BOX,
            {"points": [xy(0, 0), xy(2, 2)], "angle": 45},
            (1 - math.sqrt(2), 1 - math.sqrt(2), 2 * math.sqrt(2), 2 * math.sqrt(2)),
        ),
        (
            T.POLYGON,
            [[xy(0, 0), xy(5, 1), xy(2, 7)], [xy(-1, 3), xy(0, 0), xy(1, 1)]],
            (-1, 0, 6, 7),
        ),
        (T.POLYLINE, [[xy(3, 3), xy(1, 9)]], (1, 3, 2, 6)),
        (T.POINT, xy(2.5, -1), (2.5, -1, 0, 0)),
        (T.ELLIPSE, {"center": xy(10, 10), "rx": 4, "ry": 2}, (6, 8, 8, 4)),
        (T.ELLIPSE, {"center": xy(10, 10), "rx": 4, "ry": 2, "angle": 90}, (8, 6, 4, 8)),
        (T.CUBE, {name: xy(n, 2 * n) for n, name in enumerate(CORNERS)}, (0, 0, 7, 14)),
        (T.POSE, {"points": [{"name": n, **xy(ord(n), 1)} for n in "adc"]}, (97, 1, 3, 0)),
        (T.NOTE, {**xy(1, 2), "text": "here"}, (1, 2, 0, 0)),
        (T.CLASSIFICATION, None, None),
        (T.BINARY_MASK, as_text(png()), None),
        (T.TEXT_MARK, {"start": 1, "end": 2}, None),
        (T.SUBTITLE, {"start": 1, "end": 2, "text": ""}, None),
    ],
)
def test_bounds_of_every_type(type: AnnotationType, value: Any, rectangle: Any) -> None:
    found = bounds(type, check_coordinates(type, value))
    assert found == (None if rectangle is None else pytest.approx(rectangle))


NUMBER = st.floats(-LARGEST_NUMBER, LARGEST_NUMBER)
POINT = st.builds(xy, NUMBER, NUMBER)


@given(st.lists(POINT, min_size=2, max_size=2), NUMBER)
def test_the_rectangle_of_a_turned_box_is_finite_and_keeps_its_centre(
    corners: list[dict[str, float]], angle: float
) -> None:
    found = bounds(T.BOX, check_coordinates(T.BOX, {"points": corners, "angle": angle}))
    assert found is not None
    left, top, width, height = found
    assert all(map(math.isfinite, found))
    assert width >= 0
    assert height >= 0
    size = 1 + max(abs(corner[axis]) for corner in corners for axis in "xy")
    middle = sum(corner["x"] for corner in corners) / 2
    assert left + width / 2 == pytest.approx(middle, abs=1e-9 * size)
    middle = sum(corner["y"] for corner in corners) / 2
    assert top + height / 2 == pytest.approx(middle, abs=1e-9 * size)
