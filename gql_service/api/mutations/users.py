"""Users and tokens."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta
from typing import Annotated

import strawberry
from pydantic import TypeAdapter

from gql_service.api.context import Info
from gql_service.api.described import mutation
from gql_service.api.ids import ProjectId, TokenId, parse_as
from gql_service.api.inputs.projects import CreateTokenInput, CreateUserInput, RevokeTokenInput
from gql_service.api.mutations.answers import INPUT
from gql_service.api.once import write_once
from gql_service.api.types.errors import (
    ConflictError,
    ForbiddenError,
    NotFoundError,
    ValidationError,
)
from gql_service.api.types.token_scope import TokenScope
from gql_service.api.types.user import Token, User, load_user
from gql_service.catalog.idempotency import ShownOnce
from gql_service.catalog.permission import require_whole
from gql_service.catalog.project import roles_of_actor
from gql_service.catalog.user import (
    TokenRecord,
    create_token,
    create_user,
    revoke_token,
    tokens_of,
    users_by_id,
)
from gql_service.database.engine import Tx
from gql_service.errors import Forbidden, NotFound

FIRST_TOKEN = "first"

_TOKEN: TypeAdapter[TokenRecord] = TypeAdapter(TokenRecord)
_USER_MADE = ShownOnce(
    "This user was made already, and the text of the first token was shown then; it is shown once"
)
_TOKEN_MADE = ShownOnce(
    "This token was made already, and its text was shown then; it is shown once. Revoke the token "
    "and make another one under another key"
)


@strawberry.type(description="The user was made.")
class CreateUserSuccess:
    user: User = strawberry.field(description="The new user.")
    text: str = strawberry.field(
        description="The text of the user's first token. It is shown only here: hand it over, and "
        "let them make their own."
    )


@strawberry.type(description="The token was made.")
class CreateTokenSuccess:
    token: Token = strawberry.field(description="The new token.")
    text: str = strawberry.field(
        description="Its text, for the header Authorization: Bearer <text>. It is shown only here."
    )


@strawberry.type(description="The token has ended.")
class RevokeTokenSuccess:
    token: Token = strawberry.field(description="The token as it is now.")


CreateUserResult = Annotated[
    CreateUserSuccess | ValidationError | ForbiddenError | ConflictError,
    strawberry.union("CreateUserResult", description="The new user, or why there is none."),
]
CreateTokenResult = Annotated[
    CreateTokenSuccess | ValidationError | NotFoundError | ForbiddenError | ConflictError,
    strawberry.union("CreateTokenResult", description="The new token, or why there is none."),
]
RevokeTokenResult = Annotated[
    RevokeTokenSuccess | ValidationError | NotFoundError | ForbiddenError | ConflictError,
    strawberry.union("RevokeTokenResult", description="The token, or why it could not be ended."),
]


@strawberry.type
class UserMutations:
    @mutation(
        description="Makes a user. For admins, with a token of scope ADMIN that is good for every "
        "project. Fails with CONFLICT when somebody has the address."
    )
    async def create_user(
        self, info: Info, input: Annotated[CreateUserInput, INPUT]
    ) -> CreateUserResult:
        days = info.context.backend.settings.token_days

        def make(tx: Tx) -> tuple[int, str]:
            actor = tx.actor or 0
            if not users_by_id(tx, [actor])[actor].admin:
                raise Forbidden("Only admins may make users")
            require_whole(tx)
            user = create_user(tx, input.name, input.email, admin=input.admin)
            return user, create_token(tx, user, FIRST_TOKEN, tx.now + timedelta(days=days))

        user, text = await write_once(info, input, _USER_MADE, make)
        return CreateUserSuccess(user=await load_user(info, user), text=text)

    @mutation(
        description="Makes another token for the viewer, which allows no more than the present "
        "one. Needs a token of scope ADMIN that is good for every project."
    )
    async def create_token(
        self, info: Info, input: Annotated[CreateTokenInput, INPUT]
    ) -> CreateTokenResult:
        days = info.context.backend.settings.token_days
        projects = _projects(input)

        def make(tx: Tx) -> tuple[TokenRecord, str]:
            require_whole(tx)
            user = tx.actor or 0
            before = {token.id for token in tokens_of(tx, user)}
            text = create_token(
                tx,
                user,
                input.name,
                input.expires_at or tx.now + timedelta(days=days),
                scopes=_scopes(tx, input.scopes),
                projects=_readable(tx, projects),
            )
            made = [token for token in tokens_of(tx, user) if token.id not in before]
            return made[0], text

        token, text = await write_once(info, input, _TOKEN_MADE, make)
        return CreateTokenSuccess(token=Token.of(token), text=text)

    @mutation(
        description="Ends a token of the viewer at once; one that ended before keeps its time. "
        "Any token may end itself; for another one it needs the scope ADMIN, and to be good for "
        "every project."
    )
    async def revoke_token(
        self, info: Info, input: Annotated[RevokeTokenInput, INPUT]
    ) -> RevokeTokenResult:
        key = parse_as(TokenId, input.token_id, ("tokenId",)).key

        def revoke(tx: Tx) -> TokenRecord:
            if key != tx.bounds.token:
                require_whole(tx)
            user = tx.actor or 0
            revoke_token(tx, user, key)
            return next(token for token in tokens_of(tx, user) if token.id == key)

        return RevokeTokenSuccess(token=Token.of(await write_once(info, input, _TOKEN, revoke)))


def _scopes(tx: Tx, asked: list[TokenScope] | None) -> Collection[TokenScope]:
    """What was asked for. Raises Forbidden for what the present token does not have itself."""
    bounds = tx.bounds.scopes
    own = [scope for scope in TokenScope if bounds is None or scope.value in bounds]
    if asked is None:
        return own
    for at, scope in enumerate(asked):
        if scope not in own:
            raise Forbidden(
                f"This token does not have the scope {scope.value} itself", path=("scopes", at)
            )
    return asked


def _projects(input: CreateTokenInput) -> list[int] | None:
    if input.project_ids is None:
        return None
    return [
        parse_as(ProjectId, id, ("projectIds", at)).key for at, id in enumerate(input.project_ids)
    ]


def _readable(tx: Tx, projects: list[int] | None) -> list[int] | None:
    """Raises NotFound for the first project that the actor may not read."""
    readable = roles_of_actor(tx, projects or ())
    for at, project in enumerate(projects or ()):
        if project not in readable:
            raise NotFound("There is no such project", path=("projectIds", at))
    return projects
