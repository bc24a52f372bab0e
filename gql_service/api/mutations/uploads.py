"""Uploads: files are stored first, each by itself; one transaction then makes items of them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Annotated, BinaryIO

import strawberry

from gql_service.api.context import Backend, Info
from gql_service.api.described import mutation
from gql_service.api.inputs.items import UploadItem, UploadItemsInput, added
from gql_service.api.inputs.selectors import dataset_key, message_of
from gql_service.api.mutations.answers import INPUT, ItemsAdded, items_added
from gql_service.api.once import OUTCOME, checked_key, write_once
from gql_service.api.types.enums import Operation, Permission
from gql_service.api.types.errors import (
    ConflictError,
    ForbiddenError,
    NotFoundError,
    ValidationError,
)
from gql_service.catalog.binary import StoredBlob, attach
from gql_service.catalog.blob import abandon, store
from gql_service.catalog.dataset import require_dataset
from gql_service.catalog.item_path import clean_directory, clean_path, name_of, under
from gql_service.database.deadline import set_aside
from gql_service.database.engine import Tx
from gql_service.errors import LimitExceeded
from gql_service.vault.contract import CHUNK
from gql_service.versions.given import Outcome
from gql_service.versions.items import NewItem, add_items


@strawberry.type(description="The files are items, or were skipped where `mode` says so.")
class UploadItemsSuccess(ItemsAdded):
    pass


UploadItemsResult = Annotated[
    UploadItemsSuccess | ValidationError | NotFoundError | ForbiddenError | ConflictError,
    strawberry.union("UploadItemsResult", description="The items, or why none were added."),
]


@strawberry.type
class UploadMutations:
    @mutation(
        description="Uploads files as items, with metadata and annotations, as one version: all of "
        "them or none. Needs a multipart request. For developers and owners. Fails with "
        "LIMIT_EXCEEDED, LABEL_UNKNOWN, VERSION_MOVED and DATASET_LOCKED."
    )
    async def upload_items(
        self, info: Info, input: Annotated[UploadItemsInput, INPUT]
    ) -> UploadItemsResult:
        dataset = dataset_key(input.dataset_id)
        message = message_of(input.message)
        backend = info.context.backend
        paths = _paths(input)
        checked_key(input)
        # Before any byte is stored for somebody who may not.
        await info.context.read(lambda tx: require_dataset(tx, dataset, Permission.WRITE))
        info.context.reads.close()  # a long upload must not hold a snapshot
        blobs = _store_all(backend, input.files, paths)

        def attach_all(tx: Tx) -> Outcome:
            require_dataset(tx, dataset, Permission.WRITE)
            new = [
                _new_item(given, path, binary)
                for given, path, binary in zip(input.files, paths, attach(tx, blobs), strict=True)
            ]
            return add_items(
                tx,
                dataset,
                new,
                mode=input.mode,
                operation=Operation.UPLOAD,
                argument="files",
                expected_version=input.expected_version,
                message=message,
            )

        def give_up() -> None:
            abandon(backend.database, backend.vault, blobs)

        stored = [(path, blob.sha256) for path, blob in zip(paths, blobs, strict=True)]
        try:
            done = await write_once(info, input, OUTCOME, attach_all, files=stored, unused=give_up)
        except BaseException:
            with set_aside():
                give_up()
            raise
        return items_added(UploadItemsSuccess, dataset, done)


def _paths(input: UploadItemsInput) -> list[str]:
    directory = clean_directory(input.directory, ("directory",))
    paths = []
    for at, given in enumerate(input.files):
        where = ("files", at, "path")
        name = given.path if given.path is not None else given.file.filename or ""
        paths.append(under(directory, clean_path(name, where), where))
    return paths


def _store_all(backend: Backend, files: list[UploadItem], paths: list[str]) -> list[StoredBlob]:
    """All of them or none."""
    blobs: list[StoredBlob] = []
    try:
        for at, (given, path) in enumerate(zip(files, paths, strict=True)):
            try:
                blobs.append(_store(backend, given, path))
            except LimitExceeded as refusal:
                raise LimitExceeded(refusal.message, path=("files", at, "file")) from None
    except BaseException:
        abandon(backend.database, backend.vault, blobs)
        raise
    return blobs


def _store(backend: Backend, given: UploadItem, path: str) -> StoredBlob:
    given.file.file.seek(0)
    return store(
        backend.database,
        backend.vault,
        _chunks(given.file.file),
        name=name_of(path),
        max_bytes=backend.settings.max_upload_bytes,
        lease=timedelta(hours=backend.settings.upload_lease_hours),
    )


def _chunks(file: BinaryIO) -> Iterator[bytes]:
    while chunk := file.read(CHUNK):
        yield chunk


def _new_item(given: UploadItem, path: str, binary: int) -> NewItem:
    return NewItem(
        path=path,
        binary=binary,
        metadata=given.metadata,
        description=given.description,
        annotations=tuple(map(added, given.annotations or ())),
    )
