"""Projects and their members."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

import strawberry

import gql_service.api.types.dataset_list as datasets
import gql_service.api.types.recipe_list as recipes
from gql_service.api.arguments import DatasetOrderBy, DatasetsWhere
from gql_service.api.connections import After, Before, Connection, First, Last, window
from gql_service.api.context import Info
from gql_service.api.described import resolver
from gql_service.api.ids import ProjectId
from gql_service.api.inputs.filters import string_filter
from gql_service.api.inputs.orders import ProjectOrder, order_of
from gql_service.api.inputs.selectors import ProjectWhere
from gql_service.api.types.enums import Permission, Role
from gql_service.api.types.lazy import LazyDataset, LazyRecipe
from gql_service.api.types.node import Node
from gql_service.api.types.user import User, load_user
from gql_service.catalog.dataset_list import DatasetScope
from gql_service.catalog.filter_limits import check
from gql_service.catalog.filters import DatasetFilter
from gql_service.catalog.member import members_of
from gql_service.catalog.project import (
    ProjectRecord,
    permissions_in,
    projects_by_id,
    roles_of_actor,
)
from gql_service.catalog.project_list import count_listed_projects, list_projects
from gql_service.database.engine import Tx


@strawberry.type(description="A user in a project, with a role.")
class Member:
    key: strawberry.Private[int]
    role: Role = strawberry.field(description="What they may do in the project.")

    @resolver(description="Who it is.")
    async def user(self, info: Info) -> User:
        return await load_user(info, self.key)


@strawberry.type(
    description="Owns datasets, recipes and members. Nobody but its members can see it."
)
class Project(Node):
    record: strawberry.Private[ProjectRecord]
    name: str = strawberry.field(description="Its name, unique in the service.")
    created_at: datetime = strawberry.field(description="When it was created.")

    @staticmethod
    def of(record: ProjectRecord) -> Project:
        return Project(
            id=strawberry.ID(str(ProjectId(record.id))),
            record=record,
            name=record.name,
            created_at=record.created_at,
        )

    @resolver(description="Who created it.")
    async def creator(self, info: Info) -> User:
        return await load_user(info, self.record.creator)

    @resolver(description="Everybody who can see it, in the order of their ids.")
    async def members(self, info: Info) -> list[Member]:
        found = await info.context.load(members_of, self.record.id)
        return [Member(key=member.user, role=member.role) for member in found or ()]

    @resolver(description="What the viewer may do in it, with this token.")
    async def viewer_can(self, info: Info) -> list[Permission]:
        allowed = await info.context.load(permissions_in, self.record.id) or ()
        return [permission for permission in Permission if permission in allowed]

    @resolver(description="Its datasets, by name unless ordered otherwise.")
    async def datasets(
        self,
        info: Info,
        where: DatasetsWhere = None,
        order_by: DatasetOrderBy = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection[LazyDataset]:
        page = (first, after, last, before)
        return await datasets.dataset_connection(
            info, DatasetScope.PROJECT, self.record.id, where, order_by, page
        )

    @resolver(description="Its recipes at their newest revisions, oldest recipe first.")
    async def recipes(
        self,
        info: Info,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection[LazyRecipe]:
        return await recipes.recipe_connection(info, self.record.id, (first, after, last, before))


async def load_project(info: Info, project: int) -> Project | None:
    """The project, None when it is not the viewer's to read."""
    record = await info.context.load(readable_projects_by_id, project)
    return None if record is None else Project.of(record)


def readable_projects_by_id(tx: Tx, ids: Collection[int]) -> dict[int, ProjectRecord]:
    """Those of `ids` that the actor may read."""
    return projects_by_id(tx, roles_of_actor(tx, ids).keys())


async def project_connection(
    info: Info,
    where: ProjectWhere | None,
    order_by: list[ProjectOrder] | None,
    page: tuple[int | None, str | None, int | None, str | None],
) -> Connection[Project]:
    """A page of the viewer's projects."""
    name = string_filter(where.name) if where else None
    check(DatasetFilter(name=name), ("where",))
    order = order_of(order_by)
    asked = window(("projects", name, order), *page)
    found = await info.context.read(
        lambda tx: list_projects(
            tx, name, order, after=asked.anchor, limit=asked.limit, backwards=asked.backwards
        )
    )
    return Connection(
        rows=[Project.of(record) for record in found.projects],
        cursors=[asked.cursor(record.id) for record in found.projects],
        has_next=found.has_next,
        has_previous=found.has_previous,
        count=lambda: info.context.read(lambda tx: count_listed_projects(tx, name)),
    )
