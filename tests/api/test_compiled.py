"""Compiled queries say what graphql-core says, and leave to it whatever is not plain success."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest
from graphql import get_introspection_query

import gql_service.api.operations as operations
from gql_service.database.engine import Database
from tests.api.client import Client
from tests.api.shelf import Shelf
from tests.builders import ON_SQLITE

pytestmark = ON_SQLITE

WIDE = """query Wide(
  $dataset: ID!, $item: ID!, $ids: [ID!]!, $few: Int = 1, $counts: Boolean!, $bare: Boolean = false
) {
  __typename
  viewer { user { id name } }
  again: viewer { user { ...Who } ...Tokens }
  dataset(by: { id: $dataset }) {
    ...Named
    type creator { ...Who }
    itemsCount @include(if: $counts)
    first: items(first: $few) { nodes { id } pageInfo { endCursor hasNextPage } totalCount }
    rest: items(first: 2, where: { annotated: false }) @skip(if: $bare) {
      edges { cursor node { path sourceItems { id } annotations(first: $few) { nodes { id } } } }
    }
    marked: items { nodes { id annotations(first: $few) { totalCount nodes { label } } } }
    version { number author { name } counts { itemsAdded } }
    versions { nodes { number operation dataset { name } } }
    recipe { labels { name children { name } } attributes { key values } datasets { totalCount } }
    storage { totalBytes } sources { version }
  }
  item(by: { id: $item }) {
    key metadata masterItem { id } ancestors { id } sourceItems { id dataset { name } }
    copies { totalCount nodes { id dataset { name } } }
    binary { size referenceCount referencedBy { nodes { dataset { name } } } }
    annotations { totalCount edges { node { label status bounds { x } source { version } } } }
  }
  node(id: $dataset) { __typename id ... on Dataset { ...Named updatedAt } ... on Item { path } }
  nodes(ids: $ids) { __typename ... on Item { path } ... on Annotation { label } }
  nothing: dataset(by: { id: "ds_999" }) { name }
}
fragment Named on Dataset { name project { name members { role user { ...Who } } } }
fragment Who on User { id email }
fragment Tokens on Viewer { tokens { name } }
"""


def asked(client: Client, query: str, variables: dict[str, Any]) -> Any:
    """The answer with its cost; objects as lists of pairs, whose order is part of it."""
    body = {"query": query, "variables": variables, "extensions": {"cost": True}}
    headers = {**client.headers, "content-type": "application/json"}
    answer = client.http.request("POST", "/graphql", content=json.dumps(body), headers=headers)
    return json.loads(answer.content, object_pairs_hook=list)


@pytest.fixture
def only_compiled(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """From then on nothing is left to graphql-core."""

    def forbid() -> None:
        async def refuse(*_: object, **__: object) -> None:
            raise AssertionError("graphql-core was asked")

        monkeypatch.setattr(operations.schema, "execute", refuse)

    return forbid


def test_a_wide_query_is_answered_alike_both_ways(
    ada: Client, resolved: Client, shelf: Shelf, only_compiled: Callable[[], None]
) -> None:
    clone = ada.change("cloneDataset", "dataset { id }", datasetId=shelf.dataset, name="clone")
    dataset = clone["dataset"]["id"]
    item = ada.run("query ($id: ID!) { items(datasetId: $id) { nodes { id } } }", id=dataset)
    given = {
        "dataset": dataset,
        "item": item["items"]["nodes"][0]["id"],
        "ids": [shelf.items[1], shelf.annotations[0], "it_999_1"],
    }
    kinds = [
        {"counts": True},
        {"counts": False},
        {"counts": True, "bare": True, "few": 3},
        {"counts": True, "few": None},
        {"counts": False, "bare": True, "dataset": shelf.dataset},
        {"counts": True, "few": 2},
    ]

    expected = [asked(resolved, WIDE, given | kind) for kind in kinds]
    only_compiled()

    for kind, answer in zip(kinds, expected, strict=True):
        assert not any(key == "errors" for key, _ in answer), answer
        assert asked(ada, WIDE, given | kind) == answer, kind


DESCRIBED = """query ($deprecated: Boolean, $more: Boolean = false) {
  __schema { __typename description queryType { name } mutationType { name }
    subscriptionType { name ofType { name } } directives(includeDeprecated: $deprecated) {
      name isRepeatable locations args { name defaultValue } } }
  member: __type(name: "Member") { ...Type interfaces { name } }
  node: __type(name: "Node") { ...Type possibleTypes { name kind } }
  role: __type(name: "Role") { enumValues(includeDeprecated: $deprecated) { name description } }
  where: __type(name: "ItemWhere") { isOneOf inputFields { name type { ...Type } } }
  path: __type(name: "JSON") { specifiedByURL kind fields @include(if: $more) { name } }
  none: __type(name: "Nothing") { name }
}
fragment Type on __Type { kind name ofType { kind name ofType { kind } }
  fields(includeDeprecated: $deprecated) { name isDeprecated deprecationReason
    args { name type { name kind } } type { __typename name kind } } }
"""


def test_introspection_is_answered_alike_both_ways_without_and_beside_other_questions(
    ada: Client, resolved: Client, only_compiled: Callable[[], None]
) -> None:
    beside = DESCRIBED.replace("member:", "viewer { user { name } } member:")
    kinds = [{}, {"deprecated": True}, {"deprecated": False, "more": True}]
    questions = [(query, kind) for query in (DESCRIBED, beside) for kind in kinds]
    questions.append((get_introspection_query(input_value_deprecation=True), {}))

    expected = [asked(resolved, *question) for question in questions]
    only_compiled()

    for question, answer in zip(questions, expected, strict=True):
        assert not any(key == "errors" for key, _ in answer), answer
        assert asked(ada, *question) == answer, question


@pytest.mark.parametrize(
    ("query", "variables"),
    [
        ("{ viewer { user { name } } item(by: {}) { id } }", {}),
        ('{ viewer { user { name } } items(datasetId: "ds_1", first: -1) { totalCount } }', {}),
        ('query ($n: Int) { items(datasetId: "ds_1", first: $n) { totalCount } }', {"n": "x"}),
        ('{ nodes(ids: ["ds_1", "nonsense"]) { id } viewer { user { name } } }', {}),
        ('{ planClone(input: { datasetId: "ds_999", name: "x" }) { __typename } }', {}),
        ('{ viewer { user { name } } __type(name: "Item") { name } }', {}),
        ("{ viewer { user { nonsense } } }", {}),
        ("query A { viewer { user { name } } } query B { __typename }", {}),
    ],
)
def test_what_is_not_plain_success_is_said_by_graphql_core(
    ada: Client, resolved: Client, shelf: Shelf, query: str, variables: dict[str, Any]
) -> None:
    assert asked(ada, query, variables) == asked(resolved, query, variables)


def test_an_execution_that_was_given_up_leaves_nothing_behind(
    ada: Client,
    shelf: Shelf,
    database: Database,
    count_statements: Callable[[], AbstractContextManager[list[str]]],
) -> None:
    """Two loaders wait when the last field fails."""
    failing = f"""{{
        item(by: {{ id: "{shelf.items[0]}" }}) {{ sourceItems {{ id }} binary {{ size }} }}
        dataset(by: {{ id: "{shelf.dataset}" }}) {{ versions {{ nodes {{ author {{ name }} }} }} }}
        items(datasetId: "{shelf.dataset}", first: -1) {{ totalCount }}
    }}"""
    for _ in range(3):
        answer = ada.answer(failing)
        assert [error["extensions"]["code"] for error in answer["errors"]] == ["INVALID"]
        assert answer["data"]["item"]["binary"]["size"] == "7"
    assert database.reading.pool.checkedout() == 0  # type: ignore[attr-defined]

    with count_statements() as statements:
        ada.run("{ viewer { user { name } } }")
    assert len(statements) == 1, statements
