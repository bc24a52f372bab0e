"""The rows of new states: what is given, who gave it, and where it was first written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from gql_service.catalog.binary import revive
from gql_service.catalog.visibility import ANNOTATIONS, ITEMS, View
from gql_service.database.columns import FOREVER
from gql_service.database.engine import Tx
from gql_service.versions.content import AnnotationPut, ItemPut, Row


def insert_items(tx: Tx, view: View, puts: Sequence[ItemPut], held: Mapping[int, Row]) -> None:
    """Writes items on the view's own line, from its version on. `held` is what they replace."""
    revive(tx, {put.content.binary for put in puts})
    rows = []
    for put in puts:
        content, current = put.content, held.get(put.key)
        rows.append(
            {
                **_state(tx, view, put, current),
                "path": content.path,
                "binary": content.binary,
                "metadata": content.metadata,
                "metadata_known": content.metadata_known,
                "description": content.description,
                "hidden": content.hidden,
                "copied_from": current.copied_from if current else put.copied_from,
            }
        )
    if rows:
        tx.execute(sa.insert(ITEMS), rows)


def insert_annotations(
    tx: Tx, view: View, puts: Sequence[AnnotationPut], held: Mapping[int, Row]
) -> None:
    """Writes annotations; as `insert_items`."""
    rows = []
    for put in puts:
        content = put.content
        rows.append(
            {
                **_state(tx, view, put, held.get(put.key)),
                "root": put.root,
                "item": content.item,
                "type": content.type,
                "label": content.label,
                "coordinates": content.coordinates,
                "attributes": content.attributes,
                "metadata": content.metadata,
                "status": content.status,
                "status_known": content.status_known,
            }
        )
    if rows:
        tx.execute(sa.insert(ANNOTATIONS), rows)


def _state(tx: Tx, view: View, put: ItemPut | AnnotationPut, current: Row | None) -> dict[str, Any]:
    """What every new state has: dates, identity, origin, authors."""
    copied, authors = put.written, put.authorship
    created_by = authors.created_by if authors else tx.actor
    created_at = authors.created_at if authors else tx.now
    if authors is None and current is not None:
        created_by, created_at = current.created_by, current.created_at
    return {
        "line": view.line,
        "since": view.version,
        "until": FOREVER,
        "key": put.key,
        "copy_of": copied.write if copied else None,
        "origin_dataset": copied.dataset if copied else view.dataset,
        "origin_version": copied.version if copied else view.version,
        "created_by": created_by,
        "created_at": created_at,
        "updated_by": authors.updated_by if authors else tx.actor,
        "updated_at": authors.updated_at if authors else tx.now,
    }
