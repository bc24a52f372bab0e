"""Where the report of a merge is read: beside the version that was made, or in a plan."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import gql_service.api.types.annotation as annotation_types
import gql_service.api.types.item as items
import gql_service.api.types.version as versions
from gql_service.api.context import Info
from gql_service.api.point import Point
from gql_service.api.types.lazy import LazyAnnotation, LazyItem, LazyVersion
from gql_service.catalog.lineage import items_by_place
from gql_service.errors import NotFound
from gql_service.versions import report_read as reports
from gql_service.versions.merge_forecast import MergeForecast
from gql_service.versions.paths import PathChange
from gql_service.versions.report import ConflictRecord


class Report(Protocol):
    """What a merge decided, and where its items can be seen."""

    @property
    def name(self) -> object:
        """Tells its lists from those of others, in cursors."""
        ...

    async def items(self, info: Info) -> int: ...

    async def annotations(self, info: Info) -> int: ...

    async def conflicts(
        self, info: Info, unresolved: bool, behind: int, limit: int
    ) -> list[ConflictRecord]: ...

    async def count(self, info: Info, unresolved: bool) -> int: ...

    async def renamed(self, info: Info) -> Sequence[PathChange]: ...

    def home(self, item: int) -> Point:
        """Where an item that was renamed is to be seen."""
        ...

    async def item(self, info: Info, conflict: ConflictRecord) -> LazyItem: ...

    async def annotation(self, info: Info, conflict: ConflictRecord) -> LazyAnnotation | None: ...

    async def resolved(self, info: Info, conflict: ConflictRecord) -> LazyVersion | None: ...


@dataclass(frozen=True, slots=True)
class Made:
    """The report of a version: things are shown as the merge left them."""

    point: Point

    @property
    def name(self) -> object:
        return ("conflicts", self.point.pair)

    async def items(self, info: Info) -> int:
        return (await versions.load_version(info, self.point)).items

    async def annotations(self, info: Info) -> int:
        return (await versions.load_version(info, self.point)).annotations

    async def conflicts(
        self, info: Info, unresolved: bool, behind: int, limit: int
    ) -> list[ConflictRecord]:
        pair = self.point.pair
        return await info.context.read(
            lambda tx: reports.conflicts_of(
                tx, pair, after=behind, limit=limit, unresolved=unresolved
            )
        )

    async def count(self, info: Info, unresolved: bool) -> int:
        pair = self.point.pair
        return await info.context.read(
            lambda tx: reports.count_conflicts(tx, pair, unresolved=unresolved)
        )

    async def renamed(self, info: Info) -> Sequence[PathChange]:
        return await info.context.load(reports.renames_of, self.point.pair) or ()

    def home(self, item: int) -> Point:  # noqa: ARG002 - all are in the result
        return self.point

    async def item(self, info: Info, conflict: ConflictRecord) -> LazyItem:
        return await annotation_types.load_item(info, self.point, conflict.item)

    async def annotation(self, info: Info, conflict: ConflictRecord) -> LazyAnnotation | None:
        return await _annotation(info, [self.point], conflict)

    async def resolved(self, info: Info, conflict: ConflictRecord) -> LazyVersion | None:
        if conflict.resolved is None:
            return None
        point = Point(self.point.dataset, conflict.resolved, fixed=True)
        return versions.Version.of(await versions.load_version(info, point))


@dataclass(frozen=True, slots=True)
class Planned:
    """A report without a result: things are shown at the sources that hold them."""

    plan: MergeForecast

    @property
    def name(self) -> object:
        return ("planned conflicts", self.plan.sources, len(self.plan.conflicts))

    async def items(self, info: Info) -> int:  # noqa: ARG002 - as a report that is read
        return self.plan.items

    async def annotations(self, info: Info) -> int:  # noqa: ARG002
        return self.plan.annotations

    async def conflicts(
        self,
        info: Info,  # noqa: ARG002
        unresolved: bool,  # noqa: ARG002 - all are
        behind: int,
        limit: int,
    ) -> list[ConflictRecord]:
        return list(self.plan.conflicts[behind + 1 : behind + 1 + limit])

    async def count(self, info: Info, unresolved: bool) -> int:  # noqa: ARG002
        return len(self.plan.conflicts)

    async def renamed(self, info: Info) -> Sequence[PathChange]:  # noqa: ARG002
        return self.plan.renamed

    def home(self, item: int) -> Point:
        return Point(*self.plan.homes[item], fixed=True)

    async def item(self, info: Info, conflict: ConflictRecord) -> LazyItem:
        for point in self._points(conflict):
            placed = await info.context.load(items_by_place, (*point.pair, conflict.item))
            if placed is not None:
                return items.Item.of(placed, point)
        raise NotFound("There is no such item in the datasets")

    async def annotation(self, info: Info, conflict: ConflictRecord) -> LazyAnnotation | None:
        return await _annotation(info, self._points(conflict), conflict)

    async def resolved(
        self,
        info: Info,  # noqa: ARG002
        conflict: ConflictRecord,  # noqa: ARG002
    ) -> LazyVersion | None:
        return None

    def _points(self, conflict: ConflictRecord) -> list[Point]:
        """The sources, the two sides of the conflict before the others."""
        pairs = (conflict.left_source, conflict.right_source, *self.plan.sources)
        return [Point(*pair, fixed=True) for pair in dict.fromkeys(pairs)]


async def _annotation(
    info: Info, points: Sequence[Point], conflict: ConflictRecord
) -> LazyAnnotation | None:
    """As the first of the points shows it that does; None for a conflict of items."""
    if conflict.annotation is None:
        return None
    for point in points:
        place = (*point.pair, conflict.annotation)
        row = await info.context.load(annotation_types.annotations_by_place, place)
        if row is not None:
            return annotation_types.Annotation.of(row, point)
    return None
