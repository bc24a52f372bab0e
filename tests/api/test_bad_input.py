"""Whatever is wrong with an input: a code, the name of the argument, and nothing written."""

from __future__ import annotations

import json
from reprlib import repr
from typing import Any

import pytest

from tests.api.client import Client
from tests.api.conftest import Census
from tests.api.shelf import Shelf
from tests.builders import ON_SQLITE

DEEP: Any = {}
for _ in range(40):
    DEEP = {"deeper": DEEP}
DEEPER: Any = []
for _ in range(300):
    DEEPER = [DEEPER]

ONE = {"where": {"path": {"eq": "/file0.txt"}}}
BACK: dict[str, Any] = {"datasetId": "ds_1", "to": {"number": 1}}
GONE: dict[str, Any] = {"from": {"number": 2}, "ids": []}
MUTATIONS: list[tuple[str, dict[str, Any], str, list[str]]] = [
    # ids of the wrong type, malformed, beyond 64 bits
    (
        "createDataset",
        {"projectId": "ds_1", "name": "x", "recipeId": "re_1"},
        "INVALID",
        ["projectId"],
    ),
    (
        "createDataset",
        {"projectId": "pr_1", "name": "x", "recipeId": "ds_1"},
        "INVALID",
        ["recipeId"],
    ),
    (
        "createDataset",
        {"projectId": "pr_1", "name": "x", "recipeId": "re_999"},
        "NOT_FOUND",
        ["recipeId"],
    ),
    (
        "createDataset",
        {"projectId": f"pr_{2**63}", "name": "x", "recipeId": "re_1"},
        "INVALID",
        ["projectId"],
    ),
    ("updateDataset", {"datasetId": "", "name": "x"}, "INVALID", ["datasetId"]),
    ("updateDataset", {"datasetId": "ds_1", "name": "x\ny"}, "INVALID", ["name"]),
    ("updateDataset", {"datasetId": "ds_1", "name": "\ud800"}, "INVALID", ["name"]),
    (
        "updateDataset",
        {"datasetId": "ds_1", "expiration": {"itemMaxDays": -1}},
        "INVALID",
        ["expiration", "itemMaxDays"],
    ),
    (
        "updateDataset",
        {"datasetId": "ds_1", "name": "other", "expiration": {"itemMaxDays": 36_501}},
        "LIMIT_EXCEEDED",
        ["expiration", "itemMaxDays"],
    ),
    (
        "updateDataset",
        {"datasetId": "ds_1", "expiration": {"itemMaxDays": 0.5}},
        "INVALID",
        ["expiration", "itemMaxDays"],
    ),
    (
        "createDataset",
        {"projectId": "pr_1", "name": "x", "recipeId": "re_1", "expiration": {"itemMaxDays": -1}},
        "INVALID",
        ["expiration", "itemMaxDays"],
    ),
    ("switchRecipe", {"datasetId": "ds_1", "recipeId": "re_999"}, "NOT_FOUND", ["recipeId"]),
    ("switchRecipe", {"datasetId": "ds_999", "recipeId": "re_1"}, "NOT_FOUND", ["datasetId"]),
    ("restoreDataset", {"datasetId": "ds_1"}, "NOT_FOUND", ["datasetId"]),
    ("revertDataset", {**BACK, "datasetId": "ds_999"}, "NOT_FOUND", ["datasetId"]),
    ("revertDataset", {**BACK, "to": {"number": 0}}, "NOT_FOUND", ["to"]),
    ("revertDataset", {**BACK, "to": {"number": 99}}, "NOT_FOUND", ["to"]),
    ("revertDataset", {**BACK, "to": {"time": "1999-01-01T00:00:00Z"}}, "NOT_FOUND", ["to"]),
    ("revertDataset", {**BACK, "to": {}}, "INVALID", ["to"]),
    ("revertDataset", {**BACK, "to": {"tag": "none"}}, "NOT_FOUND", ["to"]),
    ("revertDataset", {**BACK, "to": {"tag": ""}}, "INVALID", ["to", "tag"]),
    ("revertDataset", {**BACK, "expectedVersion": 1}, "VERSION_MOVED", ["expectedVersion"]),
    ("revertDataset", {**BACK, "message": "x" * 1_001}, "LIMIT_EXCEEDED", ["message"]),
    (
        "revertDataset",
        {**BACK, "selection": {"ids": ["it_1_999"]}},
        "NOT_FOUND",
        ["selection", "ids"],
    ),
    (
        "revertDataset",
        {**BACK, "selection": {"ids": ["it_2_1"]}},
        "INVALID",
        ["selection", "ids", "0"],
    ),
    (
        "revertDataset",
        {**BACK, "selection": {"where": {"path": {"glob": "*" * 257}}}},
        "LIMIT_EXCEEDED",
        ["selection", "where", "path", "glob"],
    ),
    (
        "restoreItems",
        {"datasetId": "ds_1", **GONE, "ids": ["it_1_99999"]},
        "NOT_FOUND",
        ["ids", "0"],
    ),
    ("restoreItems", {"datasetId": "ds_1", **GONE, "ids": ["an_1_5"]}, "INVALID", ["ids", "0"]),
    ("restoreItems", {"datasetId": "ds_1", **GONE, "from": {"number": 3}}, "NOT_FOUND", ["from"]),
    (
        "restoreItems",
        {"datasetId": "ds_1", **GONE, "ids": ["it_1_1"] * 10_001},
        "LIMIT_EXCEEDED",
        ["ids"],
    ),
    ("deleteProject", {"projectId": "pr_1"}, "CONFLICT", ["projectId"]),
    ("deleteProject", {"projectId": "re_1"}, "INVALID", ["projectId"]),
    ("createProject", {"name": "x" * 201}, "LIMIT_EXCEEDED", ["name"]),
    ("createProject", {"name": "\u200b\x00"}, "INVALID", ["name"]),
    ("addMember", {"projectId": "pr_1", "userId": "us_1", "role": "KING"}, "INVALID", ["role"]),
    ("revokeToken", {"tokenId": "us_1"}, "INVALID", ["tokenId"]),
    ("createUser", {"name": "x", "email": "x"}, "INVALID", ["email"]),
    ("createUser", {"name": "x", "email": "\ud800@x"}, "INVALID", ["email"]),
    # tags and locks
    ("tagVersion", {"datasetId": "ds_1", "name": "\u2028"}, "INVALID", ["name"]),
    ("tagVersion", {"datasetId": "ds_1", "name": " "}, "INVALID", ["name"]),
    ("tagVersion", {"datasetId": "ds_1", "name": "x" * 201}, "LIMIT_EXCEEDED", ["name"]),
    ("tagVersion", {"datasetId": "ds_1", "name": "x", "golden": 1}, "INVALID", ["golden"]),
    ("tagVersion", {"datasetId": "ds_1", "name": "x", "at": {"number": 3}}, "NOT_FOUND", ["at"]),
    ("tagVersion", {"datasetId": "ds_1", "name": "x", "at": {"tag": "x"}}, "NOT_FOUND", ["at"]),
    (
        "tagVersion",
        {"datasetId": "ds_1", "name": "x", "at": {"tag": "\x00"}},
        "INVALID",
        ["at", "tag"],
    ),
    (
        "tagVersion",
        {"datasetId": "ds_1_v1", "name": "x", "at": {"number": 2}},
        "INVALID",
        ["at"],
    ),
    (
        "tagVersion",
        {"datasetId": "ds_1", "name": "x", "message": "x" * 1_001},
        "LIMIT_EXCEEDED",
        ["message"],
    ),
    ("tagVersion", {"datasetId": "ta_1", "name": "x"}, "INVALID", ["datasetId"]),
    ("tagVersion", {"datasetId": "ds_999", "name": "x"}, "NOT_FOUND", ["datasetId"]),
    ("deleteTag", {"datasetId": "ds_1", "name": "x"}, "NOT_FOUND", ["name"]),
    ("deleteTag", {"datasetId": "ds_1", "name": ""}, "INVALID", ["name"]),
    ("lockDataset", {"datasetId": "ds_999"}, "NOT_FOUND", ["datasetId"]),
    ("lockDataset", {"datasetId": "ds_1", "reason": "\ud800"}, "INVALID", ["reason"]),
    (
        "lockDataset",
        {"datasetId": "ds_1", "reason": "x" * 1_001},
        "LIMIT_EXCEEDED",
        ["reason"],
    ),
    ("unlockDataset", {"datasetId": "ds_1"}, "NOT_LOCKED", ["datasetId"]),
    ("declareMetadataIndex", {"datasetId": "ds_999", "path": ["a"]}, "NOT_FOUND", ["datasetId"]),
    ("declareMetadataIndex", {"datasetId": "ds_1", "path": ["a", "0"]}, "INVALID", ["path"]),
    ("declareMetadataIndex", {"datasetId": "ds_1", "path": []}, "INVALID", ["path"]),
    (
        "declareMetadataIndex",
        {"datasetId": "ds_1", "path": ["x"] * 33},
        "LIMIT_EXCEEDED",
        ["path"],
    ),
    ("dropMetadataIndex", {"datasetId": "ds_1", "path": ["a"]}, "NOT_FOUND", ["path"]),
    ("dropMetadataIndex", {"datasetId": "ds_1", "path": ["\ud800"]}, "NOT_FOUND", ["path"]),
    # times
    ("createToken", {"name": "x", "expiresAt": "2030-01-01"}, "INVALID", ["expiresAt"]),
    ("createToken", {"name": "x", "expiresAt": "2030-01-01T00:00:00"}, "INVALID", ["expiresAt"]),
    ("createToken", {"name": "x", "expiresAt": 1}, "INVALID", ["expiresAt"]),
    # metadata
    ("updateItems", {"selection": ONE, "metadata": [1]}, "INVALID", ["metadata"]),
    ("updateItems", {"selection": ONE, "metadata": "x"}, "INVALID", ["metadata"]),
    ("updateItems", {"selection": ONE, "metadata": {"n": 2**63}}, "INVALID", ["metadata"]),
    ("updateItems", {"selection": ONE, "metadata": {"n": -(2**63) - 1}}, "INVALID", ["metadata"]),
    ("updateItems", {"selection": ONE, "metadata": {"t": "\ud800"}}, "INVALID", ["metadata"]),
    ("updateItems", {"selection": ONE, "metadata": {"\x00": 1}}, "INVALID", ["metadata"]),
    (
        "updateItems",
        {"selection": ONE, "metadata": {"t": "x" * 70_000}},
        "LIMIT_EXCEEDED",
        ["metadata"],
    ),
    (
        "updateItems",
        {"selection": ONE, "metadata": DEEP},
        "LIMIT_EXCEEDED",
        ["metadata", *["deeper"] * 32],
    ),
    ("updateItems", {"selection": ONE, "metadata": DEEPER}, "INVALID", ["metadata"]),
    (
        "updateItems",
        {"selection": ONE, "description": "x" * 10_001},
        "LIMIT_EXCEEDED",
        ["description"],
    ),
    ("updateItems", {"selection": ONE, "description": "\ud800"}, "INVALID", ["description"]),
    ("updateItems", {"selection": ONE, "hidden": "yes"}, "INVALID", ["hidden"]),
    ("updateItems", {"selection": ONE, "message": "\ud800"}, "INVALID", ["message"]),
    (
        "updateItems",
        {"selection": ONE, "hidden": True, "expectedVersion": 2**31},
        "INVALID",
        ["expectedVersion"],
    ),
    (
        "updateItems",
        {"selection": ONE, "hidden": True, "expectedVersion": -1},
        "VERSION_MOVED",
        ["expectedVersion"],
    ),
    ("updateItems", {"hidden": True}, "INVALID", ["input"]),
    # selections
    ("deleteItems", {"selection": {}}, "INVALID", ["selection"]),
    ("deleteItems", {"selection": {"ids": ["it_1_1"], "where": {}}}, "INVALID", ["selection"]),
    ("deleteItems", {"selection": {"ids": None}}, "INVALID", ["selection", "ids"]),
    (
        "deleteItems",
        {"selection": {"where": {"size": {"gt": str(2**63)}}}},
        "INVALID",
        ["selection", "where", "size", "gt"],
    ),
    (
        "deleteItems",
        {"selection": {"where": {"path": {"eq": "\ud800"}}}},
        "INVALID",
        ["selection", "where", "path", "eq"],
    ),
    ("deleteItems", {"selection": {"where": {"nothing": 1}}}, "INVALID", ["selection", "where"]),
    # paths
    ("moveItems", {"selection": ONE, "path": "/a/../b"}, "INVALID", ["path"]),
    ("moveItems", {"selection": ONE, "path": "/a//b"}, "INVALID", ["path"]),
    ("moveItems", {"selection": ONE, "path": "a\\b"}, "INVALID", ["path"]),
    ("moveItems", {"selection": ONE, "path": "/\x00"}, "INVALID", ["path"]),
    ("moveItems", {"selection": ONE, "path": "/\ud800"}, "INVALID", ["path"]),
    ("moveItems", {"selection": ONE, "path": "/"}, "INVALID", ["path"]),
    ("moveItems", {"selection": ONE, "path": "/" + "x" * 256}, "LIMIT_EXCEEDED", ["path"]),
    ("moveItems", {"selection": ONE, "directory": "/x" * 600}, "LIMIT_EXCEEDED", ["directory"]),
    ("moveItems", {"selection": ONE, "directory": "/.."}, "INVALID", ["directory"]),
    # too many
    (
        "addItems",
        {"items": [{"sha256": "0" * 64, "path": "x"}] * 10_001},
        "LIMIT_EXCEEDED",
        ["items"],
    ),
    ("deleteAnnotations", {"ids": ["an_1_1"] * 10_001}, "LIMIT_EXCEEDED", ["ids"]),
    # merging into a dataset, and what it left open
    ("mergeDatasets", {"into": "pr_1", "datasetIds": ["ds_1"]}, "INVALID", ["into"]),
    ("mergeDatasets", {"into": "ds_1", "datasetIds": ["ds_1"]}, "INVALID", ["datasetIds", "0"]),
    ("mergeDatasets", {"into": "ds_1", "sources": []}, "INVALID", ["sources"]),
    ("resolveConflicts", {"datasetId": "ds_1"}, "INVALID", ["resolutions"]),
    ("resolveConflicts", {"datasetId": "ds_1", "policy": {}}, "INVALID", ["policy"]),
    (
        "resolveConflicts",
        {"datasetId": "ds_1", "policy": {"side": "LEFT"}, "version": 1},
        "NOT_FOUND",
        ["version"],
    ),
]


@pytest.mark.exhaustive
@ON_SQLITE
def test_a_wrong_input_is_refused_by_name_and_nothing_is_written(
    ada: Client, shelf: Shelf, census: Census, subtests: pytest.Subtests
) -> None:
    for mutation, wrong, code, path in MUTATIONS:
        of_dataset = mutation in ("addItems", "deleteAnnotations", "updateItems")
        given = dict(wrong)
        if of_dataset or "selection" in wrong:
            given = {"datasetId": shelf.dataset, **wrong}
        with subtests.test(f"{mutation} {repr(wrong)}"):
            before = census()
            assert ada.refused(mutation, **given) == (code, path)
            assert census() == before


@ON_SQLITE
def test_what_is_not_a_json_number_does_not_even_arrive(ada: Client, shelf: Shelf) -> None:
    body = (
        b'{"query": "mutation ($i: UpdateItemsInput!) { updateItems(input: $i) { __typename } }",'
        b' "variables": {"i": {"metadata": {"n": NaN}}}}'
    )
    headers = {**ada.headers, "content-type": "application/json"}
    response = ada.http.request("POST", "/graphql", content=body, headers=headers)
    assert response.status_code == 400


ITEMS = """query ($id: ID!, $at: VersionRef, $where: ItemWhere, $by: [ItemOrder!], $first: Int,
    $after: String, $last: Int, $before: String) {
  items(datasetId: $id, at: $at, where: $where, orderBy: $by, first: $first, after: $after,
    last: $last, before: $before) { nodes { id } } }"""
QUERIES: list[tuple[dict[str, Any], str, list[str]]] = [
    ({"id": "x"}, "INVALID", ["datasetId"]),
    ({"id": "it_1_1"}, "INVALID", ["datasetId"]),
    ({"id": None}, "INVALID", ["id"]),
    ({"first": -1}, "INVALID", ["first"]),
    ({"first": 501}, "LIMIT_EXCEEDED", ["first"]),
    ({"first": 2**31}, "INVALID", ["first"]),
    ({"first": "1"}, "INVALID", ["first"]),
    ({"first": 1, "last": 1}, "INVALID", ["last"]),
    ({"after": "x"}, "INVALID", ["after"]),
    ({"after": "0.1.00000000"}, "INVALID", ["after"]),
    ({"before": "\ud800"}, "INVALID", ["before"]),
    ({"at": {}}, "INVALID", ["at"]),
    ({"at": {"number": 1, "time": "2026-01-01T00:00:00Z"}}, "INVALID", ["at"]),
    ({"at": {"time": "yesterday"}}, "INVALID", ["at", "time"]),
    ({"at": {"tag": "line\nbreak"}}, "INVALID", ["at", "tag"]),
    ({"at": {"tag": "x" * 201}}, "LIMIT_EXCEEDED", ["at", "tag"]),
    ({"by": [{"field": "COLOR"}]}, "INVALID", ["by", "0", "field"]),
    (
        {"where": {"not": {"path": {"glob": "*" * 257}}}},
        "LIMIT_EXCEEDED",
        ["where", "not", "path", "glob"],
    ),
    ({"where": {"path": {"in": ["x"] * 1_001}}}, "LIMIT_EXCEEDED", ["where", "path", "in"]),
    ({"where": {"and": [{"hidden": True}] * 101}}, "LIMIT_EXCEEDED", ["where"]),
    (
        {"where": {"metadata": [{"path": ["a"] * 33, "eq": 1}]}},
        "LIMIT_EXCEEDED",
        ["where", "metadata", "0", "path"],
    ),
    (
        {"where": {"metadata": [{"path": ["a"], "eq": 2**63}]}},
        "INVALID",
        ["where", "metadata", "0", "eq"],
    ),
    ({"where": {"creator": {"in": ["us_1", "pr_1"]}}}, "INVALID", ["where", "creator", "in", "1"]),
    ({"where": {"createdAt": {"gt": "2026-01-01"}}}, "INVALID", ["where", "createdAt", "gt"]),
]


@ON_SQLITE
def test_a_wrong_argument_of_a_query_is_refused_by_name(
    ada: Client, shelf: Shelf, subtests: pytest.Subtests
) -> None:
    for given, code, path in QUERIES:
        with subtests.test(repr(given)):
            assert ada.refusal(ITEMS, **{"id": shelf.dataset, **given}) == (code, path)


@ON_SQLITE
def test_a_filter_of_any_depth_is_refused_without_a_crash(ada: Client, shelf: Shelf) -> None:
    given = {"query": ITEMS, "variables": {"id": shelf.dataset, "where": "WHERE"}}
    for depth in (9, 100, 300, 900, 100_000):
        where = '{"not":' * depth + '{"hidden": true}' + "}" * depth
        body = json.dumps(given).replace('"WHERE"', where)
        headers = {**ada.headers, "content-type": "application/json"}
        answer = ada.http.request("POST", "/graphql", content=body, headers=headers).json()
        assert answer["errors"][0]["extensions"]["code"] in ("LIMIT_EXCEEDED", "INVALID"), depth


@ON_SQLITE
def test_a_document_of_any_depth_is_refused_without_a_crash(ada: Client) -> None:
    for query in ("{a" * 5_000 + "}" * 5_000, "[" * 5_000, '{ node(id: "' + "x" * 100_000 + '") }'):
        errors = ada.answer(query)["errors"]
        assert errors[0]["extensions"]["code"] in ("LIMIT_EXCEEDED", "INVALID")


@ON_SQLITE
def test_nodes_are_answered_each_by_itself(ada: Client, shelf: Shelf) -> None:
    query = "query ($ids: [ID!]!) { nodes(ids: $ids) { id } }"
    answer = ada.answer(query, ids=[shelf.dataset, "nonsense", "ds_999", shelf.items[0]])
    assert answer["data"]["nodes"] == [{"id": shelf.dataset}, None, None, {"id": shelf.items[0]}]
    (error,) = answer["errors"]
    assert error["path"] == ["nodes", 1]
    assert error["extensions"] == {"code": "INVALID", "path": ["ids", "1"]}
    assert ada.refusal(query, ids=["ds_1"] * 501) == ("LIMIT_EXCEEDED", ["ids"])
