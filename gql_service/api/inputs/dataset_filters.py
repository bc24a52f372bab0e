"""Filters of datasets as callers give them, and what they mean to the catalog."""

from __future__ import annotations

import strawberry

from gql_service.api.inputs.filters import (
    At,
    all_of,
    string_filter,
    user_filter,
    value_filter,
    words,
)
from gql_service.api.inputs.operators import (
    DateTimeFilter,
    IdFilter,
    IntFilter,
    StringFilter,
    operator,
)
from gql_service.api.types.enums import DatasetType
from gql_service.catalog import filters
from gql_service.catalog.filter_limits import check


@strawberry.input(description="Of a dataset's type. Every operator that is given must hold.")
class DatasetTypeFilter:
    eq: DatasetType | None = operator("Is this type.")
    ne: DatasetType | None = operator("Is another type.")
    in_: list[DatasetType] | None = strawberry.field(
        default=None, name="in", description="Is one of these types."
    )
    not_in: list[DatasetType] | None = operator("Is none of these types.")


@strawberry.input(
    description="Of one dataset, as its head is. Every field that is given must hold. At most 8 "
    "levels and 100 conditions."
)
class DatasetWhere:
    and_: list[DatasetWhere] | None = strawberry.field(
        default=None, name="and", description="All of these hold; true of an empty list."
    )
    or_: list[DatasetWhere] | None = strawberry.field(
        default=None, name="or", description="One of these holds; false of an empty list."
    )
    not_: DatasetWhere | None = strawberry.field(
        default=None, name="not", description="This does not hold."
    )
    name: StringFilter | None = operator("Its name.")
    type: DatasetTypeFilter | None = operator("Its type.")
    creator: IdFilter | None = operator("Who created it.")
    created_at: DateTimeFilter | None = operator("When it was created.")
    updated_at: DateTimeFilter | None = operator("When its newest version was made.")
    items_count: IntFilter | None = operator("How many items it has.")
    annotations_count: IntFilter | None = operator("How many annotations it has.")


def dataset_filter(
    where: DatasetWhere | None, path: At = ("where",)
) -> filters.DatasetFilter | None:
    """The filter that a caller means, within its limits. Raises Invalid and LimitExceeded."""
    if where is None:
        return None
    made = _dataset(where, (*path,))
    check(made, path)
    return made


def _dataset(where: DatasetWhere, path: At) -> filters.DatasetFilter:
    return filters.DatasetFilter(
        and_=all_of(_dataset, where.and_, (*path, "and")),
        or_=all_of(_dataset, where.or_, (*path, "or")),
        not_=_dataset(where.not_, (*path, "not")) if where.not_ else None,
        name=string_filter(where.name),
        type=words(where.type),
        creator=user_filter(where.creator, (*path, "creator")),
        created_at=value_filter(where.created_at),
        updated_at=value_filter(where.updated_at),
        items_count=value_filter(where.items_count),
        annotations_count=value_filter(where.annotations_count),
    )
