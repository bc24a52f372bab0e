"""Histories and blame of the service against the model: what every version wrote is remembered.

The model knows which writes a version has seen, and where each was made. Those places and removals
are the events that the service has to tell; and who is blamed for a value must have written it.
"""

from __future__ import annotations

import random
from typing import Any

from gql_service.catalog.lineage import PlacedItem, items_at
from gql_service.catalog.visibility import open_view
from gql_service.database.engine import Tx
from gql_service.versions.blame import Blame, blame_annotations, blame_items
from gql_service.versions.content import annotations_of_items
from gql_service.versions.diff import ItemDifference
from gql_service.versions.diff_annotations import AnnotationDifference
from gql_service.versions.history import (
    PlacedAnnotation,
    annotation_histories,
    inside_events,
    item_histories,
)
from gql_service.versions.past import Place
from tests.oracle.differing import diff
from tests.oracle.model import Annotation, Item, Snapshot
from tests.versions.pairing import agree
from tests.versions.twin import Twin

POINTS = 2
"""How many versions are asked for the past of all that they show, at the end of a history."""


def compare_pasts(twin: Twin) -> None:
    """Of some versions. After a purge, which takes parts away, they only have to be told."""
    points = [(dataset, v) for dataset in twin.alive() for v in twin.model(dataset).readable()]
    chooser = random.Random(twin.world.last_write)
    with twin.database.read(actor=twin.stage.users[0]) as tx:
        for dataset, version in chooser.sample(points, min(POINTS, len(points))):
            _Past(twin, tx, dataset, version).compare()


class _Past:
    """What the model and the service tell of everything that a version shows."""

    def __init__(self, twin: Twin, tx: Tx, dataset: int, version: int) -> None:
        self.twin, self.tx = twin, tx
        self.where = (dataset, version)
        self.snapshot = twin.model(dataset).at(version)
        self.at = (twin.id(dataset), version)
        self.model_of = {number: handle for handle, number in enumerate(twin.pairing.datasets)}
        self.items = twin.pairing.items.handle
        self.annotations = twin.pairing.annotations.handle

    def compare(self) -> None:
        keys = self.twin.pairing.item_keys(self.snapshot.items)
        placed = list(items_at(self.tx, {self.at: keys}).values())
        rows = annotations_of_items(self.tx, open_view(self.tx, *self.at), keys)
        marks = [PlacedAnnotation(*self.at, row) for row in rows]
        pasts, blames = item_histories(self.tx, placed), blame_items(self.tx, placed)
        told, written = annotation_histories(self.tx, marks), blame_annotations(self.tx, marks)
        if self.twin.purged:
            return
        for item in placed:
            self._compare_item(self.items[item.row.key], pasts[item].events)
            self._compare_item_blame(item, blames[item])
        for mark in marks:
            self._compare_annotation(mark, {place for place, _ in told[mark].events})
            self._compare_annotation_blame(mark, written[mark])
            for place, one in told[mark].events:
                self._compare_sides(place, one)

    def _written(self, item: int, root: int | None = None) -> set[Place]:
        """Where writes of an item (of it and on it, or of one lineage) were made, and seen."""
        places = set()
        for key, lineage, write in self.snapshot.seen:
            if key == item and (root is None or lineage == root):
                dataset, version = self.twin.world.origin[write]
                if self._can_be_told(dataset, version):
                    places.add((self.twin.id(dataset), version))
        return places

    def _can_be_told(self, dataset: int, version: int) -> bool:
        """Whether a version and the one before can be read, of a dataset that is there."""
        model = self.twin.model(dataset)
        return not model.deleted and model.expired.isdisjoint({version - 1, version})

    def _around(self, place: Place) -> tuple[Snapshot | None, Snapshot]:
        dataset = self.twin.model(self.model_of[place[0]])
        before = dataset.then(place[1] - 1) if place[1] > 1 else None
        return before, dataset.then(place[1])

    def _compare_item(self, key: int, events: list[tuple[Place, ItemDifference]]) -> None:
        what = f"history of item {key} at {self.where}"
        told, written = dict(events), self._written(key)
        for dataset, version in told:
            assert self._can_be_told(self.model_of[dataset], version), f"{what}: told too much"
        agree(len(told), len(events), f"{what}: each version once")
        agree(written - told.keys(), set(), f"{what}: forgotten")
        inside = inside_events(self.tx, [(*place, one.key) for place, one in events])
        for place, one in events:
            before, after = self._around(place)
            if before is None:
                assert place in written, f"{what}: nothing was written at {place}"
                continue
            assert place in written or _lost(before, after, key), f"{what}: nothing at {place}"
            pair = (key if key in before.items else None, key if key in after.items else None)
            expected = diff(before, after).get(pair)
            if expected is None:
                assert place in written, f"{what}: nothing happened at {place}"
                continue
            agree(one.kind.value, expected.kind, f"{what}: kind at {place}")
            found = inside[*place, one.key]
            for kind, keys in (("ADDED", expected.added), ("REMOVED", expected.removed)):
                got = {self.annotations[row.key] for row in found if row.kind.value == kind}
                agree(got, set(keys), f"{what}: annotations {kind} at {place}")
        self._compare_removals(key, told.keys(), what)

    def _compare_removals(self, key: int, told: Any, what: str) -> None:
        """In the dataset itself every removal is told."""
        for version in range(2, self.where[1] + 1):
            before, after = self._around((self.at[0], version))
            assert before is not None
            told_then = self._can_be_told(self.where[0], version)
            if key in before.items and key not in after.items and told_then:
                assert (self.at[0], version) in told, f"{what}: removal at {version} forgotten"

    def _compare_annotation(self, mark: PlacedAnnotation, told: set[Place]) -> None:
        row = self.snapshot.annotations[self.annotations[mark.row.key]]
        what = f"history of annotation {row.key} at {self.where}"
        written = self._written(row.item, row.root)
        origin = self.twin.world.origin[row.write]
        if self._can_be_told(*origin):
            assert (self.twin.id(origin[0]), origin[1]) in told, f"{what}: its own write"
        siblings = [one for one in self.snapshot.annotations.values() if one.root == row.root]
        if row.key == row.root and len(siblings) == 1 and not self._was_kept_beside(row.root):
            agree(written - told, set(), f"{what}: forgotten")
        for place in told - written:
            before, after = self._around(place)
            gone = before is not None and before.annotations.keys() - after.annotations.keys()
            assert gone, f"{what}: nothing was removed at {place}"

    def _compare_sides(self, place: Place, one: AnnotationDifference) -> None:
        """As it was before and after, behind the masks of the dataset it was done in."""
        for snapshot, row in zip(self._around(place), (one.before, one.after), strict=True):
            key = self.annotations[one.key]
            expected = snapshot.annotations.get(key) if snapshot else None
            if snapshot is not None:
                got = row and (row.label, row.status, bool(row.status_known))
                told = expected and (expected.label, expected.status, expected.status_known)
                agree(got, told, f"annotation {key} around {place}")

    def _was_kept_beside(self, root: int) -> bool:
        return any(
            one.root == root != one.key
            for dataset in self.twin.world.datasets
            for snapshot in dataset.versions
            for one in snapshot.annotations.values()
        )

    def _compare_item_blame(self, item: PlacedItem, blamed: list[Blame]) -> None:
        key = self.items[item.row.key]
        present = _item_fields(self.snapshot.items[key])
        agree({one.path for one in blamed}, present.keys(), f"blame of item {key}: fields")
        for one in blamed:
            rows = [s and s.items.get(key) for s in self._around((one.dataset, one.version))]
            fields = [_item_fields(row) if row else {} for row in rows]
            self._check(one, present[one.path], fields, f"blame of item {key} at {self.where}")

    def _compare_annotation_blame(self, mark: PlacedAnnotation, blamed: list[Blame]) -> None:
        row = self.snapshot.annotations[self.annotations[mark.row.key]]
        present = _annotation_fields(row)
        for one in blamed:
            wrote = [
                [
                    _annotation_fields(a)
                    for a in (s.annotations.values() if s else ())
                    if a.root == row.root
                ]
                for s in self._around((one.dataset, one.version))
            ]
            values = [[fields.get(one.path) for fields in side] for side in wrote]
            what = f"blame of annotation {row.key} at {self.where}"
            assert present[one.path] in values[1], f"{what}: {one} did not write it"

    def _check(self, one: Blame, value: Any, fields: list[dict[Any, Any]], what: str) -> None:
        before, after = fields
        agree(after.get(one.path), value, f"{what}: {one} did not write it")
        operation = self._around((one.dataset, one.version))[1].operation
        if operation not in ("CLONE", "MERGE") and not one.or_earlier:
            unchanged = one.path in before and repr(before[one.path]) == repr(value)
            assert not unchanged, f"{what}: {one} found it like that"


def _lost(before: Snapshot, after: Snapshot, item: int) -> bool:
    """Whether an item went, or an annotation of it."""
    rows = before.annotations_of(item)
    return item not in after.items or any(row.key not in after.annotations for row in rows)


def _item_fields(row: Item) -> dict[tuple[str, ...], Any]:
    fields: dict[tuple[str, ...], Any] = {
        (name,): getattr(row, name) for name in ("path", "binary", "description", "hidden")
    }
    return fields | {("metadata", key): value for key, value in row.metadata.items()}


def _annotation_fields(row: Annotation) -> dict[tuple[str, ...], Any]:
    names = ("type", "label", "coordinates", "status")
    fields: dict[tuple[str, ...], Any] = {(name,): getattr(row, name) for name in names}
    return fields | {("metadata", key): value for key, value in row.metadata.items()}
