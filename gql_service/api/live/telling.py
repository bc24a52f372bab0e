"""One subscription: begun once, then executed anew for every event of its source.

Both happen in a worker thread, as every other request does: within a snapshot of their own, by the
token, and under the deadline of a request. So rights and tokens count at every event, and an event
shows one state of the database. An event that cannot be answered without an error ends the
subscription, and its position is not passed: who subscribes again from the last version that
arrived is told it then.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any, cast

import orjson
from graphql import ExecutionResult, GraphQLError
from graphql.execution import create_source_event_stream

from gql_service.api.answers import error_entry, masked, refusal_entry
from gql_service.api.auth import viewer_of
from gql_service.api.connections import largest_page
from gql_service.api.context import NEEDS_TOKEN, Backend, Context
from gql_service.api.documents import Document, problems_of
from gql_service.api.executor import Executor
from gql_service.api.json_body import encode
from gql_service.api.live.source import Event, Position, Source
from gql_service.api.schema import schema
from gql_service.api.tally import Tally
from gql_service.api.threads import completed
from gql_service.catalog.filter_limits import FilterLimits, filter_limits
from gql_service.catalog.user import Identity
from gql_service.database.reads import Reads
from gql_service.errors import ErrorCode, ServiceError, Unauthenticated

log = logging.getLogger("gql_service.api")


class Failed(Exception):
    """An operation that cannot go on; `errors` are the entries that the client is told."""

    def __init__(self, errors: list[dict[str, Any]]) -> None:
        super().__init__(errors)
        self.errors = errors


@dataclass(frozen=True, slots=True)
class Told:
    """What came of asking for an event: the answer in JSON, if anything has happened."""

    payload: bytes | None
    position: Position
    more: bool
    last: bool


@dataclass(frozen=True, slots=True)
class Subscribed:
    """A subscription that has begun."""

    backend: Backend
    limits: FilterLimits
    request_id: str
    token: str
    viewer: Identity
    document: Document
    name: str | None
    variables: dict[str, Any] | None
    source: Source

    @property
    def key(self) -> tuple[object, ...]:
        """Who has the same key and position is told the same."""
        variables = orjson.dumps(
            self.variables, default=str, option=orjson.OPT_PASSTHROUGH_SUBCLASS
        )
        return self.token, id(self.document.node), self.name, variables

    def tell(self, position: Position) -> Told:
        """The event behind a position. Runs in a worker thread.

        Raises Unauthenticated when the token is not valid any more, Failed for an answer with
        errors, and what the source raises.
        """
        reads = Reads(self.backend.database)
        try:
            viewer = viewer_of(self.token, reads)
            assert viewer is not None, "there is a token"
            context = _context(self.backend, viewer, reads, self.document)
            event = self.source.next(context, position)
            payload = None if event.value is None else self._answer(context, event)
            return Told(payload, event.position, event.more, event.last)
        finally:
            reads.close()

    def _answer(self, context: Context, event: Event) -> bytes:
        largest_page.set(self.backend.settings.max_page_size)
        filter_limits.set(self.limits)
        executor = _executor(context, self.document, self.name, self.variables, event.value)
        result = completed(_executed(executor))
        if result.errors:
            raise Failed([error_entry(error, self.request_id) for error in result.errors])
        return encode({"data": result.data})


def subscribed(
    backend: Backend,
    limits: FilterLimits,
    request_id: str,
    token: str | None,
    viewer: Identity | None,
    reads: Reads,
    document: Document,
    name: str | None,
    variables: dict[str, Any] | None,
) -> Subscribed:
    """The subscription that was asked for. Runs in a worker thread.

    Raises Unauthenticated without a viewer, Failed when the document is not valid or its field
    refuses the arguments.
    """
    if token is None or viewer is None:
        raise Unauthenticated(NEEDS_TOKEN)
    largest_page.set(backend.settings.max_page_size)
    filter_limits.set(limits)

    def failed(errors: list[GraphQLError]) -> Failed:
        return Failed([error_entry(error, request_id) for error in errors])

    if problems := problems_of(document, schema._schema):
        raise failed(problems)
    try:
        context = _context(backend, viewer, reads, document)
        executor = _executor(context, document, name, variables, None)
        source = completed(_begun(executor))
    except _Refused as refused:
        raise failed(refused.errors) from None
    return Subscribed(backend, limits, request_id, token, viewer, document, name, variables, source)


class _Refused(Exception):
    def __init__(self, errors: list[GraphQLError]) -> None:
        self.errors = errors


def _context(backend: Backend, viewer: Identity, reads: Reads, document: Document) -> Context:
    return Context(backend, viewer, reads, document, Tally(backend.settings.max_introspected))


def _executor(
    context: Context,
    document: Document,
    name: str | None,
    variables: dict[str, Any] | None,
    root: object,
) -> Executor:
    """Raises _Refused for variables of wrong types."""
    made = Executor.build(
        schema._schema,
        document.node,
        root_value=root,
        context_value=context,
        raw_variable_values=variables,
        operation_name=name,
    )
    if isinstance(made, list):
        raise _Refused(made)
    return cast(Executor, made)


async def _begun(executor: Executor) -> Source:
    found: Any = create_source_event_stream(executor)
    if executor.is_awaitable(found):
        found = await found
    if isinstance(found, ExecutionResult):
        raise _Refused(found.errors or [])
    return cast(Source, found)


async def _executed(executor: Executor) -> ExecutionResult:
    found: Any = executor.execute_operation(False)
    if executor.is_awaitable(found):
        found = await found
    return cast(ExecutionResult, found)


def error_entries(error: Exception, request_id: str) -> list[dict[str, Any]]:
    """What a client is told of the end of an operation; what is our fault is logged."""
    if isinstance(error, Failed):
        return error.errors
    if isinstance(error, ServiceError):
        return [refusal_entry(error)]
    log.error("request %s: an operation failed", request_id, exc_info=error)
    return [{"message": masked(request_id), "extensions": {"code": ErrorCode.INTERNAL.value}}]
