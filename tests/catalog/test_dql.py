"""The JSON query language by example: its rules one by one, and what it refuses."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from gql_service.catalog.dql_query import compile_annotations, compile_items
from gql_service.catalog.dql_settings import Surroundings
from gql_service.catalog.visibility import View
from gql_service.database.engine import Database, Tx
from gql_service.errors import Invalid, LimitExceeded
from tests.catalog.filter_oracle import PlainAnnotation, PlainItem
from tests.catalog.filter_shelf import matching_annotations, matching_items, shelf
from tests.catalog.test_dql_differential import AROUND, KEYS
from tests.catalog.undone import undone

CAR = PlainAnnotation(11, "car", status="APPROVED", attributes={"colour": "red"})
PERSON = PlainAnnotation(12, "person", "POLYGON")
ITEMS = [
    PlainItem(
        1,
        "/dir1/file1.jpg",
        metadata={
            "camera": {"iso": 200, "model": "X"},
            "tags": ["outdoor", "daylight"],
            "refs": [{"id": "t1", "type": "task"}, {"id": "t2", "type": "qa", "done": True}],
        },
        mime_type="video/mp4",
        size=10,
        annotations=[CAR, PERSON],
    ),
    PlainItem(2, "/dir1/dir2/file10.jpg", metadata={"tags": ["outdoor"], "n": None}, hidden=True),
    PlainItem(
        3,
        "/file2?.jpg",
        metadata={"camera": {"iso": "900"}, "tags": "outdoor", "refs": []},
        annotations=[PlainAnnotation(31, "car")],
    ),
    PlainItem(4, "/dir1/dir2/a.png", width=640, height=0),
]
ALL = {1, 2, 3, 4}
JOINED = {"resource": "annotations", "local": "itemId", "forigen": "id"}
CARS = {"filter": {"label": "car"}, "on": JOINED}
USUAL = [{"hidden": False}, {"type": "file"}]
MEANINGS: list[tuple[Any, set[int]]] = [
    ({}, ALL),
    ({"filter": {}}, ALL),
    ({"filter": {"$and": USUAL}, "page": 0, "pageSize": 1000, "resource": "items"}, {1, 3, 4}),
    ({"type": "dir"}, set()),
    ({"name": "*1*"}, {1, 2}),
    ({"filename": "/dir1/**"}, {1, 2, 4}),
    ({"filename": "/dir1/*"}, {1}),
    ({"filename": "/dir1/dir2/*"}, {2, 4}),
    ({"filename": "/file2?.jpg"}, {3}),
    ({"filename": "/file2?*"}, {3}),
    ({"filename": "/dir1/file?.*"}, set()),
    ({"filename": {"$eq": "/dir1/**"}}, set()),
    ({"dir": "/dir1"}, {1}),
    ({"metadata.system.mimetype": "video*"}, {1}),
    ({"metadata.system.size": "10"}, {1}),
    ({"metadata.system.size": {"$gt": 1.5, "$lte": "10"}}, {1}),
    ({"metadata.system.width": None}, {1, 2, 3}),
    ({"metadata.system.height": {"$lt": 0.5}}, {4}),
    ({"metadata.system.width": {"$gt": 1e300}}, set()),
    ({"metadata.system.width": {"$lt": 1e300}}, {4}),
    ({"$or": [{"dir": "/dir1"}, {"dir": "/"}], "$and": USUAL}, {1, 3}),
    ({"metadata.user.camera.iso": {"$gt": 100, "$lte": 800}}, {1}),
    ({"metadata.user.camera.iso": {"$gt": "100"}}, {1, 3}),
    ({"metadata.camera.iso": "200"}, {1}),
    ({"metadata": {"user": {"camera": {"model": "X"}}}}, {1}),
    ({"metadata.user.camera": {"model": "X", "iso": {"$gte": 200}}}, {1}),
    ({"metadata.user.tags": "outdoor"}, {1, 2, 3}),
    ({"metadata.user.tags": ["outdoor"]}, {2}),
    ({"metadata.user.tags": "*door"}, {1, 2, 3}),
    ({"metadata.user.tags": {"$in": ["daylight", "x"]}}, {1}),
    ({"metadata.user.tags": {"$ne": "daylight"}}, {2, 3, 4}),
    ({"metadata.user.tags": {"$nin": ["outdoor", "x"]}}, {4}),
    ({"metadata.user.tags": {"$or": ["daylight", ["outdoor"]]}}, {1, 2}),
    ({"metadata.user.tags": {"$and": ["daylight", "outdoor"]}}, {1}),
    ({"metadata.user": {"$exists": True}}, ALL),
    ({"metadata.user.n": {"$exists": True}}, {2}),
    ({"metadata.user.n": None}, ALL),
    ({"metadata.user.tags": None}, {4}),
    ({"metadata.user.tags": {"$exists": False}}, {4}),
    ({"metadata.user.refs": []}, {3}),
    ({"metadata.user.refs.id": "t2"}, {1}),
    ({"metadata.user.refs.type": {"$ne": "task"}}, {2, 3, 4}),
    ({"metadata.user.refs": {"$match": {"id": "t1", "done": {"$exists": False}}}}, {1}),
    ({"metadata.user.refs": {"$match": {"id": "t1", "type": "qa"}}}, set()),
    ({"metadata.user.refs": {"id": "t2", "type": "qa"}}, {1}),
    ({"metadata.system.refs": []}, ALL),
    ({"metadata.system.refs": {"$match": {"id": "t1"}}}, set()),
    ({"metadata.system.refs.type": {"$ne": "task"}}, ALL),
    ({"metadata.system.tags.train": None, "metadata.system.tags.test": None}, ALL),
    ({"annotationStatus": "completed"}, set()),
    ({"createdAt": {"$gt": "2019-12-31T23:00:00", "$lt": "2020-01-01T00:00:00.000001Z"}}, ALL),
    ({"id": {"$gt": "it_2"}}, {3, 4}),
    ({"creator": "ada@*"}, ALL),
    ({"annotated": True}, {1, 3}),
    ({"join": CARS}, {1, 3}),
    ({"join": {"filter": {"label": {"$ne": "car"}}}}, {1}),
    ({"join": {"filter": {"$and": [{"label": "car"}, {"type": "segment"}]}}}, set()),
    ({"join": {"filter": {"type": {"$in": ["segment", "point"]}}}}, {1}),
    ({"join": {"filter": {"status": "approved", "attributes.colour": "r*"}}}, {1}),
    ({"join": {"filter": {"status": None}}}, {1, 3}),
    ({"except": {"query": {"join": CARS}}}, {2, 4}),
    ({"join": CARS, "intersect": {"query": {"join": {"filter": {"label": "person"}}}}}, {1}),
    ({"filter": {"$and": USUAL}, "except": {"query": {"filter": {"dir": "/"}}}}, {1, 4}),
]
REFUSALS: list[tuple[Any, tuple[str, ...], str]] = [
    ([], (), "A query is an object"),
    ({"nme": "x"}, ("nme",), "nme: "),
    ({"filter": {}, "filtre": {}}, ("filtre",), "filtre: "),
    (
        {"filter": {"$and": [{}, {"metadata.user": {"$near": 1}}]}},
        ("filter", "$and", "1", "metadata.user", "$near"),
        "filter.$and[1].metadata.user.$near: ",
    ),
    ({"filter": {"$nor": []}}, ("filter", "$nor"), "filter.$nor: "),
    ({"filter": {"$and": {}}}, ("filter", "$and"), "a list"),
    ({"filter": {"$and": [1]}}, ("filter", "$and", "0"), "a condition is an object"),
    ({"filter": {"name": {"$in": "x"}}}, ("filter", "name", "$in"), "a list"),
    ({"filter": {"name": {"$eq": "x", "y": 1}}}, ("filter", "name"), "cannot be mixed"),
    ({"filter": {"name": {"$match": {"x": 1}}}}, ("filter", "name", "$match"), "no objects"),
    ({"filter": {"name": {"$exists": 1}}}, ("filter", "name", "$exists"), "true or false"),
    ({"filter": {"metadata.system.foo": 1}}, ("filter", "metadata.system.foo"), "not known"),
    ({"filter": {"metadata.user.a..b": 1}}, ("filter", "metadata.user.a..b"), "empty"),
    ({"filter": {"createdAt": "soon"}}, ("filter", "createdAt"), "a time"),
    ({"filter": {"hidden": {"$gt": True}}}, ("filter", "hidden", "$gt"), "no order"),
    ({"resource": "tasks"}, ("resource",), "not for tasks"),
    ({"resource": "dragons"}, ("resource",), "not known"),
    ({"join": {"on": {"local": "id"}}}, ("join", "on", "local"), "itemId"),
    ({"join": {"filter": {"colour": 1}}}, ("join", "filter", "colour"), "not known"),
    ({"except": {"query": {"sort": {}}}}, ("except", "query", "sort"), "outermost"),
    ({"except": {}}, ("except", "query"), "a query"),
    ({"sort": {"name": "up"}}, ("sort", "name"), "ascending"),
    ({"sort": {"colour": "ascending"}}, ("sort", "colour"), "sorted"),
    ({"page": 2}, ("page",), "`after`"),
    ({"skip": 1}, ("skip",), "`after`"),
    ({"pageSize": 10}, ("pageSize",), "`first`"),
    ({"pageSize": 0}, ("pageSize",), "from 1"),
    ({"limit": 10}, ("limit",), "`first`"),
    ({"context": {"datasets": ["other"]}}, ("context", "datasets"), "other datasets"),
    ({"update": {"metadata": {}}}, ("update",), "updateItems"),
    ({"delete": True}, ("delete",), "deleteItems"),
    ({"references": {}}, ("references",), "updateItems"),
]
LARGE: list[tuple[Any, tuple[str, ...]]] = [
    ({"filter": {"$and": [{"name": "x"}] * 101}}, ("filter", "$and", "100", "name")),
    ({"filter": {"name": {"$in": ["x"] * 1001}}}, ("filter", "name", "$in")),
    ({"filter": {"name": "*" * 257}}, ("filter", "name")),
    ({"filter": {"metadata.user.x": "*" * 257}}, ("filter", "metadata.user.x")),
    ({"pageSize": 1001}, ("pageSize",)),
]


@pytest.fixture
def shown(database: Database, actor: int) -> Iterator[tuple[Tx, View]]:
    with undone(database, actor) as tx:
        made = shelf(tx)
        dataset = made.dataset()
        made.put(dataset, ITEMS)
        yield tx, made.view(dataset)


def test_each_query_means_what_the_language_says(shown: tuple[Tx, View]) -> None:
    for query, expected in MEANINGS:
        where = compile_items(query, KEYS, AROUND).filter
        assert matching_items(*shown, where) == expected, query


@pytest.mark.parametrize(("query", "path", "told"), REFUSALS, ids=str)
def test_what_is_not_known_is_refused_with_its_path(
    query: Any, path: tuple[str, ...], told: str
) -> None:
    around = Surroundings(page=50, dataset=("ds_1",), project=("pr_1",))
    with pytest.raises(Invalid) as refusal:
        compile_items(query, KEYS, around)
    assert refusal.value.path == path
    assert told in refusal.value.message


@pytest.mark.parametrize(("query", "path"), LARGE, ids=lambda value: str(value)[:40])
def test_what_is_too_large_is_refused_with_its_path(query: Any, path: tuple[str, ...]) -> None:
    with pytest.raises(LimitExceeded) as refusal:
        compile_items(query, KEYS, AROUND)
    assert refusal.value.path == path


def nested(levels: int, how: str) -> Any:
    query: Any = {"x": 1} if how == "$match" else {"name": "x"}
    for _ in range(levels - 2 if how == "$match" else levels - 1):
        query = {"x": {"$match": query}} if how == "$match" else {how: [query, query]}
    return {"metadata.user.x": {"$match": query}} if how == "$match" else query


@pytest.mark.parametrize("how", ["$and", "$or", "$match"])
def test_eight_levels_can_be_asked_and_nine_are_refused(shown: tuple[Tx, View], how: str) -> None:
    levels = 7 if how != "$match" else 8  # two conditions on each of eight levels are too many
    where = compile_items({"filter": nested(levels, how)}, KEYS, AROUND).filter
    assert matching_items(*shown, where) == set()
    with pytest.raises(LimitExceeded):
        compile_items({"filter": nested(9, how)}, KEYS, AROUND)


def test_known_settings_that_contradict_nothing_are_accepted() -> None:
    around = Surroundings(page=50, dataset=("ds_1",), project=("pr_1",))
    query = {
        "resource": "items",
        "page": 0,
        "pageSize": 1000,
        "skip": 0,
        "limit": 50,
        "select": {"name": 1},
        "systemSpace": True,
        "countTotal": False,
        "delete": False,
        "context": {"datasets": ["ds_1"], "projects": ["pr_1"]},
        "join": None,
        "update": None,
    }
    assert compile_items(query, KEYS, around).order == ()


def test_a_sort_becomes_an_order_in_the_order_it_is_written() -> None:
    sort = {"metadata.user.b.a": "descending", "type": "ascending", "filename": "ascending"}
    assert compile_items(
        {"sort": {**sort, "metadata.system.size": "descending"}}, KEYS, AROUND
    ).order == (
        (("b", "a"), True),
        ("path", False),
        ("size", True),
    )


ON_ITEMS = {"resource": "items", "local": "id", "forigen": "itemId"}
OF_ANNOTATIONS: list[tuple[Any, set[int]]] = [
    ({}, {11, 12, 31}),
    ({"label": "car"}, {11, 31}),
    ({"filter": {"type": {"$in": ["segment"]}}, "resource": "annotations"}, {12}),
    ({"filter": {"label": "car"}, "join": {"on": ON_ITEMS, "filter": {"dir": "/dir1"}}}, {11}),
    ({"join": {"filter": {"metadata.user.tags": "outdoor"}}}, {11, 12, 31}),
    ({"join": {"filter": {"annotated": False}}}, set()),
    ({"itemId": {"$ne": "it_1"}}, {31}),
    ({"filter": {}, "intersect": {"query": {"join": {"filter": {"id": "it_1"}}}}}, {11, 12}),
    ({"except": {"query": {"filter": {"attributes.colour": "red"}}}}, {12, 31}),
]


def test_queries_of_annotations_join_with_their_items(shown: tuple[Tx, View]) -> None:
    for query, expected in OF_ANNOTATIONS:
        where = compile_annotations(query, KEYS, AROUND).filter
        assert matching_annotations(*shown, where) == expected, query
    sort = {"sort": {"type": "ascending", "createdAt": "descending"}}
    order = compile_annotations(sort, KEYS, AROUND).order
    assert order == (("type", False), ("created_at", True))


@pytest.mark.parametrize(
    ("query", "path"),
    [
        ({"resource": "items"}, ("resource",)),
        ({"join": {"on": {"resource": "annotations"}}}, ("join", "on", "resource")),
        ({"sort": {"filename": "ascending"}}, ("sort", "filename")),
        ({"sort": []}, ("sort",)),
        ({"delete": True}, ("delete",)),
        ({"filter": {"name": "x"}}, ("filter", "name")),
        ({"join": {"filter": {"label": "x"}}}, ("join", "filter", "label")),
    ],
    ids=str,
)
def test_a_query_of_annotations_refuses_what_is_of_items(query: Any, path: tuple[str, ...]) -> None:
    with pytest.raises(Invalid) as refusal:
        compile_annotations(query, KEYS, AROUND)
    assert refusal.value.path == path
