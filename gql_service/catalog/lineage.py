"""Items and where they come from: read at their places, and followed to their sources.

A source item is read at the version it was taken from, where it can never change; where that has
expired, the item has no source any more. Only what the actor may read is told, though what they may
not is walked through.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from gql_service.catalog.dataset import DATASETS, datasets_by_id
from gql_service.catalog.dataset_source import sources_of
from gql_service.catalog.prepared import read_items
from gql_service.catalog.version import expired_versions
from gql_service.catalog.visibility import ItemColumns, View, open_views, visible_items
from gql_service.database.engine import Tx
from gql_service.database.plan import Prepared
from gql_service.database.sets import among, among_given

Place = tuple[int, int, int]
"""An item somewhere: dataset, version, key."""


@dataclass(frozen=True, slots=True)
class PlacedItem:
    """An item as a dataset shows it at a version; `row` has the columns of `ItemColumns`."""

    dataset: int
    version: int
    row: sa.Row[Any]

    @property
    def place(self) -> Place:
        return self.dataset, self.version, self.row.key


MOST_SHEETS = 200
"""How many sheets one statement reads; SQLite takes no more than 500 branches."""

_BY_KEY = read_items(lambda c: sa.select(*c.all()).where(among_given(c.key, "keys")))
_THERE = Prepared(
    sa.select(DATASETS.c.id, DATASETS.c.kept_from).where(
        among_given(DATASETS.c.id, "datasets"), DATASETS.c.purged_at.is_(None)
    ),
    lasting=True,
)


def items_at(
    tx: Tx, wanted: Mapping[tuple[int, int], Collection[int]], *, kept_only: bool = False
) -> dict[Place, PlacedItem]:
    """The items with these keys at each (dataset, version), in two statements unless the sheets of
    all these places are very many.

    Absent ones are left out, and so are those of purged datasets. Raises VersionExpired for a
    version that is not kept, unless `kept_only` leaves out what was there. Whoever asks.
    """
    views = open_views(tx, _unpurged(tx, wanted, kept_only=kept_only)) if wanted else {}
    if len(views) == 1:
        ((dataset, _), view), *_rest = views.items()
        keys = list(wanted[dataset, view.version])
        found = (
            PlacedItem(dataset, view.version, row) for row in _BY_KEY.rows(tx, view, keys=keys)
        )
        return {item.place: item for item in found}
    placed: dict[Place, PlacedItem] = {}
    for part in _few_sheets(views.values()):
        selects = [
            sa.select(
                sa.literal(view.dataset, sa.BigInteger()).label("in_dataset"),
                sa.literal(view.version, sa.BigInteger()).label("in_version"),
                visible_items(view, _of_keys(wanted[view.dataset, view.version])).subquery(),
            )
            for view in part
        ]
        for row in tx.rows(selects[0] if len(selects) == 1 else sa.union_all(*selects)):
            item = PlacedItem(row.in_dataset, row.in_version, row)
            placed[item.place] = item
    return placed


def _few_sheets(views: Iterable[View]) -> Iterable[list[View]]:
    """Views in lists that one statement can take: databases plan no more branches in good time."""
    part: list[View] = []
    sheets = 0
    for view in views:
        if part and sheets + len(view.sheets) > MOST_SHEETS:
            yield part
            part, sheets = [], 0
        part.append(view)
        sheets += len(view.sheets)
    if part:
        yield part


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


def _of_keys(keys: Collection[int]) -> Callable[[ItemColumns], sa.Select[Any]]:
    def build(c: ItemColumns) -> sa.Select[Any]:
        return sa.select(*c.all()).where(among(c.key, keys))

    return build


def _unpurged(
    tx: Tx, points: Iterable[tuple[int, int]], *, kept_only: bool
) -> list[tuple[int, int | None]]:
    wanted = list(points)
    rows = tx.rows(_THERE, {"datasets": sorted({dataset for dataset, _ in wanted})})
    there = {row.id: row.kept_from or 1 for row in rows}
    older = {d for d, version in wanted if d in there and version < there[d]}
    gone = expired_versions(tx, older) if kept_only else set()
    return [one for one in wanted if one[0] in there and one not in gone]


def _sources(tx: Tx, items: Collection[PlacedItem]) -> dict[Place, list[PlacedItem]]:
    """What each item was taken from directly, readable or not."""
    taken = sources_of(tx, {(item.dataset, item.version) for item in items})
    wanted: dict[tuple[int, int], set[int]] = {}
    for item in items:
        for source in taken[item.dataset, item.version]:
            wanted.setdefault(source, set()).update(_keys_in(source[0], item))
    shown = items_at(tx, wanted, kept_only=True)
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
