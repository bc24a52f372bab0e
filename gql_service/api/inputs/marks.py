"""What the mutations of tags and locks are given."""

from __future__ import annotations

import strawberry

from gql_service.api.inputs.operators import operator
from gql_service.api.inputs.selectors import IDEMPOTENCY_KEY, VersionRef

_DATASET = "The dataset."
_WHY = "Why: up to 1,000 characters."


@strawberry.input(description="A version, and a name to give it for ever.")
class TagVersionInput:
    dataset_id: strawberry.ID = strawberry.field(
        description="The dataset; an id with a version means that version."
    )
    at: VersionRef | None = operator("The version; by default the head.")
    name: str = strawberry.field(
        description="Unique among the tags of the dataset: 1 to 200 characters on one line."
    )
    golden: bool = strawberry.field(
        default=False,
        description="Whether the tag also protects: while it is there, the dataset is not purged "
        "after its deletion and can be restored, and its bytes stay.",
    )
    message: str | None = operator(_WHY)
    idempotency_key: str | None = operator(IDEMPOTENCY_KEY)


@strawberry.input(description="A tag to delete; its version stays.")
class DeleteTagInput:
    dataset_id: strawberry.ID = strawberry.field(description="The dataset, also a deleted one.")
    name: str = strawberry.field(description="The name of the tag.")
    idempotency_key: str | None = operator(IDEMPOTENCY_KEY)


@strawberry.input(description="A dataset to make read-only.")
class LockDatasetInput:
    dataset_id: strawberry.ID = strawberry.field(description=_DATASET)
    reason: str | None = operator(f"{_WHY[:-1]}, told to everybody who is refused.")
    idempotency_key: str | None = operator(IDEMPOTENCY_KEY)


@strawberry.input(description="A locked dataset that may be changed again.")
class UnlockDatasetInput:
    dataset_id: strawberry.ID = strawberry.field(description=_DATASET)
    idempotency_key: str | None = operator(IDEMPOTENCY_KEY)
