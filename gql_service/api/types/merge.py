"""What a merge decided, readable as long as the version that it made."""

from __future__ import annotations

from collections.abc import Collection

import strawberry

import gql_service.api.types.annotation as annotation_types
import gql_service.api.types.dataset as datasets
import gql_service.api.types.version as versions
from gql_service.api.connections import After, Connection, First, window
from gql_service.api.context import Info
from gql_service.api.described import resolver
from gql_service.api.point import Point
from gql_service.api.scalars import JSON, BigInt
from gql_service.api.types.enums import MergeOutcome
from gql_service.api.types.lazy import LazyAnnotation, LazyDatasetSource, LazyItem
from gql_service.versions import report_read as reports
from gql_service.versions.paths import PathChange as Renamed


@strawberry.type(description="An item that could not have the path it wanted.")
class PathChange:
    point: strawberry.Private[Point]
    key: strawberry.Private[int]
    wanted: str = strawberry.field(description="The path that another item has.")
    given: str = strawberry.field(description="The path that it was given instead.")

    @resolver(description="The item, at the version that was made.")
    async def item(self, info: Info) -> LazyItem:
        return await annotation_types.load_item(info, self.point, self.key)


@strawberry.type(description="Two sides that could not both be right, and what was chosen.")
class Conflict:
    record: strawberry.Private[reports.ConflictRecord]
    point: strawberry.Private[Point]
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

    @resolver(description="The item, in the result.")
    async def item(self, info: Info) -> LazyItem:
        return await annotation_types.load_item(info, self.point, self.record.item)

    @resolver(description="The annotation, in the result; null for a conflict of items.")
    async def annotation(self, info: Info) -> LazyAnnotation | None:
        if self.record.annotation is None:
            return None
        place = (*self.point.pair, self.record.annotation)
        row = await info.context.load(annotation_types.annotations_by_place, place)
        return None if row is None else annotation_types.Annotation.of(row, self.point)

    @resolver(description="Where the left value stood.")
    def left_source(self) -> LazyDatasetSource:
        return datasets.DatasetSource.of(*self.record.left_source)

    @resolver(description="Where the right value stood.")
    def right_source(self) -> LazyDatasetSource:
        return datasets.DatasetSource.of(*self.record.right_source)


@strawberry.type(description="What a merge decided.")
class MergeReport:
    point: strawberry.Private[Point]
    outcome: MergeOutcome = strawberry.field(description="How its sources were related.")
    unified: int = strawberry.field(description="Items that two or more sources held.")
    summed: int = strawberry.field(description="Items that exactly one source held.")

    @resolver(description="How many items the result has.")
    async def items_count(self, info: Info) -> int:
        return (await versions.load_version(info, self.point)).items

    @resolver(description="How many annotations the result has.")
    async def annotations_count(self, info: Info) -> int:
        return (await versions.load_version(info, self.point)).annotations

    @resolver(description="How many bytes of files the merge stored: none, since files are shared.")
    def bytes_added(self) -> BigInt:
        return BigInt(0)

    @resolver(description="The conflicts, in the order in which they were met.")
    async def conflicts(
        self, info: Info, first: First = None, after: After = None
    ) -> Connection[Conflict]:
        return await _conflicts(info, self.point, first, after)

    @resolver(description="The items that could not have the paths they wanted.")
    async def renamed(self, info: Info) -> list[PathChange]:
        return path_changes(
            await info.context.load(reports.renames_of, self.point.pair), self.point
        )


async def load_merge_report(info: Info, pair: tuple[int, int]) -> MergeReport | None:
    """The report of the merge that made a version; None when no merge did."""
    record = await info.context.load(reports.merge_reports, pair)
    if record is None:
        return None
    return MergeReport(
        point=Point(*pair, fixed=True),
        outcome=MergeOutcome(record.outcome),
        unified=record.unified,
        summed=record.summed,
    )


def path_changes(changes: Collection[Renamed] | None, point: Point) -> list[PathChange]:
    return [
        PathChange(point=point, key=change.item, wanted=change.wanted, given=change.given)
        for change in changes or ()
    ]


async def _conflicts(
    info: Info, point: Point, first: int | None, after: str | None
) -> Connection[Conflict]:
    """The key of a cursor is the position plus one, because keys begin at 1."""
    asked = window(("conflicts", point.pair), first, after)
    behind = -1 if asked.anchor is None else asked.anchor - 1
    found = await info.context.read(
        lambda tx: reports.conflicts_of(tx, point.pair, after=behind, limit=asked.limit + 1)
    )
    kept = found[: asked.limit]
    return Connection(
        rows=[_conflict(record, point) for record in kept],
        cursors=[asked.cursor(record.position + 1, point.version) for record in kept],
        has_next=len(found) > asked.limit,
        has_previous=asked.anchor is not None,
        count=lambda: info.context.read(lambda tx: reports.count_conflicts(tx, point.pair)),
    )


def _conflict(record: reports.ConflictRecord, point: Point) -> Conflict:
    return Conflict(
        record=record,
        point=point,
        field=record.field,
        base=JSON(record.base),
        left=JSON(record.left),
        right=JSON(record.right),
        chosen=JSON(record.chosen),
    )
