"""A line as one view sees it, and the columns of its states behind the masks of that view."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any

import sqlalchemy as sa

Column = sa.ColumnElement[Any]


@dataclass(frozen=True, slots=True)
class Sheet:
    """A line as one view sees it: at which version, and through which masks.

    A line with `flat_of` began, at version `born`, with copies of what that line showed.
    """

    line: int
    at: int
    annotations: bool = True
    metadata: bool = True
    status: bool = True
    born: int = 1
    flat_of: int | None = None

    def behind(self, other: Sheet) -> Sheet:
        """The same with the masks of another sheet over it."""
        return replace(
            self,
            annotations=self.annotations and other.annotations,
            metadata=self.metadata and other.metadata,
            status=self.status and other.status,
        )


@dataclass(frozen=True, slots=True)
class ItemColumns:
    """The columns of an item state as one sheet shows them."""

    id: Column
    line: Column
    key: Column
    write: Column
    origin_dataset: Column
    origin_version: Column
    path: Column
    binary: Column
    metadata: Column
    metadata_known: Column
    description: Column
    hidden: Column
    copied_from: Column
    created_by: Column
    created_at: Column
    updated_by: Column
    updated_at: Column

    def all(self) -> list[Column]:
        return [getattr(self, field.name).label(field.name) for field in fields(self)]


@dataclass(frozen=True, slots=True)
class AnnotationColumns:
    """The columns of an annotation state as one sheet shows them."""

    id: Column
    line: Column
    key: Column
    root: Column
    write: Column
    origin_dataset: Column
    origin_version: Column
    item: Column
    type: Column
    label: Column
    coordinates: Column
    attributes: Column
    metadata: Column
    status: Column
    status_known: Column
    created_by: Column
    created_at: Column
    updated_by: Column
    updated_at: Column

    def all(self) -> list[Column]:
        return [getattr(self, field.name).label(field.name) for field in fields(self)]


def item_columns(table: sa.FromClause, sheet: Sheet) -> ItemColumns:
    c = table.c
    return ItemColumns(
        id=c.id,
        line=c.line,
        key=c.key,
        write=sa.func.coalesce(c.copy_of, c.id).label("write"),
        origin_dataset=c.origin_dataset,
        origin_version=c.origin_version,
        path=c.path,
        binary=c.binary,
        metadata=c.metadata if sheet.metadata else sa.literal("{}", sa.Text()).label("metadata"),
        metadata_known=c.metadata_known if sheet.metadata else sa.false().label("metadata_known"),
        description=c.description,
        hidden=c.hidden,
        copied_from=c.copied_from,
        created_by=c.created_by,
        created_at=c.created_at,
        updated_by=c.updated_by,
        updated_at=c.updated_at,
    )


def annotation_columns(table: sa.FromClause, sheet: Sheet) -> AnnotationColumns:
    c = table.c
    return AnnotationColumns(
        id=c.id,
        line=c.line,
        key=c.key,
        root=c.root,
        write=sa.func.coalesce(c.copy_of, c.id).label("write"),
        origin_dataset=c.origin_dataset,
        origin_version=c.origin_version,
        item=c.item,
        type=c.type,
        label=c.label,
        coordinates=c.coordinates,
        attributes=c.attributes,
        metadata=c.metadata,
        status=c.status if sheet.status else sa.cast(sa.null(), sa.Text()).label("status"),
        status_known=c.status_known if sheet.status else sa.false().label("status_known"),
        created_by=c.created_by,
        created_at=c.created_at,
        updated_by=c.updated_by,
        updated_at=c.updated_at,
    )
