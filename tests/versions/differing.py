"""Diffs of the service against those of the model, and the laws that every diff obeys."""

from __future__ import annotations

import random
from collections.abc import Mapping

from gql_service.database.engine import Tx
from gql_service.versions.comparison import Place, compare
from gql_service.versions.diff import Counts, ItemDifference
from tests.oracle.differing import Difference, Pair, diff
from tests.versions.agreeing import agree
from tests.versions.twin import Twin

PAIRS = 4
"""How many pairs of versions are compared at the end of a history."""


def compare_diffs(twin: Twin) -> None:
    """Some pairs of versions, of any two datasets; the same ones for the same history."""
    chooser = random.Random(twin.world.last_write)
    points = [
        (dataset.number, version)
        for dataset in twin.world.datasets
        if dataset.number not in twin.purged
        for version in dataset.readable()
    ]
    with twin.database.read() as tx:
        for _ in range(PAIRS if points else 0):
            _compare_diff(twin, tx, chooser.choice(points), chooser.choice(points))


def _compare_diff(twin: Twin, tx: Tx, left: Place, right: Place) -> None:
    where = f"diff from {left} to {right}"
    before, after = (twin.model(dataset).at(version) for dataset, version in (left, right))
    expected = diff(before, after)
    old, new = ((twin.id(dataset), version) for dataset, version in (left, right))
    comparison = compare(tx, old, new)
    found = comparison.page(tx, None, None, 10_000)
    kinds = {_numbers(twin, pair): one.kind for pair, one in expected.items()}
    agree({(one.before, one.after): one.kind.value for one in found}, kinds, where)
    agree(comparison.counts(tx, None), _counts(expected), f"{where}: counts")
    _compare_annotations(twin, tx, old, new, found, expected, where)
    agree(_paged(tx, old, new), found, f"{where}: in pages of two")
    agree(compare(tx, new, new).page(tx, None, None, 10), [], f"{where}: of the same version")
    turned = compare(tx, new, old).page(tx, None, None, 10_000)
    agree({(one.after, one.before) for one in turned}, kinds.keys(), f"{where}: turned round")


def _paged(tx: Tx, old: Place, new: Place) -> list[ItemDifference]:
    found: list[ItemDifference] = []
    comparison = compare(tx, old, new)
    while page := comparison.page(tx, None, found[-1].key if found else None, 2):
        found += page
    return found


def _compare_annotations(
    twin: Twin,
    tx: Tx,
    old: Place,
    new: Place,
    found: list[ItemDifference],
    expected: Mapping[Pair, Difference],
    where: str,
) -> None:
    changes = compare(tx, old, new).annotations(tx, [(one.before, one.after) for one in found])
    for pair, difference in expected.items():
        rows = changes[_numbers(twin, pair)]
        told = {
            "ADDED": difference.added,
            "MODIFIED": difference.modified,
            "REMOVED": difference.removed,
        }
        strangers = None not in pair and pair[0] != pair[1]
        for kind, keys in told.items():
            got = {row.key for row in rows if row.kind.value == kind}
            wanted = set(twin.pairing.annotation_keys(keys))
            at = f"{where}: annotations {kind} of {pair}"
            agree(*((len(got), len(wanted)) if strangers else (got, wanted)), at)


def _counts(expected: Mapping[Pair, Difference]) -> Counts:
    every = list(expected.values())
    return Counts(
        items=len(every),
        items_added=sum(one.kind == "ADDED" for one in every),
        items_modified=sum(one.itself and one.kind in ("MODIFIED", "RENAMED") for one in every),
        items_removed=sum(one.kind == "REMOVED" for one in every),
        annotations_added=sum(len(one.added) for one in every),
        annotations_modified=sum(len(one.modified) for one in every),
        annotations_removed=sum(len(one.removed) for one in every),
    )


def _numbers(twin: Twin, pair: Pair) -> Pair:
    old, new = (None if key is None else twin.pairing.item_keys([key])[0] for key in pair)
    return old, new
