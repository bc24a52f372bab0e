"""In which order lists come."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import Any, Protocol, TypeVar

import strawberry

from gql_service.api.types.enums import OrderDirection

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
    UPDATED_AT = strawberry.enum_value("updated_at", description="By when they changed last.")
    SIZE = strawberry.enum_value("size", description="By the size of their files.")


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
