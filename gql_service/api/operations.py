"""One operation, answered in one thread: who asks, what is asked, and the finished answer."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

from graphql import GraphQLError, OperationType
from starlette.responses import Response
from strawberry.schema.exceptions import InvalidOperationTypeError
from strawberry.types import ExecutionResult
from strawberry.types.graphql import OperationType as StrawberryOperation

from gql_service.api import haste
from gql_service.api.answers import JSON_TYPE, error_entry, json_response, refused
from gql_service.api.asked import Asked, Operation, require_few_values
from gql_service.api.auth import viewer_of
from gql_service.api.compiled import Query, compiled
from gql_service.api.connections import largest_page
from gql_service.api.context import NEEDS_TOKEN, Backend, Context
from gql_service.api.documents import (
    Document,
    Documents,
    operation_type,
    require_one_operation,
)
from gql_service.api.labels import tell_operation
from gql_service.api.live.telling import Subscribed, subscribed
from gql_service.api.persisted import PersistedDocuments, read_trusted
from gql_service.api.remembered import Remembered
from gql_service.api.schema import schema
from gql_service.api.tally import Tally
from gql_service.api.threads import completed
from gql_service.catalog.filter_limits import FilterLimits, filter_limits
from gql_service.catalog.user import Identity
from gql_service.database.reads import Reads
from gql_service.errors import ErrorCode, LimitExceeded, Timeout, Unauthenticated

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

    def at_once(self, asked: Asked) -> Response | None:
        """The answer, where that takes no longer than handing the request to a thread; runs on the
        event loop. None where a thread has to answer, also what turns out to be an error."""
        brief = self._backend.database.brief
        if brief is None or asked.token is None or asked.viewer is not None:
            return None
        operation = asked.said()
        text = self._persisted.text(operation.query, operation.document, remember=False)
        document = self._documents.known(text)
        query: Query | None = None if document is None else document.compiled.get(operation.name)
        if document is None or query is None or not query.haste.allowed:
            return None
        reads = Reads(self._backend.database, partial(brief.snapshot, haste.BRIEF_SECONDS))
        begun, stopped = time.thread_time(), False
        try:
            viewer = viewer_of(asked.token, reads)
            tell_operation(document, operation.name)
            self._limited()
            one = _Begun(self._backend, asked, operation, text, document, viewer, reads)
            return _answer(one.compiled(query), asked)
        except Timeout:
            stopped = True
            return None
        except Exception:
            return None
        finally:
            reads.close()
            query.haste.took(time.thread_time() - begun, stopped=stopped)

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
        kind = operation_type(document, operation.name)
        if kind is not OperationType.MUTATION:
            try:
                require_few_values(operation.variables, self._backend.settings.max_query_values)
            except LimitExceeded as error:
                return _answer(_never_begun(error), asked)
        if kind is OperationType.SUBSCRIPTION:
            return self._subscribed(asked, operation, document, viewer, reads)
        if document.free and not operation.variables and not operation.extensions:
            return self._same_for_all(asked, operation, text, document, reads)
        return self._answered(asked, operation, text, document, viewer, reads)

    def _limited(self) -> None:
        """The settings, for the operation that begins."""
        largest_page.set(self._backend.settings.max_page_size)
        filter_limits.set(self._filter_limits)

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
        self._limited()
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
        query, tally = self._query(), self._tally()
        if query is not None:
            # Whatever goes wrong, graphql-core meets it again and says so.
            with suppress(Exception):
                return self.compiled(query, tally)
            if not tally.exceeded:  # then there is no need to count to it again
                tally = self._tally()
        return completed(self._judged(tally))

    def compiled(self, query: Query, tally: Tally | None = None) -> ExecutionResult:
        """Raises NotPlain, or whatever a resolver raised."""
        context = self._context(tally or self._tally())
        data = query.executed(self.operation.variables, context)
        return self._with_cost(ExecutionResult(data=data, errors=None), context)

    async def _judged(self, tally: Tally) -> ExecutionResult:
        """By graphql-core."""
        context = self._context(tally)
        allowed = {StrawberryOperation.QUERY}
        if self.asked.changes_allowed:
            allowed.add(StrawberryOperation.MUTATION)
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
        if not self.backend.splicing or (self.viewer is None and not self.document.free):
            return None
        return compiled(schema._schema, self.document, self.operation.name)

    def _tally(self) -> Tally:
        extensions = self.operation.extensions
        wanted = bool(extensions and extensions.get("cost") is True)
        return Tally(self.backend.settings.max_introspected, wanted=wanted)

    def _context(self, tally: Tally) -> Context:
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
