"""Limits as clients meet them: refused with the code, the name and the number, before any work."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import anyio
import pytest
from graphql import get_introspection_query
from starlette.testclient import TestClient

from gql_service.api.application import application
from gql_service.api.context import Backend
from gql_service.database.engine import Database
from gql_service.settings import Settings
from gql_service.vault.contract import Vault
from tests.api.client import Client
from tests.api.shelf import Shelf
from tests.conftest import CountStatements

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)
"""Nothing here depends on the kind of database."""

NEWER = {"accept": "application/graphql-response+json"}
TOO_DEEP = (
    '{ project(by: {id: "pr_1"}) ' + "{ datasets { nodes { project " * 4 + "{ id }" + "}" * 13
)
MANY = "{ viewer { user { " + "".join(f"a{n}: id " for n in range(31)) + "} } }"


def test_a_document_beyond_a_limit_is_refused_before_anything_is_read(
    ada: Client, count_statements: CountStatements
) -> None:
    for query, message in [
        (TOO_DEEP, "A document can have 12 levels of fields; this one has 14"),
        (MANY, "A document can have 30 aliases, fragments expanded; this one has 31"),
    ]:
        for headers, status in (({}, 200), (NEWER, 400)):
            with count_statements() as statements:
                response = ada.http.request(
                    "POST", "/graphql", json={"query": query}, headers={**ada.headers, **headers}
                )
            assert response.status_code == status
            assert response.json() == {
                "errors": [
                    {
                        "message": message,
                        "extensions": {"code": "LIMIT_EXCEEDED", "path": ["query"]},
                    }
                ]
            }
            assert len(statements) == 1  # whose token it is


def test_limits_hold_for_get_for_multipart_and_without_a_token(ada: Client) -> None:
    def code(response: Any) -> str:
        return str(response.json()["errors"][0]["extensions"]["code"])

    anonymous = ada.http.request("GET", "/graphql", params={"query": MANY})
    assert code(anonymous) == "LIMIT_EXCEEDED"
    got = ada.http.request("GET", "/graphql", params={"query": MANY}, headers=ada.headers)
    assert code(got) == "LIMIT_EXCEEDED"
    form = {"operations": json.dumps({"query": MANY}), "map": "{}"}
    headers = {**ada.headers, "graphql-require-preflight": "1"}
    part = [("x", ("x", b"x"))]
    form["map"] = json.dumps({"x": ["variables.file"]})
    form["operations"] = json.dumps({"query": MANY, "variables": {"file": None}})
    sent = ada.http.request("POST", "/graphql", data=form, files=part, headers=headers)
    assert code(sent) == "LIMIT_EXCEEDED"


def test_a_mutation_beyond_a_limit_changes_nothing(ada: Client) -> None:
    parts = (f'p{n}: createProject(input: {{name: "{n}"}}) {{ __typename }}' for n in range(21))
    assert ada.refusal("mutation { " + " ".join(parts) + "}") == ("LIMIT_EXCEEDED", ["query"])
    assert ada.run("{ projects { totalCount } }") == {"projects": {"totalCount": 0}}


def test_the_introspection_of_every_client_passes_and_more_of_it_does_not(ada: Client) -> None:
    for standard in (
        get_introspection_query(),
        get_introspection_query(specified_by_url=True, input_value_deprecation=True),
    ):
        assert len(ada.run(standard)["__schema"]["types"]) > 100
    again = " ".join(f"f{n}: fields {{ ...F }}" for n in range(25))
    twice = f"{{ __schema {{ types {{ {again} }} }} }}"
    twice += " fragment F on __Field { name description args { name description } }"
    errors = ada.answer(twice)["errors"]
    assert {error["extensions"]["code"] for error in errors} == {"LIMIT_EXCEEDED"}
    assert len(errors) <= 30  # the fields that are beside one another, each by its alias


@pytest.fixture
def small(database: Database, vault: Vault, tmp_path: Path, ada: Client) -> Client:
    """Ada at a service whose limits were set to something small."""
    settings = Settings(
        data_dir=tmp_path,
        max_page_size=3,
        max_introspected=10,
        max_json_bytes=2_048,
        max_anonymous_json_bytes=1_024,
        max_filter_depth=2,
        max_filter_conditions=3,
        max_filter_values=2,
        max_pattern_characters=5,
        max_query_values=13,
    )
    backend = Backend(settings, database, vault, anyio.CapacityLimiter(2))
    client = Client(TestClient(application(backend)), None)
    client.headers = ada.headers
    return client


def test_the_largest_page_is_a_setting(small: Client, shelf: Shelf) -> None:
    query = "query ($id: ID!, $n: Int) { items(datasetId: $id, first: $n) { nodes { id } } }"
    assert len(small.run(query, id=shelf.dataset)["items"]["nodes"]) == 3
    assert len(small.run(query, id=shelf.dataset, n=3)["items"]["nodes"]) == 3
    assert small.refusal(query, id=shelf.dataset, n=4) == ("LIMIT_EXCEEDED", ["first"])


FILTERS: dict[str, tuple[dict[str, object], dict[str, object]]] = {
    "depth": ({"not": {"hidden": True}}, {"not": {"not": {"hidden": True}}}),
    "conditions": (
        {"hidden": False, "annotated": True, "path": {"exists": True}},
        {"hidden": False, "annotated": True, "path": {"exists": True, "ne": "/a"}},
    ),
    "values": ({"path": {"in": ["/a", "/b"]}}, {"path": {"in": ["/a", "/b", "/c"]}}),
    "pattern": ({"path": {"glob": "/a/**"}}, {"path": {"glob": "/aa/**"}}),
}
QUERIES: dict[str, tuple[dict[str, object], dict[str, object]]] = {
    "depth": (
        {"filter": {"$or": [{"hidden": True}]}},
        {"filter": {"$or": [{"$or": [{"hidden": True}]}]}},
    ),
    "conditions": (
        {"filter": {"hidden": False, "annotated": True, "name": "a"}},
        {"filter": {"hidden": False, "annotated": True, "name": "a", "dir": "/"}},
    ),
    "values": (
        {"filter": {"name": {"$in": ["a", "b"]}}},
        {"filter": {"name": {"$in": ["a", "b", "c"]}}},
    ),
    "pattern": ({"filter": {"name": "abcd*"}}, {"filter": {"name": "abcde*"}}),
}


def test_how_large_a_filter_may_be_is_a_setting(
    small: Client, shelf: Shelf, subtests: pytest.Subtests
) -> None:
    query = """query ($id: ID!, $where: ItemWhere, $dql: JSON) {
      items(datasetId: $id, where: $where, dql: $dql) { totalCount } }"""
    for argument, cases in {"where": FILTERS, "dql": QUERIES}.items():
        for limit, (most, more) in cases.items():
            with subtests.test(f"{argument} {limit}"):
                small.run(query, id=shelf.dataset, **{argument: most})
                code, path = small.refusal(query, id=shelf.dataset, **{argument: more})
                assert (code, (path or [""])[0]) == ("LIMIT_EXCEEDED", argument)


def test_how_many_values_a_query_is_given_is_a_setting_and_mutations_take_more(
    small: Client, shelf: Shelf
) -> None:
    query = "query ($id: ID!, $dql: JSON) { items(datasetId: $id, dql: $dql) { totalCount } }"

    def asked(values: int) -> dict[str, Any]:
        """The id, the query, and in it a filter with so many conditions that say nothing."""
        return {"id": shelf.dataset, "dql": {"join": [{}] * (values - 3)}}

    assert small.refusal(query, **asked(13)) == ("INVALID", ["dql", "join"])
    errors = small.answer(query, **asked(14))["errors"]
    assert errors[0]["extensions"]["code"] == "LIMIT_EXCEEDED"
    assert errors[0]["extensions"]["path"] == ["variables"]
    labels = [{"name": str(n)} for n in range(14)]
    small.change("createRecipe", projectId=shelf.project, title="wide", labels=labels)


def test_the_size_of_introspection_is_a_setting(small: Client) -> None:
    ten = '{ __type(name: "PageInfo") { fields { name description } } }'  # 1 + 4 * 2
    assert len(small.run(ten)["__type"]["fields"]) == 4
    assert small.refusal(ten.replace("name d", "type { name } d")) == ("LIMIT_EXCEEDED", None)


@pytest.mark.parametrize(("signed_in", "most"), [(True, 2_048), (False, 1_024)])
def test_a_body_of_just_the_limit_passes(small: Client, signed_in: bool, most: int) -> None:
    body = json.dumps({"query": "{ __typename }", "x": ""})
    for size, status in ((most, 200), (most + 1, 413)):
        content = body.replace('""', '"' + "x" * (size - len(body)) + '"').encode()
        assert len(content) == size
        headers = {"content-type": "application/json", **(small.headers if signed_in else {})}
        response = small.http.request("POST", "/graphql", content=content, headers=headers)
        assert response.status_code == status


def cost(client: Client, query: str, asked: Any) -> Any:
    body = {"query": query, "extensions": asked}
    response = client.http.request("POST", "/graphql", json=body, headers=client.headers)
    answer = response.json()
    assert "errors" not in answer
    return answer.get("extensions")


def test_the_cost_of_an_answer_is_told_to_whoever_asks(ada: Client, shelf: Shelf) -> None:
    asked = {"cost": True}
    assert cost(ada, "{ __typename }", asked) == {"cost": {"nodes": 0}}
    assert cost(ada, "{ viewer { user { id } } }", asked) == {"cost": {"nodes": 1}}
    items = f'{{ items(datasetId: "{shelf.dataset}") {{ nodes {{ path }} totalCount }} }}'
    assert cost(ada, items, asked) == {"cost": {"nodes": 4}}
    # 4 items with their dataset, seen twice, and 3 annotations.
    twice = items.replace("path", "dataset { id } annotations { nodes { id } }")
    twice = twice.replace("totalCount", "edges { node { id } }")
    assert cost(ada, twice, asked) == {"cost": {"nodes": 4 + 4 + 3 + 4}}
    one = 'mutation { createProject(input: {name: "x"}) '
    one += "{ ... on CreateProjectSuccess { project { id } } } }"
    assert cost(ada, one, asked) == {"cost": {"nodes": 1}}


def test_the_cost_is_not_told_to_others(ada: Client) -> None:
    for asked in (None, {}, {"cost": False}, {"cost": 1}, {"other": True}):
        assert cost(ada, "{ viewer { user { id } } }", asked) is None
