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

`stars` is `glob` without the question mark, which then stands for itself. In media types, which are
no paths, `*` is any run at all.

A `through` filter looks through arrays, as JSON query languages do. Its path is made of keys only;
a key that meets an array goes on from every object in it. So a path reaches any number of values,
and `eq`, `in`, gt … lte, `contains`, `glob` and `stars` are true when one of them satisfies them,
or one element of one that is an array; an operand that is an array must be equal as a whole.
An operand of null is also true when nothing is reached, and a text that spells a number also
stands for that number. `ne` and `notIn` are the exact negations: no element is equal. `exists` is
true when anything is reached. `match` is true when one object that is reached, or is an element of
an array that is reached, satisfies the whole condition.

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
    stars: str | None = None
    gt: str | None = None
    gte: str | None = None
    lt: str | None = None
    lte: str | None = None
    exists: bool | None = None


@dataclass(frozen=True, kw_only=True)  # slots would make calling an alias below an error
class ValueFilter(Generic[T]):
    """Of a number, a moment or an id."""

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
EnumFilter = StringFilter
"""Of a word of an enumeration: the text that is stored."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JsonFilter:
    """Of the value at `path` in a JSON document, or, `through` arrays, of all that it reaches.

    Operands are parsed JSON.
    """

    path: Sequence[str]
    through: bool = False
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
    stars: str | None = None
    exists: bool | None = None
    match: JsonCondition | None = None

    def asked(self) -> list[tuple[str, Any]]:
        """The operators that are given, by field name, with their operands."""
        named = ((field.name, getattr(self, field.name)) for field in fields(self))
        return [
            (name, operand)
            for name, operand in named
            if name not in ("path", "through")
            and operand is not (None if name in _NOT_JSON else UNSET)
        ]


_NOT_JSON = ("in_", "not_in", "glob", "stars", "exists", "match")
"""Operators of JSON filters for which None asks nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JsonCondition:
    """Of one JSON object: conditions on what paths reach in it, combined."""

    and_: Sequence[JsonCondition] | None = None
    or_: Sequence[JsonCondition] | None = None
    not_: JsonCondition | None = None
    at: Sequence[JsonFilter] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AnnotationFilter:
    """Of one annotation. `creator` holds user ids; no status is `status` that does not exist.

    `item` holds the key of its item, of which `on_item` is true.

    `type` and `status` are compared as the texts that are stored. That it is `frequent` is no
    condition: it says that many annotations are expected to satisfy the filter.
    """

    and_: Sequence[AnnotationFilter] | None = None
    or_: Sequence[AnnotationFilter] | None = None
    not_: AnnotationFilter | None = None
    key: IdFilter | None = None
    item: IdFilter | None = None
    on_item: ItemFilter | None = None
    label: StringFilter | None = None
    type: EnumFilter | None = None
    status: EnumFilter | None = None
    creator: IdFilter | None = None
    creator_email: StringFilter | None = None
    created_at: DateTimeFilter | None = None
    updated_at: DateTimeFilter | None = None
    attributes: Sequence[JsonFilter] | None = None
    metadata: Sequence[JsonFilter] | None = None
    frequent: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class AnnotationsFilter:
    """Of all annotations of one item."""

    some: AnnotationFilter | None = None
    none: AnnotationFilter | None = None
    every: AnnotationFilter | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemFilter:
    """Of one item. `ids` and `key` are item keys; `creator` and `updated_by` hold user ids."""

    and_: Sequence[ItemFilter] | None = None
    or_: Sequence[ItemFilter] | None = None
    not_: ItemFilter | None = None
    ids: Sequence[int] | None = None
    key: IdFilter | None = None
    path: StringFilter | None = None
    name: StringFilter | None = None
    directory: StringFilter | None = None
    description: StringFilter | None = None
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
    creator_email: StringFilter | None = None
    updater_email: StringFilter | None = None
    metadata: Sequence[JsonFilter] | None = None
    annotations: AnnotationsFilter | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetFilter:
    """Of one dataset at its head. `creator` holds user ids."""

    and_: Sequence[DatasetFilter] | None = None
    or_: Sequence[DatasetFilter] | None = None
    not_: DatasetFilter | None = None
    name: StringFilter | None = None
    type: EnumFilter | None = None
    creator: IdFilter | None = None
    created_at: DateTimeFilter | None = None
    updated_at: DateTimeFilter | None = None
    items_count: IntFilter | None = None
    annotations_count: IntFilter | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionFilter:
    """Of one version. `author` holds user ids."""

    and_: Sequence[VersionFilter] | None = None
    or_: Sequence[VersionFilter] | None = None
    not_: VersionFilter | None = None
    number: IntFilter | None = None
    operation: EnumFilter | None = None
    author: IdFilter | None = None
    created_at: DateTimeFilter | None = None
