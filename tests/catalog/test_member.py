"""Members: who may add, change and remove them, and that an owner is always left."""

from __future__ import annotations

import threading

import pytest

from gql_service.catalog.member import (
    MemberRecord,
    add_member,
    members_of,
    remove_member,
    update_member,
)
from gql_service.catalog.project import Role, create_project, readable_projects
from gql_service.database.engine import Database
from gql_service.errors import Conflict, Forbidden, NotFound, ServiceError
from tests.catalog.people import do, new_user


@pytest.fixture
def project(database: Database, actor: int) -> int:
    return do(database, actor, create_project, "pets")


@pytest.fixture
def bo(database: Database) -> int:
    return new_user(database, "bo")


def roles(database: Database, project: int) -> dict[int, Role]:
    with database.read() as tx:
        return {member.user: member.role for member in members_of(tx, [project])[project]}


def test_a_member_sees_the_project_until_removed(
    database: Database, actor: int, project: int, bo: int
) -> None:
    do(database, actor, add_member, project, bo, Role.VIEWER)
    with database.read(bo) as tx:
        assert readable_projects(tx) == {project}
    do(database, actor, update_member, project, bo, Role.ANNOTATOR)
    assert roles(database, project) == {actor: Role.OWNER, bo: Role.ANNOTATOR}
    do(database, actor, remove_member, project, bo)
    with database.read(bo) as tx:
        assert readable_projects(tx) == set()


def test_members_of_many_projects_are_read_together(
    database: Database, actor: int, project: int, bo: int
) -> None:
    other = do(database, bo, create_project, "cars")
    do(database, bo, add_member, other, actor, Role.VIEWER)
    with database.read() as tx:
        assert members_of(tx, [project, other, 99]) == {
            project: [MemberRecord(actor, Role.OWNER)],
            other: [MemberRecord(actor, Role.VIEWER), MemberRecord(bo, Role.OWNER)],
            99: [],
        }


def test_nobody_is_a_member_twice(database: Database, actor: int, project: int, bo: int) -> None:
    do(database, actor, add_member, project, bo, Role.VIEWER)
    with pytest.raises(Conflict) as refusal:
        do(database, actor, add_member, project, bo, Role.OWNER)
    assert refusal.value.path == ("userId",)
    assert roles(database, project)[bo] is Role.VIEWER


def test_who_is_unknown_is_not_found(database: Database, actor: int, project: int, bo: int) -> None:
    for work, args in (
        (add_member, (99, Role.VIEWER)),
        (update_member, (bo, Role.VIEWER)),
        (remove_member, (bo,)),
    ):
        with pytest.raises(NotFound) as refusal:
            do(database, actor, work, project, *args)
        assert refusal.value.path == ("userId",)


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.OWNER])
def test_only_an_owner_manages_members(
    database: Database, actor: int, project: int, bo: int, role: Role
) -> None:
    cy = new_user(database, "cy")
    do(database, actor, add_member, project, bo, role)
    for work, args in (
        (add_member, (cy, Role.VIEWER)),
        (update_member, (bo, Role.OWNER)),
        (remove_member, (actor,)),
    ):
        with pytest.raises(Forbidden):
            do(database, bo, work, project, *args)
        with pytest.raises(NotFound):
            do(database, cy, work, project, *args)
    assert roles(database, project) == {actor: Role.OWNER, bo: role}


@pytest.mark.parametrize("role", Role, ids=lambda role: role.value)
def test_everybody_may_leave(
    database: Database, actor: int, project: int, bo: int, role: Role
) -> None:
    do(database, actor, add_member, project, bo, role)
    do(database, bo, remove_member, project, bo)
    assert roles(database, project) == {actor: Role.OWNER}


def test_the_last_owner_stays(database: Database, actor: int, project: int, bo: int) -> None:
    do(database, actor, add_member, project, bo, Role.DEVELOPER)
    for work, args in ((update_member, (actor, Role.VIEWER)), (remove_member, (actor,))):
        with pytest.raises(Conflict):
            do(database, actor, work, project, *args)
    do(database, actor, update_member, project, actor, Role.OWNER)
    do(database, actor, update_member, project, bo, Role.OWNER)
    do(database, actor, remove_member, project, actor)
    assert roles(database, project) == {bo: Role.OWNER}


def test_two_owners_who_remove_each_other_at_once_leave_one(
    database: Database, actor: int, project: int, bo: int
) -> None:
    do(database, actor, add_member, project, bo, Role.OWNER)
    together = threading.Barrier(2)
    refusals: list[ServiceError] = []

    def remove(by: int, whom: int) -> None:
        together.wait()
        try:
            do(database, by, remove_member, project, whom)
        except ServiceError as refusal:
            refusals.append(refusal)

    threads = [threading.Thread(target=remove, args=pair) for pair in ((actor, bo), (bo, actor))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [type(refusal) for refusal in refusals] == [NotFound]
    assert list(roles(database, project).values()) == [Role.OWNER]
