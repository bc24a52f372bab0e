"""The list of one's projects, filtered and ordered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import sqlalchemy as sa

from gql_service.catalog.filter_values import TextColumn, text_predicate
from gql_service.catalog.filters import StringFilter
from gql_service.catalog.keyset import NOTHING, Sort, slices
from gql_service.catalog.project import MEMBERS, PROJECTS, ProjectRecord, membership
from gql_service.database.columns import ByteOrderedText
from gql_service.database.engine import Tx
from gql_service.errors import Invalid

ProjectOrderField = Literal["name", "created_at"]
ProjectOrder = Sequence[tuple[ProjectOrderField, bool]]
"""Fields with whether they descend, the most significant first."""


@dataclass(frozen=True, slots=True)
class ProjectPage:
    """Projects in the order asked for, and whether there are more on either side."""

    projects: Sequence[ProjectRecord]
    has_next: bool
    has_previous: bool


def list_projects(
    tx: Tx,
    name: StringFilter | None = None,
    order: ProjectOrder = (),
    *,
    after: int | None = None,
    limit: int,
    backwards: bool = False,
) -> ProjectPage:
    """At most `limit` of the actor's projects by `order`, then by id; by name at first.

    `after` is the id of a project in the list. Raises Invalid when there is no such one.
    """
    listed = _listed(tx, name)
    given = list(order) or [("name", False)]
    sorts: list[Sort] = [(f"by_{field}", down) for field, down in dict(given).items()]
    sorts.append(("id", given[-1][1]))
    anchor = None if after is None else _anchor(tx, listed, sorts, after)
    found = slices(
        tx, listed, parent="parent", sorts=sorts, anchor=anchor, limit=limit, backwards=backwards
    ).get(0, NOTHING)
    width = len(ProjectRecord.__slots__)
    projects = [ProjectRecord(*row[:width]) for row in found.rows]
    return ProjectPage(projects, found.has_next, found.has_previous)


def count_listed_projects(tx: Tx, name: StringFilter | None = None) -> int:
    """How many projects the list has."""
    listed = _listed(tx, name).subquery()
    count: int = tx.scalar(sa.select(sa.func.count()).select_from(listed))
    return count


def _listed(tx: Tx, name: StringFilter | None) -> sa.Select[Any]:
    by_name = sa.cast(PROJECTS.c.name, ByteOrderedText)
    statement = (
        sa.select(*(PROJECTS.c[column] for column in ProjectRecord.__slots__))
        .add_columns(
            sa.literal(0).label("parent"),
            by_name.label("by_name"),
            PROJECTS.c.created_at.label("by_created_at"),
        )
        .join(MEMBERS, MEMBERS.c.project == PROJECTS.c.id)
        .where(membership(tx))
    )
    if name is None:
        return statement
    column = TextColumn(by_name, composed=True)
    return statement.where(text_predicate(column, name, postgres=tx.postgres))


def _anchor(tx: Tx, listed: sa.Select[Any], sorts: Sequence[Sort], project: int) -> Sequence[Any]:
    row = tx.first(listed.where(PROJECTS.c.id == project))
    if row is None:
        raise Invalid("The cursor does not belong to this list")
    return [row._mapping[name] for name, _ in sorts]
