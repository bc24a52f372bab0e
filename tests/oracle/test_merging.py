"""The merge of the naive model against a textbook three-way, and against laws of its own.

Histories here are pure: no database is involved. Values are never used twice, so that an edit is
always a change of content, which is all that a textbook merge can see.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import count
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.oracle import editing
from tests.oracle.cloning import clone
from tests.oracle.editing import AnnotationEdit, ItemEdit, NewAnnotation, NewItem
from tests.oracle.groups import FIRST, LAST, THREE_WAY, UNION
from tests.oracle.merging import Report, merge
from tests.oracle.model import Dataset, Snapshot, World
from tests.oracle.threeway import Merged, three_way

STATUSES = (None, "ISSUE", "APPROVED", "REVIEW")
Step = tuple[int, int, int, int]
STEPS = st.lists(
    st.tuples(st.integers(0, 1), st.integers(0, 8), st.integers(0, 50), st.integers(0, 3)),
    max_size=14,
)


def start(items: int, annotations: int) -> tuple[World, Dataset, Dataset, Iterator[int]]:
    """A source with some items, the first of them annotated, and its whole clone."""
    world = World(recipes={0: "a"})
    values = count(1)
    source = editing.create_dataset(world, 0)
    new = [
        NewItem(
            path=f"/{next(values)}.jpg",
            binary=next(values),
            metadata={"a": next(values), "b": next(values)},
            annotations=tuple(
                NewAnnotation("BOX", "cat", next(values)) for _ in range(annotations)
            ),
        )
        for _ in range(items)
    ]
    editing.add_items(world, source, new, editing.SKIP)
    return world, source, clone(world, source, source.head).dataset, values


def edit(world: World, dataset: Dataset, step: Step, values: Iterator[int]) -> None:
    """One edit, chosen by number; steps that find nothing to edit do nothing."""
    _, kind, which, extra = step
    head = dataset.at(dataset.head)
    items, annotations = sorted(head.items), sorted(head.annotations)
    if kind == 0:
        new = NewItem(f"/{next(values)}.jpg", next(values), {"a": next(values)})
        editing.add_items(world, dataset, [new], editing.SKIP)
    if kind in (1, 2, 3, 4) and items:
        key = items[which % len(items)]
        if kind == 1:
            editing.move_items(world, dataset, {key: f"/{next(values)}.jpg"})
        elif kind == 2:
            editing.update_items(
                world, dataset, [ItemEdit(key, set={"abc"[extra % 3]: next(values)})]
            )
        elif kind == 3:
            change = (
                ItemEdit(key, remove=("a",))
                if extra == 0
                else ItemEdit(key, fields={"description": str(next(values))})
            )
            editing.update_items(world, dataset, [change])
        else:
            editing.delete_items(world, dataset, [key])
    if kind == 5 and items:
        new_annotation = NewAnnotation("BOX", "dog", next(values), status=STATUSES[extra])
        editing.add_annotations(world, dataset, [(items[which % len(items)], new_annotation)])
    if kind in (6, 7, 8) and annotations:
        key = annotations[which % len(annotations)]
        if kind == 6:
            change_of = {"coordinates": next(values)}
            editing.update_annotations(world, dataset, [AnnotationEdit(key, change_of)])
        elif kind == 7:
            status = {"status": STATUSES[extra]}
            editing.update_annotations(world, dataset, [AnnotationEdit(key, status)])
        else:
            editing.delete_annotations(world, dataset, [key])


def shape(snapshot: Snapshot) -> Merged:
    """The rows of a snapshot in the terms of the textbook."""
    merged = Merged()
    for key, row in snapshot.items.items():
        fields: dict[str, Any] = {
            "path": row.path,
            "binary": row.binary,
            "description": row.description,
            "hidden": row.hidden,
        }
        merged.items[key] = fields | {f"metadata.{k}": v for k, v in row.metadata.items()}
    for annotation in snapshot.annotations.values():
        rows = merged.annotations.setdefault(annotation.root, [])
        rows.append((annotation.value(), annotation.status))
    return merged


def contents(snapshot: Snapshot) -> tuple[Any, Any]:
    """Rows with their writes, annotations by root, keys of annotations left aside."""
    return (
        {key: (row.write, row.content()) for key, row in snapshot.items.items()},
        Counter(
            repr((row.root, row.write, row.content())) for row in snapshot.annotations.values()
        ),
    )


def told(report: Report) -> Counter[str]:
    lines: list[tuple[Any, ...]] = []
    for conflict in report.conflicts:
        if conflict.field == "annotation":
            lines.append((conflict.item, "annotation", conflict.left.root))
        else:
            lines.append(
                (
                    conflict.item,
                    conflict.field,
                    conflict.base,
                    conflict.left,
                    conflict.right,
                    conflict.chosen,
                )
            )
    return Counter(map(repr, lines))


def returned_statuses(base: Snapshot, head: Snapshot) -> bool:
    """Whether an annotation was edited and came back to the content that it had.

    Its write is then new though its content is not, which a textbook merge cannot see.
    """
    return any(
        key in base.annotations
        and base.annotations[key].write != row.write
        and base.annotations[key].content() == row.content()
        for key, row in head.annotations.items()
    )


@settings(max_examples=150, deadline=None)
@given(
    items=st.integers(1, 4),
    annotations=st.integers(0, 2),
    steps=STEPS,
    policy=st.sampled_from([UNION, THREE_WAY]),
    on_conflict=st.sampled_from([LAST, FIRST]),
)
def test_a_source_and_its_clone_merge_as_the_textbook_says(
    items: int, annotations: int, steps: list[Step], policy: str, on_conflict: str
) -> None:
    world, source, copy, values = start(items, annotations)
    base = source.at(source.head)
    for step in steps:
        edit(world, (source, copy)[step[0]], step, values)
    left, right = source.at(source.head), copy.at(copy.head)
    if returned_statuses(base, left) or returned_statuses(base, right):
        return
    report = merge(
        world,
        [(source, source.head), (copy, copy.head)],
        policy=policy,
        on_conflict=on_conflict,
    )
    expected = three_way(
        base,
        left,
        right,
        keep_removed=policy == UNION,
        prefer_left=on_conflict == FIRST,
    )
    got = shape(report.dataset.at(1))
    assert got.items == expected.items
    assert _sorted(got) == _sorted(expected)
    assert told(report) == Counter(map(repr, expected.conflicts))


def _sorted(merged: Merged) -> dict[int, list[str]]:
    return {root: sorted(map(repr, rows)) for root, rows in merged.annotations.items()}


@settings(max_examples=80, deadline=None)
@given(steps=STEPS, policy=st.sampled_from([UNION, THREE_WAY]), swap=st.booleans())
def test_merging_a_merge_with_its_sources_changes_and_reports_nothing(
    steps: list[Step], policy: str, swap: bool
) -> None:
    world, source, copy, values = start(3, 2)
    for step in steps:
        edit(world, (source, copy)[step[0]], step, values)
    parents = [(source, source.head), (copy, copy.head)]
    first = merge(world, parents, policy=policy, on_conflict=LAST)
    for others in ([parents[0]], [parents[1]], parents):
        sides = [*others, (first.dataset, 1)] if swap else [(first.dataset, 1), *others]
        again = merge(world, sides, policy=policy, on_conflict=LAST)
        assert contents(again.dataset.at(1)) == contents(first.dataset.at(1))
        assert again.conflicts == ()


@settings(max_examples=80, deadline=None)
@given(steps=STEPS, later=STEPS, swap=st.booleans())
def test_edits_of_a_merge_prevail_over_sources_that_stood_still(
    steps: list[Step], later: list[Step], swap: bool
) -> None:
    world, source, copy, values = start(3, 1)
    for step in steps:
        edit(world, (source, copy)[step[0]], step, values)
    parents = [(source, source.head), (copy, copy.head)]
    merged = merge(world, parents, policy=UNION, on_conflict=LAST).dataset
    for step in later:
        edit(world, merged, step, values)
    point = (merged, merged.head)
    sides = [*parents, point] if swap else [point, *parents]
    again = merge(world, sides, policy=THREE_WAY, on_conflict=LAST)
    assert contents(again.dataset.at(1)) == contents(merged.at(merged.head))
    assert again.conflicts == ()


@settings(max_examples=50, deadline=None)
@given(steps=STEPS, policy=st.sampled_from([UNION, THREE_WAY]))
def test_the_outcome_does_not_depend_on_the_order_but_for_the_preference(
    steps: list[Step], policy: str
) -> None:
    world, source, copy, values = start(3, 1)
    for step in steps:
        edit(world, (source, copy)[step[0]], step, values)
    parents = [(source, source.head), (copy, copy.head)]
    one = merge(world, parents, policy=policy, on_conflict=LAST)
    other = merge(world, parents[::-1], policy=policy, on_conflict=FIRST)
    left, right = shape(one.dataset.at(1)), shape(other.dataset.at(1))
    assert left.items == right.items
    assert _sorted(left) == _sorted(right)
