"""The schema: made once, and printed into schema.graphql."""

from __future__ import annotations

from typing import Any

import strawberry
from graphql import GraphQLError, GraphQLInputObjectType, GraphQLNonNull, Undefined
from graphql.type import is_interface_type, is_object_type
from strawberry.schema.config import StrawberryConfig
from strawberry.types import ExecutionContext

from gql_service.api.documents import GivenDocument
from gql_service.api.executor import Executor
from gql_service.api.mutations.annotations import AnnotationMutations
from gql_service.api.mutations.clones import CloneMutations
from gql_service.api.mutations.conflicts import ConflictMutations
from gql_service.api.mutations.datasets import DatasetMutations
from gql_service.api.mutations.items import ItemMutations
from gql_service.api.mutations.marks import MarkMutations
from gql_service.api.mutations.metadata_indexes import MetadataIndexMutations
from gql_service.api.mutations.projects import ProjectMutations
from gql_service.api.mutations.recipes import RecipeMutations
from gql_service.api.mutations.reverts import RevertMutations
from gql_service.api.mutations.uploads import UploadMutations
from gql_service.api.mutations.users import UserMutations
from gql_service.api.queries import Query
from gql_service.api.scalars import SCALARS
from gql_service.api.subscriptions import Subscription
from gql_service.api.types.annotation import Annotation
from gql_service.api.types.errors import HANDLERS
from gql_service.api.types.user import Token


@strawberry.type(
    description="What can be changed. Every mutation is one transaction, and answers with its "
    "success or with a refusal; several in one document run one after the other, each by itself."
)
class Mutation(
    ProjectMutations,
    UserMutations,
    RecipeMutations,
    DatasetMutations,
    UploadMutations,
    ItemMutations,
    AnnotationMutations,
    CloneMutations,
    MarkMutations,
    MetadataIndexMutations,
    ConflictMutations,
    RevertMutations,
):
    pass


class _Schema(strawberry.Schema):
    def process_errors(
        self, errors: list[GraphQLError], execution_context: ExecutionContext | None = None
    ) -> None:
        """Errors are logged where they are answered; what callers got wrong is not logged."""


def _finished(schema: _Schema) -> _Schema:
    """Two things that Strawberry leaves undone.

    Left out and null mean the same to an argument, so it has no default that clients would have
    to know, and no `= null` is printed. And graphql-core is told which inputs take exactly one
    field: it then names the argument where one does not, which Strawberry's own check cannot.
    """
    core: Any = schema._schema
    for type_ in core.type_map.values():
        arguments: list[Any] = []
        if isinstance(type_, GraphQLInputObjectType):
            arguments = list(type_.fields.values())
            definition = type_.extensions["strawberry-definition"]
            type_.is_one_of = definition.is_one_of
        elif is_object_type(type_) or is_interface_type(type_):
            arguments = [arg for field in type_.fields.values() for arg in field.args.values()]
        for argument in arguments:
            if argument.default_value is None and not isinstance(argument.type, GraphQLNonNull):
                argument.default_value = Undefined
    return schema


def _build() -> _Schema:
    return _finished(
        _Schema(
            query=Query,
            mutation=Mutation,
            subscription=Subscription,
            types=[Annotation, Token],
            exception_handlers=HANDLERS,
            extensions=[GivenDocument],
            execution_context_class=Executor,
            # Not sort_schema: it replaces enumerations by ones that cannot print their values.
            # Types are printed by name in any case, fields in the order of their classes.
            config=StrawberryConfig(scalar_map=SCALARS, disable_field_suggestions=True),
        )
    )


schema = _build()


def printed_schema() -> str:
    """The text of schema.graphql."""
    return schema.as_str() + "\n"
