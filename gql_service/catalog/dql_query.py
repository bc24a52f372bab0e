"""Whole queries of the JSON query language, made into the filter and the order that they mean.

A query is `{filter, join, intersect, except, sort}`, or a bare condition. Other keys of the
language are known: those that arguments of GraphQL replace are accepted unless they say something
else, and those that change things are refused, naming the mutation to use.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Generic

from gql_service.catalog.dql_condition import Compiler, F
from gql_service.catalog.dql_keys import SYSTEM, Keys, user_path
from gql_service.catalog.dql_place import At, Budget, check_depth
from gql_service.catalog.dql_settings import Surroundings, check_setting
from gql_service.catalog.filters import AnnotationFilter, AnnotationsFilter, ItemFilter
from gql_service.catalog.item_order import ItemOrder, ItemOrderField
from gql_service.catalog.json_text import JSON_DEPTH, canonical
from gql_service.catalog.page import AnnotationOrder, AnnotationOrderField

_MEANT = ("filter", "join", "intersect", "except", "sort")
_SETTINGS = (
    *("resource", "page", "pageSize", "limit", "skip", "select", "context"),
    *("systemSpace", "countTotal", "update", "delete", "references"),
)
_TOP_ONLY = ("intersect", "except", "limit", "sort", "select")
_DIRECTIONS = {"ascending": False, "descending": True}
_ITEM_SORTS: dict[str, ItemOrderField | None] = {
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
_ANNOTATION_SORTS: dict[str, AnnotationOrderField] = {
    "id": "key",
    "label": "label",
    "type": "type",
    "createdAt": "created_at",
    "updatedAt": "updated_at",
}
MAX_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Query:
    """What a JSON query of items asks for. An empty order leaves it to the caller."""

    filter: ItemFilter
    order: ItemOrder


@dataclass(frozen=True, slots=True)
class AnnotationQuery:
    """As `Query`, of annotations."""

    filter: AnnotationFilter
    order: AnnotationOrder


def compile_items(query: Any, keys: Keys, surroundings: Surroundings) -> Query:
    """The items that a query means.

    Raises Invalid and LimitExceeded with the path inside the query, in the message as it is
    written there: unknown keys, operators and resources, values that cannot be compared, more
    than 8 levels, 100 conditions, 1,000 values in a list or 256 characters in a pattern, and what
    contradicts its surroundings.
    """
    budget = Budget()
    items, annotations = keys.items(budget), keys.annotations(budget)

    def joined(condition: Any, at: At, depth: int) -> ItemFilter:
        wanted = annotations.condition(condition, at, depth)
        return ItemFilter(annotations=AnnotationsFilter(some=wanted))

    on = {"resource": "annotations", "local": "itemId", "forigen": "id"}
    reader = _Reader("items", items, joined, on, surroundings)
    filter, sort = _read(query, reader)
    return Query(filter, _item_order(sort))


def compile_annotations(query: Any, keys: Keys, surroundings: Surroundings) -> AnnotationQuery:
    """The annotations that a query means; a join says which items they are on. Raises as
    `compile_items`."""
    budget = Budget()
    items, annotations = keys.items(budget), keys.annotations(budget)

    def joined(condition: Any, at: At, depth: int) -> AnnotationFilter:
        return AnnotationFilter(on_item=items.condition(condition, at, depth))

    on = {"resource": "items", "local": "id", "forigen": "itemId"}
    reader = _Reader("annotations", annotations, joined, on, surroundings)
    filter, sort = _read(query, reader)
    return AnnotationQuery(filter, _annotation_order(sort))


def _read(query: Any, reader: _Reader[F]) -> tuple[F, Mapping[str, Any]]:
    """The filter, and how it sorts."""
    if not isinstance(query, dict):
        raise At().refusal("A query is an object")
    canonical(query, object_only=True, max_bytes=MAX_BYTES, max_levels=2 * JSON_DEPTH)
    if not any(key in (*_MEANT, *_SETTINGS) for key in query):
        return reader.compiler.condition(query, At(), 1), {}
    given = {key: value for key, value in query.items() if value is not None}
    filter = reader.read(given, At(), 1)
    sort = given.get("sort", {})
    if not isinstance(sort, dict):
        raise (At() / "sort").refusal("an object is needed here: {field: direction, …}")
    return filter, sort


@dataclass(frozen=True, slots=True)
class _Reader(Generic[F]):
    """Reads queries of one resource. `joined` makes the filter of a condition on the other one,
    and `on` is how a join spells that the two belong together."""

    resource: str
    compiler: Compiler[F]
    joined: Callable[[Any, At, int], F]
    on: Mapping[str, str]
    surroundings: Surroundings

    def read(self, query: Mapping[str, Any], at: At, depth: int) -> F:
        parts: list[F] = []
        for key, value in query.items():
            here = at / key
            if key == "filter":
                parts.append(self.compiler.condition(value, here, depth))
            elif key == "join":
                parts.append(self._join(value, here, depth + 1))
            elif key == "intersect":
                parts.append(self._other(value, here, depth + 1))
            elif key == "except":
                parts.append(self.compiler.kind.negated(self._other(value, here, depth + 1)))
            elif key in _SETTINGS:
                check_setting(key, value, here, self.surroundings, self.resource)
            elif key != "sort":
                raise here.refusal("this key of a query is not known")
        return self.compiler.kind.all_of(parts)

    def _other(self, value: Any, at: At, depth: int) -> F:
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

    def _join(self, value: Any, at: At, depth: int) -> F:
        """Of an item, at least one annotation satisfies the whole condition; of an annotation, its
        item does."""
        check_depth(depth, at)
        join = _only(value, ("on", "filter"), at)
        for key, named in _only(join.get("on") or {}, tuple(self.on), at / "on").items():
            if named != self.on[key]:
                told = f'{self.resource} are joined on "{self.on[key]}" here'
                raise (at / "on" / key).refusal(told)
        return self.joined(join.get("filter", {}), at / "filter", depth)


def _only(value: Any, known: tuple[str, ...], at: At) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise at.refusal("an object is needed here")
    for key in value:
        if key not in known:
            raise (at / key).refusal("this key is not known here")
    return value


def _item_order(sort: Mapping[str, Any]) -> ItemOrder:
    order: list[tuple[ItemOrderField | tuple[str, ...], bool]] = []
    for key, here, descends in _steps(sort):
        if key in _ITEM_SORTS:
            field = _ITEM_SORTS[key]
            if field is not None:
                order.append((field, descends))
        elif key.startswith("metadata.") and not key.startswith(f"{SYSTEM}."):
            order.append((user_path(key, here), descends))
        else:
            raise here.refusal("items cannot be sorted by this key")
    return tuple(order)


def _annotation_order(sort: Mapping[str, Any]) -> AnnotationOrder:
    order: list[tuple[AnnotationOrderField, bool]] = []
    for key, here, descends in _steps(sort):
        if key not in _ANNOTATION_SORTS:
            raise here.refusal("annotations cannot be sorted by this key")
        order.append((_ANNOTATION_SORTS[key], descends))
    return tuple(order)


def _steps(sort: Mapping[str, Any]) -> Iterator[tuple[str, At, bool]]:
    """Each key with its place and whether it descends."""
    for key, direction in sort.items():
        here = At() / "sort" / key
        if not isinstance(direction, str) or direction not in _DIRECTIONS:
            raise here.refusal('the direction is "ascending" or "descending"')
        yield key, here, _DIRECTIONS[direction]
