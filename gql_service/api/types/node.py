"""What has an id."""

from __future__ import annotations

import strawberry


@strawberry.interface(
    description="Anything that can be asked for again by its id, with `node` or `nodes`."
)
class Node:
    id: strawberry.ID = strawberry.field(
        description="Opaque, unique in the service. An id that contains a version always names "
        "the same content."
    )
