"""What the mutations of projects, members, users and tokens are given."""

from __future__ import annotations

from datetime import datetime

import strawberry

from gql_service.api.inputs.operators import operator
from gql_service.api.inputs.selectors import IDEMPOTENCY_KEY, SECRET_IDEMPOTENCY_KEY
from gql_service.api.types.enums import Role
from gql_service.api.types.token_scope import TokenScope

_PROJECT = "The project."
_USER = "The user."
_ROLE = "What they may do in the project."


@strawberry.input(description="A project to create; its creator becomes its owner.")
class CreateProjectInput:
    name: str = strawberry.field(
        description="Its name, unique in the service: 1 to 200 characters on one line."
    )
    idempotency_key: str | None = operator(IDEMPOTENCY_KEY)


@strawberry.input(description="What to change of a project.")
class UpdateProjectInput:
    project_id: strawberry.ID = strawberry.field(description=_PROJECT)
    name: str = strawberry.field(
        description="Its new name, unique in the service: 1 to 200 characters on one line."
    )
    idempotency_key: str | None = operator(IDEMPOTENCY_KEY)


@strawberry.input(description="A project to delete.")
class DeleteProjectInput:
    project_id: strawberry.ID = strawberry.field(description=_PROJECT)
    idempotency_key: str | None = operator(IDEMPOTENCY_KEY)


@strawberry.input(description="A user to make a member: by id or by e-mail address.")
class AddMemberInput:
    project_id: strawberry.ID = strawberry.field(description=_PROJECT)
    user_id: strawberry.ID | None = operator("The user; exactly one of userId and email.")
    email: str | None = operator("The user's address; exactly one of userId and email.")
    role: Role = strawberry.field(description=_ROLE)
    idempotency_key: str | None = operator(IDEMPOTENCY_KEY)


@strawberry.input(description="What to change of a member.")
class UpdateMemberInput:
    project_id: strawberry.ID = strawberry.field(description=_PROJECT)
    user_id: strawberry.ID = strawberry.field(description=_USER)
    role: Role = strawberry.field(description=_ROLE)
    idempotency_key: str | None = operator(IDEMPOTENCY_KEY)


@strawberry.input(description="A member to take out of a project; everybody may leave.")
class RemoveMemberInput:
    project_id: strawberry.ID = strawberry.field(description=_PROJECT)
    user_id: strawberry.ID = strawberry.field(description=_USER)
    idempotency_key: str | None = operator(IDEMPOTENCY_KEY)


@strawberry.input(description="A user to make.")
class CreateUserInput:
    name: str = strawberry.field(description="What to call them: 1 to 200 characters on one line.")
    email: str = strawberry.field(
        description="Their e-mail address, unique in the service whatever the case of letters."
    )
    admin: bool = strawberry.field(default=False, description="Whether they may make users.")
    idempotency_key: str | None = operator(SECRET_IDEMPOTENCY_KEY)


@strawberry.input(description="A token to make for the viewer.")
class CreateTokenInput:
    name: str = strawberry.field(description="What it is for: 1 to 200 characters on one line.")
    expires_at: datetime | None = operator(
        "When it ends, in the future; by default in 90 days unless the service is set otherwise."
    )
    scopes: list[TokenScope] | None = operator(
        "What it may be used for at most: one or more of what the token of this request has; by "
        "default all of these."
    )
    project_ids: list[strawberry.ID] | None = operator(
        "The projects that it is good for, 1 to 100 of those that the viewer may read; by default "
        "all, those to come included."
    )
    idempotency_key: str | None = operator(SECRET_IDEMPOTENCY_KEY)


@strawberry.input(description="A token of the viewer to end.")
class RevokeTokenInput:
    token_id: strawberry.ID = strawberry.field(description="The token.")
    idempotency_key: str | None = operator(IDEMPOTENCY_KEY)
