"""Pages of items: of a dataset at a version, or wherever an item or a binary is used."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection
from typing import Any

import strawberry

import gql_service.api.types.item as items
import gql_service.api.types.version as versions
from gql_service.api.arguments import PageArguments
from gql_service.api.connections import Connection, Window, page_size, window
from gql_service.api.context import Info
from gql_service.api.described import resolver
from gql_service.api.inputs.filters import ItemWhere
from gql_service.api.inputs.item_queries import items_asked
from gql_service.api.inputs.orders import ItemOrder, item_order_of
from gql_service.api.point import Point
from gql_service.api.shapes import lists_of
from gql_service.api.spliced_pages import spliced_page
from gql_service.api.types.lazy import LazyItem, LazyVersion
from gql_service.catalog.filters import ItemFilter
from gql_service.catalog.keyset import Slice
from gql_service.catalog.lineage import PlacedItem
from gql_service.catalog.page import count_items, page_items
from gql_service.catalog.references import (
    ItemsPage,
    copies_of,
    count_copies_of,
    count_references,
    references,
)
from gql_service.catalog.version import versions_by_number
from gql_service.catalog.visibility import open_view
from gql_service.database.engine import Tx
from gql_service.errors import CursorExpired, Invalid

_Anchor = tuple[int, int] | None


@strawberry.type(description="A page of items.")
class ItemConnection(Connection[LazyItem]):
    point: strawberry.Private[Point | None]

    @resolver(
        description="The version that the whole list is read at, also on its later pages while "
        "people edit; null for a list over several datasets, which is read at their heads."
    )
    async def version(self, info: Info) -> LazyVersion | None:
        if self.point is None:
            return None
        return versions.Version.of(await versions.load_version(info, self.point))


async def pinned(info: Info, point: Point, asked: Window) -> Point:
    """Where a page is read: at the version of its cursor, so that it goes on with the first page.

    Raises Invalid for a cursor of another version than the one asked for, and CursorExpired when
    that of the first page is not kept any more.
    """
    if asked.version is None or asked.version == point.version:
        return point
    if point.fixed:
        raise Invalid("The cursor belongs to another version", path=(asked.anchor_argument,))
    place = (point.dataset, asked.version)
    version = await info.context.load(versions_by_number, place)
    if version is not None and version.expired_at is not None:
        raise CursorExpired(asked.version, path=(asked.anchor_argument,))
    return point.at(asked.version)


async def item_connection(
    info: Info,
    point: Point,
    where: ItemWhere | None,
    dql: object,
    order_by: list[ItemOrder] | None,
    page: PageArguments,
    *,
    project: int | None = None,
) -> ItemConnection:
    """A page of the items of a dataset that the viewer may read, which is in the project."""
    query = items_asked(point.dataset, where, dql, page=page_size(*page), project=project)
    filter = query.filter if query and query.filter != ItemFilter() else None
    order = item_order_of(order_by) or (query.order if query else ())
    asked = window(("items", point.dataset, filter, order), *page)
    at = await pinned(info, point, asked)

    def count() -> Awaitable[int]:
        return _count(info, at, filter)

    if (lists := lists_of(info, "Item")) is not None:
        made = await spliced_page(info, at, lists, filter, tuple(order), asked, of_items=True)
        return ItemConnection(
            rows=(),
            cursors=made.cursors,
            has_next=made.has_next,
            has_previous=made.has_previous,
            count=count,
            spliced=made.lists,
            point=at,
        )

    def read(tx: Tx) -> Slice:
        view = open_view(tx, at.dataset, at.version)
        after, limit, backwards = asked.anchor, asked.limit, asked.backwards
        return page_items(tx, view, filter, order, after=after, limit=limit, backwards=backwards)

    return _resolved(await info.context.read(read), at, asked, count)


def _resolved(
    found: Slice, at: Point, asked: Window, count: Callable[[], Awaitable[int]]
) -> ItemConnection:
    """A page whose rows are resolved one by one."""
    placed = [PlacedItem(at.dataset, at.version, row) for row in found.rows]
    return ItemConnection(
        rows=[items.Item.of(one, at) for one in placed],
        cursors=[asked.cursor(one.row.key, at.version) for one in placed],
        has_next=found.has_next,
        has_previous=found.has_previous,
        count=count,
        point=at,
    )


async def _count(info: Info, at: Point, filter: ItemFilter | None) -> int:
    if filter is None:
        return (await versions.load_version(info, at)).items
    wanted = filter
    return await info.context.read(
        lambda tx: count_items(tx, open_view(tx, at.dataset, at.version), wanted)
    )


async def copies(info: Info, item: PlacedItem, page: PageArguments) -> ItemConnection:
    """What was made from an item, in heads that the viewer may read."""
    asked = window(("copies", item.dataset, item.row.key), *page)
    found = await info.context.load_with(_copies, item.place, _shape(asked))

    async def count() -> int:
        return await info.context.load(count_copies_of, item.place) or 0

    return _elsewhere(found, asked, count)


async def references_to(info: Info, binary: int, page: PageArguments) -> ItemConnection:
    """What holds a binary, in heads that the viewer may read."""
    asked = window(("references", binary), *page)
    found = await info.context.load_with(_references, binary, _shape(asked))

    async def count() -> int:
        return await info.context.load(count_references, binary) or 0

    return _elsewhere(found, asked, count)


def _elsewhere(found: ItemsPage | None, asked: Window, count: Any) -> ItemConnection:
    """Of several datasets: a cursor has the dataset where others have the version."""
    shown = found.items if found else ()
    return ItemConnection(
        rows=[items.Item.of(one, Point(one.dataset, one.version, fixed=False)) for one in shown],
        cursors=[asked.cursor(one.row.key, one.dataset) for one in shown],
        has_next=found.has_next if found else False,
        has_previous=found.has_previous if found else False,
        count=count,
        point=None,
    )


def _shape(asked: Window) -> tuple[_Anchor, int]:
    anchor = None
    if asked.version is not None and asked.anchor is not None:
        anchor = (asked.version, asked.anchor)
    return anchor, asked.limit


def _copies(
    tx: Tx, places: Collection[tuple[int, int, int]], shape: tuple[_Anchor, int]
) -> dict[tuple[int, int, int], ItemsPage]:
    return copies_of(tx, places, after=shape[0], limit=shape[1])


def _references(
    tx: Tx, binaries: Collection[int], shape: tuple[_Anchor, int]
) -> dict[int, ItemsPage]:
    return references(tx, binaries, after=shape[0], limit=shape[1])
