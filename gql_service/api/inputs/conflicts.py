"""What `resolveConflicts` is given."""

from __future__ import annotations

import strawberry

from gql_service.api.inputs.operators import operator
from gql_service.api.inputs.selectors import EXPECTED_VERSION, IDEMPOTENCY_KEY, MESSAGE
from gql_service.api.scalars import JSON
from gql_service.api.types.enums import ConflictChoice, ConflictSide


@strawberry.input(description="What to do about one conflict: exactly one of `choose` and `value`.")
class ConflictResolution:
    position: int = strawberry.field(description="The `position` of the conflict.")
    choose: ConflictChoice | None = operator("What to choose.")
    value: JSON | None = operator(
        "Another value: of a path, description, hidden, status or metadata key; of a binary, the "
        "SHA-256 of one of the sides."
    )


@strawberry.input(one_of=True, description="How to decide all conflicts that are open.")
class ConflictResolutionPolicy:
    side: strawberry.Maybe[ConflictSide] = strawberry.field(description="This side of each.")
    user_id: strawberry.Maybe[strawberry.ID] = strawberry.field(
        description="The side that this user changed last; where that is both or neither, the "
        "conflict stays open."
    )
    newest: strawberry.Maybe[bool] = strawberry.field(
        description="True: the side whose item or annotation was changed last; the right one where "
        "both were at once."
    )


@strawberry.input(
    description="Conflicts of a merge to decide: exactly one of `resolutions` and `policy`."
)
class ResolveConflictsInput:
    dataset_id: strawberry.ID = strawberry.field(description="The dataset.")
    version: int | None = operator(
        "The version that the merge made; by default the newest of those."
    )
    resolutions: list[ConflictResolution] | None = operator("Conflict by conflict, at most 10,000.")
    policy: ConflictResolutionPolicy | None = operator("All that are open, by one rule.")
    message: str | None = operator(MESSAGE)
    expected_version: int | None = operator(EXPECTED_VERSION)
    idempotency_key: str | None = operator(IDEMPOTENCY_KEY)
