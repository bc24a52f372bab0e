"""Users and tokens."""

from __future__ import annotations

from typing import Annotated

import strawberry
from pydantic import TypeAdapter

from gql_service.api.context import Info
from gql_service.api.described import mutation
from gql_service.api.ids import TokenId, parse_as
from gql_service.api.inputs.projects import CreateTokenInput, CreateUserInput, RevokeTokenInput
from gql_service.api.mutations.answers import INPUT
from gql_service.api.once import write_once
from gql_service.api.types.errors import (
    ConflictError,
    ForbiddenError,
    NotFoundError,
    ValidationError,
)
from gql_service.api.types.user import Token, User, load_user
from gql_service.catalog.idempotency import ShownOnce
from gql_service.catalog.user import (
    TokenRecord,
    create_token,
    create_user,
    revoke_token,
    tokens_of,
    users_by_id,
)
from gql_service.database.engine import Tx
from gql_service.errors import Forbidden

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
    CreateTokenSuccess | ValidationError | ConflictError,
    strawberry.union("CreateTokenResult", description="The new token, or why there is none."),
]
RevokeTokenResult = Annotated[
    RevokeTokenSuccess | ValidationError | NotFoundError | ConflictError,
    strawberry.union("RevokeTokenResult", description="The token, or why it could not be ended."),
]


@strawberry.type
class UserMutations:
    @mutation(
        description="Makes a user. For admins. Fails with CONFLICT when somebody has the address."
    )
    async def create_user(
        self, info: Info, input: Annotated[CreateUserInput, INPUT]
    ) -> CreateUserResult:
        def make(tx: Tx) -> tuple[int, str]:
            actor = tx.actor or 0
            if not users_by_id(tx, [actor])[actor].admin:
                raise Forbidden("Only admins may make users")
            user = create_user(tx, input.name, input.email, admin=input.admin)
            return user, create_token(tx, user, FIRST_TOKEN)

        user, text = await write_once(info, input, _USER_MADE, make)
        return CreateUserSuccess(user=await load_user(info, user), text=text)

    @mutation(description="Makes another token for the viewer.")
    async def create_token(
        self, info: Info, input: Annotated[CreateTokenInput, INPUT]
    ) -> CreateTokenResult:
        def make(tx: Tx) -> tuple[TokenRecord, str]:
            user = tx.actor or 0
            before = {token.id for token in tokens_of(tx, user)}
            text = create_token(tx, user, input.name, input.expires_at)
            made = [token for token in tokens_of(tx, user) if token.id not in before]
            return made[0], text

        token, text = await write_once(info, input, _TOKEN_MADE, make)
        return CreateTokenSuccess(token=Token.of(token), text=text)

    @mutation(
        description="Ends a token of the viewer at once; one that ended before keeps its time."
    )
    async def revoke_token(
        self, info: Info, input: Annotated[RevokeTokenInput, INPUT]
    ) -> RevokeTokenResult:
        key = parse_as(TokenId, input.token_id, ("tokenId",)).key

        def revoke(tx: Tx) -> TokenRecord:
            user = tx.actor or 0
            revoke_token(tx, user, key)
            return next(token for token in tokens_of(tx, user) if token.id == key)

        return RevokeTokenSuccess(token=Token.of(await write_once(info, input, _TOKEN, revoke)))
