"""Where an annotation lies: the types of annotation, and the one JSON shape of each.

A point is `{"x": number, "y": number}` in pixels from the top left corner. Angles are degrees,
clockwise, around the centre of the shape. `[…]` is a list, `?` marks what may be left out.

    BOX             [point, point], two opposite corners; or {"points": [point, point], "angle"},
                    kept as the list when the angle is 0
    POLYGON         [[point…]…], one or more rings of 3 points or more
    POLYLINE        [[point…]…], one or more lines of 2 points or more
    POINT           point
    ELLIPSE         {"center": point, "rx", "ry", "angle"?}, radii ≥ 0; angle 0 when left out
    CUBE            {"frontTL", "frontTR", "frontBR", "frontBL", "backTL", "backTR", "backBR",
                    "backBL"}, each a point
    CLASSIFICATION  null
    BINARY_MASK     the text of a PNG file in base64, up to 1 MiB of file; a prefix
                    "data:image/png;base64," is dropped
    POSE            {"points": [{"name", "x", "y", "visible"?}…]}, names differ; visible true when
                    left out
    TEXT_MARK       {"start", "end"}, positions of characters, 0 ≤ start < end
    SUBTITLE        {"start", "end", "text"}, seconds, 0 ≤ start < end
    NOTE            {"x", "y", "text"}

Numbers are finite, within ±2^53, and never true or false. Nothing but the members named here is
taken, and what was left out is written with its default, so equal coordinates are equal texts.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from enum import Enum
from typing import Any

import orjson

from gql_service.catalog.mask import MASK_BYTES, clean_mask
from gql_service.catalog.names import clean_name, clean_text
from gql_service.errors import Invalid, LimitExceeded

COORDINATES_BYTES = 2 * MASK_BYTES
LARGEST_NUMBER = 2**53
CORNERS = (
    "frontTL",
    "frontTR",
    "frontBR",
    "frontBL",
    "backTL",
    "backTR",
    "backBR",
    "backBL",
)

At = tuple[str | int, ...]
Number = int | float


class AnnotationType(Enum):
    """What kind of mark an annotation is; it decides the shape of its coordinates."""

    BOX = "BOX"
    POLYGON = "POLYGON"
    POLYLINE = "POLYLINE"
    POINT = "POINT"
    ELLIPSE = "ELLIPSE"
    CUBE = "CUBE"
    CLASSIFICATION = "CLASSIFICATION"
    BINARY_MASK = "BINARY_MASK"
    POSE = "POSE"
    TEXT_MARK = "TEXT_MARK"
    SUBTITLE = "SUBTITLE"
    NOTE = "NOTE"


def check_coordinates(
    type: AnnotationType,
    value: Any,
    path: Sequence[str | int] = (),
) -> str:
    """The canonical JSON text of `value` as coordinates of an annotation of `type`.

    Raises Invalid, its path naming the offending value below `path`; LimitExceeded for a mask or
    a text past 1 MiB or 2 MiB.
    """
    at = tuple(path)
    # What the checks let through is canonical but for the order of keys.
    encoded = orjson.dumps(_CHECKS[type](value, at), option=orjson.OPT_SORT_KEYS)
    if len(encoded) > COORDINATES_BYTES:
        raise LimitExceeded(f"Coordinates have at most {COORDINATES_BYTES:,} bytes", path=at)
    return encoded.decode()


def _box(value: Any, at: At) -> Any:
    if not isinstance(value, dict):
        return _corners(value, at)
    members = _members(value, at, needed=("points",), optional=("angle",))
    corners = _corners(members["points"], (*at, "points"))
    angle = _number(members.get("angle", 0), (*at, "angle"))
    return {"points": corners, "angle": angle} if angle else corners


def _corners(value: Any, at: At) -> list[Any]:
    points = _list(value, at)
    if len(points) != 2:
        raise Invalid(f"A box has two corners; here are {len(points)}", path=at)
    return _points(points, at)


def _polygon(value: Any, at: At) -> Any:
    return _chains(value, at, least=3, what="ring of a polygon")


def _polyline(value: Any, at: At) -> Any:
    return _chains(value, at, least=2, what="line")


def _chains(value: Any, at: At, *, least: int, what: str) -> Any:
    chains = _list(value, at)
    if not chains:
        raise Invalid(f"At least one {what} is needed", path=at)
    cleaned = []
    for position, chain in enumerate(chains):
        points = _points(chain, (*at, position))
        if len(points) < least:
            raise Invalid(f"A {what} has {least} points or more", path=(*at, position))
        cleaned.append(points)
    return cleaned


def _points(value: Any, at: At) -> list[Any]:
    return [_point(point, (*at, position)) for position, point in enumerate(_list(value, at))]


def _point(value: Any, at: At) -> Any:
    if type(value) is dict and len(value) == 2:  # by far the most there is of anything
        x, y = value.get("x"), value.get("y")
        if type(x) is int and type(y) is int and abs(x) <= LARGEST_NUMBER >= abs(y):
            return {"x": x, "y": y}
    members = _members(value, at, needed=("x", "y"))
    return {axis: _number(members[axis], (*at, axis)) for axis in ("x", "y")}


def _ellipse(value: Any, at: At) -> Any:
    members = _members(value, at, needed=("center", "rx", "ry"), optional=("angle",))
    return {
        "center": _point(members["center"], (*at, "center")),
        "rx": _not_negative(members["rx"], (*at, "rx")),
        "ry": _not_negative(members["ry"], (*at, "ry")),
        "angle": _number(members.get("angle", 0), (*at, "angle")),
    }


def _cube(value: Any, at: At) -> Any:
    members = _members(value, at, needed=CORNERS)
    return {corner: _point(members[corner], (*at, corner)) for corner in CORNERS}


def _classification(value: Any, at: At) -> Any:
    if value is not None:
        raise Invalid("A classification has no coordinates: they must be null", path=at)
    return None


def _pose(value: Any, at: At) -> Any:
    members = _members(value, at, needed=("points",))
    points = _list(members["points"], (*at, "points"))
    if not points:
        raise Invalid("A pose has at least one point", path=(*at, "points"))
    cleaned: dict[str, Any] = {}
    for position, point in enumerate(points):
        here = (*at, "points", position)
        joint = _joint(point, here)
        if joint["name"] in cleaned:
            raise Invalid(f"Two points have the name {joint['name']}", path=(*here, "name"))
        cleaned[joint["name"]] = joint
    return {"points": list(cleaned.values())}


def _joint(value: Any, at: At) -> dict[str, Any]:
    members = _members(value, at, needed=("name", "x", "y"), optional=("visible",))
    visible = members.get("visible", True)
    if not isinstance(visible, bool):
        raise Invalid("Visible is true or false", path=(*at, "visible"))
    return {
        "name": clean_name(_string(members["name"], (*at, "name")), (*at, "name")),
        "x": _number(members["x"], (*at, "x")),
        "y": _number(members["y"], (*at, "y")),
        "visible": visible,
    }


def _text_mark(value: Any, at: At) -> Any:
    members = _members(value, at, needed=("start", "end"))
    start, end = _span(members, at)
    for name, place in (("start", start), ("end", end)):
        if place != int(place):
            raise Invalid("A position in a text is a whole number", path=(*at, name))
    return {"start": start, "end": end}


def _subtitle(value: Any, at: At) -> Any:
    members = _members(value, at, needed=("start", "end", "text"))
    start, end = _span(members, at)
    return {"start": start, "end": end, "text": _free_text(members["text"], (*at, "text"))}


def _note(value: Any, at: At) -> Any:
    members = _members(value, at, needed=("x", "y", "text"))
    return {
        "x": _number(members["x"], (*at, "x")),
        "y": _number(members["y"], (*at, "y")),
        "text": _free_text(members["text"], (*at, "text")),
    }


def _span(members: dict[str, Any], at: At) -> tuple[Number, Number]:
    start = _not_negative(members["start"], (*at, "start"))
    end = _not_negative(members["end"], (*at, "end"))
    if start >= end:
        raise Invalid("The end must be greater than the start", path=(*at, "end"))
    return start, end


def _members(
    value: Any, at: At, *, needed: Sequence[str], optional: Sequence[str] = ()
) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise Invalid(f"An object with {', '.join(needed)} is needed here", path=at)
    for name in needed:
        if name not in value:
            raise Invalid(f"{name} is missing", path=(*at, name))
    for name in value:
        if name not in needed and name not in optional:
            place = ascii(name)[1:-1][:100]
            raise Invalid(f"{place} is not a member of these coordinates", path=(*at, place))
    return value


def _list(value: Any, at: At) -> list[Any]:
    if not isinstance(value, list):
        raise Invalid("A list is needed here", path=at)
    return value


def _string(value: Any, at: At) -> str:
    if not isinstance(value, str):
        raise Invalid("A text is needed here", path=at)
    return value


def _free_text(value: Any, at: At) -> str:
    return clean_text(_string(value, at), at)


def _number(value: Any, at: At) -> Number:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise Invalid("A number is needed here", path=at)
    if isinstance(value, float) and not math.isfinite(value):
        raise Invalid("A finite number is needed here", path=at)
    if abs(value) > LARGEST_NUMBER:
        raise Invalid("The number is beyond ±2^53", path=at)
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _not_negative(value: Any, at: At) -> Number:
    number = _number(value, at)
    if number < 0:
        raise Invalid("The number must not be negative", path=at)
    return number


_CHECKS: dict[AnnotationType, Callable[[Any, At], Any]] = {
    AnnotationType.BOX: _box,
    AnnotationType.POLYGON: _polygon,
    AnnotationType.POLYLINE: _polyline,
    AnnotationType.POINT: _point,
    AnnotationType.ELLIPSE: _ellipse,
    AnnotationType.CUBE: _cube,
    AnnotationType.CLASSIFICATION: _classification,
    AnnotationType.BINARY_MASK: clean_mask,
    AnnotationType.POSE: _pose,
    AnnotationType.TEXT_MARK: _text_mark,
    AnnotationType.SUBTITLE: _subtitle,
    AnnotationType.NOTE: _note,
}
