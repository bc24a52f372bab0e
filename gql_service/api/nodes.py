"""Anything by its id: None for what is absent, and for what is not the viewer's to read."""

from __future__ import annotations

from gql_service.api import ids
from gql_service.api.context import Info
from gql_service.api.point import Point
from gql_service.api.types.annotation import Annotation, annotations_by_place
from gql_service.api.types.binary import Binary
from gql_service.api.types.dataset import Dataset
from gql_service.api.types.item import Item
from gql_service.api.types.job import load_job
from gql_service.api.types.node import Node
from gql_service.api.types.project import load_project
from gql_service.api.types.recipe import Recipe
from gql_service.api.types.tag import load_tag
from gql_service.api.types.user import Token, User, visible_tokens
from gql_service.api.types.version import Version
from gql_service.catalog.binary import BinaryRecord, binaries_by_id
from gql_service.catalog.dataset import datasets_by_id
from gql_service.catalog.lineage import items_by_place
from gql_service.catalog.member import visible_users
from gql_service.catalog.recipe_use import readable_revisions
from gql_service.catalog.references import visible_by_sha256
from gql_service.catalog.version import refuse_expired, versions_by_number
from gql_service.database.engine import Tx


async def load_node(info: Info, id: ids.NodeId) -> Node | None:
    """What has this id, read together with what else is asked for at this moment."""
    match id:
        case ids.ProjectId(key):
            return await load_project(info, key)
        case ids.UserId(key):
            user = await info.context.load(visible_users, key)
            return None if user is None else User.of(user)
        case ids.TokenId(key):
            tokens = await info.context.read(visible_tokens)
            return next((Token.of(token) for token in tokens if token.id == key), None)
        case ids.JobId(key):
            return await load_job(info, key)
        case ids.BinaryId(sha256):
            return await load_binary(info, sha256)
        case ids.RecipeId(key, revision):
            return await load_recipe_node(info, key, revision)
        case ids.DatasetId():
            return await load_dataset_node(info, id)
        case ids.ItemId():
            return await load_item_node(info, id)
        case ids.AnnotationId():
            return await _annotation(info, id)
        case ids.VersionId():
            return await _version(info, id)
        case ids.TagId(key):
            return await load_tag(info, key)


async def load_dataset_node(info: Info, id: ids.DatasetId) -> Dataset | None:
    record = await info.context.load(datasets_by_id, id.key)
    point = await find_point(info, id.key, id.version)
    return None if record is None or point is None else Dataset.of(record, point)


async def load_item_node(info: Info, id: ids.ItemId) -> Item | None:
    point = await find_point(info, id.dataset, id.version)
    if point is None:
        return None
    placed = await info.context.load(items_by_place, (*point.pair, id.key))
    return None if placed is None else Item.of(placed, point)


async def load_recipe_node(info: Info, recipe: int, revision: int | None) -> Recipe | None:
    """A deleted recipe is only found by the id of one of its revisions."""
    record = await info.context.load(readable_revisions, (recipe, revision))
    if record is None or (revision is None and record.deleted_at is not None):
        return None
    return Recipe.of(record, fixed=revision is not None)


async def load_binary(info: Info, sha256: str) -> Binary | None:
    record = await info.context.read(lambda tx: visible_binary(tx, sha256))
    return None if record is None else Binary.of(record)


def visible_binary(tx: Tx, sha256: str) -> BinaryRecord | None:
    """The binary, if a dataset that the actor may read holds it or has held it."""
    visible = visible_by_sha256(tx, [sha256])
    return binaries_by_id(tx, visible.values()).get(visible[sha256]) if visible else None


async def find_point(info: Info, dataset: int, version: int | None) -> Point | None:
    """A readable dataset at a version that it has, or at the head; None otherwise. Raises
    VersionExpired."""
    record = await info.context.load(datasets_by_id, dataset)
    if record is None:
        return None
    if version is None:
        return Point(dataset, info.context.head(record), fixed=False)
    if not 1 <= version <= record.head:
        return None
    head, kept_from = record.head, record.kept_from
    await info.context.read(
        lambda tx: refuse_expired(tx, dataset, version, head=head, kept_from=kept_from)
    )
    return Point(dataset, version, fixed=True)


async def _annotation(info: Info, id: ids.AnnotationId) -> Annotation | None:
    point = await find_point(info, id.dataset, id.version)
    if point is None:
        return None
    row = await info.context.load(annotations_by_place, (*point.pair, id.key))
    return None if row is None else Annotation.of(row, point)


async def _version(info: Info, id: ids.VersionId) -> Version | None:
    if await info.context.load(datasets_by_id, id.dataset) is None:
        return None
    record = await info.context.load(versions_by_number, (id.dataset, id.number))
    return None if record is None else Version.of(record)
