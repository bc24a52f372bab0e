"""Who refers to what: the copies of an item, and the items that hold a binary.

They are counted in the heads of datasets, and only in those that the actor may read.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from gql_service.catalog.binary import BINARIES
from gql_service.catalog.dataset import DATASETS, datasets_by_id, readable
from gql_service.catalog.dataset_source import SOURCES
from gql_service.catalog.heads import in_heads
from gql_service.catalog.keyset import NOTHING, Slice, slices
from gql_service.catalog.lineage import Place, PlacedItem, items_at
from gql_service.catalog.visibility import ITEM_WHITEOUTS, ITEMS, LAYERS, LINES
from gql_service.database.engine import Tx
from gql_service.database.sets import among

_BY_PLACE = [("dataset", False), ("key", False)]
_NO_BINARY = 0
_Listed = sa.CompoundSelect[Any] | None
"""Rows (dataset, key, parent); None where there cannot be any."""


@dataclass(frozen=True, slots=True)
class ItemsPage:
    """Items of several datasets by dataset and key, and whether there are more on either side."""

    items: Sequence[PlacedItem]
    has_next: bool
    has_previous: bool


def copies_of(
    tx: Tx, places: Collection[Place], *, after: tuple[int, int] | None = None, limit: int
) -> dict[Place, ItemsPage]:
    """At most `limit` items per place that were made from the item there, in heads of datasets.

    A second copy inside one dataset is one too. `after` is (dataset, key) of an item in the list.
    """
    found: dict[Place, ItemsPage] = {}
    for dataset, of_dataset in _by_dataset(places).items():
        keys = {key for _, _, key in of_dataset}
        pages = _pages(tx, keys, _copies(tx, dataset, keys), after, limit)
        found.update({place: pages[place[2]] for place in of_dataset})
    return found


def count_copies_of(tx: Tx, places: Collection[Place]) -> dict[Place, int]:
    """How many items `copies_of` lists for each place."""
    found: dict[Place, int] = {}
    for dataset, of_dataset in _by_dataset(places).items():
        keys = {key for _, _, key in of_dataset}
        counted = _counted(tx, _copies(tx, dataset, keys), keys)
        found.update({place: counted[place[2]] for place in of_dataset})
    return found


def references(
    tx: Tx, binaries: Collection[int], *, after: tuple[int, int] | None = None, limit: int
) -> dict[int, ItemsPage]:
    """At most `limit` items per binary that hold it, in heads that the actor may read."""
    return _pages(tx, binaries, _references(tx, binaries), after, limit)


def count_references(tx: Tx, binaries: Collection[int]) -> dict[int, int]:
    """How many items hold each binary, in heads that the actor may read."""
    return _counted(tx, _references(tx, binaries), binaries)


def visible_binaries(tx: Tx, binaries: Collection[int]) -> set[int]:
    """Those that a readable dataset shows at some version, be it the head or an old one."""
    held = _references(tx, binaries)
    if held is None:
        return set()
    wrote = (
        sa.select(ITEMS.c.binary.label("parent"))
        .join(LINES, LINES.c.id == ITEMS.c.line)
        .join(DATASETS, DATASETS.c.id == LINES.c.dataset)
        .where(among(ITEMS.c.binary, binaries), readable(tx))
    )
    shown = sa.union(wrote, _laid_over(tx, binaries), sa.select(held.subquery().c.parent))
    return {row.parent for row in tx.rows(shown)}


def _laid_over(tx: Tx, binaries: Collection[int]) -> sa.Select[Any]:
    """Those that shine through a layer of a readable dataset, or did before it covered them."""
    upper = LAYERS.alias("upper")
    covered = (
        sa.select(sa.literal(1))
        .select_from(sa.join(ITEM_WHITEOUTS, upper, upper.c.below == ITEM_WHITEOUTS.c.line))
        .where(
            ITEM_WHITEOUTS.c.state == ITEMS.c.id,
            ITEM_WHITEOUTS.c.since <= upper.c.at,
            upper.c.line == LAYERS.c.line,
            upper.c.depth < LAYERS.c.depth,
        )
    )
    return (
        sa.select(ITEMS.c.binary.label("parent"))
        .join(LAYERS, LAYERS.c.below == ITEMS.c.line)
        .join(LINES, LINES.c.id == LAYERS.c.line)
        .join(DATASETS, DATASETS.c.id == LINES.c.dataset)
        .where(
            among(ITEMS.c.binary, binaries),
            ITEMS.c.since <= LAYERS.c.at,
            ITEMS.c.until > LAYERS.c.at,
            readable(tx),
            ~covered.correlate(ITEMS, LAYERS).exists(),
        )
    )


def visible_by_sha256(tx: Tx, digests: Collection[str]) -> dict[str, int]:
    """The ids of those binaries, by digest, that `visible_binaries` would name.

    It takes the same steps whether there are such binaries or not, so that the time does not tell
    which files the service has.
    """
    rows = tx.rows(
        sa.select(BINARIES.c.id, BINARIES.c.sha256).where(among(BINARIES.c.sha256, digests))
    )
    visible = visible_binaries(tx, [row.id for row in rows] or [_NO_BINARY])
    return {row.sha256: row.id for row in rows if row.id in visible}


def _readable(tx: Tx) -> list[int]:
    return [row.id for row in tx.rows(sa.select(DATASETS.c.id).where(readable(tx)))]


def _descendants(tx: Tx, dataset: int) -> sa.Select[Any]:
    """Every dataset that was made from this one, from one of those, and so on."""
    made = (
        sa.select(SOURCES.c.dataset)
        .where(SOURCES.c.source == dataset)
        .cte("made_from", recursive=True)
    )
    further = sa.select(SOURCES.c.dataset).join(made, SOURCES.c.source == made.c.dataset)
    whole = made.union(further)
    return (
        sa.select(DATASETS.c.id).join(whole, whole.c.dataset == DATASETS.c.id).where(readable(tx))
    )


def _by_dataset(places: Collection[Place]) -> dict[int, list[Place]]:
    """A page lies in one dataset as a rule; copies are then found in one go."""
    found: dict[int, list[Place]] = {}
    for place in places:
        found.setdefault(place[0], []).append(place)
    return found


def _copies(tx: Tx, dataset: int, keys: Collection[int]) -> _Listed:
    heirs = [row.id for row in tx.rows(_descendants(tx, dataset))]

    def build(state: sa.FromClause, head: sa.ColumnElement[Any]) -> sa.Select[Any]:
        same = sa.and_(head != dataset, among(state.c.key, keys))
        return sa.select(
            head.label("dataset"),
            state.c.key.label("key"),
            sa.case((same, state.c.key), else_=state.c.copied_from).label("parent"),
        ).where(sa.or_(same, among(state.c.copied_from, keys)))

    return in_heads(build, heirs) if heirs and keys else None


def _references(tx: Tx, binaries: Collection[int]) -> _Listed:
    datasets = _readable(tx)

    def build(state: sa.FromClause, head: sa.ColumnElement[Any]) -> sa.Select[Any]:
        return sa.select(
            head.label("dataset"), state.c.key.label("key"), state.c.binary.label("parent")
        ).where(among(state.c.binary, binaries))

    return in_heads(build, datasets) if datasets and binaries else None


def _counted(tx: Tx, listed: _Listed, parents: Collection[int]) -> dict[int, int]:
    counts = dict.fromkeys(parents, 0)
    if listed is None:
        return counts
    whole = listed.subquery()
    counted = sa.select(whole.c.parent, sa.func.count().label("found")).group_by(whole.c.parent)
    return counts | {row.parent: row.found for row in tx.rows(counted)}


def _pages(
    tx: Tx,
    parents: Collection[int],
    listed: _Listed,
    after: tuple[int, int] | None,
    limit: int,
) -> dict[int, ItemsPage]:
    """The pages with their items as the heads show them."""
    cuts: dict[Any, Slice] = {}
    if listed is not None:
        cuts = slices(tx, listed, parent="parent", sorts=_BY_PLACE, anchor=after, limit=limit)
    datasets = {row.dataset for one in cuts.values() for row in one.rows}
    heads = {record.id: record.head for record in datasets_by_id(tx, datasets).values()}
    wanted: dict[tuple[int, int], set[int]] = {}
    for one in cuts.values():
        for row in one.rows:
            wanted.setdefault((row.dataset, heads[row.dataset]), set()).add(row.key)
    shown = items_at(tx, wanted)
    return {
        parent: ItemsPage(
            [shown[row.dataset, heads[row.dataset], row.key] for row in one.rows],
            one.has_next,
            one.has_previous,
        )
        for parent in parents
        for one in [cuts.get(parent, NOTHING)]
    }
