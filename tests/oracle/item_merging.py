"""How a merge decides one item, once it is known which of its writes survive."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from tests.oracle.groups import FIRST, Conflict, Group, distinct, last_other
from tests.oracle.model import Item, Json

FIELDS = ("path", "binary", "description", "hidden")
ABSENT = object()
"""The value of a metadata key that is not there; different from every JSON value."""


@dataclass(frozen=True)
class Kept:
    """An item of the result; `decided` when the merge chose it, so that it is a new write."""

    row: Item
    decided: bool


@dataclass(frozen=True)
class Choices:
    """What the decisions depend on besides the rows."""

    on_conflict: str
    base: Item | None


def decide(
    group: Group[Item], survivors: list[int], choices: Choices
) -> tuple[Kept, list[Conflict]]:
    """The one row that stays of an item that stays."""
    rows = [group.representative(write) for write in survivors]
    informed = group.newest_known(set(survivors))
    if len(rows) == 1 or all(row.content() == rows[0].content() for row in rows):
        row = rows[0]
        if row.metadata_known or informed is None:
            return Kept(row, decided=group.rejected(row.write)), []
        overlaid = {**informed.metadata, **row.metadata}
        return Kept(replace(row, metadata=overlaid, metadata_known=True), decided=True), []
    return _several(group, rows, informed, choices)


def _several(
    group: Group[Item], rows: list[Item], informed: Item | None, choices: Choices
) -> tuple[Kept, list[Conflict]]:
    """Field by field, and metadata key by key, against what all have seen."""
    conflicts: list[Conflict] = []
    base = choices.base
    fields: dict[str, Json] = {}
    for name in FIELDS:
        before = getattr(base, name) if base is not None else None
        changed = [row for row in rows if base is None or getattr(row, name) != before]
        offers = [(row, getattr(row, name)) for row in changed]
        fields[name] = _choose(group, name, before, offers, choices, conflicts)
    knowing = any(row.metadata_known for row in rows)
    ground = base if knowing else informed
    before_all = ground.metadata if ground is not None and ground.metadata_known else {}
    metadata: dict[str, Json] = {}
    for key in sorted({*before_all, *(key for row in rows for key in row.metadata)}):
        before = before_all.get(key, ABSENT)
        offers = [(row, row.metadata.get(key, ABSENT)) for row in rows if _speaks_of(row, key)]
        changed_values = [(row, value) for row, value in offers if value != before]
        value = _choose(group, f"metadata.{key}", before, changed_values, choices, conflicts)
        if value is not ABSENT:
            metadata[key] = value
    row = replace(
        rows[0],
        **fields,
        metadata=metadata,
        metadata_known=knowing or informed is not None,
        updated=max((row.updated for row in rows), key=lambda stamp: stamp[1]),
    )
    return Kept(row, decided=True), conflicts


def _speaks_of(row: Item, key: str) -> bool:
    """A row that was written behind a mask says nothing about keys that it does not have."""
    return row.metadata_known or key in row.metadata


def _choose(
    group: Group[Item],
    field: str,
    before: Json,
    changed: Sequence[tuple[Item, Json]],
    choices: Choices,
    conflicts: list[Conflict],
) -> Json:
    """No change: as it was. One value: that. Several: the last or the first, and a conflict."""
    values = [value for _, value in changed]
    if not values:
        return before
    if len(distinct(values)) == 1:
        return values[0]
    chosen = values[0] if choices.on_conflict == FIRST else values[-1]
    right, other = changed[last_other(values)]
    left = changed[0][0]
    conflicts.append(
        Conflict(
            item=left.key,
            annotation=None,
            field=field,
            base=_shown(before),
            left=_shown(values[0]),
            right=_shown(other),
            chosen=_shown(chosen),
            left_source=group.first_holder(left.write),
            right_source=group.first_holder(right.write),
        )
    )
    return chosen


def _shown(value: Json) -> Json:
    return None if value is ABSENT else value
