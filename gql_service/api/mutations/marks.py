"""What is set beside the versions of a dataset: tags, and the lock that makes it read-only."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

import strawberry

from gql_service.api.context import Info
from gql_service.api.described import mutation
from gql_service.api.ids import DatasetId, TagId, parse_as
from gql_service.api.inputs.marks import (
    DeleteTagInput,
    LockDatasetInput,
    TagVersionInput,
    UnlockDatasetInput,
)
from gql_service.api.inputs.selectors import asked_version, dataset_key, message_of, spelt
from gql_service.api.mutations.answers import INPUT
from gql_service.api.once import NOTHING, NUMBER, write_once
from gql_service.api.types.dataset import Dataset, load_head
from gql_service.api.types.enums import Permission
from gql_service.api.types.errors import (
    ConflictError,
    ForbiddenError,
    NotFoundError,
    ValidationError,
)
from gql_service.api.types.tag import Tag, load_tag
from gql_service.catalog.dataset import require_dataset
from gql_service.database.engine import Tx
from gql_service.errors import NotFound
from gql_service.versions.datasets import lift_lock, set_lock
from gql_service.versions.locking import hold_dataset
from gql_service.versions.tags import delete_tag, tag_version


@strawberry.type(description="The version has the tag.")
class TagVersionSuccess:
    tag: Tag = strawberry.field(description="The new tag.")
    dataset: Dataset = strawberry.field(description="The dataset as it is now.")


@strawberry.type(description="The tag is gone, and its name can be given again.")
class DeleteTagSuccess:
    tag_id: strawberry.ID = strawberry.field(description="The id that the tag had.")
    dataset: Dataset | None = strawberry.field(
        description="The dataset as it is now; null when it is deleted."
    )


@strawberry.type(description="The dataset is read-only.")
class LockDatasetSuccess:
    dataset: Dataset = strawberry.field(description="The dataset as it is now.")


@strawberry.type(description="The dataset can be changed again.")
class UnlockDatasetSuccess:
    dataset: Dataset = strawberry.field(description="The dataset as it is now.")


TagVersionResult = Annotated[
    TagVersionSuccess | ValidationError | NotFoundError | ForbiddenError | ConflictError,
    strawberry.union("TagVersionResult", description="The new tag, or why there is none."),
]
DeleteTagResult = Annotated[
    DeleteTagSuccess | ValidationError | NotFoundError | ForbiddenError | ConflictError,
    strawberry.union("DeleteTagResult", description="The id of the tag, or why it stays."),
]
LockDatasetResult = Annotated[
    LockDatasetSuccess | ValidationError | NotFoundError | ForbiddenError | ConflictError,
    strawberry.union("LockDatasetResult", description="The dataset, or why it stays as it was."),
]
UnlockDatasetResult = Annotated[
    UnlockDatasetSuccess | ValidationError | NotFoundError | ForbiddenError | ConflictError,
    strawberry.union("UnlockDatasetResult", description="The dataset, or why it stays as it was."),
]


@strawberry.type
class MarkMutations:
    @mutation(
        description="Gives a version a name, by which `at` finds it from then on; no version is "
        "made, and a locked dataset can be tagged too. A tag never moves. For developers and "
        "owners. Fails with NAME_TAKEN when the dataset has a tag of that name, even for the same "
        "version, and with LIMIT_EXCEEDED beyond 1,000 tags of a dataset."
    )
    async def tag_version(
        self, info: Info, input: Annotated[TagVersionInput, INPUT]
    ) -> TagVersionResult:
        id = parse_as(DatasetId, input.dataset_id, ("datasetId",))
        message = message_of(input.message)

        def tag(tx: Tx) -> int:
            record = require_dataset(tx, id.key, Permission.CURATE)
            head = hold_dataset(tx, id.key).head  # which is the head until the tag is there
            version = asked_version(tx, replace(record, head=head), input.at, of_id=id.version)
            return tag_version(
                tx, id.key, input.name, version, golden=input.golden, message=message
            )

        made = await write_once(info, input, NUMBER, tag)
        dataset = await load_head(info, id.key)
        found = await load_tag(info, made)
        if found is None:
            raise NotFound("The tag is gone")
        return TagVersionSuccess(tag=found, dataset=dataset)

    @mutation(
        description="Takes a name off its version; no version is made. A deleted dataset that only "
        "a golden tag has kept can be purged from then on. For developers and owners."
    )
    async def delete_tag(
        self, info: Info, input: Annotated[DeleteTagInput, INPUT]
    ) -> DeleteTagResult:
        dataset = dataset_key(input.dataset_id)

        def delete(tx: Tx) -> int:
            require_dataset(tx, dataset, Permission.CURATE, deleted=None)
            return delete_tag(tx, dataset, input.name)

        deleted = await write_once(info, input, NUMBER, delete)
        return DeleteTagSuccess(
            tag_id=strawberry.ID(str(TagId(deleted))), dataset=await _if_there(info, dataset)
        )

    @mutation(
        description="Makes a dataset read-only until `unlockDataset`: whatever would change, "
        "rename or delete it is refused with DATASET_LOCKED. It can still be read, cloned and "
        "merged from, and its versions tagged. For developers and owners. Fails with "
        "DATASET_LOCKED when it is locked already."
    )
    async def lock_dataset(
        self, info: Info, input: Annotated[LockDatasetInput, INPUT]
    ) -> LockDatasetResult:
        dataset = dataset_key(input.dataset_id)
        with spelt("message", "reason"):
            reason = message_of(input.reason)

        def lock(tx: Tx) -> None:
            require_dataset(tx, dataset, Permission.CURATE)
            set_lock(tx, dataset, reason)

        await write_once(info, input, NOTHING, lock)
        return LockDatasetSuccess(dataset=await load_head(info, dataset))

    @mutation(
        description="Lets a locked dataset be changed again, whoever locked it. For developers and "
        "owners. Fails with NOT_LOCKED."
    )
    async def unlock_dataset(
        self, info: Info, input: Annotated[UnlockDatasetInput, INPUT]
    ) -> UnlockDatasetResult:
        dataset = dataset_key(input.dataset_id)

        def unlock(tx: Tx) -> None:
            require_dataset(tx, dataset, Permission.CURATE)
            lift_lock(tx, dataset)

        await write_once(info, input, NOTHING, unlock)
        return UnlockDatasetSuccess(dataset=await load_head(info, dataset))


async def _if_there(info: Info, dataset: int) -> Dataset | None:
    try:
        return await load_head(info, dataset)
    except NotFound:
        return None
