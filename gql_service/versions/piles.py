"""Piles as they were before they were flattened: where two of them meet can then be seen.

A line that began with copies of what another one showed is, to whoever compares, that other pile
with what was written since on top. Only where the older line still shows what it showed then:
otherwise `flat_of` is gone, and all that the line holds has to be looked at.
"""

from __future__ import annotations

import sqlalchemy as sa

from gql_service.catalog.sheet import Sheet
from gql_service.catalog.visibility import LAYERS, LINES, LOWER, layer_sheet
from gql_service.database.engine import Tx
from gql_service.database.plan import Prepared

_UNDER = Prepared(
    sa.select(
        LINES.c.born,
        LINES.c.flat_of,
        LAYERS.c.below,
        LAYERS.c.at,
        LAYERS.c.with_annotations,
        LAYERS.c.with_metadata,
        LAYERS.c.with_status,
        LOWER.c.born.label("below_born"),
        LOWER.c.flat_of.label("below_flat_of"),
    )
    .select_from(
        LINES.outerjoin(LAYERS, LAYERS.c.line == LINES.c.id).outerjoin(
            LOWER, LOWER.c.id == LAYERS.c.below
        )
    )
    .where(LINES.c.id == sa.bindparam("line"))
    .order_by(LAYERS.c.depth)
)


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


def begins_after(sheet: Sheet) -> int:
    """The version up to which a sheet of an unfolded pile is a copy of the one under it."""
    return 0 if sheet.flat_of is None else sheet.born
