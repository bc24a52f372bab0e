"""What the mutations of datasets are given, clones and merges included."""

from __future__ import annotations

import strawberry

from gql_service.api.inputs.operators import operator
from gql_service.api.inputs.selectors import (
    EXPECTED_VERSION,
    IDEMPOTENCY_KEY,
    MESSAGE,
    DatasetRef,
    ItemSelection,
    VersionRef,
)
from gql_service.api.types.enums import ConflictPolicy, MergePolicy

_DATASET = "The dataset."
_NAME = "Unique in the project: 1 to 200 characters on one line."
_WITH_ANNOTATIONS = "Whether items come with their annotations."
_WITH_METADATA = "Whether items come with their user metadata; facts of files stay in any case."
_WITH_STATUS = "Whether annotations come with their statuses."


@strawberry.input(description="When items of a dataset go by themselves.")
class DatasetExpirationInput:
    item_max_days: int = strawberry.field(
        description="How many days after it was created an item is removed: 1 to 36,500. 0 lets "
        "items stay, and removes the expiration that is there."
    )


@strawberry.input(
    description="Which versions a dataset keeps. Others expire at the next sweep, when they fall "
    "out of all that is given; the head and versions with tags never do. Without any field all "
    "versions are kept from now on."
)
class DatasetRetentionInput:
    keep_versions: int | None = operator("The newest so many, the head included: 1 to 1,000,000.")
    keep_days: int | None = operator(
        "Those that were the head at any time in the last so many days: 1 to 36,500."
    )


@strawberry.input(description="A dataset to create.")
class CreateDatasetInput:
    project_id: strawberry.ID = strawberry.field(description="The project that it is for.")
    name: str = strawberry.field(description=_NAME)
    recipe_id: strawberry.ID = strawberry.field(
        description="Its recipe, which the viewer can read."
    )
    expiration: DatasetExpirationInput | None = operator(
        "When its items go by themselves; by default never."
    )
    message: str | None = operator(MESSAGE)
    idempotency_key: str | None = operator(IDEMPOTENCY_KEY)


@strawberry.input(description="What to change of a dataset; no version is made.")
class UpdateDatasetInput:
    dataset_id: strawberry.ID = strawberry.field(description=_DATASET)
    name: str | None = operator(f"Its new name. {_NAME}")
    expiration: DatasetExpirationInput | None = operator(
        "When its items go by themselves; by default as before."
    )
    retention: DatasetRetentionInput | None = operator(
        "Which of its versions are kept, instead of what was set before; by default as before. An "
        "empty object keeps all of them."
    )
    idempotency_key: str | None = operator(IDEMPOTENCY_KEY)


@strawberry.input(description="A dataset to delete.")
class DeleteDatasetInput:
    dataset_id: strawberry.ID = strawberry.field(description=_DATASET)
    idempotency_key: str | None = operator(IDEMPOTENCY_KEY)


@strawberry.input(description="A deleted dataset to bring back.")
class RestoreDatasetInput:
    dataset_id: strawberry.ID = strawberry.field(description="The deleted dataset.")
    idempotency_key: str | None = operator(IDEMPOTENCY_KEY)


@strawberry.input(description="A dataset and the recipe to give it.")
class SwitchRecipeInput:
    dataset_id: strawberry.ID = strawberry.field(description=_DATASET)
    recipe_id: strawberry.ID = strawberry.field(
        description="The recipe, which the viewer can read."
    )
    message: str | None = operator(MESSAGE)
    expected_version: int | None = operator(EXPECTED_VERSION)
    idempotency_key: str | None = operator(IDEMPOTENCY_KEY)


@strawberry.input(description="An existing dataset to clone into.")
class CloneDestination:
    dataset_id: strawberry.ID = strawberry.field(
        description="The dataset; its recipe stays, and must equal that of the source."
    )
    directory: str = strawberry.field(
        default="/", description="The directory that items land under."
    )


@strawberry.input(
    description="What to clone, of what and where to: exactly one of `name` and `destination`."
)
class CloneDatasetInput:
    dataset_id: strawberry.ID = strawberry.field(
        description="The source; an id with a version means that version."
    )
    at: VersionRef | None = operator("The version of the source; by default its head.")
    name: str | None = operator(f"Of the new dataset. {_NAME}")
    project_id: strawberry.ID | None = operator(
        "The project of the new dataset; by default that of the source."
    )
    destination: CloneDestination | None = operator("The existing dataset to fill instead.")
    filters: ItemSelection | None = operator(
        "Which items to take, each with all its annotations; by default all."
    )
    with_items_annotations: bool = strawberry.field(default=True, description=_WITH_ANNOTATIONS)
    with_metadata: bool = strawberry.field(default=True, description=_WITH_METADATA)
    with_task_annotations_status: bool = strawberry.field(default=True, description=_WITH_STATUS)
    strip_folders: bool = strawberry.field(
        default=False, description="Whether items lose their directories and keep their names only."
    )
    allow_many: bool = strawberry.field(
        default=False,
        description="Whether an item that the destination holds already is taken once more, as "
        "another item; by default it is left out.",
    )
    message: str | None = operator(MESSAGE)
    expected_version: int | None = operator(
        "Refuse (VERSION_MOVED) unless this is the head of the destination, or of the source when "
        "a new dataset is made."
    )
    idempotency_key: str | None = operator(IDEMPOTENCY_KEY)


@strawberry.input(
    description="What to merge, and how: exactly one of `name` and `into`, and exactly one of "
    "`datasetIds` and `sources`: two or more, or with `into` one or more."
)
class MergeDatasetsInput:
    name: str | None = operator(f"Of the new dataset. {_NAME}")
    into: strawberry.ID | None = operator(
        "The existing dataset to merge into instead, at its head, as one version. It counts as the "
        "first source, is not to be named among the others, and the flags do not apply to it; its "
        "recipe stays, and must equal theirs."
    )
    dataset_ids: list[strawberry.ID] | None = operator(
        "The sources at their heads (an id with a version means that version), in the order in "
        "which they are folded."
    )
    sources: list[DatasetRef] | None = operator(
        "The sources at versions, in the order in which they are folded."
    )
    project_ids: list[strawberry.ID] | None = operator(
        "When given, the project of every source must be among these."
    )
    project_id: strawberry.ID | None = operator(
        "The project of the new dataset; by default that of the first source."
    )
    with_items_annotations: bool = strawberry.field(default=True, description=_WITH_ANNOTATIONS)
    with_metadata: bool = strawberry.field(default=True, description=_WITH_METADATA)
    with_task_annotations_status: bool = strawberry.field(default=True, description=_WITH_STATUS)
    policy: MergePolicy = strawberry.field(
        default=MergePolicy.UNION, description="What counts as a removal."
    )
    on_conflict: ConflictPolicy = strawberry.field(
        default=ConflictPolicy.LAST,
        description="Whose value is taken where two sides changed the same.",
    )
    message: str | None = operator(MESSAGE)
    expected_version: int | None = operator(
        "Refuse (VERSION_MOVED) unless this is the head of `into`; only with `into`. Sources are "
        "pinned by their own versions."
    )
    idempotency_key: str | None = operator(IDEMPOTENCY_KEY)
