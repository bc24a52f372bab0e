"""What a version has seen of every other dataset: the ground on which merges decide.

A row says that `dataset`, from its version `since` on, has seen the writes of `other` up to that
dataset's version `at`: with annotations or without, of all items or only of those chosen in every
one of its `batches`. Rows are copied flat when a dataset is cloned or merged, and never removed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from gql_service.database.columns import table_of
from gql_service.database.engine import Tx
from gql_service.database.keys import take_keys
from gql_service.database.plan import Prepared
from gql_service.database.sets import among


class Knowledge(SQLModel, table=True):
    __tablename__ = "knowledge"

    dataset: int = Field(sa_type=sa.BigInteger, foreign_key="datasets.id", primary_key=True)
    since: int = Field(sa_type=sa.BigInteger, primary_key=True)
    other: int = Field(sa_type=sa.BigInteger, primary_key=True)
    at: int = Field(sa_type=sa.BigInteger, primary_key=True)
    annotations: bool = Field(primary_key=True)
    batches: str = Field(primary_key=True)
    """Batch numbers, ascending, with commas between; empty for all items."""


class ChosenKey(SQLModel, table=True):
    """An item key that a filtered clone, or a clone into a dataset, took."""

    __tablename__ = "chosen_keys"

    batch: int = Field(sa_type=sa.BigInteger, primary_key=True)
    key: int = Field(sa_type=sa.BigInteger, primary_key=True)


KNOWLEDGE = table_of(Knowledge)
CHOSEN_KEYS = table_of(ChosenKey)
_LEARN = Prepared(sa.insert(KNOWLEDGE))
_KNOWN = Prepared(
    sa.select(KNOWLEDGE).where(
        KNOWLEDGE.c.dataset == sa.bindparam("dataset"), KNOWLEDGE.c.since <= sa.bindparam("version")
    )
)


@dataclass(frozen=True, slots=True)
class Seen:
    """The writes of `other` up to its version `at` have been seen, within the batches."""

    other: int
    at: int
    annotations: bool = True
    batches: tuple[int, ...] = ()

    def masked(self, *, annotations: bool) -> Seen:
        return replace(self, annotations=self.annotations and annotations)

    def within(self, batch: int) -> Seen:
        return replace(self, batches=tuple(sorted({*self.batches, batch})))


def seen_by(tx: Tx, dataset: int, version: int) -> list[Seen]:
    """All that a dataset at a version has seen, its own writes included."""
    rows = tx.rows(_KNOWN, {"dataset": dataset, "version": version})
    others = [
        Seen(row.other, row.at, row.annotations, tuple(map(int, row.batches.split(","))))
        if row.batches
        else Seen(row.other, row.at, row.annotations)
        for row in rows
    ]
    return [Seen(dataset, version), *others]


_Kind = tuple[int, bool, tuple[int, ...]]


def learn(
    tx: Tx, dataset: int, since: int, seen: Iterable[Seen], *, known: Iterable[Seen] = ()
) -> None:
    """Writes what a version of `dataset` has newly seen. What it says of itself is left out, and
    so is what it has `known` before in the same way."""
    before, newest = _newest(known), _newest(one for one in seen if one.other != dataset)
    newest = {kind: at for kind, at in newest.items() if at > before.get(kind, 0)}
    if newest:
        tx.run(
            _LEARN,
            [
                {
                    "dataset": dataset,
                    "since": since,
                    "other": other,
                    "at": at,
                    "annotations": annotations,
                    "batches": ",".join(map(str, batches)),
                }
                for (other, annotations, batches), at in newest.items()
            ],
        )


def _newest(seen: Iterable[Seen]) -> dict[_Kind, int]:
    newest: dict[_Kind, int] = {}
    for one in seen:
        kind = (one.other, one.annotations, one.batches)
        newest[kind] = max(one.at, newest.get(kind, 0))
    return newest


def choose(tx: Tx, keys: sa.Select[tuple[int]] | Sequence[int]) -> int:
    """Records which item keys were taken, as a new batch, and returns its number."""
    (batch,) = take_keys(tx, 1)
    if isinstance(keys, sa.Select):
        rows = sa.select(sa.literal(batch, sa.BigInteger()), keys.subquery().c[0])
        tx.execute(sa.insert(CHOSEN_KEYS).from_select(["batch", "key"], rows))
    elif keys:
        tx.execute(sa.insert(CHOSEN_KEYS), [{"batch": batch, "key": key} for key in keys])
    return batch


class Sight:
    """Answers, for a given set of items, whether a source has seen a write."""

    def __init__(self, seen: Sequence[Seen], chosen: dict[int, set[int]]) -> None:
        self._by_other: dict[int, list[Seen]] = {}
        for one in seen:
            self._by_other.setdefault(one.other, []).append(one)
        self._chosen = chosen

    @property
    def others(self) -> Collection[int]:
        """The datasets of which anything has been seen."""
        return self._by_other.keys()

    def has_seen(self, item: int, dataset: int, version: int, *, annotation: bool) -> bool:
        """Whether the write made in (dataset, version), of this item or on it, has been seen."""
        return any(
            one.at >= version
            and (one.annotations or not annotation)
            and all(item in self._chosen[batch] for batch in one.batches)
            for one in self._by_other.get(dataset, ())
        )


def sights(tx: Tx, sources: Sequence[Sequence[Seen]], items: Collection[int]) -> list[Sight]:
    """One `Sight` per source, good for `items` only; one statement for all of them."""
    batches = {batch for seen in sources for one in seen for batch in one.batches}
    chosen: dict[int, set[int]] = {batch: set() for batch in batches}
    if batches and items:
        for row in tx.rows(
            sa.select(CHOSEN_KEYS.c.batch, CHOSEN_KEYS.c.key).where(
                among(CHOSEN_KEYS.c.batch, sorted(batches)),
                among(CHOSEN_KEYS.c.key, sorted(items)),
            )
        ):
            chosen[row.batch].add(row.key)
    return [Sight(seen, chosen) for seen in sources]
