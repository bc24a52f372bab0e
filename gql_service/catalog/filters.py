"""Filters of items and annotations as plain values, and what each of their operators means.

A filter is a conjunction: every field that is given must hold, and so must every operator in a
field. An operator left out (None, or UNSET where null is a value) asks nothing, so an empty filter
matches everything. Every predicate is true or false, never unknown:

| operator | true when the value … |
|---|---|
| eq, in | is there and is equal (to one of the list; an empty list matches nothing) |
| ne, notIn | is not so: the exact negations of eq and in, true of a missing value |
| gt, gte, lt, lte | is there and is greater …; false of a missing value |
| contains, startsWith, glob | is a text that has, begins with, matches; case matters |
| exists | is there (true), is missing (false) |
| and, or, not | all, any, not; an empty `and` is true, an empty `or` is false |

Of JSON (`metadata`, `attributes`) the value is what stands at `path`. A step of the path is a key
of an object, or the decimal position of an element in an array; an empty path is the whole
document. `exists` is true of a key that is there with null. Values are compared with their types:
1 equals 1.0, but neither "1" nor true; arrays and objects are equal as a whole. gt … lte compare
numbers with numbers and texts with texts by code points; all else is false. `contains` is true of
an array with an element equal to the operand, and of a text with the operand in it. `glob` is
false of anything but a text.

In a glob, `*` is any run of characters inside one segment of a path, `**` any run across segments,
`?` one character but a slash; everything else stands for itself. `directory` is the path without
its last segment, `/` at the top, and `eq` does not reach into subdirectories.

Of annotations, `some` is true when at least one satisfies the whole filter, `none` when no one
does, `every` when no one fails it: `none` and `every` hold for items without annotations.
What a version does not show (annotations or metadata that a clone left out) is not there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from enum import Enum
from typing import Any, Final, Generic, Literal, TypeVar

T = TypeVar("T")


class Unset(Enum):
    """The absence of an operand, where None is JSON's null."""

    UNSET = "unset"


UNSET: Final = Unset.UNSET
Unsettable = Literal[Unset.UNSET]


@dataclass(frozen=True, slots=True, kw_only=True)
class StringFilter:
    """Of a text. Operands for paths, names, directories and labels are brought into NFC."""

    eq: str | None = None
    ne: str | None = None
    in_: Sequence[str] | None = None
    not_in: Sequence[str] | None = None
    contains: str | None = None
    starts_with: str | None = None
    glob: str | None = None
    exists: bool | None = None


@dataclass(frozen=True, kw_only=True)  # slots would make calling an alias below an error
class ValueFilter(Generic[T]):
    """Of a number, a moment, an id or a word of an enumeration (the text that is stored)."""

    eq: T | None = None
    ne: T | None = None
    in_: Sequence[T] | None = None
    not_in: Sequence[T] | None = None
    gt: T | None = None
    gte: T | None = None
    lt: T | None = None
    lte: T | None = None
    exists: bool | None = None


IntFilter = ValueFilter[int]
DateTimeFilter = ValueFilter[datetime]
IdFilter = ValueFilter[int]
EnumFilter = ValueFilter[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class JsonFilter:
    """Of the value at `path` in a JSON document. Operands are parsed JSON."""

    path: Sequence[str]
    eq: Any | Unsettable = UNSET
    ne: Any | Unsettable = UNSET
    in_: Sequence[Any] | None = None
    not_in: Sequence[Any] | None = None
    gt: Any | Unsettable = UNSET
    gte: Any | Unsettable = UNSET
    lt: Any | Unsettable = UNSET
    lte: Any | Unsettable = UNSET
    contains: Any | Unsettable = UNSET
    glob: str | None = None
    exists: bool | None = None

    def asked(self) -> list[tuple[str, Any]]:
        """The operators that are given, by field name, with their operands."""
        named = ((field.name, getattr(self, field.name)) for field in fields(self))
        lists_and_flags = ("in_", "not_in", "glob", "exists")
        return [
            (name, operand)
            for name, operand in named
            if name != "path" and operand is not (None if name in lists_and_flags else UNSET)
        ]


@dataclass(frozen=True, slots=True, kw_only=True)
class AnnotationFilter:
    """Of one annotation. `creator` holds user ids; no status is `status` that does not exist."""

    and_: Sequence[AnnotationFilter] | None = None
    or_: Sequence[AnnotationFilter] | None = None
    not_: AnnotationFilter | None = None
    label: StringFilter | None = None
    type: EnumFilter | None = None
    status: EnumFilter | None = None
    creator: IdFilter | None = None
    created_at: DateTimeFilter | None = None
    attributes: Sequence[JsonFilter] | None = None
    metadata: Sequence[JsonFilter] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AnnotationsFilter:
    """Of all annotations of one item."""

    some: AnnotationFilter | None = None
    none: AnnotationFilter | None = None
    every: AnnotationFilter | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemFilter:
    """Of one item. `ids` are item keys; `creator` and `updated_by` hold user ids."""

    and_: Sequence[ItemFilter] | None = None
    or_: Sequence[ItemFilter] | None = None
    not_: ItemFilter | None = None
    ids: Sequence[int] | None = None
    path: StringFilter | None = None
    name: StringFilter | None = None
    directory: StringFilter | None = None
    hidden: bool | None = None
    annotated: bool | None = None
    mime_type: StringFilter | None = None
    size: IntFilter | None = None
    width: IntFilter | None = None
    height: IntFilter | None = None
    sha256: StringFilter | None = None
    created_at: DateTimeFilter | None = None
    updated_at: DateTimeFilter | None = None
    creator: IdFilter | None = None
    updated_by: IdFilter | None = None
    metadata: Sequence[JsonFilter] | None = None
    annotations: AnnotationsFilter | None = None
