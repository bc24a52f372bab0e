"""Steps of datasets as wholes: clones, merges and what they have to decide, recipes, ends."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tests.oracle.editing import SKIP, AnnotationEdit, ItemEdit
from tests.oracle.groups import FAIL, FIRST, LAST, THREE_WAY, UNION
from tests.oracle.model import Flags, Snapshot
from tests.versions.service import RECIPES, by_label, by_metadata
from tests.versions.steps import (
    DESCRIPTIONS,
    LABELS,
    METADATA_KEYS,
    METADATA_VALUES,
    MOST_DATASETS,
    PATHS,
    Choose,
    Step,
    annotation_change,
    any_dataset,
    chance,
    new_annotation,
    new_items,
    one,
    some,
)
from tests.versions.twin import Twin

DIRECTORIES = ("/", "/x", "/y")


def any_flags(choose: Choose) -> Flags:
    if chance(choose, 60):
        return Flags()
    return Flags(*(not chance(choose, 40) for _ in range(3)))


def any_version(twin: Twin, choose: Choose, dataset: int) -> int:
    head = twin.model(dataset).head
    version = head if chance(choose, 65) else 1 + choose(head)
    if version in twin.model(dataset).expired and chance(choose, 50):
        return one(choose, twin.model(dataset).readable())
    return version


def holders_of_items(twin: Twin) -> dict[int, list[int]]:
    """The live datasets that hold an item, for items that several hold."""
    holders: dict[int, list[int]] = {}
    for dataset in twin.alive():
        for key in twin.head(dataset).items:
            holders.setdefault(key, []).append(dataset)
    return {key: held for key, held in sorted(holders.items()) if len(held) > 1}


def clash(twin: Twin, choose: Choose) -> None:
    """The same item, edited in the same way in datasets that hold it."""
    shared = holders_of_items(twin)
    if shared:
        key = one(choose, list(shared))
        clash_on(twin, choose, key, some(choose, shared[key], 3))


def clash_and_merge(twin: Twin, choose: Choose) -> None:
    """The same items, edited in two datasets that hold them, which are merged at once."""
    shared = holders_of_items(twin)
    if not shared or len(twin.alive()) >= MOST_DATASETS:
        return
    held = shared[one(choose, list(shared))]
    sources = [*some(choose, held, 1)]
    sources.append(one(choose, [dataset for dataset in held if dataset not in sources]))
    for _ in range(1 + choose(3)):
        both = sorted(set.intersection(*(set(twin.head(d).items) for d in sources)))
        if both:
            clash_on(twin, choose, one(choose, both), sources)
    if chance(choose, 25):
        sources += some(choose, [one for one in twin.alive() if one not in sources], 1)
    _merge(twin, choose, [(dataset, twin.model(dataset).head) for dataset in sources])


def annotate_apart(twin: Twin, choose: Choose) -> None:
    """A dataset and its whole clone, or two of those, are annotated apart and merged."""
    if len(twin.alive()) > MOST_DATASETS - 2:
        return
    source = one(choose, twin.alive())
    left, right = source, twin.clone(source, twin.model(source).head)
    if len(twin.alive()) < MOST_DATASETS - 1 and chance(choose, 50):
        left = twin.clone(source, twin.model(source).head) or source
    if right is None:
        return
    for _ in range(1 + choose(4)):
        _annotate(twin, choose, one(choose, (left, right)))
    sources = [left, right] if chance(choose, 50) else [right, left]
    if chance(choose, 15):
        sources += some(choose, [one for one in twin.alive() if one not in sources], 1)
    points = [(dataset, twin.model(dataset).head) for dataset in sources]
    flags = Flags() if chance(choose, 80) else any_flags(choose)
    twin.merge(points, policy=one(choose, (UNION, THREE_WAY)), on_conflict=LAST, flags=flags)


def _annotate(twin: Twin, choose: Choose, dataset: int) -> None:
    """Any kind of change; mostly of annotations, and some that are not on them."""
    items, keys = sorted(twin.head(dataset).items), sorted(twin.head(dataset).annotations)
    kind = choose(10)
    if kind < 4 and items:
        new = [(item, new_annotation(choose)) for item in some(choose, items, 2)]
        twin.annotate(dataset, new)
    elif kind < 7 and keys:
        changes = {key: annotation_change(twin, choose, dataset, key, choose(4)) for key in keys}
        edits = [AnnotationEdit(key, changes[key]) for key in some(choose, keys, 2)]
        twin.reannotate(dataset, edits)
    elif kind == 7 and keys:
        twin.unannotate(dataset, some(choose, keys, 2))
    elif kind == 8 and items:
        twin.delete(dataset, some(choose, items, 1))
    elif items:
        given = {one(choose, METADATA_KEYS): one(choose, METADATA_VALUES)}
        twin.update(dataset, some(choose, items, 1), ItemEdit(0, set=given))


def add_up(twin: Twin, choose: Choose) -> None:
    """A dataset that knows of nothing, merged with one or two others: paths meet, nothing else."""
    if len(twin.alive()) > MOST_DATASETS - 2:
        return
    stranger = twin.create(0)
    twin.upload(stranger, new_items(choose, 4), SKIP)
    sources = some(choose, [one for one in twin.alive() if one != stranger], 2)
    sources.insert(choose(len(sources) + 1), stranger)
    _merge(twin, choose, [(dataset, any_version(twin, choose, dataset)) for dataset in sources])


def resolve(twin: Twin, choose: Choose) -> None:
    """Annotations that a merge kept beside one another: one goes or changes, and all is merged."""
    for dataset in twin.alive():
        roots: dict[int, list[int]] = {}
        for row in twin.head(dataset).annotations.values():
            roots.setdefault(row.root, []).append(row.key)
        beside = [held for held in roots.values() if len(held) > 1]
        if beside and len(twin.alive()) < MOST_DATASETS - 1:
            break
    else:
        return
    copy = twin.clone(dataset, twin.model(dataset).head)
    if copy is None:
        return
    for side in (dataset, copy):
        key = one(choose, sorted(one(choose, beside)))
        if chance(choose, 50):
            twin.unannotate(side, [key])
        elif chance(choose, 60):
            change = annotation_change(twin, choose, side, key, choose(4))
            twin.reannotate(side, [AnnotationEdit(key, change)])
    sources = some(choose, [dataset, copy], 2)
    sources += some(choose, [one for one in twin.alive() if one not in sources], 1)
    _merge(twin, choose, [(side, twin.model(side).head) for side in sources])


def clash_on(twin: Twin, choose: Choose, key: int, datasets: Sequence[int]) -> None:
    """An item that all of these hold, or the same annotation of it, is edited in each of them."""
    kind = choose(8)
    shared = sorted(
        set.intersection(*({row.key for row in twin.head(d).annotations_of(key)} for d in datasets))
    )
    label = one(choose, shared) if shared else 0
    what = choose(4)
    for dataset in datasets:
        if kind < 4 and label:
            change = annotation_change(twin, choose, dataset, label, what)
            twin.reannotate(dataset, [AnnotationEdit(label, change)])
        elif kind == 4:
            twin.move(dataset, {key: one(choose, PATHS)})
        elif kind == 5 and chance(choose, 50):
            twin.delete(dataset, [key])
        elif kind == 6:
            fields = {"description": one(choose, DESCRIPTIONS)}
            twin.update(dataset, [key], ItemEdit(0, fields=fields))
        else:
            given = {one(choose, METADATA_KEYS): one(choose, METADATA_VALUES)}
            twin.update(dataset, [key], ItemEdit(0, set=given))


def switch(twin: Twin, choose: Choose) -> None:
    twin.switch(any_dataset(twin, choose), choose(len(RECIPES)))


def clone(twin: Twin, choose: Choose) -> None:
    if len(twin.alive()) < MOST_DATASETS:
        source = any_dataset(twin, choose)
        version = any_version(twin, choose, source)
        twin.clone(source, version, flags=any_flags(choose), flat=chance(choose, 10))


def clone_some(twin: Twin, choose: Choose) -> None:
    if len(twin.alive()) < MOST_DATASETS:
        source = any_dataset(twin, choose)
        version = any_version(twin, choose, source)
        twin.clone(
            source,
            version,
            **_selection(choose, twin.model(source).then(version)),
            flags=any_flags(choose),
            flat=chance(choose, 20),
        )


def _selection(choose: Choose, snapshot: Snapshot) -> dict[str, Any]:
    """Some items, by keys, by a label or by a value, for the model and for the service."""
    kind = choose(3)
    if kind == 0:
        label = one(choose, LABELS)
        chosen = {row.item for row in snapshot.annotations.values() if row.label == label}
        return {"chosen": sorted(chosen), "selection": by_label(label)}
    if kind == 1:
        key, value = one(choose, METADATA_KEYS), one(choose, METADATA_VALUES[:3])
        chosen = {row.key for row in snapshot.items.values() if row.metadata.get(key) == value}
        return {"chosen": sorted(chosen), "selection": by_metadata(key, value)}
    return {"chosen": some(choose, sorted(snapshot.items), 3)}


def clone_into(twin: Twin, choose: Choose) -> None:
    source = any_dataset(twin, choose)
    version = any_version(twin, choose, source)
    part = _selection(choose, twin.model(source).then(version)) if chance(choose, 50) else {}
    twin.clone_into(
        source,
        version,
        any_dataset(twin, choose),
        directory=one(choose, DIRECTORIES),
        **part,
        flags=any_flags(choose),
        flat=chance(choose, 20),
        allow_many=chance(choose, 30),
    )


def merge(twin: Twin, choose: Choose) -> None:
    alive = twin.alive()
    if len(alive) < 2 or len(alive) >= MOST_DATASETS:
        return
    sources = some(choose, alive, 2)
    sources += some(choose, [one for one in alive if one not in sources], 1)
    if len(sources) < 2:
        return
    _merge(twin, choose, [(dataset, any_version(twin, choose, dataset)) for dataset in sources])


def merge_into(twin: Twin, choose: Choose) -> None:
    """One or two datasets at any versions, into another one; often related, now and then again."""
    alive = twin.alive()
    destination = any_dataset(twin, choose)
    others = [one for one in alive if one != destination]
    sources = some(choose, others, 2)
    if sources:
        points = [(dataset, any_version(twin, choose, dataset)) for dataset in sources]
        _merge_into(twin, choose, destination, points)


def clash_and_merge_into(twin: Twin, choose: Choose) -> None:
    """The same items, edited in two datasets that hold them, one of which takes in the other."""
    shared = holders_of_items(twin)
    if not shared:
        return
    held = shared[one(choose, list(shared))]
    destination, source = some(choose, held, 1)[0], one(choose, held)
    if source == destination:
        return
    for _ in range(1 + choose(3)):
        both = sorted(set(twin.head(destination).items) & set(twin.head(source).items))
        if both:
            clash_on(twin, choose, one(choose, both), [destination, source])
    points = [(source, twin.model(source).head)]
    others = [one for one in twin.alive() if one not in (source, destination)]
    if others and chance(choose, 25):
        third = one(choose, others)
        points.insert(choose(2), (third, any_version(twin, choose, third)))
    _merge_into(twin, choose, destination, points)


def _merge_into(
    twin: Twin, choose: Choose, destination: int, sources: Sequence[tuple[int, int]]
) -> None:
    everybody = [(destination, twin.model(destination).head), *sources]
    how = _how(twin, choose, everybody)
    twin.merge_into(destination, sources, **how)
    if chance(choose, 30):  # right away, with nothing new
        assert not twin.merge_into(destination, sources, **how), "merged twice"


def _merge(twin: Twin, choose: Choose, sources: Sequence[tuple[int, int]]) -> None:
    twin.merge(sources, **_how(twin, choose, sources))


def _how(twin: Twin, choose: Choose, sources: Sequence[tuple[int, int]]) -> dict[str, Any]:
    on_conflict = LAST if chance(choose, 65) else FIRST
    policy = UNION if chance(choose, 50) else THREE_WAY
    may_fail = policy == UNION or not _somebody_removed(twin, sources)
    if chance(choose, 5) and may_fail:
        on_conflict = FAIL
    return {"policy": policy, "on_conflict": on_conflict, "flags": any_flags(choose)}


def _somebody_removed(twin: Twin, sources: Sequence[tuple[int, int]]) -> bool:
    """Whether a source lacks an item that it has seen and another holds.

    The model does not know whether a change that wins over a removal is news to anybody, so it
    cannot say whether FAIL has to refuse.
    """
    views = [twin.model(dataset).then(version) for dataset, version in sources]
    held = {key for view in views for key in view.items}
    return any(
        entry[0] in held and entry[0] not in view.items for view in views for entry in view.seen
    )


def drop(twin: Twin, choose: Choose) -> None:
    if len(twin.alive()) > 2:
        twin.drop(any_dataset(twin, choose))


def drop_a_source(twin: Twin, choose: Choose) -> None:
    """Deletes and purges a dataset that others lie on."""
    alive = twin.alive()
    below = sorted({one for dataset in alive for one in twin.head(dataset).kin - {dataset}})
    sources = [dataset for dataset in below if dataset in alive]
    if sources and len(alive) > 2:
        twin.drop(one(choose, sources))
        twin.purge()


def purge(twin: Twin, choose: Choose) -> None:
    if twin.deleted():
        twin.purge()


SHARING: tuple[tuple[Step, int], ...] = (
    (clash, 8),
    (switch, 1),
    (clone, 10),
    (clone_some, 8),
    (clone_into, 7),
    (merge, 12),
    (clash_and_merge, 12),
    (annotate_apart, 10),
    (add_up, 4),
    (resolve, 6),
)
INTO: tuple[tuple[Step, int], ...] = ((merge_into, 20), (clash_and_merge_into, 20))
DROPPING: tuple[tuple[Step, int], ...] = ((drop, 6), (purge, 4), (drop_a_source, 5))
