"""Datasets and items as callers name them: by id or by name, at a version or at the head."""

from __future__ import annotations

from gql_service.api.context import Info
from gql_service.api.ids import DatasetId, ProjectId, parse_as
from gql_service.api.inputs.selectors import (
    DatasetBy,
    DatasetName,
    ItemPath,
    VersionRef,
    point_of,
)
from gql_service.api.point import Point
from gql_service.api.types.item import Item
from gql_service.catalog.dataset import DatasetRecord, dataset_by_name, datasets_by_id
from gql_service.catalog.item_path import clean_path
from gql_service.catalog.lineage import PlacedItem
from gql_service.catalog.visibility import open_view
from gql_service.database.engine import Tx
from gql_service.versions.content import items_by_path


def find_dataset(
    info: Info, tx: Tx, by: DatasetBy, at: VersionRef | None
) -> tuple[DatasetRecord, Point] | None:
    if by.id is not None:
        return find_by_id(info, tx, parse_as(DatasetId, by.id.value, ("by", "id")), at)
    assert by.name is not None, "a oneOf input without a member"
    named: DatasetName = by.name.value
    project = parse_as(ProjectId, named.project_id, ("by", "name", "projectId")).key
    record = dataset_by_name(tx, project, named.name, ("by", "name", "name"))
    return _at(info, tx, record, at, None)


def find_by_id(
    info: Info, tx: Tx, id: DatasetId, at: VersionRef | None
) -> tuple[DatasetRecord, Point] | None:
    record = datasets_by_id(tx, [id.key]).get(id.key)
    return _at(info, tx, record, at, id.version)


def _at(
    info: Info, tx: Tx, record: DatasetRecord | None, at: VersionRef | None, of_id: int | None
) -> tuple[DatasetRecord, Point] | None:
    if record is None:
        return None
    point = point_of(info.context, tx, record, at, of_id=of_id)
    return None if point is None else (record, point)


async def item_at_path(info: Info, asked: ItemPath, at: VersionRef | None) -> Item | None:
    id = parse_as(DatasetId, asked.dataset_id, ("by", "path", "datasetId"))
    path = clean_path(asked.path, ("by", "path", "path"))

    def find(tx: Tx) -> Item | None:
        found = find_by_id(info, tx, id, at)
        if found is None:
            return None
        point = found[1]
        view = open_view(tx, point.dataset, point.version)
        row = items_by_path(tx, view, [path]).get(path)
        return None if row is None else Item.of(PlacedItem(*point.pair, row), point)

    return await info.context.read(find)
