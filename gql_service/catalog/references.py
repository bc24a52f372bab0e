"""Who refers to what: items to their sources and copies in other datasets, binaries to items.

Only what the actor may read is told. A source item is read at the version it was taken from, where
it can never change; copies and references are counted in the heads of datasets.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from gql_service.catalog.binary import BINARIES
from gql_service.catalog.dataset import DATASETS, SOURCES, datasets_by_id, readable, sources_of
from gql_service.catalog.heads import in_heads
from gql_service.catalog.keyset import NOTHING, Slice, slices
from gql_service.catalog.visibility import (
    ITEMS,
    LINES,
    ItemColumns,
    open_views,
    visible_items,
)
from gql_service.database.engine import Tx
from gql_service.database.sets import among

Place = tuple[int, int, int]
"""An item somewhere: dataset, version, key."""

_BY_PLACE = [("dataset", False), ("key", False)]


@dataclass(frozen=True, slots=True)
class PlacedItem:
    """An item as a dataset shows it at a version; `row` has the columns of `ItemColumns`."""

    dataset: int
    version: int
    row: sa.Row[Any]

    @property
    def place(self) -> Place:
        return self.dataset, self.version, self.row.key


@dataclass(frozen=True, slots=True)
class ItemsPage:
    """Items of several datasets by dataset and key, and whether there are more on either side."""

    items: Sequence[PlacedItem]
    has_next: bool
    has_previous: bool


def items_at(tx: Tx, wanted: Mapping[tuple[int, int], Collection[int]]) -> dict[Place, PlacedItem]:
    """The items with these keys at each (dataset, version), in two statements for all of them.

    Absent ones are left out, and so are those of purged datasets. Whoever asks.
    """
    views = open_views(tx, _unpurged(tx, wanted)) if wanted else {}
    selects = [
        sa.select(
            sa.literal(view.dataset, sa.BigInteger()).label("in_dataset"),
            sa.literal(view.version, sa.BigInteger()).label("in_version"),
            shown.subquery(),
        )
        for point, view in views.items()
        for shown in [visible_items(view, _of_keys(wanted[point[0], view.version]))]
    ]
    if not selects:
        return {}
    rows = tx.rows(selects[0] if len(selects) == 1 else sa.union_all(*selects))
    placed = (PlacedItem(row.in_dataset, row.in_version, row) for row in rows)
    return {item.place: item for item in placed}


def items_by_place(tx: Tx, places: Collection[Place]) -> dict[Place, PlacedItem]:
    """The items at these places; as `items_at`."""
    wanted: dict[tuple[int, int], set[int]] = {}
    for dataset, version, key in places:
        wanted.setdefault((dataset, version), set()).add(key)
    return items_at(tx, wanted)


def source_items(tx: Tx, items: Collection[PlacedItem]) -> dict[Place, list[PlacedItem]]:
    """What each item was taken from directly, in the order of its dataset's sources."""
    found = _sources(tx, items)
    visible = _readable_among(tx, (one for sources in found.values() for one in sources))
    return {
        place: [one for one in sources if one.dataset in visible]
        for place, sources in found.items()
    }


def ancestors(tx: Tx, items: Collection[PlacedItem]) -> dict[Place, list[PlacedItem]]:
    """Everything each item comes from, nearest first; a few statements per generation.

    Generations of datasets that the actor may not read are walked through, and left out.
    """
    lines: dict[Place, list[PlacedItem]] = {item.place: [] for item in items}
    heirs: dict[Place, set[Place]] = {item.place: {item.place} for item in items}
    generation = list(items)
    while generation:
        found = _sources(tx, generation)
        later: dict[Place, PlacedItem] = {}
        for child, sources in found.items():
            for source in sources:
                new = heirs[child] - heirs.get(source.place, set())
                if new:
                    heirs.setdefault(source.place, set()).update(new)
                    later[source.place] = source
                    for heir in new:
                        lines[heir].append(source)
        generation = list(later.values())
    visible = _readable_among(tx, (one for line in lines.values() for one in line))
    return {place: [one for one in line if one.dataset in visible] for place, line in lines.items()}


def copies_of(
    tx: Tx, places: Collection[Place], *, after: tuple[int, int] | None = None, limit: int
) -> dict[Place, ItemsPage]:
    """At most `limit` items per place that were made from the item there, in heads of datasets.

    A second copy inside one dataset is one too. `after` is (dataset, key) of an item in the list.
    """
    found: dict[Place, ItemsPage] = {}
    for dataset, of_dataset in _by_dataset(places).items():
        listed = _copies(tx, dataset, {key for _, _, key in of_dataset})
        cuts = slices(tx, listed, parent="parent", sorts=_BY_PLACE, anchor=after, limit=limit)
        pages = _pages(tx, {key for _, _, key in of_dataset}, cuts)
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
    listed = _references(tx, binaries)
    cuts = slices(tx, listed, parent="parent", sorts=_BY_PLACE, anchor=after, limit=limit)
    return _pages(tx, binaries, cuts)


def count_references(tx: Tx, binaries: Collection[int]) -> dict[int, int]:
    """How many items hold each binary, in heads that the actor may read."""
    return _counted(tx, _references(tx, binaries), binaries)


def visible_binaries(tx: Tx, binaries: Collection[int]) -> set[int]:
    """Those that a readable dataset holds in its head, or ever wrote itself."""
    wrote = (
        sa.select(ITEMS.c.binary.label("parent"))
        .join(LINES, LINES.c.id == ITEMS.c.line)
        .join(DATASETS, DATASETS.c.id == LINES.c.dataset)
        .where(among(ITEMS.c.binary, binaries), readable(tx))
    )
    held = _references(tx, binaries).subquery()
    rows = tx.rows(sa.union(wrote, sa.select(held.c.parent)))
    return {row.parent for row in rows}


def visible_by_sha256(tx: Tx, digests: Collection[str]) -> dict[str, int]:
    """The ids of those binaries, by digest, that `visible_binaries` would name."""
    rows = tx.rows(
        sa.select(BINARIES.c.id, BINARIES.c.sha256).where(among(BINARIES.c.sha256, digests))
    )
    visible = visible_binaries(tx, [row.id for row in rows])
    return {row.sha256: row.id for row in rows if row.id in visible}


def _of_keys(keys: Collection[int]) -> Any:
    def build(c: ItemColumns) -> sa.Select[Any]:
        return sa.select(*c.all()).where(among(c.key, keys))

    return build


def _unpurged(tx: Tx, points: Iterable[tuple[int, int]]) -> list[tuple[int, int | None]]:
    wanted = list(points)
    rows = tx.rows(
        sa.select(DATASETS.c.id).where(
            among(DATASETS.c.id, {dataset for dataset, _ in wanted}),
            DATASETS.c.purged_at.is_(None),
        )
    )
    there = {row.id for row in rows}
    return [(dataset, version) for dataset, version in wanted if dataset in there]


def _sources(tx: Tx, items: Collection[PlacedItem]) -> dict[Place, list[PlacedItem]]:
    """What each item was taken from directly, readable or not."""
    taken = sources_of(tx, {(item.dataset, item.version) for item in items})
    wanted: dict[tuple[int, int], set[int]] = {}
    for item in items:
        for source in taken[item.dataset, item.version]:
            wanted.setdefault(source, set()).update(_keys_in(source[0], item))
    shown = items_at(tx, wanted)
    found: dict[Place, list[PlacedItem]] = {}
    for item in items:
        candidates = (
            next((shown[(*source, key)] for key in keys if (*source, key) in shown), None)
            for source in taken[item.dataset, item.version]
            for keys in [_keys_in(source[0], item)]
        )
        found[item.place] = [one for one in candidates if one is not None]
    return found


def _keys_in(source: int, item: PlacedItem) -> list[int]:
    """Under which keys a source may hold what the item was made from, the likeliest first.

    In the item's own dataset (which was cloned into itself) only another item can be its source.
    """
    keys = [] if source == item.dataset else [item.row.key]
    return keys if item.row.copied_from is None else [*keys, item.row.copied_from]


def _readable_among(tx: Tx, items: Iterable[PlacedItem]) -> Collection[int]:
    return datasets_by_id(tx, {item.dataset for item in items}).keys()


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


def _copies(tx: Tx, dataset: int, keys: Collection[int]) -> sa.CompoundSelect[Any]:
    heirs = [row.id for row in tx.rows(_descendants(tx, dataset))]

    def build(state: sa.FromClause, head: sa.ColumnElement[Any]) -> sa.Select[Any]:
        same = sa.and_(head != dataset, among(state.c.key, keys))
        return sa.select(
            head.label("dataset"),
            state.c.key.label("key"),
            sa.case((same, state.c.key), else_=state.c.copied_from).label("parent"),
        ).where(sa.or_(same, among(state.c.copied_from, keys)))

    return in_heads(build, heirs)


def _references(tx: Tx, binaries: Collection[int]) -> sa.CompoundSelect[Any]:
    def build(state: sa.FromClause, head: sa.ColumnElement[Any]) -> sa.Select[Any]:
        return sa.select(
            head.label("dataset"), state.c.key.label("key"), state.c.binary.label("parent")
        ).where(among(state.c.binary, binaries))

    return in_heads(build, _readable(tx))


def _counted(tx: Tx, listed: sa.CompoundSelect[Any], parents: Collection[int]) -> dict[int, int]:
    whole = listed.subquery()
    counted = sa.select(whole.c.parent, sa.func.count().label("found")).group_by(whole.c.parent)
    return dict.fromkeys(parents, 0) | {row.parent: row.found for row in tx.rows(counted)}


def _pages(tx: Tx, parents: Collection[int], found: Mapping[Any, Slice]) -> dict[int, ItemsPage]:
    """The pages with their items as the heads show them."""
    datasets = {row.dataset for one in found.values() for row in one.rows}
    heads = {record.id: record.head for record in datasets_by_id(tx, datasets).values()}
    wanted: dict[tuple[int, int], set[int]] = {}
    for one in found.values():
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
        for one in [found.get(parent, NOTHING)]
    }
