"""The states that nobody needs, once versions have expired: they go, in batches.

Their binaries are told to the sweep. Of what had been removed, the last write leaves a trace. While
a dataset is being flattened nothing of it goes: what changed meanwhile is found by its states.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, replace

import sqlalchemy as sa

from gql_service.catalog.binary import BINARIES, release
from gql_service.catalog.dataset import alive
from gql_service.catalog.line import FLATTENINGS
from gql_service.catalog.lost_state import LOST
from gql_service.catalog.visibility import ANNOTATIONS, DATASETS, ITEMS, LINES
from gql_service.database.columns import FOREVER
from gql_service.database.engine import Database, Tx
from gql_service.database.sets import among, chunks
from gql_service.versions.needed import Expiring, needed_of
from gql_service.versions.retention import forget_origin

BATCH = 2_000
"""States per transaction: short, because each one keeps writers out on SQLite."""


@dataclass(frozen=True, slots=True)
class Forgotten:
    """States of one dataset, and the binaries that nothing holds without them, with their bytes."""

    dataset: int
    item_states: int = 0
    annotation_states: int = 0
    binaries: int = 0
    bytes: int = 0


def plan_forgetting(tx: Tx, expiring: Expiring) -> list[Forgotten]:
    """What `forget` would take away if these versions had expired, dataset by dataset."""
    going: Counter[int] = Counter()
    counted: set[int] = set()
    plans = [
        _planned(tx, dataset, expiring, going, counted)
        for dataset in _with_expired(tx, expiring.keys())
    ]
    return [plan for plan in plans if plan.item_states or plan.annotation_states]


def forget(database: Database) -> list[Forgotten]:
    """Takes away all states that nobody needs, of every dataset that has expired versions."""
    with database.read() as tx:
        datasets = _with_expired(tx, ())
    done = [forget_states(database, dataset) for dataset in datasets]
    return [one for one in done if one.item_states or one.annotation_states]


def forget_states(database: Database, dataset: int, size: int = BATCH) -> Forgotten:
    """Takes away the states of one dataset that nobody needs, `size` at a time."""
    found = Forgotten(dataset)
    binaries: set[int] = set()
    while taken := database.write(lambda tx: _take(tx, dataset, ANNOTATIONS, size))[0]:
        found = replace(found, annotation_states=found.annotation_states + taken)
    while (batch := database.write(lambda tx: _take(tx, dataset, ITEMS, size)))[0]:
        found = replace(found, item_states=found.item_states + batch[0])
        binaries |= batch[1]
    with database.read() as tx:
        count, size_in_bytes = _unheld(tx, binaries, Counter())[1:]
    return replace(found, binaries=count, bytes=size_in_bytes)


_FLATTENING = sa.exists().where(FLATTENINGS.c.dataset == DATASETS.c.id)


def _with_expired(tx: Tx, besides: Collection[int]) -> list[int]:
    some = sa.or_(DATASETS.c.kept_from.is_not(None), among(DATASETS.c.id, besides))
    found = sa.select(DATASETS.c.id).where(alive(), some, ~_FLATTENING)
    rows = tx.rows(found.order_by(DATASETS.c.id))
    return [row.id for row in rows]


def _take(tx: Tx, dataset: int, states: sa.Table, size: int) -> tuple[int, set[int]]:
    """Takes a batch away; how many states it had, and which binaries these held."""
    alive_still = sa.select(DATASETS.c.id).where(DATASETS.c.id == dataset, alive())
    if tx.first(alive_still.with_for_update(key_share=True)) is None:
        return 0, set()
    if tx.first(sa.select(FLATTENINGS.c.line).where(FLATTENINGS.c.dataset == dataset)):
        return 0, set()
    for needed in needed_of(tx, dataset):
        unneeded = needed.nobody_needs(states, postgres=tx.postgres)
        # What ended first goes first: what came after it tells that it was no removal.
        first = sa.select(states.c.id).where(unneeded).order_by(states.c.until, states.c.id)
        ids = [row.id for row in tx.rows(first.limit(size))]
        if ids:
            _leave_traces(tx, states, ids)
            forget_origin(tx, [needed.line])
            # Nor does the line itself still show all that it began with.
            tx.execute(sa.update(LINES).where(LINES.c.id == needed.line).values(flat_of=None))
            binaries: set[int] = set()
            if states is ITEMS:
                held = sa.select(ITEMS.c.binary).where(among(ITEMS.c.id, ids)).distinct()
                binaries = {row.binary for row in tx.rows(held)}
                release(tx, binaries)
            tx.execute(sa.delete(states).where(among(states.c.id, ids)))
            return len(ids), binaries
    return 0, set()


def _leave_traces(tx: Tx, states: sa.Table, ids: Collection[int]) -> None:
    c, then = states.c, states.alias("then")
    followed = sa.exists().where(
        then.c.line == c.line, then.c.key == c.key, then.c.since == c.until
    )
    of_item = states is ITEMS
    removed = sa.select(
        c.key,
        c.line,
        c.until,
        sa.true() if of_item else sa.false(),
        c.key if of_item else c.root,
        c.key if of_item else c.item,
        sa.func.coalesce(c.copy_of, c.id),
        c.origin_dataset,
        c.origin_version,
    ).where(among(c.id, ids), c.until < FOREVER, ~followed)
    columns = ["key", "line", "until", "of_item", "root", "item", "write"]
    origin = ["origin_dataset", "origin_version"]
    tx.execute(sa.insert(LOST).from_select([*columns, *origin], removed))


def _planned(
    tx: Tx, dataset: int, expiring: Expiring, going: Counter[int], counted: set[int]
) -> Forgotten:
    """`going` counts the states of each binary that go, of earlier datasets as well; `counted` are
    binaries that these free."""
    found = Forgotten(dataset)
    binaries: Counter[int] = Counter()
    for needed in needed_of(tx, dataset, expiring):
        annotations = needed.nobody_needs(ANNOTATIONS, postgres=tx.postgres)
        count = sa.select(sa.func.count()).select_from(ANNOTATIONS).where(annotations)
        found = replace(found, annotation_states=found.annotation_states + tx.scalar(count))
        held = sa.select(ITEMS.c.binary, sa.func.count().label("states")).group_by(ITEMS.c.binary)
        items = needed.nobody_needs(ITEMS, postgres=tx.postgres)
        binaries.update({row.binary: row.states for row in tx.rows(held.where(items))})
    going.update(binaries)
    freed, count_freed, size = _unheld(tx, binaries.keys() - counted, going)
    counted |= freed
    states = binaries.total()
    return replace(found, item_states=states, binaries=count_freed, bytes=size)


def _unheld(tx: Tx, binaries: Collection[int], going: Counter[int]) -> tuple[set[int], int, int]:
    """Those that no state holds but those that go: which, how many, and their bytes."""
    found: set[int] = set()
    size = 0
    for part in chunks(sorted(binaries)):
        of_these = among(BINARIES.c.id, part)
        holding = sa.func.count(ITEMS.c.id)
        rows = tx.rows(
            sa.select(BINARIES.c.id, BINARIES.c.size, holding.label("states"))
            .outerjoin(ITEMS, ITEMS.c.binary == BINARIES.c.id)
            .where(of_these)
            .group_by(BINARIES.c.id, BINARIES.c.size)
        )
        freed = [row for row in rows if row.states == going[row.id]]
        found.update(row.id for row in freed)
        size += sum(row.size for row in freed)
    return found, len(found), size
