"""What is wanted of every row of a page, as a plain value: the JSON object to make of it.

A shape names values by the words of the interface; which column each one is only
`catalog/spliced.py` knows. Shapes are equal when they ask for the same, whoever asks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from gql_service.catalog.filters import AnnotationFilter


@dataclass(frozen=True, slots=True)
class Value:
    """A value of the row, under the key `key` of the object."""

    key: str
    name: str


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


Field: TypeAlias = Value | Same | Linked | Page
Fields: TypeAlias = tuple[Field, ...]
