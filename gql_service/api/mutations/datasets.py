"""Datasets as wholes: create, rename, delete, restore, switch the recipe."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated

import strawberry
from pydantic import TypeAdapter

from gql_service.api.context import Info
from gql_service.api.described import mutation
from gql_service.api.ids import DatasetId, ProjectId, RecipeId, parse_as
from gql_service.api.inputs.datasets import (
    CreateDatasetInput,
    DatasetExpirationInput,
    DeleteDatasetInput,
    RestoreDatasetInput,
    SwitchRecipeInput,
    UpdateDatasetInput,
)
from gql_service.api.inputs.selectors import dataset_key, message_of
from gql_service.api.mutations.answers import INPUT, DatasetChange
from gql_service.api.once import NOTHING, NUMBER, write_once
from gql_service.api.types.dataset import Dataset, load_head
from gql_service.api.types.enums import Permission
from gql_service.api.types.errors import (
    ConflictError,
    ForbiddenError,
    NotFoundError,
    ValidationError,
)
from gql_service.catalog.dataset import require_dataset
from gql_service.catalog.project import require
from gql_service.catalog.recipe_use import recipe_for_use
from gql_service.database.engine import Tx
from gql_service.versions.datasets import (
    create_dataset,
    delete_dataset,
    rename_dataset,
    restore_dataset,
    switch_recipe,
)
from gql_service.versions.expiration import set_expiration
from gql_service.versions.keeping import set_retention

_MOMENT: TypeAdapter[datetime] = TypeAdapter(datetime)
_VERSION: TypeAdapter[int | None] = TypeAdapter(int | None)


@strawberry.type(description="The dataset was created.")
class CreateDatasetSuccess:
    dataset: Dataset = strawberry.field(description="The new dataset, empty, at version 1.")


@strawberry.type(description="The dataset was changed.")
class UpdateDatasetSuccess:
    dataset: Dataset = strawberry.field(description="The dataset as it is now.")


@strawberry.type(description="The dataset was deleted, and can still be restored.")
class DeleteDatasetSuccess:
    dataset_id: strawberry.ID = strawberry.field(description="Its id, for restoreDataset.")
    restorable_until: datetime = strawberry.field(
        description="From then on it may be purged, with what only it needs; not while it has a "
        "golden tag."
    )


@strawberry.type(description="The dataset was brought back.")
class RestoreDatasetSuccess:
    dataset: Dataset = strawberry.field(description="The dataset as it was.")


@strawberry.type(description="The dataset has the recipe that was asked for.")
class SwitchRecipeSuccess(DatasetChange):
    pass


CreateDatasetResult = Annotated[
    CreateDatasetSuccess | ValidationError | NotFoundError | ForbiddenError | ConflictError,
    strawberry.union("CreateDatasetResult", description="The new dataset, or why there is none."),
]
UpdateDatasetResult = Annotated[
    UpdateDatasetSuccess | ValidationError | NotFoundError | ForbiddenError | ConflictError,
    strawberry.union("UpdateDatasetResult", description="The dataset, or why it stays as it was."),
]
DeleteDatasetResult = Annotated[
    DeleteDatasetSuccess | ValidationError | NotFoundError | ForbiddenError | ConflictError,
    strawberry.union("DeleteDatasetResult", description="The id, or why the dataset stays."),
]
RestoreDatasetResult = Annotated[
    RestoreDatasetSuccess | ValidationError | NotFoundError | ForbiddenError | ConflictError,
    strawberry.union("RestoreDatasetResult", description="The dataset, or why it stays deleted."),
]
SwitchRecipeResult = Annotated[
    SwitchRecipeSuccess | ValidationError | NotFoundError | ForbiddenError | ConflictError,
    strawberry.union("SwitchRecipeResult", description="The dataset, or why it stays as it was."),
]


@strawberry.type
class DatasetMutations:
    @mutation(
        description="Creates an empty dataset. For developers and owners. Fails with NAME_TAKEN."
    )
    async def create_dataset(
        self, info: Info, input: Annotated[CreateDatasetInput, INPUT]
    ) -> CreateDatasetResult:
        project = parse_as(ProjectId, input.project_id, ("projectId",)).key
        recipe = parse_as(RecipeId, input.recipe_id, ("recipeId",)).key
        message = message_of(input.message)

        def create(tx: Tx) -> int:
            require(tx, project, Permission.WRITE)
            recipe_for_use(tx, recipe)
            made = create_dataset(tx, project, input.name, recipe, message=message)
            _expire(tx, made, input.expiration)
            return made

        dataset = await write_once(info, input, NUMBER, create)
        return CreateDatasetSuccess(dataset=await load_head(info, dataset))

    @mutation(
        description="Renames a dataset, or says when its items expire and which versions are kept; "
        "no version is made. For developers and owners. Fails with NAME_TAKEN and DATASET_LOCKED."
    )
    async def update_dataset(
        self, info: Info, input: Annotated[UpdateDatasetInput, INPUT]
    ) -> UpdateDatasetResult:
        dataset = dataset_key(input.dataset_id)

        def update(tx: Tx) -> None:
            require_dataset(tx, dataset, Permission.WRITE)
            if input.name is not None:
                rename_dataset(tx, dataset, input.name)
            _expire(tx, dataset, input.expiration)
            if input.retention is not None:
                kept = input.retention
                set_retention(tx, dataset, kept.keep_versions, kept.keep_days)

        await write_once(info, input, NOTHING, update)
        return UpdateDatasetSuccess(dataset=await load_head(info, dataset))

    @mutation(
        description="Deletes a dataset softly: it is out of sight and its name is free, and it can "
        "be restored for a time, while it has a golden tag for ever. Its clones stay whole. For "
        "developers and owners. Fails with DATASET_LOCKED."
    )
    async def delete_dataset(
        self, info: Info, input: Annotated[DeleteDatasetInput, INPUT]
    ) -> DeleteDatasetResult:
        dataset = dataset_key(input.dataset_id)
        kept = timedelta(days=info.context.backend.settings.dataset_retention_days)

        def delete(tx: Tx) -> datetime:
            require_dataset(tx, dataset, Permission.WRITE)
            delete_dataset(tx, dataset)
            return tx.now + kept

        until = await write_once(info, input, _MOMENT, delete)
        id = strawberry.ID(str(DatasetId(dataset)))
        return DeleteDatasetSuccess(dataset_id=id, restorable_until=until)

    @mutation(
        description="Brings a deleted dataset back. For developers and owners. Fails with "
        "NAME_TAKEN when another one has its name by now."
    )
    async def restore_dataset(
        self, info: Info, input: Annotated[RestoreDatasetInput, INPUT]
    ) -> RestoreDatasetResult:
        dataset = dataset_key(input.dataset_id)

        def restore(tx: Tx) -> None:
            require_dataset(tx, dataset, Permission.WRITE, deleted=True)
            restore_dataset(tx, dataset)

        await write_once(info, input, NOTHING, restore)
        return RestoreDatasetSuccess(dataset=await load_head(info, dataset))

    @mutation(
        description="Gives a dataset another recipe, as one version; annotations stay as they are. "
        "For developers and owners. Fails with VERSION_MOVED and DATASET_LOCKED."
    )
    async def switch_recipe(
        self, info: Info, input: Annotated[SwitchRecipeInput, INPUT]
    ) -> SwitchRecipeResult:
        dataset = dataset_key(input.dataset_id)
        recipe = parse_as(RecipeId, input.recipe_id, ("recipeId",)).key
        message = message_of(input.message)

        def switch(tx: Tx) -> int | None:
            require_dataset(tx, dataset, Permission.WRITE)
            recipe_for_use(tx, recipe)
            return switch_recipe(
                tx, dataset, recipe, expected_version=input.expected_version, message=message
            )

        made = await write_once(info, input, _VERSION, switch)
        return SwitchRecipeSuccess(key=dataset, made=made)


def _expire(tx: Tx, dataset: int, given: DatasetExpirationInput | None) -> None:
    if given is not None:
        set_expiration(tx, dataset, given.item_max_days)
