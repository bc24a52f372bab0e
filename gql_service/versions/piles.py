"""Piles as they were before they were flattened: where two of them meet can then be seen.

A line that began with copies of what another one showed is, to whoever compares, that other pile
with what was written since on top. Only where the older line still shows what it showed then:
otherwise `flat_of` is gone, and all that the line holds has to be looked at.
"""

from __future__ import annotations

import sqlalchemy as sa

from gql_service.catalog.sheet import Sheet
from gql_service.catalog.visibility import LAYERED, LAYERS, LINES, layer_sheet, with_layers
from gql_service.database.engine import Tx
from gql_service.database.plan import Prepared

_LINE_WITH_LAYERS = sa.select(*LAYERED).select_from(with_layers(LINES)).order_by(LAYERS.c.depth)
_UNDER = Prepared(_LINE_WITH_LAYERS.where(LINES.c.id == sa.bindparam("line")))


def unfolded(tx: Tx, sheets: tuple[Sheet, ...]) -> tuple[Sheet, ...]:
    """The pile with what its flattened lines lay on before, from the top down; a statement for
    each of them.

    In the answer, a sheet with `flat_of` stands for what was written after its `born` only.
    """
    pile = list(sheets)
    while (flat := pile[-1]).flat_of is not None:  # which lies on nothing, and so is the last one
        pile += replaced_pile(tx, flat)
    return tuple(pile)


def replaced_pile(tx: Tx, flat: Sheet) -> tuple[Sheet, ...]:
    """What a flattened line shows of before its birth, on the line that it replaced and under it;
    behind its own masks."""
    assert flat.flat_of is not None, "a line that replaced none"
    rows = tx.rows(_UNDER, {"line": flat.flat_of})
    first = rows[0]
    under = [Sheet(flat.flat_of, flat.born, born=first.born, flat_of=first.flat_of)]
    under += [layer_sheet(row) for row in rows if row.below is not None]
    return tuple(sheet.behind(flat) for sheet in under)


_FLAT, _OLDER = LINES.alias("flat"), LINES.alias("older")
_REPLACED = (
    sa.select(sa.func.max(_OLDER.c.id))
    .join(_FLAT, _FLAT.c.dataset == _OLDER.c.dataset)
    .where(
        _FLAT.c.id == sa.bindparam("line"),
        _OLDER.c.id < _FLAT.c.id,
        _OLDER.c.born <= _FLAT.c.born,
    )
)
"""The line that the dataset went on with before, if there was one."""
_BEFORE = Prepared(_LINE_WITH_LAYERS.where(LINES.c.id == _REPLACED.scalar_subquery()))


def with_the_past(tx: Tx, sheets: tuple[Sheet, ...]) -> tuple[Sheet, ...]:
    """As `unfolded`, whether the replaced lines still show what they showed or not: what was
    written on them, and is still known, was written in the past of what is shown now."""
    pile = list(sheets)
    while rows := tx.rows(_BEFORE, {"line": pile[-1].line}):
        pile.append(Sheet(rows[0].line, pile[-1].born, born=rows[0].born))
        pile += [layer_sheet(row) for row in rows if row.below is not None]
    return tuple(pile)


def begins_after(sheet: Sheet) -> int:
    """The version up to which a sheet of an unfolded pile is a copy of the one under it."""
    return 0 if sheet.flat_of is None else sheet.born
