"""The lock that makes a dataset read-only."""

from __future__ import annotations

from datetime import datetime

import strawberry

from gql_service.api.context import Info
from gql_service.api.described import resolver
from gql_service.api.types.user import User, load_user
from gql_service.catalog.dataset import DatasetRecord


@strawberry.type(
    description="While it is there, every change of the dataset is refused (DATASET_LOCKED). It "
    "can be read, cloned and merged from, and its versions tagged."
)
class DatasetLock:
    by: strawberry.Private[int]
    reason: str | None = strawberry.field(description="Why, as its creator said.")
    created_at: datetime = strawberry.field(description="When the dataset was locked.")

    @staticmethod
    def of(record: DatasetRecord) -> DatasetLock | None:
        """The dataset's lock, None when it has none."""
        if record.locked_at is None or record.locked_by is None:
            return None
        return DatasetLock(
            by=record.locked_by, reason=record.lock_reason, created_at=record.locked_at
        )

    @resolver(description="Who locked it.")
    async def creator(self, info: Info) -> User:
        return await load_user(info, self.by)
