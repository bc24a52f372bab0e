"""Binaries: the bytes behind items."""

from __future__ import annotations

import strawberry

import gql_service.api.addresses as addresses
import gql_service.api.types.item_list as item_lists
from gql_service.api.connections import After, First
from gql_service.api.context import Info
from gql_service.api.described import resolver
from gql_service.api.ids import BinaryId
from gql_service.api.point import Point
from gql_service.api.scalars import BigInt
from gql_service.api.types.lazy import LazyItemConnection
from gql_service.api.types.node import Node
from gql_service.catalog.binary import BinaryRecord, binaries_by_id
from gql_service.catalog.references import count_references


@strawberry.type(description="Bytes, stored once however many items hold them.")
class Binary(Node):
    record: strawberry.Private[BinaryRecord]
    point: strawberry.Private[Point | None]
    sha256: str = strawberry.field(
        description="The SHA-256 of the bytes, 64 hexadecimal digits in small letters."
    )
    size: BigInt = strawberry.field(description="How many bytes.")
    mime_type: str = strawberry.field(description="The media type, as its content and name tell.")
    width: int | None = strawberry.field(description="Of a picture, in pixels; null for others.")
    height: int | None = strawberry.field(description="Of a picture, in pixels; null for others.")

    @staticmethod
    def of(record: BinaryRecord, point: Point | None = None) -> Binary:
        """As it was met at a point of a dataset, if it was."""
        return Binary(
            id=strawberry.ID(str(BinaryId(record.sha256))),
            record=record,
            point=point,
            sha256=record.sha256,
            size=BigInt(record.size),
            mime_type=record.mime_type,
            width=record.width,
            height=record.height,
        )

    @resolver(
        description="How many items hold it in the heads of datasets that the viewer may read."
    )
    async def reference_count(self, info: Info) -> int:
        return await info.context.load(count_references, self.record.id) or 0

    @resolver(
        description="The items that hold it in the heads of datasets that the viewer may read; by "
        "dataset."
    )
    async def referenced_by(
        self, info: Info, first: First = None, after: After = None
    ) -> LazyItemConnection:
        page = (first, after, None, None)
        return await item_lists.references_to(info, self.record.id, page)

    @resolver(
        description="Where the bytes are, for GET and HEAD without a header: for an hour at least, "
        "and two at most; then ask for it again."
    )
    def download_url(self, info: Info) -> str:
        return addresses.binary_file(info, self.record.sha256, self.point)


async def load_record(info: Info, binary: int) -> BinaryRecord:
    """Of a binary that an item holds, and that therefore exists."""
    record = await info.context.load(binaries_by_id, binary)
    assert record is not None, "an item holds a binary that does not exist"
    return record
