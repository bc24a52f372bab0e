"""The retention of a dataset, by which its old versions expire."""

from __future__ import annotations

import strawberry

from gql_service.api.context import Info
from gql_service.api.described import resolver
from gql_service.api.types.user import User, load_user
from gql_service.catalog.dataset import DatasetRecord


@strawberry.type(
    description="While it is there, each sweep lets those versions expire that fall out of all "
    "that it keeps. They stay listed, but what they showed cannot be read any more, and what only "
    "they showed is deleted. The head and versions with tags are kept, and all versions while the "
    "dataset is locked."
)
class DatasetRetention:
    by: strawberry.Private[int]
    keep_versions: int | None = strawberry.field(
        description="The newest so many versions are kept, the head included."
    )
    keep_days: int | None = strawberry.field(
        description="Versions that were the head at any time in the last so many days are kept."
    )

    @staticmethod
    def of(record: DatasetRecord) -> DatasetRetention | None:
        """The dataset's retention, None when it keeps all versions."""
        if record.retention_by is None:
            return None
        return DatasetRetention(
            by=record.retention_by, keep_versions=record.keep_versions, keep_days=record.keep_days
        )

    @resolver(description="Who set it last.")
    async def creator(self, info: Info) -> User:
        return await load_user(info, self.by)
