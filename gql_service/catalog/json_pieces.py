"""JSON put together by the database: texts side by side, quoted strings, moments.

Written as elements of SQL, because the two databases have other functions for each. What comes out
differs in white space only, if at all.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler

Column = sa.ColumnElement[Any]
Piece = str | Column
"""Text as it is, or a value that becomes text."""

_MOST_ARGUMENTS = 90
"""Of one function: PostgreSQL takes 100, SQLite 127."""
_MILLION = 1_000_000


class _Joined(sa.ColumnElement[str]):
    inherit_cache = False

    def __init__(self, pieces: Sequence[Piece]) -> None:
        self.pieces = pieces
        self.type = sa.Text()


class _Quoted(sa.ColumnElement[str]):
    inherit_cache = False

    def __init__(self, text: Column) -> None:
        self.text = text
        self.type = sa.Text()


class _Moment(sa.ColumnElement[str]):
    inherit_cache = False

    def __init__(self, microseconds: Column) -> None:
        self.microseconds = sa.type_coerce(microseconds, sa.BigInteger())
        self.type = sa.Text()


def joined(pieces: Sequence[Piece]) -> Column:
    """One text of all pieces; NULL counts as empty."""
    merged: list[Piece] = []
    for piece in pieces:
        if isinstance(piece, str) and merged and isinstance(merged[-1], str):
            merged[-1] += piece
        else:
            merged.append(piece)
    parts = [
        _Joined(merged[start : start + _MOST_ARGUMENTS])
        for start in range(0, len(merged), _MOST_ARGUMENTS)
    ]
    return parts[0] if len(parts) == 1 else joined(parts)


def quoted(text: Column) -> Column:
    """A JSON string; null for NULL."""
    return sa.func.coalesce(_Quoted(text), "null", type_=sa.Text())


def numbered(number: Column) -> Column:
    """A JSON number; null for NULL."""
    return sa.func.coalesce(sa.cast(number, sa.Text()), "null", type_=sa.Text())


def truth(test: Column) -> Column:
    """true or false."""
    return sa.case((test, "true"), else_="false")


def moment(microseconds: Column) -> Column:
    """RFC 3339 in UTC, quoted; microseconds only where there are some."""
    return _Moment(microseconds)


@compiles(_Joined, "sqlite")
def _joined_sqlite(element: _Joined, compiler: SQLCompiler, **kw: Any) -> str:
    """Not by printf, which takes half as long again."""
    parts = [
        _literal(compiler, piece)
        if isinstance(piece, str)
        else _never_null(piece, compiler.process(piece, **kw))
        for piece in element.pieces
    ]
    return f"({' || '.join(parts or [_literal(compiler, '')])})"


_NEVER_NULL = (_Joined, sa.BindParameter, sa.Case, sa.sql.functions.coalesce)


def _never_null(piece: Column, text: str) -> str:
    return text if isinstance(piece, _NEVER_NULL) else f"ifnull({text}, '')"


@compiles(_Joined, "postgresql")
def _joined_postgresql(element: _Joined, compiler: SQLCompiler, **kw: Any) -> str:
    values = [
        _literal(compiler, piece) if isinstance(piece, str) else compiler.process(piece, **kw)
        for piece in element.pieces
    ]
    return f"concat({', '.join(values)})"


@compiles(_Quoted, "sqlite")
def _quoted_sqlite(element: _Quoted, compiler: SQLCompiler, **kw: Any) -> str:
    return f"json_quote({compiler.process(element.text, **kw)})"


@compiles(_Quoted, "postgresql")
def _quoted_postgresql(element: _Quoted, compiler: SQLCompiler, **kw: Any) -> str:
    return f"to_json({compiler.process(element.text, **kw)})::text"


@compiles(_Moment, "sqlite")
def _moment_sqlite(element: _Moment, compiler: SQLCompiler, **kw: Any) -> str:
    value = compiler.process(element.microseconds, **kw)
    rest = (
        f"CASE {value} % {_MILLION} WHEN 0 THEN '' ELSE printf('.%06d', {value} % {_MILLION}) END"
    )
    whole = f"strftime('%Y-%m-%dT%H:%M:%S', {value} / {_MILLION}, 'unixepoch')"
    return f"('\"' || {whole} || {rest} || 'Z\"')"


@compiles(_Moment, "postgresql")
def _moment_postgresql(element: _Moment, compiler: SQLCompiler, **kw: Any) -> str:
    value = compiler.process(element.microseconds, **kw)
    micros = f"mod({value}, {_MILLION})"
    rest = f"CASE {micros} WHEN 0 THEN '' ELSE '.' || lpad({micros}::text, 6, '0') END"
    whole = (
        f"to_char(to_timestamp({value} / {_MILLION}) AT TIME ZONE 'UTC', "
        """'YYYY-MM-DD"T"HH24:MI:SS')"""
    )
    return f"('\"' || {whole} || {rest} || 'Z\"')"


def _literal(compiler: SQLCompiler, text: str) -> str:
    return compiler.render_literal_value(text, sa.Text())
