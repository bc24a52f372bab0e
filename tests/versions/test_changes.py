"""Which keys two views can differ in: never too few, and none where nothing was written."""

from __future__ import annotations

import random
from typing import Any

import pytest

from gql_service.catalog.visibility import View, open_view
from gql_service.database.engine import Tx
from gql_service.versions.annotations import AnnotationPatch
from gql_service.versions.changes import changed_annotations, changed_items
from gql_service.versions.items import ItemPatch
from tests.builders import Lab, by_keys, mark, new_item, shown_by

MASKS: dict[str, bool] = {"annotations": True, "metadata": True, "status": True}


def changed(lab: Lab, *points: tuple[int, int | None], **masks: bool) -> tuple[set[int], set[int]]:
    """Keys of items and roots of annotations that may differ; the masks are over the second."""

    def find(tx: Tx) -> tuple[set[int], set[int]]:
        left, right = (open_view(tx, *point) for point in points)
        right = right.masked(**(MASKS | masks))
        return changed_items(tx, left, right), changed_annotations(tx, left, right)

    return lab.read(find)


def test_a_dataset_does_not_differ_from_itself_nor_from_an_untouched_clone(lab: Lab) -> None:
    dataset = lab.dataset()
    clone = lab.clone(dataset)
    clone_of_clone = lab.clone(clone)

    for other in (dataset, clone, clone_of_clone):
        assert changed(lab, (dataset, None), (other, None)) == (set(), set())


def test_only_what_was_written_between_two_versions_is_named(lab: Lab) -> None:
    dataset = lab.dataset()
    a, b, c = lab.keys(dataset)
    first, second, third = [row.key for row in lab.annotations(dataset)]
    lab.update(dataset, by_keys(a), ItemPatch(hidden=True))
    (new,) = lab.annotate(dataset, b, mark()).keys
    lab.delete(dataset, c)

    def between(low: int, high: int) -> tuple[set[int], set[int]]:
        forth, back = ((dataset, low), (dataset, high)), ((dataset, high), (dataset, low))
        assert changed(lab, *forth) == changed(lab, *back)
        return changed(lab, *forth)

    assert between(2, 3) == ({a}, set())
    assert between(3, 4) == (set(), {new})
    assert between(4, 5) == ({c}, {third})
    assert between(2, 5) == ({a, c}, {new, third})
    assert {first, second}.isdisjoint(between(2, 5)[1])


def test_a_clone_and_its_source_differ_in_what_either_wrote(lab: Lab) -> None:
    source = lab.dataset()
    clone = lab.clone(source)
    a, b, c = lab.keys(source)
    lab.update(clone, by_keys(a), ItemPatch(hidden=True))
    lab.delete(clone, b)
    lab.update(source, by_keys(c), ItemPatch(hidden=True))

    items, roots = changed(lab, (source, None), (clone, None))

    assert items == {a, b, c}
    assert len(roots) == 1


def test_masks_concern_everything_that_they_hide(lab: Lab) -> None:
    source = lab.dataset()
    items = set(lab.keys(source))
    roots = {row.root for row in lab.annotations(source)}

    def behind(**masks: bool) -> Any:
        return changed(lab, (source, None), (source, None), **masks)

    assert behind(metadata=False) == (items, set())
    assert behind(annotations=False) == (set(), roots)
    assert behind(status=False) == (set(), roots)


def test_strangers_differ_in_everything(lab: Lab) -> None:
    one, other = lab.dataset(), lab.dataset()

    items, roots = changed(lab, (one, None), (other, None))

    assert items == {*lab.keys(one), *lab.keys(other)}
    assert len(roots) == 6


def step(lab: Lab, dice: random.Random, datasets: list[int]) -> None:
    """One random change somewhere."""
    dataset = dice.choice(datasets)
    keys = lab.keys(dataset)
    marks = [row.key for row in lab.annotations(dataset)]
    match dice.randrange(7):
        case 0 if len(datasets) < 5:
            flags = {f"with_{name}": dice.random() < 0.8 for name in MASKS}
            datasets.append(lab.clone(dataset, **flags))
        case 1 if keys:
            lab.delete(dataset, dice.choice(keys))
        case 2 if keys:
            lab.annotate(dataset, dice.choice(keys), mark())
        case 3 if marks:
            lab.change(dataset, AnnotationPatch(dice.choice(marks), label="dog"))
        case 4 if marks:
            lab.erase(dataset, dice.choice(marks))
        case 5 if keys:
            patch = ItemPatch(metadata={"r": dice.randrange(100)})
            lab.update(dataset, by_keys(dice.choice(keys)), patch)
        case _:
            lab.add(dataset, new_item(f"/{dice.randrange(10**6)}", 1, "cat"))


@pytest.mark.parametrize(
    ("database", "seed"),
    [("sqlite", 1), ("sqlite", 2), ("postgresql", 1)],
    indirect=["database"],
)
def test_what_is_not_named_is_shown_alike_after_any_history(lab: Lab, seed: int) -> None:
    dice = random.Random(seed)
    datasets = [lab.dataset()]
    for _ in range(25):
        step(lab, dice, datasets)
    points = [(dataset, dice.randint(1, lab.head(dataset))) for dataset in datasets]
    points += [(dataset, lab.head(dataset)) for dataset in datasets]

    def compare(tx: Tx) -> None:
        views = [open_view(tx, *point) for point in points]
        contents = [shown_by(tx, view) for view in views]
        for left, one in zip(views, contents, strict=True):
            for right, other in zip(views, contents, strict=True):
                assert_alike(tx, left, right, one, other)

    lab.read(compare)
    lab.verify()


def assert_alike(tx: Tx, left: View, right: View, one: Any, other: Any) -> None:
    """Beyond the keys and roots that are named, both show the same rows."""
    items, roots = changed_items(tx, left, right), changed_annotations(tx, left, right)

    def rest(shown: Any) -> Any:
        return (
            {key: row for key, row in shown[0].items() if key not in items},
            {key: row for key, row in shown[1].items() if row["root"] not in roots},
        )

    assert rest(one) == rest(other)
