"""Clones into an existing dataset: what is taken, where it lands, what later merges make of it."""

from __future__ import annotations

from typing import Any

import pytest

from gql_service.catalog.dataset_source import sources_of
from gql_service.catalog.filters import ItemFilter, StringFilter
from gql_service.errors import ErrorCode
from gql_service.versions.datasets import delete_dataset
from gql_service.versions.items import ItemPatch
from gql_service.versions.merge_rules import MergePolicy
from gql_service.versions.paths import PathChange
from gql_service.versions.report_read import renames_of
from gql_service.versions.selection import Selection
from tests.builders import ON_SQLITE, Lab, by_keys, mark, new_item, samples
from tests.conftest import CountStatements

THREE_WAY = MergePolicy.THREE_WAY


def globbed(pattern: str) -> Selection:
    return Selection(where=ItemFilter(path=StringFilter(glob=pattern)))


def test_items_land_under_the_directory_with_their_annotations_as_one_version(lab: Lab) -> None:
    source = lab.dataset(new_item("/a/x", 1, "cat"), new_item("/y", 2))
    destination = lab.dataset(new_item("/own"))
    before = lab.shown(source)

    outcome = lab.cloning(source, destination=destination, directory="/in/here", message="m")

    assert (outcome.dataset, outcome.version) == (destination, 3)
    assert (outcome.items, outcome.annotations) == (2, 1)
    assert lab.labels(destination) == {"/in/here/a/x": ["cat"], "/in/here/y": [], "/own": []}
    assert set(lab.keys(source)) < set(lab.keys(destination))
    version = lab.version(destination, 3)
    assert (version.operation, version.message, version.items_added) == ("CLONE", "m", 2)
    assert lab.read(sources_of, [(destination, 3)]) == {(destination, 3): [(source, 2)]}
    assert lab.read(sources_of, [(destination, 2)]) == {(destination, 2): []}
    assert lab.shown(source) == before
    lab.verify()


def test_at_the_top_everything_is_the_very_same_value(lab: Lab) -> None:
    source, destination = lab.dataset(), lab.empty()

    lab.cloning(source, destination=destination)

    assert lab.shown(destination) == lab.shown(source)
    assert lab.read(sources_of, [(destination, 2)])[destination, 2] == [(source, 2)]


def test_flat_items_lie_in_the_directory_itself(lab: Lab) -> None:
    source, destination = lab.dataset(new_item("/a/x"), new_item("/b/y")), lab.empty()

    lab.cloning(source, destination=destination, directory="/in/", strip_folders=True)

    assert lab.paths(destination) == ["/in/x", "/in/y"]


def test_who_comes_into_a_taken_path_is_numbered_and_reported(lab: Lab) -> None:
    source = lab.dataset(new_item("/a.jpg"), new_item("/b.jpg"))
    a, b = lab.keys(source)
    destination = lab.dataset(new_item("/a.jpg"), new_item("/a (2).jpg"))

    outcome = lab.cloning(source, destination=destination)

    renamed = [PathChange(a, "/a.jpg", "/a (3).jpg")]
    assert list(outcome.renamed) == renamed
    assert lab.read(renames_of, [(destination, 3)])[destination, 3] == renamed
    shown = lab.items(destination)
    assert (shown["/a (3).jpg"].key, shown["/b.jpg"].key) == (a, b)
    assert shown["/a (3).jpg"].origin_dataset == destination
    assert shown["/b.jpg"].origin_dataset == source
    lab.verify()


def test_an_item_that_the_destination_holds_is_not_taken_again(lab: Lab) -> None:
    source = lab.dataset()
    destination = lab.clone(source)
    a, *_ = lab.keys(source)
    lab.update(source, by_keys(a), ItemPatch(hidden=True))
    before = lab.shown(destination)

    outcome = lab.cloning(source, destination=destination)

    assert (outcome.items, outcome.version) == (0, 1)
    assert lab.shown(destination) == before
    assert lab.read(sources_of, [(destination, 1)])[destination, 1] == [(source, 2)]
    lab.add(source, new_item("/new"))
    assert lab.cloning(source, destination=destination).items == 1
    assert len(lab.paths(destination)) == 4
    lab.verify()


def test_with_allow_many_a_second_copy_comes_under_a_name_and_key_of_its_own(lab: Lab) -> None:
    source = lab.dataset(new_item("/a.jpg", 1, "cat"))
    destination = lab.clone(source)
    (key,) = lab.keys(source)

    outcome = lab.cloning(source, destination=destination, allow_many=True)

    assert (outcome.items, outcome.annotations) == (1, 1)
    assert lab.labels(destination) == {"/a.jpg": ["cat"], "/a (2).jpg": ["cat"]}
    copy = lab.items(destination)["/a (2).jpg"]
    assert copy.key != key
    assert copy.copied_from == key
    roots = [row.root for row in lab.annotations(destination)]
    assert len(set(roots)) == 2
    lab.verify()


def test_a_dataset_can_take_copies_of_its_own_items(lab: Lab) -> None:
    dataset = lab.dataset()

    assert lab.cloning(dataset, destination=dataset).items == 0
    outcome = lab.cloning(dataset, destination=dataset, directory="/again", allow_many=True)

    assert (outcome.items, outcome.version) == (3, 3)
    assert len(set(lab.keys(dataset))) == 6
    assert lab.paths(dataset)[3:] == ["/again/0.jpg", "/again/1.jpg", "/again/2.jpg"]
    lab.verify()


def test_a_second_copy_shares_no_lineage_with_the_first_in_a_merge(lab: Lab) -> None:
    source = lab.dataset(new_item("/a", 1, "cat"))
    double = lab.clone(source)
    lab.cloning(source, destination=double, allow_many=True)

    merged = lab.merge(source, double, policy=THREE_WAY)

    assert lab.labels(merged) == {"/a": ["cat"], "/a (2)": ["cat"]}


def test_only_what_is_selected_comes_and_the_flags_say_what_with(lab: Lab) -> None:
    source = lab.dataset(*samples(2), new_item("/note"))
    destination = lab.empty()

    lab.cloning(
        source,
        destination=destination,
        selection=globbed("/*.jpg"),
        with_metadata=False,
        with_status=False,
    )

    assert lab.metadata(destination) == {"/0.jpg": {}, "/1.jpg": {}}
    assert [row.status for row in lab.annotations(destination)] == [None, None]
    bare = lab.empty()
    lab.cloning(source, destination=bare, with_annotations=False)
    assert (len(lab.paths(bare)), lab.annotations(bare)) == (3, [])
    lab.verify()


def test_taking_nothing_makes_no_version_and_the_job_tells_of_none(lab: Lab) -> None:
    source, destination = lab.dataset(), lab.dataset(new_item("/own"))

    outcome = lab.cloning(source, destination=destination, selection=globbed("/no"))

    assert (outcome.version, outcome.items) == (2, 0)
    assert lab.head(destination) == 2


def test_what_was_taken_and_deleted_is_a_removal_and_what_was_not_taken_is_not(lab: Lab) -> None:
    source = lab.dataset(*samples(3))
    a, b, c = lab.keys(source)
    destination = lab.empty()
    lab.cloning(source, destination=destination, selection=by_keys(a, b))
    lab.delete(destination, b)

    merged = lab.merge(source, destination, policy=THREE_WAY)

    assert lab.keys(merged) == [a, c]
    lab.verify()


def test_what_was_let_go_and_is_taken_again_stays_in_the_next_merge(lab: Lab) -> None:
    source = lab.dataset(new_item("/a", 1, "cat"))
    clone = lab.clone(source)
    lab.delete(clone, *lab.keys(clone))

    assert lab.cloning(source, destination=clone).items == 1
    merged = lab.merge(source, clone, policy=THREE_WAY)

    assert lab.labels(merged) == {"/a": ["cat"]}
    lab.verify()


def test_equal_recipes_of_other_names_go_together_and_the_destination_keeps_its_own(
    lab: Lab,
) -> None:
    source, destination = lab.dataset(), lab.empty(recipe=lab.twin)

    lab.cloning(source, destination=destination)

    assert lab.version(destination, 2).recipe == lab.twin


def test_a_destination_with_another_recipe_is_refused_with_the_differences(lab: Lab) -> None:
    source, destination = lab.dataset(), lab.empty(recipe=lab.birds)

    with lab.refused(ErrorCode.RECIPE_MISMATCH, "destination", "datasetId") as refusal:
        lab.clone(source, destination=destination)
    told = {(one.kind, one.name) for one in refusal.value.differences}
    assert told == {("LABEL_ADDED", "cat"), ("LABEL_ADDED", "dog"), ("LABEL_REMOVED", "wren")}


@ON_SQLITE
def test_a_destination_that_is_absent_deleted_or_has_moved_is_refused(lab: Lab) -> None:
    source, destination, gone = lab.dataset(), lab.empty(), lab.empty()
    lab.write(delete_dataset, gone)

    for absent in (gone, 99):
        with lab.refused(ErrorCode.NOT_FOUND, "destination", "datasetId"):
            lab.clone(source, destination=absent)
        with lab.refused(ErrorCode.NOT_FOUND, "datasetId"):
            lab.clone(absent, destination=destination)
    with lab.refused(ErrorCode.VERSION_MOVED, "expectedVersion") as refusal:
        lab.clone(source, destination=destination, expected_version=2)
    assert refusal.value.current_version == 1
    lab.clone(source, destination=destination, expected_version=1)


@ON_SQLITE
def test_a_path_that_gets_too_long_under_the_directory_is_refused(lab: Lab) -> None:
    names = "/".join(["n" * 200] * 3)
    source, destination = lab.dataset(new_item(f"/{names}")), lab.empty()

    with lab.refused(ErrorCode.LIMIT_EXCEEDED, "destination", "directory"):
        lab.clone(source, destination=destination, directory=f"/{names}")


@pytest.mark.parametrize("how", [{}, {"allow_many": True}, {"strip_folders": True}])
def test_a_hundred_items_cost_as_many_statements_as_one(
    lab: Lab, count_statements: CountStatements, how: dict[str, Any]
) -> None:
    def run(size: int) -> int:
        source = lab.dataset(*[new_item(f"/d/{n}", 1, "cat") for n in range(size)])
        destination = lab.clone(source) if how.get("allow_many") else lab.empty()
        with count_statements() as statements:
            assert lab.cloning(source, destination=destination, **how).items == size
        return len(statements)

    assert run(1) == run(100)


def test_annotations_of_the_destination_are_left_alone(lab: Lab) -> None:
    source, destination = lab.dataset(), lab.dataset(new_item("/own", 1, "dog"))
    lab.annotate(destination, lab.keys(destination)[0], mark("cat"))

    lab.cloning(source, destination=destination)

    assert lab.labels(destination)["/own"] == ["cat", "dog"]
    lab.verify()
