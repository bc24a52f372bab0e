"""What the mutations of metadata indexes are given."""

from __future__ import annotations

import strawberry

from gql_service.api.inputs.operators import operator
from gql_service.api.inputs.selectors import IDEMPOTENCY_KEY

_DATASET = "The dataset."


@strawberry.input(description="A path in the metadata of a dataset's items, to be indexed.")
class DeclareMetadataIndexInput:
    dataset_id: strawberry.ID = strawberry.field(description=_DATASET)
    path: list[str] = strawberry.field(
        description="Keys of objects, from the outside in: 1 to 32, without quotation marks, "
        "backslashes and control characters, and none of digits alone."
    )
    idempotency_key: str | None = operator(IDEMPOTENCY_KEY)


@strawberry.input(description="An index that is not needed any more.")
class DropMetadataIndexInput:
    dataset_id: strawberry.ID = strawberry.field(description=_DATASET)
    path: list[str] = strawberry.field(description="The path that was declared.")
    idempotency_key: str | None = operator(IDEMPOTENCY_KEY)
