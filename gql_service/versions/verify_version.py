"""What must hold of one version of one dataset: what it shows, counts and has seen.

All statements are prepared: a store has many versions and few shapes of piles.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import sqlalchemy as sa

from gql_service.catalog.finding import EXAMPLES, Finding
from gql_service.catalog.prepared import PreparedRead
from gql_service.catalog.sheet import AnnotationColumns, ItemColumns
from gql_service.catalog.visibility import View, visible_annotations, visible_items
from gql_service.database.engine import Tx
from gql_service.versions.counting import LABEL_COUNTS
from gql_service.versions.knowledge import KNOWLEDGE

Ask = Callable[[sa.Subquery], sa.Select[Any]]


def check_version(tx: Tx, view: View, version: sa.Row[Any]) -> Iterator[Finding]:
    """Every finding about a version; `version` is its row, with the counters."""
    where = f"dataset {view.dataset}, version {view.version}"
    for invariant, read in _NEVER:
        rows = read.rows(tx, view)
        if rows:
            yield Finding(invariant, f"{where}: {', '.join(str(tuple(row)) for row in rows)}")
    yield from _counters(tx, view, version, where)
    yield from _origins(tx, view, where)


def holdings(tx: Tx, view: View) -> dict[tuple[int, int], int]:
    """How many of the items that are shown hold each binary, by dataset and binary."""
    return {(view.dataset, row.binary): row.held for row in _HELD.rows(tx, view)}


def _columns_of_items(*names: str) -> Callable[[ItemColumns], sa.Select[Any]]:
    return lambda c: sa.select(*(getattr(c, name).label(name) for name in names))


def _columns_of_annotations(*names: str) -> Callable[[AnnotationColumns], sa.Select[Any]]:
    return lambda c: sa.select(*(getattr(c, name).label(name) for name in names))


def _of_items(ask: Ask, *names: str) -> PreparedRead[ItemColumns]:
    """A question about the items that a view shows, which needs the columns named."""
    return PreparedRead(
        lambda view, build: ask(visible_items(view, build).subquery()), _columns_of_items(*names)
    )


def _of_annotations(ask: Ask, *names: str) -> PreparedRead[AnnotationColumns]:
    return PreparedRead(
        lambda view, build: ask(visible_annotations(view, build).subquery()),
        _columns_of_annotations(*names),
    )


def _twice(shown: sa.Subquery) -> sa.Select[Any]:
    (column,) = shown.c
    return sa.select(column).group_by(column).having(sa.func.count() > 1).limit(EXAMPLES)


def _orphans(view: View, build: Callable[[AnnotationColumns], sa.Select[Any]]) -> sa.Select[Any]:
    annotations = visible_annotations(view, build).subquery()
    items = visible_items(view, _columns_of_items("key")).subquery()
    return (
        sa.select(annotations.c.key)
        .outerjoin(items, items.c.key == annotations.c.item)
        .where(items.c.key.is_(None))
        .limit(EXAMPLES)
    )


_NEVER: tuple[tuple[str, PreparedRead[Any]], ...] = (
    ("every item is shown once", _of_items(_twice, "key")),
    ("every path is shown once", _of_items(_twice, "path")),
    ("every annotation is shown once", _of_annotations(_twice, "key")),
    (
        "every annotation lies on an item that is shown",
        PreparedRead(_orphans, _columns_of_annotations("key", "item")),
    ),
)
"""Invariants, and the question that has no answer where they hold."""


def _held(items: sa.Subquery) -> sa.Select[Any]:
    return sa.select(items.c.binary, sa.func.count().label("held")).group_by(items.c.binary)


def _per_label(annotations: sa.Subquery) -> sa.Select[Any]:
    count = sa.func.count().label("count")
    return sa.select(annotations.c.label, count).group_by(annotations.c.label)


def _distinct(shown: sa.Subquery) -> sa.Select[Any]:
    return sa.select(shown.c.origin_dataset, shown.c.origin_version).distinct()


def _annotated(annotations: sa.Subquery) -> sa.Select[Any]:
    counts: list[sa.ColumnElement[Any]] = [
        sa.func.count().label("annotations"),
        sa.func.count(annotations.c.item.distinct()).label("annotated_items"),
    ]
    return sa.select(*counts)


_HELD = _of_items(_held, "binary")
_COUNTED = (
    _of_items(lambda shown: sa.select(sa.func.count().label("items")).select_from(shown), "key"),
    _of_annotations(_annotated, "item"),
)
_PER_LABEL = _of_annotations(_per_label, "label")
_ORIGINS = (
    (_of_items(_distinct, "origin_dataset", "origin_version"), False),
    (_of_annotations(_distinct, "origin_dataset", "origin_version"), True),
)
_POINT = {name: sa.bindparam(name, type_=sa.BigInteger()) for name in ("dataset", "version")}
_KEPT_PER_LABEL = sa.select(LABEL_COUNTS.c.label, LABEL_COUNTS.c.annotations).where(
    LABEL_COUNTS.c.dataset == _POINT["dataset"],
    LABEL_COUNTS.c.since <= _POINT["version"],
    LABEL_COUNTS.c.until > _POINT["version"],
)
_SEEN = sa.select(KNOWLEDGE.c.other, KNOWLEDGE.c.at, KNOWLEDGE.c.annotations).where(
    KNOWLEDGE.c.dataset == _POINT["dataset"], KNOWLEDGE.c.since <= _POINT["version"]
)


def _counters(tx: Tx, view: View, version: sa.Row[Any], where: str) -> Iterator[Finding]:
    for read in _COUNTED:
        (counted,) = read.rows(tx, view)
        for name, actual in counted._mapping.items():
            kept = version._mapping[name]
            if actual != kept:
                detail = f"{where}: {name} is {kept}, there are {actual}"
                yield Finding("counters are counts", detail)
    kept_labels = tx.rows(_KEPT_PER_LABEL, {"dataset": view.dataset, "version": view.version})
    if set(map(tuple, _PER_LABEL.rows(tx, view))) != set(map(tuple, kept_labels)):
        yield Finding("counts per label are counts", where)


def _origins(tx: Tx, view: View, where: str) -> Iterator[Finding]:
    point = {"dataset": view.dataset, "version": view.version}
    seen = [(view.dataset, view.version, True), *map(tuple, tx.rows(_SEEN, point))]
    for read, is_annotation in _ORIGINS:
        for origin in read.rows(tx, view):
            if not any(
                other == origin.origin_dataset
                and at >= origin.origin_version
                and (annotations or not is_annotation)
                for other, at, annotations in seen
            ):
                yield Finding("what is shown has been seen", f"{where}: origin {tuple(origin)}")
