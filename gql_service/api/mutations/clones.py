"""Clones and merges."""

from __future__ import annotations

from typing import Annotated

import strawberry

from gql_service.api.clone_requests import clone_work
from gql_service.api.context import Info
from gql_service.api.described import mutation
from gql_service.api.inputs.datasets import CloneDatasetInput, MergeDatasetsInput
from gql_service.api.merge_requests import merge_work
from gql_service.api.mutations.answers import INPUT
from gql_service.api.once import NUMBER, write_once
from gql_service.api.types.errors import (
    ConflictError,
    ForbiddenError,
    NotFoundError,
    RecipeMismatchError,
    ValidationError,
)
from gql_service.api.types.job import CloneDatasetSuccess, Job, MergeDatasetsSuccess, load_job
from gql_service.errors import NotFound
from gql_service.versions.clone import clone_dataset
from gql_service.versions.merge import merge_datasets

CloneDatasetResult = Annotated[
    CloneDatasetSuccess
    | ValidationError
    | NotFoundError
    | ForbiddenError
    | ConflictError
    | RecipeMismatchError,
    strawberry.union("CloneDatasetResult", description="The clone, or why there is none."),
]
MergeDatasetsResult = Annotated[
    MergeDatasetsSuccess
    | ValidationError
    | NotFoundError
    | ForbiddenError
    | ConflictError
    | RecipeMismatchError,
    strawberry.union("MergeDatasetsResult", description="The merge, or why there is none."),
]


@strawberry.type
class CloneMutations:
    @mutation(
        description="Makes a new dataset with references to the same files, or fills an existing "
        "one; bytes are never copied, and the source stays as it is. Needs the right to read the "
        "source and to write where the clone goes. Fails with NAME_TAKEN, VERSION_MOVED, "
        "DATASET_LOCKED when the destination is locked, or RECIPE_MISMATCH when it has another "
        "recipe."
    )
    async def clone_dataset(
        self, info: Info, input: Annotated[CloneDatasetInput, INPUT]
    ) -> CloneDatasetResult:
        work = clone_work(input, lambda tx, request: clone_dataset(tx, request).job)
        job = await _job(info, await write_once(info, input, NUMBER, work))
        return CloneDatasetSuccess(job=job)

    @mutation(
        description="Makes a new dataset out of several with equal recipes, or merges them into "
        "one that exists, as its next version. Items that are the same, in clones of one another, "
        "become one with everybody's annotations; others stand side by side. Needs the right to "
        "read every source and to write where the result goes. Fails with NAME_TAKEN, "
        "VERSION_MOVED, DATASET_LOCKED when the dataset to merge into is locked, RECIPE_MISMATCH, "
        "and CONFLICT when `onConflict` is FAIL and "
        "there is one."
    )
    async def merge_datasets(
        self, info: Info, input: Annotated[MergeDatasetsInput, INPUT]
    ) -> MergeDatasetsResult:
        work = merge_work(input, lambda tx, request: merge_datasets(tx, request).job)
        job = await _job(info, await write_once(info, input, NUMBER, work))
        return MergeDatasetsSuccess(job=job)


async def _job(info: Info, job: int) -> Job:
    """The job of a clone or merge. Raises NotFound when it is not the viewer's to read any more."""
    made = await load_job(info, job)
    if made is None:
        raise NotFound("The job is gone")
    return made
