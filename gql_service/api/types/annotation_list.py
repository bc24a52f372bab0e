"""Pages of annotations: of an item, or of a whole dataset."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection
from typing import Any

import strawberry

import gql_service.api.types.annotation as annotation_types
import gql_service.api.types.item_list as item_lists
import gql_service.api.types.version as versions
from gql_service.api.arguments import PageArguments
from gql_service.api.connections import Connection, Window, page_size, window
from gql_service.api.context import Info
from gql_service.api.inputs.filters import AnnotationWhere
from gql_service.api.inputs.item_queries import annotations_asked, keys_of, surroundings_of
from gql_service.api.inputs.orders import AnnotationOrder, order_of
from gql_service.api.point import Point
from gql_service.api.shapes import ITEM_LIST, lists_of
from gql_service.api.spliced_pages import spliced_page
from gql_service.api.types.lazy import LazyAnnotation
from gql_service.catalog.filters import AnnotationFilter
from gql_service.catalog.keyset import Slice
from gql_service.catalog.lineage import Place
from gql_service.catalog.page import (
    annotations_of_items,
    count_annotations,
    count_annotations_of_items,
    page_annotations,
)
from gql_service.catalog.visibility import open_view
from gql_service.database.engine import Tx
from gql_service.errors import Invalid

_Shape = tuple[AnnotationFilter | None, tuple[Any, ...], int | None, int, bool]


@strawberry.type(description="A page of annotations.")
class AnnotationConnection(Connection[LazyAnnotation]):
    pass


async def dataset_annotations(
    info: Info,
    point: Point,
    where: AnnotationWhere | None,
    dql: object,
    order_by: list[AnnotationOrder] | None,
    page: PageArguments,
    *,
    project: int,
) -> AnnotationConnection:
    """A page of all annotations of a dataset that the viewer may read, which is in the project."""
    around = surroundings_of(point.dataset, page_size(*page), project)
    query = annotations_asked(where, dql, keys_of(point.dataset), around)
    filter = query.filter if query and query.filter != AnnotationFilter() else None
    order = order_of(order_by) or (tuple(query.order) if query else ())
    asked = window(("annotations", point.dataset, filter, order), *page)
    at = await item_lists.pinned(info, point, asked)

    def count() -> Awaitable[int]:
        return _count(info, at, filter)

    if (lists := lists_of(info, "Annotation")) is not None:
        made = await spliced_page(info, at, lists, filter, order, asked, of_items=False)
        return AnnotationConnection(
            rows=(),
            cursors=made.cursors,
            has_next=made.has_next,
            has_previous=made.has_previous,
            count=count,
            spliced=made.lists,
        )

    def read(tx: Tx) -> Slice:
        view = open_view(tx, at.dataset, at.version)
        after, limit, backwards = asked.anchor, asked.limit, asked.backwards
        return page_annotations(
            tx, view, filter, order, after=after, limit=limit, backwards=backwards
        )

    return _resolved(await info.context.read(read), at, asked, count)


def _resolved(
    found: Slice, at: Point, asked: Window, count: Callable[[], Awaitable[int]]
) -> AnnotationConnection:
    """A page whose rows are resolved one by one."""
    return AnnotationConnection(
        rows=[annotation_types.Annotation.of(row, at) for row in found.rows],
        cursors=[asked.cursor(row.key, at.version) for row in found.rows],
        has_next=found.has_next,
        has_previous=found.has_previous,
        count=count,
    )


async def _count(info: Info, at: Point, filter: AnnotationFilter | None) -> int:
    if filter is None:
        return (await versions.load_version(info, at)).annotations
    wanted = filter
    return await info.context.read(
        lambda tx: count_annotations(tx, open_view(tx, at.dataset, at.version), wanted)
    )


async def item_annotations(
    info: Info,
    point: Point,
    item: int,
    where: AnnotationWhere | None,
    dql: object,
    order_by: list[AnnotationOrder] | None,
    page: PageArguments,
) -> AnnotationConnection:
    """A page of the annotations of an item, read together with those of its siblings."""
    around = surroundings_of(point.dataset, page_size(*page), None)
    query = annotations_asked(where, dql, keys_of(point.dataset), around)
    filter = query.filter if query else None
    order = order_of(order_by) or (tuple(query.order) if query else ())
    asked = window((ITEM_LIST, filter, order), *page)
    at = await item_lists.pinned(info, point, asked)
    place = (*at.pair, item)
    shape: _Shape = (filter, order, asked.anchor, asked.limit, asked.backwards)
    found = await info.context.load_with(_pages, place, shape)
    if found is None:
        raise Invalid("The cursor belongs to another item", path=(asked.anchor_argument,))

    async def count() -> int:
        return await info.context.load_with(_counts, place, filter) or 0

    return AnnotationConnection(
        rows=[annotation_types.Annotation.of(row, at) for row in found.rows],
        cursors=[asked.cursor(row.key, at.version) for row in found.rows],
        has_next=found.has_next,
        has_previous=found.has_previous,
        count=count,
    )


async def count_of_item(info: Info, place: Place) -> int:
    """How many annotations the item there has."""
    return await info.context.load_with(_counts, place, None) or 0


def _pages(tx: Tx, places: Collection[Place], shape: _Shape) -> dict[Place, Slice]:
    filter, order, after, limit, backwards = shape
    found: dict[Place, Slice] = {}
    for (dataset, version), keys in _by_version(places).items():
        pages = annotations_of_items(
            tx,
            open_view(tx, dataset, version),
            keys,
            filter,
            order,
            after=after,
            limit=limit,
            backwards=backwards,
        )
        found.update({(dataset, version, key): page for key, page in pages.items()})
    return found


def _counts(tx: Tx, places: Collection[Place], filter: AnnotationFilter | None) -> dict[Place, int]:
    found: dict[Place, int] = {}
    for (dataset, version), keys in _by_version(places).items():
        view = open_view(tx, dataset, version)
        counted = count_annotations_of_items(tx, view, keys, filter)
        found.update({(dataset, version, key): count for key, count in counted.items()})
    return found


def _by_version(places: Collection[Place]) -> dict[tuple[int, int], list[int]]:
    """A page of items lies in one dataset at one version as a rule."""
    found: dict[tuple[int, int], list[int]] = {}
    for dataset, version, key in places:
        found.setdefault((dataset, version), []).append(key)
    return found
