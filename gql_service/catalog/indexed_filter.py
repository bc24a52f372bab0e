"""Filters that a metadata index helps: which states can match at all, and how many do.

A filter is helped by a condition on metadata that must hold, at a path of which every sheet of the
view that shows metadata has the values. It is then asked of fewer items, and whole all the same: so
an index never decides what matches. Only the number of matches, when nothing else is asked, is
counted in the index alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from gql_service.catalog.filter_json import json_predicate
from gql_service.catalog.filters import ItemFilter, JsonFilter
from gql_service.catalog.indexed_values import surely, unsure
from gql_service.catalog.metadata_index import (
    COMPLETE,
    LINE_INDEXES,
    VALUES,
    can_be_declared,
    spelt,
)
from gql_service.catalog.prepared import SHAPES, masks_of, numbers_of, view_shaped
from gql_service.catalog.visibility import ITEMS, ItemColumns, View, item_values_shown
from gql_service.database.engine import Tx
from gql_service.database.plan import Prepared
from gql_service.database.sets import among, among_given

Predicate = sa.ColumnElement[bool]

FEW = 3_000
"""States that are looked up by their ids, and then sorted, about as soon as a page's worth of them
is met on the way through all items: of a million, on a way of thirty thousand."""

_READY = Prepared(
    sa.select(LINE_INDEXES.c.id, LINE_INDEXES.c.line, LINE_INDEXES.c.path).where(
        among_given(LINE_INDEXES.c.line, "lines"),
        among_given(LINE_INDEXES.c.path, "paths", numbers=False),
        LINE_INDEXES.c.filled == COMPLETE,
    )
)


@dataclass(frozen=True, slots=True)
class Helped:
    """A condition of a filter, and the index of each sheet that shows metadata, by depth."""

    view: View
    condition: JsonFilter
    indexes: dict[int, int]
    postgres: bool

    def states(self) -> sa.CompoundSelect[Any]:
        """The ids of the states that may satisfy the condition: of all that a sheet shows, those
        that one above covers too."""
        return _states(self.view, self.condition, self.indexes, self.postgres)

    def few_states(self, tx: Tx) -> list[int] | None:
        """The same, read; None when they are many."""
        prepared, numbers = self._prepared(), self._numbers()
        if tx.scalar(prepared.up_to_many, numbers) > FEW:
            return None
        return [row.state for row in tx.rows(prepared.states, numbers)]

    def count(self, tx: Tx) -> int:
        """How many items the view shows that satisfy the condition."""
        return int(tx.scalar(self._prepared().count, self._numbers()))

    def _prepared(self) -> _Prepared:
        form = (repr(self.condition), self.view.live, masks_of(self.view), self.postgres, FEW)
        found = _PREPARED.get(form)
        if found is None:
            if len(_PREPARED) >= SHAPES:
                _PREPARED.clear()
            found = _PREPARED[form] = _prepare(self)
        return found

    def _numbers(self) -> dict[str, int]:
        given = {f"index_{depth}": index for depth, index in self.indexes.items()}
        return numbers_of(self.view) | given


@dataclass(frozen=True, slots=True)
class _Prepared:
    """The statements for a condition, over views of one shape."""

    up_to_many: Prepared
    """How many states there are, counted no further than to one too many."""
    states: Prepared
    count: Prepared


_PREPARED: dict[tuple[Any, ...], _Prepared] = {}


def _prepare(asked: Helped) -> _Prepared:
    view = view_shaped(asked.view.live, masks_of(asked.view))
    big = sa.BigInteger()
    indexes = {depth: sa.bindparam(f"index_{depth}", type_=big) for depth in asked.indexes}
    states = _states(view, asked.condition, indexes, asked.postgres)
    few = sa.select(sa.func.count()).select_from(states.limit(FEW + 1).subquery())
    count = _count(view, asked.condition, indexes, asked.postgres)
    return _Prepared(Prepared(few), Prepared(states), Prepared(count))


def _states(
    view: View, condition: JsonFilter, indexes: Mapping[int, Any], postgres: bool
) -> sa.CompoundSelect[Any]:
    """A branch for each range of the index: of ranges that are joined by OR, SQLite would read the
    whole index."""
    branches = []
    for depth, index in indexes.items():
        values = VALUES.alias()
        # Without what covers them: few are covered, and the filter is asked of what is shown.
        dated, *_cover = item_values_shown(view, depth, values, values.c.index == index)
        sure = surely(condition, values, postgres=postgres) or []
        for may in (*sure, unsure(condition, values)):
            branches.append(sa.select(values.c.state).where(dated, may))
    return sa.union_all(*branches)


def _count(
    view: View, condition: JsonFilter, indexes: Mapping[int, Any], postgres: bool
) -> sa.Select[Any]:
    branches = []
    for depth, index in indexes.items():
        values, state = VALUES.alias(), ITEMS.alias()
        shown = item_values_shown(view, depth, values, values.c.index == index)
        found = sa.select(sa.func.count().label("found")).where(*shown)
        sure = surely(condition, values, postgres=postgres) or []
        branches += [found.select_from(values).where(one) for one in sure]
        asked = json_predicate(state.c.metadata, condition, postgres=postgres)
        told = found.select_from(values.join(state, state.c.id == values.c.state))
        branches.append(told.where(unsure(condition, values), asked))
    whole = sa.union_all(*branches).subquery()
    return sa.select(sa.func.sum(whole.c.found))


def helped(tx: Tx, view: View, filter: ItemFilter | None) -> list[Helped]:
    """The conditions of a filter for which the view has indexes."""
    conditions = [one for one in _required(filter) if _can_be_told(one, postgres=tx.postgres)]
    lines = {sheet.line: depth for depth, sheet in enumerate(view.sheets) if sheet.metadata}
    if not conditions or not lines:
        return []
    paths = sorted({spelt(one.path) for one in conditions})
    found: dict[str, dict[int, int]] = {}
    for row in tx.rows(_READY, {"lines": list(lines), "paths": paths}):
        found.setdefault(row.path, {})[lines[row.line]] = row.id
    by_path = ((one, found.get(spelt(one.path), {})) for one in conditions)
    return [
        Helped(view, one, indexes, tx.postgres)
        for one, indexes in by_path
        if len(indexes) == len(lines)
    ]


def few_states(tx: Tx, view: View, filter: ItemFilter | None) -> list[int] | None:
    """The ids of some states, among them all that match, when an index tells that they are few."""
    return _first_few(tx, helped(tx, view, filter))


def states_within(
    tx: Tx, view: View, filter: ItemFilter | None
) -> Callable[[ItemColumns], Predicate]:
    """What an index tells of the states that can match, as a condition on a branch of the view:
    for those who read all that match, however many."""
    found = helped(tx, view, filter)
    if not found:
        return lambda _columns: sa.true()
    few = _first_few(tx, found)
    if few is not None:
        return lambda columns: among(columns.id, few)
    return lambda columns: columns.id.in_(found[0].states())


def _first_few(tx: Tx, found: Sequence[Helped]) -> list[int] | None:
    for one in found:
        few = one.few_states(tx)
        if few is not None:
            return few
    return None


def counted(tx: Tx, view: View, filter: ItemFilter) -> int | None:
    """How many items match, when an index alone can tell."""
    if len(_required(filter)) != 1 or not _asks_nothing_else(filter):
        return None
    for one in helped(tx, view, filter):
        return one.count(tx)
    return None


def _required(filter: ItemFilter | None) -> list[JsonFilter]:
    """The conditions on metadata that every match satisfies."""
    if filter is None:
        return []
    return [*(filter.metadata or ()), *(c for inner in filter.and_ or () for c in _required(inner))]


def _asks_nothing_else(filter: ItemFilter) -> bool:
    plain = ItemFilter(and_=filter.and_, metadata=filter.metadata)
    return filter == plain and all(_asks_nothing_else(inner) for inner in filter.and_ or ())


def _can_be_told(condition: JsonFilter, *, postgres: bool) -> bool:
    return (
        can_be_declared(condition.path) and surely(condition, VALUES, postgres=postgres) is not None
    )
