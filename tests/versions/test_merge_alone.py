"""What one source changed alone is copied by the database: nothing more, and nothing less.

Every merge here is made by the service and by the naive model, in both orders and by both
policies; contents, lineage, writes, counters and reports are compared, and the store is verified.

Each of these mistakes was put into `merge_alone`, `merge_taking` or `merge_plan` on purpose, and
made the test fail that …

| mistake | the test |
|---|---|
| what the rival has seen is taken all the same | … has seen and let go is not taken |
| all of a dataset counts as seen, whichever version was | … in one writing is nobody's change |
| what the ground's rival has seen is not decided | … has seen and let go is not taken |
| what the rival wrote itself is taken all the same | … that both sides changed |
| what the rival covered is not decided · is taken | … removed and the other changed · the same |
| a side's own removals are not decided | … what only one side removed |
| what was replaced counts as removed | … a changed annotation replaces |
| annotations of an item that not both hold are taken | … not both sides hold go by the rules |
| an unknown status is taken | … taken again without its status |
| kept siblings do not matter | … a kept sibling that becomes equal |
| settled by key, not by write | … took from the other and one changed |
| common sheets whatever their version | … a source and its clone |
| nothing is covered · all that the other side covers | … replaces · that both sides changed |
| a mask on the common sheets is forgotten | … what a mask hides |
| annotated items, labels of the replaced counted wrongly | … new annotations come · replaces |
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest

from gql_service.catalog.visibility import open_view
from gql_service.database.engine import Database
from gql_service.versions.knowledge import Seen
from gql_service.versions.merge_alone import changed_alone
from gql_service.versions.merge_sources import Source
from gql_service.versions.verify import verify_versions
from tests.builders import ON_SQLITE
from tests.oracle.editing import SKIP, AnnotationEdit, ItemEdit, NewAnnotation, NewItem
from tests.oracle.groups import LAST, THREE_WAY, UNION
from tests.oracle.model import Flags
from tests.versions.copies import ALONE
from tests.versions.ending import compare_everything
from tests.versions.service import set_the_stage
from tests.versions.twin import Twin

pytestmark = pytest.mark.model

HIGH = 10
"""Clones of clones: more layers than a dataset is left with for long."""

CAT = NewAnnotation("CLASSIFICATION", "cat", None, status="ISSUE")
DOG = NewAnnotation("CLASSIFICATION", "dog", None)
TAKEN = f"merge copied {ALONE}"


@pytest.fixture
def twin(database: Database) -> Iterator[Twin]:
    twin = Twin(database, set_the_stage(database))
    yield twin
    compare_everything(twin)
    with database.read() as tx:
        assert verify_versions(tx) == []


def filled(twin: Twin, count: int = 3) -> int:
    """A dataset of a few items with an annotation each, but the last, which has none."""
    dataset = twin.create(0)
    new = [
        NewItem(f"/{n}.jpg", n, annotations=(CAT,) if n + 1 < count else ()) for n in range(count)
    ]
    twin.upload(dataset, new, SKIP)
    return dataset


def clone(twin: Twin, source: int, **how: Flags) -> int:
    copy = twin.clone(source, twin.model(source).head, **how)  # type: ignore[arg-type]
    assert copy is not None
    return copy


def clones(twin: Twin, count: int = 2) -> tuple[list[int], list[int], list[int]]:
    """Whole clones of one dataset, the keys of the items and of the annotations."""
    source = filled(twin)
    head = twin.head(source)
    return [clone(twin, source) for _ in range(count)], sorted(head.items), sorted(head.annotations)


def change(twin: Twin, dataset: int, *keys: int, **fields: object) -> None:
    twin.reannotate(dataset, [AnnotationEdit(key, dict(fields)) for key in keys])


def newest(twin: Twin, dataset: int) -> int:
    return max(twin.head(dataset).annotations)


def taken(
    twin: Twin,
    *datasets: int,
    flags: Flags = Flags(),  # noqa: B008 - frozen
    versions: Sequence[int] = (),
) -> int:
    """How many merges of these, in both orders and by both policies, took annotations without
    reading them: 0 to 4. The ground takes from the other, and is the larger or the first one."""
    before = twin.done[TAKEN]
    heads = versions or [twin.model(dataset).head for dataset in datasets]
    points = list(zip(datasets, heads, strict=True))
    for order in (points, points[::-1]):
        for policy in (UNION, THREE_WAY):
            assert twin.merge(order, policy=policy, on_conflict=LAST, flags=flags) is not None
    return twin.done[TAKEN] - before


def larger(twin: Twin, dataset: int) -> None:
    """Gives a dataset one item more, which makes it the ground of its merges."""
    twin.upload(dataset, [NewItem("/more.jpg", 4)], SKIP)


grounds = pytest.mark.parametrize("ground", [0, 1])


# What comes from one side as it is.


@grounds
def test_new_annotations_come_with_what_the_other_side_wrote(twin: Twin, ground: int) -> None:
    sides, (a, b, c), _ = clones(twin)
    larger(twin, sides[ground])
    twin.annotate(sides[0], [(a, DOG), (c, DOG), (c, CAT)])
    twin.annotate(sides[1], [(b, DOG), (c, CAT)])

    assert taken(twin, *sides) == 4


@ON_SQLITE
@grounds
def test_a_changed_annotation_replaces_the_one_that_both_started_from(
    twin: Twin, ground: int
) -> None:
    sides, _, (first, second) = clones(twin)
    larger(twin, sides[ground])
    change(twin, sides[0], first, label="dog")
    change(twin, sides[0], first, status="APPROVED")
    change(twin, sides[1], second, metadata={"k": 1})

    assert taken(twin, *sides) == 4


@ON_SQLITE
def test_a_source_and_its_clone_meet_as_two_clones_do(twin: Twin) -> None:
    source = filled(twin)
    copy = clone(twin, source)
    change(twin, copy, *twin.head(source).annotations, label="dog")

    assert taken(twin, source, copy) == 2
    twin.annotate(source, [(min(twin.head(source).items), DOG)])
    assert taken(twin, source, copy) == 0  # no sheet is common any more: all is compared


@ON_SQLITE
def test_clones_of_clones_meet_over_the_sheets_that_they_share(twin: Twin) -> None:
    (left, right), (a, *_), (first, second) = clones(twin)
    change(twin, left, first, label="dog")
    deeper = clone(twin, left)
    change(twin, deeper, first, status="APPROVED")
    twin.annotate(deeper, [(a, DOG)])
    change(twin, right, second, label="dog")

    assert taken(twin, deeper, right) == 4


@ON_SQLITE
def test_versions_before_the_head_are_merged_as_they_were(twin: Twin) -> None:
    (left, right), (_, b, _), (first, second) = clones(twin)
    change(twin, left, first, label="dog")
    twin.annotate(right, [(b, DOG)])
    change(twin, left, first, second, metadata={"k": 2})
    twin.unannotate(left, [first])
    twin.unannotate(right, [second, newest(twin, right)])

    assert taken(twin, left, right, versions=(1, 1)) == 0
    assert taken(twin, left, right, versions=(2, 2)) == 4
    assert taken(twin, left, right, versions=(3, 2)) == 4


@ON_SQLITE
def test_clones_without_statuses_or_annotations_are_annotated_apart(twin: Twin) -> None:
    source = filled(twin)
    for flags in (Flags(status=False), Flags(annotations=False)):
        sides = [clone(twin, source, flags=flags) for _ in range(2)]
        a, b, c = sorted(twin.head(source).items)
        twin.annotate(sides[0], [(a, DOG), (c, DOG)])
        twin.annotate(sides[1], [(a, DOG), (b, CAT)])
        assert taken(twin, *sides) == 4
        assert taken(twin, *sides, flags=Flags(annotations=False)) == 0
        taken(twin, *sides, flags=Flags(status=False))


# What the rules have to decide.


@ON_SQLITE
@grounds
def test_an_annotation_that_both_sides_changed_is_not_taken(twin: Twin, ground: int) -> None:
    sides, _, (first, _) = clones(twin)
    larger(twin, sides[ground])
    change(twin, sides[0], first, label="dog")
    change(twin, sides[1], first, metadata={"k": 1})

    assert taken(twin, *sides) == 0


@ON_SQLITE
def test_an_annotation_that_both_changed_since_one_took_it_from_the_other_is_not_taken(
    twin: Twin,
) -> None:
    (left, right), (a, *_), _ = clones(twin)
    larger(twin, left)
    twin.annotate(right, [(a, DOG)])
    both = twin.merge([(left, 2), (right, 2)], policy=UNION, on_conflict=LAST)
    assert both is not None
    change(twin, right, newest(twin, right), metadata={"k": 1})
    change(twin, both, newest(twin, right), metadata={"k": 2})

    assert taken(twin, both, right) == 0


@ON_SQLITE
@pytest.mark.parametrize("later", [0, 1])
def test_an_annotation_that_one_took_from_the_other_and_one_changed_is_the_changed_one(
    twin: Twin, later: int
) -> None:
    (left, right), (a, *_), _ = clones(twin)
    twin.annotate(right, [(a, DOG)])
    both = twin.merge([(left, 1), (right, 2)], policy=UNION, on_conflict=LAST)
    assert both is not None
    change(twin, (right, both)[later], newest(twin, right), metadata={"k": 1})

    assert taken(twin, both, right) == 0


@ON_SQLITE
@grounds
def test_an_annotation_that_one_side_removed_and_the_other_changed_is_counted_once(
    twin: Twin, ground: int
) -> None:
    sides, _, (first, _) = clones(twin)
    larger(twin, sides[ground])
    twin.unannotate(sides[0], [first])
    change(twin, sides[1], first, label="dog")

    assert taken(twin, *sides) == 0


@ON_SQLITE
@grounds
def test_what_only_one_side_removed_goes_or_stays_as_the_policy_says(
    twin: Twin, ground: int
) -> None:
    sides, (a, *_), (first, second) = clones(twin)
    larger(twin, sides[ground])
    twin.unannotate(sides[0], [first])
    twin.annotate(sides[1], [(a, DOG)])
    change(twin, sides[1], second, label="dog")
    twin.annotate(sides[0], [(a, DOG)])

    assert taken(twin, *sides) == 4


@grounds
def test_what_a_clone_changed_and_its_clone_removed_is_removed(twin: Twin, ground: int) -> None:
    (left, right), (a, *_), (first, _) = clones(twin)
    change(twin, left, first, label="dog")
    twin.annotate(left, [(a, DOG)])
    deeper = clone(twin, left)
    twin.unannotate(deeper, [first, newest(twin, left)])
    larger(twin, (deeper, right)[ground])

    assert taken(twin, deeper, right) == 0


@ON_SQLITE
@grounds
def test_an_annotation_that_the_other_side_has_seen_and_let_go_is_not_taken(
    twin: Twin, ground: int
) -> None:
    (left, right), (a, *_), _ = clones(twin)
    larger(twin, left)
    twin.annotate(right, [(a, DOG)])
    without = clone(twin, right)
    twin.unannotate(without, [newest(twin, right)])
    let_go = twin.merge([(left, 2), (without, 2)], policy=THREE_WAY, on_conflict=LAST)
    assert let_go is not None
    larger(twin, right)
    twin.upload((let_go, right)[ground], [NewItem("/much more.jpg", 4)], SKIP)

    assert taken(twin, let_go, right) == 0


@ON_SQLITE
@grounds
def test_an_annotation_taken_again_without_its_status_is_lent_the_one_it_had(
    twin: Twin, ground: int
) -> None:
    source = filled(twin)
    sides = [clone(twin, source) for _ in range(2)]
    item = min(twin.head(source).items)
    twin.delete(sides[0], [item])
    twin.clone_into(source, 2, sides[0], chosen=[item], flags=Flags(status=False))
    larger(twin, sides[ground])

    assert taken(twin, *sides) == 0


@ON_SQLITE
@grounds
def test_a_kept_sibling_that_becomes_equal_to_the_first_vanishes(twin: Twin, ground: int) -> None:
    (left, right), _, (first, _) = clones(twin)
    change(twin, left, first, label="dog")
    change(twin, right, first, metadata={"k": 1})
    both = twin.merge([(left, 2), (right, 2)], policy=UNION, on_conflict=LAST)
    assert both is not None
    sides = [clone(twin, both) for _ in range(2)]
    sibling = next(row.key for row in twin.head(both).annotations.values() if row.key != row.root)
    change(twin, sides[0], sibling, label="dog", metadata={})
    larger(twin, sides[ground])

    assert taken(twin, *sides) == 0


@ON_SQLITE
@grounds
def test_annotations_of_an_item_that_not_both_sides_hold_go_by_the_rules(
    twin: Twin, ground: int
) -> None:
    sides, (a, b, _), (_, second) = clones(twin)
    twin.annotate(sides[0], [(a, DOG)])
    change(twin, sides[0], second, label="dog")
    twin.delete(sides[1], [a, b])
    twin.upload(sides[ground], [NewItem(f"/{n}.png", 4, annotations=(DOG,)) for n in "xyz"], SKIP)

    assert taken(twin, *sides) == 0


@ON_SQLITE
def test_annotations_of_an_item_that_both_sides_changed_are_taken(twin: Twin) -> None:
    sides, (a, _, c), (first, _) = clones(twin)
    change(twin, sides[0], first, label="dog")
    for at, side in enumerate(sides):
        twin.update(side, [a, c], ItemEdit(0, set={"k": at}))
        twin.annotate(side, [(c, DOG)])

    assert taken(twin, *sides) == 4


@ON_SQLITE
def test_what_both_hold_in_one_writing_is_nobodys_change(twin: Twin) -> None:
    (left, right), (a, b, _), (first, second) = clones(twin)
    change(twin, left, first, label="dog")
    twin.annotate(right, [(b, DOG)])
    change(twin, right, second, label="dog")
    both = twin.merge([(left, 2), (right, 3)], policy=UNION, on_conflict=LAST)
    assert both is not None

    assert taken(twin, both, right) == taken(twin, left, both) == 2  # what the other side wrote
    twin.annotate(right, [(a, DOG)])
    assert taken(twin, both, right) == 4


# Counters and covers, where what is seen through masks differs from what lies there.


@ON_SQLITE
def test_what_a_mask_hides_is_not_replaced_by_what_is_taken(twin: Twin) -> None:
    source = filled(twin)
    item, annotation = min(twin.head(source).items), min(twin.head(source).annotations)
    changed = clone(twin, source)
    change(twin, changed, annotation, label="dog")
    blind = clone(twin, changed, flags=Flags(annotations=False))
    twin.delete(blind, [item])
    twin.clone_into(changed, 2, blind, chosen=[item])
    other = clone(twin, source, flags=Flags(annotations=False))

    assert taken(twin, blind, other) == 2


@ON_SQLITE
def test_over_a_ground_that_lies_on_many_layers_annotations_are_taken_too(twin: Twin) -> None:
    source = filled(twin)
    first, second = sorted(twin.head(source).annotations)
    deep = source
    for depth in range(HIGH):
        deep = clone(twin, deep)
        change(twin, deep, first, metadata={"k": depth})
    sides = [clone(twin, deep) for _ in range(2)]
    for side, label in zip(sides, ("dog", "cat"), strict=True):
        twin.annotate(side, [(min(twin.head(side).items), CAT)])
        change(twin, side, second, label=label)

    assert taken(twin, *sides) == 4


@ON_SQLITE
def test_a_source_may_know_of_any_number_of_datasets(twin: Twin, database: Database) -> None:
    sides, (a, *_), _ = clones(twin)
    twin.annotate(sides[1], [(a, DOG)])

    with database.read() as tx:
        views = [open_view(tx, twin.id(side)) for side in sides]
        many = tuple(Seen(number, 1) for number in range(10_000, 12_000))
        ground, other = (Source(v.dataset, v.version, v, many, 3, 0) for v in views)
        alone = changed_alone(tx, ground, other)

    assert alone is not None and not alone.left
