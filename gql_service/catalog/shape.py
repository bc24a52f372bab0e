"""What is wanted of every row of a page, as a plain value: the JSON object to make of it.

A shape names values by the words of the interface; which column each one is only
`catalog/spliced.py` knows. Shapes are equal when they ask for the same, whoever asks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

from gql_service.catalog.filters import AnnotationFilter


@dataclass(frozen=True, slots=True)
class Value:
    """A value of the row, under the key `key` of the object."""

    key: str
    name: str


@dataclass(frozen=True, slots=True)
class Thumbnail:
    """The address of the item's thumbnail in a size, null where there is none."""

    key: str
    size: int


@dataclass(frozen=True, slots=True)
class Same:
    """The same JSON text in every row."""

    key: str
    text: str


@dataclass(frozen=True, slots=True)
class Linked:
    """An object that the row leads to, or a part of a page."""

    key: str
    name: str
    fields: tuple[Field, ...]


@dataclass(frozen=True, slots=True)
class Page:
    """The first `limit` annotations of an item; `fields` are those of the connection.

    `digest` is the last part of their cursors.
    """

    key: str
    where: AnnotationFilter | None
    order: tuple[tuple[str, bool], ...]
    limit: int
    digest: str
    fields: tuple[Field, ...]


Field: TypeAlias = Value | Same | Linked | Page | Thumbnail
Fields: TypeAlias = tuple[Field, ...]


_NODES = {"node", "binary", "creator", "updatedBy"}


def nodes_in(fields: Fields, made: dict[str, Any]) -> int:
    """How many objects with an id of their own a finished row has; it is one itself, unless it is
    an edge."""
    count = int(not any(_of_edge(field) for field in fields))
    for field in fields:
        match field:
            case Linked() if field.name in _NODES:
                count += nodes_in(field.fields, made[field.key])
            case Page():
                for part in field.fields:
                    if isinstance(part, Linked) and part.name in ("nodes", "edges"):
                        count += sum(
                            nodes_in(part.fields, one) for one in made[field.key][part.key]
                        )
    return count


def _of_edge(field: Field) -> bool:
    if isinstance(field, Same):
        return field.text.endswith('Edge"')
    return isinstance(field, Value | Linked) and field.name in ("cursor", "node")
