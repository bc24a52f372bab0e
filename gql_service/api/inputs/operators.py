"""Conditions on single values as callers give them: texts, numbers, moments, users, words, JSON."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import strawberry

from gql_service.api.scalars import JSON, BigInt
from gql_service.api.types.enums import AnnotationStatus, AnnotationType

_EQ = "Is there and equals this."
_NE = "The exact negation of `eq`: also true of what is not there."
_IN = "Is there and equals one of these, at most 1,000; an empty list matches nothing."
_NOT_IN = "The exact negation of `in`."
_GT, _GTE = "Is there and greater than this.", "Is there and at least this."
_LT, _LTE = "Is there and less than this.", "Is there and at most this."
_CONTAINS = "Is there and has this text in it; case matters."
_GLOB = (
    "Is there and matches this pattern of at most 256 characters: `*` is any run of characters "
    "inside one segment of a path, `**` any run across segments, `?` one character but a slash."
)
_EXISTS = "Whether it is there."


def operator(description: str) -> Any:
    """A field that asks nothing when it is left out."""
    return strawberry.field(default=None, description=description)


@strawberry.input(description="Of a text. Every operator that is given must hold.")
class StringFilter:
    eq: str | None = operator(_EQ)
    ne: str | None = operator(_NE)
    in_: list[str] | None = strawberry.field(default=None, name="in", description=_IN)
    not_in: list[str] | None = operator(_NOT_IN)
    contains: str | None = operator(_CONTAINS)
    starts_with: str | None = operator("Is there and begins with this text; case matters.")
    glob: str | None = operator(_GLOB)
    exists: bool | None = operator(_EXISTS)


@strawberry.input(description="Of a number of 32 bits. Every operator that is given must hold.")
class IntFilter:
    eq: int | None = operator(_EQ)
    ne: int | None = operator(_NE)
    in_: list[int] | None = strawberry.field(default=None, name="in", description=_IN)
    not_in: list[int] | None = operator(_NOT_IN)
    gt: int | None = operator(_GT)
    gte: int | None = operator(_GTE)
    lt: int | None = operator(_LT)
    lte: int | None = operator(_LTE)
    exists: bool | None = operator(_EXISTS)


@strawberry.input(description="Of a number of 64 bits. Every operator that is given must hold.")
class BigIntFilter:
    eq: BigInt | None = operator(_EQ)
    ne: BigInt | None = operator(_NE)
    in_: list[BigInt] | None = strawberry.field(default=None, name="in", description=_IN)
    not_in: list[BigInt] | None = operator(_NOT_IN)
    gt: BigInt | None = operator(_GT)
    gte: BigInt | None = operator(_GTE)
    lt: BigInt | None = operator(_LT)
    lte: BigInt | None = operator(_LTE)


@strawberry.input(description="Of a moment. Every operator that is given must hold.")
class DateTimeFilter:
    eq: datetime | None = operator(_EQ)
    ne: datetime | None = operator(_NE)
    gt: datetime | None = operator("Is later than this.")
    gte: datetime | None = operator("Is this or later.")
    lt: datetime | None = operator("Is earlier than this.")
    lte: datetime | None = operator("Is this or earlier.")


@strawberry.input(description="Of a user. Every operator that is given must hold.")
class IdFilter:
    eq: strawberry.ID | None = operator("Is the user of this id.")
    ne: strawberry.ID | None = operator("Is another user than that of this id.")
    in_: list[strawberry.ID] | None = strawberry.field(default=None, name="in", description=_IN)
    not_in: list[strawberry.ID] | None = operator(_NOT_IN)


@strawberry.input(description="Of an annotation's type. Every operator that is given must hold.")
class AnnotationTypeFilter:
    eq: AnnotationType | None = operator(_EQ)
    ne: AnnotationType | None = operator(_NE)
    in_: list[AnnotationType] | None = strawberry.field(default=None, name="in", description=_IN)
    not_in: list[AnnotationType] | None = operator(_NOT_IN)


@strawberry.input(description="Of an annotation's status. Every operator that is given must hold.")
class AnnotationStatusFilter:
    eq: AnnotationStatus | None = operator(_EQ)
    ne: AnnotationStatus | None = operator(_NE)
    in_: list[AnnotationStatus] | None = strawberry.field(default=None, name="in", description=_IN)
    not_in: list[AnnotationStatus] | None = operator(_NOT_IN)
    exists: bool | None = operator(_EXISTS)


@strawberry.input(
    description="Of the value at a path in a JSON document. Every operator that is given must "
    "hold; here an operand of null is JSON's null. Values are compared with their types: 1 equals "
    '1.0, but neither "1" nor true.'
)
class JsonFilter:
    path: list[str] = strawberry.field(
        description="Keys of objects, or decimal positions in lists, from the outside in: at most "
        "32; an empty path is the whole document."
    )
    eq: strawberry.Maybe[JSON | None] = strawberry.field(description=_EQ)
    ne: strawberry.Maybe[JSON | None] = strawberry.field(description=_NE)
    in_: list[JSON | None] | None = strawberry.field(default=None, name="in", description=_IN)
    not_in: list[JSON | None] | None = operator(_NOT_IN)
    gt: strawberry.Maybe[JSON | None] = strawberry.field(
        description=f"{_GT} Numbers with numbers, texts with texts by code points; else false."
    )
    gte: strawberry.Maybe[JSON | None] = strawberry.field(description=_GTE)
    lt: strawberry.Maybe[JSON | None] = strawberry.field(description=_LT)
    lte: strawberry.Maybe[JSON | None] = strawberry.field(description=_LTE)
    contains: strawberry.Maybe[JSON | None] = strawberry.field(
        description="Is a list with an element that equals this, or a text with this text in it."
    )
    glob: str | None = operator(_GLOB)
    exists: bool | None = operator("Whether there is anything at the path; null counts as there.")
