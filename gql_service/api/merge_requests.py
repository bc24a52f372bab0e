"""Merges as they are asked for, to be made or only planned: read once, and checked the same."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from gql_service.api.ids import DatasetId, ProjectId, parse_as
from gql_service.api.inputs.datasets import MergeDatasetsInput
from gql_service.api.inputs.selectors import (
    VersionRef,
    asked_version,
    dataset_key,
    message_of,
    spelt,
)
from gql_service.catalog.dataset import DatasetRecord, require_dataset
from gql_service.catalog.project import Permission, require
from gql_service.database.engine import Tx
from gql_service.errors import Invalid, LimitExceeded
from gql_service.versions.merge import MergeRequest

T = TypeVar("T")

MOST_SOURCES = 100


@dataclass(frozen=True, slots=True)
class _Source:
    """One source of a merge, and where it stands in the input."""

    id: DatasetId
    at: VersionRef | None
    path: tuple[str | int, ...]

    def version(self, tx: Tx, record: DatasetRecord) -> int | None:
        return asked_version(tx, record, self.at, of_id=self.id.version, path=self.path)


@dataclass(frozen=True, slots=True)
class _Target:
    """Where the result goes: a new dataset of a project, by default the first source's, or one
    that is there."""

    into: int | None
    project: int | None
    projects: tuple[int, ...] | None


def merge_work(input: MergeDatasetsInput, do: Callable[[Tx, MergeRequest], T]) -> Callable[[Tx], T]:
    """What is to be done in a transaction: `do`, when the actor may ask for it.

    Raises Invalid and LimitExceeded at once for what is wrong in itself; the work raises NotFound,
    Forbidden, and what `do` raises, in the words of the input.
    """
    argument, sources = _sources(input)
    target = _target(input)
    message = message_of(input.message)

    def work(tx: Tx) -> T:
        records = [require_dataset(tx, one.id.key, Permission.READ, one.path) for one in sources]
        _require_target(tx, target, records, sources)
        request = MergeRequest(
            name=input.name,
            into=target.into,
            sources=tuple(
                (one.id.key, one.version(tx, record))
                for one, record in zip(sources, records, strict=True)
            ),
            project=target.project,
            projects=target.projects,
            with_annotations=input.with_items_annotations,
            with_metadata=input.with_metadata,
            with_status=input.with_task_annotations_status,
            policy=input.policy,
            on_conflict=input.on_conflict,
            message=message,
            expected_version=input.expected_version,
        )
        with spelt("datasetIds", argument):
            return do(tx, request)

    return work


def _sources(input: MergeDatasetsInput) -> tuple[str, list[_Source]]:
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


def _target(input: MergeDatasetsInput) -> _Target:
    if input.name is None and input.into is None:
        raise Invalid("Give a name, or a dataset to merge into", path=("name",))
    if input.name is not None and input.into is not None:
        raise Invalid("Give a name or a dataset to merge into, not both", path=("into",))
    if input.into is not None and input.project_id is not None:
        raise Invalid("The dataset to merge into is in its own project", path=("projectId",))
    return _Target(
        None if input.into is None else dataset_key(input.into, ("into",)),
        None
        if input.project_id is None
        else parse_as(ProjectId, input.project_id, ("projectId",)).key,
        None
        if input.project_ids is None
        else tuple(
            parse_as(ProjectId, text, ("projectIds", position)).key
            for position, text in enumerate(input.project_ids)
        ),
    )


def _require_target(
    tx: Tx, target: _Target, records: Sequence[DatasetRecord], sources: Sequence[_Source]
) -> None:
    if target.into is not None:
        require_dataset(tx, target.into, Permission.WRITE, ("into",))
    elif target.project is not None:
        require(tx, target.project, Permission.WRITE)
    elif records:
        require(tx, records[0].project, Permission.WRITE, sources[0].path)
