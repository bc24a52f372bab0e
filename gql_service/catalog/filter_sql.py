"""Filters as one SQL predicate over the masked columns of one branch of a view.

The same meaning on SQLite and PostgreSQL (`filters` has the table). Predicates are never NULL, so
`not` is SQL's NOT. Nothing uses LIKE, whose idea of case differs between the two.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import sqlalchemy as sa

from gql_service.catalog.binary import Binary
from gql_service.catalog.filter_json import json_predicate
from gql_service.catalog.filter_values import TextColumn, in_range, text_predicate, value_predicate
from gql_service.catalog.filters import (
    AnnotationFilter,
    AnnotationsFilter,
    ItemFilter,
    JsonFilter,
    StringFilter,
)
from gql_service.catalog.item import ItemState
from gql_service.catalog.user import User
from gql_service.catalog.visibility import (
    AnnotationColumns,
    ItemColumns,
    View,
    visible_annotations,
    visible_items,
)
from gql_service.database.columns import table_of
from gql_service.database.sets import among

Column = sa.ColumnElement[Any]
Predicate = sa.ColumnElement[bool]
F = TypeVar("F", ItemFilter, AnnotationFilter)


def item_predicate(
    filter: ItemFilter, columns: ItemColumns, view: View, *, postgres: bool
) -> Predicate:
    """True of the items of one branch of `view` that satisfy the filter; never NULL."""
    tests = _combined(filter, lambda inner: item_predicate(inner, columns, view, postgres=postgres))
    if filter.ids is not None:
        tests.append(among(columns.key, filter.ids) if filter.ids else sa.false())
    tests += _path_tests(filter, columns.path, postgres)
    if filter.description is not None:
        told = TextColumn(columns.description, nullable=True)
        tests.append(text_predicate(told, filter.description, postgres=postgres))
    if filter.hidden is not None:
        tests.append(columns.hidden == (sa.true() if filter.hidden else sa.false()))
    if filter.annotated is not None:
        tests.append(_quantified(AnnotationFilter(), columns, view, filter.annotated, postgres))
    tests += _binary_tests(filter, columns, postgres)
    for column, asked in (
        (columns.key, filter.key),
        (columns.created_at, filter.created_at),
        (columns.updated_at, filter.updated_at),
        (columns.created_by, filter.creator),
        (columns.updated_by, filter.updated_by),
    ):
        if asked is not None:
            tests.append(value_predicate(column, asked))
    tests += _email_tests(columns.created_by, filter.creator_email, postgres)
    tests += _email_tests(columns.updated_by, filter.updater_email, postgres)
    tests += _json_tests(columns.metadata, filter.metadata, postgres)
    if filter.annotations is not None:
        tests += _annotations_tests(filter.annotations, columns, view, postgres)
    return sa.and_(sa.true(), *tests)


def annotation_predicate(
    filter: AnnotationFilter, columns: AnnotationColumns, view: View, *, postgres: bool
) -> Predicate:
    """True of the annotations of one branch of `view` that satisfy the filter; never NULL."""

    def compiled(inner: AnnotationFilter) -> Predicate:
        return annotation_predicate(inner, columns, view, postgres=postgres)

    tests = _combined(filter, compiled)
    if filter.label is not None:
        label = TextColumn(columns.label, composed=True, indexed=columns.label)
        tests.append(text_predicate(label, filter.label, postgres=postgres))
    if filter.type is not None:
        tests.append(text_predicate(TextColumn(columns.type), filter.type, postgres=postgres))
    if filter.status is not None:
        status = TextColumn(columns.status, nullable=True)
        tests.append(text_predicate(status, filter.status, postgres=postgres))
    for column, asked in (
        (columns.key, filter.key),
        (columns.item, filter.item),
        (columns.created_by, filter.creator),
        (columns.created_at, filter.created_at),
        (columns.updated_at, filter.updated_at),
    ):
        if asked is not None:
            tests.append(value_predicate(column, asked))
    tests += _email_tests(columns.created_by, filter.creator_email, postgres)
    tests += _json_tests(columns.attributes, filter.attributes, postgres)
    tests += _json_tests(columns.metadata, filter.metadata, postgres)
    if filter.on_item is not None:
        tests.append(_on_such_item(filter.on_item, columns, view, postgres))
    return sa.and_(sa.true(), *tests)


def _combined(filter: F, compiled: Callable[[F], Predicate]) -> list[Predicate]:
    tests: list[Predicate] = []
    if filter.and_ is not None:
        tests += [compiled(inner) for inner in filter.and_]
    if filter.or_ is not None:
        tests.append(sa.or_(sa.false(), *(compiled(inner) for inner in filter.or_)))
    if filter.not_ is not None:
        tests.append(sa.not_(compiled(filter.not_)))
    return tests


def directory_with_slash(path: Column) -> Column:
    """`/a/b.jpg` → `/a/`: what remains when no character but slashes is left to trim."""
    return sa.func.rtrim(path, sa.func.replace(path, "/", ""), type_=path.type)


def name_of_path(path: Column) -> Column:
    """`/a/b.jpg` → `b.jpg`."""
    start = sa.func.length(directory_with_slash(path)) + 1
    return sa.func.substr(path, start, type_=path.type)


def directory_of_path(path: Column) -> Column:
    """`/a/b.jpg` → `/a`, and `/` at the top."""
    whole = directory_with_slash(path)
    length = sa.func.length(whole)
    shown = sa.case((length > 1, length - 1), else_=1)
    return sa.func.substr(whole, 1, shown, type_=path.type)


def _path_tests(filter: ItemFilter, path: Column, postgres: bool) -> list[Predicate]:
    texts: list[tuple[StringFilter | None, TextColumn]] = [
        (filter.path, TextColumn(path, composed=True, indexed=path)),
        (filter.name, TextColumn(name_of_path(path), composed=True)),
        (filter.directory, TextColumn(directory_of_path(path), composed=True, indexed=path)),
    ]
    tests = [text_predicate(column, asked, postgres=postgres) for asked, column in texts if asked]
    if filter.directory is not None and filter.directory.eq is not None:
        inside = unicodedata.normalize("NFC", filter.directory.eq).removesuffix("/") + "/"
        tests.append(in_range(path, inside))
    return tests


def _binary_tests(filter: ItemFilter, columns: ItemColumns, postgres: bool) -> list[Predicate]:
    """At most one test: that of the item's binary.

    A correlated look-up by primary key, so that a page ends after its rows. A digest names one
    binary at most; there the look-up begins with it and leads to the states by their ids, since
    SQLite would rather go through the whole line than through the index on `binary`.
    """
    b = table_of(Binary).alias()
    tests: list[Predicate] = []
    if filter.mime_type is not None:
        kind = TextColumn(b.c.mime_type, segments=False)
        tests.append(text_predicate(kind, filter.mime_type, postgres=postgres))
    for column, asked in ((b.c.width, filter.width), (b.c.height, filter.height)):
        if asked is not None:
            tests.append(value_predicate(column, asked, nullable=True))
    if filter.size is not None:
        tests.append(value_predicate(b.c.size, filter.size))
    if filter.sha256 is not None:
        tests.append(text_predicate(TextColumn(b.c.sha256), filter.sha256, postgres=postgres))
        if filter.sha256.eq is not None or filter.sha256.in_ is not None:
            state = table_of(ItemState).alias()
            held = sa.select(state.c.id).where(state.c.binary == b.c.id, *tests)
            return [columns.id.in_(held.correlate(None))]
    if not tests:
        return []
    held = sa.select(sa.literal(1)).select_from(b).where(b.c.id == columns.binary, *tests)
    return [held.exists()]


def _email_tests(user: Column, filter: StringFilter | None, postgres: bool) -> list[Predicate]:
    if filter is None:
        return []
    u = table_of(User).alias()
    test = text_predicate(TextColumn(u.c.email), filter, postgres=postgres)
    return [sa.select(sa.literal(1)).select_from(u).where(u.c.id == user, test).exists()]


def _json_tests(
    document: Column, filters: Sequence[JsonFilter] | None, postgres: bool
) -> list[Predicate]:
    return [json_predicate(document, asked, postgres=postgres) for asked in filters or ()]


def _annotations_tests(
    filter: AnnotationsFilter, columns: ItemColumns, view: View, postgres: bool
) -> list[Predicate]:
    tests = []
    if filter.some is not None:
        tests.append(_quantified(filter.some, columns, view, True, postgres))
    if filter.none is not None:
        tests.append(_quantified(filter.none, columns, view, False, postgres))
    if filter.every is not None:
        failing = AnnotationFilter(not_=filter.every)
        tests.append(_quantified(failing, columns, view, False, postgres))
    return tests


def _on_such_item(
    filter: ItemFilter, columns: AnnotationColumns, view: View, postgres: bool
) -> Predicate:
    """True where the item of the annotation satisfies the filter: one look-up by its key."""

    def build(c: ItemColumns) -> sa.Select[Any]:
        holds = item_predicate(filter, c, view, postgres=postgres)
        return sa.select(sa.literal(1)).where(c.key == columns.item, holds)

    return visible_items(view, build).exists()


def _quantified(
    filter: AnnotationFilter, columns: ItemColumns, view: View, wanted: bool, postgres: bool
) -> Predicate:
    """True where an annotation of the item satisfies the filter (`wanted`), or where none does.

    Asked of the annotations of each item, so that a page ends after its rows; on SQLite, a filter
    that names labels is looked up by them instead, once, unless they are frequent. PostgreSQL
    decides by itself for EXISTS, but for frequent ones, and must not be given IN: once its list
    outgrows `work_mem`, NOT IN scans it for every row.
    """
    label = filter.label
    by_label = not (postgres or filter.frequent or label is None) and not (
        label.eq is None and label.in_ is None
    )

    def build(c: AnnotationColumns) -> sa.Select[Any]:
        holds = annotation_predicate(filter, c, view, postgres=postgres)
        if by_label:
            return sa.select(c.item).where(holds)
        return sa.select(sa.literal(1)).where(c.item == columns.key, holds)

    found: Any = visible_annotations(view, build)
    if postgres and filter.frequent:
        found = found.offset(0)  # which keeps it from being made a join of all annotations
    test = columns.key.in_(found) if by_label else found.exists()
    return test if wanted else sa.not_(test)
