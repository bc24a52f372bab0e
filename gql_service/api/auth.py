"""Who asks: known by the bearer token of the request, and by nothing else."""

from __future__ import annotations

from starlette.requests import Request

from gql_service.api.context import NEEDS_TOKEN, Backend
from gql_service.catalog.user import UserRecord, user_of_token
from gql_service.errors import Unauthenticated


async def viewer_of(request: Request, backend: Backend) -> UserRecord | None:
    """The user behind the token; None without one.

    Raises Unauthenticated for a token that is unknown, expired or revoked, or no token at all.
    Reads nothing of the request but its headers.
    """
    given = request.headers.getlist("authorization")
    if not given:
        return None
    scheme, _, token = given[0].partition(" ")
    if len(given) > 1 or scheme.lower() != "bearer":
        raise Unauthenticated(NEEDS_TOKEN)

    def find() -> UserRecord | None:
        with backend.database.read() as tx:
            return user_of_token(tx, token.strip())

    viewer = await backend.run(find)
    if viewer is None:
        raise Unauthenticated("The token is unknown, expired or revoked")
    return viewer


async def require_viewer(request: Request, backend: Backend) -> UserRecord:
    """As `viewer_of`, where nothing can be had without a token."""
    viewer = await viewer_of(request, backend)
    if viewer is None:
        raise Unauthenticated(NEEDS_TOKEN)
    return viewer
