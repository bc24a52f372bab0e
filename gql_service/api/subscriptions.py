"""What can be watched. Each field answers with a source; its events are made one by one."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from typing import Annotated, Any, TypeVar, cast

import strawberry

from gql_service.api.arguments import ItemsWhere
from gql_service.api.context import Info
from gql_service.api.ids import DatasetId, JobId, parse_as
from gql_service.api.inputs.filters import item_filter
from gql_service.api.live.source import DatasetSource, JobSource
from gql_service.api.types.job import Job
from gql_service.api.types.watch import DatasetEvent
from gql_service.catalog.dataset import datasets_by_id
from gql_service.errors import Invalid, NotFound

F = TypeVar("F", bound=Callable[..., Any])


def _subscription(*, description: str) -> Callable[[F], F]:
    decorated: Callable[[F], F] = strawberry.subscription(description=description)
    return decorated


@strawberry.type(
    description="What can be watched, over graphql-transport-ws or as server-sent events. What is "
    "not there, or not yours (any more), ends a subscription with an error of the code NOT_FOUND."
)
class Subscription:
    @_subscription(
        description="A job: its present state first, then each change, until it has finished."
    )
    def job(
        self,
        id: Annotated[strawberry.ID, strawberry.argument(description="Which job.")],
    ) -> AsyncGenerator[Job | None, None]:
        source = JobSource(parse_as(JobId, id, ("id",)).key)
        return cast(AsyncGenerator[Job | None, None], source)

    @_subscription(
        description="The versions of a dataset, in their order, each told exactly once: the items "
        "that entered the filter, changed inside it or left it. A version that touches none is "
        "told as well, without items. A subscription that falls far behind, or begins there, is "
        "told several versions at once, as one step; so is one that meets versions that have "
        "expired. When the version that it has come to has expired, `items` and `counts` end it "
        "with ERASED: read the dataset anew, and subscribe behind that."
    )
    async def dataset_changed(
        self,
        info: Info,
        dataset_id: Annotated[strawberry.ID, strawberry.argument(description="Which dataset.")],
        where: ItemsWhere = None,
        since_version: Annotated[
            int | None,
            strawberry.argument(
                description="The version that is known already, 0 for none: what came behind it is "
                "told first. By default the head, so that only what is still to come is told."
            ),
        ] = None,
    ) -> AsyncGenerator[DatasetEvent | None, None]:
        key = parse_as(DatasetId, dataset_id, ("datasetId",)).key
        filter = item_filter(where)
        record = (await info.context.read(lambda tx: datasets_by_id(tx, [key]))).get(key)
        if record is None:
            raise NotFound("There is no such dataset", path=("datasetId",))
        since = record.head if since_version is None else since_version
        if not 0 <= since <= record.head:
            raise Invalid(
                f"The dataset has versions 1 to {record.head}; 0 stands for none of them",
                path=("sinceVersion",),
            )
        lag = info.context.backend.settings.max_watch_lag
        source = DatasetSource(key, since, filter, lag)
        return cast(AsyncGenerator[DatasetEvent | None, None], source)
