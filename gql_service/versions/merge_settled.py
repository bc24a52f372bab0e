"""What two sources show in the same writing: asked of the database, so that nobody has to read it.

After one dataset has taken in another, each has the other's rows on a line of its own: all of them
could differ, and none does. Merged again, they would be read and judged one by one.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import sqlalchemy as sa

from gql_service.catalog.visibility import (
    AnnotationColumns,
    ItemColumns,
    View,
    visible_annotations,
    visible_items,
)
from gql_service.database.engine import Tx
from gql_service.database.sets import among, chunks


def settled_items(tx: Tx, left: View, right: View, keys: Collection[int]) -> set[int]:
    """Those of these items that both show in the same writing, and know equally well."""
    found: set[int] = set()
    for part in chunks(sorted(keys)):

        def build(c: ItemColumns, part: list[int] = part) -> sa.Select[Any]:
            return sa.select(c.key, c.write, c.metadata_known).where(among(c.key, part))

        ours, theirs = visible_items(left, build), visible_items(right, build)
        found |= _in_both(tx, ours, theirs)
    return found


def settled_annotations(tx: Tx, left: View, right: View, roots: Collection[int]) -> set[int]:
    """Those of these lineages that both show as one annotation, in the same writing. Where a merge
    kept several beside one another, they have to be compared with each other."""
    found: set[int] = set()
    for part in chunks(sorted(roots)):

        def alone(c: AnnotationColumns, part: list[int] = part) -> sa.Select[Any]:
            same = sa.select(c.key, c.write, c.status_known)
            return same.where(among(c.key, part), c.root == c.key)

        def beside(c: AnnotationColumns, part: list[int] = part) -> sa.Select[Any]:
            return sa.select(c.root).where(c.root != c.key, among(c.root, part))

        ours, theirs = visible_annotations(left, alone), visible_annotations(right, alone)
        found |= _in_both(tx, ours, theirs)
        for view in (left, right):
            found -= {row[0] for row in tx.rows(visible_annotations(view, beside))}
    return found


def _in_both(
    tx: Tx,
    ours: sa.Select[Any] | sa.CompoundSelect[Any],
    theirs: sa.Select[Any] | sa.CompoundSelect[Any],
) -> set[int]:
    both = sa.select(ours.subquery()).intersect(sa.select(theirs.subquery()))
    return {row[0] for row in tx.rows(both)}
