"""Steps that flatten: nothing that anybody is told may change by it, whatever goes on meanwhile.

The model knows nothing of lines, so there is nothing to do for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from gql_service.catalog.lineage import items_at
from gql_service.catalog.storage import storage_of
from gql_service.catalog.visibility import open_view
from gql_service.database.engine import Tx
from gql_service.versions import flattening
from gql_service.versions.blame import blame_annotations, blame_items
from gql_service.versions.comparison import compare
from gql_service.versions.content import annotations_of_items
from gql_service.versions.flatten import flatten
from gql_service.versions.history import (
    PlacedAnnotation,
    annotation_histories,
    inside_events,
    item_histories,
)
from tests.versions.agreeing import agree
from tests.versions.steps import Choose, Step, any_dataset, chance, one
from tests.versions.twin import Twin

SMALL = 2
"""States in a transaction, so that there are many of these."""


class Interrupted(Exception):
    """Somebody pulled the plug."""


def flatten_quietly(twin: Twin, choose: Choose) -> None:
    """All that is told of a version is told again, to the letter."""
    dataset = one(choose, twin.alive())
    version = one(choose, sorted(twin.model(dataset).readable()))
    before = told(twin, dataset, version)
    done = flatten(twin.database, twin.id(dataset))
    assert done is not None, f"nobody else flattens dataset {dataset}"
    twin.done["flatten"] += 1
    agree(told(twin, dataset, version), before, f"{dataset} at {version}: flattened")
    twin.check(dataset)


def flatten_amid(steps: Sequence[Step]) -> Step:
    """Flattens in small pieces, while other steps are done; now and then it is interrupted."""

    def flatten_amid(twin: Twin, choose: Choose) -> None:
        dataset, left = any_dataset(twin, choose), 1 + choose(4)

        def rest() -> None:
            nonlocal left
            if chance(choose, 4):
                raise Interrupted
            if left and chance(choose, 40):
                left -= 1
                one(choose, steps)(twin, choose)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(flattening, "BATCH", SMALL)
            try:
                done = flatten(twin.database, twin.id(dataset), rest=rest)
                name = "flatten in pieces" + (": not" if done is None else "")
            except Interrupted:
                name = "flatten: interrupted"
        twin.done[name] += 1
        if not twin.model(dataset).deleted:
            twin.check(dataset)

    return flatten_amid


def told(twin: Twin, dataset: int, version: int) -> Any:
    """Histories, blame, differences and bytes of a version, but not which rows say so."""
    place = (twin.id(dataset), version)
    readable = [v for v in sorted(twin.model(dataset).readable()) if v <= version]
    with twin.database.read(twin.stage.users[0]) as tx:
        view = open_view(tx, *place)
        keys = sorted(twin.pairing.item_keys(twin.model(dataset).at(version).items))
        items = sorted(items_at(tx, {place: keys}).values(), key=lambda item: item.row.key)
        marks = [PlacedAnnotation(*place, row) for row in annotations_of_items(tx, view, keys)]
        histories = item_histories(tx, items)
        inside = {(*at, event.key) for past in histories.values() for at, event in past.events}
        return (
            [(histories[item], blame_items(tx, [item])[item]) for item in items],
            _changes(tx, marks),
            {
                at: [(one.kind, *map(_content, (one.before, one.after))) for one in found]
                for at, found in inside_events(tx, inside).items()
            },
            [compare(tx, (place[0], v), place).counts(tx, None) for v in readable],
            [
                compare(tx, (place[0], v), place).page(tx, None, None, 99)
                for v in (readable[0], version)
            ],
            storage_of(tx, [place]),
        )


def _changes(tx: Tx, marks: Sequence[PlacedAnnotation]) -> list[Any]:
    histories, blames = annotation_histories(tx, marks), blame_annotations(tx, marks)
    return sorted(
        (
            mark.row.key,
            str(
                [
                    (at, one.kind, _content(one.before), _content(one.after))
                    for at, one in histories[mark].events
                ]
            ),
            str(blames[mark]),
        )
        for mark in marks
    )


def _content(row: Any) -> Any:
    """Which row it is, and on which line, is nobody's business."""
    if row is None:
        return None
    fields = row._mapping
    return {name: fields[name] for name in fields if name not in {"id", "line", "sheet"}}
