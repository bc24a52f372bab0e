"""What a revert changes."""

from __future__ import annotations

from typing import Annotated

import strawberry

import gql_service.api.types.dataset as datasets
import gql_service.api.types.version as versions
from gql_service.api.context import Info
from gql_service.api.described import resolver
from gql_service.api.point import Point
from gql_service.api.types.change_counts import ChangeCounts
from gql_service.api.types.errors import (
    ConflictError,
    ForbiddenError,
    NotFoundError,
    ValidationError,
)
from gql_service.api.types.lazy import LazyVersion
from gql_service.versions import revert as reverts


@strawberry.type(description="What a revert changes.")
class RevertReport:
    point: strawberry.Private[Point]
    counts: ChangeCounts = strawberry.field(description="How much it changes.")
    recipe_changed: bool = strawberry.field(
        description="Whether the dataset gets the recipe back that it had."
    )

    @staticmethod
    def of(dataset: int, found: reverts.RevertReport) -> RevertReport:
        return RevertReport(
            point=Point(dataset, found.to, fixed=True),
            counts=ChangeCounts.of(found),
            recipe_changed=found.recipe_changed,
        )

    @resolver(description="The version that it goes back to.")
    async def to(self, info: Info) -> LazyVersion:
        await datasets.load_head(info, self.point.dataset)  # a retry may come from one who left
        return versions.Version.of(await versions.load_version(info, self.point))


RevertPlanResult = Annotated[
    RevertReport | ValidationError | NotFoundError | ForbiddenError | ConflictError,
    strawberry.union(
        "RevertPlanResult", description="What a revert would change, or why it would be refused."
    ),
]
