"""Lists of datasets: of a project, of everything one may read, made from one, or with a recipe."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Literal

import sqlalchemy as sa

from gql_service.catalog.dataset import (
    DATASETS,
    VERSIONS,
    DatasetRecord,
    dataset_columns,
    dataset_record,
    readable,
)
from gql_service.catalog.dataset_source import SOURCES
from gql_service.catalog.filter_values import TextColumn, text_predicate, value_predicate
from gql_service.catalog.filters import DatasetFilter, ValueFilter
from gql_service.catalog.keyset import NOTHING, Slice, Sort, slices
from gql_service.database.columns import ByteOrderedText
from gql_service.database.engine import Tx
from gql_service.database.sets import among
from gql_service.errors import Invalid

DatasetOrderField = Literal["name", "created_at", "updated_at"]
DatasetOrder = Sequence[tuple[DatasetOrderField, bool]]
"""Fields with whether they descend, the most significant first."""


class DatasetScope(Enum):
    """Whose datasets a list holds."""

    EVERYTHING = "EVERYTHING"
    """All that the actor may read; the parent is 0."""
    PROJECT = "PROJECT"
    CLONES = "CLONES"
    """Those of type CLONE that were made from the parent, a dataset."""
    RECIPE = "RECIPE"
    """Those whose head has the parent, a recipe."""


@dataclass(frozen=True, slots=True)
class DatasetPage:
    """Datasets in the order asked for, and whether there are more on either side."""

    datasets: Sequence[DatasetRecord]
    has_next: bool
    has_previous: bool


def dataset_pages(
    tx: Tx,
    scope: DatasetScope,
    parents: Collection[int],
    filter: DatasetFilter | None = None,
    order: DatasetOrder = (),
    *,
    after: int | None = None,
    limit: int,
    backwards: bool = False,
) -> dict[int, DatasetPage]:
    """At most `limit` readable datasets of each parent by `order`, then by id; by name at first.

    `after` is the id of a dataset in the list. Raises Invalid when there is no such one.
    """
    sorts = _sorts(order)
    listed = _listed(tx, scope, parents, filter)
    anchor = None if after is None else _anchor(tx, listed, sorts, after)
    found = slices(
        tx, listed, parent="parent", sorts=sorts, anchor=anchor, limit=limit, backwards=backwards
    )
    return {parent: _page(found.get(parent, NOTHING)) for parent in parents}


def count_datasets(
    tx: Tx, scope: DatasetScope, parents: Collection[int], filter: DatasetFilter | None = None
) -> dict[int, int]:
    """How many datasets each parent's list has."""
    listed = _listed(tx, scope, parents, filter).subquery()
    counted = sa.select(listed.c.parent, sa.func.count().label("found")).group_by(listed.c.parent)
    return dict.fromkeys(parents, 0) | {row.parent: row.found for row in tx.rows(counted)}


def _listed(
    tx: Tx, scope: DatasetScope, parents: Collection[int], filter: DatasetFilter | None
) -> sa.Select[Any]:
    parent: sa.ColumnElement[int]
    head = sa.and_(VERSIONS.c.dataset == DATASETS.c.id, VERSIONS.c.number == DATASETS.c.head)
    base = DATASETS.join(VERSIONS, head)
    tests: list[sa.ColumnElement[bool]] = [readable(tx)]
    match scope:
        case DatasetScope.EVERYTHING:
            parent = sa.literal(0)
        case DatasetScope.PROJECT:
            parent = DATASETS.c.project
        case DatasetScope.RECIPE:
            parent = VERSIONS.c.recipe
        case DatasetScope.CLONES:
            parent = SOURCES.c.source
            base = base.join(SOURCES, SOURCES.c.dataset == DATASETS.c.id)
            tests += [DATASETS.c.type == "CLONE", SOURCES.c.since == 1]
    if scope is not DatasetScope.EVERYTHING:
        tests.append(among(parent, parents))
    if filter is not None:
        tests.append(_matching(filter, postgres=tx.postgres))
    return (
        dataset_columns()
        .add_columns(
            parent.label("parent"),
            sa.cast(DATASETS.c.name, ByteOrderedText).label("by_name"),
            DATASETS.c.created_at.label("by_created_at"),
            VERSIONS.c.created_at.label("by_updated_at"),
        )
        .select_from(base)
        .where(*tests)
    )


def _matching(filter: DatasetFilter, *, postgres: bool) -> sa.ColumnElement[bool]:
    """True of the datasets, joined with their heads, that satisfy the filter; never NULL."""
    tests = [_matching(inner, postgres=postgres) for inner in filter.and_ or ()]
    if filter.or_ is not None:
        ways = [_matching(inner, postgres=postgres) for inner in filter.or_]
        tests.append(sa.or_(sa.false(), *ways))
    if filter.not_ is not None:
        tests.append(sa.not_(_matching(filter.not_, postgres=postgres)))
    name = TextColumn(sa.cast(DATASETS.c.name, ByteOrderedText), composed=True)
    for text, asked in ((name, filter.name), (TextColumn(DATASETS.c.type), filter.type)):
        if asked is not None:
            tests.append(text_predicate(text, asked, postgres=postgres))
    values: list[tuple[sa.ColumnElement[Any], ValueFilter[Any] | None]] = [
        (DATASETS.c.creator, filter.creator),
        (DATASETS.c.created_at, filter.created_at),
        (VERSIONS.c.created_at, filter.updated_at),
        (VERSIONS.c["items"], filter.items_count),
        (VERSIONS.c.annotations, filter.annotations_count),
    ]
    tests += [value_predicate(column, asked) for column, asked in values if asked is not None]
    return sa.and_(sa.true(), *tests)


def _sorts(order: DatasetOrder) -> list[Sort]:
    given = list(order) or [("name", False)]
    return [*((f"by_{field}", down) for field, down in dict(given).items()), ("id", given[-1][1])]


def _anchor(tx: Tx, listed: sa.Select[Any], sorts: Sequence[Sort], dataset: int) -> Sequence[Any]:
    row = tx.first(listed.where(DATASETS.c.id == dataset))
    if row is None:
        raise Invalid("The cursor does not belong to this list")
    return [row._mapping[name] for name, _ in sorts]


def _page(found: Slice) -> DatasetPage:
    width = len(DatasetRecord.__slots__)
    datasets = [dataset_record(row[:width]) for row in found.rows]
    return DatasetPage(datasets, found.has_next, found.has_previous)
