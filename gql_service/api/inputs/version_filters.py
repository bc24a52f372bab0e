"""Filters of versions as callers give them, and what they mean to the catalog."""

from __future__ import annotations

import strawberry

from gql_service.api.inputs.filters import At, all_of, user_filter, value_filter, words
from gql_service.api.inputs.operators import DateTimeFilter, IdFilter, IntFilter, operator
from gql_service.api.types.enums import Operation
from gql_service.catalog import filters
from gql_service.catalog.filter_limits import check


@strawberry.input(description="Of what made a version. Every operator that is given must hold.")
class OperationFilter:
    eq: Operation | None = operator("Is this operation.")
    ne: Operation | None = operator("Is another operation.")
    in_: list[Operation] | None = strawberry.field(
        default=None, name="in", description="Is one of these operations."
    )
    not_in: list[Operation] | None = operator("Is none of these operations.")


@strawberry.input(
    description="Of one version. Every field that is given must hold. At most 8 levels and 100 "
    "conditions."
)
class VersionWhere:
    and_: list[VersionWhere] | None = strawberry.field(
        default=None, name="and", description="All of these hold; true of an empty list."
    )
    or_: list[VersionWhere] | None = strawberry.field(
        default=None, name="or", description="One of these holds; false of an empty list."
    )
    not_: VersionWhere | None = strawberry.field(
        default=None, name="not", description="This does not hold."
    )
    number: IntFilter | None = operator("Its number.")
    operation: OperationFilter | None = operator("What made it.")
    author: IdFilter | None = operator("Who made it.")
    created_at: DateTimeFilter | None = operator("When it was made.")


def version_filter(
    where: VersionWhere | None, path: At = ("where",)
) -> filters.VersionFilter | None:
    """The filter that a caller means, within its limits. Raises Invalid and LimitExceeded."""
    if where is None:
        return None
    made = _version(where, (*path,))
    check(made, path)
    return made


def _version(where: VersionWhere, path: At) -> filters.VersionFilter:
    return filters.VersionFilter(
        and_=all_of(_version, where.and_, (*path, "and")),
        or_=all_of(_version, where.or_, (*path, "or")),
        not_=_version(where.not_, (*path, "not")) if where.not_ else None,
        number=value_filter(where.number),
        operation=words(where.operation),
        author=user_filter(where.author, (*path, "author")),
        created_at=value_filter(where.created_at),
    )
