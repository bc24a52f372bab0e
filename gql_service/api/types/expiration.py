"""The expiration of a dataset, by which its old items go."""

from __future__ import annotations

import strawberry

from gql_service.api.context import Info
from gql_service.api.described import resolver
from gql_service.api.types.user import User, load_user
from gql_service.catalog.dataset import DatasetRecord


@strawberry.type(
    description="While it is there, each sweep removes the items that are older, with their "
    "annotations, as one version (EXPIRE). Older versions still show them; while the dataset is "
    "locked, none go."
)
class DatasetExpiration:
    by: strawberry.Private[int]
    item_max_days: int = strawberry.field(
        description="How many days after it was created an item is removed. Neither changes of an "
        "item nor clones and merges make it younger, and restoreItems does not either."
    )

    @staticmethod
    def of(record: DatasetRecord) -> DatasetExpiration | None:
        """The dataset's expiration, None when its items stay."""
        if record.item_max_days is None or record.expiration_by is None:
            return None
        return DatasetExpiration(by=record.expiration_by, item_max_days=record.item_max_days)

    @resolver(description="Who set it last: the author of the versions that it makes.")
    async def creator(self, info: Info) -> User:
        return await load_user(info, self.by)
