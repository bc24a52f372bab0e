"""GraphQL documents: read and judged once, before anything is executed, and then remembered."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLSchema,
    GraphQLSyntaxError,
    InlineFragmentNode,
    Lexer,
    OperationDefinitionNode,
    OperationType,
    Source,
    TokenKind,
    parse,
    validate,
)
from strawberry.extensions import SchemaExtension

from gql_service.api.measure import COUNTLESS, measure
from gql_service.api.remembered import Remembered
from gql_service.errors import Invalid, LimitExceeded
from gql_service.settings import Settings

REPEATS = 2_000
_REMEMBERED, _REMEMBERED_TOKENS = 128, 600
"""A token takes half a kilobyte, so all of them together take 40 MB at the very most."""

_FREE_FIELDS = {"__typename", "__schema", "__type"}


@dataclass(slots=True)
class Document:
    """A parsed document within the limits; whether it asks for nothing that needs a token, and
    what is wrong with it, once that has been found out."""

    node: DocumentNode
    free: bool
    problems: list[GraphQLError] | None = field(default=None, compare=False)
    remembered: bool = False
    compiled: dict[str | None, Any] = field(default_factory=dict, compare=False)
    """What has been made of its operations, by name."""


class Documents:
    """Reads documents, and remembers those that were used last by their text."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._remembered: Remembered[str, Document] = Remembered(_REMEMBERED)

    def known(self, text: str) -> Document | None:
        """One that has been read before, and is remembered."""
        return self._remembered.get(text)

    def read(self, text: str) -> Document:
        """The document, if it keeps to the limits.

        Raises LimitExceeded, naming the limit and what was found, and GraphQLError when it cannot
        be read. Takes time in proportion to the text, whatever its fragments expand to.
        """
        known = self._remembered.get(text)
        if known is not None:
            return known
        document = self._parsed(text)
        if document.node.token_count <= _REMEMBERED_TOKENS:
            document.remembered = True
            self._remembered.put(text, document)
        return document

    def _parsed(self, text: str) -> Document:
        settings = self._settings
        _require("bytes", _length(text, settings.max_document_bytes), settings.max_document_bytes)
        most = settings.max_document_tokens
        try:
            node = parse(text, max_lexical_tokens=most, allow_empty_selection_sets=False)
        except GraphQLSyntaxError:
            _require("tokens", _tokens(text), most)
            raise
        size = measure(node)
        _require("levels of fields", size.depth, settings.max_depth)
        _require("root fields", size.root_fields, settings.max_root_fields)
        _require("fields, fragments expanded", size.fields, settings.max_fields)
        _require("aliases, fragments expanded", size.aliases, settings.max_aliases)
        _require("directives, fragments expanded", size.directives, settings.max_directives)
        _require("pairs of fields with one name in one place", size.repeats, REPEATS)
        return Document(node, _is_free(node))


class GivenDocument(SchemaExtension):
    """Spares Strawberry from reading the document that the request has been judged by, and from
    validating what was validated before."""

    def on_parse(self) -> Iterator[None]:
        self.execution_context.graphql_document = self.execution_context.context.document.node
        yield

    def on_validate(self) -> Iterator[None]:
        document: Document = self.execution_context.context.document
        problems = problems_of(document, self.execution_context.schema._schema)
        self.execution_context.pre_execution_errors = list(problems)
        yield


def problems_of(document: Document, schema: GraphQLSchema) -> list[GraphQLError]:
    """What is wrong with a document by the rules of validation."""
    if document.problems is None:
        document.problems = validate(schema, document.node)
    return document.problems


def require_one_operation(document: Document, name: str | None) -> None:
    """Raises Invalid when it is not clear which operation is meant, or there is no such one."""
    names = [
        node.name.value if node.name else None
        for node in document.node.definitions
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


def operation_type(document: Document, name: str | None) -> OperationType:
    """Of the operation that is meant; there must be such one."""
    return next(
        node.operation
        for node in document.node.definitions
        if isinstance(node, OperationDefinitionNode)
        and (name is None or (node.name is not None and node.name.value == name))
    )


def _require(what: str, found: int, most: int) -> None:
    if found > most:
        number = f"{found:,} or more" if found == COUNTLESS else f"{found:,}"
        raise LimitExceeded(
            f"A document can have {most:,} {what}; this one has {number}", path=("query",)
        )


def _length(text: str, most: int) -> int:
    """In bytes of UTF-8, looked at more closely only where it matters."""
    return len(text) if len(text) > most else len(text.encode(errors="surrogatepass"))


def _tokens(text: str) -> int:
    """As far as the text consists of any."""
    lexer, count = Lexer(Source(text)), 0
    token = lexer.token
    try:
        while token.kind is not TokenKind.EOF:
            token = lexer.read_next_token(token.end)
            count += token.kind not in (TokenKind.COMMENT, TokenKind.EOF)
    except GraphQLSyntaxError:
        pass
    return count


def _is_free(document: DocumentNode) -> bool:
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
