"""The executor of whatever is not compiled: graphql-core's, which lets finished JSON through."""

from __future__ import annotations

from typing import Any

import orjson
from graphql import GraphQLObjectType
from graphql.execution.collect_fields import CollectedFields
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext

from gql_service.api.selecting import Selecting
from gql_service.api.tally import Tally


class Executor(StrawberryGraphQLCoreExecutionContext):
    """As Strawberry's, but a resolver may answer with an `orjson.Fragment`: the JSON of the whole
    value, made elsewhere from the same selections. Tells the tally of the request's context of
    every object that it makes itself."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.context_value.selections = Selecting(
            self.schema, self.fragments, self.operation, self.variable_values
        )

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
