"""Metadata indexes: what is counted and found with them, what they take, and what a write costs."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from bench import floor_page
from bench.clone import CAMERA, by_camera, clone, view_of
from bench.measure import Figure, Work, often, side_by_side
from bench.store import Store
from gql_service.catalog.filters import ItemFilter, JsonFilter
from gql_service.catalog.page import count_items, page_items
from gql_service.catalog.visibility import View, open_view
from gql_service.database.engine import Tx
from gql_service.versions.index_filling import declare_index, tend_indexes
from gql_service.versions.items import ItemPatch, update_items
from gql_service.versions.selection import Selection

PATHS = (["camera", "model"], ["camera", "iso"], ["split"])
PAGE = 100
RARE = ItemFilter(metadata=[JsonFilter(path=["camera", "model"], eq="none has this")])


def declared(store: Store, runs: int) -> Iterator[Figure]:
    """Before anything is declared and after, of the dataset itself and through a clone of it."""
    stage = store.stage
    yield _written(store, runs, "edit one item, nothing declared")
    yield _read(store, runs, "page of 100 that nothing is on, not declared", stage.dataset, _rare)
    began, longest = time.perf_counter(), 0.0
    for path in PATHS:
        longest = max(longest, _declare(store, path))
    taken = 1000 * (time.perf_counter() - began)
    yield Figure("declare 3 indexes, in the background", stage.items, "ms", (taken,))
    yield Figure("longest transaction of it", stage.items, "ms", (longest,))
    yield _written(store, runs, "edit one item, 3 declared")
    above = clone(store, stage.dataset).dataset
    for dataset, name in ((stage.dataset, ""), (above, ", of a clone")):
        floor = floor_page.count_camera(view_of(store, dataset), CAMERA, postgres=store.postgres)
        yield _read(store, runs, f"count items by metadata, declared{name}", dataset, _count, floor)
        title = f"page of 100 that nothing is on, declared{name}"
        yield _read(store, runs, title, dataset, _rare)
        title = f"page of 100 by metadata, declared{name}"
        yield _read(store, runs, title, dataset, _page)


def _count(tx: Tx, view: View) -> None:
    count_items(tx, view, by_camera(CAMERA))


def _page(tx: Tx, view: View) -> None:
    page_items(tx, view, by_camera(CAMERA), limit=PAGE)


def _rare(tx: Tx, view: View) -> None:
    page_items(tx, view, RARE, limit=PAGE)


def _read(
    store: Store,
    runs: int,
    name: str,
    dataset: int,
    work: Callable[[Tx, View], None],
    floor: str = "",
) -> Figure:
    def read() -> None:
        with store.database.read(store.stage.actor) as tx:
            work(tx, open_view(tx, dataset))

    bare: Work | None = (lambda: store.bare.value(floor)) if floor else None
    is_ = "reads the metadata of every item" if floor else ""
    items = store.stage.items
    times = often(items) if items < 100_000 or not floor else 3
    return side_by_side(name, items, runs, read, bare, is_, times=times)


def _declare(store: Store, path: list[str]) -> float:
    """Milliseconds that the longest transaction took."""
    dataset, actor = store.stage.dataset, store.stage.actor
    longest, began = 0.0, time.perf_counter()

    def rest() -> None:
        nonlocal longest, began
        longest, began = max(longest, time.perf_counter() - began), time.perf_counter()

    store.database.write(lambda tx: declare_index(tx, dataset, path), actor=actor)
    rest()
    tend_indexes(store.database, dataset, rest=rest)
    return 1000 * longest


def _written(store: Store, runs: int, name: str) -> Figure:
    dataset = store.stage.dataset
    with store.database.read() as tx:
        keys = iter(
            [row.key for row in page_items(tx, open_view(tx, dataset), None, limit=999).rows]
        )
    numbers = iter(range(10**9))

    def edit() -> None:
        patch = ItemPatch(metadata={"edited": next(numbers)})
        key = next(keys)
        store.database.write(
            lambda tx: update_items(tx, dataset, Selection(keys=(key,)), patch),
            actor=store.stage.actor,
        )

    return side_by_side(name, store.stage.items, runs, edit, times=50)
