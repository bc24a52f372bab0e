"""Steps of retention: old versions expire, and what only they showed goes."""

from __future__ import annotations

from tests.versions.sharing_steps import any_version
from tests.versions.steps import Choose, Step, any_dataset, chance, one
from tests.versions.twin import Twin


def retain(twin: Twin, choose: Choose) -> None:
    """Of any dataset; now and then a version is named before, and kept for that."""
    dataset = any_dataset(twin, choose)
    if chance(choose, 25) and dataset in twin.alive():
        twin.tag(dataset, any_version(twin, choose, dataset))
    twin.retain(dataset, 1 + choose(3))


def retain_a_source(twin: Twin, choose: Choose) -> None:
    """A dataset that others come from keeps its head only; they, too, keep one or two."""
    below = {one for dataset in twin.alive() for one in twin.head(dataset).kin - {dataset}}
    sources = sorted(below & set(twin.alive()))
    if sources:
        twin.retain(one(choose, sources), 1)
        twin.retain(one(choose, twin.alive()), 1 + choose(2))


RETAINING: tuple[tuple[Step, int], ...] = ((retain, 20), (retain_a_source, 20))
