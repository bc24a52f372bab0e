"""Sources that know nothing of one another are added up: nothing is judged, paths are settled.

Every merge here is made by the service and by the naive model; contents, lineage, writes, counters
and reports are compared, and the store is verified. `added` says that rows were copied unread.

Each of these mistakes was put into `merge_paths`, `merge_plan`, `merge_sources` or `copying` on
purpose, and made the test fail that begins so:

| mistake | the test |
|---|---|
| what the ground shows goes before an earlier stranger | the earlier source keeps a path … |
| an item is renamed and copied too · counted twice | the earlier source keeps a path … |
| only what was decided can collide | the earlier source keeps a path … |
| a number is free when the ground has not got it | a path of many strangers … |
| annotations behind a mask are counted | the masks of a merge … |
| what one source holds counts as unified | strangers are added up … |
| annotated items are not counted | strangers are added up … |
| precedence by key alone | a path of many strangers … |
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest

from gql_service.database.engine import Database
from gql_service.versions.verify import verify_versions
from tests.builders import ON_SQLITE
from tests.oracle.editing import SKIP, ItemEdit, NewAnnotation, NewItem
from tests.oracle.groups import FIRST, LAST, THREE_WAY, UNION
from tests.oracle.model import Flags
from tests.versions.copies import STRANGERS
from tests.versions.ending import compare_everything
from tests.versions.service import set_the_stage
from tests.versions.twin import Twin

pytestmark = pytest.mark.model

HIGH = 10
"""Clones of clones: more layers than a dataset is left with for long."""

CAT = NewAnnotation("CLASSIFICATION", "cat", None, status="ISSUE")
DOG = NewAnnotation("CLASSIFICATION", "dog", None)
ADDED = f"merge copied {STRANGERS}"


@pytest.fixture
def twin(database: Database) -> Iterator[Twin]:
    twin = Twin(database, set_the_stage(database))
    yield twin
    compare_everything(twin)
    with database.read() as tx:
        assert verify_versions(tx) == []


def filled(twin: Twin, *paths: str) -> int:
    """A dataset of items by turns with two, one and no annotations."""
    dataset = twin.create(0)
    marks: Sequence[tuple[NewAnnotation, ...]] = ((CAT, DOG), (DOG,), ())
    new = [
        NewItem(path, at % 5, {"at": at}, annotations=marks[at % 3])
        for at, path in enumerate(paths)
    ]
    twin.upload(dataset, new, SKIP)
    return dataset


def clone(twin: Twin, source: int, **how: Flags) -> int:
    copy = twin.clone(source, twin.model(source).head, **how)  # type: ignore[arg-type]
    assert copy is not None
    return copy


def merge(
    twin: Twin,
    *datasets: int,
    versions: Sequence[int] = (),
    flags: Flags = Flags(),  # noqa: B008 - frozen
    policy: str = UNION,
    on_conflict: str = LAST,
) -> list[str]:
    """The paths of what they come to."""
    heads = versions or [twin.model(dataset).head for dataset in datasets]
    points = list(zip(datasets, heads, strict=True))
    merged = twin.merge(points, policy=policy, on_conflict=on_conflict, flags=flags)
    assert merged is not None
    return sorted(item.path for item in twin.head(merged).items.values())


def key_at(twin: Twin, dataset: int, path: str) -> int:
    return next(item.key for item in twin.head(dataset).items.values() if item.path == path)


@ON_SQLITE
@pytest.mark.parametrize("policy", [UNION, THREE_WAY])
def test_strangers_are_added_up_and_nothing_of_them_is_read(twin: Twin, policy: str) -> None:
    small, large, middle = filled(twin, "/a"), filled(twin, "/b", "/c", "/d"), filled(twin, "/e")

    assert merge(twin, small, large, policy=policy) == ["/a", "/b", "/c", "/d"]
    assert merge(twin, small, middle, large, policy=policy, on_conflict=FIRST) == [
        "/a",
        "/b",
        "/c",
        "/d",
        "/e",
    ]
    assert twin.done[ADDED] == twin.done["outcome SUMMED"] == 2


@ON_SQLITE
def test_the_earlier_source_keeps_a_path_whichever_is_the_larger(twin: Twin) -> None:
    small, large = filled(twin, "/a.x", "/b.x"), filled(twin, "/a.x", "/b.x", "/c.x", "/a (2).x")

    paths = ["/a (2).x", "/a (3).x", "/a.x", "/b (2).x", "/b.x", "/c.x"]
    assert merge(twin, small, large) == merge(twin, large, small) == paths
    assert twin.done["renamed by merge"] == 4


@ON_SQLITE
def test_a_path_of_many_strangers_is_numbered_in_their_order(twin: Twin) -> None:
    datasets = [filled(twin, "/a.x", f"/{n}", "/b.x") for n in range(3)]
    datasets.append(filled(twin, "/b (2).x", "/a (3).x", "/0"))

    for order in (datasets, datasets[::-1], [*datasets[2:], *datasets[:2]]):
        assert len(merge(twin, *order)) == 12
    assert twin.done["renamed by merge"] == 15


@ON_SQLITE
def test_strangers_of_which_only_two_smaller_ones_collide(twin: Twin) -> None:
    ground, left, right = filled(twin, "/a", "/b", "/c"), filled(twin, "/d"), filled(twin, "/d")

    assert merge(twin, right, ground, left) == ["/a", "/b", "/c", "/d", "/d (2)"]


@ON_SQLITE
@pytest.mark.parametrize(
    "flags", [Flags(annotations=False), Flags(metadata=False), Flags(status=False)]
)
def test_the_masks_of_a_merge_lie_over_strangers_too(twin: Twin, flags: Flags) -> None:
    one, other = filled(twin, "/a", "/b"), filled(twin, "/a", "/c", "/d")

    assert merge(twin, one, other, flags=flags) == ["/a", "/a (2)", "/b", "/c", "/d"]
    masked = clone(twin, one, flags=flags)
    assert merge(twin, masked, other) == ["/a", "/a (2)", "/b", "/c", "/d"]


@ON_SQLITE
def test_strangers_come_as_they_were_at_the_version_that_is_named(twin: Twin) -> None:
    one, other = filled(twin, "/a", "/b"), filled(twin, "/a", "/c", "/d")
    twin.move(other, {key_at(twin, other, "/a"): "/e"})
    twin.annotate(other, [(key_at(twin, other, "/d"), CAT)])
    twin.delete(other, [key_at(twin, other, "/c")])

    assert merge(twin, one, other, versions=(2, 2)) == ["/a", "/a (2)", "/b", "/c", "/d"]
    assert merge(twin, one, other, versions=(2, 3)) == ["/a", "/b", "/c", "/d", "/e"]
    assert merge(twin, one, other) == ["/a", "/b", "/d", "/e"]
    assert merge(twin, one, other, versions=(2, 1)) == ["/a", "/b"]


@ON_SQLITE
def test_strangers_with_edited_layers_are_read_through_all_of_them(twin: Twin) -> None:
    source, stranger = filled(twin, "/a", "/b", "/c"), filled(twin, "/a", "/x", "/y", "/z")
    deep = source
    for depth in range(HIGH):
        deep = clone(twin, deep)
        keys = sorted(twin.head(deep).items)
        twin.update(deep, [keys[depth % 3]], ItemEdit(0, set={"depth": depth}))
        twin.annotate(deep, [(keys[1], CAT)])
        twin.unannotate(deep, [max(twin.head(deep).annotations)])
        if depth == 4:
            merge(twin, deep, stranger)
    larger = filled(twin, "/a")

    assert len(merge(twin, stranger, deep)) == len(merge(twin, deep, stranger)) == 7
    assert len(merge(twin, deep, larger)) == 4


@ON_SQLITE
def test_a_second_copy_of_an_item_stays_one_among_strangers(twin: Twin) -> None:
    one, other = filled(twin, "/a"), filled(twin, "/b", "/again/a", "/c")
    twin.clone_into(one, 2, one, directory="/again", allow_many=True)

    assert merge(twin, one, other) == ["/a", "/again/a", "/again/a (2)", "/b", "/c"]
    assert merge(twin, other, one) == ["/a", "/again/a", "/again/a (2)", "/b", "/c"]


# Relatives and strangers in one merge.


@pytest.mark.parametrize("policy", [UNION, THREE_WAY])
def test_a_stranger_among_relatives_is_added_to_what_they_come_to(twin: Twin, policy: str) -> None:
    source = filled(twin, "/a", "/b", "/c", "/d")
    copy = clone(twin, source)
    stranger = filled(twin, "/a", "/b", "/m", "/n", "/o")
    twin.delete(copy, [key_at(twin, copy, "/a")])
    twin.move(copy, {key_at(twin, copy, "/c"): "/m"})
    twin.update(copy, [key_at(twin, copy, "/d")], ItemEdit(0, set={"k": 1}))
    twin.annotate(copy, [(key_at(twin, copy, "/d"), DOG)])

    for order in (
        (source, copy, stranger),
        (stranger, source, copy),
        (source, stranger, copy),
        (copy, stranger, source),
    ):
        assert len(merge(twin, *order, policy=policy)) == (9 if policy == UNION else 8)
    assert twin.done[ADDED] == twin.done["outcome MIXED"] == 4


@ON_SQLITE
def test_what_all_relatives_show_alike_gives_way_to_an_earlier_stranger(twin: Twin) -> None:
    source = filled(twin, "/a", "/b", "/c")
    copy, stranger = clone(twin, source), filled(twin, "/a", "/c", "/c (2)")

    assert merge(twin, stranger, copy, source) == [
        "/a",
        "/a (2)",
        "/b",
        "/c",
        "/c (2)",
        "/c (3)",
    ]
    assert twin.done["renamed by merge"] == 2
    assert len(merge(twin, copy, stranger, source)) == 6


@ON_SQLITE
def test_two_families_and_two_strangers(twin: Twin) -> None:
    ours, theirs = filled(twin, "/a", "/b"), filled(twin, "/a", "/c", "/d")
    our_copy, their_copy = clone(twin, ours), clone(twin, theirs)
    first, second = filled(twin, "/a", "/x"), filled(twin, "/x", "/d")
    twin.annotate(our_copy, [(key_at(twin, ours, "/b"), CAT)])
    twin.delete(their_copy, [key_at(twin, theirs, "/c")])

    assert len(merge(twin, first, ours, theirs, second, their_copy, our_copy)) == 9
    assert len(merge(twin, their_copy, second, our_copy, first)) == 8
    assert len(merge(twin, theirs, second, their_copy, our_copy, policy=THREE_WAY)) == 6


@ON_SQLITE
def test_a_sum_is_of_the_family_of_everything_that_went_into_it(twin: Twin) -> None:
    one, other, third = filled(twin, "/a", "/b"), filled(twin, "/a"), filled(twin, "/a")
    summed = twin.merge([(one, 2), (other, 2)], policy=UNION, on_conflict=LAST)
    assert summed is not None
    twin.annotate(other, [(key_at(twin, other, "/a"), DOG)])

    assert merge(twin, summed, third, other) == ["/a", "/a (2)", "/a (3)", "/b"]
    assert twin.done["outcome MIXED"] == 1
