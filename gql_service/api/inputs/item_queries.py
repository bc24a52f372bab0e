"""Items and annotations as callers ask for them: by a typed filter, or by JSON queries."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Annotated

import strawberry

from gql_service.api.ids import DatasetId, ProjectId, annotation_of, item_of
from gql_service.api.inputs.filters import (
    AnnotationWhere,
    ItemWhere,
    annotation_filter,
    item_filter,
)
from gql_service.api.scalars import JSON
from gql_service.catalog.dql_keys import Keys
from gql_service.catalog.dql_query import AnnotationQuery, Query, compile_annotations, compile_items
from gql_service.catalog.dql_settings import Surroundings
from gql_service.errors import Invalid

DQL = (
    "a query of the JSON query language: {filter, join, intersect, except, sort}, or a bare "
    'condition such as {"metadata.user.camera": "*north*"}. At most 8 levels, 100 conditions, '
    "1,000 values in a list, 256 characters in a pattern. What it does not know is an error with "
    "the path inside the query."
)

Dql = Annotated[
    JSON | None,
    strawberry.argument(
        description=f"Only items that match {DQL} Its `sort` holds where no `orderBy` is given. "
        "Not together with `where`."
    ),
]
AnnotationsDql = Annotated[
    JSON | None,
    strawberry.argument(
        description=f"Only annotations that match {DQL} Its `join` says what holds of their items, "
        "and its `sort` holds where no `orderBy` is given. Not together with `where`."
    ),
]


def query_of(
    dataset: int,
    dql: object,
    path: Sequence[str | int] = ("dql",),
    *,
    page: int | None = None,
    project: int | None = None,
) -> Query:
    """The items of a dataset that a JSON query means.

    `page` is how many are asked for at once. Raises Invalid and LimitExceeded.
    """
    keys, around = keys_of(dataset), surroundings_of(dataset, page, project)
    try:
        return compile_items(dql, keys, around)
    except Invalid as refusal:
        raise refusal.under(*path) from None


def items_asked(
    dataset: int, where: ItemWhere | None, dql: object, *, page: int, project: int | None
) -> Query | None:
    """What one of the two spellings means; None when neither is given."""
    if where is not None and dql is not None:
        raise Invalid("Give where or dql, not both", path=("dql",))
    if dql is not None:
        return query_of(dataset, dql, page=page, project=project)
    filter = item_filter(where)
    return None if filter is None else Query(filter, ())


def annotations_asked(
    where: AnnotationWhere | None, dql: object, keys: Keys, around: Surroundings
) -> AnnotationQuery | None:
    """As `items_asked`, of annotations."""
    if where is not None and dql is not None:
        raise Invalid("Give where or dql, not both", path=("dql",))
    if dql is not None:
        try:
            return compile_annotations(dql, keys, around)
        except Invalid as refusal:
            raise refusal.under("dql") from None
    filter = annotation_filter(where)
    return None if filter is None else AnnotationQuery(filter, ())


def keys_of(dataset: int) -> Keys:
    """How ids in queries of a dataset are read."""
    return Keys(item=partial(item_of, dataset), annotation=partial(annotation_of, dataset))


def surroundings_of(dataset: int, page: int | None, project: int | None) -> Surroundings:
    """What is said beside a query of a dataset, of which `page` are asked for at once."""
    return Surroundings(
        page=page,
        dataset=(str(DatasetId(dataset, None)), str(dataset)),
        project=() if project is None else (str(ProjectId(project)), str(project)),
    )
