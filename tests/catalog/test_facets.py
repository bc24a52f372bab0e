"""Facets and labels of what matches, against counting by hand, on both databases."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from gql_service.catalog.facets import facets, label_counts_of
from gql_service.catalog.filters import (
    AnnotationFilter,
    AnnotationsFilter,
    ItemFilter,
    JsonFilter,
    StringFilter,
)
from gql_service.catalog.visibility import View
from gql_service.database.engine import Database, Tx
from gql_service.errors import Invalid, LimitExceeded
from tests.catalog.filter_layers import layered
from tests.catalog.filter_oracle import PlainAnnotation, PlainItem, reached
from tests.catalog.undone import undone
from tests.conftest import CountStatements

METADATA: list[dict[str, Any]] = [
    {"camera": {"model": "north"}, "tags": ["a", "b", "a"], "odd": 1},
    {"camera": {"model": "south"}, "tags": "a", "odd": True},
    {"camera": {"model": "north"}, "tags": [], "odd": None},
    {"camera": [{"model": "north"}, {"model": "west"}, 5], "tags": [["a"], {"b": 1}], "odd": "1"},
    {"camera": "none", 'a"b': {"0": 1.5}, "odd": 0.1},
    {"tags": ["é", 10, 9], "odd": 2**53 + 1},
    {},
]
ITEMS = [
    PlainItem(
        key,
        f"/d{key % 2}/{key}.jpg",
        hidden=key == 3,
        metadata=metadata,
        mime_type="image/png" if key % 3 else "text/plain",
        size=key % 2,
        width=None if key == 2 else 10,
        sha256=f"{key:064x}",
        annotations=[
            PlainAnnotation(
                100 * key + n,
                ("dog", "cat")[n % 2],
                status="ISSUE" if n else None,
                attributes={"mood": ["calm", n]},
            )
            for n in range(key % 4)
        ],
    )
    for key, metadata in enumerate(METADATA, 1)
]
DOCUMENTS = {"camera.model": ["camera", "model"], "tags": ["tags"], "odd": ["odd"]}
DOCUMENTS |= {'a"b.0': ['a"b', "0"], "camera": ["camera"], "nothing.there": ["nothing", "there"]}


@pytest.fixture
def shown(database: Database, actor: int) -> Iterator[tuple[Tx, View]]:
    with undone(database, actor) as tx:
        view, _ = layered(tx, ITEMS, (True, True, True))
        yield tx, view


def counted(values: list[list[Any]]) -> list[tuple[Any, int]]:
    """The most frequent first, from the values of each item."""
    each = [{_order(value): value for value in one} for one in values]
    found = Counter(key for one in each for key in one)
    by_key = {key: value for one in each for key, value in one.items()}
    return [(by_key[k], n) for k, n in sorted(found.items(), key=lambda e: (-e[1], e[0]))]


def _order(value: Any) -> tuple[str, Any]:
    kinds = {bool: "boolean", type(None): "null", str: "string"}
    return kinds.get(type(value), "number"), 0 if value is None else value


def scalars(item: PlainItem, keys: list[str]) -> list[Any]:
    found = reached(item.metadata, keys)
    opened = [one for value in found for one in (value if isinstance(value, list) else [value])]
    return [one for one in opened if not isinstance(one, list | dict)]


def test_facets_of_metadata_count_items_by_value(shown: tuple[Tx, View]) -> None:
    found = facets(*shown, [f"metadata.{path}" for path in DOCUMENTS], None, 200)
    expected = [counted([scalars(item, keys) for item in ITEMS]) for keys in DOCUMENTS.values()]
    assert [[(v, type(v), n) for v, n in one] for one in found] == [
        [(v, type(v), n) for v, n in one] for one in expected
    ]


def test_facets_of_columns_count_items_by_value(shown: tuple[Tx, View]) -> None:
    paths = ["mimeType", "size", "width", "directory", "hidden"]
    found = dict(zip(paths, facets(*shown, paths, None, 20), strict=True))
    assert found["mimeType"] == counted([[item.mime_type] for item in ITEMS])
    assert found["size"] == counted([[item.size] for item in ITEMS])
    assert found["width"] == [(10, 6)]
    assert found["directory"] == [("/d1", 4), ("/d0", 3)]
    assert found["hidden"] == [(False, 6), (True, 1)]


def test_facets_of_annotations_count_each_item_once(shown: tuple[Tx, View]) -> None:
    paths = ["annotations.label", "annotations.status", "annotations.attributes.mood"]
    labels, statuses, moods = facets(*shown, paths, None, 20)
    assert labels == counted([[m.label for m in item.annotations] for item in ITEMS])
    assert statuses == [("ISSUE", 4)]
    assert moods == counted(
        [[v for m in i.annotations for v in m.attributes["mood"]] for i in ITEMS]
    )


def test_facets_keep_to_a_filter_and_to_the_first_values(shown: tuple[Tx, View]) -> None:
    north = ItemFilter(metadata=[JsonFilter(path=["camera", "model"], eq="north")])
    tags, labels = facets(*shown, ["metadata.tags", "annotations.label"], north, 1)
    assert tags == [("a", 1)]
    assert labels == [("dog", 2)]


def test_labels_of_what_matches_are_counted(shown: tuple[Tx, View]) -> None:
    cats = ItemFilter(
        annotations=AnnotationsFilter(some=AnnotationFilter(label=StringFilter(eq="cat")))
    )
    assert label_counts_of(*shown, cats) == [("cat", 4), ("dog", 6)]
    assert label_counts_of(*shown, ItemFilter(or_=[])) == []


def test_facets_are_one_statement_however_many(
    shown: tuple[Tx, View], count_statements: CountStatements
) -> None:
    paths = ["mimeType", "metadata.tags", "annotations.label", "annotations.type", "directory"]
    with count_statements() as statements:
        facets(*shown, paths, ItemFilter(annotated=True), 20)
    assert len(statements) == 1
    with count_statements() as statements:
        label_counts_of(*shown, ItemFilter(annotated=True))
    assert len(statements) == 1


@pytest.mark.parametrize(
    "path", ["", "name", "metadata", "metadata.", "annotations.x", "metadata.a..b"]
)
def test_a_path_that_is_no_facet_is_refused(shown: tuple[Tx, View], path: str) -> None:
    with pytest.raises(Invalid) as refusal:
        facets(*shown, ["hidden", path], None, 20)
    assert refusal.value.path == ("paths", "1")


def test_facets_have_limits(shown: tuple[Tx, View]) -> None:
    assert facets(*shown, ["hidden"], None, 0) == [[]]
    for paths, first in ((["hidden"] * 21, 20), (["hidden"], 201)):
        with pytest.raises(LimitExceeded):
            facets(*shown, paths, None, first)
    with pytest.raises(Invalid):
        facets(*shown, ["hidden"], None, -1)
