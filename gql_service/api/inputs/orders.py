"""In which order lists come."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import Any, Protocol, TypeVar

import strawberry

from gql_service.api.types.enums import OrderDirection
from gql_service.catalog.filter_limits import check_json_path
from gql_service.catalog.item_order import ItemOrder as CatalogOrder
from gql_service.errors import Invalid, LimitExceeded

MOST_STEPS = 8
_DIRECTION = "In which direction."
_FIELD = "By what."


@strawberry.enum(description="By what projects can be ordered.")
class ProjectOrderField(Enum):
    NAME = strawberry.enum_value("name", description="By name, byte by byte in UTF-8.")
    CREATED_AT = strawberry.enum_value("created_at", description="By when they were created.")


@strawberry.enum(description="By what datasets can be ordered.")
class DatasetOrderField(Enum):
    NAME = strawberry.enum_value("name", description="By name, byte by byte in UTF-8.")
    CREATED_AT = strawberry.enum_value("created_at", description="By when they were created.")
    UPDATED_AT = strawberry.enum_value(
        "updated_at", description="By when their newest version was made."
    )


@strawberry.enum(description="By what items can be ordered.")
class ItemOrderField(Enum):
    PATH = strawberry.enum_value(
        "path", description="By path, byte by byte in UTF-8: the only order that an index has."
    )
    NAME = strawberry.enum_value("name", description="By the last name of the path.")
    CREATED_AT = strawberry.enum_value("created_at", description="By when they were made.")
    KEY = strawberry.enum_value("key", description="By key, which is about by age.")
    DIRECTORY = strawberry.enum_value(
        "directory", description="By the path without its last name, byte by byte in UTF-8."
    )
    UPDATED_AT = strawberry.enum_value("updated_at", description="By when they changed last.")
    SIZE = strawberry.enum_value("size", description="By the size of their files.")
    WIDTH = strawberry.enum_value(
        "width", description="By the width of their pictures; without one last."
    )
    HEIGHT = strawberry.enum_value(
        "height", description="By the height of their pictures; without one last."
    )
    MIME_TYPE = strawberry.enum_value("mime_type", description="By the media types of their files.")
    METADATA = strawberry.enum_value(
        "metadata",
        description="By the value at `path` in their user metadata: numbers, then texts by code "
        "points, then false and true. Last in either direction comes what is missing, null, a "
        "list or an object.",
    )


@strawberry.enum(description="By what annotations can be ordered.")
class AnnotationOrderField(Enum):
    KEY = strawberry.enum_value("key", description="By key, which is about by age.")
    LABEL = strawberry.enum_value("label", description="By label, byte by byte in UTF-8.")
    CREATED_AT = strawberry.enum_value("created_at", description="By when they were made.")
    UPDATED_AT = strawberry.enum_value("updated_at", description="By when they changed last.")


@strawberry.input(description="One step of an order of projects.")
class ProjectOrder:
    field: ProjectOrderField = strawberry.field(description=_FIELD)
    direction: OrderDirection = strawberry.field(default=OrderDirection.ASC, description=_DIRECTION)


@strawberry.input(description="One step of an order of datasets.")
class DatasetOrder:
    field: DatasetOrderField = strawberry.field(description=_FIELD)
    direction: OrderDirection = strawberry.field(default=OrderDirection.ASC, description=_DIRECTION)


@strawberry.input(description="One step of an order of items.")
class ItemOrder:
    field: ItemOrderField = strawberry.field(description=_FIELD)
    path: list[str] | None = strawberry.field(
        default=None,
        description="With METADATA, and only then: keys of objects, or decimal positions in "
        "lists, from the outside in.",
    )
    direction: OrderDirection = strawberry.field(default=OrderDirection.ASC, description=_DIRECTION)


@strawberry.input(description="One step of an order of annotations.")
class AnnotationOrder:
    field: AnnotationOrderField = strawberry.field(description=_FIELD)
    direction: OrderDirection = strawberry.field(default=OrderDirection.ASC, description=_DIRECTION)


class _Step(Protocol):
    @property
    def field(self) -> Enum: ...
    @property
    def direction(self) -> OrderDirection: ...


S = TypeVar("S", bound=_Step)


def order_of(steps: Sequence[S] | None) -> tuple[Any, ...]:
    """(field, descends) of each step, the most significant first."""
    return tuple((step.field.value, step.direction is OrderDirection.DESC) for step in steps or ())


def item_order_of(
    steps: Sequence[ItemOrder] | None, at: Sequence[str | int] = ("orderBy",)
) -> CatalogOrder:
    """(field or path in metadata, descends) of each step. Raises Invalid and LimitExceeded."""
    if len(steps or ()) > MOST_STEPS:
        raise LimitExceeded(f"An order can have {MOST_STEPS} steps", path=at)
    return tuple(
        (_ordered_by(step, (*at, place)), step.direction is OrderDirection.DESC)
        for place, step in enumerate(steps or ())
    )


def _ordered_by(step: ItemOrder, at: Sequence[str | int]) -> Any:
    if (step.field is ItemOrderField.METADATA) != bool(step.path):
        raise Invalid("METADATA needs a path, and nothing else takes one", path=(*at, "path"))
    if not step.path:
        return step.field.value
    check_json_path(step.path, (*at, "path"))
    return tuple(step.path)
