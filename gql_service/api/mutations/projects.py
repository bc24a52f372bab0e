"""Projects and their members: create, rename, delete, add, change, remove."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Annotated

import strawberry

from gql_service.api.context import Info
from gql_service.api.described import mutation
from gql_service.api.ids import ProjectId, UserId, parse_as
from gql_service.api.inputs.projects import (
    AddMemberInput,
    CreateProjectInput,
    DeleteProjectInput,
    RemoveMemberInput,
    UpdateMemberInput,
    UpdateProjectInput,
)
from gql_service.api.mutations.answers import INPUT
from gql_service.api.once import NOTHING, NUMBER, write_once
from gql_service.api.types.enums import Permission
from gql_service.api.types.errors import (
    ConflictError,
    ForbiddenError,
    NotFoundError,
    ValidationError,
)
from gql_service.api.types.project import Project, load_project
from gql_service.catalog.deletion import delete_project
from gql_service.catalog.member import add_member, remove_member, update_member, visible_users
from gql_service.catalog.project import create_project, lock_project, rename_project, require
from gql_service.catalog.user import user_by_email
from gql_service.database.engine import Tx
from gql_service.errors import Invalid, NotFound


@strawberry.type(description="The project was created.")
class CreateProjectSuccess:
    project: Project = strawberry.field(description="The new project.")


@strawberry.type(description="The project was changed.")
class UpdateProjectSuccess:
    project: Project = strawberry.field(description="The project as it is now.")


@strawberry.type(description="The project was deleted.")
class DeleteProjectSuccess:
    project_id: strawberry.ID = strawberry.field(description="The id that the project had.")


@strawberry.type(description="The user is a member now.")
class AddMemberSuccess:
    project: Project = strawberry.field(description="The project with its members.")


@strawberry.type(description="The member was changed.")
class UpdateMemberSuccess:
    project: Project = strawberry.field(description="The project with its members.")


@strawberry.type(description="The user is no member any more.")
class RemoveMemberSuccess:
    project: Project | None = strawberry.field(
        description="The project with its members; null for one who left it."
    )


CreateProjectResult = Annotated[
    CreateProjectSuccess | ValidationError | NotFoundError | ForbiddenError | ConflictError,
    strawberry.union("CreateProjectResult", description="The new project, or why there is none."),
]
UpdateProjectResult = Annotated[
    UpdateProjectSuccess | ValidationError | NotFoundError | ForbiddenError | ConflictError,
    strawberry.union("UpdateProjectResult", description="The project, or why it stays as it was."),
]
DeleteProjectResult = Annotated[
    DeleteProjectSuccess | ValidationError | NotFoundError | ForbiddenError | ConflictError,
    strawberry.union("DeleteProjectResult", description="The id, or why the project stays."),
]
AddMemberResult = Annotated[
    AddMemberSuccess | ValidationError | NotFoundError | ForbiddenError | ConflictError,
    strawberry.union("AddMemberResult", description="The project, or why it stays as it was."),
]
UpdateMemberResult = Annotated[
    UpdateMemberSuccess | ValidationError | NotFoundError | ForbiddenError | ConflictError,
    strawberry.union("UpdateMemberResult", description="The project, or why it stays as it was."),
]
RemoveMemberResult = Annotated[
    RemoveMemberSuccess | ValidationError | NotFoundError | ForbiddenError | ConflictError,
    strawberry.union("RemoveMemberResult", description="The project, or why it stays as it was."),
]


@strawberry.type
class ProjectMutations:
    @mutation(
        description="Creates a project; whoever does becomes its owner. Needs a token of scope "
        "ADMIN that is good for every project. Fails with NAME_TAKEN."
    )
    async def create_project(
        self, info: Info, input: Annotated[CreateProjectInput, INPUT]
    ) -> CreateProjectResult:
        project = await write_once(info, input, NUMBER, lambda tx: create_project(tx, input.name))
        return CreateProjectSuccess(project=await _project(info, project))

    @mutation(description="Renames a project. For owners. Fails with NAME_TAKEN.")
    async def update_project(
        self, info: Info, input: Annotated[UpdateProjectInput, INPUT]
    ) -> UpdateProjectResult:
        project = _project_key(input.project_id)
        await write_once(info, input, NOTHING, lambda tx: rename_project(tx, project, input.name))
        return UpdateProjectSuccess(project=await _project(info, project))

    @mutation(
        description="Ends a project for everybody, and its name is free. For owners. Fails with "
        "CONFLICT while it has datasets; a deleted one counts until it is purged."
    )
    async def delete_project(
        self, info: Info, input: Annotated[DeleteProjectInput, INPUT]
    ) -> DeleteProjectResult:
        project = _project_key(input.project_id)
        await write_once(info, input, NOTHING, lambda tx: delete_project(tx, project))
        return DeleteProjectSuccess(project_id=strawberry.ID(str(ProjectId(project))))

    @mutation(
        description="Makes a user a member of a project. For owners. By id only users whom one "
        "may look up, such as fellow members of another project; anybody by e-mail address. Fails "
        "with CONFLICT for one who is a member already."
    )
    async def add_member(
        self, info: Info, input: Annotated[AddMemberInput, INPUT]
    ) -> AddMemberResult:
        project = _project_key(input.project_id)
        find_user = _user_finder(input)

        def add(tx: Tx) -> None:
            lock_project(tx, project)
            require(tx, project, Permission.MANAGE_MEMBERS)  # before a word about any user
            add_member(tx, project, find_user(tx), input.role)

        await write_once(info, input, NOTHING, add)
        return AddMemberSuccess(project=await _project(info, project))

    @mutation(
        description="Gives a member another role. For owners. Fails with CONFLICT for the last "
        "owner."
    )
    async def update_member(
        self, info: Info, input: Annotated[UpdateMemberInput, INPUT]
    ) -> UpdateMemberResult:
        project, user = _project_key(input.project_id), _user_key(input.user_id)
        await write_once(
            info, input, NOTHING, lambda tx: update_member(tx, project, user, input.role)
        )
        return UpdateMemberSuccess(project=await _project(info, project))

    @mutation(
        description="Takes a member out of a project. For owners; everybody may leave. Fails with "
        "CONFLICT for the last owner."
    )
    async def remove_member(
        self, info: Info, input: Annotated[RemoveMemberInput, INPUT]
    ) -> RemoveMemberResult:
        project, user = _project_key(input.project_id), _user_key(input.user_id)
        await write_once(info, input, NOTHING, lambda tx: remove_member(tx, project, user))
        return RemoveMemberSuccess(project=await load_project(info, project))


def _project_key(text: str) -> int:
    return parse_as(ProjectId, text, ("projectId",)).key


def _user_key(text: str) -> int:
    return parse_as(UserId, text, ("userId",)).key


def _user_finder(input: AddMemberInput) -> Callable[[Tx], int]:
    if (input.user_id is None) == (input.email is None):
        raise Invalid("Give exactly one of userId and email", path=("userId",))
    if input.user_id is not None:
        return partial(_known_user, key=_user_key(input.user_id))
    email = input.email or ""

    def find(tx: Tx) -> int:
        user = user_by_email(tx, email)
        if user is None:
            raise NotFound("There is no user with this e-mail address", path=("email",))
        return user.id

    return find


def _known_user(tx: Tx, *, key: int) -> int:
    """Of somebody whom the actor may look up: ids are easily guessed, and members can be read."""
    if key not in visible_users(tx, [key]):
        raise NotFound("There is no such user", path=("userId",))
    return key


async def _project(info: Info, project: int) -> Project:
    """A project as it is after a change. Raises NotFound when it has gone meanwhile."""
    found = await load_project(info, project)
    if found is None:
        raise NotFound("The project is gone", path=("projectId",))
    return found
