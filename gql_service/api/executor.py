"""The executor: lets finished JSON through, and tells what is selected below a field."""

from __future__ import annotations

from typing import Any, cast

import orjson
from graphql import FieldNode, GraphQLObjectType
from graphql.execution.collect_fields import CollectedFields, FieldDetails, collect_subfields
from graphql.execution.values import get_argument_values
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext
from strawberry.types.arguments import convert_arguments

from gql_service.api.tally import Tally


class Executor(StrawberryGraphQLCoreExecutionContext):
    """As Strawberry's, but a resolver may answer with an `orjson.Fragment`: the JSON of the whole
    value, made elsewhere from the same selections. Tells the tally of the request's context of
    every object that it makes itself."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.context_value.selections = self

    def complete_value(
        self,
        return_type: Any,
        field_details_list: Any,
        info: Any,
        path: Any,
        result: Any,
        position_context: Any,
    ) -> Any:
        if type(result) is orjson.Fragment:
            return result
        return super().complete_value(
            return_type, field_details_list, info, path, result, position_context
        )

    def collect_subfields(
        self, return_type: GraphQLObjectType, field_details_list: Any
    ) -> CollectedFields:
        # Called once for each object, and the only place where its fields have been put together.
        collected = super().collect_subfields(return_type, field_details_list)
        tally: Tally = self.context_value.tally
        if return_type.name.startswith("__"):
            tally.introspect(len(collected.grouped_field_set))
        elif any(one.name == "Node" for one in return_type.interfaces):
            tally.nodes += 1
        return collected

    def fields_of(self, type_name: str, nodes: list[FieldNode]) -> dict[str, list[FieldNode]]:
        """What is selected of an object of this type below these nodes, by response key."""
        parent = cast(GraphQLObjectType, self.schema.type_map[type_name])
        given = [FieldDetails(node, None) for node in nodes]
        collected = collect_subfields(
            self.schema, self.fragments, self.variable_values, self.operation, parent, given
        )
        return {
            key: [details.node for details in found]
            for key, found in collected.grouped_field_set.items()
        }

    def arguments_of(self, type_name: str, node: FieldNode) -> dict[str, Any]:
        """The arguments of a field as its resolver would be given them."""
        parent = cast(GraphQLObjectType, self.schema.type_map[type_name])
        field: Any = parent.fields[node.name.value]
        values = get_argument_values(field, node, self.variable_values)
        schema: Any = cast(Any, self.schema)._strawberry_schema
        return convert_arguments(
            values,
            field.extensions["strawberry-definition"].arguments,
            scalar_registry=schema.schema_converter.scalar_registry,
            config=schema.config,
        )
