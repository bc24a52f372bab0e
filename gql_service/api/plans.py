"""What operations would do, asked for beforehand."""

from __future__ import annotations

from typing import Annotated

import strawberry

from gql_service.api.context import Info
from gql_service.api.described import resolver
from gql_service.api.inputs.reverts import RevertDatasetInput, Reverting
from gql_service.api.types.revert import RevertPlanResult, RevertReport
from gql_service.database.engine import Tx
from gql_service.versions import revert as reverts


@strawberry.type
class Plans:
    @resolver(
        description="What `revertDataset` would change with the same input, or how it would be "
        "refused; nothing is written. Needs the same rights."
    )
    async def plan_revert(
        self,
        info: Info,
        input: Annotated[
            RevertDatasetInput, strawberry.argument(description="What would be done.")
        ],
    ) -> RevertPlanResult | None:
        asked = Reverting.of(input)

        def plan(tx: Tx) -> reverts.RevertReport:
            return reverts.plan_revert(tx, asked.request(tx))

        with asked.spelt():
            return RevertReport.of(asked.dataset, await info.context.read(plan))
