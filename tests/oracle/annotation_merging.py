"""How a merge decides one lineage of annotations, once it is known which writes survive."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from tests.oracle.groups import FIRST, Conflict, Group, distinct, last_other
from tests.oracle.model import Annotation

BOTH = "both"


@dataclass(frozen=True)
class Kept:
    """A row of the result; `decided` when the merge chose it, so that it is a new write."""

    row: Annotation
    decided: bool


@dataclass(frozen=True)
class Choices:
    """What the decisions depend on besides the rows."""

    on_conflict: str
    fresh_key: Callable[[], int]
    base: Annotation | None


def decide(
    group: Group[Annotation], survivors: list[int], choices: Choices
) -> tuple[list[Kept], list[Conflict]]:
    """The rows that stay under one root, with their keys, and what was in conflict."""
    if not survivors:
        return [], []
    if any(len(rows) > 1 for rows in group.held):
        return _siblings(group, survivors, choices)
    if len(survivors) == 1:
        return [_alone(group, survivors[0])], []
    rows = [group.representative(write) for write in survivors]
    if all(row.content() == rows[0].content() for row in rows):
        return [_alone(group, survivors[0])], []
    return _several(group, rows, choices)


def _alone(group: Group[Annotation], write: int) -> Kept:
    """A survivor that does not know its status takes the newest one that somebody holds."""
    row = group.representative(write)
    informed = None if row.status_known else group.newest_known({write})
    if informed is not None:
        return Kept(replace(row, status=informed.status, status_known=True), decided=True)
    return Kept(row, decided=group.rejected(write))


def _several(
    group: Group[Annotation], rows: list[Annotation], choices: Choices
) -> tuple[list[Kept], list[Conflict]]:
    base = choices.base
    changed = [row for row in rows if base is None or row.value() != base.value()]
    values = distinct([row.value() for row in changed])
    if len(values) > 1:
        return _both(group, changed, choices)
    row, conflicts = _one_status(group, rows, choices)
    if values:
        giver = changed[-1]
        row = replace(
            row,
            type=giver.type,
            label=giver.label,
            coordinates=giver.coordinates,
            attributes=giver.attributes,
            metadata=giver.metadata,
            updated=giver.updated,
        )
    elif base is not None:
        row = replace(
            row,
            type=base.type,
            label=base.label,
            coordinates=base.coordinates,
            attributes=base.attributes,
            metadata=base.metadata,
            updated=rows[-1].updated,
        )
    return [Kept(row, decided=True)], conflicts


def _one_status(
    group: Group[Annotation], rows: list[Annotation], choices: Choices
) -> tuple[Annotation, list[Conflict]]:
    """The first survivor under the status that the merge gives it."""
    base = choices.base
    first = rows[0]
    knowing = [row for row in rows if row.status_known]
    if not knowing:
        informed = group.newest_known({row.write for row in rows})
        if informed is None:
            return replace(first, status=None, status_known=False), []
        return replace(first, status=informed.status, status_known=True), []
    before = base.status if base is not None else None
    changed = [row for row in knowing if base is None or row.status != before]
    statuses = [row.status for row in changed]
    if not statuses:
        return replace(first, status=before, status_known=True), []
    chosen = statuses[0] if choices.on_conflict == FIRST else statuses[-1]
    row = replace(first, status=chosen, status_known=True)
    if len(distinct(statuses)) == 1:
        return row, []
    right = changed[last_other(statuses)]
    conflict = Conflict(
        item=first.item,
        annotation=first.key,
        field="status",
        base=before,
        left=statuses[0],
        right=right.status,
        chosen=chosen,
        left_source=group.first_holder(changed[0].write),
        right_source=group.first_holder(right.write),
    )
    return row, [conflict]


def _both(
    group: Group[Annotation], changed: list[Annotation], choices: Choices
) -> tuple[list[Kept], list[Conflict]]:
    """Every different value stays, each under a key of its own."""
    kept: list[Annotation] = []
    for row in changed:
        if all(row.value() != other.value() for other in kept):
            kept.append(row)
    taken = {kept[0].key}
    result = [Kept(kept[0], decided=group.rejected(kept[0].write))]
    for row in kept[1:]:
        held = [other.key for other in group.rows_with(row.write)]
        key = next((key for key in held if key not in taken), None)
        if key is None:
            key = choices.fresh_key()
        taken.add(key)
        result.append(Kept(replace(row, key=key), decided=group.rejected(row.write)))
    right = kept[-1]
    conflict = Conflict(
        item=changed[0].item,
        annotation=result[0].row.key,
        field="annotation",
        base=choices.base,
        left=changed[0],
        right=right,
        chosen=BOTH,
        left_source=group.first_holder(changed[0].write),
        right_source=group.first_holder(right.write),
    )
    return result, [conflict]


def _siblings(
    group: Group[Annotation], survivors: list[int], choices: Choices
) -> tuple[list[Kept], list[Conflict]]:
    """Some side already holds several rows of the root: all different survivors stay."""
    rows: list[Annotation] = []
    for write in survivors:
        row = group.representative(write)
        if all(row.content() != other.content() for other in rows):
            rows.append(row)
    keys = _sibling_keys(group, rows, choices)
    result = [
        Kept(replace(row, key=keys[row.write]), decided=group.rejected(row.write)) for row in rows
    ]
    if len(rows) <= max(len(held) for held in group.held):
        return result, []
    old = {row.key for held in group.held for row in held}
    conflict = Conflict(
        item=rows[0].item,
        annotation=next(keys[row.write] for row in rows if keys[row.write] in old),
        field="annotation",
        base=None,
        left=rows[0],
        right=rows[-1],
        chosen=BOTH,
        left_source=group.first_holder(rows[0].write),
        right_source=group.first_holder(rows[-1].write),
    )
    return result, [conflict]


def _sibling_keys(
    group: Group[Annotation], rows: list[Annotation], choices: Choices
) -> dict[int, int]:
    """The side with most rows keeps its keys; the others reuse a free one, or get a fresh one."""
    order = sorted(range(len(group.held)), key=lambda side: (-len(group.held[side]), side))
    keys: dict[int, int] = {}
    for side in order:
        for row in rows:
            for held in group.held[side]:
                wanted = held.write == row.write and row.write not in keys
                if wanted and held.key not in keys.values():
                    keys[row.write] = held.key
    for row in rows:
        if row.write not in keys:
            given_up = _given_up_key(group, row, {row.write for row in rows}, set(keys.values()))
            keys[row.write] = given_up or choices.fresh_key()
    return keys


def _given_up_key(
    group: Group[Annotation], row: Annotation, kept: set[int], taken: set[int]
) -> int | None:
    """The key of a write that is not kept, and that a holder of `row` has seen."""
    for held in group.held:
        for other in held:
            seen = any(group.seen(side, other.write) for side in group.holders(row.write))
            if seen and other.write not in kept and other.key not in taken:
                return other.key
    return None
