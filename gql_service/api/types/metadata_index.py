"""The metadata indexes that a dataset has declared."""

from __future__ import annotations

from datetime import datetime

import strawberry

from gql_service.api.context import Info
from gql_service.api.described import resolver
from gql_service.api.types.user import User, load_user
from gql_service.catalog.metadata_index import IndexRecord, indexes_of, steps_of


@strawberry.type(
    description="Keeps what stands at a path in the metadata of items where it can be searched. "
    "It changes no answer: filters by the path (`eq`, `in`, `gt` to `lte`, `exists: true`) find "
    "few items sooner, and count any number of them."
)
class MetadataIndex:
    by: strawberry.Private[int]
    path: list[str] = strawberry.field(
        description="Keys of objects, from the outside in, as filters have them."
    )
    ready: bool = strawberry.field(
        description="Whether what the head shows is in it. Until then it is filled in the "
        "background, and filters go without."
    )
    created_at: datetime = strawberry.field(description="When it was declared.")

    @staticmethod
    def of(record: IndexRecord) -> MetadataIndex:
        return MetadataIndex(
            by=record.creator,
            path=steps_of(record.path),
            ready=record.ready,
            created_at=record.created_at,
        )

    @resolver(description="Who declared it, here or by cloning.")
    async def creator(self, info: Info) -> User:
        return await load_user(info, self.by)


async def load_indexes(info: Info, dataset: int) -> list[MetadataIndex]:
    """The indexes of a readable dataset, by path."""
    found = await info.context.load(indexes_of, dataset)
    return [MetadataIndex.of(one) for one in found or ()]
