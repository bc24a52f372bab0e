"""The upright boxes that formats for detection write: drawn ones, and those around other shapes."""

from __future__ import annotations

from collections.abc import Iterator

import orjson

from gql_service.catalog.bounds import bounds
from gql_service.catalog.coordinates import AnnotationType
from gql_service.errors import Invalid
from gql_service.transfer.losses import tell_type_loss
from gql_service.transfer.masks import area_of_code, code_of_png
from gql_service.transfer.record import Mark, Reason, Record, Report

Corners = tuple[float, float, float, float]
"""Left, top, right, bottom, in pixels."""

_SURROUNDED = (AnnotationType.BOX, AnnotationType.POLYGON, AnnotationType.ELLIPSE)


def upright_boxes(record: Record, report: Report) -> Iterator[tuple[Mark, Corners]]:
    """The marks of a record that a box stands for, each with it.

    Of a polygon, an ellipse, a mask or a box with an angle it is the box around it, and the report
    is told; not where the same object has a box of its own, as it may after an import of COCO.
    Marks for which no box stands are told as lost.
    """
    drawn = {group_of(mark) for mark in record.marks if is_upright(mark)} - {None}
    for mark in record.marks:
        if is_upright(mark):
            across, down = (sorted(point[axis] for point in mark.coordinates) for axis in "xy")
            yield mark, (across[0], down[0], across[1], down[1])
            continue
        if mark.type not in (*_SURROUNDED, AnnotationType.BINARY_MASK):
            tell_type_loss(record, mark, report)
        elif group_of(mark) in drawn:
            tell_type_loss(record, mark, report, "its box is written in its place")
        else:
            try:
                around = _around(mark, record)
            except Invalid as wrong:
                tell_type_loss(record, mark, report, wrong.message)
                continue
            where = f"{record.path}, {mark.where}"
            report.tell(mark.type.value, Reason.BOX_ONLY, where, "the box around it is written")
            yield mark, around


def is_upright(mark: Mark) -> bool:
    """Whether it is a box without an angle."""
    return mark.type is AnnotationType.BOX and isinstance(mark.coordinates, list)


def group_of(mark: Mark) -> object:
    """What marks of one object of COCO share, or None."""
    told = mark.metadata.get("coco")
    group = told.get("annotation") if isinstance(told, dict) else None
    return group if isinstance(group, int | float | str) else None


def _around(mark: Mark, record: Record) -> Corners:
    if mark.type is AnnotationType.BINARY_MASK:
        code = code_of_png(mark.coordinates, record.width, record.height)
        left, top, width, height = area_of_code(code)[1]
        if not width or not height:
            raise Invalid("nothing is marked")
    else:
        found = bounds(mark.type, orjson.dumps(mark.coordinates).decode())
        assert found is not None, "all of these lie somewhere"
        left, top, width, height = found
    return left, top, left + width, top + height
