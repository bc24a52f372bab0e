"""The end of deleted datasets: what nobody can read any more goes, what others lie on stays.

A line is needed while its dataset is not purged, or some needed line has it as a layer; layers are
flattened, so one look decides. Of a line that is kept for others only, a state stays when it
contains a pin: the version at which one of them sees the line. All pins count, not the largest.
Knowledge and chosen keys outlive the dataset that they speak of. A deleted dataset with a golden
tag is not purged, however long ago it was deleted, until the tag is deleted.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from gql_service.catalog.binary import release
from gql_service.catalog.line import FLATTENINGS
from gql_service.catalog.metadata_index import DATASET_INDEXES
from gql_service.catalog.tag import TAGS, has_golden_tag
from gql_service.catalog.visibility import (
    ANNOTATION_WHITEOUTS,
    ANNOTATIONS,
    DATASETS,
    ITEM_WHITEOUTS,
    ITEMS,
    LAYERS,
    LINES,
)
from gql_service.database.engine import Tx
from gql_service.database.sets import among, chunks
from gql_service.versions.birth import SOURCES
from gql_service.versions.counting import LABEL_COUNTS
from gql_service.versions.draft import VERSIONS
from gql_service.versions.knowledge import CHOSEN_KEYS, KNOWLEDGE
from gql_service.versions.report import CONFLICTS, RENAMES, REPORTS


@dataclass(frozen=True, slots=True)
class Purge:
    """What a purge removed: datasets, and states of items and annotations."""

    datasets: int
    item_states: int
    annotation_states: int


def deleted_since(tx: Tx, older_than: timedelta) -> list[int]:
    """The deleted datasets whose time to be restored is over, ascending; none with a golden tag."""
    rows = tx.rows(
        sa.select(DATASETS.c.id)
        .where(
            DATASETS.c.deleted_at <= tx.now - older_than,
            DATASETS.c.purged_at.is_(None),
            ~has_golden_tag(DATASETS.c.id),
        )
        .order_by(DATASETS.c.id)
    )
    return [row.id for row in rows]


def purge_deleted(tx: Tx, older_than: timedelta) -> Purge:
    """Purges every dataset that was deleted at least `older_than` ago and has no golden tag."""
    found = deleted_since(tx, older_than)
    # Against clones and merges that are reading them, which hold a share of this lock.
    tx.rows(sa.select(DATASETS.c.id).where(among(DATASETS.c.id, found)).with_for_update())
    # One may have been restored, and tagged, before we had its lock.
    datasets = sorted(set(found).intersection(deleted_since(tx, older_than)))
    if not datasets:
        return Purge(0, 0, 0)
    tx.execute(
        sa.update(DATASETS).where(among(DATASETS.c.id, datasets)).values(purged_at=tx.now, name="")
    )
    tx.execute(sa.delete(FLATTENINGS).where(among(FLATTENINGS.c.dataset, datasets)))
    items, annotations = _purge_lines(tx)
    _forget(tx, datasets)
    return Purge(len(datasets), items, annotations)


def pins(
    tx: Tx, going: Collection[int] = (), *, of: sa.Select[Any] | None = None
) -> dict[int, list[int]]:
    """At which versions somebody still sees each line of the purged datasets; at none, for a line
    that nobody needs.

    With `going`, as if these were purged too, and only of the lines which that concerns: their own
    and those that they lie on. With `of`, only what somebody in these projects sees counts.
    """
    reader, owner = DATASETS.alias(), LINES.alias()
    stays = sa.and_(
        reader.c.id == owner.c.dataset,
        reader.c.purged_at.is_(None),
        ~among(reader.c.id, going),
    )
    if of is not None:
        stays = sa.and_(stays, reader.c.project.in_(of))
    gone: sa.ColumnElement[bool] = DATASETS.c.purged_at.is_not(None)
    if going:
        theirs = sa.select(LINES.c.id).where(among(LINES.c.dataset, going))
        below = sa.select(LAYERS.c.below).where(LAYERS.c.line.in_(theirs))
        gone = sa.or_(among(DATASETS.c.id, going), sa.and_(gone, LINES.c.id.in_(below)))
    rows = tx.rows(
        sa.select(LINES.c.id, LAYERS.c.at)
        .select_from(
            LINES.join(DATASETS, DATASETS.c.id == LINES.c.dataset).outerjoin(
                LAYERS.join(owner, owner.c.id == LAYERS.c.line).join(reader, stays),
                LAYERS.c.below == LINES.c.id,
            )
        )
        .where(gone)
        .distinct()
    )
    by_line: dict[int, list[int]] = {}
    for row in rows:
        by_line.setdefault(row.id, [])
        if row.at is not None:
            by_line[row.id].append(row.at)
    return by_line


def _purge_lines(tx: Tx) -> tuple[int, int]:
    """Removes what no pin holds from every line of a purged dataset; an earlier purge may have
    kept a line for a dataset that is purged now."""
    by_line = pins(tx)
    items = annotations = 0
    forget_origin(tx, by_line)
    for line, ats in by_line.items():
        annotations += _delete_states(tx, ANNOTATIONS, line, ats)
        _release(tx, line, ats)
        items += _delete_states(tx, ITEMS, line, ats)
        for whiteouts in (ITEM_WHITEOUTS, ANNOTATION_WHITEOUTS):
            tx.execute(
                sa.delete(whiteouts).where(
                    whiteouts.c.line == line, whiteouts.c.since > max(ats, default=0)
                )
            )
    unneeded = [line for line, ats in by_line.items() if not ats]
    tx.execute(sa.delete(LAYERS).where(among(LAYERS.c.line, unneeded)))
    tx.execute(sa.delete(LINES).where(among(LINES.c.id, unneeded)))
    return items, annotations


def forget_origin(tx: Tx, lines: Collection[int]) -> None:
    """Says of the lines that began as copies of these that nobody can tell from what any more: to
    be called for lines that lose states."""
    tx.execute(sa.update(LINES).where(among(LINES.c.flat_of, lines)).values(flat_of=None))


def unpinned(states: sa.FromClause, line: int, pins: Sequence[int]) -> sa.ColumnElement[bool]:
    """The states of a line that none of these versions shows."""
    held = [sa.and_(states.c.since <= at, states.c.until > at) for at in pins]
    return sa.and_(states.c.line == line, ~sa.or_(sa.false(), *held))


def _delete_states(tx: Tx, states: sa.Table, line: int, pins: Sequence[int]) -> int:
    return tx.execute(sa.delete(states).where(unpinned(states, line, pins))).rowcount


def _release(tx: Tx, line: int, pins: Sequence[int]) -> None:
    """Tells the sweep which binaries lose a state, so that it never has to look at all of them."""
    freed = tx.rows(sa.select(ITEMS.c.binary).where(unpinned(ITEMS, line, pins)).distinct())
    for part in chunks(row.binary for row in freed):
        release(tx, part)


def _forget(tx: Tx, datasets: Collection[int]) -> None:
    """Removes what the purged datasets said of themselves."""
    lost = _batches(tx, among(KNOWLEDGE.c.dataset, datasets))
    tables = (TAGS, LABEL_COUNTS, VERSIONS, KNOWLEDGE, SOURCES, REPORTS, CONFLICTS, RENAMES)
    for table in (*tables, DATASET_INDEXES):
        tx.execute(sa.delete(table).where(among(table.c.dataset, datasets)))
    unused = lost - _batches(tx, KNOWLEDGE.c.batches != "")
    tx.execute(sa.delete(CHOSEN_KEYS).where(among(CHOSEN_KEYS.c.batch, unused)))


def _batches(tx: Tx, which: sa.ColumnElement[Any]) -> set[int]:
    rows = tx.rows(sa.select(KNOWLEDGE.c.batches).where(which).distinct())
    return {int(batch) for row in rows for batch in row.batches.split(",") if batch}
