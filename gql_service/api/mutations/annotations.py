"""Annotations: add, change, remove, many at once; each call is one version."""

from __future__ import annotations

import asyncio
from typing import Annotated

import strawberry

import gql_service.api.types.annotation as annotation_types
from gql_service.api.context import Info
from gql_service.api.described import mutation, resolver
from gql_service.api.ids import annotation_of, item_of
from gql_service.api.inputs.items import (
    AddAnnotationsInput,
    DeleteAnnotationsInput,
    UpdateAnnotation,
    UpdateAnnotationsInput,
    added,
)
from gql_service.api.inputs.selectors import MOST_SELECTED, dataset_key, message_of
from gql_service.api.mutations.answers import INPUT, DatasetChange
from gql_service.api.once import OUTCOME, write_once
from gql_service.api.point import Point
from gql_service.api.types.dataset import load_head
from gql_service.api.types.enums import Permission
from gql_service.api.types.errors import (
    ConflictError,
    ForbiddenError,
    NotFoundError,
    ValidationError,
)
from gql_service.api.types.lazy import LazyAnnotation
from gql_service.catalog.dataset import require_dataset
from gql_service.database.engine import Tx
from gql_service.errors import Invalid, LimitExceeded
from gql_service.versions.annotations import (
    AnnotationPatch,
    add_annotations,
    delete_annotations,
    update_annotations,
)
from gql_service.versions.given import GIVEN_NOTHING, Outcome


@strawberry.interface(description="Annotations were added or changed, as one version.")
class AnnotationsChange(DatasetChange):
    keys: strawberry.Private[tuple[int, ...]]

    @resolver(description="The annotations in the order in which they were given, as they are now.")
    async def annotations(self, info: Info) -> list[LazyAnnotation]:
        record = (await load_head(info, self.key)).record
        point = Point(self.key, info.context.head(record), fixed=False)
        places = [(*point.pair, key) for key in self.keys]
        rows = await asyncio.gather(
            *(info.context.load(annotation_types.annotations_by_place, place) for place in places)
        )
        return [annotation_types.Annotation.of(row, point) for row in rows if row is not None]


@strawberry.type(description="The annotations were added.")
class AddAnnotationsSuccess(AnnotationsChange):
    pass


@strawberry.type(description="The annotations are as asked for.")
class UpdateAnnotationsSuccess(AnnotationsChange):
    updated: int = strawberry.field(description="How many annotations changed.")


@strawberry.type(description="The annotations are gone from the head; history keeps them.")
class DeleteAnnotationsSuccess(DatasetChange):
    deleted: int = strawberry.field(description="How many annotations were removed.")


AddAnnotationsResult = Annotated[
    AddAnnotationsSuccess | ValidationError | NotFoundError | ForbiddenError | ConflictError,
    strawberry.union("AddAnnotationsResult", description="The change, or why there is none."),
]
UpdateAnnotationsResult = Annotated[
    UpdateAnnotationsSuccess | ValidationError | NotFoundError | ForbiddenError | ConflictError,
    strawberry.union("UpdateAnnotationsResult", description="The change, or why there is none."),
]
DeleteAnnotationsResult = Annotated[
    DeleteAnnotationsSuccess | ValidationError | NotFoundError | ForbiddenError | ConflictError,
    strawberry.union("DeleteAnnotationsResult", description="The change, or why there is none."),
]


@strawberry.type
class AnnotationMutations:
    @mutation(
        description="Puts labels on items, many at once. For annotators and up. Fails with "
        "LABEL_UNKNOWN, NOT_FOUND (an item), VERSION_MOVED and DATASET_LOCKED."
    )
    async def add_annotations(
        self, info: Info, input: Annotated[AddAnnotationsInput, INPUT]
    ) -> AddAnnotationsResult:
        dataset = dataset_key(input.dataset_id)
        message = message_of(input.message)
        _refuse_too_many(len(input.annotations), "annotations")
        new = [
            (item_of(dataset, given.item_id, ("annotations", at, "itemId")), added(given))
            for at, given in enumerate(input.annotations)
        ]

        def add(tx: Tx) -> Outcome:
            require_dataset(tx, dataset, Permission.ANNOTATE)
            return add_annotations(
                tx, dataset, new, expected_version=input.expected_version, message=message
            )

        done = await write_once(info, input, OUTCOME, add)
        return AddAnnotationsSuccess(key=dataset, made=done.version, keys=done.keys)

    @mutation(
        description="Changes annotations, many at once. For annotators and up. Fails with "
        "LABEL_UNKNOWN, NOT_FOUND (an annotation), VERSION_MOVED and DATASET_LOCKED."
    )
    async def update_annotations(
        self, info: Info, input: Annotated[UpdateAnnotationsInput, INPUT]
    ) -> UpdateAnnotationsResult:
        dataset = dataset_key(input.dataset_id)
        message = message_of(input.message)
        _refuse_too_many(len(input.annotations), "annotations")
        patches = [_patch(dataset, given, at) for at, given in enumerate(input.annotations)]

        def update(tx: Tx) -> Outcome:
            require_dataset(tx, dataset, Permission.ANNOTATE)
            return update_annotations(
                tx, dataset, patches, expected_version=input.expected_version, message=message
            )

        done = await write_once(info, input, OUTCOME, update)
        return UpdateAnnotationsSuccess(
            key=dataset, made=done.version, keys=done.keys, updated=done.updated
        )

    @mutation(
        description="Removes annotations; history keeps them. For annotators and up. Fails with "
        "NOT_FOUND (an annotation), VERSION_MOVED and DATASET_LOCKED."
    )
    async def delete_annotations(
        self, info: Info, input: Annotated[DeleteAnnotationsInput, INPUT]
    ) -> DeleteAnnotationsResult:
        dataset = dataset_key(input.dataset_id)
        message = message_of(input.message)
        _refuse_too_many(len(input.ids), "ids")
        keys = [annotation_of(dataset, id, ("ids", at)) for at, id in enumerate(input.ids)]

        def delete(tx: Tx) -> Outcome:
            require_dataset(tx, dataset, Permission.ANNOTATE)
            return delete_annotations(
                tx, dataset, keys, expected_version=input.expected_version, message=message
            )

        done = await write_once(info, input, OUTCOME, delete)
        return DeleteAnnotationsSuccess(key=dataset, made=done.version, deleted=done.removed)


def _patch(dataset: int, given: UpdateAnnotation, at: int) -> AnnotationPatch:
    if given.clear_status and given.status is not None:
        raise Invalid(
            "Give status or clearStatus, not both", path=("annotations", at, "clearStatus")
        )
    status = given.status if given.status is not None or given.clear_status else GIVEN_NOTHING
    return AnnotationPatch(
        key=annotation_of(dataset, given.id, ("annotations", at, "id")),
        label=GIVEN_NOTHING if given.label is None else given.label,
        coordinates=GIVEN_NOTHING if given.coordinates is None else given.coordinates,
        attributes=GIVEN_NOTHING if given.attributes is None else given.attributes,
        metadata=GIVEN_NOTHING if given.metadata is None else given.metadata,
        status=status,
    )


def _refuse_too_many(number: int, argument: str) -> None:
    if number > MOST_SELECTED:
        raise LimitExceeded(f"At most {MOST_SELECTED:,} can be given", path=(argument,))
