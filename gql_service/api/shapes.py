"""From the selections of a page to the shape of its rows, where the database can make them.

Whatever cannot be spliced (sources of an item, say, or an argument that will be refused) makes the
whole list go through resolvers, which answer everything; so the two ways never mix in a list.
"""

from __future__ import annotations

from collections.abc import Sequence

import orjson

import gql_service.api.addresses as addresses
from gql_service.api.connections import page_size, window
from gql_service.api.context import Info
from gql_service.api.inputs.item_queries import annotations_asked
from gql_service.api.inputs.orders import order_of
from gql_service.api.point import Point
from gql_service.api.selecting import Nodes, Selecting
from gql_service.catalog.dql_keys import Keys
from gql_service.catalog.dql_settings import Surroundings
from gql_service.catalog.shape import Field, Fields, Linked, Page, Same, Thumbnail, Value
from gql_service.catalog.spliced_values import VALUES
from gql_service.errors import ServiceError

_LINKS = {
    "Item": {"binary": "Binary", "creator": "User", "updatedBy": "User"},
    "Annotation": {"creator": "User", "updatedBy": "User"},
}
_PAGE_INFO = {"hasNextPage", "hasPreviousPage", "startCursor", "endCursor"}
ITEM_LIST = "annotations of items"
"""Names the list of an item's annotations in their cursors; which item is not said there."""


class _NeedsResolvers(Exception):
    """Something is selected that is not made by the database."""


def _id(text: str, path: Sequence[str | int]) -> int:  # noqa: ARG001
    """A shape is of no dataset: what an id in a query names is not known here."""
    raise _NeedsResolvers


_KEYS = Keys(item=_id, annotation=_id)


def lists_of(info: Info, noun: str) -> dict[str, Fields] | None:
    """The objects that are wanted of each row of a connection of `noun`, by response key.

    None when they are to be resolved one by one.
    """
    selections = info.context.selections
    if selections is None or not info.context.backend.splicing:
        return None
    nodes = info._raw_info.field_nodes
    return selections.remembered(f"{noun} lists", nodes, lambda: _lists(selections, noun, nodes))


def _lists(selections: Selecting, noun: str, selected: Nodes) -> dict[str, Fields] | None:
    found: dict[str, Fields] = {}
    try:
        fields = selections.fields_of(f"{noun}Connection", selected)
        for key, nodes in fields.items():
            if nodes[0].name.value == "nodes":
                found[key] = _object(selections, noun, nodes)
            elif nodes[0].name.value == "edges":
                found[key] = _edge(selections, noun, nodes)
    except (_NeedsResolvers, ServiceError):
        return None
    return found


def names_at(info: Info, point: Point, digest: str) -> dict[str, str]:
    """The texts that ids, addresses and cursors of rows at this point are made with."""
    dataset = f"{addresses.files(info.context.backend)}/{point.dataset_id()}/"
    items = f"it_{point.dataset}_"
    version = f"_v{point.id_version}" if point.fixed else ""
    return {
        "item_id": f'"{items}',
        "annotation_id": f'"an_{point.dataset}_',
        "id_end": f'{version}"',
        "item_file": _opened(f"{dataset}{items}"),
        "file_version": version,
        "binary_file": _opened(f"{dataset}bi_"),
        "grant_end": f'grant={addresses.dataset_grant(info, point)}"',
        "version": str(point.version),
        "digest": digest,
    }


def _opened(text: str) -> str:
    return orjson.dumps(text).decode()[:-1]


def _object(selections: Selecting, noun: str, nodes: Nodes) -> Fields:
    links = _LINKS.get(noun, {})
    found: list[Field] = []
    for key, below in selections.fields_of(noun, nodes).items():
        name = below[0].name.value
        if name == "__typename":
            found.append(Same(key, f'"{noun}"'))
        elif name in VALUES[noun]:
            found.append(Value(key, name))
        elif name in links:
            found.append(Linked(key, name, _object(selections, links[name], below)))
        elif noun == "Item" and name == "thumbnailUrl":
            given = selections.arguments_of("Item", below[0])
            found.append(Thumbnail(key, addresses.thumbnail_size(given.get("size", 256))))
        elif noun == "Item" and name == "annotations":
            found.append(_annotations(selections, key, below))
        else:
            raise _NeedsResolvers
    return tuple(found)


def _edge(selections: Selecting, noun: str, nodes: Nodes) -> Fields:
    found: list[Field] = []
    for key, below in selections.fields_of(f"{noun}Edge", nodes).items():
        match below[0].name.value:
            case "cursor":
                found.append(Value(key, "cursor"))
            case "node":
                found.append(Linked(key, "node", _object(selections, noun, below)))
            case _:
                found.append(Same(key, f'"{noun}Edge"'))
    if not found:  # nothing would tell it from a row of which nothing is asked
        raise _NeedsResolvers
    return tuple(found)


def _annotations(selections: Selecting, key: str, nodes: Nodes) -> Page:
    """The first annotations of an item; later pages and last ones are left to resolvers."""
    given = selections.arguments_of("Item", nodes[0])
    window_given = [given.get(name) for name in ("first", "after", "last", "before")]
    around = Surroundings(page=page_size(*window_given), dataset=(), project=())
    query = annotations_asked(given.get("where"), given.get("dql"), _KEYS, around)
    where = query.filter if query else None
    order_by = order_of(given.get("order_by")) or (tuple(query.order) if query else ())
    asked = window((ITEM_LIST, where, order_by), *window_given)
    if asked.backwards or asked.anchor is not None:
        raise _NeedsResolvers
    found: list[Field] = []
    for part, below in selections.fields_of("AnnotationConnection", nodes).items():
        match below[0].name.value:
            case "nodes":
                found.append(Linked(part, "nodes", _object(selections, "Annotation", below)))
            case "edges":
                found.append(Linked(part, "edges", _edge(selections, "Annotation", below)))
            case "pageInfo":
                found.append(Linked(part, "pageInfo", _page_info(selections, below)))
            case "totalCount":
                found.append(Value(part, "totalCount"))
            case "__typename":
                found.append(Same(part, '"AnnotationConnection"'))
            case _:
                raise _NeedsResolvers
    return Page(key, where, order_by, asked.limit, asked.digest, tuple(found))


def _page_info(selections: Selecting, nodes: Nodes) -> Fields:
    found: list[Field] = []
    for key, below in selections.fields_of("PageInfo", nodes).items():
        name = below[0].name.value
        found.append(Value(key, name) if name in _PAGE_INFO else Same(key, '"PageInfo"'))
    return tuple(found)
