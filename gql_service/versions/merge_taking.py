"""Writing what a merge need not decide: copies made by the database, and counted there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import sqlalchemy as sa

from gql_service.catalog.visibility import (
    ANNOTATION_WHITEOUTS,
    ANNOTATIONS,
    AnnotationColumns,
    View,
    visible_annotations,
)
from gql_service.database.engine import Tx
from gql_service.versions.copying import copy_annotations
from gql_service.versions.draft import Draft
from gql_service.versions.merge_alone import COVERED, Alone, covered_by

_BIG = sa.BigInteger()
_TAKEN = ANNOTATIONS.alias("taken")


def take_annotations(draft: Draft, alone: Alone) -> None:
    """Copies the annotations that one source changed alone over the draft's ground, and covers
    what they replace there. Nothing else may have been written yet."""
    if not alone.over.sheets:
        return
    tx, line = draft.tx, draft.view.line
    copy_annotations(draft, alone.over, alone.certain)
    taken = sa.select(sa.literal(1)).where(_TAKEN.c.line == line, _TAKEN.c.key == COVERED.c.key)
    over = (sa.literal(line, _BIG).label("line"), sa.literal(draft.number, _BIG).label("since"))
    replaced = covered_by(alone.over, alone.below, COVERED.c.id, *over).where(taken.exists())
    tx.insert_selected(ANNOTATION_WHITEOUTS, line, ["state", "line", "since"], replaced)
    _count(draft)


def count_alone(tx: Tx, alone: Alone) -> int:
    """By how many the annotations of the ground grow when these are taken. Writes nothing."""
    if not (alone.over.sheets and alone.over.sheets[0].annotations):
        return 0

    def taken(c: AnnotationColumns) -> sa.Select[Any]:
        return sa.select(c.key).where(alone.certain(c))

    def same(c: AnnotationColumns) -> sa.Select[Any]:
        one = sa.select(sa.literal(1)).where(c.key == COVERED.c.key, alone.certain(c))
        return one.correlate(COVERED)

    added = visible_annotations(alone.over, taken).subquery()
    replaced = covered_by(alone.over, alone.below, COVERED.c.id).where(
        visible_annotations(alone.over, same).exists()
    )
    count = sa.select(sa.func.count())
    fewer: int = tx.scalar(count.select_from(replaced.subquery()))
    more: int = tx.scalar(count.select_from(added))
    return more - fewer


def _count(draft: Draft) -> None:
    """What has been written so far: every state on the draft's line is a copy, every whiteout
    stands for one that replaces another."""
    tx, line = draft.tx, draft.view.line
    c, covers = ANNOTATIONS.c, ANNOTATION_WHITEOUTS.c
    number = sa.func.count().label("annotations")
    written = _numbers(draft, sa.select(c.label, number).where(c.line == line).group_by(c.label))
    replaced = _numbers(
        draft,
        sa.select(c.label, number)
        .join(ANNOTATION_WHITEOUTS, covers.state == c.id)
        .where(covers.line == line)
        .group_by(c.label),
    )
    modified = sum(replaced.values())
    draft.tally.annotations(added=sum(written.values()) - modified, modified=modified)
    draft.tally.labels.update(written)
    draft.tally.labels.subtract(replaced)
    ground = replace(draft.view, live=False, sheets=draft.view.sheets[1:])
    draft.tally.counters.annotated_items += tx.scalar(_newly_annotated(line, ground))


def _numbers(draft: Draft, select: sa.Select[Any]) -> Mapping[str, int]:
    return {row.label: row.annotations for row in draft.tx.rows(select)}


def _newly_annotated(line: int, ground: View) -> sa.Select[Any]:
    """How many items have annotations on a line that have none on the ground under it."""

    def same(c: AnnotationColumns) -> sa.Select[Any]:
        return sa.select(sa.literal(1)).where(c.item == _TAKEN.c.item).correlate(_TAKEN)

    before = visible_annotations(ground, same).exists()
    items = sa.func.count(_TAKEN.c.item.distinct())
    return sa.select(items).where(_TAKEN.c.line == line, ~before)
