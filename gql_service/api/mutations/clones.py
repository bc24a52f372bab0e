"""Clones and merges."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated

import strawberry

from gql_service.api.context import Info
from gql_service.api.described import mutation
from gql_service.api.ids import DatasetId, ProjectId, parse_as
from gql_service.api.inputs.datasets import CloneDatasetInput, MergeDatasetsInput
from gql_service.api.inputs.selectors import (
    VersionRef,
    asked_version,
    dataset_key,
    message_of,
    selection_of,
    spelt,
)
from gql_service.api.mutations.answers import INPUT
from gql_service.api.once import NUMBER, write_once
from gql_service.api.types.enums import Permission
from gql_service.api.types.errors import (
    ConflictError,
    ForbiddenError,
    NotFoundError,
    RecipeMismatchError,
    ValidationError,
)
from gql_service.api.types.job import CloneDatasetSuccess, Job, MergeDatasetsSuccess, load_job
from gql_service.catalog.dataset import DatasetRecord, require_dataset
from gql_service.catalog.item_path import clean_directory
from gql_service.catalog.project import require
from gql_service.database.engine import Tx
from gql_service.errors import Invalid, LimitExceeded, NotFound
from gql_service.versions.clone import CloneRequest, clone_dataset
from gql_service.versions.merge import MergeRequest, merge_datasets

MOST_SOURCES = 100

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
    strawberry.union("MergeDatasetsResult", description="The new dataset, or why there is none."),
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
        asked = _clone_request(input)
        source = parse_as(DatasetId, input.dataset_id, ("datasetId",))

        def clone(tx: Tx) -> int:
            record = require_dataset(tx, source.key, Permission.READ)
            if asked.destination is not None:
                path = ("destination", "datasetId")
                require_dataset(tx, asked.destination, Permission.WRITE, path)
            elif asked.project is not None:
                require(tx, asked.project, Permission.WRITE)
            else:
                require(tx, record.project, Permission.WRITE, ("datasetId",))
            version = asked_version(tx, record, input.at, of_id=source.version)
            with spelt("ids", "filters", "ids"):
                return clone_dataset(tx, replace(asked, version=version)).job

        return CloneDatasetSuccess(
            job=await _job(info, await write_once(info, input, NUMBER, clone))
        )

    @mutation(
        description="Makes a new dataset out of several with equal recipes. Items that are the "
        "same, in clones of one another, become one with everybody's annotations; others stand "
        "side by side. Needs the right to read every source and to write where the result goes. "
        "Fails with NAME_TAKEN, with RECIPE_MISMATCH, and with CONFLICT when `onConflict` is FAIL "
        "and there is one."
    )
    async def merge_datasets(
        self, info: Info, input: Annotated[MergeDatasetsInput, INPUT]
    ) -> MergeDatasetsResult:
        argument, sources = _merge_sources(input)
        message = message_of(input.message)
        project = _project(input.project_id, ("projectId",))
        projects = _projects(input.project_ids)

        def merge(tx: Tx) -> int:
            records = [
                require_dataset(tx, one.id.key, Permission.READ, one.path) for one in sources
            ]
            _require_target(tx, project, records, sources)
            request = MergeRequest(
                name=input.name,
                sources=tuple(
                    (
                        one.id.key,
                        asked_version(tx, record, one.at, of_id=one.id.version, path=one.path),
                    )
                    for one, record in zip(sources, records, strict=True)
                ),
                project=project,
                projects=projects,
                with_annotations=input.with_items_annotations,
                with_metadata=input.with_metadata,
                with_status=input.with_task_annotations_status,
                policy=input.policy,
                on_conflict=input.on_conflict,
                message=message,
            )
            with spelt("datasetIds", argument):
                return merge_datasets(tx, request).job

        return MergeDatasetsSuccess(
            job=await _job(info, await write_once(info, input, NUMBER, merge))
        )


@dataclass(frozen=True, slots=True)
class _Source:
    """One source of a merge, and where it stands in the input."""

    id: DatasetId
    at: VersionRef | None
    path: tuple[str | int, ...]

    def version(self, tx: Tx, record: DatasetRecord) -> int | None:
        return asked_version(tx, record, self.at, of_id=self.id.version, path=self.path)


def _clone_request(input: CloneDatasetInput) -> CloneRequest:
    """All but the version, which is known only in the transaction."""
    into = input.destination
    if into is not None and input.project_id is not None:
        raise Invalid("A destination is in its own project", path=("projectId",))
    source = dataset_key(input.dataset_id)
    return CloneRequest(
        source=source,
        name=input.name,
        project=_project(input.project_id, ("projectId",)),
        destination=dataset_key(into.dataset_id, ("destination", "datasetId")) if into else None,
        directory=clean_directory(into.directory, ("destination", "directory")) if into else "/",
        selection=selection_of(source, input.filters, ("filters",)),
        with_annotations=input.with_items_annotations,
        with_metadata=input.with_metadata,
        with_status=input.with_task_annotations_status,
        strip_folders=input.strip_folders,
        allow_many=input.allow_many,
        message=message_of(input.message),
        expected_version=input.expected_version,
    )


def _merge_sources(input: MergeDatasetsInput) -> tuple[str, list[_Source]]:
    """The sources, and the name of the argument that has them."""
    if (input.dataset_ids is None) == (input.sources is None):
        raise Invalid("Give exactly one of datasetIds and sources", path=("datasetIds",))
    given: list[tuple[str, VersionRef | None, tuple[str | int, ...]]]
    if input.sources is None:
        argument = "datasetIds"
        given = [
            (id, None, (argument, position)) for position, id in enumerate(input.dataset_ids or ())
        ]
    else:
        argument = "sources"
        given = [
            (one.dataset_id, one.at, (argument, position))
            for position, one in enumerate(input.sources)
        ]
    if len(given) > MOST_SOURCES:
        raise LimitExceeded(f"At most {MOST_SOURCES} datasets can be merged", path=(argument,))
    return argument, [_Source(parse_as(DatasetId, id, path), at, path) for id, at, path in given]


def _require_target(
    tx: Tx, project: int | None, records: Sequence[DatasetRecord], sources: Sequence[_Source]
) -> None:
    if project is not None:
        require(tx, project, Permission.WRITE)
    elif records:
        require(tx, records[0].project, Permission.WRITE, sources[0].path)


def _project(text: str | None, path: Sequence[str | int]) -> int | None:
    return None if text is None else parse_as(ProjectId, text, path).key


def _projects(texts: Sequence[str] | None) -> tuple[int, ...] | None:
    if texts is None:
        return None
    return tuple(
        parse_as(ProjectId, text, ("projectIds", position)).key
        for position, text in enumerate(texts)
    )


async def _job(info: Info, job: int) -> Job:
    """The job of a clone or merge. Raises NotFound when it is not the viewer's to read any more."""
    made = await load_job(info, job)
    if made is None:
        raise NotFound("The job is gone")
    return made
