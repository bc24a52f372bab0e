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
from gql_service.api.types.token_scope import TokenScope
from gql_service.catalog.permission import is_whole
from gql_service.catalog.project import roles_of_actor
from gql_service.catalog.user import Identity, TokenRecord, UserRecord, tokens_of, users_by_id
from gql_service.database.engine import Tx


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
    scopes: list[TokenScope] = strawberry.field(
        description="What it may be used for at most; all that one of them allows."
    )
    project_ids: list[strawberry.ID] | None = strawberry.field(
        description="The projects that it is good for; null for all of its user's. To it, others "
        "are not there."
    )

    @staticmethod
    def of(record: TokenRecord) -> Token:
        return Token(
            id=strawberry.ID(str(TokenId(record.id))),
            name=record.name,
            created_at=record.created_at,
            expires_at=record.expires_at,
            revoked_at=record.revoked_at,
            scopes=list(record.scopes),
            project_ids=None
            if record.projects is None
            else [strawberry.ID(str(ProjectId(project))) for project in record.projects],
        )


@strawberry.type(description="Who is asking.")
class Viewer:
    identity: strawberry.Private[Identity]
    admin: bool = strawberry.field(description="Whether they may make users, with this token.")

    @staticmethod
    def of(identity: Identity) -> Viewer:
        bounds = identity.actor.bounds
        return Viewer(identity=identity, admin=identity.user.admin and is_whole(bounds))

    @resolver(description="The user behind the token of this request.")
    def user(self) -> User:
        return User.of(self.identity.user)

    @resolver(description="The token of this request.")
    async def token(self, info: Info) -> Token:
        known = self.identity.actor.bounds.token
        tokens = await info.context.read(visible_tokens)
        return next(Token.of(token) for token in tokens if token.id == known)

    @resolver(
        description="All tokens of the user, ended ones included, oldest first; only that of this "
        "request, unless it has the scope ADMIN and is good for every project."
    )
    async def tokens(self, info: Info) -> list[Token]:
        return [Token.of(token) for token in await info.context.read(visible_tokens)]

    @resolver(
        description="The user's role in a project; null when not a member of it, or when this "
        "token is not good for it."
    )
    async def role_in(
        self,
        info: Info,
        project_id: Annotated[strawberry.ID, strawberry.argument(description="The project.")],
    ) -> Role | None:
        project = parse_as(ProjectId, project_id, ("projectId",)).key
        return await info.context.load(roles_of_actor, project)


def visible_tokens(tx: Tx) -> list[TokenRecord]:
    """The tokens of the actor that the present one may know of."""
    tokens = tokens_of(tx, tx.actor or 0)
    if is_whole(tx.bounds):
        return tokens
    return [token for token in tokens if token.id == tx.bounds.token]


async def load_user(info: Info, user: int) -> User:
    """A user who is named by a row, and therefore exists."""
    record = await info.context.load(users_by_id, user)
    assert record is not None, "a row names a user who does not exist"
    return User.of(record)
