"""Users, who is asking, and the tokens by which they are known."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import strawberry

from gql_service.api.context import Info
from gql_service.api.described import resolver
from gql_service.api.ids import ProjectId, TokenId, UserId, parse_as
from gql_service.api.types.enums import Role
from gql_service.api.types.node import Node
from gql_service.catalog.project import roles_of_actor
from gql_service.catalog.user import TokenRecord, UserRecord, tokens_of, users_by_id


@strawberry.type(description="A person or a program that acts.")
class User(Node):
    name: str = strawberry.field(description="What to call them.")
    email: str = strawberry.field(description="Their e-mail address, unique in the service.")

    @staticmethod
    def of(record: UserRecord) -> User:
        return User(id=strawberry.ID(str(UserId(record.id))), name=record.name, email=record.email)


@strawberry.type(
    description="What a user shows to be known. Its text is shown once, when it is made."
)
class Token(Node):
    name: str = strawberry.field(description="What it is for.")
    created_at: datetime = strawberry.field(description="When it was made.")
    expires_at: datetime | None = strawberry.field(
        description="When it ends by itself; null for never."
    )
    revoked_at: datetime | None = strawberry.field(
        description="When it was revoked; null while it was not."
    )

    @staticmethod
    def of(record: TokenRecord) -> Token:
        return Token(
            id=strawberry.ID(str(TokenId(record.id))),
            name=record.name,
            created_at=record.created_at,
            expires_at=record.expires_at,
            revoked_at=record.revoked_at,
        )


@strawberry.type(description="Who is asking.")
class Viewer:
    record: strawberry.Private[UserRecord]
    admin: bool = strawberry.field(description="Whether they may make users.")

    @resolver(description="The user behind the token of this request.")
    def user(self) -> User:
        return User.of(self.record)

    @resolver(description="All tokens of the user, ended ones included, oldest first.")
    async def tokens(self, info: Info) -> list[Token]:
        user = self.record.id
        return [
            Token.of(token) for token in await info.context.read(lambda tx: tokens_of(tx, user))
        ]

    @resolver(description="The user's role in a project; null when not a member of it.")
    async def role_in(
        self,
        info: Info,
        project_id: Annotated[strawberry.ID, strawberry.argument(description="The project.")],
    ) -> Role | None:
        project = parse_as(ProjectId, project_id, ("projectId",)).key
        return await info.context.load(roles_of_actor, project)


async def load_user(info: Info, user: int) -> User:
    """A user who is named by a row, and therefore exists."""
    record = await info.context.load(users_by_id, user)
    assert record is not None, "a row names a user who does not exist"
    return User.of(record)
