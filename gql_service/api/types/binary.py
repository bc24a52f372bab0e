"""Binaries: the bytes behind items."""

from __future__ import annotations

import strawberry

import gql_service.api.types.item_list as item_lists
from gql_service.api.connections import After, First
from gql_service.api.context import Info
from gql_service.api.described import resolver
from gql_service.api.ids import BinaryId
from gql_service.api.scalars import BigInt
from gql_service.api.types.lazy import LazyItemConnection
from gql_service.api.types.node import Node
from gql_service.catalog.binary import BinaryRecord, binaries_by_id
from gql_service.catalog.references import count_references


@strawberry.type(description="Bytes, stored once however many items hold them.")
class Binary(Node):
    record: strawberry.Private[BinaryRecord]
    sha256: str = strawberry.field(
        description="The SHA-256 of the bytes, 64 hexadecimal digits in small letters."
    )
    size: BigInt = strawberry.field(description="How many bytes.")
    mime_type: str = strawberry.field(description="The media type, as its content and name tell.")
    width: int | None = strawberry.field(description="Of a picture, in pixels; null for others.")
    height: int | None = strawberry.field(description="Of a picture, in pixels; null for others.")

    @staticmethod
    def of(record: BinaryRecord) -> Binary:
        return Binary(
            id=strawberry.ID(str(BinaryId(record.sha256))),
            record=record,
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
        description="Where the bytes are, for GET with the header Authorization: Bearer <token>."
    )
    def download_url(self, info: Info) -> str:
        return f"{info.context.backend.settings.resolved_public_url}/files/{self.id}"


async def load_binary(info: Info, binary: int) -> Binary:
    """A binary that an item holds, and that therefore exists."""
    record = await info.context.load(binaries_by_id, binary)
    assert record is not None, "an item holds a binary that does not exist"
    return Binary.of(record)
