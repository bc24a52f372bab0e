"""Which number of the model is which number of the service, and whether two versions agree.

Keys and writes of the model are paired with those of the service when they are first seen in the
head of a dataset. From then on a pair is firm: the same handle is the same number everywhere, and
the other way round, so equal writes of the model must be equal writes of the service.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson
import sqlalchemy as sa

from gql_service.catalog.prepared import read_annotations, read_items
from gql_service.catalog.visibility import open_views
from gql_service.database.engine import Tx
from tests.oracle.model import Annotation, Item, Snapshot, Stamp, World
from tests.versions.agreeing import Disagreement, agree
from tests.versions.service import START, Stage

Row = sa.Row[Any]


# The service's own statements for all that a view shows.
ITEMS_SHOWN = read_items(lambda c: sa.select(*c.all()))
ANNOTATIONS_SHOWN = read_annotations(lambda c: sa.select(*c.all()))


class Pairs:
    """A one-to-one relation between handles of the model and numbers of the service."""

    def __init__(self, what: str) -> None:
        self.what = what
        self.number: dict[int, int] = {}
        self.handle: dict[int, int] = {}

    def pair(self, handle: int, number: int) -> None:
        known = (self.number.setdefault(handle, number), self.handle.setdefault(number, handle))
        agree((number, known[1]), (known[0], handle), f"pairing of {self.what}")

    def forget_all_but(self, numbers: Collection[int]) -> None:
        """Drops the pairs of rows that are gone; a database may give their numbers again."""
        self.handle = {n: handle for n, handle in self.handle.items() if n in numbers}
        self.number = {handle: n for n, handle in self.handle.items()}


@dataclass
class Pairing:
    """All pairs of one history."""

    stage: Stage
    world: World
    datasets: list[int] = field(default_factory=list)
    items: Pairs = field(default_factory=lambda: Pairs("item keys"))
    annotations: Pairs = field(default_factory=lambda: Pairs("annotation keys"))
    item_writes: Pairs = field(default_factory=lambda: Pairs("item writes"))
    annotation_writes: Pairs = field(default_factory=lambda: Pairs("annotation writes"))

    def item_keys(self, handles: Iterable[int]) -> list[int]:
        """Numbers for handles; a handle nobody has paired stands for a thing that is not there."""
        return [self.items.number.get(handle, -handle) for handle in handles]

    def annotation_keys(self, handles: Iterable[int]) -> list[int]:
        return [self.annotations.number.get(handle, -handle) for handle in handles]

    def compare(self, tx: Tx, points: Sequence[tuple[int, int]]) -> None:
        """Raises Disagreement unless the rows of versions are the model's, lineage included."""
        numbers = [(self.datasets[dataset], version) for dataset, version in points]
        views = open_views(tx, numbers)
        for (dataset, version), number in zip(points, numbers, strict=True):
            snapshot = self.world.datasets[dataset].at(version)
            where = f"dataset {dataset} at version {version}"
            self._compare_items(where, snapshot, ITEMS_SHOWN.rows(tx, views[number]))
            self._compare_annotations(where, snapshot, ANNOTATIONS_SHOWN.rows(tx, views[number]))

    def _compare_items(self, where: str, snapshot: Snapshot, rows: Sequence[Row]) -> None:
        agree(len({row.path for row in rows}), len(rows), f"{where}: different paths")
        agree(len({row.key for row in rows}), len(rows), f"{where}: different keys")
        expected = {row.path: row for row in snapshot.items.values()}
        agree(sorted(row.path for row in rows), sorted(expected), f"{where}: paths")
        for row in sorted(rows, key=lambda row: row.key):
            item = expected[row.path]
            at = f"{where}: item {item.key} {item.path}"
            self.items.pair(item.key, row.key)
            self.item_writes.pair(item.write, row.write)
            agree(self._item(row), self._expected_item(item), at)

    def _item(self, row: Row) -> dict[str, Any]:
        return {
            "binary": row.binary,
            "metadata": orjson.loads(row.metadata),
            "metadata_known": bool(row.metadata_known),
            "description": row.description,
            "hidden": bool(row.hidden),
            "copied_from": row.copied_from,
            **_lineage(row),
        }

    def _expected_item(self, item: Item) -> dict[str, Any]:
        source = item.copied_from
        return {
            "binary": self.stage.binaries[item.binary],
            "metadata": dict(item.metadata),
            "metadata_known": item.metadata_known,
            "description": item.description,
            "hidden": item.hidden,
            "copied_from": None if source is None else self.items.number[source],
            **self._expected_lineage(item),
        }

    def _compare_annotations(self, where: str, snapshot: Snapshot, rows: Sequence[Row]) -> None:
        agree(len({row.key for row in rows}), len(rows), f"{where}: different annotation keys")
        self._pair_annotations(where, snapshot, rows)
        by_key = {row.key: row for row in rows}
        for annotation in snapshot.annotations.values():
            row = by_key[self.annotations.number[annotation.key]]
            at = f"{where}: annotation {annotation.key} of item {annotation.item}"
            if annotation.root not in self.annotations.number:
                self.annotations.pair(annotation.root, row.root)
            self.annotation_writes.pair(annotation.write, row.write)
            agree(self._annotation(row), self._expected_annotation(annotation), at)

    def _pair_annotations(self, where: str, snapshot: Snapshot, rows: Sequence[Row]) -> None:
        """Finds the partners of annotations whose keys are new, by all else that is known."""
        known = self.annotations
        new = [row for key, row in sorted(snapshot.annotations.items()) if key not in known.number]
        free = [row for row in sorted(rows, key=lambda r: r.key) if row.key not in known.handle]
        for row in new:
            told = self._signature(row)
            partner = next((one for one in free if self._told(one) == told), None)
            if partner is None:
                told_by = [self._told(one) for one in free]
                raise Disagreement(f"{where}: no annotation like {told} among {told_by}")
            free.remove(partner)
            known.pair(row.key, partner.key)
        expected = Counter(known.number[key] for key in snapshot.annotations)
        agree(Counter(row.key for row in rows), expected, f"{where}: annotation keys")

    def _signature(self, row: Annotation) -> dict[str, Any]:
        return {
            "content": self._expected_annotation_content(row),
            "root": self.annotations.number.get(row.root),
            "write": self.annotation_writes.number.get(row.write),
        }

    def _told(self, row: Row) -> dict[str, Any]:
        """What is known of a row of the service, in the terms of `_signature`."""
        return {
            "content": self._annotation_content(row),
            "root": row.root if row.root in self.annotations.handle else None,
            "write": row.write if row.write in self.annotation_writes.handle else None,
        }

    def _annotation_content(self, row: Row) -> dict[str, Any]:
        return {
            "item": row.item,
            "type": row.type,
            "label": row.label,
            "coordinates": orjson.loads(row.coordinates),
            "attributes": orjson.loads(row.attributes),
            "metadata": orjson.loads(row.metadata),
            "status": row.status,
            "status_known": bool(row.status_known),
        }

    def _expected_annotation_content(self, row: Annotation) -> dict[str, Any]:
        return {
            "item": self.items.number[row.item],
            "type": row.type,
            "label": row.label,
            "coordinates": row.coordinates,
            "attributes": dict(row.attributes),
            "metadata": dict(row.metadata),
            "status": row.status,
            "status_known": row.status_known,
        }

    def _annotation(self, row: Row) -> dict[str, Any]:
        return {**self._annotation_content(row), "root": row.root, **_lineage(row)}

    def _expected_annotation(self, row: Annotation) -> dict[str, Any]:
        return {
            **self._expected_annotation_content(row),
            "root": self.annotations.number[row.root],
            **self._expected_lineage(row),
        }

    def _expected_lineage(self, row: Item | Annotation) -> dict[str, Any]:
        dataset, version = self.world.origin[row.write]
        return {
            "origin": (self.datasets[dataset], version),
            "created": self._stamp(row.created),
            "updated": self._stamp(row.updated),
        }

    def _stamp(self, stamp: Stamp) -> tuple[int, int]:
        return (self.stage.users[stamp[0]], stamp[1])


def _lineage(row: Row) -> dict[str, Any]:
    return {
        "origin": (row.origin_dataset, row.origin_version),
        "created": (row.created_by, _tick(row.created_at)),
        "updated": (row.updated_by, _tick(row.updated_at)),
    }


def _tick(moment: datetime) -> int:
    return int((moment - START).total_seconds())
