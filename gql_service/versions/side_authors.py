"""Rules that decide many conflicts: one side for all, somebody's, or the newest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from gql_service.catalog.version import versions_by_number
from gql_service.catalog.visibility import View, open_view
from gql_service.database.engine import Tx
from gql_service.database.sets import chunks
from gql_service.errors import NotFound, VersionExpired
from gql_service.versions.content import (
    Row,
    annotation_content,
    annotations_by_key,
    annotations_of_items,
    items_by_key,
)
from gql_service.versions.merge_annotations import shown
from gql_service.versions.merge_sources import removals
from gql_service.versions.report import ConflictRecord, Point
from gql_service.versions.resolution import ConflictChoice


@dataclass(frozen=True, slots=True)
class Rule:
    """Exactly one of them: a side; the side that this user changed last; the one changed last."""

    side: ConflictChoice | None = None
    user: int | None = None
    newest: bool = False


@dataclass(frozen=True, slots=True)
class Stamp:
    """Who changed a thing last, and when."""

    user: int
    at: datetime


def chosen_sides(
    tx: Tx, rule: Rule, point: Point, conflicts: Sequence[ConflictRecord]
) -> dict[int, ConflictChoice | None]:
    """The side that a rule takes, by position; None where it takes none: where both sides or
    neither are the user's, and where a source is gone."""
    if rule.side is not None:
        return {one.position: rule.side for one in conflicts}
    roots = _roots(tx, point, conflicts)
    lefts = _stamps(tx, [(one.left_source, one, one.left) for one in conflicts], roots)
    rights = _stamps(tx, [(one.right_source, one, one.right) for one in conflicts], roots)
    return {
        one.position: _side(rule, lefts.get(one.position), rights.get(one.position))
        for one in conflicts
    }


def _side(rule: Rule, left: Stamp | None, right: Stamp | None) -> ConflictChoice | None:
    if left is None or right is None:
        return None
    if rule.newest:
        return ConflictChoice.LEFT if left.at > right.at else ConflictChoice.RIGHT
    theirs = (left.user == rule.user, right.user == rule.user)
    return {(True, False): ConflictChoice.LEFT, (False, True): ConflictChoice.RIGHT}.get(theirs)


def _roots(tx: Tx, point: Point, conflicts: Sequence[ConflictRecord]) -> dict[int, int]:
    """The lineages of the annotations in conflict, by their keys in the result."""
    view = open_view(tx, *point)
    keys = sorted({one.annotation for one in conflicts if one.annotation is not None})
    return {
        key: row.root
        for part in chunks(keys)
        for key, row in annotations_by_key(tx, view, part).items()
    }


Wanted = tuple[Point, ConflictRecord, object]
"""Where one side of a conflict stood, the conflict, and the value there."""


def _stamps(tx: Tx, wanted: Sequence[Wanted], roots: Mapping[int, int]) -> dict[int, Stamp]:
    """Who changed these sides last, by position; a few statements for each source."""
    found: dict[int, Stamp] = {}
    for point in {point for point, _, _ in wanted}:
        here = [one for one in wanted if one[0] == point]
        try:
            view = open_view(tx, *point)
        except (NotFound, VersionExpired):  # purged since, or expired
            continue
        found |= _stamps_at(tx, view, here, roots)
    return found


def _stamps_at(
    tx: Tx, view: View, wanted: Sequence[Wanted], roots: Mapping[int, int]
) -> dict[int, Stamp]:
    """An item that stands against its removal counts with its annotations: the last change of them
    may be what it stands for."""
    items = sorted({conflict.item for _, conflict, _ in wanted})
    rows: dict[int, Row] = {}
    annotations: dict[int, list[Row]] = {}
    marks: dict[int, list[Row]] = {}
    for part in chunks(items):
        rows |= items_by_key(tx, view, part)
        for one in annotations_of_items(tx, view, part):
            annotations.setdefault(one.root, []).append(one)
            marks.setdefault(one.item, []).append(one)
    removed = _removers(tx, view, [item for item in items if item not in rows])
    found: dict[int, Stamp] = {}
    row: Row | None
    for _, conflict, value in wanted:
        stamp = removed.get(conflict.item)
        row = rows.get(conflict.item)
        if conflict.annotation is not None:
            row = _annotation(annotations.get(roots[conflict.annotation], ()), conflict, value)
        elif row is not None and conflict.field == "removed":
            row = max((row, *marks.get(conflict.item, ())), key=lambda one: one.updated_at)
        if row is not None:
            stamp = Stamp(row.updated_by, row.updated_at)
        if stamp is not None:
            found[conflict.position] = stamp
    return found


def _annotation(rows: Sequence[Row], conflict: ConflictRecord, value: object) -> Row | None:
    """The one of a lineage that has the value; of which the merge may not have seen the status."""
    if conflict.field == "status":
        return next((row for row in rows if row.status == value), None)
    assert isinstance(value, dict), "an annotation as a report tells it"
    told = [(row, shown(annotation_content(row))) for row in rows]
    exact = (row for row, one in told if one == value)
    masked = (row for row, one in told if {**one, "status": None} == value)
    return next(exact, None) or next(masked, None)


def _removers(tx: Tx, view: View, items: Sequence[int]) -> dict[int, Stamp]:
    """Who removed items that a view does not show any more."""
    ended = removals(tx, view, items)
    versions = versions_by_number(tx, list(ended.values())) if ended else {}
    return {
        item: Stamp(versions[point].author, versions[point].created_at)
        for item, point in ended.items()
        if point in versions
    }
