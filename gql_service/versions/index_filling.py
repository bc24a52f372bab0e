"""Metadata indexes: declared and dropped at once, filled and emptied in short transactions.

An index is of a line, and is filled in the order of keys by whoever comes by; how far it has come
stands in its row, so that any number of processes may be at it, and any of them may die. From the
moment that the row is there, writers write their values themselves: it is made, and each batch is
filled, under the lock of the dataset whose line it is. No reader uses an index before it is
complete.

An index that no dataset needs any more is emptied by the batch, and its row goes with the last.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from functools import partial
from typing import Any

import sqlalchemy as sa

from gql_service.catalog.dataset import alive
from gql_service.catalog.json_text import JSON_DEPTH
from gql_service.catalog.line import FLATTENINGS
from gql_service.catalog.metadata_index import (
    COMPLETE,
    DATASET_INDEXES,
    LINE_INDEXES,
    UNREADY,
    VALUES,
    can_be_declared,
    spelt,
)
from gql_service.catalog.visibility import DATASETS, ITEMS, LAYERS, LINES
from gql_service.database.engine import Database, Tx
from gql_service.database.sets import among
from gql_service.errors import Conflict, Invalid, LimitExceeded, NotFound
from gql_service.versions.indexing import fill_keys_between
from gql_service.versions.locking import hold_dataset

BATCH = 1_000
"""Keys, or values, per transaction: on SQLite it keeps writers out for some milliseconds."""
MOST = 8
"""Indexes of a dataset, unless the settings say otherwise."""

Rest = Callable[[], None]


def declare_index(tx: Tx, dataset: int, path: Sequence[str], *, most: int = MOST) -> None:
    """Declares an index of what stands at a path of keys, also of a read-only dataset.

    A small one is filled here and now; of others the transaction tells that there is work to do.
    Raises NotFound, Invalid for what is no such path, Conflict when it is declared already, and
    LimitExceeded.
    """
    if len(path) > JSON_DEPTH:
        raise LimitExceeded(f"A path can have {JSON_DEPTH} steps", path=("path",))
    if not can_be_declared(path):
        raise Invalid(
            "An index is of one key or of keys inside one another: texts without quotation marks, "
            "backslashes and control characters that are not all digits",
            path=("path",),
        )
    hold_dataset(tx, dataset)
    declared = sa.select(DATASET_INDEXES.c.path).where(DATASET_INDEXES.c.dataset == dataset)
    paths = {row.path for row in tx.rows(declared)}
    if spelt(path) in paths:
        raise Conflict("The dataset has an index of this path", path=("path",))
    if len(paths) >= most:
        raise LimitExceeded(f"A dataset has at most {most:,} metadata indexes", path=("path",))
    row = {
        "dataset": dataset,
        "path": spelt(path),
        "creator": tx.actor,
        "created_at": tx.now,
    }
    tx.execute(sa.insert(DATASET_INDEXES).values(row))
    done = [fill_batch(tx, index) for index in provide(tx, dataset)]
    if not all(done):
        tx.published.add(dataset)


def drop_index(tx: Tx, dataset: int, path: Sequence[str]) -> None:
    """Declares a path no longer; the values go later, unless somebody else needs them. Raises
    NotFound when there is no such index."""
    hold_dataset(tx, dataset)
    c = DATASET_INDEXES.c
    gone = sa.delete(DATASET_INDEXES).where(c.dataset == dataset, c.path == spelt(path))
    if not can_be_declared(path) or not tx.execute(gone).rowcount:
        raise NotFound("The dataset has no such index", path=("path",))
    tx.published.add(dataset)


def provide(tx: Tx, dataset: int) -> list[int]:
    """Makes the indexes that are missing on the lines that the head of a dataset is read through,
    and returns those that are not complete."""
    _wait_for_flattening(tx, dataset)
    lines = _pile(tx, dataset)
    _lock_owners(tx, lines)
    declared = sa.select(DATASET_INDEXES.c.path).where(DATASET_INDEXES.c.dataset == dataset)
    paths = {row.path for row in tx.rows(declared)}
    of_these = sa.and_(among(LINE_INDEXES.c.line, lines), among(LINE_INDEXES.c.path, paths))
    there = {(row.line, row.path) for row in tx.rows(sa.select(LINE_INDEXES).where(of_these))}
    missing = [
        {"line": line, "path": path, "filled": 0}
        for line in lines
        for path in sorted(paths)
        if (line, path) not in there
    ]
    if missing:
        tx.execute(sa.insert(LINE_INDEXES), missing)
    unfilled = sa.select(LINE_INDEXES.c.id).where(of_these, LINE_INDEXES.c.filled < COMPLETE)
    return [row.id for row in tx.rows(unfilled.order_by(LINE_INDEXES.c.id))]


def fill_batch(tx: Tx, index: int, size: int | None = None) -> bool:
    """Brings in the values of the next keys; whether there is nothing more to do."""
    size = size or BATCH
    row = _held(tx, index)
    if row is None or row.filled == COMPLETE or not row.needed:
        return True
    after = sa.and_(ITEMS.c.line == row.line, ITEMS.c.key > row.filled)
    following = sa.select(ITEMS.c.key).where(after).distinct().order_by(ITEMS.c.key)
    keys = [one.key for one in tx.rows(following.limit(size))]
    if keys:
        fill_keys_between(tx, index, row.filled, keys[-1])
    complete = len(keys) < size
    filled = COMPLETE if complete else keys[-1]
    tx.execute(sa.update(LINE_INDEXES).where(LINE_INDEXES.c.id == index).values(filled=filled))
    return complete


def empty_batch(tx: Tx, index: int) -> bool:
    """Takes away some values of an index that nobody needs; whether there is nothing more to do."""
    row = _held(tx, index)
    if row is None or row.needed:
        return True
    of_index = VALUES.c.index == index
    found = tx.rows(sa.select(VALUES.c.state).where(of_index).limit(BATCH))
    states = [one.state for one in found]
    tx.execute(sa.delete(VALUES).where(of_index, among(VALUES.c.state, states)))
    this = LINE_INDEXES.c.id == index
    if len(states) == BATCH:
        tx.execute(sa.update(LINE_INDEXES).where(this).values(filled=0))
        return False
    tx.execute(sa.delete(LINE_INDEXES).where(this))
    return True


def tend_indexes(database: Database, dataset: int, *, rest: Rest = lambda: None) -> None:
    """Fills the indexes that a dataset has declared, and empties those on its lines, and on those
    it lies on, that nobody needs. What `rest` raises ends it, and whoever comes next goes on."""
    for index in database.write(lambda tx: _provided(tx, dataset)):
        while not database.write(partial(fill_batch, index=index)):
            rest()
    with database.read() as tx:
        unneeded = [row.id for row in tx.rows(_unneeded_near(dataset))]
    for index in unneeded:
        while not database.write(partial(empty_batch, index=index)):
            rest()


def due_indexes(tx: Tx) -> list[int]:
    """The datasets for which `tend_indexes` has something to do, ascending."""
    unready = (
        sa.select(DATASET_INDEXES.c.dataset)
        .join(DATASETS, DATASETS.c.id == DATASET_INDEXES.c.dataset)
        .where(UNREADY, alive())
    )
    unneeded = (
        sa.select(LINES.c.dataset)
        .join(LINE_INDEXES, LINE_INDEXES.c.line == LINES.c.id)
        .where(~_NEEDED)
    )
    return sorted({row[0] for row in tx.rows(sa.union(unready, unneeded))})


# How.


def _needed() -> sa.ColumnElement[bool]:
    """Whether a dataset that reads the line, at any version, has declared the path of its index."""
    own = LINES.alias("own")
    through = sa.exists().where(
        LAYERS.c.line == own.c.id, LAYERS.c.below == LINE_INDEXES.c.line, LAYERS.c.with_metadata
    )
    return sa.exists().where(
        DATASET_INDEXES.c.path == LINE_INDEXES.c.path,
        own.c.dataset == DATASET_INDEXES.c.dataset,
        sa.or_(own.c.id == LINE_INDEXES.c.line, through),
    )


_NEEDED = _needed()


def _held(tx: Tx, index: int) -> sa.Row[Any] | None:
    """The row of an index, under the lock of the dataset whose line it is."""
    this = LINE_INDEXES.c.id == index
    line = tx.scalar(sa.select(LINE_INDEXES.c.line).where(this))
    if line is None:
        return None
    _lock_owners(tx, [line])
    return tx.first(
        sa.select(LINE_INDEXES.c.line, LINE_INDEXES.c.filled, _NEEDED.label("needed")).where(this)
    )


def _lock_owners(tx: Tx, lines: Collection[int]) -> None:
    """Keeps out writers, also those of deleted datasets that somebody lies on: restored ones."""
    owners = sa.select(LINES.c.dataset).where(among(LINES.c.id, lines))
    locked = sa.select(DATASETS.c.id).where(DATASETS.c.id.in_(owners)).order_by(DATASETS.c.id)
    tx.rows(locked.with_for_update(key_share=True))


def _wait_for_flattening(tx: Tx, dataset: int) -> None:
    """Until the batch that is being copied is there: the next one writes its values too."""
    lease = sa.select(FLATTENINGS.c.line).where(FLATTENINGS.c.dataset == dataset)
    tx.rows(lease.with_for_update())


def _pile(tx: Tx, dataset: int) -> list[int]:
    """The lines whose metadata the head shows, and the one that is to replace them."""
    own = sa.and_(LINES.c.dataset == dataset, LINES.c.current)
    below = sa.select(LAYERS.c.below).join(LINES, LINES.c.id == LAYERS.c.line)
    found = sa.union(
        sa.select(LINES.c.id.label("line")).where(own),
        below.where(own, LAYERS.c.with_metadata),
        sa.select(FLATTENINGS.c.line).where(FLATTENINGS.c.dataset == dataset),
    )
    return sorted(row[0] for row in tx.rows(found))


def _provided(tx: Tx, dataset: int) -> list[int]:
    try:
        hold_dataset(tx, dataset)
    except NotFound:  # deleted meanwhile; what it needed may still be needed by others
        return []
    return provide(tx, dataset)


def _unneeded_near(dataset: int) -> sa.Select[Any]:
    own = sa.select(LINES.c.id).where(LINES.c.dataset == dataset)
    below = sa.select(LAYERS.c.below).where(LAYERS.c.line.in_(own))
    near = sa.or_(LINE_INDEXES.c.line.in_(own), LINE_INDEXES.c.line.in_(below))
    return sa.select(LINE_INDEXES.c.id).where(near, ~_NEEDED).order_by(LINE_INDEXES.c.id)
