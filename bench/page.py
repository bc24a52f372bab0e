"""Pages of items with their files and annotations, and counts; below GraphQL and HTTP."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from bench import floor_page
from bench.clone import CAMERA, by_camera, by_label, clone, view_of
from bench.data import LABELS
from bench.declared import declared
from bench.measure import Figure, Work, often, side_by_side
from bench.store import Store
from gql_service.catalog.binary import binaries_by_id
from gql_service.catalog.filters import AnnotationFilter, StringFilter
from gql_service.catalog.page import (
    annotations_of_items,
    count_annotations,
    count_items,
    page_items,
)
from gql_service.catalog.version import label_counts
from gql_service.catalog.visibility import View, open_view
from gql_service.database.engine import Tx
from gql_service.versions.items import ItemPatch, update_items
from gql_service.versions.selection import Selection

PAGE = 100
MOST_LINES = 8


def measure(store: Store, runs: int) -> Iterator[Figure]:
    datasets = _piled(store)
    yield from _counts(store, runs)
    yield from declared(store, runs)
    for lines in (1, 2, 4, 8):
        name = f"first page of 100, {lines} line{'s' if lines > 1 else ''}"
        yield _page(store, runs, name, datasets[lines - 1], 0)
    yield _page(store, runs, "deep page of 100, 1 line", datasets[0], store.stage.items * 9 // 10)


def read_page(
    store: Store, dataset: int, after: int | None = None, version: int | None = None
) -> int:
    """What a page with files and annotations asks of the catalog: how many rows it got.

    Of the head, unless a version is given.
    """
    with store.database.read(store.stage.actor) as tx:
        view = open_view(tx, dataset, version)
        items = page_items(tx, view, None, after=after, limit=PAGE).rows
        marks = annotations_of_items(tx, view, [row.key for row in items], None, limit=PAGE)
        files = binaries_by_id(tx, [row.binary for row in items])
        return len(items) + len(files) + sum(len(page.rows) for page in marks.values())


def _page(store: Store, runs: int, name: str, dataset: int, skipped: int) -> Figure:
    view = view_of(store, dataset)
    after, path = _anchor(store, view, skipped)
    sql = floor_page.page(view, postgres=store.postgres, limit=PAGE, after=path)
    return side_by_side(
        name,
        store.stage.items,
        runs,
        lambda: read_page(store, dataset, after),
        lambda: store.bare.value(sql),
        "one statement makes the JSON",
        times=often(store.stage.items),
    )


def _anchor(store: Store, view: View, skipped: int) -> tuple[int | None, str]:
    if not skipped:
        return None, ""
    row = store.bare.run(
        f"SELECT key, path FROM item_states WHERE line = {view.line}"
        f" ORDER BY path LIMIT 1 OFFSET {skipped}"
    ).fetchone()
    return row[0], row[1]


def _piled(store: Store) -> list[int]:
    """The dataset, a clone of it, a clone of that …; each has changed 1 % of the items."""
    datasets = [store.stage.dataset]
    while len(datasets) < MOST_LINES:
        dataset = clone(store, datasets[-1]).dataset
        depth = len(datasets)
        with store.database.read() as tx:
            items = page_items(tx, open_view(tx, dataset), None, limit=store.stage.items // 10)
        keys = tuple(row.key for row in items.rows[depth::10])

        def edit(tx: Tx, dataset: int = dataset, keys: tuple[int, ...] = keys) -> None:
            update_items(tx, dataset, Selection(keys=keys), ItemPatch(metadata={"in": dataset}))

        store.database.write(edit, actor=store.stage.actor)
        datasets.append(dataset)
    return datasets


def _counts(store: Store, runs: int) -> Iterator[Figure]:
    stage, label = store.stage, LABELS[0]
    view = view_of(store, stage.dataset)

    def reading(work: Callable[[Tx, View], object]) -> Work:
        def read() -> None:
            with store.database.read(stage.actor) as tx:
                work(tx, open_view(tx, stage.dataset))

        return read

    counted = floor_page.count_annotations_with(view, label)
    asked = AnnotationFilter(label=StringFilter(eq=label))
    figures: tuple[tuple[str, Callable[[Tx, View], object], str], ...] = (
        (
            "annotations of each label, kept",
            lambda tx, view: label_counts(tx, [(view.dataset, view.version)]),
            counted,
        ),
        ("count annotations by label", lambda tx, v: count_annotations(tx, v, asked), counted),
        (
            "count items by label",
            lambda tx, view: count_items(tx, view, by_label(label)),
            floor_page.count_items_with(view, label),
        ),
        (
            "count items by metadata",
            lambda tx, view: count_items(tx, view, by_camera(CAMERA)),
            floor_page.count_camera(view, CAMERA, postgres=store.postgres),
        ),
    )
    for name, work, sql in figures:
        yield side_by_side(
            name,
            stage.items,
            runs,
            reading(work),
            lambda sql=sql: store.bare.value(sql),  # type: ignore[misc]
            "counts by one statement",
            times=often(stage.items) if stage.items < 100_000 else 3,
        )
