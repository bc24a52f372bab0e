"""Histories that random ones rarely build, lived by the service and by the naive model at once.

Each ends with every version of every dataset compared, and the whole store verified.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from gql_service.database.engine import Database
from gql_service.versions.verify import verify_versions
from tests.builders import ON_SQLITE
from tests.oracle.editing import SKIP, AnnotationEdit, ItemEdit, NewAnnotation, NewItem
from tests.oracle.groups import LAST, THREE_WAY, UNION
from tests.oracle.model import Flags
from tests.versions.ending import compare_everything
from tests.versions.service import set_the_stage
from tests.versions.twin import Twin

pytestmark = pytest.mark.model

HIGH = 10
"""Clones of clones: more layers than a dataset is left with for long."""

LABEL = NewAnnotation("POINT", "cat", {"x": 1, "y": 1}, status="ISSUE")
POLICIES = [UNION, THREE_WAY]


@pytest.fixture
def twin(database: Database) -> Iterator[Twin]:
    twin = Twin(database, set_the_stage(database))
    yield twin
    compare_everything(twin)
    with database.read() as tx:
        assert verify_versions(tx) == []


def filled(twin: Twin, count: int = 3) -> int:
    """A dataset of a few items, each with metadata and one annotation."""
    dataset = twin.create(0)
    new = [
        NewItem(f"/{n}.jpg", n % 5, {"k": n, "l": n}, annotations=(LABEL,)) for n in range(count)
    ]
    twin.upload(dataset, new, SKIP)
    return dataset


def keys(twin: Twin, dataset: int) -> list[int]:
    return sorted(twin.head(dataset).items)


def merge(twin: Twin, *datasets: int, policy: str = UNION) -> int:
    """Merges heads; there must be nothing to refuse."""
    points = [(dataset, twin.model(dataset).head) for dataset in datasets]
    merged = twin.merge(points, policy=policy, on_conflict=LAST)
    assert merged is not None
    return merged


def clone(twin: Twin, source: int, chosen: list[int] | None = None, **how: Flags) -> int:
    copy = twin.clone(source, twin.model(source).head, chosen=chosen, **how)  # type: ignore[arg-type]
    assert copy is not None
    return copy


@ON_SQLITE
@pytest.mark.parametrize("policy", POLICIES)
def test_a_union_overrides_a_removal_and_is_merged_with_the_remover_again(
    twin: Twin, policy: str
) -> None:
    source = filled(twin)
    remover = clone(twin, source)
    first, second, _ = keys(twin, source)
    twin.delete(remover, [first])
    twin.unannotate(remover, [row.key for row in twin.head(remover).annotations_of(second)])

    union = merge(twin, source, remover)
    again = merge(twin, union, remover, policy=policy)

    assert keys(twin, again) == keys(twin, source)
    assert len(twin.head(again).annotations) == 3


def test_a_filtered_clone_meets_an_older_whole_version(twin: Twin) -> None:
    source = filled(twin)
    first, second, third = keys(twin, source)
    older = twin.model(source).head
    twin.update(source, [first], ItemEdit(0, set={"k": "new"}))
    twin.delete(source, [third])
    part = clone(twin, source, [first])

    merged = twin.merge([(part, 1), (source, older)], policy=THREE_WAY, on_conflict=LAST)

    assert merged is not None
    assert keys(twin, merged) == [first, second, third]
    assert twin.head(merged).items[first].metadata["k"] == "new"


@ON_SQLITE
@pytest.mark.parametrize("policy", POLICIES)
def test_a_clone_into_takes_nothing_and_is_merged_back(twin: Twin, policy: str) -> None:
    source, other = filled(twin), filled(twin, 1)
    before = twin.model(other).head
    twin.clone_into(source, 2, other, chosen=[])

    merged = merge(twin, source, other, policy=policy)

    assert twin.model(other).head == before
    assert len(keys(twin, merged)) == 4


@ON_SQLITE
@pytest.mark.parametrize("policy", POLICIES)
def test_datasets_merge_into_one_another_crosswise_and_then_one_is_edited(
    twin: Twin, policy: str
) -> None:
    source = filled(twin)
    copy = clone(twin, source)
    first = keys(twin, source)[0]
    twin.update(source, [first], ItemEdit(0, set={"k": "left"}))
    twin.update(copy, [first], ItemEdit(0, set={"l": "right"}))
    one = merge(twin, source, copy, policy=policy)
    other = merge(twin, copy, source, policy=policy)
    crossed = merge(twin, one, other, policy=policy)
    twin.update(one, [first], ItemEdit(0, set={"k": "later"}))

    last = merge(twin, crossed, one, other, source, copy, policy=policy)

    assert twin.head(last).items[first].metadata == {"k": "later", "l": "right"}


def test_a_high_pile_outlives_the_datasets_that_it_lies_on(twin: Twin) -> None:
    source, stranger = filled(twin), filled(twin, 2)
    pile = [source]
    for depth in range(HIGH):
        pile.append(clone(twin, pile[-1]))
        twin.update(pile[-1], [keys(twin, source)[depth % 3]], ItemEdit(0, set={"k": depth}))
    for dataset in pile[:-1]:
        twin.drop(dataset)
    twin.purge()

    merged = merge(twin, pile[-1], stranger)
    top = clone(twin, pile[-1])

    assert len(keys(twin, merged)) == 5
    assert len(twin.head(top).annotations) == 3


@ON_SQLITE
@pytest.mark.parametrize("policy", POLICIES)
def test_an_item_kept_without_its_metadata_meets_an_old_full_version(
    twin: Twin, policy: str
) -> None:
    source = filled(twin)
    old = twin.model(source).head
    first = keys(twin, source)[0]
    blind = clone(twin, source, flags=Flags(metadata=False))
    twin.update(blind, [first], ItemEdit(0, fields={"description": "seen blindly"}))
    twin.delete(source, [first])
    kept = merge(twin, source, blind)

    merged = twin.merge([(kept, 1), (source, old)], policy=policy, on_conflict=LAST)

    assert merged is not None
    row = twin.head(merged).items[first]
    assert (row.description, row.metadata) == ("seen blindly", {"k": 0, "l": 0})


@ON_SQLITE
@pytest.mark.parametrize("policy", POLICIES)
def test_a_filtered_clone_is_dropped_after_it_was_merged(twin: Twin, policy: str) -> None:
    source = filled(twin)
    first, second, _ = keys(twin, source)
    part = clone(twin, source, [first, second])
    twin.delete(part, [second])
    twin.move(part, {first: "/moved.jpg"})
    merged = merge(twin, source, part, policy=policy)
    twin.drop(part)
    twin.purge()

    again = merge(twin, merged, source, policy=policy)

    assert keys(twin, again) == keys(twin, merged)
    assert twin.head(again).items[first].path == "/moved.jpg"


def test_annotations_kept_in_conflict_are_resolved_and_stay_resolved(twin: Twin) -> None:
    source = filled(twin, 1)
    copy = clone(twin, source)
    (label,) = twin.head(source).annotations
    twin.reannotate(source, [AnnotationEdit(label, {"label": "dog"})])
    twin.reannotate(copy, [AnnotationEdit(label, {"coordinates": {"x": 2, "y": 2}})])
    merged = merge(twin, source, copy)
    assert len(twin.head(merged).annotations) == 2
    extra = max(twin.head(merged).annotations)
    twin.unannotate(merged, [extra])

    again = merge(twin, source, merged, copy, policy=THREE_WAY)

    assert len(twin.head(again).annotations) == 1


@ON_SQLITE
def test_a_masked_clone_that_removes_an_item_does_not_remove_what_it_never_saw(
    twin: Twin,
) -> None:
    source = filled(twin, 1)
    bare = clone(twin, source, flags=Flags(annotations=False))
    twin.delete(bare, keys(twin, bare))

    merged = merge(twin, source, bare, policy=THREE_WAY)

    assert len(twin.head(merged).annotations) == 1


@ON_SQLITE
def test_a_destination_takes_an_item_again_that_it_had_deleted(twin: Twin) -> None:
    source = filled(twin)
    copy = clone(twin, source)
    first = keys(twin, source)[0]
    twin.delete(copy, [first])
    twin.clone_into(source, 2, copy, chosen=[first])

    for sources in ((source, copy), (copy, source)):
        for policy in POLICIES:
            merged = merge(twin, *sources, policy=policy)
            assert keys(twin, merged) == keys(twin, source)


@ON_SQLITE
def test_a_second_copy_in_its_own_dataset_shares_no_lineage(twin: Twin) -> None:
    source = filled(twin)
    copy = clone(twin, source)
    twin.clone_into(source, 2, source, directory="/again", allow_many=True)
    twin.clone_into(source, 3, source, directory="/", allow_many=True)

    merged = merge(twin, source, copy, policy=THREE_WAY)

    assert len(keys(twin, merged)) == 12
    assert len(twin.head(merged).annotations) == 12


def test_a_purged_source_stays_for_every_clone_at_the_version_that_it_sees(twin: Twin) -> None:
    source = filled(twin)
    first, second, third = keys(twin, source)
    clones = [clone(twin, source)]
    twin.delete(source, [first])
    clones.append(clone(twin, source))
    twin.update(source, [second], ItemEdit(0, set={"k": "later"}))
    clones.append(clone(twin, source))
    twin.drop(source)
    twin.purge()

    merged = merge(twin, *clones, policy=THREE_WAY)

    assert [len(keys(twin, copy)) for copy in clones] == [3, 2, 2]
    assert keys(twin, merged) == [second, third]
    assert twin.head(merged).items[second].metadata["k"] == "later"
