"""Whole queries of the JSON query language, made into the filter and the order that they mean.

A query is `{filter, join, intersect, except, sort}`, or a bare condition. Other keys of the
language are known: those that arguments of GraphQL replace are accepted unless they say something
else, and those that change things are refused, naming the mutation to use.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gql_service.catalog.dql_keys import SYSTEM, Keys, user_path
from gql_service.catalog.dql_place import At, Budget, check_depth
from gql_service.catalog.dql_settings import Surroundings, check_setting
from gql_service.catalog.filters import AnnotationFilter, AnnotationsFilter, ItemFilter
from gql_service.catalog.item_order import ItemOrder, ItemOrderField
from gql_service.catalog.json_text import JSON_DEPTH, canonical

_MEANT = ("filter", "join", "intersect", "except", "sort")
_SETTINGS = (
    *("resource", "page", "pageSize", "limit", "skip", "select", "context"),
    *("systemSpace", "countTotal", "update", "delete", "references"),
)
_TOP_ONLY = ("intersect", "except", "limit", "sort", "select")
_DIRECTIONS = {"ascending": False, "descending": True}
_SORTS: dict[str, ItemOrderField | None] = {
    "id": "key",
    "name": "name",
    "filename": "path",
    "dir": "directory",
    "createdAt": "created_at",
    "updatedAt": "updated_at",
    "type": None,  # the same for all
    f"{SYSTEM}.size": "size",
    f"{SYSTEM}.mimetype": "mime_type",
    f"{SYSTEM}.width": "width",
    f"{SYSTEM}.height": "height",
}
_JOIN = {"resource": "annotations", "local": "itemId", "forigen": "id"}
MAX_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Query:
    """What a JSON query of items asks for. An empty order leaves it to the caller."""

    filter: ItemFilter
    order: ItemOrder


def compile_items(query: Any, keys: Keys, surroundings: Surroundings) -> Query:
    """The items that a query means.

    Raises Invalid and LimitExceeded with the path inside the query, in the message as it is
    written there: unknown keys, operators and resources, values that cannot be compared, more
    than 8 levels, 100 conditions, 1,000 values in a list or 256 characters in a pattern, and what
    contradicts its surroundings.
    """
    if not isinstance(query, dict):
        raise At().refusal("A query is an object")
    levels = 2 * JSON_DEPTH
    canonical(query, object_only=True, max_bytes=MAX_BYTES, max_levels=levels)
    budget = Budget()
    given = {key: value for key, value in query.items() if value is not None}
    if not any(key in (*_MEANT, *_SETTINGS) for key in query):
        return Query(keys.items(budget).condition(query, At(), 1), ())
    reader = _Reader(keys, budget, surroundings)
    return Query(reader.read(given, At(), 1), _order(given.get("sort", {}), At() / "sort"))


@dataclass(frozen=True, slots=True)
class _Reader:
    keys: Keys
    budget: Budget
    surroundings: Surroundings

    def read(self, query: Mapping[str, Any], at: At, depth: int) -> ItemFilter:
        parts = []
        for key, value in query.items():
            here = at / key
            if key == "filter":
                parts.append(self.keys.items(self.budget).condition(value, here, depth))
            elif key == "join":
                parts.append(self._join(value, here, depth + 1))
            elif key == "intersect":
                parts.append(self._other(value, here, depth + 1))
            elif key == "except":
                parts.append(ItemFilter(not_=self._other(value, here, depth + 1)))
            elif key in _SETTINGS:
                check_setting(key, value, here, self.surroundings)
            elif key != "sort":
                raise here.refusal("this key of a query is not known")
        return parts[0] if len(parts) == 1 else ItemFilter(and_=tuple(parts))

    def _other(self, value: Any, at: At, depth: int) -> ItemFilter:
        """The query inside of `intersect` or `except`."""
        check_depth(depth, at)
        query = _only(value, ("query",), at).get("query")
        here = at / "query"
        if not isinstance(query, dict):
            raise here.refusal("a query is needed here")
        for key in query:
            if key in _TOP_ONLY:
                raise (here / key).refusal("this key has its place in the outermost query only")
        given = {key: inner for key, inner in query.items() if inner is not None}
        return self.read(given, here, depth)

    def _join(self, value: Any, at: At, depth: int) -> ItemFilter:
        """At least one annotation satisfies the whole condition."""
        check_depth(depth, at)
        join = _only(value, ("on", "filter"), at)
        for key, named in _only(join.get("on") or {}, tuple(_JOIN), at / "on").items():
            if named != _JOIN[key]:
                raise (at / "on" / key).refusal(f'items are joined on "{_JOIN[key]}" here')
        compiler = self.keys.annotations(self.budget)
        wanted: AnnotationFilter = compiler.condition(join.get("filter", {}), at / "filter", depth)
        return ItemFilter(annotations=AnnotationsFilter(some=wanted))


def _only(value: Any, known: tuple[str, ...], at: At) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise at.refusal("an object is needed here")
    for key in value:
        if key not in known:
            raise (at / key).refusal("this key is not known here")
    return value


def _order(sort: Any, at: At) -> ItemOrder:
    if not isinstance(sort, dict):
        raise at.refusal("an object is needed here: {field: direction, …}")
    order: list[tuple[ItemOrderField | tuple[str, ...], bool]] = []
    for key, direction in sort.items():
        here = at / key
        if not isinstance(direction, str) or direction not in _DIRECTIONS:
            raise here.refusal('the direction is "ascending" or "descending"')
        if key in _SORTS:
            field = _SORTS[key]
            if field is not None:
                order.append((field, _DIRECTIONS[direction]))
        elif key.startswith("metadata.") and not key.startswith(f"{SYSTEM}."):
            order.append((user_path(key, here), _DIRECTIONS[direction]))
        else:
            raise here.refusal("items cannot be sorted by this key")
    return tuple(order)
