"""Which keys can differ between two views, found from their piles without comparing them.

Two views that lie on the same sheet at the same version show the same of it, so only what was
written elsewhere, or in between, is looked at: the cost grows with the changes. A key that is not
in the answer is shown identically by both; one that is in it may still be equal.
"""

from __future__ import annotations

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


def changed_items(tx: Tx, left: View, right: View) -> set[int]:
    """Keys of the items that the two views may show differently."""
    selects = _selects(left, right, ITEMS, ITEM_WHITEOUTS, ITEMS.c.key)
    return {row[0] for select in selects for row in tx.rows(select)}


def changed_annotations(tx: Tx, left: View, right: View) -> set[int]:
    """Roots of the annotations that the two views may show differently."""
    selects = _selects(left, right, ANNOTATIONS, ANNOTATION_WHITEOUTS, ANNOTATIONS.c.root)
    return {row[0] for select in selects for row in tx.rows(select)}


def _selects(
    left: View, right: View, states: sa.Table, whiteouts: sa.Table, key: sa.Column[Any]
) -> list[sa.Select[Any]]:
    found: list[sa.Select[Any]] = []
    lefts = {sheet.line: sheet for sheet in left.sheets}
    rights = {sheet.line: sheet for sheet in right.sheets}
    for line in lefts.keys() | rights.keys():
        one, other = lefts.get(line), rights.get(line)
        if one and other and _mask(one, states) == _mask(other, states):
            low, high = sorted((one.at, other.at))
            found += _between(states, whiteouts, key, line, low, high)
        else:
            for sheet in (one, other):
                if sheet is not None:
                    found += _valid(states, whiteouts, key, sheet)
    return found


def _mask(sheet: Sheet, states: sa.Table) -> tuple[bool, ...]:
    return (sheet.metadata,) if states is ITEMS else (sheet.annotations, sheet.status)


def _between(
    states: sa.Table, whiteouts: sa.Table, key: sa.Column[Any], line: int, low: int, high: int
) -> list[sa.Select[Any]]:
    """What began, ended or was covered on a line after version `low`, up to `high`."""
    if low == high:
        return []
    c = states.c
    ended = c.until < sa.literal_column(str(FOREVER))  # spelt out: a partial index asks for it
    return [
        sa.select(key).where(c.line == line, c.since > low, c.since <= high),
        sa.select(key).where(c.line == line, ended, c.until > low, c.until <= high),
        _covered(states, whiteouts, key, line, low, high),
    ]


def _valid(
    states: sa.Table, whiteouts: sa.Table, key: sa.Column[Any], sheet: Sheet
) -> list[sa.Select[Any]]:
    """All that a sheet shows or covers."""
    c = states.c
    return [
        sa.select(key).where(c.line == sheet.line, c.since <= sheet.at, c.until > sheet.at),
        _covered(states, whiteouts, key, sheet.line, 0, sheet.at),
    ]


def _covered(
    states: sa.Table, whiteouts: sa.Table, key: sa.Column[Any], line: int, low: int, high: int
) -> sa.Select[Any]:
    w = whiteouts.c
    return (
        sa.select(key)
        .join(whiteouts, w.state == states.c.id)
        .where(w.line == line, w.since > low, w.since <= high)
    )
