"""Filters of items and annotations as callers give them, and what they mean to the catalog."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import strawberry

from gql_service.api.ids import UserId, parse_as
from gql_service.api.inputs.operators import (
    AnnotationStatusFilter,
    AnnotationTypeFilter,
    BigIntFilter,
    DateTimeFilter,
    IdFilter,
    IntFilter,
    JsonFilter,
    StringFilter,
    operator,
)
from gql_service.catalog import filters
from gql_service.catalog.filter_limits import check
from gql_service.catalog.filters import UNSET

_AND = "All of these hold; true of an empty list."
_OR = "One of these holds; false of an empty list."
_NOT = "This does not hold."

At = Sequence[str | int]


@strawberry.input(
    description="Of one annotation. Every field that is given must hold. At most 8 levels and 100 "
    "conditions."
)
class AnnotationWhere:
    and_: list[AnnotationWhere] | None = strawberry.field(
        default=None, name="and", description=_AND
    )
    or_: list[AnnotationWhere] | None = strawberry.field(default=None, name="or", description=_OR)
    not_: AnnotationWhere | None = strawberry.field(default=None, name="not", description=_NOT)
    label: StringFilter | None = operator("Its label, by its dotted full name.")
    type: AnnotationTypeFilter | None = operator("Its type.")
    status: AnnotationStatusFilter | None = operator("Its status.")
    creator: IdFilter | None = operator("Who made it.")
    created_at: DateTimeFilter | None = operator("When it was made.")
    attributes: list[JsonFilter] | None = operator("Conditions on its attributes; all must hold.")
    metadata: list[JsonFilter] | None = operator("Conditions on its metadata; all must hold.")


@strawberry.input(description="Of all annotations of an item. Every field that is given must hold.")
class AnnotationsFilter:
    some: AnnotationWhere | None = operator("At least one annotation is such.")
    none: AnnotationWhere | None = operator("No annotation is such; true without annotations.")
    every: AnnotationWhere | None = operator("No annotation is other; true without annotations.")


@strawberry.input(
    description="Of one item. Every field that is given must hold; an empty filter matches all. At "
    "most 8 levels and 100 conditions. What a clone left out is not there."
)
class ItemWhere:
    and_: list[ItemWhere] | None = strawberry.field(default=None, name="and", description=_AND)
    or_: list[ItemWhere] | None = strawberry.field(default=None, name="or", description=_OR)
    not_: ItemWhere | None = strawberry.field(default=None, name="not", description=_NOT)
    path: StringFilter | None = operator("Its path, such as /dir/name.ext.")
    name: StringFilter | None = operator("The last name of its path.")
    directory: StringFilter | None = operator("Its path without the name; / at the top.")
    hidden: bool | None = operator("Whether it is hidden.")
    annotated: bool | None = operator("Whether it has an annotation.")
    mime_type: StringFilter | None = operator("The media type of its file.")
    size: BigIntFilter | None = operator("The size of its file in bytes.")
    width: IntFilter | None = operator("The width of its picture in pixels.")
    height: IntFilter | None = operator("The height of its picture in pixels.")
    sha256: StringFilter | None = operator("The SHA-256 of its file, 64 hexadecimal digits.")
    created_at: DateTimeFilter | None = operator("When it was made.")
    updated_at: DateTimeFilter | None = operator("When it was changed last.")
    creator: IdFilter | None = operator("Who made it.")
    updated_by: IdFilter | None = operator("Who changed it last.")
    metadata: list[JsonFilter] | None = operator("Conditions on its user metadata; all must hold.")
    annotations: AnnotationsFilter | None = operator("Conditions on its annotations.")


def item_filter(where: ItemWhere | None, path: At = ("where",)) -> filters.ItemFilter | None:
    """The filter that a caller means, within its limits. Raises Invalid and LimitExceeded."""
    if where is None:
        return None
    made = _item(where, (*path,))
    check(made, path)
    return made


def annotation_filter(
    where: AnnotationWhere | None, path: At = ("where",)
) -> filters.AnnotationFilter | None:
    """As `item_filter`."""
    if where is None:
        return None
    made = _annotation(where, (*path,))
    check(made, path)
    return made


def string_filter(asked: StringFilter | None) -> filters.StringFilter | None:
    if asked is None:
        return None
    return filters.StringFilter(**_operands(asked))


def _item(where: ItemWhere, path: At) -> filters.ItemFilter:
    return filters.ItemFilter(
        and_=all_of(_item, where.and_, (*path, "and")),
        or_=all_of(_item, where.or_, (*path, "or")),
        not_=_item(where.not_, (*path, "not")) if where.not_ else None,
        path=string_filter(where.path),
        name=string_filter(where.name),
        directory=string_filter(where.directory),
        hidden=where.hidden,
        annotated=where.annotated,
        mime_type=string_filter(where.mime_type),
        size=value_filter(where.size),
        width=value_filter(where.width),
        height=value_filter(where.height),
        sha256=string_filter(where.sha256),
        created_at=value_filter(where.created_at),
        updated_at=value_filter(where.updated_at),
        creator=user_filter(where.creator, (*path, "creator")),
        updated_by=user_filter(where.updated_by, (*path, "updatedBy")),
        metadata=_json(where.metadata),
        annotations=_annotations(where.annotations, (*path, "annotations")),
    )


def _annotations(asked: AnnotationsFilter | None, path: At) -> filters.AnnotationsFilter | None:
    if asked is None:
        return None
    return filters.AnnotationsFilter(
        some=_annotation(asked.some, (*path, "some")) if asked.some else None,
        none=_annotation(asked.none, (*path, "none")) if asked.none else None,
        every=_annotation(asked.every, (*path, "every")) if asked.every else None,
    )


def _annotation(where: AnnotationWhere, path: At) -> filters.AnnotationFilter:
    return filters.AnnotationFilter(
        and_=all_of(_annotation, where.and_, (*path, "and")),
        or_=all_of(_annotation, where.or_, (*path, "or")),
        not_=_annotation(where.not_, (*path, "not")) if where.not_ else None,
        label=string_filter(where.label),
        type=words(where.type),
        status=words(where.status),
        creator=user_filter(where.creator, (*path, "creator")),
        created_at=value_filter(where.created_at),
        attributes=_json(where.attributes),
        metadata=_json(where.metadata),
    )


def all_of(translate: Any, members: Iterable[Any] | None, path: At) -> Any:
    """Each member translated, with its place in the path; None for none."""
    if members is None:
        return None
    return tuple(translate(member, (*path, at)) for at, member in enumerate(members))


def _operands(asked: Any) -> dict[str, Any]:
    """The operators of an input by the names that the catalog has for them as well."""
    given = {name: getattr(asked, name) for name in asked.__dataclass_fields__}
    return {
        name: tuple(operand) if isinstance(operand, list) else operand
        for name, operand in given.items()
    }


def value_filter(asked: Any) -> filters.ValueFilter[Any] | None:
    return None if asked is None else filters.ValueFilter(**_operands(asked))


def words(asked: Any) -> filters.EnumFilter | None:
    """A filter of a word of an enumeration: an input with `eq`, `ne`, `in`, `notIn`."""
    if asked is None:
        return None
    return filters.EnumFilter(
        eq=asked.eq.value if asked.eq else None,
        ne=asked.ne.value if asked.ne else None,
        in_=None if asked.in_ is None else tuple(word.value for word in asked.in_),
        not_in=None if asked.not_in is None else tuple(word.value for word in asked.not_in),
        exists=getattr(asked, "exists", None),
    )


def user_filter(asked: IdFilter | None, path: At) -> filters.IdFilter | None:
    if asked is None:
        return None

    def key(text: str, *at: str | int) -> int:
        return parse_as(UserId, text, (*path, *at)).key

    def keys(texts: list[strawberry.ID] | None, name: str) -> tuple[int, ...] | None:
        return None if texts is None else tuple(key(t, name, i) for i, t in enumerate(texts))

    return filters.IdFilter(
        eq=None if asked.eq is None else key(asked.eq, "eq"),
        ne=None if asked.ne is None else key(asked.ne, "ne"),
        in_=keys(asked.in_, "in"),
        not_in=keys(asked.not_in, "notIn"),
    )


def _json(asked: list[JsonFilter] | None) -> tuple[filters.JsonFilter, ...] | None:
    return None if asked is None else tuple(_json_filter(one) for one in asked)


def _json_filter(asked: JsonFilter) -> filters.JsonFilter:
    maybe: dict[str, Any] = {
        name: UNSET if some is None else some.value
        for name in ("eq", "ne", "gt", "gte", "lt", "lte", "contains")
        for some in [getattr(asked, name)]
    }
    return filters.JsonFilter(
        path=tuple(asked.path),
        in_=None if asked.in_ is None else tuple(asked.in_),
        not_in=None if asked.not_in is None else tuple(asked.not_in),
        glob=asked.glob,
        exists=asked.exists,
        **maybe,
    )
