"""Clones, whole and filtered, and the first edits on them."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from bench import floor_clone
from bench.data import LABELS
from bench.measure import Figure, often, side_by_side
from bench.store import Store
from gql_service.catalog.filters import (
    AnnotationFilter,
    AnnotationsFilter,
    ItemFilter,
    JsonFilter,
    StringFilter,
)
from gql_service.catalog.page import page_items
from gql_service.catalog.visibility import View, open_view
from gql_service.database.engine import Tx
from gql_service.versions.clone import CloneOutcome, CloneRequest, clone_dataset
from gql_service.versions.items import ItemPatch, update_items
from gql_service.versions.selection import Selection

CAMERA = "camera 0"

_NUMBERS = itertools.count(1)


def by_label(label: str) -> ItemFilter:
    some = AnnotationFilter(label=StringFilter(eq=label))
    return ItemFilter(annotations=AnnotationsFilter(some=some))


def by_camera(model: str) -> ItemFilter:
    return ItemFilter(metadata=[JsonFilter(path=["camera", "model"], eq=model)])


def clone(store: Store, source: int, selection: Selection | None = None) -> CloneOutcome:
    """One clone, committed."""
    request = CloneRequest(source=source, name=f"clone {next(_NUMBERS)}", selection=selection)
    return store.database.write(lambda tx: clone_dataset(tx, request), actor=store.stage.actor)


def view_of(store: Store, dataset: int, version: int | None = None) -> View:
    with store.database.read() as tx:
        return open_view(tx, dataset, version)


def measure(store: Store, runs: int) -> Iterator[Figure]:
    yield from _whole(store, runs)
    yield _growth(store, runs)
    yield _edit(store, runs)
    yield from _filtered(store, runs)


def _whole(store: Store, runs: int) -> Iterator[Figure]:
    stage, source = store.stage, view_of(store, store.stage.dataset)
    yield side_by_side(
        "clone, whole",
        stage.items,
        runs,
        lambda: clone(store, stage.dataset),
        lambda: floor_clone.few_rows(store.bare, stage, source),
        "inserts the same few rows",
        times=often(stage.items),
        settle=store.settle,
    )
    yield side_by_side(
        "clone, whole",
        stage.items,
        runs,
        lambda: clone(store, stage.dataset),
        lambda: floor_clone.all_rows(store.bare, stage, source),
        "copies every row",
        settle=store.settle,
    )


def _growth(store: Store, runs: int) -> Figure:
    """Bytes of tables and indexes that a whole clone adds."""
    taken, clones = [], often(store.stage.items)
    for _ in range(runs):
        store.settle()
        before = store.bytes()
        for _ in range(clones):
            clone(store, store.stage.dataset)
        store.settle()
        taken.append((store.bytes() - before) / clones)
    return Figure("clone, whole: disk", store.stage.items, "bytes", tuple(taken))


def _filtered(store: Store, runs: int) -> Iterator[Figure]:
    stage, bare = store.stage, store.bare
    source = view_of(store, stage.dataset)
    for name, filter, condition in (
        ("clone by label, 14 %", by_label(LABELS[0]), floor_clone.has_label(source, LABELS[0])),
        ("clone by metadata, 14 %", by_camera(CAMERA), floor_clone.has_camera(bare, CAMERA)),
    ):
        yield side_by_side(
            name,
            stage.items,
            runs,
            lambda filter=filter: clone(store, stage.dataset, Selection(where=filter)),  # type: ignore[misc]
            lambda condition=condition: floor_clone.chosen_rows(bare, stage, source, condition),  # type: ignore[misc]
            "copies the chosen rows",
            settle=store.settle,
        )


def _edit(store: Store, runs: int) -> Figure:
    """One item's metadata after another, each committed as a version of a clone."""
    stage = store.stage
    ours = clone(store, stage.dataset).dataset
    theirs = view_of(store, clone(store, stage.dataset).dataset)
    times = often(stage.items)
    with store.database.read() as tx:
        page = page_items(tx, open_view(tx, stage.dataset), None, limit=times * (runs + 1))
    keys, ids = iter([row.key for row in page.rows]), iter([row.id for row in page.rows])

    def edit() -> None:
        key = next(keys)

        def change(tx: Tx) -> None:
            patch = ItemPatch(metadata={"edited": key})
            update_items(tx, ours, Selection(keys=(key,)), patch)

        store.database.write(change, actor=stage.actor)

    return side_by_side(
        "edit one item of a clone",
        stage.items,
        runs,
        edit,
        lambda: floor_clone.edit(store.bare, theirs, next(ids)),
        "inserts the same three rows",
        times=times,
        settle=store.settle,
    )
