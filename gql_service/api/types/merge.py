"""What a merge decided, or would decide."""

from __future__ import annotations

from collections.abc import Collection
from typing import Annotated

import strawberry

import gql_service.api.types.annotation as annotation_types
import gql_service.api.types.dataset_source as dataset_sources
from gql_service.api.connections import After, Connection, First, window
from gql_service.api.context import Info
from gql_service.api.described import resolver
from gql_service.api.point import Point
from gql_service.api.scalars import JSON, BigInt
from gql_service.api.types.enums import MergeOutcome
from gql_service.api.types.lazy import (
    LazyAnnotation,
    LazyDatasetSource,
    LazyItem,
    LazyVersion,
)
from gql_service.api.types.merge_reading import Made, Planned, Report
from gql_service.versions import report_read as reports
from gql_service.versions.merge_forecast import MergeForecast
from gql_service.versions.paths import PathChange as Renamed
from gql_service.versions.report import ConflictRecord


@strawberry.type(description="An item that could not have the path it wanted.")
class PathChange:
    point: strawberry.Private[Point]
    key: strawberry.Private[int]
    wanted: str = strawberry.field(description="The path that another item has.")
    given: str = strawberry.field(description="The path that it was given instead.")

    @resolver(
        description="The item, at the version that was made; of a plan, at the source it comes "
        "from."
    )
    async def item(self, info: Info) -> LazyItem:
        return await annotation_types.load_item(info, self.point, self.key)


@strawberry.type(description="Two sides that could not both be right, and what was chosen.")
class Conflict:
    record: strawberry.Private[ConflictRecord]
    report: strawberry.Private[Report]
    position: int = strawberry.field(
        description="From 0, in the order in which they were met: names it within the report."
    )
    field: str = strawberry.field(
        description="What was changed on both sides: path, binary, description, hidden, "
        "metadata.<key>, status, annotation, or removed."
    )
    base: JSON | None = strawberry.field(
        description="The value that both sides had seen; null for none. Binaries by SHA-256."
    )
    left: JSON | None = strawberry.field(description="The value of the earlier source.")
    right: JSON | None = strawberry.field(description="The value of the later source.")
    chosen: JSON | None = strawberry.field(
        description='The value in the result; "both" where both annotations are kept.'
    )

    @resolver(description="The item, in the result; of a plan, in a source that holds it.")
    async def item(self, info: Info) -> LazyItem:
        return await self.report.item(info, self.record)

    @resolver(
        description="The annotation, in the result; of a plan, in a source that holds it. Null for "
        "a conflict of items."
    )
    async def annotation(self, info: Info) -> LazyAnnotation | None:
        return await self.report.annotation(info, self.record)

    @resolver(
        description="The version in which somebody decided it by `resolveConflicts`; null while it "
        "is open, and of a plan."
    )
    async def resolved(self, info: Info) -> LazyVersion | None:
        return await self.report.resolved(info, self.record)

    @resolver(description="Where the left value stood.")
    def left_source(self) -> LazyDatasetSource:
        return dataset_sources.DatasetSource.of(*self.record.left_source)

    @resolver(description="Where the right value stood.")
    def right_source(self) -> LazyDatasetSource:
        return dataset_sources.DatasetSource.of(*self.record.right_source)


@strawberry.type(description="What a merge decided, or as a plan, what it would decide.")
class MergeReport:
    report: strawberry.Private[Report]
    outcome: MergeOutcome = strawberry.field(description="How its sources were related.")
    unified: int = strawberry.field(description="Items that two or more sources held.")
    summed: int = strawberry.field(description="Items that exactly one source held.")
    changed: bool = strawberry.field(
        description="Whether a version is made: not, when the dataset to merge into has and knows "
        "all of it already."
    )

    @resolver(description="How many items the result has.")
    async def items_count(self, info: Info) -> int:
        return await self.report.items(info)

    @resolver(description="How many annotations the result has.")
    async def annotations_count(self, info: Info) -> int:
        return await self.report.annotations(info)

    @resolver(description="How many bytes of files the merge stored: none, since files are shared.")
    def bytes_added(self) -> BigInt:
        return BigInt(0)

    @resolver(description="The conflicts, in the order in which they were met.")
    async def conflicts(
        self,
        info: Info,
        open: Annotated[
            bool | None,
            strawberry.argument(
                description="Only those that nobody has decided yet; by default all."
            ),
        ] = None,
        first: First = None,
        after: After = None,
    ) -> Connection[Conflict]:
        return await _conflicts(info, self.report, bool(open), first, after)

    @resolver(description="The items that could not have the paths they wanted.")
    async def renamed(self, info: Info) -> list[PathChange]:
        changes = await self.report.renamed(info)
        return [_path_change(change, self.report.home(change.item)) for change in changes]


async def load_merge_report(info: Info, pair: tuple[int, int]) -> MergeReport | None:
    """The report of the merge that made a version; None when no merge did."""
    record = await info.context.load(reports.merge_reports, pair)
    if record is None:
        return None
    return MergeReport(
        report=Made(Point(*pair, fixed=True)),
        outcome=MergeOutcome(record.outcome),
        unified=record.unified,
        summed=record.summed,
        changed=True,
    )


def planned_merge(plan: MergeForecast) -> MergeReport:
    """The report that a merge would give."""
    return MergeReport(
        report=Planned(plan),
        outcome=MergeOutcome(plan.outcome),
        unified=plan.unified,
        summed=plan.summed,
        changed=plan.changed,
    )


def path_changes(changes: Collection[Renamed] | None, point: Point) -> list[PathChange]:
    return [_path_change(change, point) for change in changes or ()]


def _path_change(change: Renamed, point: Point) -> PathChange:
    return PathChange(point=point, key=change.item, wanted=change.wanted, given=change.given)


async def _conflicts(
    info: Info, report: Report, unresolved: bool, first: int | None, after: str | None
) -> Connection[Conflict]:
    """The key of a cursor is the position plus one, because keys begin at 1."""
    asked = window((report.name, unresolved), first, after)
    behind = -1 if asked.anchor is None else asked.anchor - 1
    found = await report.conflicts(info, unresolved, behind, asked.limit + 1)
    kept = found[: asked.limit]
    return Connection(
        rows=[_conflict(record, report) for record in kept],
        cursors=[asked.cursor(record.position + 1) for record in kept],
        has_next=len(found) > asked.limit,
        has_previous=asked.anchor is not None,
        count=lambda: report.count(info, unresolved),
    )


def _conflict(record: ConflictRecord, report: Report) -> Conflict:
    return Conflict(
        record=record,
        report=report,
        position=record.position,
        field=record.field,
        base=JSON(record.base),
        left=JSON(record.left),
        right=JSON(record.right),
        chosen=JSON(record.chosen),
    )
