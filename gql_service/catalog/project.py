"""Projects and their members: who may see and do what.

A project that one is not a member of does not exist for one, nor does one that the token does not
reach: every refusal here is the same. `require` is the only gate, and `membership` the only way to
what may be read; the table of who may do what stands in `catalog.permission`.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlmodel import Field, SQLModel

from gql_service.catalog.names import clean_name
from gql_service.catalog.permission import (
    ALLOWED,
    check_permission,
    check_scope,
    left_by,
    permissions_of,
    require_whole,
)
from gql_service.catalog.permission import (
    Permission as Permission,  # spoken of wherever projects are
)
from gql_service.catalog.permission import Role as Role
from gql_service.catalog.unique import insert_unless_taken
from gql_service.database.columns import BigKey, ByteOrderedText, Timestamp, table_of
from gql_service.database.engine import Tx
from gql_service.database.plan import Prepared
from gql_service.database.sets import among, among_given
from gql_service.errors import Forbidden, NameTaken, NotFound


class Project(SQLModel, table=True):
    """Owns datasets, recipes and members. Its name is unique in the service."""

    __tablename__ = "projects"

    id: int | None = Field(default=None, sa_type=BigKey, primary_key=True)
    name: str = Field(unique=True)
    creator: int = Field(sa_type=sa.BigInteger, foreign_key="users.id")
    created_at: datetime = Field(sa_type=Timestamp)


class Member(SQLModel, table=True):
    """A user in a project, with a role."""

    __tablename__ = "members"

    project: int = Field(
        sa_type=sa.BigInteger, foreign_key="projects.id", primary_key=True, ondelete="CASCADE"
    )
    user: int = Field(sa_type=sa.BigInteger, foreign_key="users.id", primary_key=True, index=True)
    role: str


PROJECTS = table_of(Project)
MEMBERS = table_of(Member)


@dataclass(frozen=True, slots=True)
class ProjectRecord:
    """A project as read."""

    id: int
    name: str
    creator: int
    created_at: datetime


def require(
    tx: Tx, project: int, permission: Permission, path: Sequence[str | int] = ("projectId",)
) -> None:
    """Lets the actor of `tx` pass, or raises: NotFound when not a member or out of the token's
    reach, Forbidden when the role or the token's scopes do not allow it.

    In a writing transaction the membership stays as it is until the commit, so nobody who is being
    removed can still write behind the removal.
    """
    row = tx.first(held_membership(tx, _of_actor(tx).where(MEMBERS.c.project == project)))
    if row is None:
        raise NotFound("There is no such project", path=path)
    check_permission(tx, Role(row.role), permission, tuple(path))


def held_membership(tx: Tx, statement: sa.Select[Any]) -> sa.Select[Any]:
    """The statement, which in a writing transaction holds the rows of MEMBERS that it finds."""
    if tx.snapshot:
        return statement
    return statement.with_for_update(read=True, key_share=True, of=MEMBERS)


def roles_of_actor(tx: Tx, projects: Collection[int]) -> dict[int, Role]:
    """The actor's role in each of `projects`, left out where `membership` ends."""
    rows = tx.rows(_of_actor(tx).where(among(MEMBERS.c.project, projects)))
    return {row.project: Role(row.role) for row in rows}


def permissions_in(tx: Tx, projects: Collection[int]) -> dict[int, frozenset[Permission]]:
    """What the actor may do in each of `projects` with this token; nothing where not a member."""
    roles, left = roles_of_actor(tx, projects), left_by(tx.bounds)
    return {project: permissions_of(role) & left for project, role in roles.items()}


_WRITERS = [role.value for role in ALLOWED[Permission.WRITE]]
_WRITES_IN = (
    sa.select(MEMBERS.c.project)
    .where(MEMBERS.c.user == sa.bindparam("actor"), MEMBERS.c.role.in_(_WRITERS))
    .limit(1)
)
_WRITES_SOMEWHERE = Prepared(_WRITES_IN, lasting=True)
_WRITES_AMONG = Prepared(_WRITES_IN.where(among_given(MEMBERS.c.project, "projects")), lasting=True)


def check_may_upload(tx: Tx) -> None:
    """Raises Forbidden unless there is a project in which the actor may make items of files. An
    upload belongs to none before that."""
    check_scope(tx, Permission.WRITE)
    bound = tx.bounds.projects
    somewhere = _WRITES_SOMEWHERE if bound is None else _WRITES_AMONG
    if tx.first(somewhere, {"actor": tx.actor, "projects": sorted(bound or ())}) is None:
        raise Forbidden("Files are uploaded by those who may write in some project")


def membership(tx: Tx) -> sa.ColumnElement[bool]:
    """Which rows of MEMBERS let the actor in: their own, of projects that the token reaches."""
    own = MEMBERS.c.user == tx.actor
    if tx.bounds.projects is None:
        return own
    return sa.and_(own, among(MEMBERS.c.project, sorted(tx.bounds.projects)))


def own_projects(tx: Tx) -> sa.Select[Any]:
    """The ids of the projects that the actor may read."""
    return sa.select(MEMBERS.c.project).where(membership(tx))


def readable_projects(tx: Tx) -> set[int]:
    """The projects that the actor may read."""
    return {row.project for row in tx.rows(_of_actor(tx))}


def create_project(tx: Tx, name: str) -> int:
    """A new project, owned by the actor. Raises Forbidden by the token, Invalid and NameTaken."""
    require_whole(tx)
    row = {"name": clean_name(name, ("name",)), "creator": tx.actor, "created_at": tx.now}
    project = insert_unless_taken(tx, PROJECTS, row, PROJECTS.c.id)
    if project is None:
        raise _name_taken()
    owner = {"project": project, "user": tx.actor, "role": Role.OWNER.value}
    tx.execute(sa.insert(MEMBERS).values(owner))
    return project


def rename_project(tx: Tx, project: int, name: str) -> None:
    """Raises NotFound, Forbidden, Invalid and NameTaken."""
    lock_project(tx, project)
    require(tx, project, Permission.MANAGE_PROJECT)
    renamed = sa.update(PROJECTS).where(PROJECTS.c.id == project)
    try:
        tx.execute(renamed.values(name=clean_name(name, ("name",))))
    except IntegrityError as error:  # the name is all that this statement could violate
        raise _name_taken() from error


def projects_by_id(tx: Tx, ids: Collection[int]) -> dict[int, ProjectRecord]:
    """The projects of `ids`, whoever asks; unknown ones are left out."""
    rows = tx.rows(_projects().where(among(PROJECTS.c.id, ids)))
    return {row.id: ProjectRecord(**row._mapping) for row in rows}


def project_by_name(tx: Tx, name: str) -> ProjectRecord | None:
    """The project of that name, if the actor is a member. Raises Invalid when it is no name."""
    row = tx.first(
        _projects()
        .join(MEMBERS, MEMBERS.c.project == PROJECTS.c.id)
        .where(PROJECTS.c.name == clean_name(name, ("name",)), membership(tx))
    )
    return None if row is None else ProjectRecord(**row._mapping)


def count_projects(tx: Tx) -> int:
    """How many projects the actor may read."""
    count: int = tx.scalar(sa.select(sa.func.count()).where(membership(tx)))
    return count


def project_page(
    tx: Tx,
    *,
    limit: int,
    after: str | None = None,
    before: str | None = None,
    backwards: bool = False,
) -> list[ProjectRecord]:
    """Up to `limit` of the actor's projects by name, in the order of the name's bytes.

    Names lie between `after` and `before`, both excluded; `backwards` counts from the end, and the
    answer ascends all the same.
    """
    name = sa.cast(PROJECTS.c.name, ByteOrderedText)
    statement = _projects().join(MEMBERS, MEMBERS.c.project == PROJECTS.c.id)
    statement = statement.where(membership(tx))
    if after is not None:
        statement = statement.where(name > after)
    if before is not None:
        statement = statement.where(name < before)
    statement = statement.order_by(name.desc() if backwards else name).limit(limit)
    page = [ProjectRecord(**row._mapping) for row in tx.rows(statement)]
    return page[::-1] if backwards else page


def lock_project(tx: Tx, project: int) -> None:
    """Lets one transaction at a time change the project or its members.

    Taken before `require`, or two owners who remove each other would wait for each other. It does
    not hold up rows that refer to the project.
    """
    statement = sa.select(PROJECTS.c.id).where(PROJECTS.c.id == project)
    tx.execute(statement.with_for_update(key_share=True))


def _of_actor(tx: Tx) -> sa.Select[Any]:
    return sa.select(MEMBERS.c.project, MEMBERS.c.role).where(membership(tx))


def _projects() -> sa.Select[Any]:
    return sa.select(PROJECTS.c.id, PROJECTS.c.name, PROJECTS.c.creator, PROJECTS.c.created_at)


def _name_taken() -> NameTaken:
    return NameTaken("Project with the same name already exists", path=("name",))
