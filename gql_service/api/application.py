"""Every address of the service."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

from gql_service.api.answers import json_response, refusal_response, refused
from gql_service.api.auth import require_viewer
from gql_service.api.context import Backend
from gql_service.api.files import Handler, binary_files, item_files, thumbnails
from gql_service.api.health import health_routes
from gql_service.api.http import GraphQLEndpoint
from gql_service.api.ids import DatasetId, parse_as
from gql_service.api.live.feed import Feed
from gql_service.api.live.socket import Socket
from gql_service.api.operations import Operations
from gql_service.api.point import Point
from gql_service.api.serving import Observed, serving
from gql_service.api.uploads import METHODS, Uploads
from gql_service.catalog.dataset import datasets_by_id
from gql_service.catalog.version import versions_by_number
from gql_service.database.engine import Tx
from gql_service.errors import ErrorCode, Invalid, NotFound, ServiceError
from gql_service.playground.pages import page, playground_routes, wants_page


def application(backend: Backend) -> Starlette:
    """The ASGI application over these rooms; `state.feed` is what a server closes first."""
    operations, feed, uploads = Operations(backend), Feed(backend), Uploads(backend)
    graphql = GraphQLEndpoint(backend, operations, feed)
    methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]

    async def converse(socket: WebSocket) -> None:
        await Socket(socket, backend, operations, feed).serve()

    served = Starlette(
        routes=[
            Route("/graphql", graphql.__call__, methods=methods),
            WebSocketRoute("/graphql", converse),
            Route("/files/{dataset}/{item}", item_files(backend), methods=["GET", "HEAD"]),
            Route(
                "/files/{dataset}/{item}/thumbnail", thumbnails(backend), methods=["GET", "HEAD"]
            ),
            Route("/files/{binary}", binary_files(backend), methods=["GET", "HEAD"]),
            Route("/uploads", uploads.__call__, methods=METHODS),
            Route("/uploads/{upload}", uploads.__call__, methods=METHODS),
            Route("/datasets/{dataset}", _dataset_page(backend), methods=["GET"]),
            *health_routes(backend),
            *playground_routes(),
        ],
        middleware=[Middleware(Observed)],
        exception_handlers={HTTPException: _http_refusal},
    )
    served.state.feed = feed
    return served


def _dataset_page(backend: Backend) -> Handler:
    """What a dataset is, for those who follow its `url`: a browser gets the playground on it."""

    async def answer(request: Request) -> Response:
        serving().operation = "dataset"
        if wants_page(request):
            return page()
        try:
            viewer = await require_viewer(request, backend)

            def read() -> dict[str, object]:
                with backend.database.read(viewer.actor) as tx:
                    return _described(tx, request.path_params["dataset"])

            described = await backend.run(read)
        except Invalid:
            return refusal_response(NotFound("There is no such dataset"))
        except ServiceError as refusal:
            return refusal_response(refusal)
        graphql = f"{backend.settings.resolved_public_url}/graphql"
        return json_response({**described, "graphql": graphql}, 200, {"vary": "Accept"})

    return answer


def _described(tx: Tx, text: str) -> dict[str, object]:
    id = parse_as(DatasetId, text, ())
    record = datasets_by_id(tx, [id.key]).get(id.key)
    number = record.head if record and id.version is None else id.version
    pair = (id.key, number or 0)
    version = versions_by_number(tx, [pair]).get(pair) if record else None
    if record is None or version is None:
        raise NotFound("There is no such dataset")
    return {
        "id": Point(*pair, fixed=id.version is not None).dataset_id(),
        "name": record.name,
        "type": record.type.value,
        "version": version.number,
        "itemsCount": version.items,
        "annotationsCount": version.annotations,
    }


async def _http_refusal(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException), "registered for these"
    code = ErrorCode.NOT_FOUND if error.status_code == 404 else ErrorCode.INVALID
    return refused(code, error.detail, status=error.status_code, headers=error.headers)
