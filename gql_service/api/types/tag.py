"""Tags: names for versions."""

from __future__ import annotations

from datetime import datetime

import strawberry

import gql_service.api.types.version as versions
from gql_service.api.context import Info
from gql_service.api.described import resolver
from gql_service.api.ids import TagId
from gql_service.api.point import Point
from gql_service.api.types.lazy import LazyVersion
from gql_service.api.types.node import Node
from gql_service.api.types.user import User, load_user
from gql_service.catalog.dataset import datasets_by_id
from gql_service.catalog.tag import TagRecord, tags_by_id, tags_of


@strawberry.type(
    description="A name for one version of a dataset. It never moves; one that is deleted and made "
    "again is another tag."
)
class Tag(Node):
    record: strawberry.Private[TagRecord]
    name: str = strawberry.field(description="Its name, unique in the dataset; case matters.")
    golden: bool = strawberry.field(
        description="Whether it protects: a deleted dataset with a golden tag is never purged, and "
        "can be restored, until the tag is deleted."
    )
    message: str | None = strawberry.field(description="Why, as its creator said.")
    created_at: datetime = strawberry.field(description="When it was made.")

    @staticmethod
    def of(record: TagRecord) -> Tag:
        return Tag(
            id=strawberry.ID(str(TagId(record.id))),
            record=record,
            name=record.name,
            golden=record.golden,
            message=record.message,
            created_at=record.created_at,
        )

    @resolver(description="The version that it names.")
    async def version(self, info: Info) -> LazyVersion:
        point = Point(self.record.dataset, self.record.version, fixed=True)
        return versions.Version.of(await versions.load_version(info, point))

    @resolver(description="Who made it.")
    async def creator(self, info: Info) -> User:
        return await load_user(info, self.record.creator)


async def load_tag(info: Info, tag: int) -> Tag | None:
    """The tag; None when it is gone, or its dataset is deleted or not the viewer's to read."""
    record = await info.context.load(tags_by_id, tag)
    # Looked for in any case, so that the time tells nobody which tags there are.
    dataset = await info.context.load(datasets_by_id, record.dataset if record else 0)
    return None if record is None or dataset is None else Tag.of(record)


async def load_tags(info: Info, dataset: int, version: int | None = None) -> list[Tag]:
    """The tags of a readable dataset, or of one of its versions, by version and name."""
    found = await info.context.load(tags_of, dataset)
    return [Tag.of(tag) for tag in found or () if version in (None, tag.version)]
