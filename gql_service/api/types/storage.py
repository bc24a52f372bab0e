"""How many bytes a dataset holds."""

from __future__ import annotations

import strawberry

from gql_service.api.scalars import BigInt
from gql_service.catalog.storage import Storage


@strawberry.type(
    description="The bytes of the files of a dataset at the version being read; a file counts "
    "once, however many items show it."
)
class DatasetStorage:
    total_bytes: BigInt = strawberry.field(description="Of all its files.")
    unique_bytes: BigInt = strawberry.field(
        description="Of the files that no other dataset holds: those that are not shared."
    )
    shared_bytes: BigInt = strawberry.field(
        description="Of the files that another dataset holds as well: one that the viewer may "
        "read, at its head."
    )

    @staticmethod
    def of(storage: Storage) -> DatasetStorage:
        return DatasetStorage(
            total_bytes=BigInt(storage.total),
            unique_bytes=BigInt(storage.unique),
            shared_bytes=BigInt(storage.shared),
        )
