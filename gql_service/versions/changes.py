"""Which keys can differ between two views, found from their piles without comparing them.

Two views that lie on the same sheet at the same version show the same of it, so only what was
written elsewhere, or in between, is looked at: the cost grows with the changes. A key that is not
in the answer is shown identically by both; one that is in it may still be equal.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from gql_service.catalog.visibility import (
    ANNOTATION_WHITEOUTS,
    ANNOTATIONS,
    ITEM_WHITEOUTS,
    ITEMS,
    Sheet,
    View,
)
from gql_service.database.columns import FOREVER
from gql_service.database.engine import Tx
from gql_service.database.plan import Prepared
from gql_service.versions.piles import begins_after, unfolded


@dataclass(frozen=True, slots=True)
class Lineages:
    """Items by their keys, ascending, and the keys of those of their annotations that may differ;
    without `annotations`, all that they have may."""

    items: list[int]
    annotations: Mapping[int, Collection[int]] | None

    def annotations_of(self, items: Iterable[int]) -> list[int] | None:
        """Keys of what may differ on these items; None when everything may."""
        if self.annotations is None:
            return None
        return [key for item in items for key in self.annotations.get(item, ())]


def changed_items(tx: Tx, left: View, right: View) -> set[int]:
    """Keys of the items that the two views may show differently."""
    return _changed(tx, left, right, _ITEMS)


def changed_annotations(tx: Tx, left: View, right: View) -> set[int]:
    """Roots of the annotations that the two views may show differently."""
    return _changed(tx, left, right, _ANNOTATIONS)


def changed_lineages(tx: Tx, left: View, right: View) -> Lineages:
    """The items that the two views may show differently, annotations included."""
    annotations: dict[int, set[int]] = {}
    for row in _rows(tx, left, right, _ANNOTATED):
        annotations.setdefault(row.item, set()).add(row.key)
    return Lineages(sorted(changed_items(tx, left, right) | annotations.keys()), annotations)


def changed_annotation_keys(tx: Tx, left: View, right: View) -> set[int]:
    """Keys of the annotations that the two views may show differently."""
    return _changed(tx, left, right, _ANNOTATION_KEYS)


@dataclass(frozen=True, slots=True)
class _Reads:
    """The statements about one kind of thing; each takes a line and two versions of it."""

    of_items: bool
    between: tuple[Prepared, ...]
    """What began, ended or was covered after version `low`, up to `high`."""
    valid: tuple[Prepared, ...]
    """All that is shown or covered at version `high`; `low` is 0."""

    def mask(self, sheet: Sheet) -> tuple[bool, ...]:
        return (sheet.metadata,) if self.of_items else (sheet.annotations, sheet.status)


def _reads(states: sa.Table, whiteouts: sa.Table, *said: sa.Column[Any]) -> _Reads:
    c, w = states.c, whiteouts.c
    line: sa.BindParameter[int] = sa.bindparam("line")
    low: sa.BindParameter[int] = sa.bindparam("low")
    high: sa.BindParameter[int] = sa.bindparam("high")
    ended = c.until < sa.literal_column(str(FOREVER))  # spelt out: a partial index asks for it
    covered = Prepared(
        sa.select(*said)
        .select_from(states)
        .join(whiteouts, w.state == c.id)
        .where(w.line == line, w.since > low, w.since <= high)
    )
    of = sa.select(*said).where(c.line == line)
    return _Reads(
        states is ITEMS,
        between=(
            Prepared(of.where(c.since > low, c.since <= high)),
            Prepared(of.where(ended, c.until > low, c.until <= high)),
            covered,
        ),
        valid=(
            Prepared(of.where(c.since <= high, c.until > high)),
            covered,
        ),
    )


_ITEMS = _reads(ITEMS, ITEM_WHITEOUTS, ITEMS.c.key)
_ANNOTATIONS = _reads(ANNOTATIONS, ANNOTATION_WHITEOUTS, ANNOTATIONS.c.root)
_ANNOTATION_KEYS = _reads(ANNOTATIONS, ANNOTATION_WHITEOUTS, ANNOTATIONS.c.key)
_ANNOTATED = _reads(ANNOTATIONS, ANNOTATION_WHITEOUTS, ANNOTATIONS.c.item, ANNOTATIONS.c.key)


def _changed(tx: Tx, left: View, right: View, reads: _Reads) -> set[int]:
    return {row[0] for row in _rows(tx, left, right, reads)}


def _rows(tx: Tx, left: View, right: View, reads: _Reads) -> Iterator[sa.Row[Any]]:
    lefts, rights = _by_line(tx, left, right, reads)
    for line in lefts.keys() | rights.keys():
        one, other = lefts.get(line), rights.get(line)
        if one and other and reads.mask(one) == reads.mask(other):
            low, high = sorted((one.at, other.at))
            spans = [(low, high)]
        else:
            spans = [(begins_after(sheet), sheet.at) for sheet in (one, other) if sheet]
        for low, high in spans:
            if low == high:
                continue
            for select in reads.between if low else reads.valid:
                yield from tx.rows(select, {"line": line, "low": low, "high": high})


def _by_line(tx: Tx, left: View, right: View, reads: _Reads) -> list[dict[int, Sheet]]:
    """The sheets of both piles, which are unfolded unless they lie on the same one in the end."""
    piles = [left.sheets, right.sheets]
    one, other = left.sheets[-1], right.sheets[-1]
    if one.line != other.line or reads.mask(one) != reads.mask(other):
        piles = [unfolded(tx, pile) for pile in piles]
    return [{sheet.line: sheet for sheet in pile} for pile in piles]
