"""Copies of the rows that a view shows onto a new line, in a few statements for any number."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

import sqlalchemy as sa

from gql_service.catalog.version import label_counts, versions_by_number
from gql_service.catalog.visibility import (
    ANNOTATIONS,
    ITEMS,
    AnnotationColumns,
    ItemColumns,
    View,
    visible_annotations,
    visible_items,
)
from gql_service.database.columns import FOREVER
from gql_service.database.sets import among
from gql_service.versions.counting import LABEL_COUNTS, Counters
from gql_service.versions.draft import Draft
from gql_service.versions.indexing import index_version
from gql_service.versions.selection import Selection, condition

Condition = sa.ColumnElement[bool]
_SAME = ("key", "origin_dataset", "origin_version")
_AUTHORS = ("created_by", "created_at", "updated_by", "updated_at")
_OF_ITEMS = (
    *_SAME,
    "path",
    "binary",
    "metadata",
    "metadata_known",
    "description",
    "hidden",
    "copied_from",
    *_AUTHORS,
)
_OF_ANNOTATIONS = (
    *_SAME,
    "root",
    "item",
    "type",
    "label",
    "coordinates",
    "attributes",
    "metadata",
    "status",
    "status_known",
    *_AUTHORS,
)
_ALWAYS = ("line", "since", "until", "copy_of")
COPIED = {ITEMS: [*_ALWAYS, *_OF_ITEMS], ANNOTATIONS: [*_ALWAYS, *_OF_ANNOTATIONS]}
"""The columns that a copy is given, by table."""


def copy_states(draft: Draft, source: View, selection: Selection | None) -> None:
    """Copies what `source` shows of the selected items, with all their annotations.

    Only onto a line that has nothing yet. Copies keep key, write and origin: they are the same
    values, seen through the source's masks. No binary needs to be revived, because the rows that
    are copied hold it.
    """
    tx, line = draft.tx, draft.view.line
    _copy_items(draft, source, condition(tx, source, selection))
    taken = sa.select(ITEMS.c.key).where(ITEMS.c.line == line)
    copy_annotations(draft, source, lambda c: sa.true() if selection is None else c.item.in_(taken))
    _count(draft)


def add_states(draft: Draft, source: View, but: Collection[int]) -> None:
    """Copies all that `source` shows beside what the draft shows, which knows nothing of it: no
    key is in both, nor the path of an item that is copied.

    The items `but` are left to the caller, their annotations are not.
    """
    point = (source.dataset, source.version)
    record = versions_by_number(draft.tx, [point])[point]
    _copy_items(draft, source, lambda c: ~among(c.key, but) if but else sa.true())
    draft.tally.items(added=record.items - len(but))
    if source.sheets[0].annotations:
        copy_annotations(draft, source, lambda _: sa.true())
        draft.tally.annotations(added=record.annotations)
        draft.tally.counters.annotated_items += record.annotated_items
        draft.tally.labels.update(dict(label_counts(draft.tx, [point])[point]))


def _copy_items(draft: Draft, source: View, chosen: Callable[[ItemColumns], Condition]) -> None:
    def items(columns: ItemColumns) -> sa.Select[Any]:
        return copied(columns, draft.view.line, draft.number).where(chosen(columns))

    copies = visible_items(source, items)
    draft.tx.insert_selected(ITEMS, draft.view.line, COPIED[ITEMS], copies)
    index_version(draft.tx, draft.view.line, draft.number)


def copy_annotations(
    draft: Draft, source: View, chosen: Callable[[AnnotationColumns], Condition]
) -> None:
    """Copies the chosen annotations that `source` shows, and counts nothing."""

    def annotations(columns: AnnotationColumns) -> sa.Select[Any]:
        return copied(columns, draft.view.line, draft.number).where(chosen(columns))

    if source.sheets[0].annotations:
        copies = visible_annotations(source, annotations)
        draft.tx.insert_selected(ANNOTATIONS, draft.view.line, COPIED[ANNOTATIONS], copies)


def copied(columns: ItemColumns | AnnotationColumns, line: int, since: int) -> sa.Select[Any]:
    """What one sheet shows, as states of a line that are valid from `since` on; the columns are
    those that COPIED names."""
    big = sa.BigInteger()
    names = _OF_ITEMS if isinstance(columns, ItemColumns) else _OF_ANNOTATIONS
    return sa.select(
        sa.literal(line, big).label("line"),
        sa.literal(since, big).label("since"),
        sa.literal(FOREVER, big).label("until"),
        columns.write.label("copy_of"),
        *(getattr(columns, name).label(name) for name in names),
    )


def _count(draft: Draft) -> None:
    """The counters of a line that was just filled."""
    tx, line = draft.tx, draft.view.line
    items = tx.scalar(sa.select(sa.func.count()).where(ITEMS.c.line == line))
    sums = tx.rows(
        sa.select(
            sa.func.count().label("annotations"),
            sa.func.count(ANNOTATIONS.c.item.distinct()).label("annotated"),
        ).where(ANNOTATIONS.c.line == line)
    )[0]
    counters: Counters = draft.tally.counters
    counters.items = items
    counters.annotations, counters.annotated_items = sums.annotations, sums.annotated
    per_label = (
        sa.select(
            sa.literal(draft.dataset, sa.BigInteger()).label("dataset"),
            sa.literal(draft.number, sa.BigInteger()).label("since"),
            sa.literal(FOREVER, sa.BigInteger()).label("until"),
            ANNOTATIONS.c.label,
            sa.func.count().label("annotations"),
        )
        .where(ANNOTATIONS.c.line == line)
        .group_by(ANNOTATIONS.c.label)
    )
    tx.execute(
        sa.insert(LABEL_COUNTS).from_select(
            ["dataset", "since", "until", "label", "annotations"], per_label
        )
    )
