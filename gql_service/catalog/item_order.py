"""By what items can be ordered, several steps deep, metadata included.

Every step sorts by values that are never NULL, so that a page can begin behind any of them. What
is missing comes last in either direction: it has a rank of its own, chosen by the direction.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal

import sqlalchemy as sa

from gql_service.catalog import filter_json_postgres, filter_json_sqlite
from gql_service.catalog.binary import Binary
from gql_service.catalog.filter_sql import directory_of_path, name_of_path
from gql_service.catalog.reading import Sort, sorts_of
from gql_service.catalog.visibility import ItemColumns
from gql_service.database.columns import ByteOrderedText, table_of

Column = sa.ColumnElement[Any]
Part = Callable[[ItemColumns], Column]

ItemOrderField = Literal[
    "path",
    "key",
    "name",
    "directory",
    "created_at",
    "updated_at",
    "size",
    "width",
    "height",
    "mime_type",
]
MetadataPath = tuple[str, ...]
ItemOrder = Sequence[tuple[ItemOrderField | MetadataPath, bool]]
"""Fields, or paths in user metadata, with whether they descend; the most significant first."""


def item_sorts(order: ItemOrder, *, postgres: bool) -> list[Sort[ItemColumns]]:
    """What the order sorts by; by path when it is empty, ties by key.

    In metadata, numbers come before texts, these before false and true, and what is missing, null,
    a list or an object comes last in either direction; texts sort by code points.
    """

    def parts(field: ItemOrderField | MetadataPath, descending: bool) -> Sequence[Part]:
        if isinstance(field, tuple):
            return _metadata(field, descending, postgres)
        if field in ("width", "height"):
            return _nullable(_of_binary(field), descending)
        return [_COLUMNS[field]]

    steps: ItemOrder = order or [("path", False)]
    return sorts_of(parts, steps, unique="path", least="")


def _of_binary(name: str) -> Part:
    def value(c: ItemColumns) -> Column:
        b = table_of(Binary).alias()
        return sa.select(b.c[name]).where(b.c.id == c.binary).scalar_subquery()

    return value


_COLUMNS: dict[str, Part] = {
    "path": lambda c: c.path,
    "key": lambda c: c.key,
    "name": lambda c: name_of_path(c.path),
    "directory": lambda c: directory_of_path(c.path),
    "created_at": lambda c: c.created_at,
    "updated_at": lambda c: c.updated_at,
    "size": _of_binary("size"),
    "mime_type": lambda c: sa.cast(_of_binary("mime_type")(c), ByteOrderedText),
}


def _nullable(value: Part, descending: bool) -> Sequence[Part]:
    missing = -1 if descending else 1
    return [
        lambda c: sa.case((value(c).is_(None), missing), else_=0),
        lambda c: sa.func.coalesce(value(c), 0),
    ]


def _metadata(path: MetadataPath, descending: bool, postgres: bool) -> Sequence[Part]:
    sorted_by = filter_json_postgres.sorted_by if postgres else filter_json_sqlite.sorted_by
    missing = -1 if descending else 3

    def part(place: int) -> Part:
        return lambda c: sorted_by(c.metadata, path, missing)[place]

    return [part(place) for place in range(3)]
