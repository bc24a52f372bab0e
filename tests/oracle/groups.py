"""What a merge asks of the rows of one item, or of one lineage of annotations.

A side is one source behind the merge's flags. A write is *rejected* by a side that has seen it
and does not hold it. It is *replaced* when that side holds another write instead, and *removed*
when it holds none. Of two writes that were each seen by the other's holder, the newer stays.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from tests.oracle.model import Annotation, Item, Json, Snapshot

UNION, THREE_WAY = "UNION", "THREE_WAY"
FIRST, LAST, FAIL = "FIRST", "LAST", "FAIL"

Row = TypeVar("Row", Item, Annotation)


@dataclass(frozen=True)
class Side:
    """One source, in the order given: a dataset's version, masked."""

    index: int
    dataset: int
    version: int
    view: Snapshot

    def has_seen(self, row: Item | Annotation) -> bool:
        return row.entry() in self.view.seen


@dataclass(frozen=True)
class Conflict:
    """One choice between sides. `field` "annotation" keeps both, "removed" keeps the item."""

    item: int
    annotation: int | None
    field: str
    base: Json
    left: Json
    right: Json
    chosen: Json
    left_source: int
    right_source: int


class Group(Generic[Row]):
    """The rows that every side holds of one thing: `held[i]` are those of side i."""

    def __init__(self, sides: Sequence[Side], held: Sequence[Sequence[Row]]) -> None:
        self.sides = sides
        self.held: Sequence[Sequence[Row]] = held
        self.writes = [{row.write for row in rows} for rows in held]
        self.all_writes: set[int] = set().union(*self.writes)

    def holders(self, write: int) -> list[int]:
        return [i for i, writes in enumerate(self.writes) if write in writes]

    def first_holder(self, write: int) -> int:
        return self.holders(write)[0]

    def rows_with(self, write: int) -> list[Row]:
        """The rows holding the write, in order of sides."""
        return [row for rows in self.held for row in rows if row.write == write]

    def representative(self, write: int) -> Row:
        """The first row that knows everything, or else the first."""
        rows = self.rows_with(write)
        return next((row for row in rows if known(row)), rows[0])

    def siblings(self, write: int) -> set[int]:
        together: set[int] = set()
        for writes in self.writes:
            if write in writes:
                together |= writes
        return together - {write}

    def seen(self, side: int, write: int) -> bool:
        return self.sides[side].has_seen(self.rows_with(write)[0])

    def rejects(self, side: int, write: int) -> bool:
        return write not in self.writes[side] and self.seen(side, write)

    def rejected(self, write: int) -> bool:
        return any(self.rejects(side.index, write) for side in self.sides)

    def instead(self, side: int, write: int) -> set[int]:
        return self.writes[side] - self.siblings(write)

    def replaces(self, side: int, write: int) -> bool:
        return self.rejects(side, write) and any(
            not self._mutual(write, other) for other in self.instead(side, write)
        )

    def _mutual(self, write: int, other: int) -> bool:
        """Whether a holder of `write` gave up `other` for it, and `write` is the newer one."""
        return write > other and any(self.rejects(side, other) for side in self.holders(write))

    def replaced(self, write: int) -> bool:
        return any(self.replaces(side.index, write) for side in self.sides)

    def removes(self, side: int, write: int) -> bool:
        return self.rejects(side, write) and not self.instead(side, write)

    def by_first_holder(self, writes: set[int]) -> list[int]:
        """In order of the first side holding each; those of one side by their keys there."""
        return sorted(
            writes, key=lambda write: (self.first_holder(write), self.rows_with(write)[0].key)
        )

    def newest_known(self, besides: set[int]) -> Row | None:
        """The newest held row that knows its metadata (an item) or its status."""
        for write in sorted(self.all_writes - besides, reverse=True):
            row = self.representative(write)
            if known(row):
                return row
        return None


def known(row: Item | Annotation) -> bool:
    return row.metadata_known if isinstance(row, Item) else row.status_known


def distinct(values: Sequence[Json]) -> list[Json]:
    """Different values in the order in which they come first."""
    found: list[Json] = []
    for value in values:
        if value not in found:
            found.append(value)
    return found


def last_other(values: Sequence[Json]) -> int:
    """Where the last value stands that is not the first one."""
    return max(i for i, value in enumerate(values) if value != values[0])
