"""Steps back: reverts of whole datasets and of some items, and removed items brought back."""

from __future__ import annotations

from gql_service.versions.selection import Selection
from tests.oracle.model import Snapshot
from tests.versions.service import by_label, by_metadata
from tests.versions.steps import (
    LABELS,
    METADATA_KEYS,
    METADATA_VALUES,
    Choose,
    Step,
    any_dataset,
    chance,
    one,
    some,
)
from tests.versions.twin import Twin


def _version(twin: Twin, choose: Choose, dataset: int) -> int:
    """Mostly one of the last few."""
    head = twin.model(dataset).head
    version = 1 + choose(head) if chance(choose, 40) else max(1, head - choose(4))
    if version in twin.model(dataset).expired and chance(choose, 50):
        return one(choose, twin.model(dataset).readable())
    return version


def revert(twin: Twin, choose: Choose) -> None:
    """Now and then twice, of which the second time changes nothing."""
    dataset = any_dataset(twin, choose)
    version = _version(twin, choose, dataset)
    twin.revert(dataset, version)
    if chance(choose, 20):
        twin.revert(dataset, version)


def revert_back(twin: Twin, choose: Choose) -> None:
    """A revert, and a revert of it."""
    dataset = any_dataset(twin, choose)
    head = twin.model(dataset).head
    twin.revert(dataset, _version(twin, choose, dataset))
    twin.revert(dataset, head)


def revert_some(twin: Twin, choose: Choose) -> None:
    dataset = any_dataset(twin, choose)
    version = _version(twin, choose, dataset)
    chosen, selection = _chosen(choose, twin.model(dataset).then(version), twin.head(dataset))
    if chosen or selection is not None:
        twin.revert(dataset, version, chosen, selection)


def restore(twin: Twin, choose: Choose) -> None:
    """Items that are gone from a dataset; now and then one that is there."""
    dataset = any_dataset(twin, choose)
    head = twin.head(dataset).items
    gone = [
        (version, key)
        for version in range(1, twin.model(dataset).head + 1)
        for key in sorted(twin.model(dataset).then(version).items)
        if key not in head or (key + version) % 8 == 0
    ]
    if gone:
        version, key = one(choose, gone)
        others = sorted(twin.model(dataset).then(version).items.keys() - head.keys() - {key})
        twin.restore(dataset, version, [key, *some(choose, others, 2)])


def come_back(twin: Twin, choose: Choose) -> None:
    """Items go and come back, in clones those that they lie on."""
    dataset = one(choose, twin.alive())
    version, items = twin.model(dataset).head, sorted(twin.head(dataset).items)
    if not items:
        return
    gone = some(choose, items, 2)
    twin.delete(dataset, gone)
    kind = choose(3)
    if kind == 0:
        twin.restore(dataset, version, gone)
    else:
        twin.revert(dataset, version, None if kind == 1 else gone)


def take_a_path(twin: Twin, choose: Choose) -> None:
    """An item goes, and another one takes its path; then the first, or both, are to come back."""
    dataset = one(choose, twin.alive())
    items = sorted(twin.head(dataset).items)
    if len(items) < 2:
        return
    gone, mover = some(choose, items[:-1], 1)[0], items[-1]
    version, path = twin.model(dataset).head, twin.head(dataset).items[gone].path
    twin.delete(dataset, [gone])
    twin.move(dataset, {mover: path})
    if chance(choose, 40):
        twin.restore(dataset, version, [gone])
    twin.revert(dataset, version, [gone, mover] if chance(choose, 50) else [gone])


def _chosen(choose: Choose, old: Snapshot, head: Snapshot) -> tuple[list[int], Selection | None]:
    """Items as they were, or are when they were not there; and the same in the service's words."""
    kind = choose(3)
    if kind == 2:
        return some(choose, sorted(old.items.keys() | head.items.keys()), 3), None
    label = one(choose, LABELS)
    key, value = one(choose, METADATA_KEYS), one(choose, METADATA_VALUES[:3])

    def matches(snapshot: Snapshot, item: int) -> bool:
        if kind == 0:
            return any(row.label == label for row in snapshot.annotations_of(item))
        return bool(snapshot.items[item].metadata.get(key) == value)

    chosen = [item for item in old.items if matches(old, item)]
    chosen += [item for item in head.items.keys() - old.items.keys() if matches(head, item)]
    return sorted(chosen), by_label(label) if kind == 0 else by_metadata(key, value)


REVERTING: tuple[tuple[Step, int], ...] = (
    (revert, 8),
    (revert_back, 4),
    (revert_some, 10),
    (restore, 8),
    (take_a_path, 4),
    (come_back, 8),
)
