"""Who asks: known by the bearer token of the request, and by nothing else."""

from __future__ import annotations

from collections.abc import Callable

from starlette.requests import HTTPConnection, Request

from gql_service.api.context import NEEDS_TOKEN, Backend
from gql_service.api.serving import serving
from gql_service.catalog.user import Identity, user_of_token
from gql_service.database.engine import Tx
from gql_service.database.reads import Reads
from gql_service.errors import Unauthenticated

TOKEN_IS_NONE = "The token is unknown, expired or revoked"


def bearer_token(request: HTTPConnection) -> str | None:
    """The token that a request brings. Raises Unauthenticated for what is none."""
    given = request.headers.getlist("authorization")
    if not given:
        return None
    scheme, _, token = given[0].partition(" ")
    if len(given) > 1 or scheme.lower() != "bearer":
        raise Unauthenticated(NEEDS_TOKEN)
    return token.strip()


def viewer_of(token: str | None, reads: Reads) -> Identity | None:
    """Who is behind a token; None without one.

    Raises Unauthenticated for a token that is unknown, expired or revoked.
    """
    if token is None:
        return None
    viewer = reads.read(lambda tx: user_of_token(tx, token), None)
    if viewer is None:
        raise Unauthenticated(TOKEN_IS_NONE)
    serving().user = viewer.user.id
    return viewer


async def find_viewer(request: Request, backend: Backend) -> Identity | None:
    """As `viewer_of`, before anything else is known; reads nothing of the request but headers."""
    token = bearer_token(request)
    return None if token is None else await find_user(token, backend)


async def find_user(
    token: str, backend: Backend, check: Callable[[Tx], None] | None = None
) -> Identity:
    """The user behind a token. Raises as `viewer_of`, and what `check` of their rights raises."""

    def find() -> Identity | None:
        reads = Reads(backend.database)
        try:
            viewer = viewer_of(token, reads)
            if viewer is not None and check is not None:
                reads.read(check, viewer.actor)
            return viewer
        finally:
            reads.close()

    found = await backend.run(find)
    assert found is not None, "there is a token"
    return found


async def require_viewer(
    request: Request, backend: Backend, check: Callable[[Tx], None] | None = None
) -> Identity:
    """As `find_user`, where nothing can be had without a token."""
    token = bearer_token(request)
    if token is None:
        raise Unauthenticated(NEEDS_TOKEN)
    return await find_user(token, backend, check)
