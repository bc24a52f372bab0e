"""How much a version changed, or differs from another."""

from __future__ import annotations

import strawberry

from gql_service.catalog.version import VersionRecord
from gql_service.versions.diff import Counts
from gql_service.versions.revert import RevertReport

COMPLETE = (
    "Whether nothing is missing. A history says false where versions have expired: what these did, "
    "and the first version after them, is not told."
)


@strawberry.type(
    description="What a version changed. A first version adds all that it shows, however it came "
    "to show it."
)
class ChangeCounts:
    items_added: int = strawberry.field(description="Items that it added.")
    items_modified: int = strawberry.field(
        description="Items whose path, file, metadata, description or visibility it changed."
    )
    items_removed: int = strawberry.field(description="Items that it removed.")
    annotations_added: int = strawberry.field(description="Annotations that it added.")
    annotations_modified: int = strawberry.field(description="Annotations that it changed.")
    annotations_removed: int = strawberry.field(
        description="Annotations that it removed, those of removed items included."
    )

    @staticmethod
    def of(counted: VersionRecord | Counts | RevertReport) -> ChangeCounts:
        return ChangeCounts(
            items_added=counted.items_added,
            items_modified=counted.items_modified,
            items_removed=counted.items_removed,
            annotations_added=counted.annotations_added,
            annotations_modified=counted.annotations_modified,
            annotations_removed=counted.annotations_removed,
        )
