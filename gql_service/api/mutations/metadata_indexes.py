"""Metadata indexes, which are declared beside the versions of a dataset."""

from __future__ import annotations

from typing import Annotated

import strawberry

from gql_service.api.context import Info
from gql_service.api.described import mutation
from gql_service.api.inputs.metadata_indexes import (
    DeclareMetadataIndexInput,
    DropMetadataIndexInput,
)
from gql_service.api.inputs.selectors import dataset_key
from gql_service.api.mutations.answers import INPUT
from gql_service.api.once import NOTHING, write_once
from gql_service.api.types.dataset import Dataset, load_head
from gql_service.api.types.enums import Permission
from gql_service.api.types.errors import (
    ConflictError,
    ForbiddenError,
    NotFoundError,
    ValidationError,
)
from gql_service.catalog.dataset import require_dataset
from gql_service.database.engine import Tx
from gql_service.versions.index_filling import declare_index, drop_index


@strawberry.type(description="The path is declared; `ready` says whether the index is used yet.")
class DeclareMetadataIndexSuccess:
    dataset: Dataset = strawberry.field(description="The dataset as it is now.")


@strawberry.type(description="The path is declared no longer.")
class DropMetadataIndexSuccess:
    dataset: Dataset = strawberry.field(description="The dataset as it is now.")


DeclareMetadataIndexResult = Annotated[
    DeclareMetadataIndexSuccess | ValidationError | NotFoundError | ForbiddenError | ConflictError,
    strawberry.union(
        "DeclareMetadataIndexResult", description="The dataset, or why there is no index."
    ),
]
DropMetadataIndexResult = Annotated[
    DropMetadataIndexSuccess | ValidationError | NotFoundError | ForbiddenError | ConflictError,
    strawberry.union("DropMetadataIndexResult", description="The dataset, or why the index stays."),
]


@strawberry.type
class MetadataIndexMutations:
    @mutation(
        description="Has the values at a path in the metadata of items kept where filters find "
        "them: no answer changes, some come sooner. No version is made, and a locked dataset can "
        "have one too. Large datasets are indexed in the background while everybody goes on; whole "
        "clones have the indexes of their source, and share what is in them. Each costs a row for "
        "every item that is written with a value there. For developers and owners. Fails with "
        "CONFLICT when the path is declared already, and with LIMIT_EXCEEDED beyond 8 indexes, "
        "unless the operator allows others."
    )
    async def declare_metadata_index(
        self, info: Info, input: Annotated[DeclareMetadataIndexInput, INPUT]
    ) -> DeclareMetadataIndexResult:
        dataset = dataset_key(input.dataset_id)
        most = info.context.backend.settings.max_metadata_indexes

        def declare(tx: Tx) -> None:
            require_dataset(tx, dataset, Permission.CURATE)
            declare_index(tx, dataset, input.path, most=most)

        await write_once(info, input, NOTHING, declare)
        return DeclareMetadataIndexSuccess(dataset=await load_head(info, dataset))

    @mutation(
        description="Ends an index: filters by its path read the metadata itself again. Clones "
        "keep theirs. For developers and owners. Fails with NOT_FOUND when there is none."
    )
    async def drop_metadata_index(
        self, info: Info, input: Annotated[DropMetadataIndexInput, INPUT]
    ) -> DropMetadataIndexResult:
        dataset = dataset_key(input.dataset_id)

        def drop(tx: Tx) -> None:
            require_dataset(tx, dataset, Permission.CURATE)
            drop_index(tx, dataset, input.path)

        await write_once(info, input, NOTHING, drop)
        return DropMetadataIndexSuccess(dataset=await load_head(info, dataset))
