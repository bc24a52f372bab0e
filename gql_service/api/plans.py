"""What operations would do: asked beforehand, and nothing is written."""

from __future__ import annotations

from typing import Annotated

import strawberry

from gql_service.api.clone_requests import clone_work
from gql_service.api.context import Info
from gql_service.api.described import resolver
from gql_service.api.inputs.datasets import (
    CloneDatasetInput,
    DeleteDatasetInput,
    MergeDatasetsInput,
)
from gql_service.api.inputs.reverts import RevertDatasetInput, Reverting
from gql_service.api.inputs.selectors import dataset_key
from gql_service.api.merge_requests import merge_work
from gql_service.api.scalars import BigInt
from gql_service.api.types.errors import (
    ConflictError,
    ForbiddenError,
    NotFoundError,
    RecipeMismatchError,
    ValidationError,
)
from gql_service.api.types.job import CloneReport, planned_clone
from gql_service.api.types.merge import MergeReport, planned_merge
from gql_service.api.types.revert import RevertPlanResult, RevertReport
from gql_service.catalog.dataset import require_dataset
from gql_service.catalog.project import Permission
from gql_service.catalog.version import versions_by_number
from gql_service.database.engine import Tx
from gql_service.versions import revert as reverts
from gql_service.versions.clone_plan import plan_clone
from gql_service.versions.deletion_plan import plan_deletion
from gql_service.versions.merge_forecast import forecast_merge

INPUT = strawberry.argument(
    description="What would be done, as the mutation takes it; `idempotencyKey` and `message` mean "
    "nothing here."
)


@strawberry.type(description="What deleting a dataset would take away.")
class DeletionReport:
    items_count: int = strawberry.field(description="Items that would be out of sight at once.")
    annotations_count: int = strawberry.field(
        description="Annotations that would be out of sight at once."
    )
    items_freed: int = strawberry.field(
        description="Items that no dataset of the viewer's projects would hold any more, at any "
        "version, once this one is purged; those of its clones stay."
    )
    binaries_freed: int = strawberry.field(
        description="Files that no dataset of the viewer's projects would hold any more, at any "
        "version, and that would then be swept, unless somebody else holds them. A deleted dataset "
        "that can still be restored holds its files."
    )
    bytes_freed: BigInt = strawberry.field(description="How many bytes these have.")


ClonePlanResult = Annotated[
    CloneReport
    | ValidationError
    | NotFoundError
    | ForbiddenError
    | ConflictError
    | RecipeMismatchError,
    strawberry.union(
        "ClonePlanResult", description="What the clone would report, or why it would be refused."
    ),
]
MergePlanResult = Annotated[
    MergeReport
    | ValidationError
    | NotFoundError
    | ForbiddenError
    | ConflictError
    | RecipeMismatchError,
    strawberry.union(
        "MergePlanResult", description="What the merge would report, or why it would be refused."
    ),
]
DeletionPlanResult = Annotated[
    DeletionReport | ValidationError | NotFoundError | ForbiddenError | ConflictError,
    strawberry.union(
        "DeletionPlanResult",
        description="What deleting would take away, or why it would be refused.",
    ),
]


@strawberry.type
class PlanQueries:
    @resolver(
        description="What `cloneDataset` would do with the same input: its report, or its refusal. "
        "Nothing is written and nobody has to wait. With the source at a version, and "
        "`expectedVersion` for a destination, the mutation then does exactly this or is refused."
    )
    async def plan_clone(
        self, info: Info, input: Annotated[CloneDatasetInput, INPUT]
    ) -> ClonePlanResult | None:
        return planned_clone(await info.context.read(clone_work(input, plan_clone)))

    @resolver(
        description="What `mergeDatasets` would do with the same input: its report, or its "
        "refusal. Nothing is written and nobody has to wait. With `sources` at versions, and "
        "`expectedVersion` for `into`, the mutation then does exactly this or is refused."
    )
    async def plan_merge(
        self, info: Info, input: Annotated[MergeDatasetsInput, INPUT]
    ) -> MergePlanResult | None:
        return planned_merge(await info.context.read(merge_work(input, forecast_merge)))

    @resolver(
        description="What `deleteDataset` with the same input would take away: at once, and for "
        "good when the dataset is purged later, which one with a golden tag never is."
    )
    async def plan_delete_dataset(
        self, info: Info, input: Annotated[DeleteDatasetInput, INPUT]
    ) -> DeletionPlanResult | None:
        dataset = dataset_key(input.dataset_id)

        def plan(tx: Tx) -> DeletionReport:
            record = require_dataset(tx, dataset, Permission.WRITE)
            point = (dataset, record.head)
            version, freed = versions_by_number(tx, [point])[point], plan_deletion(tx, dataset)
            return DeletionReport(
                items_count=version.items,
                annotations_count=version.annotations,
                items_freed=freed.items,
                binaries_freed=freed.binaries,
                bytes_freed=BigInt(freed.bytes),
            )

        return await info.context.read(plan)

    @resolver(
        description="What `revertDataset` would change with the same input, or how it would be "
        "refused; nothing is written. Needs the same rights."
    )
    async def plan_revert(
        self,
        info: Info,
        input: Annotated[RevertDatasetInput, INPUT],
    ) -> RevertPlanResult | None:
        asked = Reverting.of(input)

        def plan(tx: Tx) -> reverts.RevertReport:
            return reverts.plan_revert(tx, asked.request(tx))

        with asked.spelt():
            return RevertReport.of(asked.dataset, await info.context.read(plan))
