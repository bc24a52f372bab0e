"""Rows of the table as requests: the document, its variables, and what the answer comes to."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from graphql import GraphQLInputObjectType, GraphQLSchema, build_schema, get_named_type
from starlette.testclient import TestClient

from gql_service.api.schema import printed_schema
from tests.api.client import Http
from tests.api.rights.places import ID_LEAVES, Place, is_filter
from tests.api.rights.streaming import first_event
from tests.api.rights.table import Id, Row
from tests.api.rights.world import World

SCHEMA = build_schema(printed_schema())
_REFUSED = "__typename ... on Error { code message path }"
_STATUS = {200: "OK", 401: "UNAUTHENTICATED", 403: "FORBIDDEN", 404: "NOT_FOUND"}


@dataclass(frozen=True)
class Answer:
    """What came back: its code (OK for a success), and all of it, for comparison."""

    code: str
    text: str


def ask(
    http: Http, world: World, row: Row, varied: str, whose: str, caller: str, token: str
) -> Answer:
    """Asks as the caller; the id at `varied` is that of a thing of theirs, or is not."""
    headers: dict[str, str] = {}
    if token != "NONE":
        headers["authorization"] = f"Bearer {world.tokens[caller, token]}"
    if row.field.startswith("/"):
        return _ask_route(http, world, row, whose, caller, headers)
    given = _filled(row.given, world, caller, varied, whose)
    operation = {
        "query": document(row).replace("{dataset}", world.home["dataset"]),
        "variables": {"input": given} if takes_input(row) else given,
    }
    if row.field.startswith("Subscription."):
        assert isinstance(http, TestClient)
        content = first_event(http, json.dumps(operation).encode(), headers)
    else:
        content = _post(http, operation, headers, upload="files" in row.given).content
    answer = json.loads(content)
    return Answer(_code(answer, row), json.dumps(answer, sort_keys=True))


def takes_input(row: Row) -> bool:
    """Whether the field has one argument for all, as mutations and plans do."""
    return list(_arguments(row.field)) == ["input"]


def document(row: Row) -> str:
    """The operation of a row; `{dataset}` stands for a dataset of the caller's."""
    names = ["input"] if takes_input(row) else list(row.given)
    arguments = _arguments(row.field)
    types = ", ".join(f"${name}: {arguments[name].type}" for name in names)
    passed = ", ".join(f"{name}: ${name}" for name in names)
    field = row.field.partition(".")[2] + ("(ARGUMENTS)" if names else "")
    field = field.replace("ARGUMENTS", passed)
    selected = _REFUSED if takes_input(row) else row.select
    body = row.inside % (field + (f" {{ {selected} }}" if selected else ""))
    root = row.field.partition(".")[0]
    kind = root.lower() if root in ("Mutation", "Subscription") else "query"
    return f"{kind} Asked{f'({types})' if types else ''} {{ {body} }}"


def places_of(row: Row) -> set[Place]:
    """Where in the schema the ids of a row stand."""
    prefix = "input." if takes_input(row) else ""
    return {_place(SCHEMA, row.field, f"{prefix}{path}") for path in row.ids()} - {None}  # type: ignore[arg-type]


def _place(schema: GraphQLSchema, field: str, path: str) -> Place | None:
    """None for what is no id to the schema, such as a SHA-256."""
    of, so_far = field, []
    fields: Mapping[str, Any] = _arguments(field)
    for step in path.split("."):
        if step.isdigit():
            continue
        type_ = get_named_type(fields[step].type)
        so_far.append(step)
        if type_.name in ID_LEAVES:
            return of, ".".join(so_far)
        if not isinstance(type_, GraphQLInputObjectType):
            return None
        if is_filter(type_.name):
            of, so_far = type_.name, []
        fields = type_.fields
    return None


def _arguments(field: str) -> Mapping[str, Any]:
    type_name, _, name = field.partition(".")
    type_: Any = SCHEMA.type_map[type_name]
    arguments: Mapping[str, Any] = type_.fields[name].args
    return arguments


def _filled(value: Any, world: World, caller: str, varied: str, whose: str, path: str = "") -> Any:
    """The template with ids in the place of `Id`."""
    if isinstance(value, Id):
        meant = varied in (path, value.beside)
        return world.thing(value.thing, whose if meant else "own", caller)

    def inner(key: Any, one: Any) -> Any:
        return _filled(one, world, caller, varied, whose, f"{path}.{key}" if path else str(key))

    if isinstance(value, dict):
        return {key: inner(key, one) for key, one in value.items()}
    if isinstance(value, list):
        return [inner(at, one) for at, one in enumerate(value)]
    return value


def _post(http: Http, operation: dict[str, Any], headers: dict[str, str], *, upload: bool) -> Any:
    if not upload:
        given = {**headers, "content-type": "application/json"}
        return http.request("POST", "/graphql", content=json.dumps(operation), headers=given)
    return http.request(
        "POST",
        "/graphql",
        data={
            "operations": json.dumps(operation),
            "map": json.dumps({"0": ["variables.input.files.0.file"]}),
        },
        files=[("0", ("new.txt", b"new bytes"))],
        headers={**headers, "graphql-require-preflight": "1"},
    )


def _ask_route(
    http: Http, world: World, row: Row, whose: str, caller: str, headers: dict[str, str]
) -> Answer:
    ids = {name: world.thing(id.thing, whose, caller) for name, id in row.ids().items()}
    response = http.request("GET", row.field.format(**ids), headers=headers)
    return Answer(_STATUS[response.status_code], response.text)


def _code(answer: dict[str, Any], row: Row) -> str:
    """A null on the way says what a refusal says: not there, or not yours."""
    errors = answer.get("errors")
    if errors:
        return str(errors[0]["extensions"]["code"])
    value = answer["data"]
    while isinstance(value, dict) and len(value) == 1:  # down to what was asked for
        (value,) = value.values()
    if isinstance(value, list):
        value = value[0] if value else "an empty list"
    if isinstance(value, dict) and "code" in value:
        return str(value["code"])
    return "NOT_FOUND" if value is None else "OK"
