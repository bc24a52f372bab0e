"""Steps of reviews: conflicts that merges left are decided, one by one or by a rule."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tests.oracle.editing import AnnotationEdit, ItemEdit
from tests.oracle.groups import FIRST, LAST, THREE_WAY, UNION
from tests.oracle.resolving import BASE, KEEP, LEFT, RIGHT, Asked, Told
from tests.versions.reviewing import review, review_by, told_of
from tests.versions.service import BINARIES, USERS
from tests.versions.sharing_steps import any_flags, clash_on, holders_of_items
from tests.versions.steps import (
    DESCRIPTIONS,
    METADATA_KEYS,
    METADATA_VALUES,
    MOST_DATASETS,
    PATHS,
    STATUSES,
    Choose,
    Step,
    annotation_change,
    chance,
    new_annotation,
    one,
    some,
)
from tests.versions.twin import Twin

CHOICES = (LEFT, RIGHT, LEFT, RIGHT, BASE, KEEP)


def resolve_any(twin: Twin, choose: Choose) -> None:
    """Of any merge whose conflicts are known, however old; now and then where there is none."""
    merges = [(one, at) for one in twin.alive() for at in twin.model(one).reports]
    disputed = [place for place in merges if told_of(twin, *place)]
    if disputed and chance(choose, 95):
        _resolve(twin, choose, *one(choose, disputed))
    elif chance(choose, 20):
        _resolve(twin, choose, one(choose, twin.alive()), None if chance(choose, 50) else 1)


def clash_and_resolve(twin: Twin, choose: Choose) -> None:
    """Datasets that share items are edited apart and merged; the result is worked on, reviewed,
    and merged with the same sources again: what is decided is no news."""
    merged = _merge_apart(twin, choose)
    if merged is None:
        return
    dataset, sources, how = merged
    told = told_of(twin, dataset, None)
    twin.done["resolve: merges with conflicts"] += bool(told)
    worked_on = bool(told) and chance(choose, 35)
    if worked_on:
        _work_on(twin, choose, dataset, told)
    for _ in range(1 + choose(2)):
        _resolve(twin, choose, dataset, None)
    if chance(choose, 30):
        _resolve_the_rest(twin, choose, dataset)
    if dataset not in [source for source, _ in sources] and chance(choose, 60):
        made = twin.merge_into(dataset, sources, **how)
        # A version may be made: an unknown status is learnt. A union brings back what is deleted.
        again = made and told_of(twin, dataset, None)
        assert worked_on or not again, f"{dataset}: what was decided is told again"


def resolve_and_meet_the_old(twin: Twin, choose: Choose) -> None:
    """A dataset whose conflicts are decided is merged with a clone of what it was before."""
    disputed = [at for at in twin.alive() if told_of(twin, at, None)]
    if not disputed or len(twin.alive()) > MOST_DATASETS - 2:
        return
    dataset = one(choose, disputed)
    old = twin.clone(dataset, twin.model(dataset).head)
    _resolve_the_rest(twin, choose, dataset)
    if old is not None:
        sources = [dataset, old] if chance(choose, 50) else [old, dataset]
        points = [(at, twin.model(at).head) for at in sources]
        policy, order = one(choose, (UNION, THREE_WAY)), one(choose, (FIRST, LAST))
        twin.merge(points, policy=policy, on_conflict=order)


def _merge_apart(
    twin: Twin, choose: Choose
) -> tuple[int, list[tuple[int, int]], dict[str, Any]] | None:
    """The dataset that was merged, from what, and how; the first source may be itself."""
    if len(twin.alive()) > MOST_DATASETS - 2:
        return None
    if chance(choose, 30) or not holders_of_items(twin):
        source = one(choose, twin.alive())
        twin.clone(source, twin.model(source).head)
    shared = holders_of_items(twin)
    if not shared:
        return None
    held = shared[one(choose, list(shared))]
    sources = some(choose, held, 1)
    sources.append(one(choose, [dataset for dataset in held if dataset not in sources]))
    for _ in range(2 + choose(5)):
        both = sorted(set.intersection(*(set(twin.head(at).items) for at in sources)))
        if both:
            clash_on(twin, choose, one(choose, both), sources)
    if chance(choose, 20):
        sources += some(choose, [at for at in twin.alive() if at not in sources], 1)
    points = [(at, twin.model(at).head) for at in sources]
    how = {
        "policy": one(choose, (UNION, THREE_WAY)),
        "on_conflict": FIRST if chance(choose, 40) else LAST,
        "flags": any_flags(choose),
    }
    if chance(choose, 35):
        destination, *others = points
        made = twin.merge_into(destination[0], others, **how)
        return (destination[0], others, how) if made else None
    dataset = twin.merge(points, **how)
    return None if dataset is None else (dataset, points, how)


def _work_on(twin: Twin, choose: Choose, dataset: int, told: Sequence[Told]) -> None:
    """Somebody edits or removes what is in conflict, so that some of it cannot be decided."""
    conflict = one(choose, told).conflict
    item, name, mark = conflict.item, conflict.field, conflict.annotation
    if item not in twin.head(dataset).items:
        return
    if chance(choose, 15):
        twin.delete(dataset, [item])
    elif mark is not None and mark in twin.head(dataset).annotations:
        if chance(choose, 25):
            twin.unannotate(dataset, [mark])
        else:
            kind = 3 if name == "status" else choose(4)
            change = annotation_change(twin, choose, dataset, mark, kind)
            twin.reannotate(dataset, [AnnotationEdit(mark, change)])
    elif name == "path":
        twin.move(dataset, {item: one(choose, PATHS)})
    elif name == "removed" and chance(choose, 50):
        twin.annotate(dataset, [(item, new_annotation(choose))])
    elif name == "description":
        edit = ItemEdit(0, fields={"description": one(choose, DESCRIPTIONS)})
        twin.update(dataset, [item], edit)
    else:
        given = {one(choose, METADATA_KEYS): one(choose, METADATA_VALUES)}
        twin.update(dataset, [item], ItemEdit(0, set=given))


def _resolve(twin: Twin, choose: Choose, dataset: int, merge: int | None) -> None:
    told = told_of(twin, dataset, merge)
    if chance(choose, 35) or not told:
        _resolve_by_rule(twin, choose, dataset, merge)
        return
    positions = some(choose, range(len(told)), 4)
    asked = [_asked(choose, told[at], at) for at in positions]
    if chance(choose, 4):
        asked.append(Asked(len(told) if chance(choose, 50) else positions[0], KEEP))
    review(twin, dataset, merge, asked)


def _resolve_by_rule(twin: Twin, choose: Choose, dataset: int, merge: int | None) -> None:
    kind = choose(3)
    if kind == 0:
        review_by(twin, dataset, merge, ("side", one(choose, (LEFT, RIGHT))))
    elif kind == 1:
        review_by(twin, dataset, merge, ("user", choose(USERS)))
    else:
        review_by(twin, dataset, merge, ("newest", None))


def _resolve_the_rest(twin: Twin, choose: Choose, dataset: int) -> None:
    """By a side, and what cannot be decided so, is kept."""
    review_by(twin, dataset, None, ("side", one(choose, (LEFT, RIGHT))))
    told = told_of(twin, dataset, None)
    left = [Asked(at, KEEP) for at, held in enumerate(told) if held.resolved is None]
    if left:
        review(twin, dataset, None, left)


def _asked(choose: Choose, told: Told, position: int) -> Asked:
    """Mostly one of the choices; else a value, which mostly fits."""
    if chance(choose, 75):
        return Asked(position, one(choose, CHOICES))
    fitting = {
        "path": (*PATHS, "/new.jpg"),
        "description": DESCRIPTIONS[1:],
        "hidden": (True, False),
        "status": STATUSES[1:],
        "binary": range(BINARIES),
        "annotation": (1,),
        "removed": ("kept",),
    }
    name = told.conflict.field
    return Asked(position, value=one(choose, tuple(fitting.get(name, METADATA_VALUES))))


RESOLVING: tuple[tuple[Step, int], ...] = (
    (clash_and_resolve, 80),
    (resolve_any, 20),
    (resolve_and_meet_the_old, 12),
)
