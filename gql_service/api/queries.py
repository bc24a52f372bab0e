"""What can be asked for."""

from __future__ import annotations

import re
from typing import Annotated

import strawberry

import gql_service.api.nodes as node_reads
import gql_service.api.types.diff as diffs
from gql_service.api.arguments import (
    At,
    DatasetOrderBy,
    DatasetsWhere,
    DiffFrom,
    DiffTo,
    ItemOrderBy,
    ItemsWhere,
)
from gql_service.api.connections import After, Before, Connection, First, Last
from gql_service.api.context import Info
from gql_service.api.described import resolver
from gql_service.api.finding import find_by_id, find_dataset, item_at_path
from gql_service.api.ids import DatasetId, ItemId, JobId, ProjectId, RecipeId, parse, parse_as
from gql_service.api.inputs.item_queries import Dql
from gql_service.api.inputs.orders import ProjectOrder
from gql_service.api.inputs.selectors import (
    DatasetBy,
    ItemBy,
    ProjectBy,
    ProjectWhere,
)
from gql_service.api.plans import PlanQueries
from gql_service.api.types.binary import Binary
from gql_service.api.types.dataset import Dataset
from gql_service.api.types.dataset_list import dataset_connection
from gql_service.api.types.diff import DatasetDiff
from gql_service.api.types.item import Item
from gql_service.api.types.item_list import ItemConnection, item_connection
from gql_service.api.types.job import Job, load_job
from gql_service.api.types.lazy import LazyDataset, LazyRecipe
from gql_service.api.types.node import Node
from gql_service.api.types.project import Project, load_project, project_connection
from gql_service.api.types.recipe import RecipeComparison, comparison
from gql_service.api.types.recipe_list import recipe_connection
from gql_service.api.types.user import Viewer
from gql_service.catalog.dataset_list import DatasetScope
from gql_service.catalog.lineage import items_by_place
from gql_service.catalog.names import clean_name
from gql_service.catalog.project import project_by_name
from gql_service.errors import Invalid, LimitExceeded, ServiceError

MOST_NODES = 500
_SHA256 = re.compile("[0-9a-f]{64}")

Id = Annotated[strawberry.ID, strawberry.argument(description="Its id.")]
DatasetArgument = Annotated[
    strawberry.ID,
    strawberry.argument(description="The dataset; an id with a version means that version."),
]


@strawberry.type(
    description="Null means: not there, or not the viewer's to read. Wrong arguments are errors "
    "with a code and the path of the argument."
)
class Query(PlanQueries):
    @resolver(description="Anything by its id.")
    async def node(self, info: Info, id: Id) -> Node | None:
        return await node_reads.load_node(info, parse(id, ("id",)))

    @resolver(
        description="Many things by their ids, in the same order; null for what is not there or "
        "not the viewer's to read, and null with an error for what is no id."
    )
    async def nodes(
        self,
        info: Info,
        ids: Annotated[
            list[strawberry.ID], strawberry.argument(description="Their ids, at most 500.")
        ],
    ) -> list[Node | None]:
        if len(ids) > MOST_NODES:
            raise LimitExceeded(f"At most {MOST_NODES} ids can be given", path=("ids",))
        found = await info.context.together(*(_one(info, id, at) for at, id in enumerate(ids)))
        return list(found)  # type: ignore[arg-type]  # an exception stands for its error

    @resolver(description="Who is asking.")
    async def viewer(self, info: Info) -> Viewer | None:
        return Viewer.of(info.context.identity)

    @resolver(description="The projects of which the viewer is a member.")
    async def projects(
        self,
        info: Info,
        where: Annotated[
            ProjectWhere | None, strawberry.argument(description="Only projects that match.")
        ] = None,
        order_by: Annotated[
            list[ProjectOrder] | None,
            strawberry.argument(
                description="The most significant step first; ties are broken by age. By default, "
                "name."
            ),
        ] = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection[Project] | None:
        return await project_connection(info, where, order_by, (first, after, last, before))

    @resolver(description="One project.")
    async def project(
        self,
        info: Info,
        by: Annotated[ProjectBy, strawberry.argument(description="Which one.")],
    ) -> Project | None:
        if by.id is not None:
            return await load_project(info, parse_as(ProjectId, by.id.value, ("by", "id")).key)
        assert by.name is not None, "a oneOf input without a member"
        name = by.name.value
        clean_name(name, ("by", "name"))
        record = await info.context.read(lambda tx: project_by_name(tx, name))
        return None if record is None else Project.of(record)

    @resolver(
        description="The datasets of a project, or of all projects of the viewer; by name unless "
        "ordered otherwise."
    )
    async def datasets(
        self,
        info: Info,
        project_id: Annotated[
            strawberry.ID | None,
            strawberry.argument(description="The project; by default all of the viewer's."),
        ] = None,
        where: DatasetsWhere = None,
        order_by: DatasetOrderBy = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection[LazyDataset] | None:
        page = (first, after, last, before)
        scope, parent = DatasetScope.EVERYTHING, 0
        if project_id is not None:
            scope = DatasetScope.PROJECT
            parent = parse_as(ProjectId, project_id, ("projectId",)).key
            if await load_project(info, parent) is None:
                return None
        return await dataset_connection(info, scope, parent, where, order_by, page)

    @resolver(description="One dataset, at the head or at a version.")
    async def dataset(
        self,
        info: Info,
        by: Annotated[DatasetBy, strawberry.argument(description="Which one.")],
        at: At = None,
    ) -> Dataset | None:
        found = await info.context.read(lambda tx: find_dataset(info, tx, by, at))
        return None if found is None else Dataset.of(*found)

    @resolver(
        description="The items of a dataset, at the head or at a version; by path unless ordered "
        "otherwise."
    )
    async def items(
        self,
        info: Info,
        dataset_id: DatasetArgument,
        at: At = None,
        where: ItemsWhere = None,
        dql: Dql = None,
        order_by: ItemOrderBy = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> ItemConnection | None:
        id = parse_as(DatasetId, dataset_id, ("datasetId",))
        found = await info.context.read(lambda tx: find_by_id(info, tx, id, at))
        if found is None:
            return None
        page = (first, after, last, before)
        return await item_connection(
            info, found[1], where, dql, order_by, page, project=found[0].project
        )

    @resolver(description="One item, at the head of its dataset or at a version.")
    async def item(
        self,
        info: Info,
        by: Annotated[ItemBy, strawberry.argument(description="Which one.")],
        at: At = None,
    ) -> Item | None:
        if by.path is not None:
            return await item_at_path(info, by.path.value, at)
        assert by.id is not None, "a oneOf input without a member"
        id = parse_as(ItemId, by.id.value, ("by", "id"))
        of_dataset = DatasetId(id.dataset, id.version)
        found = await info.context.read(lambda tx: find_by_id(info, tx, of_dataset, at))
        if found is None:
            return None
        point = found[1]
        placed = await info.context.load(items_by_place, (*point.pair, id.key))
        return None if placed is None else Item.of(placed, point)

    @resolver(
        description="The recipes of a project at their newest revisions, oldest recipe first."
    )
    async def recipes(
        self,
        info: Info,
        project_id: Annotated[strawberry.ID, strawberry.argument(description="The project.")],
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection[LazyRecipe] | None:
        project = parse_as(ProjectId, project_id, ("projectId",)).key
        if await load_project(info, project) is None:
            return None
        return await recipe_connection(info, project, (first, after, last, before))

    @resolver(
        description="Whether two recipes are equal, so that datasets with them can be merged, and "
        "in what they differ."
    )
    async def compare_recipes(
        self,
        info: Info,
        left: Annotated[
            strawberry.ID,
            strawberry.argument(description="The one; an id with a revision means that revision."),
        ],
        right: Annotated[
            strawberry.ID,
            strawberry.argument(description="The other, likewise."),
        ],
    ) -> RecipeComparison | None:
        one, other = parse_as(RecipeId, left, ("left",)), parse_as(RecipeId, right, ("right",))
        ours, theirs = await info.context.together(
            node_reads.load_recipe_node(info, one.key, one.revision),
            node_reads.load_recipe_node(info, other.key, other.revision),
        )
        if ours is None or theirs is None:
            return None
        return comparison(ours, theirs)

    @resolver(
        description="What differs between two versions, of one dataset or any two; null when one "
        "is not there or not the viewer's to read."
    )
    async def diff(
        self, info: Info, from_: DiffFrom, to: DiffTo, where: ItemsWhere = None
    ) -> DatasetDiff | None:
        before = await diffs.find_ref(info, from_, ("from",))
        after = await diffs.find_ref(info, to, ("to",))
        if before is None or after is None:
            return None
        return diffs.difference(before, after, where)

    @resolver(
        description="Bytes by their SHA-256, if a dataset that the viewer may read holds them or "
        "has held them."
    )
    async def binary(
        self,
        info: Info,
        sha256: Annotated[
            str, strawberry.argument(description="64 hexadecimal digits in small letters.")
        ],
    ) -> Binary | None:
        if not _SHA256.fullmatch(sha256):
            raise Invalid("A SHA-256 has 64 hexadecimal digits in small letters", path=("sha256",))
        return await node_reads.load_binary(info, sha256)

    @resolver(description="One job.")
    async def job(self, info: Info, id: Id) -> Job | None:
        return await load_job(info, parse_as(JobId, id, ("id",)).key)


async def _one(info: Info, id: str, at: int) -> Node | Exception | None:
    """The node; a refusal is the answer for its place in the list alone."""
    try:
        return await node_reads.load_node(info, parse(id, ("ids", at)))
    except ServiceError as refusal:
        return refusal
