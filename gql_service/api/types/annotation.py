"""Annotations: labels on items."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

import sqlalchemy as sa
import strawberry

import gql_service.api.types.dataset_source as dataset_sources
import gql_service.api.types.history as histories
import gql_service.api.types.item as items
from gql_service.api.connections import After, First
from gql_service.api.context import Info
from gql_service.api.described import resolver
from gql_service.api.point import Point
from gql_service.api.scalars import JSON
from gql_service.api.types.enums import AnnotationStatus, AnnotationType
from gql_service.api.types.lazy import (
    LazyAnnotationChangeConnection,
    LazyDatasetSource,
    LazyFieldBlame,
    LazyItem,
)
from gql_service.api.types.node import Node
from gql_service.api.types.user import User, load_user
from gql_service.catalog.bounds import bounds as rectangle
from gql_service.catalog.json_text import parse
from gql_service.catalog.lineage import Place, items_by_place
from gql_service.catalog.visibility import open_view
from gql_service.database.engine import Tx
from gql_service.errors import NotFound
from gql_service.versions.content import annotations_by_key


@strawberry.type(
    description="The smallest upright rectangle around an annotation, in pixels from the top left "
    "corner."
)
class Bounds:
    x: float = strawberry.field(description="The left edge.")
    y: float = strawberry.field(description="The top edge.")
    width: float = strawberry.field(description="From the left edge to the right one.")
    height: float = strawberry.field(description="From the top edge to the bottom one.")


@strawberry.type(description="A label on an item.")
class Annotation(Node):
    row: strawberry.Private[sa.Row[Any]]
    point: strawberry.Private[Point]
    key: strawberry.ID = strawberry.field(
        description="Its lineage: the same at every version, and in every clone and merge."
    )
    type: AnnotationType = strawberry.field(description="What kind of mark it is.")
    label: str = strawberry.field(description="The dotted full name of its label.")
    attributes: JSON = strawberry.field(
        description="An object of what it says beside its label, by keys of attributes."
    )
    coordinates: JSON | None = strawberry.field(
        description="Where it lies, in the shape that its type has; null for a classification."
    )
    metadata: JSON = strawberry.field(description="User metadata, an object.")
    status: AnnotationStatus | None = strawberry.field(
        description="What a reviewer said; null for nothing, and where a clone left it out."
    )
    created_at: datetime = strawberry.field(description="When it was made.")
    updated_at: datetime = strawberry.field(description="When it was changed last.")

    @staticmethod
    def of(row: sa.Row[Any], point: Point) -> Annotation:
        return Annotation(
            id=strawberry.ID(point.annotation_id(row.key)),
            row=row,
            point=point,
            key=strawberry.ID(str(row.key)),
            type=AnnotationType(row.type),
            label=row.label,
            attributes=JSON(parse(row.attributes)),
            coordinates=JSON(parse(row.coordinates)),
            metadata=JSON(parse(row.metadata)),
            status=AnnotationStatus(row.status) if row.status else None,
            created_at=row.created_at,
            updated_at=row.updated_at,
        )

    @resolver(description="The item it is on.")
    async def item(self, info: Info) -> LazyItem:
        return await load_item(info, self.point, self.row.item)

    @resolver(
        description="The rectangle around it; null for what lies nowhere on a picture and for "
        "masks."
    )
    def bounds(self) -> Bounds | None:
        found = rectangle(self.type, self.row.coordinates)
        if found is None:
            return None
        return Bounds(x=found[0], y=found[1], width=found[2], height=found[3])

    @resolver(
        description="Where it was written, when it came by clone or merge; null when it was "
        "written in this dataset."
    )
    def source(self) -> LazyDatasetSource | None:
        if self.row.origin_dataset == self.point.dataset:
            return None
        return dataset_sources.DatasetSource.of(self.row.origin_dataset, self.row.origin_version)

    @resolver(description="Who made it.")
    async def creator(self, info: Info) -> User:
        return await load_user(info, self.row.created_by)

    @resolver(description="Who changed it last.")
    async def updated_by(self, info: Info) -> User:
        return await load_user(info, self.row.updated_by)

    @resolver(
        description="Who changed what of it, newest first, as far back as this version has seen, "
        "through clones and merges; only in datasets that the viewer may read."
    )
    async def history(
        self, info: Info, first: First = None, after: After = None
    ) -> LazyAnnotationChangeConnection:
        return await histories.annotation_history(info, self.point, self.row, first, after)

    @resolver(
        description="Who wrote each of its values, through clones and merges: `type`, `label`, "
        "`coordinates`, `status`, and each key of its attributes and metadata."
    )
    async def blame(self, info: Info) -> list[LazyFieldBlame]:
        return await histories.annotation_blame(info, self.point, self.row)


async def load_item(info: Info, point: Point, key: int) -> LazyItem:
    """An item that the point shows. Raises NotFound when it does not."""
    placed = await info.context.load(items_by_place, (*point.pair, key))
    if placed is None:
        raise NotFound("There is no such item in the dataset")
    return items.Item.of(placed, point)


def annotations_by_place(tx: Tx, places: Collection[Place]) -> dict[Place, sa.Row[Any]]:
    """The annotations at (dataset, version, key); absent ones are left out."""
    wanted: dict[tuple[int, int], list[int]] = {}
    for dataset, version, key in places:
        wanted.setdefault((dataset, version), []).append(key)
    found: dict[Place, sa.Row[Any]] = {}
    for (dataset, version), keys in wanted.items():
        rows = annotations_by_key(tx, open_view(tx, dataset, version), keys)
        found.update({(dataset, version, key): row for key, row in rows.items()})
    return found
