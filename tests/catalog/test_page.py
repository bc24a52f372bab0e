"""Pages by keyset: every row once, in order, from either end, whatever the branches."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest

from gql_service.catalog.filters import (
    AnnotationFilter,
    AnnotationsFilter,
    ItemFilter,
    StringFilter,
)
from gql_service.catalog.keyset import Slice
from gql_service.catalog.page import (
    AnnotationOrder,
    ItemOrder,
    annotations_of_items,
    count_annotations,
    count_annotations_of_items,
    count_items,
    page_annotations,
    page_items,
)
from gql_service.catalog.visibility import View
from gql_service.database.engine import Database, Tx
from gql_service.errors import Invalid
from tests.catalog.filter_oracle import PlainAnnotation, PlainItem
from tests.catalog.filter_shelf import LONG_AGO, shelf
from tests.catalog.undone import undone
from tests.conftest import CountStatements

PATHS = ["/a", "/A", "/b/a", "/b/é", "/b/z", "/c%", "/[c]", "/d/a", "/z", "/é", "/😀", "/b-"]


def item(key: int, path: str) -> PlainItem:
    return PlainItem(
        key,
        path,
        size=key % 3,
        created_at=LONG_AGO + timedelta(seconds=key % 2),
        updated_at=LONG_AGO - timedelta(seconds=key),
        annotations=[
            PlainAnnotation(100 * key + n, "dog" if n % 2 else "cat") for n in range(key % 5)
        ],
    )


ITEMS = [item(key, path) for key, path in enumerate(PATHS, 1)]
MARKS = [mark for item in ITEMS for mark in item.annotations]
Sorting = Callable[[PlainItem], Any]
ORDERS: list[tuple[ItemOrder, Sorting]] = [
    ((), lambda i: i.path),
    ([("path", True)], lambda i: [-ord(c) for c in i.path]),
    ([("name", False)], lambda i: (i.path.split("/")[-1], i.key)),
    ([("size", True)], lambda i: (-i.size, -i.key)),
    ([("created_at", False), ("size", True)], lambda i: (i.created_at, -i.size, -i.key)),
    ([("created_at", True), ("path", False)], lambda i: (-(i.key % 2), i.path)),
    ([("updated_at", True)], lambda i: i.key),
]


MARK_ORDERS: list[tuple[AnnotationOrder, Callable[[PlainAnnotation], Any]]] = [
    ((), lambda m: m.key),
    ([("label", False)], lambda m: (m.label, m.key)),
    ([("key", True)], lambda m: -m.key),
    ([("created_at", True)], lambda m: -m.key),
]


def walked(page: Callable[[int | None], Slice], backwards: bool) -> list[int]:
    """The keys of all pages, from one end to the other, in the order of the list."""
    keys: list[int] = []
    after = None
    more = True
    while more:
        here = page(after)
        found = [row.key for row in here.rows]
        assert (here.has_next if backwards else here.has_previous) is (after is not None)
        keys = found + keys if backwards else keys + found
        more = here.has_previous if backwards else here.has_next
        after = found[0] if backwards else found[-1]
    return keys


@pytest.fixture
def shown(database: Database, actor: int) -> Iterator[tuple[Tx, View]]:
    """Items and annotations on two sheets, with something covered on the lower."""
    with undone(database, actor) as tx:
        made = shelf(tx)
        source = made.dataset()
        made.put(source, [*ITEMS[::2], item(90, "/covered")])
        clone = made.lay(source)
        made.put(clone, ITEMS[1::2])
        made.cover(clone, [90])
        yield tx, made.view(clone)


@pytest.mark.parametrize("backwards", [False, True])
def test_pages_of_items_show_each_item_once_in_order(
    shown: tuple[Tx, View], backwards: bool
) -> None:
    limits = (4,) if shown[0].postgres else (1, 4, 12)  # the arithmetic is the same on both
    for order, sorting in ORDERS:
        in_order = [item.key for item in sorted(ITEMS, key=sorting)]
        for limit in limits:

            def page(after: int | None) -> Slice:
                return page_items(
                    *shown,
                    None,
                    order,  # noqa: B023 - used within this turn of the loop
                    after=after,
                    limit=limit,  # noqa: B023
                    backwards=backwards,
                )

            assert walked(page, backwards) == in_order, (order, limit)


def test_a_page_keeps_to_its_filter(shown: tuple[Tx, View]) -> None:
    where = ItemFilter(directory=StringFilter(eq="/b"))
    page = page_items(*shown, where, limit=2)
    assert [row.path for row in page.rows] == ["/b/a", "/b/z"]
    assert page.has_next
    rest = page_items(*shown, where, after=page.rows[-1].key, limit=2)
    assert [row.path for row in rest.rows] == ["/b/é"]
    assert not rest.has_next
    assert count_items(*shown, where) == 3


def test_a_row_has_the_columns_of_the_view_and_no_others(shown: tuple[Tx, View]) -> None:
    row = page_items(*shown, None, [("size", False)], limit=1).rows[0]
    assert "path" in row._fields
    assert not [name for name in row._fields if name.startswith("by_")]


def test_a_cursor_of_something_not_shown_is_refused(shown: tuple[Tx, View]) -> None:
    with pytest.raises(Invalid):
        page_items(*shown, None, after=90, limit=5)
    with pytest.raises(Invalid):
        page_annotations(*shown, None, after=1, limit=5)


def test_a_page_of_an_empty_dataset_is_empty(database: Database, actor: int) -> None:
    with undone(database, actor) as tx:
        made = shelf(tx)
        view = made.view(made.dataset())
        page = page_items(tx, view, None, limit=5)
        assert (list(page.rows), page.has_next, page.has_previous) == ([], False, False)
        assert count_items(tx, view, ItemFilter()) == 0
        assert annotations_of_items(tx, view, [], None, limit=5) == {}


@pytest.mark.parametrize("backwards", [False, True])
def test_pages_of_annotations_show_each_once_in_order(
    shown: tuple[Tx, View], backwards: bool
) -> None:
    for order, sorting in MARK_ORDERS:

        def page(after: int | None) -> Slice:
            return page_annotations(
                *shown,
                None,
                order,  # noqa: B023 - used within this turn of the loop
                after=after,
                limit=5,
                backwards=backwards,
            )

        in_order = [mark.key for mark in sorted(MARKS, key=sorting)]
        assert walked(page, backwards) == in_order, order
    assert count_annotations(*shown, AnnotationFilter()) == len(MARKS)


@pytest.mark.parametrize("backwards", [False, True])
def test_every_item_gets_a_page_of_its_annotations(shown: tuple[Tx, View], backwards: bool) -> None:
    keys = [item.key for item in ITEMS]
    pages = annotations_of_items(*shown, keys, None, limit=2, backwards=backwards)
    assert sorted(pages) == keys
    for plain in ITEMS:
        marks = [mark.key for mark in plain.annotations]
        page = pages[plain.key]
        assert [row.key for row in page.rows] == (marks[-2:] if backwards else marks[:2])
        assert (page.has_previous if backwards else page.has_next) is (len(marks) > 2)


def test_the_pages_of_items_go_on_behind_an_annotation(shown: tuple[Tx, View]) -> None:
    pages = annotations_of_items(*shown, [4], None, after=401, limit=1)
    assert [row.key for row in pages[4].rows] == [402]
    assert pages[4].has_next
    assert pages[4].has_previous


def test_annotations_of_items_keep_to_their_filter(shown: tuple[Tx, View]) -> None:
    dogs = AnnotationFilter(label=StringFilter(eq="dog"))
    pages = annotations_of_items(*shown, [4, 5, 90], dogs, limit=5)
    assert {key: [row.key for row in page.rows] for key, page in pages.items()} == {
        4: [401, 403],
        5: [],
        90: [],
    }
    assert count_annotations_of_items(*shown, [4, 5, 90], dogs) == {4: 2, 5: 0, 90: 0}
    assert count_annotations_of_items(*shown, [4, 90], None) == {4: 4, 90: 0}


def test_annotations_of_many_items_are_one_statement(
    shown: tuple[Tx, View], count_statements: CountStatements
) -> None:
    with count_statements() as statements:
        annotations_of_items(*shown, [item.key for item in ITEMS], None, limit=2)
    assert len(statements) == 1
    with count_statements() as statements:
        page_items(*shown, None, after=1, limit=2)
    assert len(statements) == 2, "the anchor and the page"


@pytest.mark.parametrize("backwards", [False, True])
def test_a_page_is_the_same_whether_its_labels_are_frequent_or_not(
    shown: tuple[Tx, View], backwards: bool
) -> None:
    dogs = StringFilter(eq="dog")
    for negated in (False, True):
        pages = []
        for frequent in (False, True):
            some = AnnotationFilter(label=dogs, frequent=frequent)
            asked = AnnotationsFilter(none=some) if negated else AnnotationsFilter(some=some)

            def page(after: int | None) -> Slice:
                return page_items(
                    *shown,
                    ItemFilter(annotations=asked),  # noqa: B023 - used within this turn
                    after=after,
                    limit=2,
                    backwards=backwards,
                )

            pages.append(walked(page, backwards))
        with_dogs = {i.key for i in ITEMS if any(mark.label == "dog" for mark in i.annotations)}
        expected = [
            i.key for i in sorted(ITEMS, key=lambda i: i.path) if (i.key in with_dogs) != negated
        ]
        assert pages == [expected, expected]
