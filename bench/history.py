"""Diffs, reverts and old versions; and what a page costs after many versions.

One version changes the metadata of every hundredth item and annotates every second one of them.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace

from bench import floor_history, floor_page
from bench.clone import clone, view_of
from bench.data import LABELS, box
from bench.measure import Figure, Work, often, side_by_side
from bench.page import PAGE, read_page
from bench.store import Store
from gql_service.catalog.annotation_content import AnnotationType
from gql_service.catalog.dataset import Operation
from gql_service.catalog.json_text import canonical
from gql_service.catalog.page import page_items
from gql_service.catalog.visibility import View, open_view
from gql_service.database.engine import Tx
from gql_service.versions.annotations import NewAnnotation, put_new
from gql_service.versions.comparison import compare
from gql_service.versions.content import ItemPut, item_content, items_by_key
from gql_service.versions.diff import Counts
from gql_service.versions.draft import open_draft
from gql_service.versions.items import ItemPatch, update_items
from gql_service.versions.revert import RevertRequest, revert_dataset
from gql_service.versions.selection import Selection

SMALL_VERSIONS = 10_000
"""How many small versions a dataset gets before its page is read; fewer in a small dataset."""


def measure(store: Store, runs: int) -> Iterator[Figure]:
    stage = store.stage
    before = view_of(store, stage.dataset)
    keys = first_keys(store, max(10, stage.items // 10))[::10]
    change(store, stage.dataset, keys)
    after = view_of(store, stage.dataset)
    yield from _diffs(store, runs, before, after)
    yield _time_travel(store, runs, before.version)
    yield _revert(store, runs, keys)
    yield _many_versions(store, runs)


def first_keys(store: Store, count: int) -> list[int]:
    """Of the first items of the dataset."""
    with store.database.read() as tx:
        rows = page_items(tx, open_view(tx, store.stage.dataset), None, limit=count).rows
    return [row.key for row in rows]


def change(store: Store, dataset: int, keys: Sequence[int]) -> None:
    """One version: other metadata for these items, and a box on every second one."""
    text = canonical({"edited": dataset}, (), object_only=True)

    def write(tx: Tx) -> None:
        draft = open_draft(tx, dataset, Operation.UPDATE)
        held = draft.items(keys)
        puts = [ItemPut(key, replace(item_content(held[key]), metadata=text)) for key in keys]
        draft.put_items(puts, held=held)
        boxes = [
            (key, NewAnnotation(AnnotationType.BOX, LABELS[0], coordinates=box(at)), ())
            for at, key in enumerate(keys[::2])
        ]
        put_new(draft, boxes)
        draft.publish()

    store.database.write(write, actor=store.stage.actor)


def _diffs(store: Store, runs: int, before: View, after: View) -> Iterator[Figure]:
    stage = store.stage
    old, new = (before.dataset, before.version), (after.dataset, after.version)

    def counts() -> Counts:
        with store.database.read(stage.actor) as tx:
            return compare(tx, old, new).counts(tx, None)

    def page() -> object:
        """The first items that differ, as they were and as they are."""
        with store.database.read(stage.actor) as tx:
            found = compare(tx, old, new)
            keys = [one.key for one in found.page(tx, None, None, PAGE)]
            return items_by_key(tx, before, keys), items_by_key(tx, after, keys)

    counted, listed = floor_history.counts(after), floor_history.page(after, PAGE)
    found, known = counts(), tuple(store.bare.run(counted).fetchone())
    assert (found.items_modified, found.annotations_added) == known, "equal counts"
    asked: tuple[tuple[str, Work, str, str], ...] = (
        ("counts", counts, counted, "counts what the version wrote"),
        ("first page of 100", page, listed, "joins what the version wrote"),
    )
    for what, ours, sql, floor_is in asked:
        yield side_by_side(
            f"diff, 1 % changed: {what}",
            stage.items,
            runs,
            ours,
            lambda sql=sql: store.bare.run(sql).fetchall(),  # type: ignore[misc]
            floor_is,
            times=often(stage.items),
        )


def _time_travel(store: Store, runs: int, version: int) -> Figure:
    stage = store.stage
    sql = floor_page.page(
        view_of(store, stage.dataset, version), postgres=store.postgres, limit=PAGE
    )
    return side_by_side(
        "first page of 100 at the version before",
        stage.items,
        runs,
        lambda: read_page(store, stage.dataset, version=version),
        lambda: store.bare.value(sql),
        "one statement makes the JSON",
        times=often(stage.items),
    )


def _revert(store: Store, runs: int, keys: Sequence[int]) -> Figure:
    """Each run has a clone of its own, which was changed before."""
    changed: list[int] = []

    def prepare() -> None:
        changed.append(clone(store, store.stage.dataset).dataset)
        change(store, changed[-1], keys)
        store.settle()

    def ours() -> object:
        request = RevertRequest(changed[-1], 1)
        return store.database.write(lambda tx: revert_dataset(tx, request), actor=store.stage.actor)

    return side_by_side(
        "revert of 1 %",
        store.stage.items,
        runs,
        ours,
        lambda: floor_history.revert(store.bare, view_of(store, changed[-1])),
        "ends the rows, writes the old ones",
        settle=prepare,
    )


def _many_versions(store: Store, runs: int) -> Figure:
    """Two clones in which every item of the first page was changed: at once, or bit by bit."""
    stage = store.stage
    keys = first_keys(store, PAGE)
    once, often_changed = (clone(store, stage.dataset).dataset for _ in range(2))
    change(store, once, keys)
    change(store, often_changed, keys)
    versions = min(SMALL_VERSIONS, stage.items)
    began = time.perf_counter()
    for number in range(versions):
        edit(store, often_changed, keys[number % len(keys)], number)
    taken = time.perf_counter() - began
    figure = side_by_side(
        f"first page of 100 after {versions:,} versions, made in {taken:.0f} s",
        stage.items,
        runs,
        lambda: read_page(store, often_changed),
        lambda: read_page(store, once),
        "our own page after one version",
        times=often(stage.items),
    )
    return replace(figure, goal="≤ 1.3 ×")


def edit(store: Store, dataset: int, key: int, number: int) -> None:
    """A small version: one item's metadata."""
    patch = ItemPatch(metadata={"small": number})

    def write(tx: Tx) -> None:
        update_items(tx, dataset, Selection(keys=(key,)), patch)

    store.database.write(write, actor=store.stage.actor)
