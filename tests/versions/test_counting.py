"""The counters of versions: final numbers that never change, per label too."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
import sqlalchemy as sa

from gql_service.database.columns import FOREVER
from gql_service.database.engine import Tx
from gql_service.versions.annotations import AnnotationPatch
from gql_service.versions.counting import LABEL_COUNTS, Counters
from gql_service.versions.items import UploadMode
from tests.builders import Lab, mark, new_item


def numbers(lab: Lab, dataset: int, version: int) -> tuple[int, int, int]:
    row = lab.version(dataset, version)
    return row.items, row.annotated_items, row.annotations


def changes(lab: Lab, dataset: int, version: int) -> dict[str, int]:
    """What a version says that it changed, without the zeros."""
    row = lab.version(dataset, version)._mapping
    ends = ("_added", "_modified", "_removed")
    return {name: n for name, n in row.items() if name.endswith(ends) and n}


def label_counts(lab: Lab, dataset: int) -> list[tuple[Any, ...]]:
    """(label, since, until, annotations) in order; None for no end."""
    rows = [row for row in lab.rows(LABEL_COUNTS) if row.dataset == dataset]
    found = [
        (r.label, r.since, None if r.until == FOREVER else r.until, r.annotations) for r in rows
    ]
    return sorted(found, key=lambda row: row[:2])


def test_counts_follow_every_change_and_old_versions_keep_theirs(lab: Lab) -> None:
    dataset = lab.dataset(new_item("/a", 1, "cat", "dog"), new_item("/b"))
    a, b = lab.keys(dataset)
    cat, dog = [row.key for row in lab.annotations(dataset)]
    lab.annotate(dataset, b, mark("cat"), mark("cat"))
    lab.change(dataset, AnnotationPatch(dog, label="cat"))
    lab.erase(dataset, cat, dog)
    lab.delete(dataset, b)

    assert [numbers(lab, dataset, v) for v in range(1, 7)] == [
        (0, 0, 0),
        (2, 1, 2),
        (2, 2, 4),
        (2, 2, 4),
        (2, 1, 2),
        (1, 0, 0),
    ]
    assert label_counts(lab, dataset) == [
        ("cat", 2, 3, 1),
        ("cat", 3, 4, 3),
        ("cat", 4, 5, 4),
        ("cat", 5, 6, 2),
        ("dog", 2, 4, 1),
    ]
    assert changes(lab, dataset, 6) == {"items_removed": 1, "annotations_removed": 2}
    assert lab.keys(dataset) == [a]
    lab.verify()


def test_a_label_whose_number_stays_keeps_its_interval(lab: Lab) -> None:
    dataset = lab.dataset(new_item("/a", 1, "cat"), new_item("/b", 1, "dog"))
    cat, dog = [row.key for row in lab.annotations(dataset)]

    lab.change(dataset, AnnotationPatch(cat, label="dog"), AnnotationPatch(dog, label="cat"))

    assert label_counts(lab, dataset) == [("cat", 2, None, 1), ("dog", 2, None, 1)]
    lab.verify()


def test_an_upload_over_an_item_counts_its_new_annotations(lab: Lab) -> None:
    dataset = lab.dataset(new_item("/a", 1, "cat"), new_item("/b"))

    lab.add(
        dataset,
        new_item("/a", 2, "dog"),
        new_item("/b", 1, "dog"),
        new_item("/c", 1, "dog"),
        mode=UploadMode.OVERWRITE,
    )

    assert numbers(lab, dataset, 3) == (3, 3, 4)
    assert changes(lab, dataset, 3) == {
        "items_added": 1,
        "items_modified": 1,
        "annotations_added": 3,
    }
    lab.verify()


@pytest.mark.parametrize(
    "how", [{}, {"with_annotations": False}, {"strip_folders": True}, {"version": 2}]
)
def test_a_first_version_adds_all_that_it_shows(lab: Lab, how: dict[str, Any]) -> None:
    source = lab.dataset(new_item("/x/a", 1, "cat"), new_item("/y/a"))
    lab.annotate(source, lab.keys(source)[1], mark("dog"))

    clone = lab.clone(source, **how)

    shown = {"items_added": 2, "annotations_added": len(lab.annotations(clone))}
    assert changes(lab, clone, 1) == {name: n for name, n in shown.items() if n}
    labels = Counter(row.label for row in lab.annotations(clone))
    assert label_counts(lab, clone) == [(name, 1, None, n) for name, n in sorted(labels.items())]
    lab.verify()


def test_a_merge_counts_what_it_shows(lab: Lab) -> None:
    source = lab.dataset(new_item("/a", 1, "cat"))
    clone = lab.clone(source)
    lab.annotate(clone, lab.keys(clone)[0], mark("dog"))
    other = lab.dataset(new_item("/a"))

    merged = lab.merge(source, clone, other)

    assert numbers(lab, merged, 1) == (2, 1, 2)
    assert changes(lab, merged, 1) == {"items_added": 2, "annotations_added": 2}
    assert label_counts(lab, merged) == [("cat", 1, None, 1), ("dog", 1, None, 1)]
    lab.verify()


def test_counts_per_label_never_overlap(lab: Lab) -> None:
    dataset = lab.dataset(new_item("/a", 1, "cat"))
    (item,) = lab.keys(dataset)
    for _ in range(3):
        (key,) = lab.annotate(dataset, item, mark("cat")).keys
        lab.erase(dataset, key)

    def overlapping(tx: Tx) -> Any:
        one, other = LABEL_COUNTS.alias(), LABEL_COUNTS.alias()
        met = [one.c.dataset == other.c.dataset, one.c.label == other.c.label]
        crossing = [one.c.since < other.c.since, one.c.until > other.c.since]
        return tx.first(sa.select(one.c.label).join(other, sa.and_(*met, *crossing)))

    assert lab.read(overlapping) is None
    assert [row[3] for row in label_counts(lab, dataset)] == [1, 2, 1, 2, 1, 2, 1]


def test_only_what_was_added_changed_or_removed_is_a_change() -> None:
    assert not Counters(items=3, annotated_items=2, annotations=1).changed
    for name in ("items", "annotations"):
        for what in ("added", "modified", "removed"):
            assert Counters(**{f"{name}_{what}": 1}).changed
