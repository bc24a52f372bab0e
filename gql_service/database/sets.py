"""`column IN (many values)` with one bound parameter, whatever the number of values.

A list of parameters would have to be expanded and compiled anew for every length, once per branch
of a view, and meets the limits of both databases. One JSON text (SQLite) or one array
(PostgreSQL) keeps statements cacheable.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from itertools import islice
from typing import Any, TypeVar

import orjson
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.engine import Dialect
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler

T = TypeVar("T")

CHUNK = 20_000
"""Rows or values handled by one statement, where there may be any number."""


class _ValueList(sa.types.TypeDecorator[list[Any]]):
    """A list of numbers or of texts, as JSON on SQLite and as an array on PostgreSQL."""

    impl = sa.Text
    cache_ok = True

    def __init__(self, numbers: bool) -> None:
        # Not keyword-only: SQLAlchemy takes no such argument into the key of its cache, and would
        # give the statement for numbers to texts.
        super().__init__()
        self.numbers = numbers

    def load_dialect_impl(self, dialect: Dialect) -> sa.types.TypeEngine[Any]:
        if dialect.name == "postgresql":
            element: sa.types.TypeEngine[Any] = sa.BigInteger() if self.numbers else sa.Text()
            return dialect.type_descriptor(ARRAY(element))
        return dialect.type_descriptor(sa.Text())

    def process_bind_param(self, value: list[Any] | None, dialect: Dialect) -> Any:
        if value is None or dialect.name == "postgresql":
            return value
        return orjson.dumps(value).decode()


class _Among(sa.ColumnElement[bool]):
    inherit_cache = True
    _traverse_internals = [  # noqa: RUF012 - the name and form SQLAlchemy asks for
        ("column", sa.sql.visitors.InternalTraversal.dp_clauseelement),
        ("values", sa.sql.visitors.InternalTraversal.dp_clauseelement),
    ]

    def __init__(self, column: sa.ColumnElement[Any], values: sa.ColumnElement[Any]) -> None:
        self.column = column
        self.values = values
        self.type = sa.Boolean()

    def self_group(self, against: Any = None) -> sa.ColumnElement[bool]:  # noqa: ARG002
        return self  # else SQLite is asked for `(…) = 1`, which no index serves


@compiles(_Among, "sqlite")
def _among_sqlite(element: _Among, compiler: SQLCompiler, **kw: Any) -> str:
    column, values = compiler.process(element.column, **kw), compiler.process(element.values, **kw)
    return f"({column} IN (SELECT value FROM json_each({values})))"


@compiles(_Among, "postgresql")
def _among_postgresql(element: _Among, compiler: SQLCompiler, **kw: Any) -> str:
    column, values = compiler.process(element.column, **kw), compiler.process(element.values, **kw)
    return f"({column} = ANY ({values}))"


def among(
    column: sa.ColumnElement[Any], values: Collection[int] | Collection[str]
) -> sa.ColumnElement[bool]:
    """True where `column` is one of `values`; all of them numbers, or all of them texts."""
    listed: list[Any] = list(values)
    if not listed:  # of which type it is nobody can say, and PostgreSQL asks
        return sa.false()
    numbers = not isinstance(listed[0], str)
    return _Among(column, sa.bindparam(None, listed, type_=_ValueList(numbers)))


def among_given(
    column: sa.ColumnElement[Any], name: str, *, numbers: bool = True
) -> sa.ColumnElement[bool]:
    """As `among`, with the list given by name when the statement is executed."""
    return _Among(column, sa.bindparam(name, type_=_ValueList(numbers)))


def chunks(values: Iterable[T], size: int = CHUNK) -> Iterable[list[T]]:
    """`values` in lists of at most `size`."""
    iterator = iter(values)
    while part := list(islice(iterator, size)):
        yield part


def listed(values: Collection[int], *, postgres: bool) -> sa.TableValuedAlias:
    """The numbers as rows with one column, `value`."""
    given = sa.bindparam(None, sorted(values), type_=_ValueList(True))
    value = sa.column("value", sa.BigInteger())
    if postgres:
        return sa.func.unnest(given).table_valued(value).render_derived()
    return sa.func.json_each(given).table_valued(value)
