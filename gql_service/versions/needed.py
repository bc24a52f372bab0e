"""Which states of a dataset somebody still needs, once versions of it have expired.

A state is needed when it was valid at a version that

- can be read: the state is then shown, or covered by what is;
- some line has as a layer: whoever cloned or merged it lies on it;
- some readable version of another dataset has seen as the last: what both sides of a later merge
  have seen last is the base that their values are compared with. Whoever saw only the items that a
  filter chose needs only those.

Knowledge that a readable version has from a later one only is not asked for any more.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from gql_service.catalog.dataset import VERSIONS
from gql_service.catalog.line import UNBORN
from gql_service.catalog.visibility import DATASETS, ITEMS, LAYERS, LINES
from gql_service.database.columns import FOREVER
from gql_service.database.engine import Tx
from gql_service.database.sets import among, listed
from gql_service.versions.knowledge import CHOSEN_KEYS, KNOWLEDGE

Expiring = Mapping[int, Sequence[int]]
"""Versions of datasets, ascending, that are taken for expired although they have not yet."""


@dataclass(slots=True)
class Needed:
    """Of one line: the readable versions from `low` to `high` without a gap, single `points`, and
    pairs of a point and a batch whose items alone matter there."""

    line: int
    low: int
    high: int
    points: set[int] = field(default_factory=set)
    chosen: set[tuple[int, int]] = field(default_factory=set)

    def nobody_needs(self, states: sa.Table, *, postgres: bool) -> sa.ColumnElement[bool]:
        """The states of the line that are not needed."""
        c = states.c
        tests = [c.line == self.line]
        if self.high == FOREVER:  # the newest line: what has not ended is shown
            tests += [c.until <= self.low, c.until < sa.literal_column(str(FOREVER))]
        elif self.low <= self.high:
            tests.append(~sa.and_(c.since <= self.high, c.until > self.low))
        points = {at for at in self.points if at < self.low or at > self.high}
        if points:
            tests.append(~_holds(c, points, postgres=postgres).exists())
        for batch in sorted({batch for _, batch in self.chosen}):
            ats = {at for at, of in self.chosen if of == batch} - points
            key = c.key if states is ITEMS else c.item
            here = sa.select(CHOSEN_KEYS.c.key).where(CHOSEN_KEYS.c.batch == batch)
            if ats:
                held = _holds(c, ats, postgres=postgres).exists()
                tests.append(~sa.and_(held, key.in_(here)))
        return sa.and_(*tests)


def _holds(c: Any, points: Collection[int], *, postgres: bool) -> sa.Select[Any]:
    """The points at which a state is valid."""
    at = listed(points, postgres=postgres)
    return (
        sa.select(sa.literal(1)).select_from(at).where(c.since <= at.c.value, c.until > at.c.value)
    )


def needed_of(tx: Tx, dataset: int, expiring: Expiring | None = None) -> list[Needed]:
    """What is needed of each line of a dataset, oldest first."""
    expiring = expiring or {}
    lines: Sequence[sa.Row[Any]] = tx.rows(
        sa.select(LINES.c.id, LINES.c.born)
        .where(LINES.c.dataset == dataset, LINES.c.born != UNBORN)
        .order_by(LINES.c.born, LINES.c.id)
    )
    readable = _readable(tx, [dataset], expiring)[dataset]
    # What the next line began as is needed here too: else what this one had written by then would
    # end without what came after it, and be taken for removed.
    ends = [*(line.born for line in lines[1:]), FOREVER]
    found = [
        Needed(line.id, max(line.born, readable.kept_from), end)
        for line, end in zip(lines, ends, strict=True)
    ]
    borns: list[int] = [line.born for line in lines]

    def at(version: int) -> Iterator[Needed]:
        """The lines that show a version: the last one that began by then, and what it replaced if
        it began with it."""
        place = bisect_right(borns, version) - 1
        yield found[place]
        while place and borns[place] == version:
            place -= 1
            yield found[place]

    for version in readable.older:
        for one in at(version):
            one.points.add(version)
    by_line = {one.line: one for one in found}
    for row in tx.rows(_layers(by_line)):
        by_line[row.below].points.add(row.at)
    for version, batch in _last_seen(tx, dataset, expiring):
        for one in at(version):
            if batch is None:
                one.points.add(version)
            else:
                one.chosen.add((version, batch))
    return found


@dataclass(frozen=True, slots=True)
class _Readable:
    """All versions from `kept_from` on, and the `older` ones."""

    kept_from: int
    older: frozenset[int]

    def any_in(self, start: int, stop: int) -> bool:
        """Whether one of the versions from `start` up to, not including, `stop` can be read."""
        return self.kept_from < stop or any(start <= one < stop for one in self.older)


def _readable(tx: Tx, datasets: Collection[int], expiring: Expiring) -> dict[int, _Readable]:
    kept_from = {
        row.id: max(row.kept_from or 1, *(one + 1 for one in expiring.get(row.id, ())[-1:]), 1)
        for row in tx.rows(
            sa.select(DATASETS.c.id, DATASETS.c.kept_from).where(among(DATASETS.c.id, datasets))
        )
    }
    with_gaps = [one for one, start in kept_from.items() if start > 1]
    older: dict[int, set[int]] = {one: set() for one in kept_from}
    for row in tx.rows(
        sa.select(VERSIONS.c.dataset, VERSIONS.c.number).where(
            among(VERSIONS.c.dataset, with_gaps), VERSIONS.c.expired_at.is_(None)
        )
    ):
        if row.number < kept_from[row.dataset]:
            older[row.dataset].add(row.number)
    return {
        one: _Readable(start, frozenset(older[one].difference(expiring.get(one, ()))))
        for one, start in kept_from.items()
    }


def _layers(lines: Collection[int]) -> sa.Select[Any]:
    """At which versions these lines are layers of datasets that are not purged."""
    return (
        sa.select(LAYERS.c.below, LAYERS.c.at)
        .join(LINES, LINES.c.id == LAYERS.c.line)
        .join(DATASETS, DATASETS.c.id == LINES.c.dataset)
        .where(among(LAYERS.c.below, lines), DATASETS.c.purged_at.is_(None))
        .distinct()
    )


def _last_seen(tx: Tx, dataset: int, expiring: Expiring) -> Iterable[tuple[int, int | None]]:
    """Up to which of its versions readable versions of others have seen a dataset: of all items, or
    of those in a batch."""
    rows = tx.rows(
        sa.select(KNOWLEDGE)
        .join(DATASETS, DATASETS.c.id == KNOWLEDGE.c.dataset)
        .where(KNOWLEDGE.c.other == dataset, DATASETS.c.purged_at.is_(None))
        .order_by(KNOWLEDGE.c.since)
    )
    kinds: dict[tuple[int, bool, str], list[sa.Row[Any]]] = {}
    for row in rows:
        kinds.setdefault((row.dataset, row.annotations, row.batches), []).append(row)
    readable = _readable(tx, {knower for knower, _, _ in kinds}, expiring)
    for (knower, _, batches), seen in kinds.items():
        # Whoever saw what several filters chose one after the other saw what the last one chose.
        batch = max(map(int, batches.split(","))) if batches else None
        for place, row in enumerate(seen):
            stop = next((one.since for one in seen[place + 1 :] if one.at >= row.at), FOREVER)
            if readable[knower].any_in(row.since, stop):
                yield row.at, batch
