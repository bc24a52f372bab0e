"""The steps of a history, each chosen by numbers: small pools, so that things meet.

A `Choose` says a number below a limit; a seeded generator and Hypothesis both can. A step that
finds nothing to work on does nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from tests.oracle.editing import OVERWRITE, SKIP, AnnotationEdit, ItemEdit, NewAnnotation, NewItem
from tests.versions.service import BINARIES, RECIPES
from tests.versions.twin import Twin

T = TypeVar("T")
Choose = Callable[[int], int]
"""A number from 0 up to, not including, the limit."""

PATHS = ("/a.jpg", "/b.jpg", "/a (2).jpg", "/x/a.jpg", "/x/b.jpg", "/y/a.jpg", "/y/z/c")
METADATA_KEYS = ("k", "l")
METADATA_VALUES = (1, 2, "two", [1, {"m": None}])
LABELS = ("cat", "dog")
STATUSES = (None, "ISSUE", "APPROVED", "REVIEW")
DESCRIPTIONS = (None, "one", "two")
MOST_DATASETS = 9


def one(choose: Choose, values: Sequence[T]) -> T:
    return values[choose(len(values))]


def some(choose: Choose, values: Sequence[T], most: int) -> list[T]:
    """Between one and `most` different ones; none of nothing."""
    left = list(values)
    count = min(1 + choose(most), len(left))
    return [left.pop(choose(len(left))) for _ in range(count)]


def chance(choose: Choose, percent: int) -> bool:
    return choose(100) >= 100 - percent


def new_annotation(choose: Choose) -> NewAnnotation:
    metadata = {one(choose, METADATA_KEYS): choose(3)} if chance(choose, 30) else {}
    status = one(choose, STATUSES) if chance(choose, 40) else None
    if chance(choose, 30):
        return NewAnnotation("CLASSIFICATION", one(choose, LABELS), None, {}, metadata, status)
    point = {"x": choose(3), "y": choose(3)}
    return NewAnnotation("POINT", one(choose, LABELS), point, {}, metadata, status)


def new_metadata(choose: Choose) -> dict[str, Any]:
    return {key: one(choose, METADATA_VALUES) for key in METADATA_KEYS if chance(choose, 60)}


def new_items(choose: Choose, most: int) -> list[NewItem]:
    return [
        NewItem(
            path=path,
            binary=choose(BINARIES),
            metadata=new_metadata(choose) if chance(choose, 70) else None,
            description=one(choose, DESCRIPTIONS) if chance(choose, 30) else None,
            hidden=chance(choose, 10),
            annotations=tuple(new_annotation(choose) for _ in range(choose(3))),
        )
        for path in some(choose, PATHS, most)
    ]


def any_dataset(twin: Twin, choose: Choose) -> int:
    """A live dataset; now and then a deleted one, which must refuse."""
    if twin.deleted() and chance(choose, 4):
        return one(choose, twin.deleted())
    return one(choose, twin.alive())


def begin(twin: Twin, choose: Choose) -> None:
    """A dataset with a few items, so that there is something to work on."""
    dataset = twin.create(choose(2))
    twin.upload(dataset, new_items(choose, 5), SKIP)


def create(twin: Twin, choose: Choose) -> None:
    if len(twin.alive()) < MOST_DATASETS:
        dataset = twin.create(choose(len(RECIPES)) if chance(choose, 30) else 0)
        twin.upload(dataset, new_items(choose, 3), SKIP)


def upload(twin: Twin, choose: Choose) -> None:
    mode = OVERWRITE if chance(choose, 50) else SKIP
    twin.upload(any_dataset(twin, choose), new_items(choose, 3), mode)


def update(twin: Twin, choose: Choose) -> None:
    dataset = any_dataset(twin, choose)
    keys = some(choose, sorted(twin.head(dataset).items), 2)
    fields: dict[str, Any] = {}
    if chance(choose, 30):
        fields["description"] = one(choose, DESCRIPTIONS)
    if chance(choose, 15):
        fields["hidden"] = chance(choose, 50)
    key = one(choose, METADATA_KEYS)
    if chance(choose, 25):
        twin.update(dataset, keys, ItemEdit(0, remove=(key,), fields=fields))
    elif chance(choose, 80):
        given = {key: one(choose, METADATA_VALUES)}
        twin.update(dataset, keys, ItemEdit(0, set=given, fields=fields))
    else:
        twin.update(dataset, keys, ItemEdit(0, fields=fields))


def move(twin: Twin, choose: Choose) -> None:
    dataset = any_dataset(twin, choose)
    rows = some(choose, sorted(twin.head(dataset).items.items()), 2)
    if len(rows) == 2 and chance(choose, 50):
        (left, first), (right, second) = rows
        twin.move(dataset, {left: second.path, right: first.path})
    elif rows:
        twin.move(dataset, {key: one(choose, PATHS) for key, _ in rows})


def delete(twin: Twin, choose: Choose) -> None:
    dataset = any_dataset(twin, choose)
    keys = some(choose, sorted(twin.head(dataset).items), 2)
    if keys:
        twin.delete(dataset, keys)


def delete_absent(twin: Twin, choose: Choose) -> None:
    """A key that some dataset holds, whether this one does or not."""
    known = sorted(twin.pairing.items.number)
    if known:
        twin.delete(any_dataset(twin, choose), [one(choose, known)])


def annotate(twin: Twin, choose: Choose) -> None:
    dataset = any_dataset(twin, choose)
    items = some(choose, sorted(twin.head(dataset).items), 2)
    if items:
        twin.annotate(dataset, [(item, new_annotation(choose)) for item in items])


def reannotate(twin: Twin, choose: Choose) -> None:
    dataset = any_dataset(twin, choose)
    keys = some(choose, sorted(twin.head(dataset).annotations), 2)
    edits = [
        AnnotationEdit(key, annotation_change(twin, choose, dataset, key, choose(4)))
        for key in keys
    ]
    if edits:
        twin.reannotate(dataset, edits)


def annotation_change(
    twin: Twin, choose: Choose, dataset: int, key: int, kind: int
) -> dict[str, Any]:
    if kind == 0:
        return {"label": one(choose, LABELS)}
    if kind == 1:
        return {"metadata": {one(choose, METADATA_KEYS): choose(3)}}
    if kind == 2 and twin.head(dataset).annotations[key].type == "POINT":
        return {"coordinates": {"x": choose(3), "y": choose(3)}}
    return {"status": one(choose, STATUSES)}


def unannotate(twin: Twin, choose: Choose) -> None:
    dataset = any_dataset(twin, choose)
    keys = some(choose, sorted(twin.head(dataset).annotations), 2)
    if keys:
        twin.unannotate(dataset, keys)


Step = Callable[[Twin, Choose], None]
EDITS: tuple[tuple[Step, int], ...] = (
    (create, 3),
    (upload, 10),
    (update, 12),
    (move, 8),
    (delete, 8),
    (delete_absent, 1),
    (annotate, 9),
    (reannotate, 12),
    (unannotate, 6),
)
