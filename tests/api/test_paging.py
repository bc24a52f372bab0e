"""Pages of items: on either way to those with a label, and behind cursors that fit nowhere."""

from __future__ import annotations

from gql_service.catalog.filter_pace import paced
from gql_service.catalog.filters import (
    AnnotationFilter,
    AnnotationsFilter,
    ItemFilter,
    StringFilter,
)
from gql_service.catalog.visibility import open_view
from gql_service.database.engine import Database
from tests.api.client import Client
from tests.api.shelf import Shelf

PAGE = """query ($id: ID!, $labels: [String!], $first: Int) { items(datasetId: $id, first: $first,
  where: { annotations: { some: { label: { in: $labels } } } }) { nodes { path } } }"""


def test_counts_of_labels_tell_which_way_is_shorter(
    ada: Client, shelf: Shelf, database: Database
) -> None:
    def frequent(*labels: str, limit: int, first: object = None) -> bool:
        where = AnnotationFilter(label=StringFilter(in_=labels))
        with database.read() as tx:
            view = open_view(tx, int(shelf.dataset.removeprefix("ds_")))
            filter = ItemFilter(annotations=AnnotationsFilter(some=where))
            found = paced(tx, view, filter, first, limit)
        assert found is not None and found.annotations is not None
        assert found.annotations.some is not None
        return found.annotations.some.frequent

    counts = {
        one["label"]: one["count"]
        for one in ada.run(
            "query ($id: ID!) { dataset(by: { id: $id }) { labelCounts { label count } } }",
            id=shelf.dataset,
        )["dataset"]["labelCounts"]
    }
    label, used = max(counts.items(), key=lambda one: one[1])
    items = len(shelf.items)
    assert used >= 2
    assert frequent(label, limit=used * used // items)
    assert frequent(label, limit=used * used // items, first="path")
    assert not frequent(label, limit=used * used // items + 1)
    assert not frequent(label, limit=1, first="size")
    assert not frequent("nobody's", limit=1)
    assert not frequent(limit=1)


def test_pages_of_all_sizes_agree(ada: Client, resolved: Client, shelf: Shelf) -> None:
    for labels in (["cat"], ["cat", "dog"], ["nobody's"]):
        whole = ada.run(PAGE, id=shelf.dataset, labels=labels)["items"]["nodes"]
        for first in range(1, 5):
            for client in (ada, resolved):
                page = client.run(PAGE, id=shelf.dataset, labels=labels, first=first)
                assert page["items"]["nodes"] == whole[:first]


def test_a_cursor_of_a_row_that_is_not_shown_is_refused(
    ada: Client, resolved: Client, shelf: Shelf
) -> None:
    """One that was put together by hand: its list is right, and no row has its key."""
    query = """query ($id: ID!, $after: String, $before: String, $order: [ItemOrder!]) {
      items(datasetId: $id, after: $after, before: $before, orderBy: $order) {
        nodes { path } pageInfo { endCursor hasNextPage } } }"""
    for order in (None, [{"field": "SIZE", "direction": "ASC"}]):
        end = ada.run(query, id=shelf.dataset, order=order)["items"]["pageInfo"]["endCursor"]
        version, _, digest = end.split(".")
        for client in (ada, resolved):
            beyond = client.run(query, id=shelf.dataset, order=order, after=end)["items"]
            assert beyond["nodes"] == []
            for argument in ("after", "before"):
                forged = {argument: f"{version}.987654.{digest}"}
                refused = client.refusal(query, id=shelf.dataset, order=order, **forged)
                assert refused[0] == "INVALID"
