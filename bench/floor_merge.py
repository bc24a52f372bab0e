"""Merges as set-based unions by hand-written SQL: nothing is compared field by field."""

from __future__ import annotations

from bench.bare import Bare, add_layers, begin_dataset, copy_label_counts
from bench.data import Stage
from bench.floor_clone import OF_ANNOTATIONS, OF_ITEMS, copy_annotations, copy_items
from gql_service.catalog.visibility import View
from gql_service.database.columns import FOREVER


def union(bare: Bare, stage: Stage, ground: View, other: View) -> None:
    """Two clones of one dataset: over the first, all that the second wrote and covered.

    Looks for lineages that both have changed, and counts per label; both for distinct parts only.
    """
    ours, theirs = ground.line, other.line
    with bare.transaction():
        dataset, line = begin_dataset(bare, stage, "MERGE", [ground, other])
        add_layers(bare, line, ground)
        for table, names in (("item", OF_ITEMS), ("annotation", OF_ANNOTATIONS)):
            states = f"{table}_states"
            contested = bare.value(
                f"SELECT count(*) FROM {states} a JOIN {states} b ON b.key = a.key"
                f" WHERE a.line = {ours} AND b.line = {theirs}"
            )
            assert contested == 0, "distinct parts"
            bare.run(
                f"INSERT INTO {table}_whiteouts (state, line, since)"
                f" SELECT state, {line}, 1 FROM {table}_whiteouts WHERE line = {theirs}"
            )
            bare.run(
                f"INSERT INTO {states} (line, since, until, copy_of, {names})"
                f" SELECT {line}, 1, {FOREVER}, coalesce(copy_of, id), {names}"
                f" FROM {states} WHERE line = {theirs} AND until = {FOREVER}"
            )
        _count_labels(bare, dataset, ground, other)


def _count_labels(bare: Bare, dataset: int, ground: View, other: View) -> None:
    bare.run(
        "INSERT INTO label_counts (dataset, since, until, label, annotations)"
        f" SELECT {dataset}, 1, {FOREVER}, label, sum(annotations) FROM ("
        f" SELECT label, annotations FROM label_counts"
        f"  WHERE dataset = {ground.dataset} AND until = {FOREVER}"
        f" UNION ALL SELECT label, count(*) FROM annotation_states"
        f"  WHERE line = {other.line} AND until = {FOREVER} GROUP BY label"
        f" UNION ALL SELECT label, -count(*) FROM annotation_whiteouts w"
        f"  JOIN annotation_states t ON t.id = w.state WHERE w.line = {other.line} GROUP BY label"
        ") AS counted GROUP BY label"
    )


def add_up(bare: Bare, stage: Stage, ground: View, other: View) -> None:
    """Two datasets that know nothing of each other: looks for equal paths, copies the second."""
    with bare.transaction():
        dataset, line = begin_dataset(bare, stage, "MERGE", [ground, other])
        add_layers(bare, line, ground)
        collisions = bare.value(
            "SELECT count(*) FROM item_states a JOIN item_states b ON b.path = a.path"
            f" WHERE a.line = {other.line} AND a.until = {FOREVER}"
            f" AND b.line = {ground.line} AND b.until = {FOREVER}"
        )
        assert collisions == 0, "distinct paths"
        copy_items(bare, other.line, line)
        copy_annotations(bare, other.line, line)
        copy_label_counts(bare, dataset, ground)
