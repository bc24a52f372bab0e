"""GraphQL documents: read once per request, and looked at before anything is executed."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    OperationDefinitionNode,
    parse,
)
from strawberry.extensions import SchemaExtension

from gql_service.errors import Invalid

_CACHED_CHARACTERS = 10_000
_FREE_FIELDS = {"__typename", "__schema", "__type"}


def read_document(text: str) -> DocumentNode:
    """The document; what clients send again and again is kept. Raises GraphQLError."""
    return _cached(text) if len(text) <= _CACHED_CHARACTERS else parse(text)


@lru_cache(maxsize=256)
def _cached(text: str) -> DocumentNode:
    return parse(text)


class GivenDocument(SchemaExtension):
    """Spares Strawberry from reading the document that the request has been judged by."""

    def on_parse(self) -> Iterator[None]:
        self.execution_context.graphql_document = self.execution_context.context.document
        yield


def require_one_operation(document: DocumentNode, name: str | None) -> None:
    """Raises Invalid when it is not clear which operation is meant, or there is no such one."""
    names = [
        node.name.value if node.name else None
        for node in document.definitions
        if isinstance(node, OperationDefinitionNode)
    ]
    if name is None and len(names) != 1:
        raise Invalid(
            "operationName must say which operation of the document is meant"
            if names
            else "The document has no operation",
            path=("operationName",) if names else ("query",),
        )
    if name is not None and name not in names:
        raise Invalid("The document has no operation of that name", path=("operationName",))


def is_free(document: DocumentNode) -> bool:
    """Whether a document asks for nothing but introspection and __typename."""
    fragments = {
        node.name.value: node.selection_set
        for node in document.definitions
        if isinstance(node, FragmentDefinitionNode)
    }
    waiting = [
        node.selection_set
        for node in document.definitions
        if isinstance(node, OperationDefinitionNode)
    ]
    seen: set[str] = set()
    while waiting:
        for selection in waiting.pop().selections:
            if isinstance(selection, FieldNode):
                if selection.name.value not in _FREE_FIELDS:
                    return False
            elif isinstance(selection, FragmentSpreadNode):
                name = selection.name.value
                if name in fragments and name not in seen:
                    seen.add(name)
                    waiting.append(fragments[name])
            elif isinstance(selection, InlineFragmentNode):
                waiting.append(selection.selection_set)
    return True
