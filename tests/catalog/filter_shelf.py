"""Puts plain items and annotations into the tables of a dataset, and opens views of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson
import sqlalchemy as sa
from sqlmodel import SQLModel

from gql_service.catalog.annotation import AnnotationState, AnnotationWhiteout
from gql_service.catalog.binary import Binary, BlobKey
from gql_service.catalog.dataset import Dataset
from gql_service.catalog.filter_limits import check
from gql_service.catalog.filter_sql import annotation_predicate, item_predicate
from gql_service.catalog.filters import AnnotationFilter, ItemFilter
from gql_service.catalog.item import ItemState, ItemWhiteout
from gql_service.catalog.json_text import canonical
from gql_service.catalog.line import Layer, Line
from gql_service.catalog.project import Project
from gql_service.catalog.user import User
from gql_service.catalog.visibility import View, open_view, visible_annotations, visible_items
from gql_service.database.columns import table_of
from gql_service.database.engine import Tx
from tests.catalog.filter_oracle import EMAILS, PlainAnnotation, PlainItem

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


@dataclass
class Shelf:
    """Datasets of one project; each has one line, whose number is the dataset's."""

    tx: Tx
    project: int
    datasets: int = 0

    def dataset(self, *, head: int = 1) -> int:
        """A new empty dataset; returns its number, which is also its line's."""
        self.datasets += 1
        insert(
            self.tx,
            Dataset,
            {
                "project": self.project,
                "name": f"d{self.datasets}",
                "type": "MASTER",
                "head": head,
                "creator": self.tx.actor,
                "created_at": LONG_AGO,
            },
        )
        newest: int = self.tx.scalar(sa.select(sa.func.max(table_of(Dataset).c.id)))
        insert(self.tx, Line, {"id": newest, "dataset": newest, "born": 1})
        return newest

    def lay(
        self, below: int, *, annotations: bool = True, metadata: bool = True, status: bool = True
    ) -> int:
        """A new dataset over another at its version 1."""
        line = self.dataset()
        insert(
            self.tx,
            Layer,
            {
                "line": line,
                "below": below,
                "depth": 1,
                "at": 1,
                "with_annotations": annotations,
                "with_metadata": metadata,
                "with_status": status,
            },
        )
        return line

    def put(self, line: int, items: Sequence[PlainItem]) -> None:
        """Writes items with their annotations in version 1 of a line."""
        bound = {item.sha256 or f"{item.key:064x}": item for item in items}
        insert(self.tx, BlobKey, *(_blob(sha) for sha in bound))
        insert(self.tx, Binary, *(_binary(sha, item) for sha, item in bound.items()))
        b = table_of(Binary)
        ids = {row.sha256: row.id for row in self.tx.rows(sa.select(b.c.sha256, b.c.id))}
        states = [_state(line, i, ids[i.sha256 or f"{i.key:064x}"]) for i in items]
        insert(self.tx, ItemState, *states)
        marks = [_mark(line, item.key, mark) for item in items for mark in item.annotations]
        insert(self.tx, AnnotationState, *marks)

    def cover(self, line: int, keys: Iterable[int]) -> None:
        """Hides items of lower lines and their annotations from `line`."""
        covered = list(keys)
        items, marks = table_of(ItemState), table_of(AnnotationState)
        for table, key, whiteout in (
            (items, items.c.key, ItemWhiteout),
            (marks, marks.c.item, AnnotationWhiteout),
        ):
            states = [row.id for row in self.tx.rows(sa.select(table.c.id).where(key.in_(covered)))]
            insert(self.tx, whiteout, *({"state": s, "line": line, "since": 1} for s in states))

    def view(self, dataset: int) -> View:
        return open_view(self.tx, dataset, None)


def shelf(tx: Tx) -> Shelf:
    """A project, and the users of whom items and annotations may be."""
    people = [
        {"id": number, "name": email, "email": email, "admin": False, "created_at": LONG_AGO}
        for number, email in EMAILS.items()
        if number != tx.actor
    ]
    insert(tx, User, *people)
    insert(tx, Project, {"name": "p", "creator": tx.actor, "created_at": LONG_AGO})
    return Shelf(tx, tx.scalar(sa.select(sa.func.max(table_of(Project).c.id))))


def insert(tx: Tx, model: type[SQLModel], *rows: dict[str, Any]) -> None:
    if rows:
        tx.execute(sa.insert(table_of(model)), list(rows))


def found_items(tx: Tx, view: View, where: ItemFilter) -> set[int]:
    """The keys of the items that satisfy a filter, which must be within the limits."""
    check(where)
    return matching_items(tx, view, where)


def matching_items(tx: Tx, view: View, where: ItemFilter) -> set[int]:
    """The keys of the items that satisfy a filter, however large."""
    shown = visible_items(
        view,
        lambda c: sa.select(c.key, item_predicate(where, c, view, postgres=tx.postgres)),
    )
    return _true_ones(tx.rows(shown))


def found_annotations(tx: Tx, view: View, where: AnnotationFilter) -> set[int]:
    check(where)
    return matching_annotations(tx, view, where)


def matching_annotations(tx: Tx, view: View, where: AnnotationFilter) -> set[int]:
    """As `matching_items`."""
    shown = visible_annotations(
        view,
        lambda c: sa.select(c.key, annotation_predicate(where, c, view, postgres=tx.postgres)),
    )
    return _true_ones(tx.rows(shown))


def _true_ones(rows: Sequence[sa.Row[Any]]) -> set[int]:
    assert all(verdict in (True, False) for _, verdict in rows), "a predicate was NULL"
    return {key for key, verdict in rows if verdict}


def _blob(sha: str) -> dict[str, Any]:
    return {"key": f"k{sha}", "state": "live", "lease_until": LONG_AGO}


def _binary(sha: str, item: PlainItem) -> dict[str, Any]:
    return {
        "sha256": sha,
        "size": item.size,
        "mime_type": item.mime_type,
        "width": item.width,
        "height": item.height,
        "blob_key": f"k{sha}",
        "state": "live",
        "created_at": LONG_AGO,
    }


def _state(line: int, item: PlainItem, binary: int) -> dict[str, Any]:
    return {
        "line": line,
        "since": 1,
        "key": item.key,
        "origin_dataset": line,
        "origin_version": 1,
        "path": item.path,
        "binary": binary,
        "metadata": canonical(item.metadata, object_only=True),
        "description": item.description,
        "hidden": item.hidden,
        "created_by": item.creator,
        "created_at": item.created_at or LONG_AGO,
        "updated_by": item.updated_by,
        "updated_at": item.updated_at or LONG_AGO,
    }


def _mark(line: int, item: int, mark: PlainAnnotation) -> dict[str, Any]:
    return {
        "line": line,
        "since": 1,
        "key": mark.key,
        "root": mark.key,
        "origin_dataset": line,
        "origin_version": 1,
        "item": item,
        "type": mark.type,
        "label": mark.label,
        "coordinates": orjson.dumps(None).decode(),
        "attributes": canonical(mark.attributes, object_only=True),
        "metadata": canonical(mark.metadata, object_only=True),
        "status": mark.status,
        "created_by": mark.creator,
        "created_at": mark.created_at or LONG_AGO,
        "updated_by": mark.creator,
        "updated_at": mark.updated_at or mark.created_at or LONG_AGO,
    }
