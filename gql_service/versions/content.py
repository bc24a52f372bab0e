"""What the writer is told to write: contents, and where a copied content was first written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from gql_service.catalog.prepared import read_annotations, read_items
from gql_service.catalog.visibility import View
from gql_service.database.engine import Tx
from gql_service.database.sets import among_given

Row = sa.Row[Any]
"""A visible state, with the columns of `ItemColumns` or `AnnotationColumns`."""


@dataclass(frozen=True, slots=True)
class ItemContent:
    """Everything about an item that an edit can change. `metadata` is canonical JSON text."""

    path: str
    binary: int
    metadata: str = "{}"
    metadata_known: bool = True
    description: str | None = None
    hidden: bool = False


@dataclass(frozen=True, slots=True)
class AnnotationContent:
    """Everything about an annotation that an edit can change, JSON as canonical text."""

    item: int
    type: str
    label: str
    coordinates: str = "null"
    attributes: str = "{}"
    metadata: str = "{}"
    status: str | None = None
    status_known: bool = True


@dataclass(frozen=True, slots=True)
class Written:
    """The write that a copy carries on: its number, and where it was made."""

    write: int
    dataset: int
    version: int


@dataclass(frozen=True, slots=True)
class Authorship:
    """Who made a thing and who changed it last, when."""

    created_by: int
    created_at: datetime
    updated_by: int
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class ItemPut:
    """An item as it is to be.

    Without `written` it is a new write of the draft's own version; without `authorship` the actor
    changes it now. `renew` makes it a new write even of equal content: a decision of a merge.
    """

    key: int
    content: ItemContent
    copied_from: int | None = None
    written: Written | None = None
    authorship: Authorship | None = None
    renew: bool = False


@dataclass(frozen=True, slots=True)
class AnnotationPut:
    """An annotation as it is to be; like `ItemPut`. `root` is its lineage."""

    key: int
    root: int
    content: AnnotationContent
    written: Written | None = None
    authorship: Authorship | None = None
    renew: bool = False


def item_content(row: Row) -> ItemContent:
    return ItemContent(
        row.path, row.binary, row.metadata, bool(row.metadata_known), row.description, row.hidden
    )


def annotation_content(row: Row) -> AnnotationContent:
    return AnnotationContent(
        row.item,
        row.type,
        row.label,
        row.coordinates,
        row.attributes,
        row.metadata,
        row.status,
        bool(row.status_known),
    )


def written(row: Row) -> Written:
    return Written(row.write, row.origin_dataset, row.origin_version)


def authorship(row: Row) -> Authorship:
    return Authorship(row.created_by, row.created_at, row.updated_by, row.updated_at)


_ITEMS_BY_KEY = read_items(lambda c: sa.select(*c.all()).where(among_given(c.key, "keys")))
_ITEMS_BY_PATH = read_items(
    lambda c: sa.select(*c.all()).where(among_given(c.path, "paths", numbers=False))
)
_ANNOTATIONS_BY_KEY = read_annotations(
    lambda c: sa.select(*c.all()).where(among_given(c.key, "keys"))
)
_ANNOTATIONS_OF_ITEMS = read_annotations(
    lambda c: sa.select(*c.all()).where(among_given(c.item, "items"))
)
_ANNOTATED_ITEMS = read_annotations(
    lambda c: sa.select(c.item).where(among_given(c.item, "items")).distinct()
)


def items_by_key(tx: Tx, view: View, keys: Sequence[int]) -> dict[int, Row]:
    """The visible items with these keys; absent ones are left out."""
    rows = _ITEMS_BY_KEY.rows(tx, view, keys=list(keys)) if keys else []
    return {row.key: row for row in rows}


def items_by_path(tx: Tx, view: View, paths: Sequence[str]) -> dict[str, Row]:
    """The visible items at these paths; free ones are left out."""
    rows = _ITEMS_BY_PATH.rows(tx, view, paths=list(paths)) if paths else []
    return {row.path: row for row in rows}


def annotations_by_key(tx: Tx, view: View, keys: Sequence[int]) -> dict[int, Row]:
    """The visible annotations with these keys; absent ones are left out."""
    rows = _ANNOTATIONS_BY_KEY.rows(tx, view, keys=list(keys)) if keys else []
    return {row.key: row for row in rows}


def annotations_of_items(tx: Tx, view: View, items: Sequence[int]) -> list[Row]:
    """Every visible annotation of these items."""
    return _ANNOTATIONS_OF_ITEMS.rows(tx, view, items=list(items)) if items else []


def annotated_items(tx: Tx, view: View, items: Sequence[int]) -> set[int]:
    """Which of these items have an annotation."""
    rows = _ANNOTATED_ITEMS.rows(tx, view, items=list(items)) if items else []
    return {row.item for row in rows}
