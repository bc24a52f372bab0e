"""Pages made by the database say what resolvers say, whatever is asked of them."""

from __future__ import annotations

import json
import os
from typing import Any

import pytest

from tests.api.client import Client
from tests.api.generated_queries import generated
from tests.api.shelf import BOX, CAT, Shelf
from tests.builders import ON_SQLITE

pytestmark = pytest.mark.model
QUERIES = int(os.environ.get("GENERATED_QUERIES", "30"))
"""More of them are a proof: see `proofs/spliced_pages`."""


def ordered(client: Client, query: str, variables: dict[str, Any]) -> Any:
    """The answer and its cost, with objects as lists of pairs: their order is part of it."""
    asked = {"query": query, "variables": variables, "extensions": {"cost": True}}
    body = json.dumps(asked)
    headers = {**client.headers, "content-type": "application/json"}
    response = client.http.request("POST", "/graphql", content=body, headers=headers)
    return json.loads(response.content, object_pairs_hook=list)


def history(ada: Client, shelf: Shelf) -> list[str]:
    """Datasets of every kind: edited, cloned with and without masks, merged, at old versions."""
    ids = [shelf.dataset]
    ada.change(
        "updateItems",
        datasetId=shelf.dataset,
        selection={"ids": [shelf.items[1], shelf.items[2]]},
        metadata={"n": 1, "text": 'qu"ote\\ é \u2028', "deep": {"x": [1, None]}},
    )
    ada.change(
        "updateItems",
        datasetId=shelf.dataset,
        selection={"ids": [shelf.items[3]]},
        hidden=True,
        description='says "50 %" of \n it',
    )
    whole = ada.change("cloneDataset", "dataset { id }", datasetId=shelf.dataset, name="whole")
    bare = ada.change(
        "cloneDataset",
        "dataset { id }",
        datasetId=shelf.dataset,
        name="bare",
        withMetadata=False,
        withTaskAnnotationsStatus=False,
    )
    empty = ada.change(
        "cloneDataset",
        "dataset { id }",
        datasetId=whole["dataset"]["id"],
        name="unannotated",
        withItemsAnnotations=False,
    )
    ids += [one["dataset"]["id"] for one in (whole, bare, empty)]
    for dataset in ids[1:]:
        (first, *_) = ada.run(
            "query ($id: ID!) { items(datasetId: $id, first: 3) { nodes { id } } }", id=dataset
        )["items"]["nodes"]
        ada.change(
            "addAnnotations",
            datasetId=dataset,
            annotations=[{"itemId": first["id"], **one} for one in (BOX, CAT, BOX)],
        )
        ada.change(
            "moveItems", datasetId=dataset, selection={"ids": [first["id"]]}, directory="/deep/er"
        )
    merged = ada.change(
        "mergeDatasets", "dataset { id }", name="merged", datasetIds=[ids[0], ids[1]]
    )
    return [*ids, merged["dataset"]["id"]]


def test_generated_queries_have_the_same_answers_both_ways(
    ada: Client, resolved: Client, shelf: Shelf
) -> None:
    datasets = history(ada, shelf)

    for seed in range(QUERIES):
        query, variables = generated(seed, datasets)
        ours = ordered(ada, query, variables)
        assert ours == ordered(resolved, query, variables), f"seed {seed}: {query} {variables}"
        assert not any(key == "errors" for key, _ in ours), (query, ours)


@ON_SQLITE
def test_an_edge_of_which_nothing_is_asked_is_no_node(
    ada: Client, resolved: Client, shelf: Shelf
) -> None:
    query = """query ($id: ID!) { items(datasetId: $id) { nodes { id
        annotations { edges { cursor @include(if: false) } } } } }"""

    ours = ordered(ada, query, {"id": shelf.dataset})

    assert ours == ordered(resolved, query, {"id": shelf.dataset})
    assert ("cost", [("nodes", 4)]) in dict(ours)["extensions"]
