"""Pages of items and annotations as JSON texts made by the database, in one statement each.

The answer to a page is mostly text that the database has anyway. Here a shape becomes a statement
whose rows are the finished JSON objects, with the binary, the users, the annotations and the counts
of each row inside; the caller only puts them side by side. What a value is, and which rows there
are, is decided where every other read decides it: `reading`, `page` and `visibility`.

Statements are planned once for a shape, a filter, an order and a kind of view (how many sheets,
behind which masks); numbers, anchors and the beginnings of ids are parameters.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, TypeAlias

import sqlalchemy as sa

from gql_service.catalog.filters import AnnotationFilter, ItemFilter
from gql_service.catalog.page import annotation_reading, item_reading
from gql_service.catalog.prepared import Masks, masks_of, numbers_of, view_shaped
from gql_service.catalog.reading import Reading, anchor_of
from gql_service.catalog.shape import Fields
from gql_service.catalog.spliced_texts import Texts
from gql_service.catalog.visibility import View
from gql_service.database.engine import Tx
from gql_service.database.plan import Plan

PLANS = 512
"""Statements remembered. One takes some milliseconds to make, and some kilobytes to keep."""

Filter: TypeAlias = ItemFilter | AnnotationFilter | None
Order: TypeAlias = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Question:
    """Which rows, and what of each: `wanted` are the objects to make of a row, one text each."""

    of_items: bool
    wanted: tuple[Fields, ...]
    filter: Filter
    order: Order
    limit: int
    backwards: bool = False
    after: int | None = None


@dataclass(frozen=True, slots=True)
class Spliced:
    """The keys of the rows in the order asked for, and beside each the texts that were wanted."""

    keys: list[int]
    texts: list[tuple[str, ...]]
    has_next: bool
    has_previous: bool


def splice(tx: Tx, view: View, asked: Question, names: Mapping[str, str]) -> Spliced:
    """A page of what a view shows. `names` are the texts that `spliced_values` calls for.

    Raises Invalid when the view does not show the row `after`.
    """
    form = _Form(
        tx.connection.dialect,
        asked.of_items,
        asked.wanted,
        _Keyed(asked.filter, repr(asked.filter)),
        asked.order,
        asked.backwards,
        asked.after is not None,
        view.live,
        masks_of(view),
    )
    plan = _plan(form)
    given: dict[str, Any] = {**numbers_of(view), **names, "limit": asked.limit + 1}
    if asked.after is not None:
        read = _reading(form, view)
        values = anchor_of(tx, read, asked.after)
        given |= {f"anchor_{place}": value for place, value in enumerate(values)}
    rows = plan.rows(tx.connection, given)
    more = len(rows) > asked.limit
    kept = list(rows[: asked.limit])
    if asked.backwards:
        kept.reverse()
    return Spliced(
        keys=[row[0] for row in kept],
        texts=[tuple(row[1:]) for row in kept],
        has_next=asked.after is not None if asked.backwards else more,
        has_previous=more if asked.backwards else asked.after is not None,
    )


@dataclass(frozen=True, slots=True)
class _Keyed:
    """A filter, which may hold lists and is therefore compared by its text."""

    filter: Filter = field(compare=False)
    text: str


@dataclass(frozen=True, slots=True)
class _Form:
    """All that decides what a statement looks like."""

    dialect: sa.Dialect
    of_items: bool
    wanted: tuple[Fields, ...]
    keyed: _Keyed
    order: Order
    backwards: bool
    anchored: bool
    live: bool
    masks: tuple[Masks, ...]

    @property
    def postgres(self) -> bool:
        return self.dialect.name == "postgresql"


@lru_cache(maxsize=PLANS)
def _plan(form: _Form) -> Plan:
    view = view_shaped(form.live, form.masks)
    read = _reading(form, view)
    sorts = read.directed(backwards=form.backwards)
    texts = Texts(view, form.postgres, of_items=form.of_items)
    columns = texts.columns(form.wanted) | {"key"}
    limit: Any = sa.bindparam("limit", type_=sa.Integer())

    def build(c: Any) -> sa.Select[Any]:
        anchor = [
            sa.bindparam(f"anchor_{place}", type_=sort.value(c).type)
            for place, sort in enumerate(sorts)
        ]
        given = anchor if form.anchored else None
        return read.select(c, sorts, given, limit=limit, names=columns)

    shown = read.shown(build, True)
    if len(form.masks) > 1:
        branches = shown.subquery()
        shown = sa.select(branches).order_by(*(s.by(branches.c[s.label]) for s in sorts))
        shown = shown.limit(limit)
    page = shown.subquery("page")
    objects = [
        texts.object(fields, page).label(f"text_{n}") for n, fields in enumerate(form.wanted)
    ]
    statement = sa.select(page.c["key"], *objects)
    return Plan(_in_order(statement, page, sorts, form), form.dialect)


def _in_order(
    statement: sa.Select[Any], page: sa.Subquery, sorts: list[Any], form: _Form
) -> sa.Select[Any]:
    """The rows in the order of the page.

    PostgreSQL is told once more. SQLite keeps the order of a limited sub-select, and would sort the
    finished texts; over several sheets, a limit of its own keeps it from making the texts of rows
    that the page then leaves out.
    """
    if form.postgres:
        return statement.order_by(*(sort.by(page.c[sort.label]) for sort in sorts))
    return statement.limit(-1) if len(form.masks) > 1 else statement


def _reading(form: _Form, view: View) -> Reading[Any]:
    filter: Any = form.keyed.filter
    make: Any = item_reading if form.of_items else annotation_reading
    read: Reading[Any] = make(view, filter, form.order, postgres=form.postgres)
    return read


def joined_list(texts: Sequence[str]) -> bytes:
    """A JSON list of JSON texts."""
    return ("[" + ",".join(texts) + "]").encode()
