"""Who wrote each value that an item or an annotation has now, through clones and merges.

From the write that is shown, the values are followed back to the write before it, as long as they
are the same: who wrote a value is who made it differ. Where a clone or a merge decided, what it put
together was written elsewhere, by whoever had made it so last.

Where versions have expired, the way back may end too early: the answer then says so, and names the
oldest write that is known to have the value.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from gql_service.catalog.dataset import Operation
from gql_service.catalog.json_text import parse
from gql_service.catalog.lineage import PlacedItem
from gql_service.database.engine import Tx
from gql_service.versions.content import Row
from gql_service.versions.history import (
    PlacedAnnotation,
    pasts_of_annotations,
    pasts_of_items,
)
from gql_service.versions.past import Past
from gql_service.versions.past_rows import Change
from gql_service.versions.value_changes import same_json

Field = tuple[str, ...]
Values = dict[Field, Any]
_DECISIONS = {Operation.CLONE, Operation.MERGE}


@dataclass(frozen=True, slots=True)
class Blame:
    """Who wrote the value of a field, when, and in which version of which dataset; perhaps
    somebody had before, when it was there `or_earlier`."""

    path: Field
    user: int
    at: datetime
    dataset: int
    version: int
    or_earlier: bool = False


def blame_items(tx: Tx, items: Collection[PlacedItem]) -> dict[PlacedItem, list[Blame]]:
    """Of path, binary, description, hidden, and of each key of metadata."""
    pasts = pasts_of_items(tx, items)
    return {item: _blamed(item.row, past, _item_values) for item, past in pasts.items()}


def blame_annotations(
    tx: Tx, annotations: Collection[PlacedAnnotation]
) -> dict[PlacedAnnotation, list[Blame]]:
    """Of type, label, coordinates, status, and of each key of attributes and metadata."""
    pasts = pasts_of_annotations(tx, annotations)
    return {one: _blamed(one.row, past, _annotation_values) for one, past in pasts.items()}


def _blamed(row: Row, past: Past, values: Callable[[Row], Values]) -> list[Blame]:
    walk = _Walk(past, values)
    return [walk.writer(row, field, value) for field, value in values(row).items()]


class _Walk:
    """Back from write to write, in the past of one thing."""

    def __init__(self, past: Past, values: Callable[[Row], Values]) -> None:
        self._past = past
        self._values = values
        self._known: dict[int, Values] = {}
        self._made = {
            change.after.write: change
            for change in past.changes
            if change.after is not None and not change.copied
        }

    def writer(self, row: Row, field: Field, value: Any) -> Blame:
        """Of the value that a row has."""
        change = self._made.get(row.write)
        while change is not None and change.before is not None:
            if not self._has(change.before, field, value):
                break
            row = change.before
            change = self._made.get(row.write)
        if change is None:  # what was before it is purged
            origin = row.origin_dataset, row.origin_version
            lost = not self._past.complete
            return Blame(field, row.updated_by, row.updated_at, *origin, or_earlier=lost)
        unsure = self._past.began_earlier(change)
        if self._decided(change):
            given = self._given_before(change, field, value)
            unsure = not self._past.complete if given is None else self._past.began_earlier(given)
            change = given or change
        return replace(self._by(change, field), or_earlier=unsure)

    def _given_before(self, decision: Change, field: Field, value: Any) -> Change | None:
        """The last change before a decision that gave the field its value, and was none itself."""
        behind = self._past.changes[self._past.changes.index(decision) + 1 :]
        given = (change for change in behind if self._gave(change, field, value))
        return next((change for change in given if not self._decided(change)), None)

    def _gave(self, change: Change, field: Field, value: Any) -> bool:
        if change.copied or change.after is None or not self._has(change.after, field, value):
            return False
        return change.before is None or not self._has(change.before, field, value)

    def _has(self, row: Row, field: Field, value: Any) -> bool:
        known = self._known.get(id(row))
        if known is None:
            known = self._known[id(row)] = self._values(row)
        return field in known and same_json(known[field], value)

    def _decided(self, change: Change) -> bool:
        version = self._past.versions.get(change.place)
        return version is None or version.operation in _DECISIONS

    def _by(self, change: Change, field: Field) -> Blame:
        version, row = self._past.versions.get(change.place), change.either
        if version is None:
            return Blame(field, row.updated_by, row.updated_at, *change.place)
        return Blame(field, version.author, version.created_at, *change.place)


def _item_values(row: Row) -> Values:
    return {
        ("path",): row.path,
        ("binary",): row.binary,
        ("description",): row.description,
        ("hidden",): bool(row.hidden),
        **_keys("metadata", row.metadata),
    }


def _annotation_values(row: Row) -> Values:
    status: Values = {("status",): row.status} if row.status_known else {}
    return {
        ("type",): row.type,
        ("label",): row.label,
        ("coordinates",): parse(row.coordinates),
        **status,
        **_keys("attributes", row.attributes),
        **_keys("metadata", row.metadata),
    }


def _keys(name: str, text: str) -> Values:
    return {(name, key): value for key, value in sorted(parse(text).items())}
