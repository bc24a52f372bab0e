"""The printed schema is the committed one, and says what everything in it means."""

from __future__ import annotations

from pathlib import Path

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLScalarType,
    build_schema,
    is_introspection_type,
    is_specified_scalar_type,
)

from gql_service.api.schema import printed_schema
from gql_service.errors import ErrorCode

COMMITTED = Path(__file__).parents[1] / "schema.graphql"
SCHEMA = build_schema(printed_schema())
TYPES = {
    name: type_
    for name, type_ in SCHEMA.type_map.items()
    if not is_introspection_type(type_) and not is_specified_scalar_type(type_)
}


def test_the_committed_schema_is_the_printed_one() -> None:
    assert COMMITTED.read_text(encoding="utf-8") == printed_schema()


def test_printing_twice_gives_the_same_text() -> None:
    assert printed_schema() == printed_schema()


@pytest.mark.parametrize("name", sorted(TYPES))
def test_everything_is_described(name: str) -> None:
    type_ = TYPES[name]
    missing = [] if type_.description else [name]
    if isinstance(type_, GraphQLObjectType | GraphQLInterfaceType):
        for field_name, field in type_.fields.items():
            missing += [] if field.description else [f"{name}.{field_name}"]
            missing += [
                f"{name}.{field_name}({argument_name})"
                for argument_name, argument in field.args.items()
                if not argument.description
            ]
    elif isinstance(type_, GraphQLInputObjectType):
        missing += [f"{name}.{key}" for key, one in type_.fields.items() if not one.description]
    elif isinstance(type_, GraphQLEnumType):
        missing += [f"{name}.{key}" for key, one in type_.values.items() if not one.description]
    assert missing == []


def test_every_scalar_of_ours_is_specified_by_an_address() -> None:
    scalars = [type_ for type_ in TYPES.values() if isinstance(type_, GraphQLScalarType)]
    assert {scalar.name for scalar in scalars} >= {"BigInt", "DateTime", "JSON", "Upload"}
    for scalar in scalars:
        assert str(scalar.specified_by_url).startswith("https://"), scalar.name


def test_every_mutation_takes_one_input_and_returns_a_union_of_its_success_and_errors() -> None:
    mutation = SCHEMA.mutation_type
    assert mutation is not None
    for name, field in mutation.fields.items():
        kind = name[0].upper() + name[1:]
        assert {key: str(one.type) for key, one in field.args.items()} == {"input": f"{kind}Input!"}
        assert str(field.type) == f"{kind}Result!"
        members = [one.name for one in TYPES[f"{kind}Result"].types]  # type: ignore[attr-defined]
        assert members[0] == f"{kind}Success"
        for error in members[1:]:
            assert [one.name for one in TYPES[error].interfaces] == ["Error"]  # type: ignore[attr-defined]


def test_every_mutation_can_be_retried_under_a_key() -> None:
    mutation = SCHEMA.mutation_type
    assert mutation is not None
    for name in mutation.fields:
        kind = name[0].upper() + name[1:]
        key = TYPES[f"{kind}Input"].fields.get("idempotencyKey")  # type: ignore[attr-defined]
        assert key is not None, f"{name} takes no idempotencyKey"
        assert str(key.type) == "String"
        assert "IDEMPOTENCY_CONFLICT" in key.description
        members = {one.name for one in TYPES[f"{kind}Result"].types}  # type: ignore[attr-defined]
        assert "ConflictError" in members, f"{name} cannot refuse a key"


def test_the_codes_are_those_of_the_refusals() -> None:
    codes = TYPES["ErrorCode"]
    assert isinstance(codes, GraphQLEnumType)
    assert list(codes.values) == [code.name for code in ErrorCode]


def test_every_connection_has_what_relay_asks_for() -> None:
    for name, type_ in TYPES.items():
        if name.endswith("Connection"):
            assert isinstance(type_, GraphQLObjectType)
            noun = name.removesuffix("Connection")
            shape = {key: str(one.type) for key, one in type_.fields.items()}
            assert shape["nodes"] == f"[{noun}!]!"
            assert shape["edges"] == f"[{noun}Edge!]!"
            assert shape["pageInfo"] == "PageInfo!"
            assert shape["totalCount"] == "Int!"
