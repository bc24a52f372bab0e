"""Versions: who did what to a dataset and when, and what was counted then."""

from __future__ import annotations

from datetime import datetime

import strawberry

import gql_service.api.types.dataset as datasets
import gql_service.api.types.diff as diffs
import gql_service.api.types.merge as merges
import gql_service.api.types.recipe as recipes
import gql_service.api.types.tag as tagging
from gql_service.api.arguments import ItemsWhere
from gql_service.api.connections import After, First, window
from gql_service.api.context import Info
from gql_service.api.described import resolver
from gql_service.api.ids import VersionId
from gql_service.api.inputs.filters import item_filter
from gql_service.api.point import Point
from gql_service.api.types.change_counts import ChangeCounts
from gql_service.api.types.enums import Operation
from gql_service.api.types.lazy import (
    LazyDataset,
    LazyItemChangeConnection,
    LazyMergeReport,
    LazyRecipe,
    LazyTag,
)
from gql_service.api.types.node import Node
from gql_service.api.types.user import User, load_user
from gql_service.catalog.version import VersionRecord, versions_by_number


@strawberry.type(description="An immutable numbered state of a dataset.")
class Version(Node):
    record: strawberry.Private[VersionRecord]
    number: int = strawberry.field(description="From 1, without gaps.")
    operation: Operation = strawberry.field(description="What made it.")
    message: str | None = strawberry.field(description="Why, as its author said.")
    created_at: datetime = strawberry.field(description="When it was made.")
    counts: ChangeCounts = strawberry.field(description="How much it changed.")
    readable: bool = strawberry.field(
        description="Whether what it showed can still be read, cloned, compared and gone back to; "
        "false once it has expired by the retention of the dataset, and ever after."
    )

    @staticmethod
    def of(record: VersionRecord) -> Version:
        return Version(
            id=strawberry.ID(str(VersionId(record.dataset, record.number))),
            record=record,
            number=record.number,
            operation=record.operation,
            message=record.message,
            created_at=record.created_at,
            counts=ChangeCounts.of(record),
            readable=record.expired_at is None,
        )

    @resolver(
        description="The dataset at this version; when that has expired, what it showed answers "
        "ERASED."
    )
    async def dataset(self, info: Info) -> LazyDataset:
        point = Point(self.record.dataset, self.record.number, fixed=True)
        return await datasets.load_known_dataset(info, point)

    @resolver(description="Who made it.")
    async def author(self, info: Info) -> User:
        return await load_user(info, self.record.author)

    @resolver(description="The recipe at the revision that it was written under.")
    async def recipe(self, info: Info) -> LazyRecipe:
        return await recipes.load_recipe(info, self.record.recipe, self.record.recipe_revision)

    @resolver(description="The names that it was given, by name.")
    async def tags(self, info: Info) -> list[LazyTag]:
        return list(await tagging.load_tags(info, self.record.dataset, self.record.number))

    @resolver(
        description="The items that it changed, themselves or in their annotations, oldest item "
        "first; of a first version, all that it shows."
    )
    async def changes(
        self, info: Info, where: ItemsWhere = None, first: First = None, after: After = None
    ) -> LazyItemChangeConnection:
        filter = item_filter(where)
        sides = diffs.Sides.of_version(self.record.dataset, self.record.number)
        asked = window(("changes", sides.pairs, filter), first, after)
        return await diffs.changes_between(info, sides, filter, asked)

    @resolver(description="What the merge decided that made this version; null for other versions.")
    async def merge_report(self, info: Info) -> LazyMergeReport | None:
        return await merges.load_merge_report(info, (self.record.dataset, self.record.number))


async def load_version(info: Info, point: Point) -> VersionRecord:
    """The version of a point. It exists, because the point was made from it."""
    record = await info.context.load(versions_by_number, point.pair)
    assert record is not None, "a point of a version that does not exist"
    return record
