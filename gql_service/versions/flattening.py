"""The making of a flattened line: filled out of everybody's sight, then published at once.

What a view shows is copied onto a new line in many short transactions, each of which leaves room
for writers (SQLite has one at a time) and is rolled back alone. Nobody reads the line meanwhile: it
is born at no version. What the dataset wrote in the meantime is brought in key by key, and the last
of that under the dataset's lock, in the transaction that makes the line the one that is read.

* The line it replaces stays as it was: older versions, clones that lie on it, and whoever is
  reading it go on.
* At most one line is being filled per dataset, by whoever holds its lease. A process that dies
  leaves a line that nobody sees; when the lease is over, the next one throws it away.
* Nothing is decided twice: each transaction first asks whether the lease is still its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from typing import Any

import sqlalchemy as sa

from gql_service.catalog.binary import release
from gql_service.catalog.line import FLATTENINGS, UNBORN, WITH_THE_LINE
from gql_service.catalog.visibility import (
    ANNOTATIONS,
    DATASETS,
    ITEMS,
    LINES,
    AnnotationColumns,
    ItemColumns,
    Statement,
    View,
    open_view,
    visible_annotations,
    visible_items,
)
from gql_service.database.engine import Database, Tx
from gql_service.database.plan import Prepared
from gql_service.database.sets import among, among_given, chunks
from gql_service.errors import ServiceError
from gql_service.versions.changes import changed_annotation_keys, changed_items
from gql_service.versions.copying import COPIED, copied
from gql_service.versions.indexing import begin_indexes, index_keys, index_keys_between
from gql_service.versions.locking import hold_dataset

BATCH = 1_000
"""States per transaction: on SQLite it keeps writers out for some hundredths of a second."""
ROUNDS = 10
"""How often what was written meanwhile is brought in before the dataset is locked. Each round takes
a fraction of the one before, unless somebody writes faster than that."""
LEASE = timedelta(minutes=5)

Columns = ItemColumns | AnnotationColumns
Rest = Callable[[], None]
"""Called between two transactions; it may wait, and what it raises ends the flattening."""


class Overtaken(Exception):
    """The line that was being filled is not ours any more: purged, or taken over."""


@dataclass(frozen=True, slots=True)
class Making:
    """A line in the making: it holds what `view` shows, as far as it has been filled."""

    line: int
    view: View

    @property
    def dataset(self) -> int:
        return self.view.dataset


def begin(tx: Tx, dataset: int, due: Callable[[Tx, View], bool]) -> Making | None:
    """A new line for the dataset as it is now, if that is `due`; None when it is not, or somebody
    is at it. Raises NotFound for a dataset that is absent or deleted."""
    hold_dataset(tx, dataset)
    if tx.first(sa.select(FLATTENINGS.c.line).where(FLATTENINGS.c.dataset == dataset)):
        return None
    view = open_view(tx, dataset)
    if not due(tx, view):
        return None
    row = {"dataset": dataset, "born": UNBORN, "flat_of": view.line, "current": False}
    line = tx.scalar(sa.insert(LINES).values(row).returning(LINES.c.id))
    lease = {"dataset": dataset, "line": line, "lease_until": tx.now + LEASE}
    tx.execute(sa.insert(FLATTENINGS).values(lease))
    begin_indexes(tx, dataset, line)
    return Making(line, view)


def fill(database: Database, making: Making, rest: Rest) -> None:
    """Copies all that the view shows. Raises Overtaken."""
    for table in (ITEMS, ANNOTATIONS):
        insert = _copy_next(making, table)
        after, copied_rows = 0, BATCH
        while copied_rows == BATCH:
            rest()
            next_rows = partial(_copy_batch, making=making, table=table, insert=insert, after=after)
            after, copied_rows = database.write(next_rows)


def catch_up(database: Database, making: Making, rest: Rest) -> Making:
    """Brings in what was written meanwhile, until little is left. Raises Overtaken, NotFound."""
    for _ in range(ROUNDS):
        with database.read() as tx:
            now = _as_of_now(tx, making)
            keys = _changed(tx, making, now)
        if sum(map(len, keys.values())) <= BATCH:
            break
        for work in _replacements(making, now, keys):
            rest()
            database.write(partial(_leased, making=making, work=work))
        making = replace(making, view=now)
    return making


def publish(tx: Tx, making: Making) -> int:
    """Makes the line the one that is read from the head on, and returns the head.

    Raises Overtaken, and NotFound for a dataset that was deleted meanwhile.
    """
    head: int = hold_dataset(tx, making.dataset).head
    _prolong(tx, making)
    now = _as_of_now(tx, making)
    for work in _replacements(making, now, _changed(tx, making, now)):
        work(tx)
    line = LINES.c.id
    tx.execute(sa.update(LINES).where(line == making.view.line).values(current=False))
    tx.execute(sa.update(LINES).where(line == making.line).values(born=head, current=True))
    tx.execute(sa.delete(FLATTENINGS).where(FLATTENINGS.c.line == making.line))
    return head


def inform_planner(database: Database, making: Making) -> None:
    """What each batch is too small for: the planner learns of the line before anybody reads it."""
    line, number = making.line, sa.func.count()
    with database.read() as tx:
        sizes = {
            (table.name, line): tx.scalar(sa.select(number).where(table.c.line == line))
            for table in (ITEMS, ANNOTATIONS)
        }
    database.planner.told(sizes)


@contextmanager
def leased(database: Database, making: Making) -> Iterator[None]:
    """Ends the lease when the block fails: whoever comes next throws the line away."""

    def end(tx: Tx) -> None:
        mine = FLATTENINGS.c.line == making.line
        tx.execute(sa.update(FLATTENINGS).where(mine).values(lease_until=tx.now))

    try:
        yield
    except Overtaken:
        raise
    except BaseException:
        with suppress(ServiceError, sa.exc.SQLAlchemyError):  # else it ends by itself
            database.write(end)
        raise


def discard(database: Database, dataset: int, rest: Rest) -> None:
    """Throws away what was left half-done, if the lease of whoever left it is over."""
    line = database.write(lambda tx: _take_over(tx, dataset))
    if line is None:
        return
    making = Making(line, View(dataset, 0, False, ()))
    with suppress(Overtaken), leased(database, making):
        for table in (ANNOTATIONS, ITEMS):
            found = BATCH
            while found == BATCH:
                rest()
                found = database.write(partial(_throw_away, making=making, table=table))
        database.write(lambda tx: _end(tx, making))


# How.


def _copy_next(making: Making, table: sa.Table) -> Prepared:
    """The next states of the view after a key, in the order of keys."""
    after = sa.bindparam("after", type_=sa.BigInteger())

    def build(columns: Columns) -> sa.Select[Any]:
        copies = copied(columns, making.line, WITH_THE_LINE)
        return copies.where(columns.key > after).order_by(columns.key).limit(BATCH)

    shown = _visible(making.view, table, build, limited=True).subquery()
    ordered = sa.select(shown).order_by(shown.c.key).limit(BATCH)
    return Prepared(sa.insert(table).from_select(COPIED[table], ordered))


def _copy_batch(
    tx: Tx, making: Making, table: sa.Table, insert: Prepared, after: int
) -> tuple[int, int]:
    """The last key so far, and how many were copied."""
    _prolong(tx, making)
    count = tx.run(insert, {"after": after})
    last = tx.scalar(sa.select(sa.func.max(table.c.key)).where(table.c.line == making.line)) or 0
    if table is ITEMS:
        index_keys_between(tx, making.line, after, last)
    return last, count


def _visible(
    view: View, table: sa.Table, build: Callable[[Any], sa.Select[Any]], *, limited: bool = False
) -> Statement:
    visible: Any = visible_items if table is ITEMS else visible_annotations
    statement: Statement = visible(view, build, limited=limited)
    return statement


def _as_of_now(tx: Tx, making: Making) -> View:
    """The view of the present head, through the line that is being replaced."""
    own, *layers = making.view.sheets
    head = tx.scalar(sa.select(DATASETS.c.head).where(DATASETS.c.id == making.dataset))
    sheets = (replace(own, at=head), *layers)
    return replace(making.view, version=head, live=False, sheets=sheets)


def _changed(tx: Tx, making: Making, now: View) -> dict[sa.Table, list[int]]:
    if now.version == making.view.version:
        return {}
    return {
        ITEMS: sorted(changed_items(tx, making.view, now)),
        ANNOTATIONS: sorted(changed_annotation_keys(tx, making.view, now)),
    }


def _replacements(
    making: Making, now: View, keys: dict[sa.Table, list[int]]
) -> Iterable[Callable[[Tx], object]]:
    """Pieces of work that put what `now` shows under these keys in the place of what was copied.

    All that goes before all that comes: items may have swapped their paths.
    """
    for table, changed in keys.items():
        for part in chunks(changed, BATCH):
            mine = sa.and_(table.c.line == making.line, among(table.c.key, part))
            yield partial(Tx.execute, statement=sa.delete(table).where(mine))
    for table, changed in keys.items():
        copies = _copy_some(making, now, table)
        for part in chunks(changed, BATCH):
            yield partial(_put_back, line=making.line, table=table, copies=copies, keys=part)


def _put_back(tx: Tx, line: int, table: sa.Table, copies: Prepared, keys: list[int]) -> None:
    tx.run(copies, {"keys": keys})
    if table is ITEMS:
        index_keys(tx, line, keys)


def _copy_some(making: Making, now: View, table: sa.Table) -> Prepared:
    def build(columns: Columns) -> sa.Select[Any]:
        copies = copied(columns, making.line, WITH_THE_LINE)
        return copies.where(among_given(columns.key, "keys"))

    return Prepared(sa.insert(table).from_select(COPIED[table], _visible(now, table, build)))


def _leased(tx: Tx, making: Making, work: Callable[[Tx], object]) -> None:
    _prolong(tx, making)
    work(tx)


def _prolong(tx: Tx, making: Making) -> None:
    """Holds the lease to the end of the transaction, and a while longer. Raises Overtaken."""
    mine = FLATTENINGS.c.line == making.line
    lease = sa.update(FLATTENINGS).where(mine).values(lease_until=tx.now + LEASE)
    if tx.execute(lease).rowcount != 1:
        raise Overtaken


def _take_over(tx: Tx, dataset: int) -> int | None:
    """The line that was left behind, its lease ours now."""
    c = FLATTENINGS.c
    abandoned = sa.and_(c.dataset == dataset, c.lease_until <= tx.now)
    lease = sa.update(FLATTENINGS).where(abandoned).values(lease_until=tx.now + LEASE)
    line: int | None = tx.scalar(lease.returning(c.line))
    return line


def _throw_away(tx: Tx, making: Making, table: sa.Table) -> int:
    _prolong(tx, making)
    some = tx.rows(sa.select(table).where(table.c.line == making.line).limit(BATCH))
    if table is ITEMS:  # what they were copied from may be gone
        release(tx, {row.binary for row in some})
    tx.execute(sa.delete(table).where(among(table.c.id, [row.id for row in some])))
    return len(some)


def _end(tx: Tx, making: Making) -> None:
    _prolong(tx, making)
    tx.execute(sa.delete(FLATTENINGS).where(FLATTENINGS.c.line == making.line))
    tx.execute(sa.delete(LINES).where(LINES.c.id == making.line))
