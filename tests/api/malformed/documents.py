"""Documents and variables that GraphQL refuses."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from tests.api.malformed.request import Wrong, posted


def wrong_documents() -> Iterator[Wrong]:
    """Understood as GraphQL: 200 for the older media type, 400 for the newer one."""
    documents: dict[str, str] = {
        "an open selection": "{ viewer { user",
        "an empty selection": "{ }",
        "an empty selection inside": "{ viewer { } }",
        "an open string": '{ node(id: "x) { id } }',
        "an open block string": '{ node(id: """x) { id } }',
        "an unknown escape": '{ node(id: "\\x") { id } }',
        "an escape of half a pair": '{ node(id: "\\ud800") { id } }',
        "an escape beyond Unicode": '{ node(id: "\\u{110000}") { id } }',
        "a character of no token": "{ viewer ? }",
        "a dollar without a name": "query ($: Int) { __typename }",
        "a NUL": "{ viewer\x00 }",
        "half of a surrogate pair": "{ viewer \ud800 }",
        "two dots": "{ ..F } fragment F on Query { __typename }",
        "a number that ends with a letter": "{ projects(first: 1a) { totalCount } }",
        "a number with a leading zero": "{ projects(first: 01) { totalCount } }",
        "no operation word": "qery { __typename }",
        "a list of operations": "[{ __typename }]",
        "a fragment called on": "{ ...on } fragment on on Query { __typename }",
        "a field that is not there": "{ nothing }",
        "a field of another type": "{ viewer { items { id } } }",
        "no selection where one is needed": "{ viewer }",
        "a selection where there is none": "{ viewer { user { name { x } } } }",
        "an argument that is not there": "{ viewer(x: 1) { user { id } } }",
        "an argument twice": '{ node(id: "a", id: "b") { id } }',
        "an argument missing": "{ node { id } }",
        "an argument of another type": '{ projects(first: "x") { totalCount } }',
        "an argument null": "{ node(id: null) { id } }",
        "an argument list": '{ node(id: ["pr_1"]) { id } }',
        "an argument object": "{ node(id: {}) { id } }",
        "a number beyond 32 bits": "{ projects(first: 2147483648) { totalCount } }",
        "an enum as a string": ('{ projects(orderBy: [{field: "NAME"}]) { totalCount } }'),
        "an unknown enum": "{ projects(orderBy: [{field: NOTHING}]) { totalCount } }",
        "a oneOf without a member": "{ project(by: {}) { id } }",
        "a oneOf with two members": '{ project(by: {id: "pr_1", name: "x"}) { id } }',
        "a oneOf with null": "{ project(by: {id: null}) { id } }",
        "an input field twice": '{ project(by: {id: "a", id: "b"}) { id } }',
        "an input field that is not there": "{ project(by: {nothing: 1}) { id } }",
        "an unknown fragment": "{ ...Nothing }",
        "a fragment that is not used": "{ __typename } fragment F on Query { __typename }",
        "a fragment twice": "{ ...F }" + " fragment F on Query { __typename }" * 2,
        "a fragment of itself": "{ ...F } fragment F on Query { ...F }",
        "fragments of one another": (
            "{ ...F } fragment F on Query { ...G } fragment G on Query { ...F }"
        ),
        "a fragment on nothing": "{ ...F } fragment F on Nothing { x }",
        "a fragment on a scalar": "{ ... on Int { x } }",
        "a fragment on an input": "{ ... on ItemWhere { x } }",
        "a fragment that never fits": "{ ... on Item { id } }",
        "an unknown directive": "{ __typename @nothing }",
        "a directive in a wrong place": "query @skip(if: true) { __typename }",
        "a directive twice": "{ __typename @skip(if: true) @skip(if: true) }",
        "a directive without its argument": "{ __typename @include }",
        "a directive with a string": '{ __typename @include(if: "yes") }',
        "an unknown variable": "{ node(id: $id) { id } }",
        "a variable that is not used": "query ($x: Int) { __typename }",
        "a variable twice": "query ($x: ID!, $x: ID!) { node(id: $x) { id } }",
        "a variable of an output type": "query ($x: Item) { __typename }",
        "a variable of no type": "query ($x: Nothing) { __typename }",
        "a variable of another type": "query ($x: Int!) { node(id: $x) { id } }",
        "a variable that may be null": "query ($x: ID) { node(id: $x) { id } }",
        "a wrong default": 'query ($x: Int = "a") { projects(first: $x) { totalCount } }',
        "two operations of one name": "query a { __typename } query a { __typename }",
        "fields in conflict": '{ a: node(id: "x") { id } a: node(id: "y") { id } }',
        "introspection in a fragment on nothing": "{ ... on __Nothing { name } }",
        "introspection without its argument": "{ __type { name } }",
        "a description of nothing": '"text" { __typename }',
        "variables in a fragment": "{ ...F } fragment F($x: Int) on Query { __typename }",
    }
    for name, query in documents.items():
        operation = "a" if "operations of one name" in name else None
        body = json.dumps({"query": query, "operationName": operation}).encode()
        yield posted(name, 200, body)
        newer = "application/graphql-response+json"
        yield posted(f"{name}, newer", 400, body, accept=newer)
    for name, query in {
        "too deep": "{ viewer" * 13 + "}" * 13,
        "too many tokens": "{ projects(first: [" + "1 " * 2_000 + "]) { totalCount } }",
        "too long": "{ __typename }" + " " * 16_384,
        "too many aliases": "{ " + "".join(f"a{n}: __typename " for n in range(31)) + "}",
        "too many at the root": "{ " + "__typename " * 21 + "}",
        "too many directives": "{ __typename" + " @a" * 51 + "}",
    }.items():
        yield posted(name, 200, json.dumps({"query": query}).encode(), "LIMIT_EXCEEDED")


def wrong_variables() -> Iterator[Wrong]:
    node = "query ($x: ID!) { node(id: $x) { id } }"
    first = "query ($x: Int) { projects(first: $x) { totalCount } }"
    many = "query ($x: [ID!]!) { nodes(ids: $x) { id } }"
    by = "query ($x: ProjectBy!) { project(by: $x) { id } }"
    cases: list[tuple[str, list[Any]]] = [
        (node, [None, True, 1.5, [], ["a"], {}, {"id": "a"}]),
        (first, ["1", True, 1.5, 2**31, -(2**31) - 1, 10**30, [], {}, "\ud800"]),
        (many, [None, [None], [[]], [1.5], {}, [["pr_1"]]]),
        (by, [None, {}, [], "x", 1, {"id": None}, {"id": "a", "name": "b"}, {"x": 1}, {"id": []}]),
    ]
    for query, values in cases:
        for value in values:
            given = {"query": query, "variables": {"x": value}}
            kind = query[7:20].split(")")[0]
            yield posted(f"{kind} is {value!r:.40}", 200, json.dumps(given).encode())
        given = {"query": query.replace("Int)", "Int!)"), "variables": {"y": 1}}
        yield posted(f"{query[:16]} without", 200, json.dumps(given).encode())
