"""The rows of new states: what is given, who gave it, and where it was first written."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from gql_service.catalog.binary import revive
from gql_service.catalog.visibility import (
    ANNOTATION_WHITEOUTS,
    ANNOTATIONS,
    ITEM_WHITEOUTS,
    ITEMS,
    View,
)
from gql_service.database.columns import FOREVER, to_microseconds
from gql_service.database.engine import Tx
from gql_service.database.plan import Prepared
from gql_service.database.sets import among_given, chunks
from gql_service.versions.content import AnnotationPut, ItemPut, Row
from gql_service.versions.indexing import close_values, index_keys

_STATE = (
    "line",
    "since",
    "until",
    "key",
    "copy_of",
    "origin_dataset",
    "origin_version",
    "created_by",
    "created_at",
    "updated_by",
    "updated_at",
)
_ITEM = (
    *_STATE,
    "path",
    "binary",
    "metadata",
    "metadata_known",
    "description",
    "hidden",
    "copied_from",
)
_ANNOTATION = (
    *_STATE,
    "root",
    "item",
    "type",
    "label",
    "coordinates",
    "attributes",
    "metadata",
    "status",
    "status_known",
)


def insert_items(tx: Tx, view: View, puts: Sequence[ItemPut], held: Mapping[int, Row]) -> None:
    """Writes items on the view's own line, from its version on. `held` is what they replace."""
    revive(tx, {put.content.binary for put in puts})
    state = _states(tx, view)
    rows = []
    for put in puts:
        content, current = put.content, held.get(put.key)
        rows.append(
            (
                *state(put, current),
                content.path,
                content.binary,
                content.metadata,
                content.metadata_known,
                content.description,
                content.hidden,
                current.copied_from if current else put.copied_from,
            )
        )
    if rows:
        tx.insert(ITEMS, _ITEM, rows)
        index_keys(tx, view.line, [put.key for put in puts])


def insert_annotations(
    tx: Tx, view: View, puts: Sequence[AnnotationPut], held: Mapping[int, Row]
) -> None:
    """Writes annotations; as `insert_items`."""
    state = _states(tx, view)
    rows = []
    for put in puts:
        content = put.content
        rows.append(
            (
                *state(put, held.get(put.key)),
                put.root,
                content.item,
                content.type,
                content.label,
                content.coordinates,
                content.attributes,
                content.metadata,
                content.status,
                content.status_known,
            )
        )
    if rows:
        tx.insert(ANNOTATIONS, _ANNOTATION, rows)


def _states(tx: Tx, view: View) -> Callable[[ItemPut | AnnotationPut, Row | None], tuple[Any, ...]]:
    """Makes what every new state has: dates, identity, origin, authors."""
    now = to_microseconds(tx.now)
    dates, here = (view.line, view.version, FOREVER), (view.dataset, view.version)
    new_here, new_now = (None, *here), (tx.actor, now, tx.actor, now)

    def state(put: ItemPut | AnnotationPut, current: Row | None) -> tuple[Any, ...]:
        copied, authors = put.written, put.authorship
        origin = (copied.write, copied.dataset, copied.version) if copied else new_here
        by: tuple[Any, ...]
        if authors:
            by = (
                authors.created_by,
                to_microseconds(authors.created_at),
                authors.updated_by,
                to_microseconds(authors.updated_at),
            )
        elif current is not None:
            by = (current.created_by, to_microseconds(current.created_at), tx.actor, now)
        else:
            by = new_now
        return (*dates, put.key, *origin, *by)

    return state


def end_states(tx: Tx, view: View, states: sa.Table, rows: Sequence[Row]) -> None:
    """Ends visible states with the view's version: those on its own line are closed, those that
    shine through from a lower line are covered."""
    own = [row.id for row in rows if row.line == view.line]
    for part in chunks(own):
        if view.version == 1:  # copied into this very version: replaced, it was never seen
            tx.run(_UNDO[states], {"ended": part})
        else:
            tx.run(_CLOSE[states], {"ended": part, "at": view.version})
            if states is ITEMS:
                close_values(tx, part, view.version)
    inherited = [row.id for row in rows if row.line != view.line]
    for part in chunks(inherited):
        whiteouts = [(state, view.line, view.version) for state in part]
        tx.insert(_COVERS[states], ("state", "line", "since"), whiteouts)


_STATES = (ITEMS, ANNOTATIONS)
_UNDO = {
    table: Prepared(sa.delete(table).where(among_given(table.c.id, "ended"))) for table in _STATES
}
_CLOSE = {
    table: Prepared(
        sa.update(table).where(among_given(table.c.id, "ended")).values(until=sa.bindparam("at"))
    )
    for table in _STATES
}
_COVERS = {ITEMS: ITEM_WHITEOUTS, ANNOTATIONS: ANNOTATION_WHITEOUTS}
