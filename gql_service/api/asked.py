"""A request as it was read: who asks, and what for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from starlette.datastructures import FormData

from gql_service.api.persisted import document_name
from gql_service.catalog.user import Identity
from gql_service.errors import Invalid, LimitExceeded


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
    brief: bool = False
    """Whether what it says is short enough to be read on the event loop."""
    form: FormData | None = None
    """Open files, which whoever reads the request closes."""


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


def require_few_values(variables: dict[str, Any] | None, most: int) -> None:
    """Raises LimitExceeded when variables have more values, those in lists and objects included.

    graphql-core takes 2 µs for each before any filter can be looked at.
    """
    waiting: list[Any] = [variables or {}]
    found = 0
    while waiting:
        value = waiting.pop()
        if not isinstance(value, dict | list):
            continue
        found += len(value)
        if found > most:
            raise LimitExceeded(
                f"The variables of a query can have {most:,} values: these have more",
                path=("variables",),
            )
        waiting.extend(value.values() if isinstance(value, dict) else value)
