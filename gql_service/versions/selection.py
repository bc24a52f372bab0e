"""Which items an operation is about: some by key, or all that a filter matches."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from gql_service.catalog.filter_limits import check
from gql_service.catalog.filter_sql import item_predicate
from gql_service.catalog.filters import ItemFilter
from gql_service.catalog.indexed_filter import states_within
from gql_service.catalog.visibility import ItemColumns, View, visible_items
from gql_service.database.engine import Tx
from gql_service.database.sets import among
from gql_service.errors import NotFound
from gql_service.versions.content import items_by_key


@dataclass(frozen=True, slots=True)
class Selection:
    """Items by their keys, or by a filter: exactly one of the two.

    `checked` says that the filter keeps to limits that were counted otherwise: those of a JSON
    query, which may take more levels as a filter.
    """

    keys: tuple[int, ...] | None = None
    where: ItemFilter | None = None
    checked: bool = False


def condition(
    tx: Tx, view: View, selection: Selection | None
) -> Callable[[ItemColumns], sa.ColumnElement[bool]]:
    """The selection as a condition on the columns of a branch of `view`.

    Raises NotFound when a key is not visible there, LimitExceeded for a filter that is too large.
    """
    if selection is None:
        return lambda _columns: sa.true()
    if selection.keys is not None:
        keys = selection.keys
        if items_by_key(tx, view, keys).keys() != set(keys):
            raise NotFound("There is no such item in the dataset", path=("ids",))
        return lambda columns: among(columns.key, keys)
    where = selection.where
    assert where is not None, "a selection of nothing"
    if not selection.checked:
        check(where, ("where",))
    within = states_within(tx, view, where)
    return lambda columns: sa.and_(
        within(columns), item_predicate(where, columns, view, postgres=tx.postgres)
    )


def selected_keys(tx: Tx, view: View, selection: Selection) -> list[int]:
    """The keys of the selected items, ascending. Raises as `condition`."""
    chosen = condition(tx, view, selection)
    if selection.keys is not None:
        return sorted(set(selection.keys))

    def build(columns: ItemColumns) -> sa.Select[Any]:
        return sa.select(columns.key).where(chosen(columns))

    return sorted(row.key for row in tx.rows(visible_items(view, build)))
