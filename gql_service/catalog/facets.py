"""What values the items of a view have, and how many items have each, in one statement.

A facet counts items, each once for a value, however often it holds it. What a path does not lead to
is not counted; lists count their elements, and objects count as nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from gql_service.catalog import filter_json_postgres, filter_json_sqlite
from gql_service.catalog.binary import Binary
from gql_service.catalog.filter_sql import directory_of_path, item_predicate
from gql_service.catalog.filters import ItemFilter
from gql_service.catalog.indexed_filter import states_within
from gql_service.catalog.json_text import JSON_DEPTH
from gql_service.catalog.visibility import (
    AnnotationColumns,
    ItemColumns,
    View,
    visible_annotations,
    visible_items,
)
from gql_service.database.columns import table_of
from gql_service.database.engine import Tx
from gql_service.errors import Invalid, LimitExceeded

Column = sa.ColumnElement[Any]
Values = list[tuple[Any, int]]
"""JSON values with the number of items that have them, the most frequent first."""

MOST_PATHS = 20
MOST_VALUES = 200
_OF_BINARY = {"mimeType": "mime_type", "width": "width", "height": "height", "size": "size"}
_OF_ITEM = ("directory", "hidden")
_OF_ANNOTATION = ("label", "type", "status")
_DOCUMENTS = {
    ("metadata",): ("items", "metadata"),
    ("annotations", "attributes"): ("marks", "attributes"),
    ("annotations", "metadata"): ("marks", "metadata"),
}


@dataclass(frozen=True, slots=True)
class _Facet:
    """Where the values are: in a column of a table, or under keys of a document there."""

    table: str
    column: str
    keys: tuple[str, ...] | None = None


def facets(
    tx: Tx, view: View, paths: Sequence[str], filter: ItemFilter | None, first: int
) -> list[Values]:
    """The `first` most frequent values at each path among the items that match.

    Equal counts come by kind (false and true, null, numbers, texts), then by value. Raises Invalid
    for a path that is not known, LimitExceeded for more than 20 paths or 200 values.
    """
    asked = [_parsed(path, place) for place, path in enumerate(paths)]
    if len(asked) > MOST_PATHS:
        raise LimitExceeded(f"At most {MOST_PATHS} paths can be given", path=("paths",))
    if first < 0:
        raise Invalid("first cannot be negative", path=("first",))
    if first > MOST_VALUES:
        raise LimitExceeded(f"At most {MOST_VALUES} values can be given", path=("first",))
    found: list[Values] = [[] for _ in asked]
    if not asked or not first:
        return found
    items = _items(tx, view, filter, asked)
    statement = _Statement(tx.postgres, items, _marks(view, asked), filter is not None)
    branches = [statement.branch(facet, place, first) for place, facet in enumerate(asked)]
    whole = sa.union_all(*(sa.select(branch.subquery()) for branch in branches)).subquery()
    for row in tx.rows(sa.select(whole).order_by(whole.c.place, whole.c.rank)):
        found[row.place].append((_value(row.kind, row.value), row.found))
    return found


def label_counts_of(tx: Tx, view: View, filter: ItemFilter) -> list[tuple[str, int]]:
    """How many annotations of the matching items carry each label, by label."""
    items = _items(tx, view, filter, [])
    marks = visible_annotations(view, lambda c: sa.select(c.item, c.label)).subquery()
    counted = (
        sa.select(marks.c.label, sa.func.count().label("found"))
        .where(marks.c.item.in_(sa.select(items.c.key)))
        .group_by(marks.c.label)
        .order_by(marks.c.label)
    )
    return [(row.label, row.found) for row in tx.rows(counted)]


def _parsed(path: str, place: int) -> _Facet:
    steps = tuple(path.split("."))
    at = ("paths", place)
    if path in _OF_BINARY:
        return _Facet("binaries", _OF_BINARY[path])
    if path in _OF_ITEM:
        return _Facet("items", path)
    if steps[0] == "annotations" and len(steps) == 2 and steps[1] in _OF_ANNOTATION:
        return _Facet("marks", steps[1])
    for start, (table, column) in _DOCUMENTS.items():
        keys = steps[len(start) :]
        if steps[: len(start)] == start and keys and "" not in keys:
            if len(keys) > JSON_DEPTH:
                raise LimitExceeded(f"A path can have {JSON_DEPTH} steps", path=at)
            if "\x00" in path or any("\ud800" <= character <= "\udfff" for character in path):
                raise Invalid("NUL and halves of surrogate pairs are not text", path=at)
            return _Facet(table, column, keys)
    raise Invalid(
        "There is no such facet; there are mimeType, size, width, height, directory, hidden, "
        "metadata.<key>, annotations.label, annotations.type, annotations.status, "
        "annotations.attributes.<key>, annotations.metadata.<key>",
        path=at,
    )


def _items(tx: Tx, view: View, filter: ItemFilter | None, asked: Sequence[_Facet]) -> sa.CTE:
    """The matching items, with the columns that are asked of them; written out once."""
    needed = {facet.column for facet in asked if facet.table == "items"}
    within = states_within(tx, view, filter)

    def build(c: ItemColumns) -> sa.Select[Any]:
        columns = [c.key, c.binary.label("binary")]
        if "directory" in needed:
            columns.append(directory_of_path(c.path).label("directory"))
        columns += [getattr(c, name).label(name) for name in sorted(needed - {"directory"})]
        select = sa.select(*columns)
        if filter is None:
            return select
        matching = item_predicate(filter, c, view, postgres=tx.postgres)
        return select.where(within(c), matching)

    return visible_items(view, build).cte("matching")


def _marks(view: View, asked: Sequence[_Facet]) -> sa.Subquery:
    needed = sorted({facet.column for facet in asked if facet.table == "marks"} - {"item"})

    def build(c: AnnotationColumns) -> sa.Select[Any]:
        return sa.select(c.item, *(getattr(c, name).label(name) for name in needed))

    return visible_annotations(view, build).subquery()


@dataclass(frozen=True, slots=True)
class _Statement:
    postgres: bool
    items: sa.CTE
    marks: sa.Subquery
    filtered: bool

    def branch(self, facet: _Facet, place: int, first: int) -> sa.Select[Any]:
        """The most frequent values of one facet, ranked."""
        rows, kind, value = self._rows(facet)
        named = rows.add_columns(kind.label("kind"), value.label("value"))
        if facet.table == "marks":
            named = named.add_columns(self.marks.c.item).distinct()
        elif facet.keys is not None:
            named = named.add_columns(self.items.c.key).distinct()
        each = named.subquery()
        found = sa.func.count()
        order: list[Any] = [found.desc(), each.c.kind]
        if self.postgres:
            number = sa.case((each.c.kind == "number", sa.cast(each.c.value, sa.Numeric())))
            order += [number, sa.collate(each.c.value, "C")]
        else:
            order.append(each.c.value)
        rank = sa.over(sa.func.row_number(), order_by=order)
        return (
            sa.select(
                sa.literal(place).label("place"),
                each.c.kind,
                each.c.value,
                found.label("found"),
                rank.label("rank"),
            )
            .group_by(each.c.kind, each.c.value)
            .order_by(*order)
            .limit(first)
        )

    def _rows(self, facet: _Facet) -> tuple[sa.Select[Any], Column, Column]:
        """A select of no columns from what has the values, their kind and their value."""
        source: sa.FromClause = self.items
        table: sa.FromClause = self.items
        if facet.table == "marks":
            source = table = self.marks
        if facet.table == "binaries":
            table = table_of(Binary).alias()
            source = self.items.join(table, table.c.id == self.items.c.binary)
        rows = sa.select().select_from(source)
        if facet.table == "marks" and self.filtered:
            rows = rows.where(self.marks.c.item.in_(sa.select(self.items.c.key)))
        column = table.c[facet.column]
        if facet.keys is not None:
            scalars = filter_json_postgres.scalars if self.postgres else filter_json_sqlite.scalars
            return scalars(rows, column, facet.keys)
        kinds = {"hidden": "boolean", "width": "number", "height": "number", "size": "number"}
        kind = sa.literal(kinds.get(facet.column, "string"), sa.Text())
        value = sa.cast(column, sa.Text()) if self.postgres else sa.type_coerce(column, _AS_IS)
        return rows.where(column.is_not(None)), kind, value


_AS_IS = sa.types.NullType()


def _value(kind: str, value: Any) -> Any:
    """The JSON value: SQLite gives it as it is, PostgreSQL as a text."""
    match kind:
        case "null":
            return None
        case "boolean":
            return value in (1, "true")
        case "number" if isinstance(value, str):
            whole = value.lstrip("-").isdigit() and -(2**63) <= int(value) < 2**63
            return int(value) if whole else float(value)
        case _:
            return value
