"""Clones as they are asked for, to be made or only planned: read once, and checked the same."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from gql_service.api.ids import DatasetId, ProjectId, parse_as
from gql_service.api.inputs.datasets import CloneDatasetInput
from gql_service.api.inputs.selectors import (
    asked_version,
    dataset_key,
    message_of,
    selection_of,
    spelt,
)
from gql_service.catalog.dataset import require_dataset
from gql_service.catalog.item_path import clean_directory
from gql_service.catalog.project import Permission, require
from gql_service.database.engine import Tx
from gql_service.errors import Invalid
from gql_service.versions.clone import CloneRequest

T = TypeVar("T")


def clone_work(input: CloneDatasetInput, do: Callable[[Tx, CloneRequest], T]) -> Callable[[Tx], T]:
    """What is to be done in a transaction: `do`, when the actor may ask for it.

    Raises Invalid at once for what is wrong in itself; the work raises NotFound, Forbidden, and
    what `do` raises, in the words of the input.
    """
    asked = _request(input)
    source = parse_as(DatasetId, input.dataset_id, ("datasetId",))

    def work(tx: Tx) -> T:
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
            return do(tx, replace(asked, version=version))

    return work


def _request(input: CloneDatasetInput) -> CloneRequest:
    """All but the version, which is known only in the transaction."""
    into, project = input.destination, input.project_id
    if into is not None and project is not None:
        raise Invalid("A destination is in its own project", path=("projectId",))
    source = dataset_key(input.dataset_id)
    return CloneRequest(
        source=source,
        name=input.name,
        project=None if project is None else parse_as(ProjectId, project, ("projectId",)).key,
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
