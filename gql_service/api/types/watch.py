"""What a subscription to a dataset is told: one version, or several at once, through a filter."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import strawberry

import gql_service.api.types.dataset as datasets
import gql_service.api.types.version as versions
from gql_service.api.connections import After, Connection, First, window
from gql_service.api.context import Info
from gql_service.api.described import resolver
from gql_service.api.point import Point
from gql_service.api.types.diff import ItemChange, Sides
from gql_service.api.types.lazy import LazyDataset, LazyVersion
from gql_service.catalog.filters import ItemFilter
from gql_service.versions.watching import (
    Span,
    WatchEvent,
    count_crossings,
    page_of_crossings,
)

strawberry.enum(WatchEvent, description="What happened to an item, as seen through a filter.")
_EVENTS: Any = WatchEvent
for _value in _EVENTS.__strawberry_definition__.values:
    _value.description = {
        "ENTERED": "It matches now, and did not before or was not there.",
        "CHANGED": "It matches as before, and differs, perhaps only in its annotations.",
        "LEFT": "It matched, and does not any more or is not there.",
    }[_value.name]


@strawberry.type(description="An item that entered the filter, changed inside it, or left it.")
class WatchedItem:
    event: WatchEvent = strawberry.field(description="What it means to whoever holds the list.")
    change: ItemChange = strawberry.field(
        description="How the item itself differs. One that enters the filter may have been in the "
        "dataset before: then it is not ADDED."
    )


@strawberry.type(description="A page of items that entered a filter, changed inside it, or left.")
class WatchedItemConnection(Connection[WatchedItem]):
    pass


@strawberry.type(description="How many items met a filter in a new way.")
class WatchCounts:
    entered: int = strawberry.field(description="Items that entered it.")
    changed: int = strawberry.field(
        description="Items that changed inside it, themselves or in their annotations."
    )
    left: int = strawberry.field(description="Items that left it.")


@strawberry.type(
    description="A step of a dataset from one version to a later one, as a filter sees it. The "
    "steps of a subscription follow one another without gap or overlap."
)
class DatasetEvent:
    span: strawberry.Private[Span]
    filter: strawberry.Private[ItemFilter | None]
    from_version: int = strawberry.field(
        description="The number of the version before the step, 0 for none: that of `version` less "
        "one, unless the subscription had fallen behind, or versions between have expired, and it "
        "is told several versions at once."
    )

    @staticmethod
    def of(span: Span, filter: ItemFilter | None) -> DatasetEvent:
        return DatasetEvent(span=span, filter=filter, from_version=span.after)

    @resolver(
        description="The version that the step ends with. Its number is what `sinceVersion` takes "
        "to go on from here."
    )
    async def version(self, info: Info) -> LazyVersion:
        return versions.Version.of(await versions.load_version(info, self._point))

    @resolver(description="The dataset at that version.")
    async def dataset(self, info: Info) -> LazyDataset:
        return await datasets.load_known_dataset(info, self._point)

    @resolver(description="How many items entered, changed and left; counted only when asked for.")
    async def counts(self, info: Info) -> WatchCounts:
        found = await info.context.read(lambda tx: count_crossings(tx, self.span, self.filter))
        return WatchCounts(entered=found.entered, changed=found.changed, left=found.left)

    @resolver(
        description="The items that entered, changed and left, oldest item first; empty when the "
        "step touches nothing of the filter. The next page is what a subscription from "
        "`fromVersion` tells first, with `after`."
    )
    async def items(
        self, info: Info, first: First = None, after: After = None
    ) -> WatchedItemConnection:
        asked = window(("watched", self.span, self.filter), first, after)
        found = await info.context.read(
            lambda tx: page_of_crossings(
                tx, self.span, self.filter, behind=asked.anchor, limit=asked.limit + 1
            )
        )
        kept = found[: asked.limit]

        async def count() -> int:
            counted = await self.counts(info)
            return counted.entered + counted.changed + counted.left

        return WatchedItemConnection(
            rows=[
                WatchedItem(
                    event=one.event,
                    change=ItemChange(
                        found=one.difference, sides=self._sides, kind=one.difference.kind
                    ),
                )
                for one in kept
            ],
            cursors=[asked.cursor(one.difference.key, self.span.to) for one in kept],
            has_next=len(found) > asked.limit,
            has_previous=asked.anchor is not None,
            count=count,
        )

    @property
    def _point(self) -> Point:
        return Point(self.span.dataset, self.span.to, fixed=True)

    @property
    def _sides(self) -> Sides:
        before = replace(self._point, version=self.span.after) if self.span.after else None
        single = self.span.after + 1 == self.span.to
        return Sides(before, self._point, self._point.pair if single else None)
