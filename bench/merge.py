"""Merges of clones that were annotated apart, of strangers, and of what is merged already."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

from bench import floor_clone, floor_merge
from bench.clone import clone, view_of
from bench.data import LABELS, add_dataset, box
from bench.measure import Figure, side_by_side
from bench.store import Store
from gql_service.catalog.annotation_content import AnnotationType
from gql_service.catalog.page import annotations_of_items, page_items
from gql_service.catalog.visibility import open_view
from gql_service.database.engine import Tx
from gql_service.versions.annotations import (
    AnnotationPatch,
    NewAnnotation,
    add_annotations,
    update_annotations,
)
from gql_service.versions.merge import MergeOutcome, MergeRequest, merge_datasets
from gql_service.versions.merge_rules import MergePolicy

LARGEST_SUM = 100_000
"""A sum copies a whole dataset: beyond this it says no more and takes minutes."""

_NUMBERS = itertools.count(1)


def measure(store: Store, runs: int) -> Iterator[Figure]:
    stage = store.stage
    left, right = (clone(store, stage.dataset).dataset for _ in range(2))
    tenth = stage.items // 10
    annotate(store, left, range(tenth))
    annotate(store, right, range(tenth, 2 * tenth))
    views = view_of(store, left), view_of(store, right)
    for name, policy in (
        ("merge two clones, 10 % each", MergePolicy.UNION),
        ("the same, THREE_WAY", MergePolicy.THREE_WAY),
    ):
        yield side_by_side(
            name,
            stage.items,
            runs,
            lambda policy=policy: merge(store, (left, right), policy),  # type: ignore[misc]
            lambda: floor_merge.union(store.bare, stage, *views),
            "unites the changed rows",
            settle=store.settle,
        )
    both = merge(store, (left, right)).dataset
    yield side_by_side(
        "merge again, nothing new",
        stage.items,
        runs,
        lambda: merge(store, (both, right)),
        lambda: floor_clone.few_rows(store.bare, stage, view_of(store, both)),
        "inserts a whole clone's few rows",
        settle=store.settle,
    )
    if stage.items <= LARGEST_SUM:
        yield _sum(store, runs)


def _sum(store: Store, runs: int) -> Figure:
    stage = store.stage
    stranger = add_dataset(store.database, stage, "stranger", stage.items, folder="others")
    if store.postgres:
        store.bare.run("ANALYZE")
    views = view_of(store, stage.dataset), view_of(store, stranger)
    return side_by_side(
        "sum of two unrelated datasets",
        2 * stage.items,
        runs,
        lambda: merge(store, (stage.dataset, stranger)),
        lambda: floor_merge.add_up(store.bare, stage, *views),
        "looks for equal paths, copies one",
        settle=store.settle,
    )


def merge(
    store: Store, sources: Sequence[int], policy: MergePolicy = MergePolicy.UNION
) -> MergeOutcome:
    """One merge, committed."""
    request = MergeRequest(
        name=f"merge {next(_NUMBERS)}",
        sources=tuple((dataset, None) for dataset in sources),
        policy=policy,
    )
    return store.database.write(lambda tx: merge_datasets(tx, request), actor=store.stage.actor)


def annotate(store: Store, dataset: int, part: range) -> None:
    """The items of a part by turns get a new annotation, and another label for one they have."""
    with store.database.read() as tx:
        view = open_view(tx, dataset)
        keys = [row.key for row in page_items(tx, view, None, limit=part.stop).rows][part.start :]
        held = annotations_of_items(tx, view, keys[1::2], None, limit=1)
    new = [
        (key, NewAnnotation(AnnotationType.BOX, LABELS[at % len(LABELS)], coordinates=box(at)))
        for at, key in enumerate(keys[::2])
    ]
    patches = [
        AnnotationPatch(
            page.rows[0].key, label=LABELS[(LABELS.index(page.rows[0].label) + 1) % len(LABELS)]
        )
        for page in held.values()
    ]

    def write(tx: Tx) -> None:
        add_annotations(tx, dataset, new)
        update_annotations(tx, dataset, patches)

    store.database.write(write, actor=store.stage.actor)
