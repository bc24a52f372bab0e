"""Pages of the versions of a dataset."""

from __future__ import annotations

import strawberry

import gql_service.api.types.version as versions
from gql_service.api.arguments import PageArguments
from gql_service.api.connections import Connection, window
from gql_service.api.context import Info
from gql_service.api.inputs.version_filters import VersionWhere, version_filter
from gql_service.api.point import Point
from gql_service.api.types.lazy import LazyVersion
from gql_service.catalog.keyset import Slice
from gql_service.catalog.version import version_record
from gql_service.database.engine import Tx
from gql_service.versions.version_list import count_versions, page_of_versions


@strawberry.type(description="A page of versions, newest first.")
class VersionConnection(Connection[LazyVersion]):
    pass


async def version_connection(
    info: Info,
    point: Point,
    where: VersionWhere | None,
    page: PageArguments,
    *,
    sources: bool,
) -> VersionConnection:
    """A page of the versions up to the one being read, perhaps with those it comes from.

    A cursor carries the number and the dataset of its version.
    """
    filter = version_filter(where)
    asked = window(("versions", point.dataset, sources, filter), *page)
    after = None if asked.anchor is None else (asked.anchor, asked.version or 0)

    def read(tx: Tx) -> Slice:
        return page_of_versions(
            tx,
            *point.pair,
            filter,
            sources=sources,
            after=after,
            limit=asked.limit,
            backwards=asked.backwards,
        )

    found = await info.context.read(read)
    records = [version_record(row) for row in found.rows]
    return VersionConnection(
        rows=[versions.Version.of(record) for record in records],
        cursors=[asked.cursor(record.dataset, record.number) for record in records],
        has_next=found.has_next,
        has_previous=found.has_previous,
        count=lambda: info.context.read(
            lambda tx: count_versions(tx, *point.pair, filter, sources=sources)
        ),
    )
