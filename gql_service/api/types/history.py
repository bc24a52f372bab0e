"""The past of items and annotations: who changed what, and who wrote what is there."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, TypeVar

import sqlalchemy as sa
import strawberry

import gql_service.api.types.dataset_source as dataset_sources
import gql_service.api.types.diff as diffs
from gql_service.api.connections import Window, window
from gql_service.api.context import Info
from gql_service.api.described import resolver
from gql_service.api.point import Point
from gql_service.api.types.lazy import (
    LazyAnnotationChangeConnection,
    LazyDatasetSource,
    LazyItemChangeConnection,
)
from gql_service.api.types.user import User, load_user
from gql_service.catalog.lineage import PlacedItem
from gql_service.errors import Invalid
from gql_service.versions.blame import Blame, blame_annotations, blame_items
from gql_service.versions.diff import ItemDifference
from gql_service.versions.diff_annotations import AnnotationDifference
from gql_service.versions.history import (
    PlacedAnnotation,
    annotation_histories,
    item_histories,
)
from gql_service.versions.past import History, Place

D = TypeVar("D", ItemDifference, AnnotationDifference)


@strawberry.type(description="Who wrote a value.")
class FieldBlame:
    found: strawberry.Private[Blame]
    path: list[str] = strawberry.field(
        description="Which value: the name of a field, and perhaps a key into it."
    )
    at: datetime = strawberry.field(description="When it was written.")
    or_earlier: bool = strawberry.field(
        description="Whether the value may have been there before, written by somebody else: the "
        "versions that would tell have expired."
    )

    @staticmethod
    def of(found: Blame) -> FieldBlame:
        return FieldBlame(
            found=found, path=list(found.path), at=found.at, or_earlier=found.or_earlier
        )

    @resolver(description="Who wrote it.")
    async def user(self, info: Info) -> User:
        return await load_user(info, self.found.user)

    @resolver(description="In which version of which dataset it was written.")
    def source(self) -> LazyDatasetSource:
        return dataset_sources.DatasetSource.of(self.found.dataset, self.found.version)


async def item_history(
    info: Info, placed: PlacedItem, first: int | None, after: str | None
) -> LazyItemChangeConnection:
    """A page of what was done to an item and its annotations."""
    asked = window(("item history", placed.dataset, placed.row.key), first, after)
    found = await info.context.load(item_histories, placed) or History([], complete=True)
    rows, has_next = _page(found.events, asked)

    async def count() -> int:
        return len(found.events)

    return diffs.ItemChangeConnection(
        rows=[
            diffs.ItemChange(
                found=one, sides=diffs.Sides.of_version(*place), kind=one.kind, event=True
            )
            for place, one in rows
        ],
        cursors=[asked.cursor(*place) for place, _ in rows],
        has_next=has_next,
        has_previous=asked.anchor is not None,
        count=count,
        complete=found.complete,
    )


async def annotation_history(
    info: Info, point: Point, row: sa.Row[Any], first: int | None, after: str | None
) -> LazyAnnotationChangeConnection:
    """A page of what was done to an annotation."""
    asked = window(("annotation history", point.dataset, row.key), first, after)
    placed = PlacedAnnotation(*point.pair, row)
    found = await info.context.load(annotation_histories, placed) or History([], complete=True)
    rows, has_next = _page(found.events, asked)

    async def count() -> int:
        return len(found.events)

    return diffs.AnnotationChangeConnection(
        rows=[
            diffs.AnnotationChange(found=one, sides=diffs.Sides.of_version(*place), kind=one.kind)
            for place, one in rows
        ],
        cursors=[asked.cursor(*place) for place, _ in rows],
        has_next=has_next,
        has_previous=asked.anchor is not None,
        count=count,
        complete=found.complete,
    )


async def item_blame(info: Info, placed: PlacedItem) -> list[FieldBlame]:
    return [FieldBlame.of(one) for one in await info.context.load(blame_items, placed) or ()]


async def annotation_blame(info: Info, point: Point, row: sa.Row[Any]) -> list[FieldBlame]:
    placed = PlacedAnnotation(*point.pair, row)
    found = await info.context.load(blame_annotations, placed)
    return [FieldBlame.of(one) for one in found or ()]


def _page(
    events: Sequence[tuple[Place, D]], asked: Window
) -> tuple[Sequence[tuple[Place, D]], bool]:
    """The events behind the cursor, which carries the dataset and the number of its version."""
    start = 0
    if asked.anchor is not None:
        places = [place for place, _ in events]
        anchor = (asked.anchor, asked.version or 0)
        if anchor not in places:
            raise Invalid("The cursor does not belong to this list", path=("after",))
        start = places.index(anchor) + 1
    end = start + asked.limit
    return events[start:end], len(events) > end
