"""Resolving the conflicts of a merge: one version that puts the chosen sides in place.

Every conflict that is decided is closed by that version, also where what was chosen is what stands
already; the others are told with the reason why they stay open. A decision is a new write, so a
later merge with the same sources does not meet the conflict again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from gql_service.catalog.dataset import Operation
from gql_service.catalog.visibility import View, open_view
from gql_service.database.engine import Tx
from gql_service.database.sets import among, chunks
from gql_service.errors import Invalid, NotFound
from gql_service.versions.content import (
    AnnotationPut,
    ItemPut,
    Row,
    annotation_content,
    annotations_of_items,
    authorship,
    items_by_key,
)
from gql_service.versions.draft import Draft, open_draft
from gql_service.versions.given import GIVEN_NOTHING
from gql_service.versions.report import BINARIES, CONFLICTS, REPORTS, ConflictRecord, Point
from gql_service.versions.report_read import conflicts_at, count_conflicts, open_conflicts
from gql_service.versions.resolution import (
    Effects,
    Resolution,
    Skip,
    SkipReason,
    State,
    Stock,
)
from gql_service.versions.resolution_rules import apply, needed_binaries, needed_paths
from gql_service.versions.side_authors import Rule, chosen_sides


@dataclass(frozen=True, slots=True)
class ResolveRequest:
    """Which conflicts to decide and how: those named by `resolutions`, or by a `rule` all that are
    open; exactly one of the two. `merge` is the version that the merge made, by default the newest
    of those."""

    dataset: int
    merge: int | None = None
    resolutions: tuple[Resolution, ...] | None = None
    rule: Rule | None = None
    message: str | None = None
    expected_version: int | None = None


@dataclass(frozen=True, slots=True)
class Skipped:
    """A conflict that stays open, and why."""

    position: int
    reason: SkipReason


@dataclass(frozen=True, slots=True)
class Resolved:
    """What came of it: the version that was made (None: nothing could be decided), how many
    conflicts it closed, those that were skipped, and how many of the merge are still open."""

    version: int | None
    closed: int
    open: int
    skipped: tuple[Skipped, ...]


def resolve_conflicts(tx: Tx, request: ResolveRequest) -> Resolved:
    """Decides conflicts of a merge, as one version.

    Raises NotFound (the dataset, the merge, a position), Invalid (a conflict named twice, a value
    that does not fit), VersionMoved; then nothing is written.
    """
    draft = open_draft(
        tx,
        request.dataset,
        Operation.RESOLVE,
        expected_version=request.expected_version,
        message=request.message,
    )
    point = (request.dataset, _merge(tx, request))
    conflicts, asked, skipped = _asked(tx, request, point)
    items = sorted({conflict.item for conflict in conflicts})
    then, now = _states(tx, open_view(tx, *point), items), _states(tx, draft.view, items)
    stock, effects, closed = _stock(tx, draft, conflicts, asked), Effects(), []
    for conflict in sorted(conflicts, key=lambda one: (one.field != "removed", one.position)):
        item, wanted = conflict.item, asked[conflict.position]
        try:
            apply(conflict, wanted, then[item], now[item], stock, effects)
        except Skip as skip:
            skipped.append(Skipped(conflict.position, skip.reason))
        else:
            closed.append(conflict.position)
    _write(draft, effects, now)
    return _publish(draft, point, closed, skipped)


def _merge(tx: Tx, request: ResolveRequest) -> int:
    """The version of the merge that is meant."""
    made = sa.select(sa.func.max(REPORTS.c.version)).where(REPORTS.c.dataset == request.dataset)
    if request.merge is not None:
        made = made.where(REPORTS.c.version == request.merge)
    version: int | None = tx.scalar(made)
    if version is None:
        raise NotFound("No merge made a version like this", path=("version",))
    return version


_Asked = tuple[list[ConflictRecord], dict[int, Resolution], list[Skipped]]


def _asked(tx: Tx, request: ResolveRequest, point: Point) -> _Asked:
    """The conflicts to decide, what to do about each, and those that are skipped at once."""
    if (request.resolutions is None) == (request.rule is None):
        raise Invalid("Give exactly one of resolutions and policy", path=("resolutions",))
    if request.rule is not None:
        return _by_rule(tx, request.rule, point)
    asked: dict[int, Resolution] = {}
    for at, one in enumerate(request.resolutions or ()):
        if (one.choose is None) == (one.value is GIVEN_NOTHING):
            raise Invalid("Give exactly one of choose and value", path=(*one.path, "choose"))
        if one.position in asked:
            raise Invalid("A conflict is named twice", path=("resolutions", at, "position"))
        asked[one.position] = one
    found = conflicts_at(tx, point, list(asked))
    for position, one in asked.items():
        if position not in found:
            path = (*one.path, "position")
            raise NotFound("The merge has no such conflict", path=path)
    conflicts = [one for one in found.values() if one.resolved is None]
    skipped = [
        Skipped(position, SkipReason.RESOLVED)
        for position, one in found.items()
        if one.resolved is not None
    ]
    return conflicts, asked, skipped


def _by_rule(tx: Tx, rule: Rule, point: Point) -> _Asked:
    conflicts = open_conflicts(tx, point)
    sides = chosen_sides(tx, rule, point, conflicts)
    asked = {position: Resolution(position, choose) for position, choose in sides.items() if choose}
    skipped = [
        Skipped(one.position, SkipReason.NO_SIDE) for one in conflicts if one.position not in asked
    ]
    return [one for one in conflicts if one.position in asked], asked, skipped


def _states(tx: Tx, view: View, items: Sequence[int]) -> dict[int, State]:
    """Each of these items as a view shows it, with its annotations."""
    rows: dict[int, Row] = {}
    annotations: dict[int, dict[int, Row]] = {item: {} for item in items}
    for part in chunks(items):
        rows |= items_by_key(tx, view, part)
        for row in annotations_of_items(tx, view, part):
            annotations[row.item][row.key] = row
    return {item: State(rows.get(item), annotations[item]) for item in items}


def _stock(
    tx: Tx,
    draft: Draft,
    conflicts: Sequence[ConflictRecord],
    asked: Mapping[int, Resolution],
) -> Stock:
    wanted = needed_binaries(conflicts)
    rows = tx.rows(
        sa.select(BINARIES.c.sha256, BINARIES.c.id).where(among(BINARIES.c.sha256, sorted(wanted)))
    )
    paths = sorted(needed_paths(conflicts, asked))
    held = {path: row.key for part in chunks(paths) for path, row in draft.items_at(part).items()}
    return Stock({row.sha256: row.id for row in rows}, held)


def _write(draft: Draft, effects: Effects, now: Mapping[int, State]) -> None:
    """Removals before additions, so that paths are free when they are given again."""
    gone = effects.removed_items
    annotations = {key: row for state in now.values() for key, row in state.annotations.items()}
    staying = {key for key, row in annotations.items() if row.item not in gone}
    draft.remove_annotations(effects.removed_annotations & staying)
    draft.remove_items(gone)
    draft.put_items(
        ItemPut(key, content) for key, content in effects.items.items() if key not in gone
    )
    draft.put_annotations(
        AnnotationPut(key, annotations[key].root, content, renew=True)
        for key, content in effects.annotations.items()
        if key in staying
    )
    draft.put_annotations(
        AnnotationPut(
            key, row.root, annotation_content(row), authorship=authorship(row), renew=True
        )
        for key, row in effects.chosen_annotations.items()
        if key in staying
    )


def _publish(
    draft: Draft, point: Point, closed: Sequence[int], skipped: Sequence[Skipped]
) -> Resolved:
    draft.force = bool(closed)
    version = draft.publish()
    for part in chunks(closed):
        draft.tx.execute(
            sa.update(CONFLICTS)
            .where(
                CONFLICTS.c.dataset == point[0],
                CONFLICTS.c.version == point[1],
                among(CONFLICTS.c.position, part),
            )
            .values(resolved=version)
        )
    still = count_conflicts(draft.tx, point, unresolved=True)
    ordered = sorted(skipped, key=lambda one: one.position)
    return Resolved(version, len(closed), still, tuple(ordered))
