"""What merges still learn of states that retention took away: which they were, and who ended them.

A thing that was removed may be held elsewhere all the same. Its last value in common is then known
by its write, and not by what it said.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from gql_service.catalog.lost_state import LOST
from gql_service.catalog.visibility import LINES, Sheet
from gql_service.database.engine import Tx
from gql_service.database.sets import among
from gql_service.versions.content import AnnotationContent, Authorship, ItemContent, Written
from gql_service.versions.merge_rules import AnnotationFact, ItemFact

_NOBODY = Authorship(0, datetime.min.replace(tzinfo=UTC), 0, datetime.min.replace(tzinfo=UTC))


def lost_items(tx: Tx, lines: sa.Select[Any], keys: Sequence[int]) -> Iterator[ItemFact]:
    """The last states of items that were removed from these lines, without what they were."""
    c = LOST.c
    for row in tx.rows(sa.select(LOST).where(c.line.in_(lines), c.of_item, among(c.key, keys))):
        yield ItemFact(row.key, _written(row), ItemContent("", 0), _NOBODY, lost=True)


def lost_annotations(
    tx: Tx, lines: sa.Select[Any], roots: Sequence[int]
) -> Iterator[AnnotationFact]:
    """The last states of these lineages that were removed from these lines; as `lost_items`."""
    c = LOST.c
    for wanted in (among(c.key, roots), sa.and_(c.root != c.key, among(c.root, roots))):
        for row in tx.rows(sa.select(LOST).where(c.line.in_(lines), ~c.of_item, wanted)):
            content = AnnotationContent(row.item, "", "")
            yield AnnotationFact(row.key, row.root, _written(row), content, _NOBODY, lost=True)


def lost_removals(sheets: Sequence[Sheet], keys: Sequence[int]) -> sa.Select[Any]:
    """Which items were removed where on the lines of a pile, as far as it sees them."""
    c = LOST.c
    seen = [sa.and_(c.line == sheet.line, c.until <= sheet.at) for sheet in sheets]
    return (
        sa.select(c.key, LINES.c.dataset, LINES.c.id.label("line"), c.until.label("version"))
        .join(LINES, LINES.c.id == c.line)
        .where(c.of_item, among(c.key, keys), sa.or_(*seen))
    )


def _written(row: sa.Row[Any]) -> Written:
    return Written(row.write, row.origin_dataset, row.origin_version)
