"""Two points with one line's writing between them are compared as any others, only faster.

Seeded bugs that turned these red: what began and ended in between counted, as gone or as come; what
was covered left out; backwards not turned round; an item left out of which only annotations differ;
a page that begins one key too late; a view behind a mask taken for the one without.
"""

from __future__ import annotations

from dataclasses import replace

from gql_service.catalog.annotation_content import AnnotationStatus
from gql_service.catalog.visibility import open_view
from gql_service.database.engine import Tx
from gql_service.versions.annotations import AnnotationPatch
from gql_service.versions.comparison import Place
from gql_service.versions.diff import (
    Counts,
    ItemDifference,
    count_differences,
    count_stretch,
    lineages_between,
    page_of_differences,
    page_of_stretch,
)
from gql_service.versions.flatten import flatten
from gql_service.versions.items import ItemPatch
from gql_service.versions.revert import RevertRequest, restore_items, revert_dataset
from gql_service.versions.stretch import stretch_between
from tests.builders import ON_SQLITE, Lab, by_keys, mark, new_item


def lived(lab: Lab, dataset: int) -> None:
    """Everything that a line can write about a thing, and things that come to nothing."""
    a, b, c, d, e, f = lab.keys(dataset)[:6]
    first = lab.head(dataset)
    lab.update(dataset, by_keys(a, b), ItemPatch(metadata={"n": 1}))
    lab.update(dataset, by_keys(a), ItemPatch(metadata={"n": 2}))
    lab.move(dataset, {c: "/moved"})
    marks = [row for row in lab.annotations(dataset) if row.item == d]
    lab.change(dataset, AnnotationPatch(marks[0].key, label="dog"))
    lab.erase(dataset, marks[1].key)
    lab.annotate(dataset, e, mark(status=AnnotationStatus.ISSUE), mark("dog"))
    lab.delete(dataset, e, f)
    lab.add(dataset, new_item("/new", 2, "cat"), new_item("/short", 3, "cat", "dog"))
    lab.annotate(dataset, d, mark("dog"))
    lab.delete(dataset, lab.items(dataset)["/short"].key)
    lab.write(restore_items, dataset, lab.head(dataset) - 4, (e,))
    lab.write(revert_dataset, RevertRequest(dataset, first, by_keys(b)))


def general(tx: Tx, old: Place, new: Place) -> tuple[Counts, list[ItemDifference]]:
    """As any two views are compared."""
    views = open_view(tx, *old), open_view(tx, *new)
    lineages = lineages_between(tx, *views)
    page = page_of_differences(tx, *views, lineages, None, behind=None, limit=100)
    return count_differences(tx, *views, lineages, None), page


def along(tx: Tx, old: Place, new: Place, limit: int) -> tuple[Counts, list[ItemDifference]]:
    """By the stretch, in pages."""
    stretch = stretch_between(open_view(tx, *old), open_view(tx, *new))
    assert stretch is not None, f"no stretch from {old} to {new}"
    found: list[ItemDifference] = []
    while page := page_of_stretch(
        tx, stretch, behind=found[-1].key if found else None, limit=limit
    ):
        found += page
    return count_stretch(tx, stretch), found


def test_a_stretch_tells_what_every_other_diff_tells(lab: Lab) -> None:
    items = [new_item(f"/{name}", 1, "cat", "dog") for name in "abcdefghi"]
    source = lab.dataset(*items)
    clone = lab.clone(source)
    for dataset in (source, clone):
        lived(lab, dataset)
    heads = {dataset: lab.head(dataset) for dataset in (source, clone)}
    pairs = [((source, 2), (clone, version)) for version in range(1, heads[clone] + 1)]
    for dataset, head in heads.items():
        pairs += [((dataset, low), (dataset, head)) for low in (2, head // 2, head)]
    pairs.append(((source, 1), (source, heads[source])))

    with lab.database.read() as tx:
        for old, new in (*pairs, *(pair[::-1] for pair in pairs)):
            for limit in (1, 3):
                assert along(tx, old, new, limit) == general(tx, old, new), (old, new)
        counts, _ = along(tx, (source, 2), (source, heads[source]), 1)

    assert counts == Counts(6, 1, 2, 1, 4, 1, 3)


@ON_SQLITE
def test_there_is_no_stretch_across_a_mask_a_flatten_or_two_lines(lab: Lab) -> None:
    source = lab.dataset()
    blind, clone, other = (lab.clone(source, with_metadata=one) for one in (False, True, True))
    for dataset in (source, blind, clone, other):
        lab.update(dataset, by_keys(*lab.keys(dataset)), ItemPatch(description="new"))
    lab.update(clone, by_keys(*lab.keys(clone)), ItemPatch(description="newer"))
    flatten(lab.database, clone)
    lab.update(clone, by_keys(*lab.keys(clone)), ItemPatch(description="newest"))

    def between(old: Place, new: Place) -> bool:
        views = [lab.read(open_view, *place) for place in (old, new)]
        views = [replace(view, live=False) for view in views]
        return stretch_between(*views) is not None

    assert between((source, 2), (source, 3)) and between((source, 2), (other, 2))
    assert between((clone, 1), (clone, 2)) and between((clone, 4), (clone, 3))
    for old, new in (
        ((source, 3), (other, 2)),
        ((source, 2), (blind, 2)),
        ((blind, 1), (blind, 2)),
        ((clone, 2), (clone, 4)),
        ((clone, 4), (other, 2)),
        ((source, 2), (clone, 4)),
    ):
        assert not between(old, new) and not between(new, old)
