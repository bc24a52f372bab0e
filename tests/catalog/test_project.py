"""Projects: who sees them, who may do what, names and pages."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest

from gql_service.catalog.member import MemberRecord, add_member, members_of, update_member
from gql_service.catalog.project import (
    Permission,
    ProjectRecord,
    Role,
    count_projects,
    create_project,
    permissions_of,
    project_by_name,
    project_page,
    projects_by_id,
    readable_projects,
    rename_project,
    require,
    roles_of_actor,
)
from gql_service.database.engine import Database
from gql_service.errors import Forbidden, Invalid, NameTaken, NotFound
from tests.catalog.people import do, new_user

MAY = {
    Role.OWNER: {*Permission},
    Role.DEVELOPER: set(Permission) - {Permission.MANAGE_MEMBERS, Permission.MANAGE_PROJECT},
    Role.ANNOTATION_MANAGER: {Permission.READ, Permission.ANNOTATE},
    Role.ANNOTATOR: {Permission.READ, Permission.ANNOTATE},
    Role.VIEWER: {Permission.READ},
}


@pytest.fixture
def project(database: Database, actor: int) -> int:
    return do(database, actor, create_project, "pets")


def test_the_creator_owns_a_project(database: Database, actor: int, project: int) -> None:
    with database.read(actor) as tx:
        assert members_of(tx, [project]) == {project: [MemberRecord(actor, Role.OWNER)]}
        assert roles_of_actor(tx, [project, project + 1]) == {project: Role.OWNER}
        assert projects_by_id(tx, [project, 99]) == {
            project: ProjectRecord(project, "pets", actor, tx.now)
        }


@pytest.mark.parametrize("name", ["pets", " pets ", "pets\u00a0"])
def test_a_name_is_taken_for_everybody(database: Database, project: int, name: str) -> None:
    other = new_user(database, "bo")
    with pytest.raises(NameTaken) as refusal:
        do(database, other, create_project, name)
    assert refusal.value.path == ("name",)
    with database.read(other) as tx:
        assert readable_projects(tx) == set()


def test_two_spellings_of_a_name_are_one(database: Database, actor: int) -> None:
    do(database, actor, create_project, "caf\u00e9")
    with pytest.raises(NameTaken):
        do(database, actor, create_project, "cafe\u0301")
    with database.read(actor) as tx:
        assert project_by_name(tx, "cafe\u0301") is not None


@pytest.mark.parametrize("role", Role, ids=lambda role: role.value)
def test_a_role_allows_what_the_table_says(database: Database, actor: int, role: Role) -> None:
    project = do(database, actor, create_project, "pets")
    user = new_user(database, "bo")
    do(database, actor, add_member, project, user, role)
    assert permissions_of(role) == MAY[role]
    with database.read(user) as tx:
        for permission in Permission:
            if permission in MAY[role]:
                require(tx, project, permission)
            else:
                with pytest.raises(Forbidden) as refusal:
                    require(tx, project, permission)
                assert refusal.value.path == ("projectId",)
                assert role.value in refusal.value.message


def test_a_foreign_project_looks_like_an_absent_one(database: Database, project: int) -> None:
    other = new_user(database, "bo")
    seen = []
    for actor, number in ((other, project), (other, project + 1), (None, project)):
        for permission in Permission:
            with database.read(actor) as tx, pytest.raises(NotFound) as refusal:
                require(tx, number, permission, ("input", "id"))
            seen.append((refusal.value.message, refusal.value.path, type(refusal.value)))
    for number in (project, project + 1):
        with pytest.raises(NotFound):
            do(database, other, rename_project, number, "mine")
    assert len(set(seen)) == 1
    with database.read(other) as tx:
        assert project_by_name(tx, "pets") is None


def test_the_gate_works_in_writing_transactions_too(
    database: Database, actor: int, project: int
) -> None:
    do(database, actor, require, project, Permission.WRITE)
    with pytest.raises(NotFound):
        do(database, new_user(database, "bo"), require, project, Permission.READ)


def test_a_project_is_renamed_by_its_owner(database: Database, actor: int, project: int) -> None:
    do(database, actor, rename_project, project, " animals ")
    do(database, actor, rename_project, project, "animals")
    do(database, actor, create_project, "pets")
    with pytest.raises(NameTaken):
        do(database, actor, rename_project, project, "pets")
    with pytest.raises(Invalid):
        do(database, actor, rename_project, project, "")
    with database.read(actor) as tx:
        found = project_by_name(tx, "animals")
    assert found is not None
    assert found.id == project


def test_a_developer_may_not_rename_a_project(database: Database, actor: int, project: int) -> None:
    user = new_user(database, "bo")
    do(database, actor, add_member, project, user, Role.DEVELOPER)
    with pytest.raises(Forbidden):
        do(database, user, rename_project, project, "mine")
    do(database, actor, update_member, project, user, Role.OWNER)
    do(database, user, rename_project, project, "mine")


NAMES = ["b", "a", "B", "é", "ab", "Z", "_"]
IN_ORDER = sorted(NAMES, key=str.encode)


@pytest.fixture
def reader(database: Database, actor: int) -> int:
    """A member of the projects NAMES; others exist beside them."""
    reader = new_user(database, "bo")
    for name in NAMES:
        do(database, reader, create_project, name)
    do(database, actor, create_project, "aa")
    return reader


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        ({"limit": 50}, IN_ORDER),
        ({"limit": 3}, IN_ORDER[:3]),
        ({"limit": 3, "backwards": True}, IN_ORDER[-3:]),
        ({"limit": 2, "after": IN_ORDER[2]}, IN_ORDER[3:5]),
        ({"limit": 2, "before": IN_ORDER[5], "backwards": True}, IN_ORDER[3:5]),
        ({"limit": 9, "after": IN_ORDER[1], "before": IN_ORDER[4]}, IN_ORDER[2:4]),
        ({"limit": 9, "after": "aa"}, [name for name in IN_ORDER if name > "aa"]),
        ({"limit": 0}, []),
    ],
)
def test_pages_are_in_the_order_of_the_bytes_of_names_on_both_databases(
    database: Database, reader: int, arguments: dict[str, Any], names: list[str]
) -> None:
    with database.read(reader) as tx:
        page = project_page(tx, **arguments)
        assert [project.name for project in page] == names
        assert count_projects(tx) == len(NAMES)


def test_reading_many_projects_takes_as_many_statements_as_reading_one(
    database: Database,
    reader: int,
    count_statements: Callable[[], AbstractContextManager[list[str]]],
) -> None:
    counts = []
    for number in (1, len(NAMES)):
        with database.read(reader) as tx, count_statements() as statements:
            ids = [project.id for project in project_page(tx, limit=number)]
            projects_by_id(tx, ids)
            roles_of_actor(tx, ids)
            members_of(tx, ids)
        counts.append(len(statements))
    assert counts == [4, 4]
