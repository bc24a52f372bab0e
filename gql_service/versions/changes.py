"""Which keys can differ between two views, found from their piles without comparing them.

Two views that lie on the same sheet at the same version show the same of it, so only what was
written elsewhere, or in between, is looked at: the cost grows with the changes. A key that is not
in the answer is shown identically by both; one that is in it may still be equal.
"""

from __future__ import annotations

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


def changed_items(tx: Tx, left: View, right: View) -> set[int]:
    """Keys of the items that the two views may show differently."""
    return _changed(tx, left, right, _ITEMS)


def changed_annotations(tx: Tx, left: View, right: View) -> set[int]:
    """Roots of the annotations that the two views may show differently."""
    return _changed(tx, left, right, _ANNOTATIONS)


def changed_lineages(tx: Tx, left: View, right: View) -> set[int]:
    """Keys of the items that the two views may show differently, annotations included."""
    return _changed(tx, left, right, _ITEMS) | _changed(tx, left, right, _ANNOTATED)


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


def _reads(states: sa.Table, whiteouts: sa.Table, key: sa.Column[Any]) -> _Reads:
    c, w = states.c, whiteouts.c
    line: sa.BindParameter[int] = sa.bindparam("line")
    low: sa.BindParameter[int] = sa.bindparam("low")
    high: sa.BindParameter[int] = sa.bindparam("high")
    ended = c.until < sa.literal_column(str(FOREVER))  # spelt out: a partial index asks for it
    covered = Prepared(
        sa.select(key)
        .join(whiteouts, w.state == c.id)
        .where(w.line == line, w.since > low, w.since <= high)
    )
    of = sa.select(key).where(c.line == line)
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
_ANNOTATED = _reads(ANNOTATIONS, ANNOTATION_WHITEOUTS, ANNOTATIONS.c.item)


def _changed(tx: Tx, left: View, right: View, reads: _Reads) -> set[int]:
    found: set[int] = set()
    lefts = {sheet.line: sheet for sheet in left.sheets}
    rights = {sheet.line: sheet for sheet in right.sheets}
    for line in lefts.keys() | rights.keys():
        one, other = lefts.get(line), rights.get(line)
        if one and other and reads.mask(one) == reads.mask(other):
            low, high = sorted((one.at, other.at))
            spans = [(low, high, reads.between)] if low < high else []
        else:
            spans = [(0, sheet.at, reads.valid) for sheet in (one, other) if sheet is not None]
        for low, high, selects in spans:
            for select in selects:
                rows = tx.rows(select, {"line": line, "low": low, "high": high})
                found.update(row[0] for row in rows)
    return found
