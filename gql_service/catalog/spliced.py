"""Pages of items and annotations as JSON texts made by the database, in one statement each.

The answer to a page is mostly text that the database has anyway. Here a shape becomes a statement
that answers with the finished JSON objects, with the binary, the users, the annotations and the
counts of each row inside; the caller only puts them side by side. What a value is, and which rows
there are, is decided where every other read decides it: `reading`, `page` and `visibility`.

Statements are planned once for a shape, a filter, an order and a kind of view (how many sheets,
behind which masks); numbers, anchors and the beginnings of ids are parameters.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, TypeAlias

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import aggregate_order_by

from gql_service.catalog.filter_pace import paced
from gql_service.catalog.filters import AnnotationFilter, ItemFilter
from gql_service.catalog.indexed_filter import few_states
from gql_service.catalog.page import annotation_reading, item_reading
from gql_service.catalog.prepared import Masks, masks_of, numbers_of, view_shaped
from gql_service.catalog.reading import Reading, Sort, anchor_of
from gql_service.catalog.shape import Fields
from gql_service.catalog.spliced_texts import Texts
from gql_service.catalog.visibility import View
from gql_service.database.engine import Tx
from gql_service.database.plan import Plan

PLANS = 512
"""Statements remembered. One takes some milliseconds to make, and some kilobytes to keep."""

_BETWEEN = "\x1e"
"""Separates texts: as it is, it is no part of any JSON."""
_STATES = "states"

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
    """The keys of the rows in the order asked for, and for each object that was wanted its texts in
    the same order."""

    keys: list[int]
    texts: list[list[str]]
    has_next: bool
    has_previous: bool


def splice(tx: Tx, view: View, asked: Question, names: Mapping[str, str]) -> Spliced:
    """A page of what a view shows. `names` are the texts that `spliced_values` calls for.

    Raises Invalid when the view does not show the row `after`.
    """
    filter, states = asked.filter, None
    if isinstance(filter, ItemFilter):
        states = few_states(tx, view, filter)
        if states is None:
            first = asked.order[0][0] if asked.order else None
            filter = paced(tx, view, filter, first, asked.limit)
    form = _Form(
        tx.connection.dialect,
        asked.of_items,
        asked.wanted,
        _Keyed(filter, repr(filter)),
        asked.order,
        asked.backwards,
        asked.after is not None,
        view.live,
        masks_of(view),
        states is not None,
    )
    plan = _plan(form)
    given: dict[str, Any] = {**numbers_of(view), **names, "limit": asked.limit + 1}
    if states is not None:
        given[_STATES] = states
    if asked.after is not None:
        given |= _anchor_given(tx, _reading(form, view), asked.after)
    (listed,) = plan.rows(tx.connection, given)
    if asked.after is not None and not listed[0]:
        anchor_of(tx, _reading(form, view), asked.after)  # nothing is beyond it, or it is not shown
    keys, *texts = (_parts(one) for one in listed)
    found = [int(key) for key in keys]
    more = len(found) > asked.limit
    step = -1 if asked.backwards else 1
    return Spliced(
        keys=found[: asked.limit][::step],
        texts=[one[: asked.limit][::step] for one in texts],
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
    few: bool

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
        given = _anchor(read, sorts, c) if form.anchored else None
        return read.select(c, sorts, given, limit=limit, names=columns)

    shown = read.shown(build, True)
    if len(form.masks) > 1:
        branches = shown.subquery()
        shown = sa.select(branches).order_by(*(s.by(branches.c[s.label]) for s in sorts))
        shown = shown.limit(limit)
    page = shown.subquery("page")
    order = [sort.by(page.c[sort.label]) for sort in sorts]
    objects = [texts.object(fields, page) for fields in form.wanted]
    listed = [_listed(one, order, form) for one in (page.c["key"], *objects)]
    names = ["keys", *(f"texts_{n}" for n in range(len(objects)))]
    statement = sa.select(*(one.label(name) for one, name in zip(listed, names, strict=True)))
    return Plan(statement.select_from(page), form.dialect)


def _anchor_given(tx: Tx, read: Reading[Any], after: int) -> dict[str, Any]:
    """The parameters of `_anchor`. Raises Invalid when several are read, and it is not shown."""
    if len(read.sorts) == 1:
        return {"after": after}
    return {f"anchor_{place}": value for place, value in enumerate(anchor_of(tx, read, after))}


def _anchor(read: Reading[Any], sorts: list[Sort[Any]], columns: Any) -> list[Any]:
    """The values that the row of the cursor is sorted by: a single one is looked up by the
    statement itself."""
    if len(sorts) > 1:
        return [
            sa.bindparam(f"anchor_{place}", type_=sort.value(columns).type)
            for place, sort in enumerate(sorts)
        ]
    after = sa.bindparam("after", type_=sa.BigInteger())

    def build(c: Any) -> sa.Select[Any]:
        return sa.select(sorts[0].value(c).label("value")).where(c.key == after)

    shown = read.shown(build, False).subquery("anchor")
    return [sa.select(shown.c.value).scalar_subquery()]


def _listed(value: Any, order: list[sa.UnaryExpression[Any]], form: _Form) -> Any:
    """All values of the page as one text, in the order of the page.

    One row, because the interpreter changes hands for each row that SQLite gives: threads that
    read a hundred of them at a time mostly waited for one another. SQLite keeps the order of a
    limited sub-select.
    """
    if not form.postgres:
        return sa.func.group_concat(value, _BETWEEN)
    text = sa.cast(value, sa.Text())
    return sa.func.string_agg(text, aggregate_order_by(sa.literal(_BETWEEN), *order))


def _parts(listed: str | None) -> list[str]:
    return listed.split(_BETWEEN) if listed is not None else []


def _reading(form: _Form, view: View) -> Reading[Any]:
    filter: Any = form.keyed.filter
    if not form.of_items:
        return annotation_reading(view, filter, form.order, postgres=form.postgres)
    order: Any = form.order
    states = _STATES if form.few else None
    return item_reading(view, filter, order, states=states, postgres=form.postgres)


def joined_list(texts: Sequence[str]) -> bytes:
    """A JSON list of JSON texts."""
    return ("[" + ",".join(texts) + "]").encode()
