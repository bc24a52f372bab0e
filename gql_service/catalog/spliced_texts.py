"""The JSON objects of a page, as pieces of SQL: what is asked of each row, and what nests in it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import aggregate_order_by

from gql_service.catalog.json_pieces import (
    Column,
    Piece,
    joined,
    truth,
)
from gql_service.catalog.page import annotation_reading
from gql_service.catalog.reading import Sort
from gql_service.catalog.shape import Field, Fields, Linked, Page, Same, Thumbnail, Value
from gql_service.catalog.spliced_values import (
    ANNOTATION,
    ITEM,
    LINKS,
    Pieces,
    Row,
    Values,
    thumbnail_address,
    told,
)
from gql_service.catalog.visibility import AnnotationColumns, View, visible_annotations

_PAGE_KEY: Column = sa.literal_column("page.key", sa.BigInteger())
"""The item that a sub-select belongs to. Spelt out: SQLAlchemy carries a column of the outer
statement no further than one sub-select down, and the branches of a view are two."""


@dataclass(frozen=True, slots=True)
class Texts:
    """Makes the objects of one page: of items, or of annotations."""

    view: View
    postgres: bool
    of_items: bool

    def columns(self, wanted: tuple[Fields, ...]) -> set[str]:
        """The columns of a row that its objects are made of."""
        return {name for fields in wanted for name in _columns(fields, self._values)}

    def object(self, fields: Fields, row: Row) -> Column:
        return joined(self._object(fields, row, self._values))

    @property
    def _values(self) -> Values:
        return ITEM if self.of_items else ANNOTATION

    def _object(self, fields: Fields, row: Row, values: Values) -> Pieces:
        return _braced(fields, lambda field: self._member(field, row, values))

    def _member(self, field: Field, row: Row, values: Values) -> Pieces:
        match field:
            case Value(name="annotationsCount"):
                return [self._count(None)]
            case Value(name="cursor"):
                return _cursor(row.c["key"], told("digest"))
            case Value(name="annotated"):
                return [truth(self._count(None) > 0)]
            case Value():
                return values[field.name][1](row)
            case Linked(name="node"):
                return self._object(field.fields, row, values)
            case Linked():
                return [_linked(field, row)]
            case Page():
                return [self._annotations(field)]
            case Thumbnail():
                return [thumbnail_address(row, field.size)]
            case Same():
                return [field.text]

    def _count(self, page: Page | None) -> Column:
        """How many annotations the item of the page has; with a page, matching ones."""
        read = annotation_reading(
            self.view, page.where if page else None, (), of=_on_item, postgres=self.postgres
        )

        def build(c: AnnotationColumns) -> sa.Select[Any]:
            return sa.select(sa.func.count().label("found")).where(read.matching(c))

        whole = visible_annotations(self.view, build).subquery()
        return sa.select(sa.func.sum(whole.c.found)).scalar_subquery()

    def _annotations(self, page: Page) -> Column:
        """The connection of the annotations of an item."""
        order: Any = page.order
        read = annotation_reading(self.view, page.where, order, of=_on_item, postgres=self.postgres)
        names = {"key", *(name for part in _rows_of(page) for name in _columns(part, ANNOTATION))}

        def build(c: AnnotationColumns) -> sa.Select[Any]:
            return read.select(c, read.sorts, None, names=names)

        whole = read.shown(build, False).subquery()
        last = _first_rows(whole, _ordered(read.sorts, whole), page)

        def member(field: Field) -> Pieces:
            match field:
                case Value():  # totalCount is the only one
                    return [self._count(page)]
                case Linked(name="nodes"):
                    node = joined(self._object(field.fields, last, ANNOTATION))
                    return ["[", self._listed(node, last, page, read.sorts), "]"]
                case Linked(name="edges"):
                    return [
                        "[",
                        self._listed(self._edge(field, last, page), last, page, read.sorts),
                        "]",
                    ]
                case Linked():
                    return _page_info(field, last, page)
            return [_said(field)]

        # One row whatever is asked for: the count makes an aggregate of constants too.
        nothing: Piece = sa.case((sa.func.count() < 0, "-"), else_="")
        whole_page = joined([*_braced(page.fields, member), nothing])
        return sa.select(whole_page).select_from(last).scalar_subquery()

    def _edge(self, edge: Linked, rows: Row, page: Page) -> Column:
        def member(field: Field) -> Pieces:
            match field:
                case Linked():
                    return self._object(field.fields, rows, ANNOTATION)
                case Value():  # cursor is the only one
                    return _cursor(rows.c["key"], page.digest)
            return [_said(field)]

        return joined(_braced(edge.fields, member))

    def _listed(
        self, text: Column, rows: sa.FromClause, page: Page, sorts: Sequence[Sort[Any]]
    ) -> Column:
        """The texts of the rows that are kept, in their places, with commas between."""
        if self.postgres:
            listed = sa.func.string_agg(
                text, aggregate_order_by(sa.literal(","), *_ordered(sorts, rows))
            )
        else:  # in the order of the sub-select, which has sorted
            listed = sa.func.group_concat(text, ",")
        return listed.filter(rows.c.place <= page.limit) if _says_where(page) else listed


def _first_rows(
    whole: sa.Subquery, ordered: Sequence[sa.ColumnElement[Any]], page: Page
) -> sa.Subquery:
    """The rows of the page, in order, as `rows`. Where the page says how it lies in its list, one
    row more, the place of each, and how many were read."""
    if not _says_where(page):
        return sa.select(whole).order_by(*ordered).limit(page.limit).subquery("rows")
    place = sa.over(sa.func.row_number(), order_by=ordered).label("place")
    first = sa.select(whole, place).order_by(*ordered).limit(page.limit + 1).subquery("found")
    return sa.select(first, sa.func.count().over().label("read")).subquery("rows")


def _ordered(sorts: Sequence[Sort[Any]], rows: sa.FromClause) -> list[sa.UnaryExpression[Any]]:
    return [sort.by(rows.c[sort.label]) for sort in sorts]


def _says_where(page: Page) -> bool:
    return any(isinstance(field, Linked) and field.name == "pageInfo" for field in page.fields)


def _on_item(c: AnnotationColumns) -> Column:
    return c.item == _PAGE_KEY


def _linked(link: Linked, row: Row) -> Column:
    """The object that a column of the row names."""
    column, table, values = LINKS[link.name]
    other = table.alias()

    def member(field: Field) -> Pieces:
        return values[field.name](other) if isinstance(field, Value) else [_said(field)]

    found = sa.select(joined(_braced(link.fields, member))).where(other.c.id == row.c[column])
    return found.correlate(row).scalar_subquery()


def _page_info(info: Linked, rows: Row, page: Page) -> Pieces:
    """Of the first page of a list, which is the only one made here."""
    shown = sa.case((rows.c.read > page.limit, page.limit), else_=rows.c.read)
    ends = {"startCursor": sa.literal(1), "endCursor": shown}

    def member(field: Field) -> Pieces:
        match field:
            case Value(name="hasNextPage"):
                return [truth(sa.func.count() > page.limit)]
            case Value(name="hasPreviousPage"):
                return ["false"]
            case Value() if page.limit:
                at_end = sa.case((rows.c.place == ends[field.name], rows.c["key"]))
                cursor = joined(_cursor(sa.func.max(at_end), page.digest))
                return [sa.case((sa.func.count() > 0, cursor), else_="null")]
            case Value():
                return ["null"]
        return [_said(field)]

    return _braced(info.fields, member)


def _braced(fields: Fields, member: Callable[[Field], Pieces]) -> Pieces:
    """A JSON object: each field under its key, in this order."""
    pieces: Pieces = ["{"]
    for at, field in enumerate(fields):
        pieces += [f'{"," if at else ""}"{field.key}":', *member(field)]
    return [*pieces, "}"]


def _said(field: Field) -> str:
    assert isinstance(field, Same), f"a {type(field).__name__} has no place here"
    return field.text


def _cursor(key: Column, digest: Piece) -> Pieces:
    return ['"', told("version"), ".", key, ".", digest, '"']


def _columns(fields: Fields, values: Values) -> set[str]:
    found: set[str] = set()
    for field in fields:
        match field:
            case Value() if field.name in values:
                found.add(values[field.name][0])
            case Linked(name="node"):
                found |= _columns(field.fields, values)
            case Linked():
                found.add(LINKS[field.name][0])
            case Thumbnail():
                found.add("binary")
    return found


def _rows_of(page: Page) -> list[Fields]:
    """The fields that are asked of each annotation of a page."""
    found: list[Fields] = []
    for field in page.fields:
        match field:
            case Linked(name="nodes"):
                found.append(field.fields)
            case Linked(name="edges"):
                found += [one.fields for one in field.fields if isinstance(one, Linked)]
    return found
