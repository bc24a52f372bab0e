"""What many mutations share: their argument, and the answer about a dataset."""

from __future__ import annotations

import asyncio
from typing import TypeVar

import strawberry

import gql_service.api.types.annotation as annotation_types
import gql_service.api.types.dataset as datasets
import gql_service.api.types.version as versions
from gql_service.api.context import Info
from gql_service.api.described import resolver
from gql_service.api.point import Point
from gql_service.api.types.lazy import LazyDataset, LazyItem, LazyVersion
from gql_service.versions.given import Outcome

INPUT = strawberry.argument(description="What to do.")


@strawberry.interface(description="A dataset was changed, as one version.")
class DatasetChange:
    key: strawberry.Private[int]
    made: strawberry.Private[int | None]

    @resolver(description="The dataset as it is now.")
    async def dataset(self, info: Info) -> LazyDataset:
        return await datasets.load_head(info, self.key)

    @resolver(description="The version that was made; null when nothing changed.")
    async def version(self, info: Info) -> LazyVersion | None:
        if self.made is None:
            return None
        await datasets.load_head(info, self.key)  # a retry may come from one who has left
        point = Point(self.key, self.made, fixed=True)
        return versions.Version.of(await versions.load_version(info, point))


@strawberry.interface(description="Items were added to a dataset, as one version.")
class ItemsAdded(DatasetChange):
    keys: strawberry.Private[tuple[int, ...]]
    added: int = strawberry.field(description="How many items are new.")
    updated: int = strawberry.field(
        description="How many items that were there have a new file, metadata or description."
    )
    skipped: int = strawberry.field(description="How many were left out, as `mode` says.")

    @resolver(
        description="The items at the paths that were given, in that order, skipped ones included; "
        "as they are now."
    )
    async def items(self, info: Info) -> list[LazyItem]:
        record = (await datasets.load_head(info, self.key)).record
        point = Point(self.key, info.context.head(record), fixed=False)
        return list(
            await asyncio.gather(
                *(annotation_types.load_item(info, point, key) for key in self.keys)
            )
        )


S = TypeVar("S", bound=ItemsAdded)


def items_added(kind: type[S], dataset: int, done: Outcome) -> S:
    """The answer of a mutation that added items."""
    return kind(
        key=dataset,
        made=done.version,
        keys=done.keys,
        added=done.added,
        updated=done.updated,
        skipped=done.skipped,
    )
