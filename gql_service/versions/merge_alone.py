"""What one of two sources changed alone: decided for all annotations at once, by the database.

Two sources that lie on the same sheets differ by what each has written over them. An annotation
that one side wrote there, that the other has never seen and shows in no writing of its own, comes
out as the one side holds it: whatever it replaces lies on the shared sheets, where its writer saw
it. One that both show in the same writing comes out as it is. Nobody has to read either. All else
is named, to be decided by the rules: what both wrote, what one has seen and not kept, removals,
unknown statuses, and all that is on an item which not both sides hold.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa

from gql_service.catalog.visibility import (
    ANNOTATION_WHITEOUTS,
    ANNOTATIONS,
    AnnotationColumns,
    Sheet,
    View,
    visible_annotations,
)
from gql_service.database.engine import Tx
from gql_service.database.sets import among
from gql_service.versions.knowledge import Seen
from gql_service.versions.merge_sources import Source

Predicate = sa.ColumnElement[bool]
_COVERS, COVERED = ANNOTATION_WHITEOUTS.alias("covers"), ANNOTATIONS.alias("covered")
_RIVAL = ANNOTATIONS.alias("rival")


@dataclass(frozen=True, slots=True)
class Alone:
    """What `over` shows and is `certain` is to be taken as it is, over what it covers of the
    sheets `below` it. `left` are the keys that the rules have to decide."""

    over: View
    below: tuple[Sheet, ...]
    certain: Callable[[AnnotationColumns], Predicate]
    left: frozenset[int]


def changed_alone(
    tx: Tx, ground: Source, other: Source, uneven: Collection[int] = ()
) -> Alone | None:
    """Splits what two sources show differently; `uneven` items are not held by both.

    None when they share no sheet, or hold annotations that a merge kept beside one another.
    """
    shared = _common(ground.view.sheets, other.view.sheets)
    if not shared or _has_siblings(tx, {*ground.view.sheets, *other.view.sheets}):
        return None
    ours, theirs = (_over(source.view, shared) for source in (ground, other))
    removed = _removed(tx, ours, shared) | _removed(tx, theirs, shared)

    def doubtful(c: AnnotationColumns) -> Predicate:
        return _doubtful(c, ground, ours.sheets, uneven)

    def doubtful_of_ours(c: AnnotationColumns) -> Predicate:
        return _doubtful(c, other, (), uneven)

    def certain(c: AnnotationColumns) -> Predicate:
        return sa.and_(~doubtful(c), ~among(c.key, removed))

    left = removed.union(
        _not_in(tx, _states(theirs, doubtful), _states(ours, doubtful_of_ours)),
        _not_in(tx, _states(ours, doubtful_of_ours), _states(theirs, doubtful)),
    )
    return Alone(theirs, shared, certain, frozenset(left))


def _common(left: Sequence[Sheet], right: Sequence[Sheet]) -> tuple[Sheet, ...]:
    """The sheets at the bottom of both piles."""
    count = 0
    while count < min(len(left), len(right)) and left[-1 - count] == right[-1 - count]:
        count += 1
    return tuple(left[len(left) - count :])


def _over(view: View, shared: Sequence[Sheet]) -> View:
    return replace(view, sheets=view.sheets[: len(view.sheets) - len(shared)])


def _has_siblings(tx: Tx, sheets: Collection[Sheet]) -> bool:
    c = ANNOTATIONS.c
    kept = sa.select(sa.literal(1)).where(
        c.line.in_([sheet.line for sheet in sheets]), c.root != c.key
    )
    return tx.first(kept.limit(1)) is not None


def _doubtful(
    c: AnnotationColumns, rival: Source, rivals: Sequence[Sheet], uneven: Collection[int]
) -> Predicate:
    """The rival has seen it, or shows it on its sheets `rivals` too; or its status is not known,
    or its item is uneven."""
    doubts = [~c.status_known, _seen(c, rival.seen), among(c.item, uneven)]
    if rivals:
        shown = sa.select(sa.literal(1)).where(_valid(_RIVAL, rivals), c.key == _RIVAL.c.key)
        doubts.append(shown.correlate(c.key.table).exists())
    return sa.or_(*doubts)


def _states(side: View, chosen: Callable[[AnnotationColumns], Predicate]) -> sa.Select[Any] | None:
    """What a side shows of these, told apart by key, write, and whether the status is known."""

    def build(c: AnnotationColumns) -> sa.Select[Any]:
        return sa.select(c.key, c.write, c.status_known).where(chosen(c))

    return sa.select(visible_annotations(side, build).subquery()) if side.sheets else None


def _not_in(tx: Tx, these: sa.Select[Any] | None, others: sa.Select[Any] | None) -> set[int]:
    """The keys of those that are not among the others. What both sides show alike is settled."""
    if these is None:
        return set()
    return {row.key for row in tx.rows(these if others is None else these.except_(others))}


def _seen(c: AnnotationColumns, seen: Sequence[Seen]) -> Predicate:
    """Made in a version that has been seen, be it without annotations or in part."""
    newest: dict[int, int] = {}
    for one in seen:
        newest[one.other] = max(one.at, newest.get(one.other, 0))
    return c.origin_version <= sa.case(newest, value=c.origin_dataset, else_=0)


def _removed(tx: Tx, side: View, shared: Sequence[Sheet]) -> set[int]:
    """Keys that a side covers on the shared sheets and shows no more."""
    if not side.sheets:
        return set()

    def same(c: AnnotationColumns) -> sa.Select[Any]:
        return sa.select(sa.literal(1)).where(c.key == COVERED.c.key).correlate(COVERED)

    shown = visible_annotations(side, same).exists()
    rows = tx.rows(covered_by(side, shared, COVERED.c.key).where(~shown))
    return {row[0] for row in rows}


def covered_by(
    side: View, shared: Sequence[Sheet], *columns: sa.ColumnElement[Any]
) -> sa.Select[Any]:
    """The states COVERED on shared sheets that a view over them covers."""
    cover, lines = _COVERS.c, [sheet.line for sheet in shared if sheet.annotations]
    over = (sa.and_(cover.line == s.line, cover.since <= s.at) for s in side.sheets)
    return (
        sa.select(*columns)
        .join_from(_COVERS, COVERED, COVERED.c.id == cover.state)
        .where(sa.or_(*over), COVERED.c.line.in_(lines))
    )


def _valid(states: sa.FromClause, sheets: Sequence[Sheet]) -> Predicate:
    """Valid on one of the sheets. Those above may cover it, so this holds of more than is shown."""
    c = states.c
    return sa.or_(*(sa.and_(c.line == s.line, c.since <= s.at, c.until > s.at) for s in sheets))
