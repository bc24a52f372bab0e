"""Orders of several steps, metadata among them: every page once, from either end."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cmp_to_key
from typing import Any

import pytest

from gql_service.catalog.item_order import ItemOrder
from gql_service.catalog.keyset import Slice
from gql_service.catalog.page import page_items
from gql_service.catalog.visibility import View
from gql_service.database.engine import Database, Tx
from tests.catalog.filter_layers import layered
from tests.catalog.filter_oracle import ABSENT, PlainItem, reached
from tests.catalog.test_page import walked
from tests.catalog.undone import undone

VALUES = [1, 0.5, "b", "B", "é", "a", 10, True, False, None, [1], {"x": 1}, ABSENT, 2**60, -1, "10"]
VALUES += [2**53 + 1, float(2**53), 1e22, 0.1, "a", 1]


def _item(key: int, value: Any) -> PlainItem:
    inside = {} if value is ABSENT else {"b": value, 'odd"key': value}
    return PlainItem(
        key,
        f"/d{key % 3}/{key % 5}-{key}",
        metadata={"a": inside},
        mime_type=("image/png", "Text/plain")[key % 2],
        size=key % 2,
        width=None if key % 4 == 0 else key % 3,
        sha256=f"{key:064x}",
    )


ITEMS = [_item(key, value) for key, value in enumerate(VALUES, 1)]
BY_VALUE: tuple[str, ...] = ("a", "b")
ORDERS: list[ItemOrder] = [
    [(BY_VALUE, False)],
    [(BY_VALUE, True)],
    [(("a", 'odd"key'), True)],
    [("size", True), (BY_VALUE, False)],
    [("width", False), ("mime_type", True), (BY_VALUE, True)],
    [("width", True)],
    [("directory", True), ("name", False)],
    [("key", True)],
    [(BY_VALUE, False), (BY_VALUE, True), ("path", True)],
    [(("nothing", "there"), False), ("height", True)],
]


def value_of(item: PlainItem, field: Any) -> Any:
    if isinstance(field, tuple):
        found = reached(item.metadata, list(field))
        return found[0] if found else None
    *folders, name = item.path.split("/")
    derived = {"name": name, "directory": "/".join(folders) or "/"}
    return derived[field] if field in derived else getattr(item, field)


def rank(value: Any) -> int:
    """Numbers, texts, false and true; everything else is missing."""
    if isinstance(value, bool):
        return 2
    return 0 if isinstance(value, int | float) else 1 if isinstance(value, str) else 3


def compared(left: PlainItem, right: PlainItem, order: ItemOrder) -> int:
    for field, descending in order:
        one, other = value_of(left, field), value_of(right, field)
        if rank(one) == 3 or rank(other) == 3:
            if rank(one) != rank(other):
                return rank(one) - rank(other) if 3 in (rank(one), rank(other)) else 0
            continue
        pairs = (rank(one), one), (rank(other), other)
        sign = int(pairs[0] > pairs[1]) - int(pairs[0] < pairs[1])
        if sign:
            return -sign if descending else sign
    return (right.key - left.key) if order[-1][1] else (left.key - right.key)


@pytest.fixture
def shown(database: Database, actor: int) -> Iterator[tuple[Tx, View]]:
    with undone(database, actor) as tx:
        view, _ = layered(tx, ITEMS, (True, True, True))
        yield tx, view


@pytest.mark.exhaustive
@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize("order", ORDERS, ids=str)
def test_pages_in_an_order_show_each_item_once(
    shown: tuple[Tx, View], order: ItemOrder, backwards: bool
) -> None:
    in_order = sorted(ITEMS, key=cmp_to_key(lambda a, b: compared(a, b, order)))

    def page(after: int | None) -> Slice:
        return page_items(*shown, None, order, after=after, limit=4, backwards=backwards)

    assert walked(page, backwards) == [item.key for item in in_order]


def test_what_is_missing_comes_last_in_either_direction(shown: tuple[Tx, View]) -> None:
    missing = {i.key for i in ITEMS if rank(value_of(i, BY_VALUE)) == 3}
    for descending in (False, True):
        page = page_items(*shown, None, [(BY_VALUE, descending)], limit=len(ITEMS))
        assert {row.key for row in page.rows[-len(missing) :]} == missing
