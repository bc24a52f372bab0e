"""Queries compiled: what graphql-core finds out anew for every value is found out once.

A compiled query calls the same resolvers with the same arguments in the same order, all those of an
object before it waits for any of them, so that loaders still read in batches. It knows success
only. Whatever else happens (an exception, null where none may be, a type that is not expected) ends
it with `NotPlain`; then graphql-core executes the query, and its answer counts. A query changes
nothing, so it may be begun twice.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, cast

from graphql import (
    DirectiveNode,
    DocumentNode,
    FragmentDefinitionNode,
    GraphQLAbstractType,
    GraphQLError,
    GraphQLField,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLSchema,
    OperationDefinitionNode,
    OperationType,
    SchemaMetaFieldDef,
    TypeMetaFieldDef,
    Visitor,
    is_abstract_type,
    is_introspection_type,
    is_leaf_type,
    is_object_type,
    visit,
)
from graphql.execution.collect_fields import FragmentDetails
from graphql.execution.values import VariableValues, get_variable_values
from strawberry.types.field import StrawberryField

from gql_service.api.batches import Begun, Turns
from gql_service.api.completing import (
    Complete,
    Field,
    NotPlain,
    Objects,
    Run,
    leaf,
    listed,
    of_abstract,
    required,
)
from gql_service.api.context import Context
from gql_service.api.documents import Document, problems_of
from gql_service.api.haste import Haste
from gql_service.api.selecting import Nodes, Selecting, uses_variables, variables_in

VARIANTS = 4
"""Plans remembered per operation: one for each way in which its directives turn out."""
_INTROSPECTING = {"__schema": SchemaMetaFieldDef, "__type": TypeMetaFieldDef}


@dataclass(frozen=True, slots=True)
class _SchemaOnly:
    """What resolvers of introspection ask for of an operation."""

    schema: GraphQLSchema


@dataclass(frozen=True, slots=True)
class Plan:
    """A query as it is executed when its directives turn out in one way."""

    root: Objects
    known: dict[tuple[object, ...], Any]
    """What has been made of its selections; see `Selecting`."""


def compiled(schema: GraphQLSchema, document: Document, name: str | None) -> Query | None:
    """The query of that name; None where the document is not valid, or is not remembered, or the
    operation is none that is compiled."""
    if not document.remembered:
        return None
    if name not in document.compiled:
        document.compiled[name] = None
        if not problems_of(document, schema):
            with suppress(NotPlain):
                document.compiled[name] = Query(schema, document, name)
    found: Query | None = document.compiled[name]
    return found


class Query:
    """One query of a document, with its plans."""

    def __init__(self, schema: GraphQLSchema, document: Document, name: str | None) -> None:
        """Raises NotPlain where the operation is none that is compiled."""
        self._schema = schema
        self._operation = _operation(document, name)
        self._fragments = {
            node.name.value: FragmentDetails(node)
            for node in document.node.definitions
            if isinstance(node, FragmentDefinitionNode)
        }
        self._deciding = sorted(set(variables_in(_directives(document.node))))
        self._plans: dict[tuple[Any, ...], Plan | None] = {}
        self.haste = Haste()

    def executed(self, variables: dict[str, Any] | None, context: Context) -> dict[str, Any]:
        """The data of the answer. Raises NotPlain, or whatever a resolver raised."""
        given = get_variable_values(
            self._schema, self._operation.variable_definitions or (), variables or {}
        )
        if isinstance(given, list):
            raise NotPlain
        plan = self._plan(given)
        if plan is None:
            raise NotPlain
        selecting = Selecting(self._schema, self._fragments, self._operation, given, plan.known)
        context.selections = selecting
        context.turns = turns = Turns()
        made = plan.root.complete(Run(context, selecting, turns), None)
        if type(made) is Begun:
            made = turns.finished(made)
        self.haste.proven = not context.tally.introspected
        return cast(dict[str, Any], made)

    def _plan(self, given: VariableValues) -> Plan | None:
        key = tuple(given.coerced.get(name) for name in self._deciding)
        if key in self._plans:
            return self._plans[key]
        known: dict[tuple[object, ...], Any] = {}
        selecting = Selecting(self._schema, self._fragments, self._operation, given, known)
        plan = None
        with suppress(NotPlain, GraphQLError):
            plan = Plan(_Compiler(selecting).root(), known)
        if len(self._plans) < VARIANTS:
            self._plans[key] = plan
        return plan


def _directives(document: DocumentNode) -> list[DirectiveNode]:
    found: list[DirectiveNode] = []

    class Finder(Visitor):
        def enter_directive(self, node: DirectiveNode, *_: Any) -> None:
            found.append(node)

    visit(document, Finder())
    return found


def _operation(document: Document, name: str | None) -> OperationDefinitionNode:
    for node in document.node.definitions:
        if (
            isinstance(node, OperationDefinitionNode)
            and (name is None or (node.name is not None and node.name.value == name))
            and node.operation is OperationType.QUERY
        ):
            return node
    raise NotPlain


@dataclass(frozen=True, slots=True)
class _Compiler:
    """Makes the plan of an operation whose document is valid."""

    selecting: Selecting

    def root(self) -> Objects:
        query = cast(GraphQLObjectType, self.selecting.schema.query_type)
        return self._objects(query, self.selecting.root_fields(query))

    def _objects(self, parent: GraphQLObjectType, selected: dict[str, Nodes]) -> Objects:
        fields = [self._field(parent, key, nodes) for key, nodes in selected.items()]
        counts = any(one.name == "Node" for one in parent.interfaces)
        return Objects(parent.name, tuple(fields), counts, is_introspection_type(parent))

    def _field(self, parent: GraphQLObjectType, key: str, nodes: Nodes) -> Field:
        name = nodes[0].name.value
        if name == "__typename":
            return Field(key, constant=parent.name)
        of = _INTROSPECTING.get(name) or parent.fields[name]
        if name.startswith("__") or is_introspection_type(parent):
            return self._described(key, of, nodes)
        definition: StrawberryField = of.extensions["strawberry-definition"]
        if definition.extensions:
            raise NotPlain
        complete = self._completion(of.type, nodes)
        resolver = definition.base_resolver
        if resolver is None:
            return Field(key, complete=complete, attribute=definition.python_name)
        if resolver.parent_parameter or resolver.root_parameter:
            raise NotPlain
        return Field(
            key,
            complete=complete,
            call=cast(Callable[..., Any], resolver.wrapped_func),
            takes_self=resolver.self_parameter is not None,
            info_name=resolver.info_parameter.name if resolver.info_parameter else None,
            definition=definition,
            of=of,
            parent=parent,
            nodes=nodes,
            arguments=self._arguments(of, nodes),
        )

    def _arguments(self, of: GraphQLField, nodes: Nodes) -> dict[str, Any] | None:
        varies = uses_variables(nodes[0].arguments or ())
        return None if varies else self.selecting.converted(of, nodes[0])

    def _described(self, key: str, of: GraphQLField, nodes: Nodes) -> Field:
        """Of introspection, whose resolvers ask nobody, and of the operation only the schema."""
        resolve, info = cast(Callable[..., Any], of.resolve), _SchemaOnly(self.selecting.schema)
        return Field(
            key,
            complete=self._completion(of.type, nodes),
            call=lambda source, **given: resolve(source, info, **given),
            takes_self=True,
            of=of,
            nodes=nodes,
            arguments=self._arguments(of, nodes),
        )

    def _completion(self, type_: GraphQLOutputType, nodes: Nodes) -> Complete:
        if isinstance(type_, GraphQLNonNull):
            return required(self._completion(type_.of_type, nodes))
        if isinstance(type_, GraphQLList):
            return listed(self._completion(type_.of_type, nodes))
        if is_leaf_type(type_):
            return leaf(type_)
        if is_object_type(type_):
            return self._below(type_, nodes).nullable
        assert is_abstract_type(type_)
        return self._abstract(type_, nodes)

    def _below(self, type_: GraphQLObjectType, nodes: Nodes) -> Objects:
        return self._objects(type_, self.selecting.fields_of(type_.name, nodes))

    def _abstract(self, type_: GraphQLAbstractType, nodes: Nodes) -> Complete:
        """Every type that it may turn out to be is compiled beforehand."""
        possible = self.selecting.schema.get_possible_types(type_)
        return of_abstract({one.name: self._below(one, nodes) for one in possible})
