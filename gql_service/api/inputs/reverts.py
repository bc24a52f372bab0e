"""What reverts and restores are given."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import strawberry

from gql_service.api.inputs.operators import operator
from gql_service.api.inputs.selectors import (
    EXPECTED_VERSION,
    IDEMPOTENCY_KEY,
    MESSAGE,
    ItemSelection,
    VersionRef,
    asked_version,
    dataset_key,
    message_of,
    selection_of,
    spelt,
)
from gql_service.api.types.enums import Permission
from gql_service.catalog.dataset import require_dataset
from gql_service.database.engine import Tx
from gql_service.versions.revert import RevertRequest
from gql_service.versions.selection import Selection

_DATASET = "The dataset."


@strawberry.input(description="A dataset, or items of it, to make what they were.")
class RevertDatasetInput:
    dataset_id: strawberry.ID = strawberry.field(description=_DATASET)
    to: VersionRef = strawberry.field(description="The version to go back to.")
    selection: ItemSelection | None = operator(
        "Which items; left out, the whole dataset with its recipe. An item matches as it was at "
        "that version, and one that was not there as it is now."
    )
    message: str | None = operator(MESSAGE)
    expected_version: int | None = operator(EXPECTED_VERSION)
    idempotency_key: str | None = operator(IDEMPOTENCY_KEY)


@strawberry.input(description="Removed items to bring back.")
class RestoreItemsInput:
    dataset_id: strawberry.ID = strawberry.field(description=_DATASET)
    from_: VersionRef = strawberry.field(
        name="from", description="A version that shows them: they come back as they were there."
    )
    ids: list[strawberry.ID] = strawberry.field(
        description="The items, at most 10,000; CONFLICT when one is there, NOT_FOUND when the "
        "version has no such item."
    )
    message: str | None = operator(MESSAGE)
    expected_version: int | None = operator(EXPECTED_VERSION)
    idempotency_key: str | None = operator(IDEMPOTENCY_KEY)


@dataclass(frozen=True, slots=True)
class Reverting:
    """A revert as it was asked for; the version is known in the transaction only."""

    dataset: int
    to: VersionRef
    selection: Selection | None
    expected_version: int | None
    message: str | None

    @staticmethod
    def of(input: RevertDatasetInput) -> Reverting:
        """Raises Invalid and LimitExceeded."""
        dataset = dataset_key(input.dataset_id)
        return Reverting(
            dataset,
            input.to,
            selection_of(dataset, input.selection, ("selection",)),
            input.expected_version,
            message_of(input.message),
        )

    def request(self, tx: Tx) -> RevertRequest:
        """Raises NotFound and Forbidden, unless the actor may do it."""
        record = require_dataset(tx, self.dataset, Permission.WRITE)
        with spelt("at", "to"):
            version = asked_version(tx, record, self.to)
        assert version is not None, "a version that was named"
        return RevertRequest(
            self.dataset, version, self.selection, self.expected_version, self.message
        )

    @contextmanager
    def spelt(self) -> Iterator[None]:
        """Refusals name the ids as the caller gave them."""
        with spelt("ids", "selection", "ids"):
            yield
