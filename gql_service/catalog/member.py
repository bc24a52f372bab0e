"""Members of projects: adding, changing and removing them. The last owner stays."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import sqlalchemy as sa

from gql_service.catalog.permission import check_scope
from gql_service.catalog.project import (
    MEMBERS,
    Permission,
    Role,
    lock_project,
    readable_projects,
    require,
)
from gql_service.catalog.unique import insert_unless_taken
from gql_service.catalog.user import UserRecord, users_by_id
from gql_service.database.engine import Tx
from gql_service.database.sets import among
from gql_service.errors import Conflict, NotFound


@dataclass(frozen=True, slots=True)
class MemberRecord:
    """A user, by id, and the role in one project."""

    user: int
    role: Role


def members_of(tx: Tx, projects: Collection[int]) -> dict[int, list[MemberRecord]]:
    """The members of each of `projects` in the order of user ids, whoever asks."""
    members: dict[int, list[MemberRecord]] = {project: [] for project in projects}
    statement = sa.select(MEMBERS.c.project, MEMBERS.c.user, MEMBERS.c.role)
    statement = statement.where(among(MEMBERS.c.project, projects))
    for row in tx.rows(statement.order_by(MEMBERS.c.project, MEMBERS.c.user)):
        members[row.project].append(MemberRecord(row.user, Role(row.role)))
    return members


def visible_users(tx: Tx, wanted: Collection[int]) -> dict[int, UserRecord]:
    """Those of `wanted` whom the actor may look up: oneself, fellow members of the projects that
    one may read, and for an admin whose token is good for every project everybody."""
    found = users_by_id(tx, {*wanted, tx.actor or 0})
    known = {tx.actor}
    for members in members_of(tx, readable_projects(tx)).values():
        known.update(member.user for member in members)
    me = found.get(tx.actor or 0)
    if me is not None and me.admin and tx.bounds.projects is None:
        return found
    return {key: user for key, user in found.items() if key in known}


def add_member(tx: Tx, project: int, user: int, role: Role) -> None:
    """Raises NotFound (the project, the user), Forbidden, or Conflict for one who is a member.

    Whom the actor may know of is the caller's to check, see `visible_users`.
    """
    lock_project(tx, project)
    require(tx, project, Permission.MANAGE_MEMBERS)
    if user not in users_by_id(tx, [user]):
        raise NotFound("There is no such user", path=("userId",))
    row = {"project": project, "user": user, "role": role.value}
    if insert_unless_taken(tx, MEMBERS, row, MEMBERS.c.user) is None:
        raise Conflict("The user is a member of the project already", path=("userId",))


def update_member(tx: Tx, project: int, user: int, role: Role) -> None:
    """Raises NotFound (the project, the member), Forbidden, or Conflict for the last owner."""
    lock_project(tx, project)
    require(tx, project, Permission.MANAGE_MEMBERS)
    if role is not Role.OWNER:
        _keep_an_owner(tx, project, user)
    changed = sa.update(MEMBERS).where(MEMBERS.c.project == project, MEMBERS.c.user == user)
    if tx.execute(changed.values(role=role.value)).rowcount == 0:
        raise _no_such_member()


def remove_member(tx: Tx, project: int, user: int) -> None:
    """Takes a member out; everybody may leave, whatever the role.

    Raises NotFound (the project, the member), Forbidden, or Conflict for the last owner.
    """
    lock_project(tx, project)
    leaving = user == tx.actor
    require(tx, project, Permission.READ if leaving else Permission.MANAGE_MEMBERS)
    check_scope(tx, Permission.MANAGE_MEMBERS, ("projectId",))
    _keep_an_owner(tx, project, user)
    removed = sa.delete(MEMBERS).where(MEMBERS.c.project == project, MEMBERS.c.user == user)
    if tx.execute(removed).rowcount == 0:
        raise _no_such_member()


def _keep_an_owner(tx: Tx, project: int, user: int) -> None:
    owners = tx.rows(
        sa.select(MEMBERS.c.user)
        .where(MEMBERS.c.project == project, MEMBERS.c.role == Role.OWNER.value)
        .limit(2)
    )
    if [row.user for row in owners] == [user]:
        raise Conflict("The last owner of a project stays its owner", path=("userId",))


def _no_such_member() -> NotFound:
    return NotFound("There is no such member", path=("userId",))
