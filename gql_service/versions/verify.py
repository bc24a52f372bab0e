"""Proves every invariant of the store by looking at all of it; changes nothing.

Each finding names the invariant that does not hold. A sound store has none, after any history of
operations, crashes and sweeps included.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import sqlalchemy as sa

from gql_service.catalog.binary_audit import audit_binaries
from gql_service.catalog.finding import Finding, no_rows
from gql_service.catalog.heads import in_heads
from gql_service.catalog.visibility import (
    ANNOTATION_WHITEOUTS,
    ANNOTATIONS,
    DATASETS,
    ITEM_WHITEOUTS,
    ITEMS,
    LAYERS,
    LINES,
    Column,
    View,
    open_view,
    visible_annotations,
    visible_items,
)
from gql_service.database.columns import FOREVER
from gql_service.database.engine import Database, Tx
from gql_service.vault.contract import Vault
from gql_service.versions.counting import LABEL_COUNTS
from gql_service.versions.draft import VERSIONS
from gql_service.versions.knowledge import seen_by


def verify_store(
    database: Database,
    vault: Vault,
    *,
    deep: bool = False,
    progress: Callable[[], None] = lambda: None,
) -> list[Finding]:
    """Checks everything in one snapshot: versions, reference counts, binaries, journal, vault.

    `deep` reads and hashes all bytes. `progress` is called once per version and per binary.
    """
    with database.read() as tx:
        return [
            *verify_versions(tx, progress=progress),
            *audit_binaries(tx, vault, deep=deep, progress=progress),
        ]


def verify_versions(tx: Tx, *, progress: Callable[[], None] = lambda: None) -> list[Finding]:
    """Checks lines, layers, whiteouts and states, and every version of every dataset."""
    findings = [
        *_numbers(tx),
        *_intervals(tx),
        *_whiteouts(tx),
        *_layers(tx),
        *_writes(tx),
    ]
    points = tx.rows(
        sa.select(VERSIONS.c.dataset, VERSIONS.c.number, DATASETS.c.head, DATASETS.c.deleted_at)
        .join(DATASETS, DATASETS.c.id == VERSIONS.c.dataset)
        .where(VERSIONS.c.number <= DATASETS.c.head)
        .order_by(VERSIONS.c.dataset, VERSIONS.c.number)
    )
    holders: Counter[tuple[int, int]] = Counter()
    for point in points:
        view = open_view(tx, point.dataset, point.number)
        findings += _version(tx, view)
        if point.number == point.head and point.deleted_at is None:
            holders.update(_holdings(tx, view))
        progress()
    return [*findings, *_references(tx, holders)]


def _holdings(tx: Tx, view: View) -> dict[tuple[int, int], int]:
    shown = visible_items(view).subquery()
    held = sa.func.count().label("held")
    rows = tx.rows(sa.select(shown.c.binary, held).group_by(shown.c.binary))
    return {(view.dataset, row.binary): row.held for row in rows}


def _references(tx: Tx, holders: Counter[tuple[int, int]]) -> Iterator[Finding]:
    """References counted from the states' side are those that the heads show."""

    def build(state: sa.FromClause, dataset: Column) -> sa.Select[Any]:
        return sa.select(dataset.label("dataset"), state.c.binary.label("binary"))

    found = in_heads(build).subquery()
    pair = (found.c.dataset, found.c.binary)
    rows = tx.rows(sa.select(*pair, sa.func.count().label("held")).group_by(*pair))
    counted = {(row.dataset, row.binary): row.held for row in rows}
    for key in sorted(counted.keys() | holders.keys()):
        if counted.get(key, 0) != holders[key]:
            detail = f"dataset {key[0]}, binary {key[1]}: {counted.get(key, 0)}, not {holders[key]}"
            yield Finding("references are what heads show", detail)


def _numbers(tx: Tx) -> Iterator[Finding]:
    number, head = VERSIONS.c.number, DATASETS.c.head
    gaps = (
        sa.select(DATASETS.c.id)
        .outerjoin(VERSIONS, VERSIONS.c.dataset == DATASETS.c.id)
        .where(DATASETS.c.purged_at.is_(None))
        .group_by(DATASETS.c.id, head)
        .having(
            sa.or_(
                sa.func.count(number) != head,
                sa.func.coalesce(sa.func.min(number), 1) != 1,
                sa.func.coalesce(sa.func.max(number), 0) != head,
            )
        )
    )
    yield from no_rows(tx, gaps, "versions are numbered from 1 to the head")


def _intervals(tx: Tx) -> Iterator[Finding]:
    for states in (ITEMS, ANNOTATIONS):
        ahead = (
            sa.select(states.c.id)
            .join(LINES, LINES.c.id == states.c.line)
            .join(DATASETS, DATASETS.c.id == LINES.c.dataset)
            .where(
                sa.or_(
                    states.c.since > DATASETS.c.head,
                    sa.and_(states.c.until < FOREVER, states.c.until > DATASETS.c.head),
                )
            )
        )
        yield from no_rows(tx, ahead, f"no {states.name} is dated after its dataset's head")
        other = states.alias()
        overlapping = sa.select(states.c.id).where(
            other.c.line == states.c.line,
            other.c.key == states.c.key,
            other.c.id > states.c.id,
            other.c.since < states.c.until,
            other.c.until > states.c.since,
        )
        yield from no_rows(tx, overlapping, f"no two {states.name} of a key overlap on a line")


def _whiteouts(tx: Tx) -> Iterator[Finding]:
    for states, whiteouts in ((ITEMS, ITEM_WHITEOUTS), (ANNOTATIONS, ANNOTATION_WHITEOUTS)):
        ahead = (
            sa.select(whiteouts.c.state)
            .join(LINES, LINES.c.id == whiteouts.c.line)
            .join(DATASETS, DATASETS.c.id == LINES.c.dataset)
            .where(whiteouts.c.since > DATASETS.c.head)
        )
        yield from no_rows(tx, ahead, f"no {whiteouts.name} is dated after its dataset's head")
        under = sa.select(sa.literal(1)).where(
            LAYERS.c.line == whiteouts.c.line,
            LAYERS.c.below == states.c.line,
            states.c.since <= LAYERS.c.at,
            states.c.until > LAYERS.c.at,
        )
        stray = (
            sa.select(whiteouts.c.state)
            .join(states, states.c.id == whiteouts.c.state)
            .where(~under.exists())
        )
        yield from no_rows(tx, stray, f"every one of {whiteouts.name} covers what its line saw")
        upper = whiteouts.alias()
        twice = sa.select(upper.c.state).where(
            upper.c.state == whiteouts.c.state,
            LAYERS.c.line == upper.c.line,
            LAYERS.c.below == whiteouts.c.line,
            LAYERS.c.at >= whiteouts.c.since,
        )
        yield from no_rows(tx, twice, f"no state is covered twice in one pile by {whiteouts.name}")


def _layers(tx: Tx) -> Iterator[Finding]:
    piles: dict[int, list[sa.Row[Any]]] = {}
    for row in tx.rows(sa.select(LAYERS).order_by(LAYERS.c.line, LAYERS.c.depth)):
        piles.setdefault(row.line, []).append(row)
    for line, (parent, *rest) in piles.items():
        below = piles.get(parent.below, [])
        if [(row.below, row.at) for row in rest] != [(row.below, row.at) for row in below]:
            yield Finding("a line lies on its parent and on all that lies under it", f"line {line}")
        for upper, lower in zip(rest, below, strict=False):
            for mask in ("with_annotations", "with_metadata", "with_status"):
                wanted = getattr(lower, mask) and getattr(parent, mask)
                if getattr(upper, mask) != wanted:
                    yield Finding("masks of layers are combined downwards", f"line {line}, {mask}")
    late = (
        sa.select(LAYERS.c.line)
        .join(LINES, LINES.c.id == LAYERS.c.below)
        .join(DATASETS, DATASETS.c.id == LINES.c.dataset)
        .where(LAYERS.c.at > DATASETS.c.head)
    )
    yield from no_rows(tx, late, "no layer is frozen at a version that is not published")


def _writes(tx: Tx) -> Iterator[Finding]:
    """Rows with one write are copies of one value: same identity, origin and content."""
    for states, same, known, when_known in (
        (ITEMS, ("key", "path", "binary", "hidden"), "metadata_known", "metadata"),
        (
            ANNOTATIONS,
            ("root", "item", "type", "label", "coordinates", "attributes", "metadata"),
            "status_known",
            "status",
        ),
    ):
        c = states.c
        write = sa.func.coalesce(c.copy_of, c.id)
        fact = sa.func.coalesce(sa.case((c[known], c[when_known])), "")
        columns = [sa.cast(c[name], sa.Text()) for name in (*same, "origin_dataset")]
        columns.append(sa.cast(c.origin_version, sa.Text()))
        differ = [sa.func.min(column) != sa.func.max(column) for column in columns]
        full = sa.select(write).where(c[known])
        split = sa.select(write).group_by(write).having(sa.or_(*differ))
        yield from no_rows(tx, split, f"one write of {states.name} is one value everywhere")
        torn = full.group_by(write).having(sa.func.min(fact) != sa.func.max(fact))
        yield from no_rows(tx, torn, f"one write of {states.name} has one {when_known}")


def _version(tx: Tx, view: View) -> Iterator[Finding]:
    items = visible_items(view).subquery()
    annotations = visible_annotations(view).subquery()
    where = f"dataset {view.dataset}, version {view.version}"
    for name, column in (
        ("item", items.c.key),
        ("path", items.c.path),
        ("annotation", annotations.c.key),
    ):
        twice = sa.select(column).group_by(column).having(sa.func.count() > 1)
        yield from no_rows(tx, twice, f"every {name} is shown once", where)
    orphans = (
        sa.select(annotations.c.key)
        .outerjoin(items, items.c.key == annotations.c.item)
        .where(items.c.key.is_(None))
    )
    yield from no_rows(tx, orphans, "every annotation lies on an item that is shown", where)
    yield from _counters(tx, view, items, annotations, where)
    yield from _origins(tx, view, items, annotations, where)


def _counters(
    tx: Tx, view: View, items: sa.Subquery, annotations: sa.Subquery, where: str
) -> Iterator[Finding]:
    row = tx.rows(
        sa.select(VERSIONS).where(
            VERSIONS.c.dataset == view.dataset, VERSIONS.c.number == view.version
        )
    )[0]
    counted = {
        "items": sa.select(sa.func.count()).select_from(items),
        "annotations": sa.select(sa.func.count()).select_from(annotations),
        "annotated_items": sa.select(sa.func.count(annotations.c.item.distinct())),
    }
    for name, statement in counted.items():
        actual = tx.scalar(statement)
        if actual != getattr(row, name):
            detail = f"{where}: {name} is {getattr(row, name)}, there are {actual}"
            yield Finding("counters are counts", detail)
    labels = sa.select(annotations.c.label, sa.func.count()).group_by(annotations.c.label)
    kept = sa.select(LABEL_COUNTS.c.label, LABEL_COUNTS.c.annotations).where(
        LABEL_COUNTS.c.dataset == view.dataset,
        LABEL_COUNTS.c.since <= view.version,
        LABEL_COUNTS.c.until > view.version,
    )
    if set(map(tuple, tx.rows(labels))) != set(map(tuple, tx.rows(kept))):
        yield Finding("counts per label are counts", where)


def _origins(
    tx: Tx, view: View, items: sa.Subquery, annotations: sa.Subquery, where: str
) -> Iterator[Finding]:
    seen = seen_by(tx, view.dataset, view.version)
    for shown, is_annotation in ((items, False), (annotations, True)):
        origins = sa.select(shown.c.origin_dataset, shown.c.origin_version).distinct()
        for origin in tx.rows(origins):
            if not any(
                one.other == origin.origin_dataset
                and one.at >= origin.origin_version
                and (one.annotations or not is_annotation)
                for one in seen
            ):
                yield Finding("what is shown has been seen", f"{where}: origin {tuple(origin)}")
