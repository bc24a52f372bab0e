"""Pages of datasets: of a project, of all, cloned from one, or with a recipe."""

from __future__ import annotations

from collections.abc import Collection

import gql_service.api.types.dataset as datasets
from gql_service.api.arguments import PageArguments
from gql_service.api.connections import Connection, window
from gql_service.api.context import Info
from gql_service.api.inputs.dataset_filters import DatasetWhere, dataset_filter
from gql_service.api.inputs.orders import DatasetOrder, order_of
from gql_service.api.types.lazy import LazyDataset
from gql_service.catalog.dataset_list import (
    DatasetOrderField,
    DatasetPage,
    DatasetScope,
    count_datasets,
    dataset_pages,
)
from gql_service.catalog.filters import DatasetFilter
from gql_service.database.engine import Tx

_Order = tuple[tuple[DatasetOrderField, bool], ...]
_Shape = tuple[DatasetScope, DatasetFilter | None, _Order, int | None, int, bool]


async def dataset_connection(
    info: Info,
    scope: DatasetScope,
    parent: int,
    where: DatasetWhere | None,
    order_by: list[DatasetOrder] | None,
    page: PageArguments,
) -> Connection[LazyDataset]:
    """A page of the readable datasets of a parent, read together with those of its siblings."""
    asked_for = dataset_filter(where)
    order = order_of(order_by)
    asked = window(("datasets", scope, parent, asked_for, order), *page)
    shape: _Shape = (scope, asked_for, order, asked.anchor, asked.limit, asked.backwards)
    found = await info.context.load_with(_pages, parent, shape)
    assert found is not None, "a page of every parent"

    async def count() -> int:
        return await info.context.load_with(_counts, parent, (scope, asked_for)) or 0

    return Connection(
        rows=[datasets.Dataset.at_head(info.context, one) for one in found.datasets],
        cursors=[asked.cursor(one.id) for one in found.datasets],
        has_next=found.has_next,
        has_previous=found.has_previous,
        count=count,
    )


def _pages(tx: Tx, parents: Collection[int], shape: _Shape) -> dict[int, DatasetPage]:
    scope, filter, order, after, limit, backwards = shape
    return dataset_pages(
        tx, scope, parents, filter, order, after=after, limit=limit, backwards=backwards
    )


def _counts(
    tx: Tx, parents: Collection[int], shape: tuple[DatasetScope, DatasetFilter | None]
) -> dict[int, int]:
    return count_datasets(tx, shape[0], parents, shape[1])
