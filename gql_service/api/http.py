"""GraphQL over HTTP: one operation per request, in JSON, by GET, or as multipart with files; and
subscriptions as server-sent events.

Who asks is settled before a body is read, unless it is one that anybody may send: that is handed
with the token to a worker thread, which does the rest. Without a token only introspection and
__typename answer. Whatever is wrong with a request is answered in JSON with a code; what is wrong
with us is logged under the id of the request and not shown.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache, partial
from typing import Any

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from gql_service.api.answers import (
    GRAPHQL_TYPE,
    JSON_TYPE,
    failure_response,
    refusal_response,
    refused,
)
from gql_service.api.asked import Asked, Operation, operation_in
from gql_service.api.auth import bearer_token, find_viewer
from gql_service.api.context import NEEDS_TOKEN, Backend
from gql_service.api.haste import LONGEST_TEXT
from gql_service.api.json_body import decode, encode, is_short, read_body
from gql_service.api.live.event_stream import EVENTS_TYPE, EventStream, whole_stream
from gql_service.api.live.feed import Feed
from gql_service.api.live.telling import Failed, Subscribed
from gql_service.api.multipart import read_multipart, require_preflight
from gql_service.api.operations import Operations
from gql_service.api.serving import serving
from gql_service.api.timing import timed
from gql_service.catalog.user import Identity
from gql_service.database.deadline import Deadline
from gql_service.errors import ErrorCode, ServiceError, Unauthenticated


class _Unsupported(Exception):
    """The body is of a media type that is not understood."""


class GraphQLEndpoint:
    """Answers requests to /graphql."""

    def __init__(self, backend: Backend, operations: Operations, feed: Feed) -> None:
        self.backend = backend
        self.operations = operations
        self.feed = feed

    async def __call__(self, request: Request) -> Response:
        request_id = serving().id
        try:
            response = await self._respond(request, request_id)
        except ServiceError as refusal:
            response = refusal_response(refusal)
        except ClientDisconnect:
            response = refused(ErrorCode.INVALID, "The request ended early")
        except Exception as error:
            response = failure_response(error, request, request_id)
        return response

    async def _respond(self, request: Request, request_id: str) -> Response:
        if request.method not in ("GET", "POST"):
            return refused(
                ErrorCode.INVALID,
                "GraphQL is asked by GET or POST",
                status=405,
                headers={"allow": "GET, POST"},
            )
        accept = request.headers.get("accept", "")
        media_type, streams = _accepted(accept), EVENTS_TYPE in _ranges(accept)
        if media_type is None and not streams:
            return refused(
                ErrorCode.INVALID, f"The answer is {JSON_TYPE} or {GRAPHQL_TYPE}", status=406
            )
        try:
            asked = await self._read(request, request_id, media_type or GRAPHQL_TYPE)
        except TimeoutError:
            return refused(
                ErrorCode.TIMEOUT,
                "The body of the request took too long",
                status=408,
                headers={"connection": "close"},
            )
        except _Unsupported:
            return refused(
                ErrorCode.INVALID,
                "The body is application/json in UTF-8, or multipart/form-data",
                status=415,
            )
        try:
            asked = replace(asked, streams=streams)
            if asked.brief and media_type and (at_once := self.operations.at_once(asked)):
                return at_once
            async with timed(request, self.backend):
                answer = await self.backend.run(lambda: self.operations.answer(asked))
        except Failed as failure:
            return whole_stream(encode({"errors": failure.errors}))
        finally:
            if asked.form is not None:
                await asked.form.close()
        if isinstance(answer, Subscribed):
            return EventStream(self.feed, answer)
        # Who takes JSON as well, as clients do that tell all they know, gets JSON.
        return answer if media_type else whole_stream(bytes(answer.body))

    async def _read(self, request: Request, request_id: str, media_type: str) -> Asked:
        token, settings = bearer_token(request), self.backend.settings
        changes = request.method == "POST"
        asked = Asked(token, lambda: _parameters(request), request_id, media_type, changes)
        if not changes:
            return asked
        kind, _, parameters = request.headers.get("content-type", "").partition(";")
        match kind.strip().lower():
            case "application/json" if _is_utf8(parameters):
                most = min(settings.max_anonymous_json_bytes, settings.max_json_bytes)
                viewer = None
                if not is_short(request, most):
                    viewer = await self._viewer(request)
                    most = most if viewer is None else settings.max_json_bytes
                body = await read_body(request, most, settings.request_seconds)
                brief = len(body) <= LONGEST_TEXT
                return replace(
                    asked, said=cache(partial(_in_json, body)), viewer=viewer, brief=brief
                )
            case "multipart/form-data":
                return await self._read_form(request, asked)
        await self._viewer(request)
        raise _Unsupported

    async def _read_form(self, request: Request, asked: Asked) -> Asked:
        viewer = await self._viewer(request)
        if viewer is None:
            raise Unauthenticated(NEEDS_TOKEN)
        require_preflight(request)
        operations, form = await read_multipart(request, self.backend.settings)
        try:
            operation = operation_in(operations)
        except BaseException:
            await form.close()
            raise
        return replace(asked, said=lambda: operation, viewer=viewer, form=form)

    async def _viewer(self, request: Request) -> Identity | None:
        with Deadline(self.backend.settings.request_seconds).active():
            return await find_viewer(request, self.backend)


def _in_json(body: bytes) -> Operation:
    return operation_in(decode(body, "The body"))


def _accepted(accept: str) -> str | None:
    """The media type of the answer; None when nothing that we have is accepted."""
    ranges = _ranges(accept)
    if GRAPHQL_TYPE in ranges:
        return GRAPHQL_TYPE
    if accept.strip() in ("", "*/*") or {JSON_TYPE, "application/*", "*/*"} & set(ranges):
        return JSON_TYPE
    return None


def _ranges(accept: str) -> list[str]:
    return [part.partition(";")[0].strip().lower() for part in accept.split(",")]


def _is_utf8(parameters: str) -> bool:
    for parameter in parameters.split(";"):
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "charset":
            return value.strip().strip('"').lower() in ("utf-8", "utf8")
    return True


def _parameters(request: Request) -> Operation:
    given: dict[str, Any] = dict(request.query_params)
    for name in ("variables", "extensions"):
        if name in given:
            given[name] = decode(given[name], f"The parameter `{name}`") if given[name] else None
    return operation_in(given)
