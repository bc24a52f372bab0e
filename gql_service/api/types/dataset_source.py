"""What a dataset, or a part of it, was taken from."""

from __future__ import annotations

import strawberry

import gql_service.api.types.dataset as datasets
from gql_service.api.context import Info
from gql_service.api.described import resolver
from gql_service.api.point import Point
from gql_service.api.types.lazy import LazyDataset


@strawberry.type(description="A dataset at the version that was taken from it.")
class DatasetSource:
    point: strawberry.Private[Point]
    version: int = strawberry.field(description="The version that was taken.")

    @staticmethod
    def of(dataset: int, version: int) -> DatasetSource:
        return DatasetSource(point=Point(dataset, version, fixed=True), version=version)

    @resolver(
        description="The dataset at that version; null when it is deleted or not the viewer's to "
        "read. When that version has expired, what it showed answers ERASED."
    )
    async def dataset(self, info: Info) -> LazyDataset | None:
        return await datasets.load_dataset(info, self.point)
