"""Clones and edits by hand-written SQL."""

from __future__ import annotations

import time

from bench.bare import Bare, add_layers, begin_dataset, copy_label_counts
from bench.data import Stage
from gql_service.catalog.visibility import ANNOTATIONS, ITEMS, View
from gql_service.database.columns import FOREVER

_CHANGED = {"id", "line", "since", "until", "copy_of"}
OF_ITEMS = ", ".join(f'"{column.name}"' for column in ITEMS.c if column.name not in _CHANGED)
OF_ANNOTATIONS = ", ".join(
    f'"{column.name}"' for column in ANNOTATIONS.c if column.name not in _CHANGED
)


def few_rows(bare: Bare, stage: Stage, source: View) -> None:
    """A whole clone as the few rows that it is made of, in one transaction."""
    with bare.transaction():
        dataset, line = begin_dataset(bare, stage, "CLONE", [source])
        add_layers(bare, line, source)
        copy_label_counts(bare, dataset, source)


def all_rows(bare: Bare, stage: Stage, source: View) -> None:
    """A whole clone as it has to be where there are no layers: every row again."""
    with bare.transaction():
        dataset, line = begin_dataset(bare, stage, "CLONE", [source])
        copy_items(bare, source.line, line)
        copy_annotations(bare, source.line, line)
        copy_label_counts(bare, dataset, source)


def chosen_rows(bare: Bare, stage: Stage, source: View, condition: str) -> None:
    """The items of a condition on `i`, their annotations, and the keys that were chosen."""
    with bare.transaction():
        dataset, line = begin_dataset(bare, stage, "CLONE", [source])
        copy_items(bare, source.line, line, f"AND {condition}")
        copy_annotations(
            bare,
            source.line,
            line,
            f"AND t.item IN (SELECT key FROM item_states WHERE line = {line})",
        )
        bare.run(
            f"INSERT INTO chosen_keys (batch, key)"
            f" SELECT {-line}, key FROM item_states WHERE line = {line}"
        )
        bare.run(
            "INSERT INTO label_counts (dataset, since, until, label, annotations)"
            f" SELECT {dataset}, 1, {FOREVER}, label, count(*) FROM annotation_states"
            f" WHERE line = {line} GROUP BY label"
        )


def has_label(source: View, label: str) -> str:
    return (
        f"i.key IN (SELECT item FROM annotation_states WHERE line = {source.line}"
        f" AND label = '{label}' AND until = {FOREVER})"
    )


def has_camera(bare: Bare, model: str) -> str:
    if bare.postgres:
        return f"i.metadata::jsonb #>> '{{camera,model}}' = '{model}'"
    return f"i.metadata ->> '$.camera.model' = '{model}'"


def copy_items(bare: Bare, source: int, line: int, condition: str = "") -> None:
    bare.run(
        f"INSERT INTO item_states (line, since, until, copy_of, {OF_ITEMS})"
        f" SELECT {line}, 1, {FOREVER}, coalesce(copy_of, id), {OF_ITEMS} FROM item_states i"
        f" WHERE line = {source} AND until = {FOREVER} {condition}"
    )


def copy_annotations(bare: Bare, source: int, line: int, condition: str = "") -> None:
    bare.run(
        f"INSERT INTO annotation_states (line, since, until, copy_of, {OF_ANNOTATIONS})"
        f" SELECT {line}, 1, {FOREVER}, coalesce(copy_of, id), {OF_ANNOTATIONS}"
        f" FROM annotation_states t WHERE line = {source} AND until = {FOREVER} {condition}"
    )


def edit(bare: Bare, clone: View, state: int) -> None:
    """New metadata for an item of a lower line: its cover, the new state, the version."""
    now = time.time_ns() // 1000
    number = bare.value(f"SELECT head FROM datasets WHERE id = {clone.dataset}") + 1
    new_values = {
        '"metadata"': "?",
        '"updated_at"': str(now),
        '"origin_dataset"': str(clone.dataset),
        '"origin_version"': str(number),
    }
    replaced = ", ".join(new_values.get(name, name) for name in OF_ITEMS.split(", "))
    with bare.transaction():
        bare.run(
            f"INSERT INTO item_whiteouts (state, line, since)"
            f" VALUES ({state}, {clone.line}, {number})"
        )
        bare.run(
            f"INSERT INTO item_states (line, since, until, copy_of, {OF_ITEMS})"
            f" SELECT {clone.line}, {number}, {FOREVER}, NULL, {replaced}"
            f" FROM item_states WHERE id = {state}",
            f'{{"edited":{number}}}',
        )
        next_version(bare, clone.dataset, number, "UPDATE", now)


def next_version(bare: Bare, dataset: int, number: int, operation: str, now: int) -> None:
    """The version `number` with the counters of the one before, and the head that it becomes."""
    names = "items, annotated_items, annotations, items_added, items_modified, items_removed"
    names += ", annotations_added, annotations_modified, annotations_removed, recipe"
    names += ", recipe_revision, author"
    bare.run(
        f"INSERT INTO versions (dataset, number, operation, created_at, {names})"
        f" SELECT dataset, {number}, '{operation}', {now}, {names} FROM versions"
        f" WHERE dataset = {dataset} AND number = {number - 1}"
    )
    bare.run(f"UPDATE datasets SET head = {number} WHERE id = {dataset}")
