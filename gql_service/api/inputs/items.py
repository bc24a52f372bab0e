"""What the mutations of items and annotations are given."""

from __future__ import annotations

from typing import Any

import strawberry

from gql_service.api.inputs.operators import operator
from gql_service.api.inputs.selectors import (
    EXPECTED_VERSION,
    IDEMPOTENCY_KEY,
    MESSAGE,
    ItemSelection,
)
from gql_service.api.scalars import JSON, Upload
from gql_service.api.types.enums import AnnotationStatus, AnnotationType, UploadMode
from gql_service.versions.annotations import NewAnnotation as Added

_DATASET = "The dataset."
_METADATA = "User metadata, an object of at most 64 KiB and 32 levels."
_DESCRIPTION = "A description for people: up to 10,000 characters."
_LABEL = "The dotted full name of a label of the recipe."
_COORDINATES = "Where it lies, in the shape that its type has; left out for a classification."
_ATTRIBUTES = "An object of what it says beside its label, by keys of attributes."
_STATUS = "What a reviewer says."
_MODE = "What is done with a path that the dataset has already."


@strawberry.input(description="A label to put on an item.")
class NewAnnotation:
    type: AnnotationType = strawberry.field(description="What kind of mark it is.")
    label: str = strawberry.field(description=_LABEL)
    coordinates: JSON | None = operator(_COORDINATES)
    attributes: JSON | None = operator(_ATTRIBUTES)
    metadata: JSON | None = operator(_METADATA)
    status: AnnotationStatus | None = operator(_STATUS)


@strawberry.input(description="A file to upload.")
class UploadItem:
    file: Upload = strawberry.field(description="Its bytes.")
    path: str | None = operator(
        "Its path under `directory`; by default the name that the part of the request has."
    )
    metadata: JSON | None = operator(_METADATA)
    description: str | None = operator(_DESCRIPTION)
    annotations: list[NewAnnotation] | None = operator("Labels to put on it.")


@strawberry.input(description="Files to upload, as one version.")
class UploadItemsInput:
    dataset_id: strawberry.ID = strawberry.field(description=_DATASET)
    directory: str = strawberry.field(
        default="/", description="The directory that the files land under."
    )
    mode: UploadMode = strawberry.field(default=UploadMode.SKIP, description=_MODE)
    files: list[UploadItem] = strawberry.field(
        description="The files; how many and how large they may be is a setting of the service."
    )
    message: str | None = operator(MESSAGE)
    expected_version: int | None = operator(EXPECTED_VERSION)
    idempotency_key: str | None = operator(IDEMPOTENCY_KEY)


@strawberry.input(
    description="An item over bytes that are stored already: exactly one of `sha256` and "
    "`uploadId`."
)
class AddItem:
    sha256: str | None = operator(
        "The SHA-256 of bytes that a dataset which the viewer may read holds or has held: 64 "
        "hexadecimal digits in small letters."
    )
    upload_id: strawberry.ID | None = operator(
        "A complete upload of the viewer's, made at /uploads. The upload ends with this: what else "
        "is to have the same bytes names their SHA-256, or the same upload in the same call."
    )
    path: str = strawberry.field(description="Its path, such as /dir/name.ext.")
    metadata: JSON | None = operator(_METADATA)
    description: str | None = operator(_DESCRIPTION)
    annotations: list[NewAnnotation] | None = operator("Labels to put on it.")


@strawberry.input(description="Items to add over stored bytes, as one version.")
class AddItemsInput:
    dataset_id: strawberry.ID = strawberry.field(description=_DATASET)
    mode: UploadMode = strawberry.field(default=UploadMode.SKIP, description=_MODE)
    items: list[AddItem] = strawberry.field(description="The items, at most 10,000.")
    message: str | None = operator(MESSAGE)
    expected_version: int | None = operator(EXPECTED_VERSION)
    idempotency_key: str | None = operator(IDEMPOTENCY_KEY)


@strawberry.input(description="What to change of every selected item; what is not given stays.")
class UpdateItemsInput:
    dataset_id: strawberry.ID = strawberry.field(description=_DATASET)
    selection: ItemSelection = strawberry.field(description="Which items.")
    metadata: JSON | None = operator(
        "A JSON merge patch (RFC 7396) of user metadata: objects merge key by key, null inside "
        "removes a key."
    )
    description: str | None = operator(f"{_DESCRIPTION} An empty text removes it.")
    hidden: bool | None = operator("Whether they are to be left out of sight.")
    message: str | None = operator(MESSAGE)
    expected_version: int | None = operator(EXPECTED_VERSION)
    idempotency_key: str | None = operator(IDEMPOTENCY_KEY)


@strawberry.input(
    description="Items to move into a directory, or one item to a new path: exactly one of "
    "`directory` and `path`."
)
class MoveItemsInput:
    dataset_id: strawberry.ID = strawberry.field(description=_DATASET)
    selection: ItemSelection = strawberry.field(description="Which items.")
    directory: str | None = operator("The directory; the items keep their names.")
    path: str | None = operator("The new path of the only selected item.")
    message: str | None = operator(MESSAGE)
    expected_version: int | None = operator(EXPECTED_VERSION)
    idempotency_key: str | None = operator(IDEMPOTENCY_KEY)


@strawberry.input(description="Items to remove, with their annotations.")
class DeleteItemsInput:
    dataset_id: strawberry.ID = strawberry.field(description=_DATASET)
    selection: ItemSelection = strawberry.field(description="Which items.")
    message: str | None = operator(MESSAGE)
    expected_version: int | None = operator(EXPECTED_VERSION)
    idempotency_key: str | None = operator(IDEMPOTENCY_KEY)


@strawberry.input(description="A label to put on an item of the dataset.")
class AddAnnotation:
    item_id: strawberry.ID = strawberry.field(description="The item.")
    type: AnnotationType = strawberry.field(description="What kind of mark it is.")
    label: str = strawberry.field(description=_LABEL)
    coordinates: JSON | None = operator(_COORDINATES)
    attributes: JSON | None = operator(_ATTRIBUTES)
    metadata: JSON | None = operator(_METADATA)
    status: AnnotationStatus | None = operator(_STATUS)


@strawberry.input(description="Labels to put on items, as one version.")
class AddAnnotationsInput:
    dataset_id: strawberry.ID = strawberry.field(description=_DATASET)
    annotations: list[AddAnnotation] = strawberry.field(
        description="The annotations, at most 10,000."
    )
    message: str | None = operator(MESSAGE)
    expected_version: int | None = operator(EXPECTED_VERSION)
    idempotency_key: str | None = operator(IDEMPOTENCY_KEY)


@strawberry.input(description="What to change of an annotation; what is not given stays.")
class UpdateAnnotation:
    id: strawberry.ID = strawberry.field(description="The annotation.")
    label: str | None = operator(_LABEL)
    coordinates: JSON | None = operator(_COORDINATES)
    attributes: JSON | None = operator(f"{_ATTRIBUTES} It takes the place of the old one.")
    metadata: JSON | None = operator(f"{_METADATA} It takes the place of the old one.")
    status: AnnotationStatus | None = operator(_STATUS)
    clear_status: bool = strawberry.field(
        default=False, description="Whether it is to have no status; not together with `status`."
    )


@strawberry.input(description="Annotations to change, as one version.")
class UpdateAnnotationsInput:
    dataset_id: strawberry.ID = strawberry.field(description=_DATASET)
    annotations: list[UpdateAnnotation] = strawberry.field(
        description="The changes, at most 10,000, each of another annotation."
    )
    message: str | None = operator(MESSAGE)
    expected_version: int | None = operator(EXPECTED_VERSION)
    idempotency_key: str | None = operator(IDEMPOTENCY_KEY)


@strawberry.input(description="Annotations to remove, as one version.")
class DeleteAnnotationsInput:
    dataset_id: strawberry.ID = strawberry.field(description=_DATASET)
    ids: list[strawberry.ID] = strawberry.field(description="The annotations, at most 10,000.")
    message: str | None = operator(MESSAGE)
    expected_version: int | None = operator(EXPECTED_VERSION)
    idempotency_key: str | None = operator(IDEMPOTENCY_KEY)


def added(given: NewAnnotation | AddAnnotation) -> Added:
    """The annotation that is meant; JSON values are not yet checked."""
    attributes: Any = {} if given.attributes is None else given.attributes
    metadata: Any = {} if given.metadata is None else given.metadata
    return Added(
        type=given.type,
        label=given.label,
        coordinates=given.coordinates,
        attributes=attributes,
        metadata=metadata,
        status=given.status,
    )
