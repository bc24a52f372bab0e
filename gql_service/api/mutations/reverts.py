"""Back to what was: reverts, and removed items brought back; each call is one version."""

from __future__ import annotations

import asyncio
from typing import Annotated

import strawberry
from pydantic import TypeAdapter

import gql_service.api.types.annotation as annotation_types
import gql_service.api.types.dataset as datasets
from gql_service.api.context import Info
from gql_service.api.described import mutation, resolver
from gql_service.api.ids import item_of
from gql_service.api.inputs.reverts import RestoreItemsInput, RevertDatasetInput, Reverting
from gql_service.api.inputs.selectors import (
    MOST_SELECTED,
    asked_version,
    dataset_key,
    message_of,
    spelt,
)
from gql_service.api.mutations.answers import INPUT, DatasetChange
from gql_service.api.once import OUTCOME, write_once
from gql_service.api.point import Point
from gql_service.api.types.enums import Permission
from gql_service.api.types.errors import (
    ConflictError,
    ForbiddenError,
    NotFoundError,
    ValidationError,
)
from gql_service.api.types.lazy import LazyItem
from gql_service.api.types.revert import RevertReport
from gql_service.catalog.dataset import require_dataset
from gql_service.database.engine import Tx
from gql_service.errors import LimitExceeded
from gql_service.versions.given import Outcome
from gql_service.versions.revert import RevertOutcome, restore_items, revert_dataset

_OUTCOME: TypeAdapter[RevertOutcome] = TypeAdapter(RevertOutcome)


@strawberry.type(description="The dataset, or the selected items, are what they were.")
class RevertDatasetSuccess(DatasetChange):
    report: RevertReport = strawberry.field(description="What was changed.")


@strawberry.type(description="The items are there again, with their annotations.")
class RestoreItemsSuccess(DatasetChange):
    keys: strawberry.Private[tuple[int, ...]]

    @resolver(description="The items in the order given, as they are now.")
    async def items(self, info: Info) -> list[LazyItem]:
        record = (await datasets.load_head(info, self.key)).record
        point = Point(self.key, info.context.head(record), fixed=False)
        found = (annotation_types.load_item(info, point, key) for key in self.keys)
        return list(await asyncio.gather(*found))


RevertDatasetResult = Annotated[
    RevertDatasetSuccess | ValidationError | NotFoundError | ForbiddenError | ConflictError,
    strawberry.union("RevertDatasetResult", description="The change, or why there is none."),
]
RestoreItemsResult = Annotated[
    RestoreItemsSuccess | ValidationError | NotFoundError | ForbiddenError | ConflictError,
    strawberry.union("RestoreItemsResult", description="The items, or why they stay away."),
]


@strawberry.type
class RevertMutations:
    @mutation(
        description="Makes a dataset, or the selected items with their annotations, what they were "
        "at an older version; history keeps what was since. The whole dataset gets its old recipe "
        "back too. No version is made when nothing differs. For developers and owners. Fails with "
        "VERSION_MOVED, DATASET_LOCKED, with PATH_TAKEN when an item that is not selected has a "
        "path that must come back, and with CONFLICT when the old recipe is deleted."
    )
    async def revert_dataset(
        self, info: Info, input: Annotated[RevertDatasetInput, INPUT]
    ) -> RevertDatasetResult:
        asked = Reverting.of(input)

        def revert(tx: Tx) -> RevertOutcome:
            return revert_dataset(tx, asked.request(tx))

        with asked.spelt():
            done = await write_once(info, input, _OUTCOME, revert)
        return RevertDatasetSuccess(
            key=asked.dataset,
            made=done.version,
            report=RevertReport.of(asked.dataset, done.report),
        )

    @mutation(
        description="Brings removed items back as a version shows them, under their own keys and "
        "paths and with their annotations. For developers and owners. Fails with CONFLICT when one "
        "is there, with PATH_TAKEN when another item has its path, and with VERSION_MOVED or "
        "DATASET_LOCKED."
    )
    async def restore_items(
        self, info: Info, input: Annotated[RestoreItemsInput, INPUT]
    ) -> RestoreItemsResult:
        dataset = dataset_key(input.dataset_id)
        message = message_of(input.message)
        if len(input.ids) > MOST_SELECTED:
            raise LimitExceeded(f"At most {MOST_SELECTED:,} items can be restored", path=("ids",))
        keys = [item_of(dataset, id, ("ids", at)) for at, id in enumerate(input.ids)]

        def restore(tx: Tx) -> Outcome:
            record = require_dataset(tx, dataset, Permission.WRITE)
            with spelt("at", "from"):
                version = asked_version(tx, record, input.from_)
            assert version is not None, "a version that was named"
            return restore_items(
                tx,
                dataset,
                version,
                keys,
                expected_version=input.expected_version,
                message=message,
            )

        done = await write_once(info, input, OUTCOME, restore)
        return RestoreItemsSuccess(key=dataset, made=done.version, keys=done.keys)
