"""Where a schema takes an id: every argument, and every field of an input, however deep."""

from __future__ import annotations

from collections.abc import Iterator

from graphql import (
    GraphQLArgument,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    get_named_type,
)

ID_LEAVES = {"ID", "IdFilter"}
"""Types of arguments that are ids; what compares with ids is one too, whichever way it does."""

Place = tuple[str, str]
"""Of what, and the dotted path there: ("Query.diff", "to.datasetId"), ("ItemWhere", "creator")."""


def id_places(schema: GraphQLSchema) -> set[Place]:
    """Every place of an id. Filters nest without end and are the same everywhere, so what stands
    in one is a place of its type."""
    found: set[Place] = set()
    for name, type_ in schema.type_map.items():
        if name.startswith("__"):
            continue
        if isinstance(type_, GraphQLObjectType | GraphQLInterfaceType):
            for field_name, field in type_.fields.items():
                found |= {(f"{name}.{field_name}", path) for path in _leaves(field.args)}
        elif isinstance(type_, GraphQLInputObjectType) and is_filter(name):
            found |= {(name, path) for path in _leaves(type_.fields)}
    return found


def root_fields(schema: GraphQLSchema) -> set[str]:
    """Every field where an operation can begin, subscriptions included."""
    roots = (schema.query_type, schema.mutation_type, schema.subscription_type)
    return {f"{root.name}.{field}" for root in roots if root for field in root.fields}


def node_types(schema: GraphQLSchema) -> set[str]:
    """Every type that has ids of its own."""
    node = schema.type_map["Node"]
    assert isinstance(node, GraphQLInterfaceType)
    return {type_.name for type_ in schema.get_possible_types(node)}


def _leaves(
    fields: dict[str, GraphQLArgument] | dict[str, GraphQLInputField],
    inside: frozenset[str] = frozenset(),
) -> Iterator[str]:
    for name, field in fields.items():
        type_ = get_named_type(field.type)
        if type_.name in ID_LEAVES:
            yield name
        elif isinstance(type_, GraphQLInputObjectType) and not is_filter(type_.name):
            if type_.name in inside:  # a tree: what stands in it stands at its root
                continue
            for path in _leaves(type_.fields, inside | {type_.name}):
                yield f"{name}.{path}"


def is_filter(name: str) -> bool:
    """Whether an input of this type says which things are meant; it nests without end."""
    return name.endswith(("Where", "AnnotationsFilter"))
