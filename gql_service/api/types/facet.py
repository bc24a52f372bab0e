"""What values the items of a dataset have, and how many have each."""

from __future__ import annotations

from collections.abc import Collection
from typing import Annotated

import strawberry

from gql_service.api.context import Info
from gql_service.api.inputs.filters import ItemWhere, item_filter
from gql_service.api.point import Point
from gql_service.api.scalars import JSON
from gql_service.catalog.facets import Values, facets, label_counts_of
from gql_service.catalog.filters import ItemFilter
from gql_service.catalog.version import label_counts
from gql_service.catalog.visibility import open_view
from gql_service.database.engine import Tx

FacetPaths = Annotated[
    list[str],
    strawberry.argument(
        description="At most 20 of: mimeType, size, width, height, directory, hidden, "
        "metadata.<key> (dotted keys go deeper, and through lists), annotations.label, "
        "annotations.type, annotations.status, annotations.attributes.<key>, "
        "annotations.metadata.<key>."
    ),
]
FacetValues = Annotated[
    int, strawberry.argument(description="How many values of each path: 0 to 200.")
]
FacetWhere = Annotated[
    ItemWhere | None, strawberry.argument(description="Only of items that match.")
]


@strawberry.type(description="How many annotations carry a label.")
class LabelCount:
    label: str = strawberry.field(description="The dotted full name of the label.")
    count: int = strawberry.field(description="How many annotations carry it.")


@strawberry.type(description="A value, and how many items have it.")
class FacetValue:
    value: JSON | None = strawberry.field(
        description="A text, a number, true, false, or null where that is written."
    )
    count: int = strawberry.field(
        description="How many items have it, each counted once, however often it has it."
    )


@strawberry.type(description="The most frequent values at a path.")
class Facet:
    path: str = strawberry.field(description="The path, as it was asked for.")
    values: list[FacetValue] = strawberry.field(
        description="The most frequent first; equal counts by kind (false and true, null, numbers, "
        "texts), then by value. Lists count their elements; what is missing is not counted, nor "
        "are objects."
    )


_Shape = tuple[tuple[str, ...], ItemFilter | None, int]


async def facets_of(
    info: Info, point: Point, paths: list[str], where: ItemWhere | None, first: int
) -> list[Facet]:
    """One facet for each path, in the order asked for; one statement."""
    shape = (tuple(paths), item_filter(where), first)
    found = await info.context.load_with(_facets, point.pair, shape) or []
    return [
        Facet(
            path=path,
            values=[FacetValue(value=JSON(value), count=count) for value, count in values],
        )
        for path, values in zip(paths, found, strict=True)
    ]


async def labels_of(info: Info, point: Point, where: ItemWhere | None) -> list[LabelCount]:
    """How many annotations carry each label: kept by the version, or counted by a filter."""
    filter = item_filter(where)
    if filter is None or filter == ItemFilter():
        found = await info.context.load(label_counts, point.pair)
    else:
        found = await info.context.load_with(_labels, point.pair, filter)
    return [LabelCount(label=label, count=count) for label, count in found or ()]


def _facets(
    tx: Tx, points: Collection[tuple[int, int]], shape: _Shape
) -> dict[tuple[int, int], list[Values]]:
    """Datasets are counted one after the other: each has a statement of its own."""
    return {
        (dataset, version): facets(tx, open_view(tx, dataset, version), *shape)
        for dataset, version in points
    }


def _labels(
    tx: Tx, points: Collection[tuple[int, int]], filter: ItemFilter
) -> dict[tuple[int, int], list[tuple[str, int]]]:
    return {
        (dataset, version): label_counts_of(tx, open_view(tx, dataset, version), filter)
        for dataset, version in points
    }
