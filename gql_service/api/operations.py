"""One operation, answered in one thread: who asks, what is asked, and the finished answer."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from graphql import GraphQLError
from starlette.datastructures import FormData
from starlette.responses import Response
from strawberry.schema.exceptions import InvalidOperationTypeError
from strawberry.types import ExecutionResult
from strawberry.types.graphql import OperationType

from gql_service.api.answers import JSON_TYPE, error_entry, json_response, refused
from gql_service.api.auth import viewer_of
from gql_service.api.compiled import Query, compiled
from gql_service.api.connections import largest_page
from gql_service.api.context import NEEDS_TOKEN, Backend, Context
from gql_service.api.documents import (
    Document,
    Documents,
    is_subscription,
    require_one_operation,
)
from gql_service.api.labels import tell_operation
from gql_service.api.live.telling import Subscribed, subscribed
from gql_service.api.persisted import PersistedDocuments, document_name, read_trusted
from gql_service.api.remembered import Remembered
from gql_service.api.schema import schema
from gql_service.api.tally import Tally
from gql_service.api.threads import completed
from gql_service.catalog.filter_limits import FilterLimits, filter_limits
from gql_service.catalog.user import Identity
from gql_service.database.reads import Reads
from gql_service.errors import ErrorCode, Invalid, LimitExceeded, Unauthenticated


@dataclass(frozen=True, slots=True)
class Operation:
    """What is to be executed."""

    query: str | None
    document: str | None
    """The name of the document; at least one of the two is given."""
    variables: dict[str, Any] | None
    name: str | None
    extensions: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that has been read: by whom, and a way to what it says.

    `said` raises Invalid. The viewer is found by the token, unless that has been done before.
    """

    token: str | None
    said: Callable[[], Operation]
    id: str
    media_type: str
    changes_allowed: bool
    viewer: Identity | None = None
    streams: bool = False
    """Whether the answer may go on: then subscriptions can be asked for."""
    form: FormData | None = None
    """Open files, which whoever reads the request closes."""


INTROSPECTIONS = 64
"""Answers remembered. Tools ask a handful of questions; each answer is a few hundred kilobytes."""


_Question = tuple[str, str | None, str, bool]


class Operations:
    """Executes operations within the limits that the settings set."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        settings = backend.settings
        self._documents = Documents(settings)
        self._filter_limits = FilterLimits(
            settings.max_filter_depth,
            settings.max_filter_conditions,
            settings.max_filter_values,
            settings.max_pattern_characters,
        )
        trusted = settings.trusted_documents
        self._introspections: Remembered[_Question, Response] = Remembered(INTROSPECTIONS)
        self._persisted = PersistedDocuments(read_trusted(trusted) if trusted else None)

    def answer(self, asked: Asked) -> Response | Subscribed:
        """The answer, or a subscription that has begun; runs in a worker thread.

        Raises the refusals of the request as a whole, and Failed for a subscription that cannot
        begin.
        """
        reads = Reads(self._backend.database)
        try:
            viewer = asked.viewer or viewer_of(asked.token, reads)
            return self._executed(asked, asked.said(), viewer, reads)
        finally:
            reads.close()

    def _executed(
        self, asked: Asked, operation: Operation, viewer: Identity | None, reads: Reads
    ) -> Response | Subscribed:
        remember = viewer is not None
        text = self._persisted.text(operation.query, operation.document, remember=remember)
        try:
            document = self._documents.read(text)
        except (GraphQLError, LimitExceeded) as error:
            return _answer(_never_begun(error), asked)
        if viewer is None and not document.free:
            raise Unauthenticated(NEEDS_TOKEN)
        require_one_operation(document, operation.name)
        tell_operation(document, operation.name)
        if is_subscription(document, operation.name):
            return self._subscribed(asked, operation, document, viewer, reads)
        if document.free and not operation.variables and not operation.extensions:
            return self._same_for_all(asked, operation, text, document, reads)
        return self._answered(asked, operation, text, document, viewer, reads)

    def _subscribed(
        self,
        asked: Asked,
        operation: Operation,
        document: Document,
        viewer: Identity | None,
        reads: Reads,
    ) -> Response | Subscribed:
        if not asked.streams:
            return refused(
                ErrorCode.INVALID,
                "Subscriptions are asked for with Accept: text/event-stream, or over WebSocket as "
                "graphql-transport-ws",
                status=406,
            )
        return subscribed(
            self._backend,
            self._filter_limits,
            asked.id,
            asked.token,
            viewer,
            reads,
            document,
            operation.name,
            operation.variables,
        )

    def _same_for_all(
        self, asked: Asked, operation: Operation, text: str, document: Document, reads: Reads
    ) -> Response:
        """Introspection takes a tenth of a second and answers everybody alike: it is remembered."""
        key = (text, operation.name, asked.media_type, asked.changes_allowed)
        known = self._introspections.get(key)
        if known is None:
            known = self._answered(asked, operation, text, document, None, reads)
            if known.status_code == 200:
                self._introspections.put(key, known)
        return Response(known.body, known.status_code, dict(known.headers))

    def _answered(
        self,
        asked: Asked,
        operation: Operation,
        text: str,
        document: Document,
        viewer: Identity | None,
        reads: Reads,
    ) -> Response:
        settings = self._backend.settings
        largest_page.set(settings.max_page_size)
        filter_limits.set(self._filter_limits)
        begun = _Begun(self._backend, asked, operation, text, document, viewer, reads)
        try:
            result = begun.executed()
        except InvalidOperationTypeError:
            return refused(
                ErrorCode.INVALID,
                "Mutations are sent by POST",
                status=405,
                headers={"allow": "POST"},
            )
        return _answer(result, asked)


@dataclass(frozen=True, slots=True)
class _Begun:
    """An operation that the viewer may ask for."""

    backend: Backend
    asked: Asked
    operation: Operation
    text: str
    document: Document
    viewer: Identity | None
    reads: Reads

    def executed(self) -> ExecutionResult:
        """Compiled where it is plain success, by graphql-core otherwise."""
        query = self._query()
        if query is not None:
            context = self._context()
            # Whatever goes wrong, graphql-core meets it again and says so.
            with suppress(Exception):
                data = query.executed(self.operation.variables, context)
                return self._with_cost(ExecutionResult(data=data, errors=None), context)
        return completed(self._judged())

    async def _judged(self) -> ExecutionResult:
        """By graphql-core."""
        context = self._context()
        allowed = {OperationType.QUERY}
        if self.asked.changes_allowed:
            allowed.add(OperationType.MUTATION)
        result = await schema.execute(
            self.text,
            variable_values=self.operation.variables,
            context_value=context,
            operation_name=self.operation.name,
            allowed_operation_types=allowed,
            operation_extensions=self.operation.extensions,
        )
        return self._with_cost(result, context)

    def _query(self) -> Query | None:
        if self.viewer is None or not self.backend.splicing:
            return None
        return compiled(schema._schema, self.document, self.operation.name)

    def _context(self) -> Context:
        extensions = self.operation.extensions
        wanted = bool(extensions and extensions.get("cost") is True)
        tally = Tally(self.backend.settings.max_introspected, wanted=wanted)
        return Context(self.backend, self.viewer, self.reads, self.document, tally)

    def _with_cost(self, result: ExecutionResult, context: Context) -> ExecutionResult:
        if context.tally.wanted:
            result.extensions = {"cost": {"nodes": context.tally.nodes}}
        return result


def _never_begun(error: GraphQLError | LimitExceeded) -> ExecutionResult:
    """Of a document that could not be read, or is too large."""
    if isinstance(error, LimitExceeded):
        error = GraphQLError(error.message, original_error=error)
    return ExecutionResult(data=None, errors=[error])


def _answer(result: ExecutionResult, asked: Asked) -> Response:
    errors = [error_entry(error, asked.id) for error in result.errors or ()]
    body: dict[str, Any] = {"errors": errors} if errors else {}
    began = result.data is not None or any("path" in entry for entry in errors)
    if began or not errors:
        body["data"] = result.data
    if began and result.extensions:
        body["extensions"] = result.extensions
    # A request that failed before execution is a 400 to clients that ask for the newer media
    # type; the older one has always answered 200 to whatever could be understood as GraphQL.
    status = 200 if began or not errors or asked.media_type == JSON_TYPE else 400
    return json_response(body, status, media_type=asked.media_type)


def operation_in(given: Any) -> Operation:
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
    return Operation(query, document, members["variables"], name or None, members["extensions"])
