"""Lists of versions: of a dataset alone, or together with those that it was made from."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from gql_service.catalog.dataset import VERSIONS, datasets_by_id
from gql_service.catalog.filter_values import TextColumn, text_predicate, value_predicate
from gql_service.catalog.filters import ValueFilter, VersionFilter
from gql_service.catalog.keyset import NOTHING, Slice, slices
from gql_service.catalog.version import version_columns
from gql_service.database.engine import Tx
from gql_service.errors import Invalid
from gql_service.versions.knowledge import seen_by

Place = tuple[int, int]
"""A dataset and the number of a version."""

_SORTS = [("created_at", True), ("dataset", True), ("number", True)]


def page_of_versions(
    tx: Tx,
    dataset: int,
    upto: int,
    filter: VersionFilter | None,
    *,
    sources: bool,
    after: Place | None,
    limit: int,
    backwards: bool,
) -> Slice:
    """At most `limit` versions that match, newest first: of the dataset up to one of its versions.

    With `sources`, those of the datasets that this version has seen as well, up to where it has
    seen them, and only those that the actor may read. Raises Invalid when the list does not hold
    the version `after`.
    """
    listed = _listed(tx, dataset, upto, filter, sources=sources)
    anchor = None if after is None else _anchor(tx, listed, after)
    found = slices(
        tx,
        listed,
        parent="parent",
        sorts=_SORTS,
        anchor=anchor,
        limit=limit,
        backwards=backwards,
    )
    return found.get(dataset, NOTHING)


def count_versions(
    tx: Tx, dataset: int, upto: int, filter: VersionFilter | None, *, sources: bool
) -> int:
    """How many versions the whole list has."""
    listed = _listed(tx, dataset, upto, filter, sources=sources).subquery()
    return int(tx.scalar(sa.select(sa.func.count()).select_from(listed)))


def _listed(
    tx: Tx, dataset: int, upto: int, filter: VersionFilter | None, *, sources: bool
) -> sa.Select[Any]:
    reach = {dataset: upto}
    if sources:
        for seen in seen_by(tx, dataset, upto):
            reach[seen.other] = max(seen.at, reach.get(seen.other, 0))
        reach = {one: reach[one] for one in datasets_by_id(tx, reach)}
    within = sa.or_(
        *(
            sa.and_(VERSIONS.c.dataset == one, VERSIONS.c.number <= number)
            for one, number in sorted(reach.items())
        )
    )
    tests = [within]
    if filter is not None:
        tests.append(_matching(filter, postgres=tx.postgres))
    parent = sa.literal(dataset, sa.BigInteger()).label("parent")
    return sa.select(*version_columns(), parent).where(*tests)


def _matching(filter: VersionFilter, *, postgres: bool) -> sa.ColumnElement[bool]:
    """True of the versions that satisfy the filter; never NULL."""
    tests = [_matching(inner, postgres=postgres) for inner in filter.and_ or ()]
    if filter.or_ is not None:
        ways = [_matching(inner, postgres=postgres) for inner in filter.or_]
        tests.append(sa.or_(sa.false(), *ways))
    if filter.not_ is not None:
        tests.append(sa.not_(_matching(filter.not_, postgres=postgres)))
    if filter.operation is not None:
        operation = TextColumn(VERSIONS.c.operation)
        tests.append(text_predicate(operation, filter.operation, postgres=postgres))
    values: list[tuple[sa.ColumnElement[Any], ValueFilter[Any] | None]] = [
        (VERSIONS.c.number, filter.number),
        (VERSIONS.c.author, filter.author),
        (VERSIONS.c.created_at, filter.created_at),
    ]
    tests += [value_predicate(column, asked) for column, asked in values if asked is not None]
    return sa.and_(sa.true(), *tests)


def _anchor(tx: Tx, listed: sa.Select[Any], place: Place) -> list[Any]:
    row = tx.first(listed.where(VERSIONS.c.dataset == place[0], VERSIONS.c.number == place[1]))
    if row is None:
        raise Invalid("The cursor does not belong to this list")
    return [row._mapping[name] for name, _ in _SORTS]
