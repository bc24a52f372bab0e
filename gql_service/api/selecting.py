"""What an operation selects, and with which arguments."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar, cast

from graphql import (
    FieldNode,
    FragmentSpreadNode,
    GraphQLField,
    GraphQLObjectType,
    GraphQLSchema,
    Node,
    OperationDefinitionNode,
    SelectionSetNode,
    VariableNode,
)
from graphql.execution.collect_fields import (
    FieldDetails,
    FragmentDetails,
    collect_fields,
    collect_subfields,
)
from graphql.execution.values import VariableValues, get_argument_values
from strawberry.types.arguments import convert_arguments

T = TypeVar("T")
Nodes = list[FieldNode]

_VARIES: Final = object()


@dataclass(frozen=True, slots=True)
class Selecting:
    """The selections of one operation with these variables.

    `known` is what has been made of parts that depend on no variable; it may be shared by all
    operations that are alike but for their arguments.
    """

    schema: GraphQLSchema
    fragments: dict[str, FragmentDetails]
    operation: OperationDefinitionNode
    variables: VariableValues
    known: dict[tuple[object, ...], Any] = field(default_factory=dict)

    def root_fields(self, parent: GraphQLObjectType) -> dict[str, Nodes]:
        """What is selected of the operation's root, by response key."""
        collected = collect_fields(
            self.schema, self.fragments, self.variables, parent, self.operation
        )
        return _nodes(collected.grouped_field_set)

    def fields_of(self, type_name: str, nodes: Nodes) -> dict[str, Nodes]:
        """What is selected of an object of this type below these nodes, by response key."""
        parent = cast(GraphQLObjectType, self.schema.type_map[type_name])
        given = [FieldDetails(node, None) for node in nodes]
        collected = collect_subfields(
            self.schema, self.fragments, self.variables, self.operation, parent, given
        )
        return _nodes(collected.grouped_field_set)

    def arguments_of(self, type_name: str, node: FieldNode) -> dict[str, Any]:
        """The arguments of a field as its resolver is given them. Raises GraphQLError."""
        parent = cast(GraphQLObjectType, self.schema.type_map[type_name])
        return self.converted(parent.fields[node.name.value], node)

    def converted(self, of: GraphQLField, node: FieldNode) -> dict[str, Any]:
        """As `arguments_of`, of a field that is known."""
        if not node.arguments and not of.args:
            return {}
        given = get_argument_values(of, node, self.variables)
        definition = of.extensions.get("strawberry-definition")
        if definition is None:
            return given  # of introspection, which graphql-core answers
        schema: Any = cast(Any, self.schema)._strawberry_schema
        return convert_arguments(
            given,
            definition.arguments,
            scalar_registry=schema.schema_converter.scalar_registry,
            config=schema.config,
        )

    def remembered(self, what: str, nodes: Nodes, make: Callable[[], T]) -> T:
        """What `make` makes of the selections below these nodes, which is made only once where no
        variable is used in them."""
        key = (what, *map(id, nodes))
        found = self.known.get(key)
        if found is not None and found is not _VARIES:
            return cast(T, found[0])
        made = make()
        if found is None:
            self.known[key] = _VARIES if self._varies(nodes) else (made,)
        return made

    def _varies(self, nodes: Nodes) -> bool:
        seen: set[str] = set()
        waiting: list[SelectionSetNode] = [one.selection_set for one in nodes if one.selection_set]
        while waiting:
            for selection in waiting.pop().selections:
                if uses_variables(getattr(selection, "arguments", None) or ()):
                    return True
                if isinstance(selection, FragmentSpreadNode):
                    name = selection.name.value
                    if name not in seen:
                        seen.add(name)
                        waiting.append(self.fragments[name].definition.selection_set)
                elif (below := getattr(selection, "selection_set", None)) is not None:
                    waiting.append(below)
        return False


def uses_variables(nodes: Collection[Node]) -> bool:
    """Whether a variable is used in the values of these arguments or directives."""
    return any(True for _ in variables_in(nodes))


def variables_in(nodes: Collection[Node]) -> Iterator[str]:
    """The names of the variables in the values of these arguments or directives."""
    waiting: list[Node] = list(nodes)
    while waiting:
        node = waiting.pop()
        if isinstance(node, VariableNode):
            yield node.name.value
            continue
        for part in ("arguments", "value", "values", "fields"):
            below = getattr(node, part, None)
            if isinstance(below, Node):
                waiting.append(below)
            elif isinstance(below, list | tuple):
                waiting.extend(below)


def _nodes(grouped: Mapping[str, list[FieldDetails]]) -> dict[str, Nodes]:
    return {key: [details.node for details in found] for key, found in grouped.items()}
