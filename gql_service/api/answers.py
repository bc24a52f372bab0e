"""Refusals as GraphQL clients read them, over HTTP: always JSON, always with a code."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping, Sequence
from typing import Any

from graphql import GraphQLError
from starlette.requests import Request
from starlette.responses import Response

from gql_service.api.json_body import encode
from gql_service.api.serving import serving
from gql_service.errors import ErrorCode, ServiceError

log = logging.getLogger("gql_service.api")

JSON_TYPE = "application/json"
GRAPHQL_TYPE = "application/graphql-response+json"
STATUS = {
    ErrorCode.UNAUTHENTICATED: 401,
    ErrorCode.FORBIDDEN: 403,
    ErrorCode.NOT_FOUND: 404,
    ErrorCode.INVALID: 400,
    ErrorCode.LABEL_UNKNOWN: 400,
    ErrorCode.LIMIT_EXCEEDED: 413,
    ErrorCode.NAME_TAKEN: 409,
    ErrorCode.PATH_TAKEN: 409,
    ErrorCode.CONFLICT: 409,
    ErrorCode.VERSION_MOVED: 409,
    ErrorCode.DATASET_LOCKED: 409,
    ErrorCode.NOT_LOCKED: 409,
    ErrorCode.CURSOR_EXPIRED: 410,
    ErrorCode.ERASED: 410,
    ErrorCode.RECIPE_MISMATCH: 409,
    ErrorCode.TIMEOUT: 504,
    ErrorCode.BUSY: 503,
    ErrorCode.INSUFFICIENT_STORAGE: 507,
    ErrorCode.BINARY_CORRUPT: 502,
    ErrorCode.PERSISTED_QUERY_NOT_FOUND: 200,  # or clients take it for a fault of the network
    ErrorCode.INTERNAL: 500,
}
"""Of a request that was refused as a whole."""

_VARIABLE = re.compile(r"Variable '\$(\w+)' has invalid value(?: at ([^:]+))?:")
_STEP = re.compile(r"\.(\w+)|\[(\d+)\]")
NO_STORE = {"cache-control": "no-store"}


def json_response(
    value: Any,
    status: int,
    headers: Mapping[str, str] | None = None,
    media_type: str = JSON_TYPE,
) -> Response:
    return Response(
        encode(value),
        status_code=status,
        headers={**NO_STORE, **(headers or {})},
        media_type=f"{media_type}; charset=utf-8",
    )


def refused(
    code: ErrorCode,
    message: str,
    *,
    status: int | None = None,
    path: Sequence[str] = (),
    headers: Mapping[str, str] | None = None,
    media_type: str = JSON_TYPE,
) -> Response:
    """The answer to a request that is refused as a whole."""
    serving().refused(code.value)
    status = STATUS[code] if status is None else status
    given = dict(headers or {})
    if status == 401:
        given["www-authenticate"] = "Bearer"
    body = {"errors": [_entry(code, message, path)]}
    return json_response(body, status, given, media_type)


def refusal_entry(refusal: ServiceError) -> dict[str, Any]:
    """The entry of `errors` that says why something was refused."""
    return _entry(refusal.code, refusal.message, refusal.path)


def _entry(code: ErrorCode, message: str, path: Sequence[str | int]) -> dict[str, Any]:
    extensions: dict[str, Any] = {"code": code.value}
    if path:
        extensions["path"] = list(path)
    return {"message": message, "extensions": extensions}


def refusal_response(refusal: ServiceError, media_type: str = JSON_TYPE) -> Response:
    return refused(refusal.code, refusal.message, path=refusal.path, media_type=media_type)


def failure_response(error: Exception, request: Request, request_id: str) -> Response:
    """The answer to a fault of ours; what it was is only logged."""
    where = f"{request.method} {request.scope['path']}"
    log.error("request %s: %s failed", request_id, where, exc_info=error)
    return refused(ErrorCode.INTERNAL, masked(request_id))


def error_entry(error: GraphQLError, request_id: str) -> dict[str, Any]:
    """An entry of `errors`: with the code and the argument's path, and nothing internal."""
    entry: dict[str, Any] = {"message": error.message}
    if error.locations:
        entry["locations"] = [{"line": at.line, "column": at.column} for at in error.locations]
    if error.path is not None:
        entry["path"] = list(error.path)
    cause = error.original_error
    if isinstance(cause, ServiceError):
        entry["message"] = cause.message
        entry["extensions"] = {"code": cause.code.value}
        if cause.path:
            entry["extensions"]["path"] = list(cause.path)
    elif isinstance(cause, RecursionError):
        entry["message"] = "The request is nested too deeply"
        entry["extensions"] = {"code": ErrorCode.INVALID.value}
    elif cause is None or isinstance(cause, GraphQLError):
        entry["extensions"] = {"code": ErrorCode.INVALID.value}
        if path := _argument(error.message):
            entry["extensions"]["path"] = path
    else:
        log.error("request %s: %s failed", request_id, error.path, exc_info=cause)
        entry["message"] = masked(request_id)
        entry["extensions"] = {"code": ErrorCode.INTERNAL.value}
    serving().refused(entry["extensions"]["code"])
    return entry


def _argument(message: str) -> list[str]:
    """Which argument graphql-core speaks of when it refuses the value of a variable.

    A variable called `input` is the only argument of a mutation, and not part of paths.
    """
    match = _VARIABLE.match(message)
    if match is None:
        return []
    steps = [name or index for name, index in _STEP.findall(match[2] or "")]
    return steps if match[1] == "input" and steps else [match[1], *steps]


def masked(request_id: str) -> str:
    """What is said of a fault of ours."""
    return f"Something went wrong; it is logged as request {request_id}"
