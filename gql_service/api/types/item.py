"""Items: file entries of a dataset."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Annotated

import strawberry

import gql_service.api.addresses as addresses
import gql_service.api.types.annotation_list as annotation_lists
import gql_service.api.types.binary as binaries
import gql_service.api.types.dataset as datasets
import gql_service.api.types.history as histories
import gql_service.api.types.item_list as item_lists
from gql_service.api.arguments import AnnotationOrderBy, AnnotationsWhere
from gql_service.api.connections import After, Before, First, Last
from gql_service.api.context import Info
from gql_service.api.described import resolver
from gql_service.api.inputs.item_queries import AnnotationsDql
from gql_service.api.point import Point
from gql_service.api.scalars import JSON
from gql_service.api.types.lazy import (
    LazyAnnotationConnection,
    LazyBinary,
    LazyDataset,
    LazyFieldBlame,
    LazyItemChangeConnection,
    LazyItemConnection,
)
from gql_service.api.types.node import Node
from gql_service.api.types.user import User, load_user
from gql_service.catalog.item_path import directory_of, name_of
from gql_service.catalog.json_text import parse
from gql_service.catalog.lineage import PlacedItem, ancestors, source_items
from gql_service.catalog.picture import can_be_drawn
from gql_service.database.engine import Tx


@strawberry.type(description="A file entry of a dataset.")
class Item(Node):
    placed: strawberry.Private[PlacedItem]
    point: strawberry.Private[Point]
    key: strawberry.ID = strawberry.field(
        description="Its lineage: the same at every version, and in every clone and merge."
    )
    path: str = strawberry.field(description="/dir/name.ext, unique in the dataset.")
    name: str = strawberry.field(description="The last name of the path.")
    directory: str = strawberry.field(description="The path without the name; / at the top.")
    description: str | None = strawberry.field(description="A description for people.")
    hidden: bool = strawberry.field(description="Whether it is to be left out of sight.")
    metadata: JSON = strawberry.field(
        description="User metadata, an object; empty where a clone left it out."
    )
    created_at: datetime = strawberry.field(description="When it was made.")
    updated_at: datetime = strawberry.field(description="When it was changed last.")

    @staticmethod
    def of(placed: PlacedItem, point: Point) -> Item:
        row = placed.row
        return Item(
            id=strawberry.ID(point.item_id(row.key)),
            placed=placed,
            point=point,
            key=strawberry.ID(str(row.key)),
            path=row.path,
            name=name_of(row.path),
            directory=directory_of(row.path),
            description=row.description,
            hidden=row.hidden,
            metadata=JSON(parse(row.metadata)),
            created_at=row.created_at,
            updated_at=row.updated_at,
        )

    @staticmethod
    def where_found(placed: PlacedItem) -> Item:
        """An item of another dataset, at the version that it was found at."""
        return Item.of(placed, Point(placed.dataset, placed.version, fixed=True))

    @resolver(description="The dataset it is in, at the version being read.")
    async def dataset(self, info: Info) -> LazyDataset:
        return await datasets.load_known_dataset(info, self.point)

    @resolver(description="Its bytes.")
    async def binary(self, info: Info) -> LazyBinary:
        record = await binaries.load_record(info, self.placed.row.binary)
        return binaries.Binary.of(record, self.point)

    @resolver(
        description="What it was taken from directly, at the versions that were taken; only what "
        "the viewer may read."
    )
    async def source_items(self, info: Info) -> list[Item]:
        found = await info.context.load(_source_items, self.placed)
        return [Item.where_found(one) for one in found or ()]

    @resolver(
        description="The first of the items it comes from, at the root of its clones; null when "
        "it comes from nowhere, or the viewer may not read that dataset."
    )
    async def master_item(self, info: Info) -> Item | None:
        found = await info.context.load(_ancestors, self.placed)
        return Item.where_found(found[-1]) if found else None

    @resolver(
        description="Everything it comes from, nearest first, at the versions that were taken; "
        "only what the viewer may read."
    )
    async def ancestors(self, info: Info) -> list[Item]:
        found = await info.context.load(_ancestors, self.placed)
        return [Item.where_found(one) for one in found or ()]

    @resolver(
        description="The items that were made from it, directly or not, in the heads of datasets "
        "that the viewer may read; by dataset."
    )
    async def copies(
        self, info: Info, first: First = None, after: After = None
    ) -> LazyItemConnection:
        return await item_lists.copies(info, self.placed, (first, after, None, None))

    @resolver(description="Whether it has an annotation.")
    async def annotated(self, info: Info) -> bool:
        return bool(await annotation_lists.count_of_item(info, self.placed.place))

    @resolver(description="How many annotations it has.")
    async def annotations_count(self, info: Info) -> int:
        return await annotation_lists.count_of_item(info, self.placed.place)

    @resolver(description="Its annotations, by key unless ordered otherwise.")
    async def annotations(
        self,
        info: Info,
        where: AnnotationsWhere = None,
        dql: AnnotationsDql = None,
        order_by: AnnotationOrderBy = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> LazyAnnotationConnection:
        page = (first, after, last, before)
        return await annotation_lists.item_annotations(
            info, self.point, self.placed.row.key, where, dql, order_by, page
        )

    @resolver(description="Who made it.")
    async def creator(self, info: Info) -> User:
        return await load_user(info, self.placed.row.created_by)

    @resolver(description="Who changed it last.")
    async def updated_by(self, info: Info) -> User:
        return await load_user(info, self.placed.row.updated_by)

    @resolver(
        description="Who changed what of it and of its annotations, newest first, as far back as "
        "this version has seen, through clones and merges; only in datasets that the viewer may "
        "read."
    )
    async def history(
        self, info: Info, first: First = None, after: After = None
    ) -> LazyItemChangeConnection:
        return await histories.item_history(info, self.placed, first, after)

    @resolver(
        description="Who wrote each of its values, through clones and merges: `path`, `binary`, "
        "`description`, `hidden`, and each key of its metadata."
    )
    async def blame(self, info: Info) -> list[LazyFieldBlame]:
        return await histories.item_blame(info, self.placed)

    @resolver(
        description="Where its bytes are, for GET and HEAD without a header, as in the `src` of a "
        "picture: for an hour at least, and two at most; then ask for it again. Other bytes have "
        "another address."
    )
    async def download_url(self, info: Info) -> str:
        record = await binaries.load_record(info, self.placed.row.binary)
        return addresses.item_file(info, self.point, self.placed.row.key, record.sha256)

    @resolver(
        description="Where a small picture of it is, in WebP, turned as its metadata says; as "
        "`downloadUrl`. Null for what is no picture, or too large a one (64 million pixels, "
        "256 MiB)."
    )
    async def thumbnail_url(
        self,
        info: Info,
        size: Annotated[
            int,
            strawberry.argument(
                description="Of the longer side, in pixels, 1 to 1024; made in the next larger of "
                "64, 128, 256, 512 and 1024, and never larger than the picture."
            ),
        ] = 256,
    ) -> str | None:
        wanted = addresses.thumbnail_size(size)
        record = await binaries.load_record(info, self.placed.row.binary)
        if not can_be_drawn(record.mime_type, record.size, record.width, record.height):
            return None
        key = self.placed.row.key
        return addresses.item_thumbnail(info, self.point, key, record.sha256, wanted)


def _source_items(tx: Tx, items: Collection[PlacedItem]) -> dict[PlacedItem, list[PlacedItem]]:
    found = source_items(tx, items)
    return {item: found[item.place] for item in items}


def _ancestors(tx: Tx, items: Collection[PlacedItem]) -> dict[PlacedItem, list[PlacedItem]]:
    found = ancestors(tx, items)
    return {item: found[item.place] for item in items}
