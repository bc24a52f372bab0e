"""Each operator by example, on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from gql_service.catalog.filters import (
    UNSET,
    AnnotationFilter,
    AnnotationsFilter,
    DateTimeFilter,
    EnumFilter,
    IdFilter,
    IntFilter,
    ItemFilter,
    JsonFilter,
    StringFilter,
)
from gql_service.catalog.visibility import View
from gql_service.database.engine import Database, Tx
from tests.catalog.filter_oracle import PlainAnnotation, PlainItem
from tests.catalog.filter_shelf import LONG_AGO, found_annotations, found_items, shelf
from tests.catalog.undone import undone

LATER = LONG_AGO + timedelta(microseconds=1)
DOCUMENT = {
    "text": "Ab%c",
    "one": 1,
    "half": 0.5,
    "big": 2**63 - 1,
    "yes": True,
    "nothing": None,
    "list": [1, "1", [2], {"k": 1.0}],
    "0": "key zero",
    'a"b\\c': {"": {"é": 5}},
}
ITEMS = [
    PlainItem(
        1,
        "/top.jpg",
        metadata=DOCUMENT,
        mime_type="image/jpeg",
        size=10,
        width=100,
        sha256="a" * 64,
        annotations=[
            PlainAnnotation(11, "dog", status="ISSUE", attributes={"colour": "red"}),
            PlainAnnotation(12, "cat", "POINT", creator=2, created_at=LATER),
        ],
    ),
    PlainItem(2, "/dir1/a.jpg", hidden=True, size=2**40, creator=2, created_at=LATER),
    PlainItem(3, "/dir1/sub/A.JPG", annotations=[PlainAnnotation(31, "dog")], updated_by=3),
    PlainItem(4, "/dir10/é.png", sha256="b" * 64, updated_at=LATER),
]


@pytest.fixture
def shown(database: Database, actor: int) -> Iterator[tuple[Tx, View]]:
    with undone(database, actor) as tx:
        made = shelf(tx)
        dataset = made.dataset()
        made.put(dataset, ITEMS)
        yield tx, made.view(dataset)


def text(**operators: Any) -> StringFilter:
    return StringFilter(**operators)


def json(*path: str, **operators: Any) -> ItemFilter:
    return ItemFilter(metadata=[JsonFilter(path=path, **operators)])


def some(**fields: Any) -> ItemFilter:
    return ItemFilter(annotations=AnnotationsFilter(some=AnnotationFilter(**fields)))


ITEM_CASES: list[tuple[ItemFilter, set[int]]] = [
    (ItemFilter(), {1, 2, 3, 4}),
    (ItemFilter(and_=[]), {1, 2, 3, 4}),
    (ItemFilter(or_=[]), set()),
    (ItemFilter(not_=ItemFilter()), set()),
    (ItemFilter(or_=[ItemFilter(ids=[1]), ItemFilter(ids=[3, 9])]), {1, 3}),
    (ItemFilter(and_=[ItemFilter(ids=[1, 2]), ItemFilter(ids=[2, 3])]), {2}),
    (ItemFilter(ids=[]), set()),
    (ItemFilter(path=text(eq="/top.jpg")), {1}),
    (ItemFilter(path=text(eq="/TOP.jpg")), set()),
    (ItemFilter(path=text(ne="/top.jpg")), {2, 3, 4}),
    (ItemFilter(path=text(in_=["/top.jpg", "/dir1/a.jpg"])), {1, 2}),
    (ItemFilter(path=text(in_=[])), set()),
    (ItemFilter(path=text(not_in=["/top.jpg"])), {2, 3, 4}),
    (ItemFilter(path=text(not_in=[])), {1, 2, 3, 4}),
    (ItemFilter(path=text(contains="jpg")), {1, 2}),
    (ItemFilter(path=text(contains="")), {1, 2, 3, 4}),
    (ItemFilter(path=text(contains="%")), set()),
    (ItemFilter(path=text(starts_with="/dir1")), {2, 3, 4}),
    (ItemFilter(path=text(starts_with="/dir1/")), {2, 3}),
    (ItemFilter(path=text(starts_with="/DIR")), set()),
    (ItemFilter(path=text(exists=True)), {1, 2, 3, 4}),
    (ItemFilter(path=text(exists=False)), set()),
    (ItemFilter(path=text(eq="/dir10/e\u0301.png")), {4}),
    (ItemFilter(name=text(eq="a.jpg")), {2}),
    (ItemFilter(name=text(glob="?.???")), {2, 3, 4}),
    (ItemFilter(directory=text(eq="/")), {1}),
    (ItemFilter(directory=text(eq="/dir1")), {2}),
    (ItemFilter(directory=text(glob="/dir1**")), {2, 3, 4}),
    (ItemFilter(directory=text(glob="/dir1/*")), {3}),
    (ItemFilter(hidden=True), {2}),
    (ItemFilter(hidden=False), {1, 3, 4}),
    (ItemFilter(annotated=True), {1, 3}),
    (ItemFilter(annotated=False), {2, 4}),
    (ItemFilter(mime_type=text(starts_with="image/j")), {1}),
    (ItemFilter(mime_type=text(ne="image/jpeg")), {2, 3, 4}),
    (ItemFilter(size=IntFilter(gte=10)), {1, 2}),
    (ItemFilter(size=IntFilter(gt=10, lte=2**40)), {2}),
    (ItemFilter(size=IntFilter(in_=[10, 2**62])), {1}),
    (ItemFilter(width=IntFilter(lt=2**40)), {1}),
    (ItemFilter(width=IntFilter(eq=100)), {1}),
    (ItemFilter(width=IntFilter(ne=100)), {2, 3, 4}),
    (ItemFilter(width=IntFilter(not_in=[100])), {2, 3, 4}),
    (ItemFilter(not_=ItemFilter(width=IntFilter(gt=5))), {2, 3, 4}),
    (ItemFilter(height=IntFilter(exists=False)), {1, 2, 3, 4}),
    (ItemFilter(width=IntFilter(exists=True)), {1}),
    (ItemFilter(sha256=text(eq="a" * 64)), {1}),
    (ItemFilter(sha256=text(in_=["a" * 64, "b" * 64])), {1, 4}),
    (ItemFilter(sha256=text(eq="a" * 64), size=IntFilter(eq=11)), set()),
    (ItemFilter(sha256=text(ne="a" * 64)), {2, 3, 4}),
    (ItemFilter(created_at=DateTimeFilter(gt=LONG_AGO)), {2}),
    (ItemFilter(updated_at=DateTimeFilter(in_=[LATER])), {4}),
    (ItemFilter(updated_at=DateTimeFilter(lte=LONG_AGO)), {1, 2, 3}),
    (ItemFilter(creator=IdFilter(eq=2)), {2}),
    (ItemFilter(updated_by=IdFilter(not_in=[1])), {3}),
]


def test_an_item_filter_finds_items(shown: tuple[Tx, View]) -> None:
    found = [(where, found_items(*shown, where)) for where, _ in ITEM_CASES]
    assert found == ITEM_CASES


JSON_CASES: list[tuple[ItemFilter, bool]] = [
    (json("one", eq=1), True),
    (json("one", eq=1.0), True),
    (json("one", eq="1"), False),
    (json("one", eq=True), False),
    (json("yes", eq=True), True),
    (json("yes", eq=1), False),
    (json("big", eq=2**63 - 1), True),
    (json("big", eq=2**63 - 2), False),
    (json("big", gt=2**63 - 2), True),
    (json("half", eq=0.5), True),
    (json("half", gt=0, lt=1), True),
    (json("half", gt="0"), False),
    (json("text", gt="AZ"), True),
    (json("text", gt="ab"), False),
    (json("text", gt=0), False),
    (json("yes", gte=True), False),
    (json("nothing", eq=None), True),
    (json("nothing", exists=True), True),
    (json("nothing", ne=None), False),
    (json("gone", eq=None), False),
    (json("gone", ne=None), True),
    (json("gone", exists=False), True),
    (json("gone", lt=5), False),
    (json("gone", not_in=[1]), True),
    (json("gone", "deeper", exists=False), True),
    (json("one", "deeper", exists=False), True),
    (json("one", in_=["1", None, 1]), True),
    (json("one", in_=["1", None, True]), False),
    (json("one", in_=[]), False),
    (json("one", not_in=[]), True),
    (json("list", eq=[1, "1", [2], {"k": 1}]), True),
    (json("list", eq=[1, "1", [2]]), False),
    (json("list", eq='[1,"1",[2],{"k":1}]'), False),
    (json("list", in_=[[], [1.0, "1", [2.0], {"k": 1}]]), True),
    (json("list", contains=1.0), True),
    (json("list", contains="1"), True),
    (json("list", contains=[2]), True),
    (json("list", contains={"k": 1}), True),
    (json("list", contains=2), False),
    (json("list", contains=True), False),
    (json("list", "0", eq=1), True),
    (json("list", "00", exists=True), False),
    (json("list", "-1", exists=True), False),
    (json("list", "3", "k", eq=1), True),
    (json("0", eq="key zero"), True),
    (json("text", contains="b%"), True),
    (json("text", contains="B"), False),
    (json("text", contains=""), True),
    (json("one", contains="1"), False),
    (json("text", glob="A*c"), True),
    (json("text", glob="a*c"), False),
    (json("one", glob="*"), False),
    (json('a"b\\c', "", "é", eq=5), True),
    (json(eq=DOCUMENT), True),
    (json(eq={}), False),
]


def test_a_condition_on_json_holds_or_not(shown: tuple[Tx, View]) -> None:
    found = [(where, 1 in found_items(*shown, where)) for where, _ in JSON_CASES]
    assert found == JSON_CASES


def test_an_operand_left_out_is_not_null(shown: tuple[Tx, View]) -> None:
    where = ItemFilter(metadata=[JsonFilter(path=["nothing"], eq=UNSET)])
    assert found_items(*shown, where) == {1, 2, 3, 4}


ANNOTATED_CASES: list[tuple[ItemFilter, set[int]]] = [
    (some(), {1, 3}),
    (some(label=text(eq="dog")), {1, 3}),
    (some(label=text(ne="dog")), {1}),
    (some(label=text(eq="dog"), type=EnumFilter(eq="POINT")), set()),
    (ItemFilter(annotations=AnnotationsFilter(none=AnnotationFilter())), {2, 4}),
    (
        ItemFilter(annotations=AnnotationsFilter(none=AnnotationFilter(label=text(eq="cat")))),
        {2, 3, 4},
    ),
    (
        ItemFilter(annotations=AnnotationsFilter(every=AnnotationFilter(label=text(eq="dog")))),
        {2, 3, 4},
    ),
    (
        ItemFilter(
            annotations=AnnotationsFilter(
                some=AnnotationFilter(label=text(eq="dog")),
                every=AnnotationFilter(label=text(eq="dog")),
            )
        ),
        {3},
    ),
]


def test_a_filter_on_annotations_finds_items(shown: tuple[Tx, View]) -> None:
    found = [(where, found_items(*shown, where)) for where, _ in ANNOTATED_CASES]
    assert found == ANNOTATED_CASES


ANNOTATION_CASES: list[tuple[AnnotationFilter, set[int]]] = [
    (AnnotationFilter(), {11, 12, 31}),
    (AnnotationFilter(label=text(starts_with="d")), {11, 31}),
    (AnnotationFilter(type=EnumFilter(in_=["POINT"])), {12}),
    (AnnotationFilter(status=EnumFilter(eq="ISSUE")), {11}),
    (AnnotationFilter(status=EnumFilter(ne="ISSUE")), {12, 31}),
    (AnnotationFilter(status=EnumFilter(exists=False)), {12, 31}),
    (AnnotationFilter(creator=IdFilter(eq=2)), {12}),
    (AnnotationFilter(created_at=DateTimeFilter(gte=LATER)), {12}),
    (AnnotationFilter(attributes=[JsonFilter(path=["colour"], eq="red")]), {11}),
    (AnnotationFilter(metadata=[JsonFilter(path=["colour"], exists=True)]), set()),
    (AnnotationFilter(not_=AnnotationFilter(label=text(eq="dog"))), {12}),
    (AnnotationFilter(or_=[]), set()),
]


def test_an_annotation_filter_finds_annotations(shown: tuple[Tx, View]) -> None:
    found = [(where, found_annotations(*shown, where)) for where, _ in ANNOTATION_CASES]
    assert found == ANNOTATION_CASES


def test_a_filter_sees_only_what_the_masks_show(database: Database, actor: int) -> None:
    with undone(database, actor) as tx:
        made = shelf(tx)
        source = made.dataset()
        made.put(source, ITEMS)
        bare = made.view(made.lay(source, annotations=False, metadata=False))
        assert found_items(tx, bare, ItemFilter(annotated=True)) == set()
        assert found_items(tx, bare, json("one", eq=1)) == set()
        assert found_items(tx, bare, json("one", exists=False)) == {1, 2, 3, 4}
        statusless = made.view(made.lay(source, status=False))
        some_issue = some(status=EnumFilter(exists=True))
        assert found_items(tx, statusless, some_issue) == set()
        assert found_items(tx, statusless, some(label=text(eq="cat"))) == {1}


def test_a_filter_sees_no_covered_annotations(database: Database, actor: int) -> None:
    with undone(database, actor) as tx:
        made = shelf(tx)
        source = made.dataset()
        made.put(source, ITEMS)
        clone = made.lay(source)
        made.cover(clone, [1])
        view = made.view(clone)
        assert found_items(tx, view, some(label=text(eq="dog"))) == {3}
        assert found_annotations(tx, view, AnnotationFilter()) == {31}
