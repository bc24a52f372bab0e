"""Filters asked of views whose metadata is indexed at the paths that the filters name."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from gql_service.catalog import indexed_filter
from gql_service.catalog.filters import ItemFilter, JsonFilter
from gql_service.catalog.metadata_index import can_be_declared
from gql_service.catalog.page import count_items, page_items
from gql_service.catalog.visibility import View
from gql_service.database.engine import Tx
from gql_service.versions.index_filling import declare_index
from gql_service.versions.selection import Selection, selected_keys

ALL = 1_000


def with_indexes(tx: Tx, view: View, wheres: Sequence[ItemFilter]) -> list[ItemFilter]:
    """Declares all paths of metadata that these filters name; the filters that name one."""
    named = [(where, _paths(where)) for where in wheres]
    for path in sorted(set().union(*(paths for _, paths in named))):
        declare_index(tx, view.dataset, path, most=ALL)
    return [where for where, paths in named if paths]


def compare_with_indexes(tx: Tx, view: View, where: ItemFilter, expected: set[int]) -> None:
    """Pages, counts and selections are those without an index, be the matches few or many."""
    whole = Selection(where=where, checked=True)
    for few in (indexed_filter.FEW, 0):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(indexed_filter, "FEW", few)
            found = [row.key for row in page_items(tx, view, where, limit=ALL).rows]
            assert set(found) == expected and len(found) == len(expected), where
            assert selected_keys(tx, view, whole) == sorted(expected), where
            assert count_items(tx, view, where) == len(expected), where


def _paths(where: ItemFilter) -> set[tuple[str, ...]]:
    here: list[JsonFilter] = list(where.metadata or ())
    inside = (_paths(inner) for inner in where.and_ or ())
    return {tuple(one.path) for one in here if can_be_declared(one.path)}.union(*inside)
