"""Datasets, at the version they are read at."""

from __future__ import annotations

from datetime import datetime

import strawberry

import gql_service.api.types.annotation_list as annotation_lists
import gql_service.api.types.dataset_list as dataset_lists
import gql_service.api.types.dataset_source as dataset_sources
import gql_service.api.types.diff as diffs
import gql_service.api.types.item_list as item_lists
import gql_service.api.types.project as projects
import gql_service.api.types.recipe as recipes
import gql_service.api.types.tag as tagging
import gql_service.api.types.version as versions
import gql_service.api.types.version_list as version_lists
from gql_service.api.arguments import (
    AnnotationOrderBy,
    AnnotationsWhere,
    DiffTo,
    IncludeSources,
    ItemOrderBy,
    ItemsWhere,
    VersionsWhere,
)
from gql_service.api.connections import After, Before, Connection, First, Last
from gql_service.api.context import Context, Info
from gql_service.api.described import resolver
from gql_service.api.inputs.item_queries import AnnotationsDql, Dql
from gql_service.api.point import Point
from gql_service.api.types.enums import DatasetType, Permission
from gql_service.api.types.expiration import DatasetExpiration
from gql_service.api.types.facet import (
    Facet,
    FacetPaths,
    FacetValues,
    FacetWhere,
    LabelCount,
    facets_of,
    labels_of,
)
from gql_service.api.types.lazy import (
    LazyAnnotationConnection,
    LazyDataset,
    LazyDatasetDiff,
    LazyDatasetSource,
    LazyItemConnection,
    LazyProject,
    LazyRecipe,
    LazyTag,
    LazyVersion,
    LazyVersionConnection,
)
from gql_service.api.types.lock import DatasetLock
from gql_service.api.types.metadata_index import MetadataIndex, load_indexes
from gql_service.api.types.node import Node
from gql_service.api.types.retention import DatasetRetention
from gql_service.api.types.storage import DatasetStorage
from gql_service.api.types.user import User, load_user
from gql_service.catalog.dataset import DatasetRecord, datasets_by_id
from gql_service.catalog.dataset_list import DatasetScope
from gql_service.catalog.dataset_source import sources_of
from gql_service.catalog.permission import CHANGES, OF_PROJECTS
from gql_service.catalog.project import permissions_in
from gql_service.catalog.storage import storage_of
from gql_service.errors import NotFound


@strawberry.type(description="A named line of versions; its fields are those of one version.")
class Dataset(Node):
    record: strawberry.Private[DatasetRecord]
    point: strawberry.Private[Point]
    key: strawberry.ID = strawberry.field(description="The same at every version.")
    name: str = strawberry.field(description="Its name, unique in the project.")
    type: DatasetType = strawberry.field(description="How it came to be.")
    created_at: datetime = strawberry.field(description="When it was created.")

    @staticmethod
    def of(record: DatasetRecord, point: Point) -> Dataset:
        return Dataset(
            id=strawberry.ID(point.dataset_id()),
            record=record,
            point=point,
            key=strawberry.ID(str(record.id)),
            name=record.name,
            type=record.type,
            created_at=record.created_at,
        )

    @staticmethod
    def at_head(context: Context, record: DatasetRecord) -> Dataset:
        return Dataset.of(record, Point(record.id, context.head(record), fixed=False))

    @resolver(description="Where the dataset can be seen over HTTP, as JSON.")
    def url(self, info: Info) -> str:
        return f"{info.context.backend.settings.resolved_public_url}/datasets/{self.id}"

    @resolver(description="The project it is in.")
    async def project(self, info: Info) -> LazyProject:
        project = await projects.load_project(info, self.record.project)
        if project is None:
            raise NotFound("The project is gone")
        return project

    @resolver(
        description="Its recipe: at the head the newest revision, at a version the one that the "
        "version was written under."
    )
    async def recipe(self, info: Info) -> LazyRecipe:
        version = await versions.load_version(info, self.point)
        newest = not self.point.fixed and self.point.version == self.record.head
        revision = None if newest else version.recipe_revision
        return await recipes.load_recipe(info, version.recipe, revision)

    @resolver(description="What it was made from, in the order taken in.")
    async def sources(self, info: Info) -> list[LazyDatasetSource]:
        found = await info.context.load(sources_of, self.point.pair)
        return [dataset_sources.DatasetSource.of(*pair) for pair in found or ()]

    @resolver(description="The readable datasets that were cloned from it, by name.")
    async def clones(
        self, info: Info, first: First = None, after: After = None
    ) -> Connection[LazyDataset]:
        return await dataset_lists.dataset_connection(
            info, DatasetScope.CLONES, self.record.id, None, None, (first, after, None, None)
        )

    @resolver(description="Who created it.")
    async def creator(self, info: Info) -> User:
        return await load_user(info, self.record.creator)

    @resolver(description="When the version was made.")
    async def updated_at(self, info: Info) -> datetime:
        return (await versions.load_version(info, self.point)).created_at

    @resolver(description="Who made the version.")
    async def updated_by(self, info: Info) -> User:
        return await load_user(info, (await versions.load_version(info, self.point)).author)

    @resolver(description="How many items it has.")
    async def items_count(self, info: Info) -> int:
        return (await versions.load_version(info, self.point)).items

    @resolver(description="How many of its items have an annotation.")
    async def annotated_items_count(self, info: Info) -> int:
        return (await versions.load_version(info, self.point)).annotated_items

    @resolver(description="How many annotations it has.")
    async def annotations_count(self, info: Info) -> int:
        return (await versions.load_version(info, self.point)).annotations

    @resolver(
        description="How many annotations carry each label in use, by label: of all items, or of "
        "those that match."
    )
    async def label_counts(self, info: Info, where: FacetWhere = None) -> list[LabelCount]:
        return await labels_of(info, self.point, where)

    @resolver(description="What values its items have at some paths, and how many have each.")
    async def facets(
        self, info: Info, paths: FacetPaths, where: FacetWhere = None, first: FacetValues = 20
    ) -> list[Facet]:
        return await facets_of(info, self.point, paths, where, first)

    @resolver(description="How many bytes its files have, and how many of them it shares.")
    async def storage(self, info: Info) -> DatasetStorage:
        found = await info.context.load(storage_of, self.point.pair)
        if found is None:
            raise NotFound("The dataset is gone")
        return DatasetStorage.of(found)

    @resolver(description="The version being read.")
    async def version(self, info: Info) -> LazyVersion:
        return versions.Version.of(await versions.load_version(info, self.point))

    @resolver(description="The newest version, whatever version is being read.")
    async def head(self, info: Info) -> LazyVersion:
        point = Point(self.record.id, info.context.head(self.record), fixed=True)
        return versions.Version.of(await versions.load_version(info, point))

    @resolver(
        description="Its versions up to the one being read, newest first; with `includeSources` "
        "also those that it comes from, as far as it took them in and the viewer may read them."
    )
    async def versions(
        self,
        info: Info,
        include_sources: IncludeSources = False,
        where: VersionsWhere = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> LazyVersionConnection:
        page = (first, after, last, before)
        return await version_lists.version_connection(
            info, self.point, where, page, sources=include_sources
        )

    @resolver(
        description="The names of its versions, by version and name, whatever version is being "
        "read; at most 1,000."
    )
    async def tags(self, info: Info) -> list[LazyTag]:
        return list(await tagging.load_tags(info, self.record.id))

    @resolver(description="Set while the dataset is read-only, whatever version is being read.")
    def lock(self) -> DatasetLock | None:
        return DatasetLock.of(self.record)

    @resolver(description="Set while old items go by themselves, whatever version is being read.")
    def expiration(self) -> DatasetExpiration | None:
        return DatasetExpiration.of(self.record)

    @resolver(description="Set while old versions expire, whatever version is being read.")
    def retention(self) -> DatasetRetention | None:
        return DatasetRetention.of(self.record)

    @resolver(description="The paths in metadata that are indexed, whatever version is being read.")
    async def metadata_indexes(self, info: Info) -> list[MetadataIndex]:
        return await load_indexes(info, self.record.id)

    @resolver(
        description="What differs between the version being read and another, of this dataset or "
        "any; null when that is not there or not the viewer's to read."
    )
    async def diff(
        self, info: Info, to: DiffTo, where: ItemsWhere = None
    ) -> LazyDatasetDiff | None:
        other = await diffs.find_ref(info, to, ("to",))
        return None if other is None else diffs.difference(self.point, other, where)

    @resolver(
        description="What the viewer may do with it now, with this token, whatever version is "
        "being read; while it is locked, neither WRITE nor ANNOTATE."
    )
    async def viewer_can(self, info: Info) -> list[Permission]:
        allowed = await info.context.load(permissions_in, self.record.project) or frozenset()
        if self.record.locked_at is not None:
            allowed -= CHANGES
        return [one for one in Permission if one in allowed and one not in OF_PROJECTS]

    @resolver(description="Its items, by path unless ordered otherwise.")
    async def items(
        self,
        info: Info,
        where: ItemsWhere = None,
        dql: Dql = None,
        order_by: ItemOrderBy = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> LazyItemConnection:
        page = (first, after, last, before)
        return await item_lists.item_connection(
            info, self.point, where, dql, order_by, page, project=self.record.project
        )

    @resolver(description="The annotations of all its items, by key unless ordered.")
    async def annotations(
        self,
        info: Info,
        where: AnnotationsWhere = None,
        dql: AnnotationsDql = None,
        order_by: AnnotationOrderBy = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> LazyAnnotationConnection:
        page = (first, after, last, before)
        return await annotation_lists.dataset_annotations(
            info, self.point, where, dql, order_by, page, project=self.record.project
        )


async def load_dataset(info: Info, point: Point) -> Dataset | None:
    """The dataset there, None when it is deleted or not the viewer's to read."""
    record = await info.context.load(datasets_by_id, point.dataset)
    return None if record is None else Dataset.of(record, point)


async def load_known_dataset(info: Info, point: Point) -> Dataset:
    """A dataset that was readable a moment ago. Raises NotFound when it is not any more."""
    dataset = await load_dataset(info, point)
    if dataset is None:
        raise NotFound("The dataset is gone")
    return dataset


async def load_head(info: Info, dataset: int) -> Dataset:
    """A dataset as it is now. Raises NotFound when it is deleted, or not the viewer's to read."""
    record = await info.context.load(datasets_by_id, dataset)
    if record is None:
        raise NotFound("The dataset is gone")
    return Dataset.at_head(info.context, record)
