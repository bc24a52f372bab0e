"""Requests of every form: what is answered, with which status, and always in JSON with a code."""

from __future__ import annotations

import json
import logging
from reprlib import repr
from typing import Any

import pytest
import sqlalchemy as sa
from starlette.testclient import TestClient

from gql_service.database.engine import Database
from tests.api.client import Client
from tests.api.shelf import Shelf
from tests.builders import ON_SQLITE

WHO = "{ viewer { user { name } } }"
JSON = {"content-type": "application/json"}


def refused(response: Any) -> tuple[int, str]:
    """The status and code of a request that was refused as a whole."""
    assert response.headers["content-type"].startswith("application/")
    body = json.loads(response.content)
    assert "data" not in body
    assert len(body["errors"]) >= 1
    assert response.headers["x-request-id"]
    return response.status_code, body["errors"][0]["extensions"]["code"]


@ON_SQLITE
def test_introspection_answers_without_a_token(http: TestClient, subtests: pytest.Subtests) -> None:
    for query in (
        "{ __typename }",
        "{ __schema { queryType { name } } }",
        '{ __type(name: "Item") { name } }',
        "query ($yes: Boolean!) { ...On __schema @include(if: $yes) { types { name } } }"
        " fragment On on Query { __typename ... { __typename } }",
    ):
        with subtests.test(query):
            answer = Client(http, None).answer(query, yes=True)
            assert answer.keys() == {"data"} and all(answer["data"].values())


@ON_SQLITE
def test_everything_else_needs_a_token(http: TestClient, subtests: pytest.Subtests) -> None:
    for query in (
        WHO,
        'mutation { createProject(input: {name: "x"}) { __typename } }',
        "{ __typename ...On } fragment On on Query { viewer { user { id } } }",
        "{ __typename ... on Query { projects { totalCount } } }",
        "query a { __typename } query b { viewer { user { id } } }",
    ):
        with subtests.test(query):
            response = http.post("/graphql", json={"query": query, "operationName": None})
            assert refused(response) == (401, "UNAUTHENTICATED")
            assert response.headers["www-authenticate"] == "Bearer"


@ON_SQLITE
def test_a_wrong_token_is_refused_even_for_introspection(
    http: TestClient, subtests: pytest.Subtests
) -> None:
    for authorization in ("Bearer", "Bearer x", "Basic YTpi", "gqls_x", "Bearer gqls_" + "A" * 43):
        with subtests.test(authorization):
            headers = {"authorization": authorization}
            response = http.post("/graphql", json={"query": "{ __typename }"}, headers=headers)
            assert refused(response) == (401, "UNAUTHENTICATED")


@ON_SQLITE
def test_a_revoked_token_ends_at_once(ada: Client) -> None:
    made = ada.change("createToken", "text token { id }", name="second")
    other = Client(ada.http, made["text"])
    assert other.run(WHO)["viewer"]["user"]["name"] == "Ada"
    ada.change("revokeToken", "token { revokedAt }", tokenId=made["token"]["id"])
    assert other.refusal(WHO)[0] == "UNAUTHENTICATED"


@ON_SQLITE
def test_queries_may_come_by_get_and_mutations_may_not(ada: Client) -> None:
    query = "query ($id: ID!) { node(id: $id) { id } }"
    parameters = {"query": query, "variables": '{"id": "pr_1"}'}
    response = ada.http.request("GET", "/graphql", params=parameters, headers=ada.headers)
    assert response.json() == {"data": {"node": None}}
    parameters = {"query": 'mutation { createProject(input: {name: "x"}) { __typename } }'}
    response = ada.http.request("GET", "/graphql", params=parameters, headers=ada.headers)
    assert refused(response) == (405, "INVALID")
    assert response.headers["allow"] == "POST"


@ON_SQLITE
def test_other_methods_are_refused(http: TestClient, subtests: pytest.Subtests) -> None:
    for method in ("PUT", "DELETE", "PATCH", "OPTIONS"):
        with subtests.test(method):
            response = http.request(method, "/graphql")
            assert refused(response) == (405, "INVALID")
            assert response.headers["allow"] == "GET, POST"


BODIES: list[tuple[bytes, dict[str, str], int]] = [
    (b"1", JSON, 400),
    (b"null", JSON, 400),
    (b'"x"', JSON, 400),
    (b"[]", JSON, 400),
    (b'[{"query": "{ __typename }"}]', JSON, 400),
    (b"{", JSON, 400),
    (b"", JSON, 400),
    (b"\xff\xfe", JSON, 400),
    (b'{"query": "{ __typename }", "variables": {"a": NaN}}', JSON, 400),
    (b'{"query": "{ __typename }", "variables": {"a": ' + b"1" * 5000 + b"}}", JSON, 400),
    (b'{"a":' * 100_000, JSON, 400),
    (b"[" * 100_000, JSON, 400),
    (b"{}", JSON, 400),
    (b'{"query": 1}', JSON, 400),
    (b'{"query": ""}', JSON, 400),
    (b'{"query": "{ __typename }", "variables": []}', JSON, 400),
    (b'{"query": "{ __typename }", "variables": "x"}', JSON, 400),
    (b'{"query": "{ __typename }", "extensions": 1}', JSON, 400),
    (b'{"query": "{ __typename }", "operationName": 1}', JSON, 400),
    (b'{"query": "{ __typename }", "operationName": "nothing"}', JSON, 400),
    (b'{"query": "query a { __typename } query b { __typename }"}', JSON, 400),
    (b'{"query": "{ __typename }"}', {"content-type": "text/plain"}, 415),
    (b'{"query": "{ __typename }"}', {"content-type": "application/jsonfoo"}, 415),
    (b'{"query": "{ __typename }"}', {"content-type": "application/json; charset=utf-16"}, 415),
    (b"query=%7B__typename%7D", {"content-type": "application/x-www-form-urlencoded"}, 415),
    (b'{"query": "{ __typename }"}', {}, 415),
    (b'{"query": "{ __typename }"}', {**JSON, "accept": "text/html"}, 406),
]


@ON_SQLITE
def test_a_body_that_makes_no_sense_is_refused(ada: Client, subtests: pytest.Subtests) -> None:
    for body, given, status in BODIES:
        with subtests.test(f"{repr(body)} with {given}"):
            headers = {**ada.headers, **given}
            response = ada.http.request("POST", "/graphql", content=body, headers=headers)
            assert refused(response) == (status, "INVALID")


@ON_SQLITE
def test_a_json_body_has_a_limit_and_a_smaller_one_without_a_token(
    http: TestClient, ada: Client
) -> None:
    two_megabytes = json.dumps({"query": "{ __typename }", "x": "x" * 2 * 1024 * 1024}).encode()
    response = http.post("/graphql", content=two_megabytes, headers=JSON)
    assert refused(response) == (413, "LIMIT_EXCEEDED")
    response = http.post("/graphql", content=two_megabytes, headers={**JSON, **ada.headers})
    assert response.status_code == 200
    twenty = json.dumps({"query": "{ __typename }", "x": "x" * 20 * 1024 * 1024}).encode()
    response = http.post("/graphql", content=twenty, headers={**JSON, **ada.headers})
    assert refused(response) == (413, "LIMIT_EXCEEDED")


@ON_SQLITE
def test_a_document_that_makes_no_sense_is_a_400_for_the_newer_media_type(
    ada: Client, subtests: pytest.Subtests
) -> None:
    newer = {"accept": "application/graphql-response+json, application/json;q=0.9"}
    for query in ("{", "{ nothing }", "{ node }", "{ project(by: {}) { id } }"):
        for given, status in (({}, 200), (newer, 400)):
            with subtests.test(f"{query} is a {status}"):
                headers = {**ada.headers, **given}
                response = ada.http.request(
                    "POST", "/graphql", json={"query": query}, headers=headers
                )
                assert refused(response) == (status, "INVALID")


@ON_SQLITE
def test_the_newer_media_type_is_answered_when_asked_for(ada: Client) -> None:
    headers = {**ada.headers, "accept": "application/graphql-response+json"}
    response = ada.http.request("POST", "/graphql", json={"query": WHO}, headers=headers)
    assert response.status_code == 200
    assert response.headers["content-type"] == ("application/graphql-response+json; charset=utf-8")


@ON_SQLITE
def test_half_of_a_surrogate_pair_is_refused_and_can_be_told(ada: Client) -> None:
    assert ada.refusal("query ($id: ID!) { node(id: $id) { id } }", id="\ud800") == (
        "INVALID",
        ["id"],
    )
    answer = ada.answer("query ($n: Int!) { projects(first: $n) { totalCount } }", n="\ud800")
    assert answer["errors"][0]["extensions"] == {"code": "INVALID", "path": ["n"]}


@ON_SQLITE
def test_a_fault_of_ours_is_logged_and_not_shown(
    ada: Client, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    def rename(before: str, after: str) -> None:
        statement = sa.text(f"ALTER TABLE projects RENAME COLUMN {before} TO {after}")
        database.write(lambda tx: tx.execute(statement) and None)

    rename("name", "hidden_name")
    try:
        with caplog.at_level(logging.ERROR):
            answer = ada.answer("{ projects { totalCount nodes { name } } }")
    finally:
        rename("hidden_name", "name")
    (error,) = answer["errors"]
    assert error["extensions"] == {"code": "INTERNAL"}
    assert "SELECT" not in error["message"] and "projects" not in error["message"]
    assert error["message"].split()[-1] in caplog.text
    assert "projects.name" in caplog.text


@ON_SQLITE
def test_what_callers_get_wrong_is_not_logged(
    ada: Client, caplog: pytest.LogCaptureFixture
) -> None:
    ada.answer("{ nothing }")
    ada.answer('{ node(id: "x") { id } }')
    assert caplog.text == ""


def test_several_mutations_of_a_document_see_one_another(ada: Client, shelf: Shelf) -> None:
    data = ada.run(
        """mutation ($id: ID!) {
          a: updateDataset(input: {datasetId: $id, name: "one"})
            { ... on UpdateDatasetSuccess { dataset { name } } }
          b: deleteItems(input: {datasetId: $id, selection: {where: {}}})
            { ... on DeleteItemsSuccess { dataset { name itemsCount head { number } } } }
          c: updateDataset(input: {datasetId: $id, name: "two"})
            { ... on UpdateDatasetSuccess { dataset { name itemsCount } } }
        }""",
        id=shelf.dataset,
    )
    assert data["a"]["dataset"] == {"name": "one"}
    assert data["b"]["dataset"] == {"name": "one", "itemsCount": 0, "head": {"number": 3}}
    assert data["c"]["dataset"] == {"name": "two", "itemsCount": 0}


@ON_SQLITE
def test_an_unknown_address_is_answered_in_json(http: TestClient) -> None:
    response = http.get("/nothing")
    assert response.status_code == 404
    assert response.json()["errors"][0]["extensions"]["code"] == "NOT_FOUND"
