"""Items by JSON query, in orders of several steps; facets and labels of what matches."""

from __future__ import annotations

from typing import Any

from tests.api.client import Client
from tests.api.shelf import Shelf

ITEMS = """
query (
  $dataset: ID!, $where: ItemWhere, $dql: JSON, $orderBy: [ItemOrder!], $first: Int, $after: String
) {
  items(
    datasetId: $dataset, where: $where, dql: $dql, orderBy: $orderBy, first: $first, after: $after
  ) {
    totalCount nodes { path } pageInfo { endCursor hasNextPage }
  }
}"""


def paths(client: Client, shelf: Shelf, **given: Any) -> list[str]:
    found = client.run(ITEMS, dataset=shelf.dataset, **given)["items"]
    assert found["totalCount"] == len(found["nodes"])
    return [node["path"] for node in found["nodes"]]


def test_items_are_found_by_a_json_query(ada: Client, shelf: Shelf) -> None:
    dogs = {"filter": {"$and": [{"hidden": False}, {"type": "file"}]}, "pageSize": 1000}
    dogs["join"] = {"filter": {"label": "dog"}}
    assert paths(ada, shelf, dql=dogs) == ["/file0.txt", "/file2.txt"]
    assert paths(ada, shelf, dql={"metadata.user.number": {"$gte": "2"}}) == [
        "/file2.txt",
        "/file3.txt",
    ]
    assert paths(ada, shelf, dql={"id": {"$in": [shelf.items[1]]}}) == ["/file1.txt"]
    nested = ada.run(
        "query ($id: ID!, $dql: JSON) {"
        " dataset(by: {id: $id}) { items(dql: $dql) { totalCount } } }",
        id=shelf.dataset,
        dql={"filter": {"creator": "Ada@*"}, "context": {"projects": [shelf.project]}},
    )
    assert nested["dataset"]["items"]["totalCount"] == 4


def test_a_query_sorts_unless_an_order_is_given(ada: Client, shelf: Shelf) -> None:
    sort = {"sort": {"metadata.user.camera": "ascending", "filename": "descending"}}
    expected = ["/file3.txt", "/file1.txt", "/file2.txt", "/file0.txt"]
    assert paths(ada, shelf, dql=sort) == expected
    by_path = [{"field": "PATH"}]
    assert paths(ada, shelf, dql=sort, orderBy=by_path) == sorted(expected)


def test_a_wrong_query_is_refused_with_the_path_inside_it(ada: Client, shelf: Shelf) -> None:
    given = {"dataset": shelf.dataset}
    wrong = {"filter": {"$and": [{}, {"metadata.user": {"$near": 1}}]}}
    assert ada.refusal(ITEMS, **given, dql=wrong) == (
        "INVALID",
        ["dql", "filter", "$and", "1", "metadata.user", "$near"],
    )
    assert ada.refusal(ITEMS, **given, dql={}, where={}) == ("INVALID", ["dql"])
    assert ada.refusal(ITEMS, **given, dql={"pageSize": 10}) == ("INVALID", ["dql", "pageSize"])
    other = {"id": shelf.annotations[0]}
    assert ada.refusal(ITEMS, **given, dql=other) == ("INVALID", ["dql", "id"])
    many = {"$or": [{"name": "x"}] * 101}
    assert ada.refusal(ITEMS, **given, dql=many)[0] == "LIMIT_EXCEEDED"


def test_annotations_are_found_by_a_json_query_of_a_dataset_and_of_items(
    ada: Client, shelf: Shelf
) -> None:
    asking = """query ($id: ID!, $dql: JSON, $where: AnnotationWhere) { dataset(by: {id: $id}) {
        annotations(dql: $dql, where: $where) { totalCount nodes { label item { path } } }
        items { nodes { path annotations(dql: $dql) { totalCount nodes { label } } } } } }"""
    plain = {"join": {"filter": {"name": "file2*"}}, "sort": {"label": "descending"}}
    named = {"filter": {"itemId": shelf.items[2]}, "context": {"datasets": [shelf.dataset]}}
    for dql in (plain, named):
        found = ada.run(asking, id=shelf.dataset, dql=dql)["dataset"]
        labels = [node["label"] for node in found["annotations"]["nodes"]]
        assert found["annotations"]["totalCount"] == len(labels) > 0
        assert {node["item"]["path"] for node in found["annotations"]["nodes"]} == {"/file2.txt"}
        of_items = {one["path"]: one["annotations"] for one in found["items"]["nodes"]}
        told = [node["label"] for node in of_items["/file2.txt"]["nodes"]]
        assert told == labels if dql is plain else sorted(told) == sorted(labels)
        assert sum(page["totalCount"] for page in of_items.values()) == len(labels)
    given = {"id": shelf.dataset}
    wrong = {"filter": {"name": "x"}}
    assert ada.refusal(asking, **given, dql=wrong) == ("INVALID", ["dql", "filter", "name"])
    assert ada.refusal(asking, **given, dql={}, where={}) == ("INVALID", ["dql"])


def test_a_json_query_chooses_what_is_cloned_and_changed(ada: Client, shelf: Shelf) -> None:
    dogs = {"join": {"filter": {"label": "dog"}}, "except": {"query": {"filter": {"name": "*0*"}}}}
    clone = ada.change(
        "cloneDataset",
        "dataset { id itemsCount annotationsCount }",
        datasetId=shelf.dataset,
        name="dogs",
        filters={"dql": dogs},
    )["dataset"]
    assert (clone["itemsCount"], clone["annotationsCount"]) == (1, 1)
    ada.change(
        "updateItems",
        datasetId=shelf.dataset,
        selection={"dql": {"name": "file3*"}},
        hidden=True,
    )
    assert paths(ada, shelf, dql={"hidden": True}) == ["/file3.txt"]
    refused = ada.refused(
        "cloneDataset", datasetId=shelf.dataset, name="x", filters={"dql": {"delete": True}}
    )
    assert refused == ("INVALID", ["filters", "dql", "delete"])


def test_pages_in_an_order_by_metadata_go_on_while_people_edit(ada: Client, shelf: Shelf) -> None:
    order = [
        {"field": "METADATA", "path": ["camera"], "direction": "DESC"},
        {"field": "METADATA", "path": ["number"]},
    ]
    given = {"dataset": shelf.dataset, "orderBy": order, "first": 1}
    seen, after = [], None
    for turn in range(4):
        page = ada.run(ITEMS, **given, after=after)["items"]
        seen += [node["path"] for node in page["nodes"]]
        after = page["pageInfo"]["endCursor"]
        ada.change(
            "updateItems",
            datasetId=shelf.dataset,
            selection={"ids": [shelf.items[turn]]},
            metadata={"camera": f"west {turn}", "number": 10 - turn},
        )
    assert seen == ["/file0.txt", "/file2.txt", "/file1.txt", "/file3.txt"]
    assert not page["pageInfo"]["hasNextPage"]


def test_an_order_with_a_wrong_path_is_refused(ada: Client, shelf: Shelf) -> None:
    for step in ({"field": "METADATA"}, {"field": "SIZE", "path": ["x"]}):
        refusal = ada.refusal(ITEMS, dataset=shelf.dataset, orderBy=[{"field": "PATH"}, step])
        assert refusal == ("INVALID", ["orderBy", "1", "path"])
    many = [{"field": "SIZE"}] * 9
    assert ada.refusal(ITEMS, dataset=shelf.dataset, orderBy=many)[0] == "LIMIT_EXCEEDED"


FACETS = """
query ($dataset: ID!, $paths: [String!]!, $where: ItemWhere, $first: Int! = 20) {
  dataset(by: {id: $dataset}) {
    labelCounts(where: $where) { label count }
    facets(paths: $paths, where: $where, first: $first) { path values { value count } }
  }
}"""


def test_facets_and_labels_are_counted_of_what_matches(ada: Client, shelf: Shelf) -> None:
    given = {"dataset": shelf.dataset, "paths": ["metadata.camera", "annotations.label"]}
    found = ada.run(FACETS, **given)["dataset"]
    assert found["facets"] == [
        {"path": "metadata.camera", "values": [_of("north", 2), _of("south", 2)]},
        {"path": "annotations.label", "values": [_of("dog", 2), _of("cat", 1)]},
    ]
    assert found["labelCounts"] == [{"label": "cat", "count": 1}, {"label": "dog", "count": 2}]
    where = {"metadata": [{"path": ["number"], "gt": 1}]}
    found = ada.run(FACETS, **given, where=where, first=1)["dataset"]
    assert found["facets"] == [
        {"path": "metadata.camera", "values": [_of("north", 1)]},
        {"path": "annotations.label", "values": [_of("dog", 1)]},
    ]
    assert found["labelCounts"] == [{"label": "dog", "count": 1}]
    wrong = {**given, "paths": ["hidden", "weather"]}
    assert ada.refusal(FACETS, **wrong) == ("INVALID", ["paths", "1"])


def _of(value: Any, count: int) -> dict[str, Any]:
    return {"value": value, "count": count}
