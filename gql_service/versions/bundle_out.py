"""A dataset with all of its past, as rows that mean the same in another database.

Its own lines go out whole. Of the lines of others that it lies on goes what it sees of them: the
states that are valid at its layers, behind the masks, and not covered by a line between. Datasets
that it has come from go out as numbers without names, as a purge leaves them behind.

Numbers are 8 bytes each in memory; rows are read a few thousand at a time.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, insort
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from gql_service.catalog.binary import BINARIES, BinaryRecord, binaries_by_id
from gql_service.catalog.recipe import RECIPES, REVISIONS
from gql_service.catalog.user import USERS
from gql_service.catalog.visibility import (
    DATASETS,
    ITEMS,
)
from gql_service.database.columns import Timestamp
from gql_service.database.engine import Tx
from gql_service.database.sets import among, chunks
from gql_service.versions.bundle_scope import Pile, Where, batches_of, conditions, pile_of
from gql_service.versions.bundle_tables import (
    ANNOTATION_ROWS,
    ANNOTATION_WHITEOUT_ROWS,
    BESIDE_VERSIONS,
    CHOSEN_ROWS,
    DATASET_ROWS,
    ITEM_ROWS,
    ITEM_WHITEOUT_ROWS,
    LINE_ROWS,
    LOST_ANNOTATION_ROWS,
    LOST_ITEM_ROWS,
    RECIPE_ROWS,
    REVISION_ROWS,
    Kind,
    Part,
)

AT_ONCE = 2_000
"""Rows that are in memory at a time."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """All that one bundle carries; `numbers` are what its rows speak of, ascending or in order."""

    dataset: int
    pile: Pile
    numbers: Mapping[Kind, Mapping[int, int] | array[int]]
    where: Mapping[str, Where]

    def local(self, kind: Kind, value: Any) -> Any:
        """The number, from 1, by which the bundle calls something."""
        if value is None:
            return None
        if kind is Kind.BATCHES:
            batches = map(int, value.split(",")) if value else ()
            return ",".join(str(self.local(Kind.KEY, batch)) for batch in batches)
        numbers = self.numbers[kind]
        if isinstance(numbers, array):
            return bisect_left(numbers, value) + 1
        return numbers[value]

    def counted(self, kind: Kind) -> int:
        """How many things of this kind there are."""
        return len(self.numbers[kind])


def gather(tx: Tx, dataset: int) -> Outgoing:
    """What belongs to a dataset, in the snapshot of `tx`."""
    pile = pile_of(tx, dataset)
    where = conditions(tx, dataset, pile)
    batches = batches_of(tx, dataset)
    keys = _numbers(tx, _named(where, Kind.KEY))
    for batch in sorted(batches):
        at = bisect_left(keys, batch)
        if at == len(keys) or keys[at] != batch:
            insort(keys, batch)
    others = set(_numbers(tx, _named(where, Kind.DATASET))) - {dataset}
    where["datasets"] = among(DATASETS.c.id, [dataset, *others])
    recipes = _numbers(tx, _named(where, Kind.RECIPE))
    where["recipes"] = among(RECIPES.c.id, list(recipes))
    where["recipe_revisions"] = among(REVISIONS.c.recipe, list(recipes))
    numbers: dict[Kind, Mapping[int, int] | array[int]] = {
        Kind.USER: _users(tx, where, dataset),
        Kind.RECIPE: recipes,
        Kind.DATASET: _counted([dataset, *sorted(others)]),
        Kind.LINE: _counted(pile.lines),
        Kind.BINARY: _binaries(tx, where),
        Kind.KEY: keys,
        Kind.ITEM_WRITE: _numbers(tx, _named(where, Kind.ITEM_WRITE)),
        Kind.ANNOTATION_WRITE: _numbers(tx, _named(where, Kind.ANNOTATION_WRITE)),
    }
    return Outgoing(dataset, pile, numbers, where)


def rows_of(tx: Tx, out: Outgoing, part: Part) -> Iterator[list[Any]]:
    """The rows of a part, in order, with the numbers of the bundle; moments are microseconds."""
    columns = [_plain(part.table.c[name]) for name in part.columns]
    found = sa.select(*columns, *_marks(part)).where(out.where[part.name])
    mask = _masking(out, part)
    kept = _only_carried(out, part)
    for row in _streamed(tx, found.order_by(*_order(out, part))):
        values = list(row[: len(columns)])
        if not kept(values):
            continue
        mask(values, row)
        yield [
            value if kind is None else out.local(kind, value)
            for kind, value in zip(part.kinds, values, strict=True)
        ]


def people(tx: Tx, out: Outgoing) -> Iterator[list[str]]:
    """Name and e-mail address of everybody who has done something, by address."""
    rows = _by_id(tx, USERS, out.numbers[Kind.USER])
    yield from ([rows[user].name, rows[user].email] for user in out.numbers[Kind.USER])


def files(tx: Tx, out: Outgoing) -> Iterator[BinaryRecord]:
    """Every binary that a state names, once, by SHA-256."""
    for part in chunks(out.numbers[Kind.BINARY], AT_ONCE):
        found = binaries_by_id(tx, part)
        yield from (found[binary] for binary in part)


# How.


def _named(where: Mapping[str, Where], kind: Kind) -> list[sa.Select[Any]]:
    """Everything of a kind that the rows name."""
    parts = (
        *(*BESIDE_VERSIONS, LINE_ROWS, ITEM_ROWS, ANNOTATION_ROWS, LOST_ITEM_ROWS),
        *(LOST_ANNOTATION_ROWS, CHOSEN_ROWS, RECIPE_ROWS, REVISION_ROWS),
    )
    return [
        sa.select(part.table.c[name].label("named")).where(where[part.name])
        for part in parts
        if part.name in where
        for name, named in part.refers.items()
        if named is kind
    ]


def _numbers(tx: Tx, named: Sequence[sa.Select[Any]]) -> array[int]:
    """Distinct numbers, ascending."""
    every = sa.union(*named).subquery()
    present = sa.select(every.c.named).where(every.c.named.is_not(None)).order_by(every.c.named)
    return array("q", (row[0] for row in _streamed(tx, present)))


def _counted(values: Iterable[int]) -> dict[int, int]:
    return {value: at for at, value in enumerate(values, 1)}


def _users(tx: Tx, where: Mapping[str, Where], dataset: int) -> dict[int, int]:
    """By address, which is what they are known by elsewhere; of the dataset itself too."""
    set_by = [
        sa.select(DATASETS.c[name].label("named")).where(DATASETS.c.id == dataset)
        for name in DATASET_ROWS.refers
    ]
    numbers = list(_numbers(tx, [*_named(where, Kind.USER), *set_by]))
    rows = _by_id(tx, USERS, numbers)
    return _counted(sorted(numbers, key=lambda user: str(rows[user].email)))


def _binaries(tx: Tx, where: Mapping[str, Where]) -> dict[int, int]:
    held = sa.select(ITEMS.c.binary).where(where[ITEM_ROWS.name])
    found = sa.select(BINARIES.c.id).where(BINARIES.c.id.in_(held)).order_by(BINARIES.c.sha256)
    return _counted(row[0] for row in _streamed(tx, found))


def _by_id(tx: Tx, table: sa.Table, ids: Iterable[int]) -> dict[int, sa.Row[Any]]:
    return {row.id: row for row in tx.rows(sa.select(table).where(among(table.c.id, list(ids))))}


def _streamed(tx: Tx, statement: sa.Select[Any]) -> Iterator[sa.Row[Any]]:
    yield from tx.execute(statement.execution_options(yield_per=AT_ONCE))


def _plain(column: sa.Column[Any]) -> sa.ColumnElement[Any]:
    """Moments as they are kept."""
    return sa.type_coerce(column, sa.BigInteger()) if isinstance(column.type, Timestamp) else column


def _marks(part: Part) -> list[sa.ColumnElement[Any]]:
    """What is asked beside the columns of a part: of which dataset or line a row is."""
    return [part.table.c.id] if part is DATASET_ROWS else []


def _order(out: Outgoing, part: Part) -> list[sa.ColumnElement[Any]]:
    columns: list[sa.ColumnElement[Any]] = [part.table.c[name] for name in part.order]
    if part is DATASET_ROWS:  # the one that the bundle is of comes first
        columns.insert(0, sa.case((DATASETS.c.id == out.dataset, 0), else_=1))
    return columns


Mask = Callable[[list[Any], sa.Row[Any]], None]
_TOLD_OF_OTHERS = frozenset({"type", "head", "created_at"})


def _masking(out: Outgoing, part: Part) -> Mask:
    """What takes from a row, in place, whatever the dataset does not see of it."""
    at = {name: number for number, name in enumerate(part.columns)}
    seen = {"metadata": ("with_metadata", "{}"), "status": ("with_status", None)}

    def nothing(values: list[Any], row: sa.Row[Any]) -> None: ...

    def of_dataset(values: list[Any], row: sa.Row[Any]) -> None:
        if row[-1] != out.dataset:
            for name in at.keys() - _TOLD_OF_OTHERS:
                values[at[name]] = None

    def of_line(values: list[Any], row: sa.Row[Any]) -> None:  # noqa: ARG001
        if values[at["flat_of"]] not in out.pile.own:
            values[at["flat_of"]] = None

    def of_state(name: str) -> Mask:
        flag, empty = seen[name]
        shown = {*out.pile.own, *(one.below for one in out.pile.layers if getattr(one, flag))}

        def hide(values: list[Any], row: sa.Row[Any]) -> None:  # noqa: ARG001
            if values[at["line"]] not in shown:
                values[at[name]], values[at[f"{name}_known"]] = empty, False

        return hide

    masks = {
        DATASET_ROWS.name: of_dataset,
        LINE_ROWS.name: of_line,
        ITEM_ROWS.name: of_state("metadata") if part is ITEM_ROWS else nothing,
        ANNOTATION_ROWS.name: of_state("status") if part is ANNOTATION_ROWS else nothing,
    }
    return masks.get(part.name, nothing)


def _only_carried(out: Outgoing, part: Part) -> Callable[[list[Any]], bool]:
    """A whiteout may cover what a line between had covered already: that state does not go out."""
    if part not in (ITEM_WHITEOUT_ROWS, ANNOTATION_WHITEOUT_ROWS):
        return lambda _values: True
    kind = part.kinds[0]
    assert kind is not None
    numbers = out.numbers[kind]
    assert isinstance(numbers, array)

    def carried(values: list[Any]) -> bool:
        at = bisect_left(numbers, values[0])
        return at < len(numbers) and numbers[at] == values[0]

    return carried
