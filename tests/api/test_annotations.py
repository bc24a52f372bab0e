"""Annotations: added, changed and removed, many at once, and read in pages."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.client import Client
from tests.api.conftest import Census
from tests.api.shelf import BOX, CAT, Shelf
from tests.builders import ON_SQLITE


@ON_SQLITE
def test_annotations_are_added_as_one_version(ada: Client, shelf: Shelf) -> None:
    done = ada.change(
        "addAnnotations",
        "version { number operation } dataset { annotationsCount annotatedItemsCount "
        "labelCounts { label count } } annotations { type label coordinates status bounds { x y "
        "width height } item { path } source { version } creator { name } }",
        datasetId=shelf.dataset,
        annotations=[
            {**BOX, "itemId": shelf.items[1]},
            {**CAT, "itemId": f"{shelf.items[3]}_v2"},
        ],
        expectedVersion=2,
    )
    assert done["version"] == {"number": 3, "operation": "ANNOTATE"}
    assert done["dataset"] == {
        "annotationsCount": 5,
        "annotatedItemsCount": 4,
        "labelCounts": [{"label": "cat", "count": 2}, {"label": "dog", "count": 3}],
    }
    box, cat = done["annotations"]
    assert box["bounds"] == {"x": 1.0, "y": 2.0, "width": 10.0, "height": 20.0}
    assert (box["item"], box["status"]) == ({"path": "/file1.txt"}, "APPROVED")
    assert (cat["coordinates"], cat["bounds"], cat["source"]) == (None, None, None)


@ON_SQLITE
def test_annotations_are_changed(ada: Client, shelf: Shelf) -> None:
    dog = shelf.annotations[0]
    fields = "updated version { number } annotations { id label status metadata coordinates }"
    done = ada.change(
        "updateAnnotations",
        fields,
        datasetId=shelf.dataset,
        annotations=[{"id": dog, "label": "dog.poodle", "metadata": {"sure": True}}],
    )
    (changed,) = done["annotations"]
    assert (changed["id"], changed["label"], changed["status"]) == (dog, "dog.poodle", "APPROVED")
    assert changed["metadata"] == {"sure": True}
    cleared = ada.change(
        "updateAnnotations",
        fields,
        datasetId=shelf.dataset,
        annotations=[{"id": dog, "clearStatus": True, "status": None, "label": None}],
    )
    assert cleared["annotations"][0]["status"] is None
    again = ada.change(
        "updateAnnotations",
        fields,
        datasetId=shelf.dataset,
        annotations=[{"id": dog, "clearStatus": True}],
    )
    assert (again["updated"], again["version"]) == (0, None)


@ON_SQLITE
def test_annotations_are_removed(ada: Client, shelf: Shelf) -> None:
    done = ada.change(
        "deleteAnnotations",
        "deleted dataset { annotationsCount annotatedItemsCount }",
        datasetId=shelf.dataset,
        ids=list(shelf.annotations[:2]),
    )
    assert done["deleted"] == 2
    assert done["dataset"] == {"annotationsCount": 1, "annotatedItemsCount": 1}
    node = "query ($id: ID!) { node(id: $id) { id ... on Annotation { label } } }"
    assert ada.run(node, id=shelf.annotations[0]) == {"node": None}
    old = f"{shelf.annotations[0]}_v2"
    assert ada.run(node, id=old)["node"] == {"id": old, "label": "dog"}


WRONG: list[tuple[str, dict[str, Any], tuple[str, list[str]]]] = [
    ("addAnnotations", {"itemId": "it_1_999"}, ("NOT_FOUND", ["annotations", "0", "itemId"])),
    ("addAnnotations", {"itemId": "it_9_1"}, ("INVALID", ["annotations", "0", "itemId"])),
    ("addAnnotations", {"itemId": "an_1_1"}, ("INVALID", ["annotations", "0", "itemId"])),
    ("addAnnotations", {"label": "cow"}, ("LABEL_UNKNOWN", ["annotations", "0", "label"])),
    ("addAnnotations", {"label": ""}, ("INVALID", ["annotations", "0", "label"])),
    ("addAnnotations", {"label": "\ud800"}, ("INVALID", ["annotations", "0", "label"])),
    (
        "addAnnotations",
        {"coordinates": [{"x": 1, "y": 2}]},
        ("INVALID", ["annotations", "0", "coordinates"]),
    ),
    (
        "addAnnotations",
        {"coordinates": [{"x": 1, "y": 2}, {"x": "3", "y": 4}]},
        ("INVALID", ["annotations", "0", "coordinates", "1", "x"]),
    ),
    (
        "addAnnotations",
        {"attributes": {"mood": "angry"}},
        ("LABEL_UNKNOWN", ["annotations", "0", "attributes", "mood"]),
    ),
    ("addAnnotations", {"metadata": 1}, ("INVALID", ["annotations", "0", "metadata"])),
    ("updateAnnotations", {"id": "an_1_999"}, ("NOT_FOUND", ["annotations", "0", "id"])),
    ("updateAnnotations", {"id": "it_1_1"}, ("INVALID", ["annotations", "0", "id"])),
    ("updateAnnotations", {"label": "cow"}, ("LABEL_UNKNOWN", ["annotations", "0", "label"])),
    (
        "updateAnnotations",
        {"status": "ISSUE", "clearStatus": True},
        ("INVALID", ["annotations", "0", "clearStatus"]),
    ),
]


@ON_SQLITE
def test_what_is_wrong_is_named_and_nothing_is_written(
    ada: Client, shelf: Shelf, census: Census, subtests: pytest.Subtests
) -> None:
    for mutation, wrong, refusal in WRONG:
        right: dict[str, Any] = {"id": shelf.annotations[0]}
        if mutation == "addAnnotations":
            right = {**BOX, "itemId": shelf.items[0]}
        given = {"datasetId": shelf.dataset, "annotations": [{**right, **wrong}]}
        with subtests.test(f"{mutation} {wrong}"):
            before = census()
            assert ada.refused(mutation, **given) == refusal
            assert census() == before


@ON_SQLITE
def test_one_annotation_cannot_be_changed_twice_in_a_call(ada: Client, shelf: Shelf) -> None:
    twice = [{"id": shelf.annotations[0], "label": label} for label in ("dog", "cat")]
    refusal = ada.refused("updateAnnotations", datasetId=shelf.dataset, annotations=twice)
    assert refusal == ("INVALID", ["annotations", "1", "id"])
    gone = {"datasetId": shelf.dataset, "ids": ["an_1_999"]}
    assert ada.refused("deleteAnnotations", **gone)[0] == "NOT_FOUND"


def test_annotations_are_filtered_ordered_and_paged(ada: Client, shelf: Shelf) -> None:
    query = """query ($id: ID!, $where: AnnotationWhere, $by: [AnnotationOrder!], $first: Int,
        $after: String) {
      dataset(by: {id: $id}) {
        annotations(where: $where, orderBy: $by, first: $first, after: $after) {
          totalCount nodes { label } pageInfo { endCursor hasNextPage } } } }"""

    def labels(**given: Any) -> list[str]:
        found = ada.run(query, id=shelf.dataset, **given)["dataset"]["annotations"]
        return [one["label"] for one in found["nodes"]]

    assert labels() == ["dog", "cat", "dog"]
    assert labels(by=[{"field": "LABEL"}]) == ["cat", "dog", "dog"]
    assert labels(where={"type": {"eq": "BOX"}}) == ["dog", "dog"]
    assert labels(where={"status": {"eq": "APPROVED"}, "label": {"ne": "dog"}}) == []
    first = ada.run(query, id=shelf.dataset, first=2)["dataset"]["annotations"]
    assert (first["totalCount"], first["pageInfo"]["hasNextPage"]) == (3, True)
    assert labels(first=2, after=first["pageInfo"]["endCursor"]) == ["dog"]


def test_annotations_of_one_item_are_paged(ada: Client, shelf: Shelf) -> None:
    query = """query ($id: ID!, $after: String) { item(by: {id: $id}) {
      annotations(first: 1, after: $after, where: {label: {in: ["cat", "dog"]}}) {
        totalCount nodes { label } pageInfo { endCursor hasNextPage } } } }"""
    first = ada.run(query, id=shelf.items[0])["item"]["annotations"]
    assert (first["totalCount"], first["nodes"]) == (2, [{"label": "dog"}])
    after = first["pageInfo"]["endCursor"]
    second = ada.run(query, id=shelf.items[0], after=after)["item"]["annotations"]
    assert (second["nodes"], second["pageInfo"]["hasNextPage"]) == ([{"label": "cat"}], False)
    assert ada.refusal(query, id=shelf.items[2], after=after) == ("INVALID", ["after"])
