"""GraphQL over HTTP: one operation per request, in JSON, by GET, or as multipart with files.

Who asks is settled before the body is read. Without a token only introspection and __typename
answer. Whatever is wrong with a request is answered in JSON with a code; what is wrong with us is
logged under the id of the request and not shown.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

from graphql import GraphQLError
from starlette.datastructures import FormData
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from strawberry.schema.exceptions import InvalidOperationTypeError
from strawberry.types import ExecutionResult
from strawberry.types.graphql import OperationType

from gql_service.api.answers import (
    GRAPHQL_TYPE,
    JSON_TYPE,
    error_entry,
    failure_response,
    json_response,
    refusal_response,
    refused,
)
from gql_service.api.auth import viewer_of
from gql_service.api.connections import largest_page
from gql_service.api.context import NEEDS_TOKEN, Backend, Context
from gql_service.api.documents import Documents, require_one_operation
from gql_service.api.json_body import decode, read_body
from gql_service.api.multipart import read_multipart, require_preflight
from gql_service.api.persisted import PersistedDocuments, document_name, read_trusted
from gql_service.api.schema import schema
from gql_service.api.tally import Tally
from gql_service.api.timing import timed
from gql_service.catalog.filter_limits import FilterLimits, filter_limits
from gql_service.catalog.user import UserRecord
from gql_service.database.deadline import Deadline
from gql_service.errors import ErrorCode, Invalid, LimitExceeded, ServiceError, Unauthenticated

_PARSED_ON_THE_LOOP = 256 * 1024


@dataclass(frozen=True, slots=True)
class _Operation:
    """What is to be executed; `form` has open files."""

    query: str | None
    document: str | None
    """The name of the document; at least one of the two is given."""
    variables: dict[str, Any] | None
    name: str | None
    extensions: dict[str, Any] | None
    form: FormData | None = None


class _Unsupported(Exception):
    """The body is of a media type that is not understood."""


class GraphQLEndpoint:
    """Answers requests to /graphql."""

    def __init__(self, backend: Backend) -> None:
        self.backend = backend
        settings = backend.settings
        self.documents = Documents(settings)
        self.filter_limits = FilterLimits(
            settings.max_filter_depth,
            settings.max_filter_conditions,
            settings.max_filter_values,
            settings.max_pattern_characters,
        )
        trusted = settings.trusted_documents
        self.persisted = PersistedDocuments(read_trusted(trusted) if trusted else None)

    async def __call__(self, request: Request) -> Response:
        request_id = uuid.uuid4().hex
        try:
            response = await self._respond(request, request_id)
        except ServiceError as refusal:
            response = refusal_response(refusal)
        except ClientDisconnect:
            response = refused(ErrorCode.INVALID, "The request ended early")
        except Exception as error:
            response = failure_response(error, request, request_id)
        response.headers["x-request-id"] = request_id
        return response

    async def _respond(self, request: Request, request_id: str) -> Response:
        if request.method not in ("GET", "POST"):
            return refused(
                ErrorCode.INVALID,
                "GraphQL is asked by GET or POST",
                status=405,
                headers={"allow": "GET, POST"},
            )
        media_type = _accepted(request.headers.get("accept", ""))
        if media_type is None:
            return refused(
                ErrorCode.INVALID, f"The answer is {JSON_TYPE} or {GRAPHQL_TYPE}", status=406
            )
        with Deadline(self.backend.settings.request_seconds).active():
            viewer = await viewer_of(request, self.backend)
        try:
            operation = await self._read(request, viewer)
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
            async with timed(request, self.backend.settings.request_seconds):
                return await self._execute(request, operation, viewer, request_id, media_type)
        finally:
            if operation.form is not None:
                await operation.form.close()

    async def _read(self, request: Request, viewer: UserRecord | None) -> _Operation:
        if request.method == "GET":
            return _operation(_query_parameters(request))
        kind, _, parameters = request.headers.get("content-type", "").partition(";")
        match kind.strip().lower():
            case "application/json" if _is_utf8(parameters):
                body = await self._body(request, viewer)
                if len(body) > _PARSED_ON_THE_LOOP:
                    return _operation(await self.backend.run(lambda: decode(body, "The body")))
                return _operation(decode(body, "The body"))
            case "multipart/form-data":
                if viewer is None:
                    raise Unauthenticated(NEEDS_TOKEN)
                require_preflight(request)
                operations, form = await read_multipart(request, self.backend.settings)
                try:
                    return _operation(operations, form)
                except BaseException:
                    await form.close()
                    raise
        raise _Unsupported

    async def _body(self, request: Request, viewer: UserRecord | None) -> bytes:
        settings = self.backend.settings
        most = settings.max_json_bytes
        if viewer is None:
            most = min(most, settings.max_anonymous_json_bytes)
        return await read_body(request, most, settings.request_seconds)

    async def _execute(
        self,
        request: Request,
        operation: _Operation,
        viewer: UserRecord | None,
        request_id: str,
        media_type: str,
    ) -> Response:
        settings = self.backend.settings
        text = self.persisted.text(operation.query, operation.document, remember=viewer is not None)
        try:
            document = self.documents.read(text)
        except (GraphQLError, LimitExceeded) as error:
            return _answer(_never_begun(error), request_id, media_type)
        if viewer is None and not document.free:
            raise Unauthenticated(NEEDS_TOKEN)
        require_one_operation(document, operation.name)
        allowed = {OperationType.QUERY}
        if request.method == "POST":
            allowed.add(OperationType.MUTATION)
        asked = bool(operation.extensions and operation.extensions.get("cost") is True)
        tally = Tally(settings.max_introspected, wanted=asked)
        largest_page.set(settings.max_page_size)
        filter_limits.set(self.filter_limits)
        try:
            result = await schema.execute(
                text,
                variable_values=operation.variables,
                context_value=Context(self.backend, viewer, request_id, document, tally),
                operation_name=operation.name,
                allowed_operation_types=allowed,
                operation_extensions=operation.extensions,
            )
        except InvalidOperationTypeError:
            return refused(
                ErrorCode.INVALID,
                "Mutations are sent by POST; subscriptions are not known here",
                status=405,
                headers={"allow": "POST"},
            )
        if tally.wanted:
            result.extensions = {"cost": {"nodes": tally.nodes}}
        return _answer(result, request_id, media_type)


def _never_begun(error: GraphQLError | LimitExceeded) -> ExecutionResult:
    """Of a document that could not be read, or is too large."""
    if isinstance(error, LimitExceeded):
        error = GraphQLError(error.message, original_error=error)
    return ExecutionResult(data=None, errors=[error])


def _answer(result: ExecutionResult, request_id: str, media_type: str) -> Response:
    errors = [error_entry(error, request_id) for error in result.errors or ()]
    body: dict[str, Any] = {"errors": errors} if errors else {}
    began = result.data is not None or any("path" in entry for entry in errors)
    if began or not errors:
        body["data"] = result.data
    if began and result.extensions:
        body["extensions"] = result.extensions
    # A request that failed before execution is a 400 to clients that ask for the newer media
    # type; the older one has always answered 200 to whatever could be understood as GraphQL.
    status = 200 if began or not errors or media_type == JSON_TYPE else 400
    return json_response(body, status, media_type=media_type)


def _accepted(accept: str) -> str | None:
    """The media type of the answer; None when nothing that we have is accepted."""
    ranges = [part.partition(";")[0].strip().lower() for part in accept.split(",")]
    if GRAPHQL_TYPE in ranges:
        return GRAPHQL_TYPE
    if accept.strip() in ("", "*/*") or {JSON_TYPE, "application/*", "*/*"} & set(ranges):
        return JSON_TYPE
    return None


def _is_utf8(parameters: str) -> bool:
    for parameter in parameters.split(";"):
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "charset":
            return value.strip().strip('"').lower() in ("utf-8", "utf8")
    return True


def _query_parameters(request: Request) -> dict[str, Any]:
    given: dict[str, Any] = dict(request.query_params)
    for name in ("variables", "extensions"):
        if name in given:
            given[name] = decode(given[name], f"The parameter `{name}`") if given[name] else None
    return given


def _operation(given: Any, form: FormData | None = None) -> _Operation:
    """Raises Invalid, naming the member of the request that has the wrong form."""
    if not isinstance(given, dict):
        raise Invalid("A request is a JSON object with `query`; batches are not supported")
    query = given.get("query")
    members: dict[str, Any] = {}
    for member in ("variables", "extensions"):
        members[member] = given.get(member)
        if members[member] is not None and not isinstance(members[member], dict):
            raise Invalid(f"`{member}` is a JSON object", path=(member,))
    document = document_name(given)
    if (query is not None or document is None) and not (isinstance(query, str) and query.strip()):
        raise Invalid("A GraphQL document is needed in `query`", path=("query",))
    name = given.get("operationName")
    if name is not None and not isinstance(name, str):
        raise Invalid("`operationName` is a string", path=("operationName",))
    return _Operation(
        query, document, members["variables"], name or None, members["extensions"], form
    )
