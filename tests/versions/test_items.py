"""Adding, changing, moving and deleting items: each call is one version, or none."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from gql_service.catalog.binary import BINARIES
from gql_service.catalog.filters import ItemFilter, JsonFilter, StringFilter
from gql_service.catalog.visibility import ITEMS
from gql_service.database.engine import Database
from gql_service.errors import ErrorCode
from gql_service.versions.datasets import delete_dataset
from gql_service.versions.given import Outcome
from gql_service.versions.items import (
    MAX_DESCRIPTION,
    ItemPatch,
    UploadMode,
    delete_items,
    update_items,
)
from gql_service.versions.selection import Selection
from tests.builders import ON_SQLITE, Lab, by_keys, mark, new_item, samples
from tests.catalog.people import new_user
from tests.conftest import CountStatements, SetClock

SKIP, OVERWRITE = UploadMode.SKIP, UploadMode.OVERWRITE
JPGS = Selection(where=ItemFilter(path=StringFilter(glob="/*.jpg")))


# Adding.


def test_added_items_are_one_version_with_author_message_and_counts(
    lab: Lab, clock: SetClock
) -> None:
    dataset = lab.empty()
    clock.advance(timedelta(seconds=5))

    outcome = lab.add(dataset, *samples(2), message="two")

    assert (outcome.version, outcome.added, outcome.updated, outcome.skipped) == (2, 2, 0, 0)
    version = lab.version(dataset, 2)
    assert (version.operation, version.message, version.author) == ("ADD", "two", lab.actor)
    assert version.created_at == clock.now
    assert (version.items, version.annotations, version.annotated_items) == (2, 2, 2)
    assert (version.items_added, version.annotations_added) == (2, 2)
    assert lab.paths(dataset, 1) == []
    lab.verify()


def test_keys_come_in_the_order_given_and_are_the_items_of_those_paths(lab: Lab) -> None:
    dataset = lab.empty()

    outcome = lab.add(dataset, new_item("/z"), new_item("/a"), new_item("/m"))

    shown = lab.items(dataset)
    assert [shown[path].key for path in ("/z", "/a", "/m")] == list(outcome.keys)


def test_what_an_item_says_of_itself_is_kept_as_given(lab: Lab) -> None:
    dataset = lab.empty()
    item = new_item(
        "cafe\u0301/a.jpg", 2, metadata={"b": 1.0, "a": None}, description="d", hidden=True
    )

    lab.add(dataset, item)

    (row,) = lab.items(dataset).values()
    assert (row.path, row.binary, row.metadata) == ("/café/a.jpg", 2, '{"a":null,"b":1}')
    assert (row.description, row.hidden, row.metadata_known) == ("d", True, True)
    assert (row.origin_dataset, row.origin_version) == (dataset, 2)
    assert row.created_by == row.updated_by == lab.actor


@ON_SQLITE
def test_adding_nothing_makes_no_version(lab: Lab) -> None:
    dataset = lab.empty()

    assert lab.add(dataset) == Outcome(None, ())
    assert lab.head(dataset) == 1


def test_a_taken_path_is_skipped_and_its_key_is_told(lab: Lab) -> None:
    dataset = lab.dataset(new_item("/a", 1, "cat", metadata={"old": 1}))
    (key,) = lab.keys(dataset)

    outcome = lab.add(dataset, new_item("/b"), new_item("/a", 2, "dog", metadata={"new": 1}))

    assert (outcome.added, outcome.skipped, outcome.keys[1]) == (1, 1, key)
    assert lab.items(dataset)["/a"].binary == 1
    assert lab.labels(dataset) == {"/a": ["cat"], "/b": []}


def test_when_all_paths_are_taken_skipping_makes_no_version(lab: Lab) -> None:
    dataset = lab.dataset()

    outcome = lab.add(dataset, *samples(3))

    assert (outcome.version, outcome.skipped) == (None, 3)
    assert lab.head(dataset) == 2


def test_an_overwritten_item_keeps_its_key_its_annotations_and_what_is_not_given(lab: Lab) -> None:
    dataset = lab.dataset(new_item("/a", 1, "cat", metadata={"old": 1}, description="d"))
    (key,) = lab.keys(dataset)

    outcome = lab.add(dataset, new_item("/a", 2, "dog"), mode=OVERWRITE)

    (row,) = lab.items(dataset).values()
    assert (outcome.keys, outcome.updated, outcome.added) == ((key,), 1, 0)
    assert (row.key, row.binary, row.metadata, row.description) == (key, 2, '{"old":1}', "d")
    assert lab.labels(dataset) == {"/a": ["cat", "dog"]}
    assert lab.items(dataset, 2)["/a"].binary == 1
    lab.verify()


def test_metadata_and_description_given_with_an_overwrite_replace_the_old_ones(lab: Lab) -> None:
    dataset = lab.dataset(new_item("/a", metadata={"old": 1}, description="d"))

    lab.add(dataset, new_item("/a", metadata={"new": 2}, description="e"), mode=OVERWRITE)

    (row,) = lab.items(dataset).values()
    assert (row.metadata, row.description) == ('{"new":2}', "e")


def test_overwriting_with_what_is_there_makes_no_version(lab: Lab) -> None:
    dataset = lab.dataset(new_item("/a", 1, metadata={"n": 1}))

    outcome = lab.add(dataset, new_item("/a", 1, metadata={"n": 1.0}), mode=OVERWRITE)

    assert (outcome.version, outcome.updated) == (None, 0)


def test_an_overwrite_in_a_clone_does_not_reach_the_source(lab: Lab) -> None:
    source = lab.dataset()
    before = lab.shown(source)
    clone = lab.clone(source)

    lab.add(clone, new_item("/0.jpg", 3), mode=OVERWRITE)

    assert lab.items(clone)["/0.jpg"].binary == 3
    assert lab.keys(clone) == lab.keys(source)
    assert lab.shown(source) == before
    lab.verify()


def test_a_path_that_was_deleted_gets_another_key(lab: Lab) -> None:
    dataset = lab.dataset(new_item("/a"))
    (old,) = lab.keys(dataset)

    lab.delete(dataset, old)
    outcome = lab.add(dataset, new_item("/a"))

    assert outcome.keys != (old,)
    lab.verify()


@ON_SQLITE
@pytest.mark.parametrize(
    ("item", "code", "path"),
    [
        (new_item("/a/../b"), ErrorCode.INVALID, ("path",)),
        (new_item("/a", metadata=[1]), ErrorCode.INVALID, ("metadata",)),
        (new_item("/a", metadata={"x": float("nan")}), ErrorCode.INVALID, ("metadata", "x")),
        (
            new_item("/a", description="x" * (MAX_DESCRIPTION + 1)),
            ErrorCode.LIMIT_EXCEEDED,
            ("description",),
        ),
        (new_item("/a", description="\x00"), ErrorCode.INVALID, ("description",)),
        (new_item("/a", 1, "cat", "cow"), ErrorCode.LABEL_UNKNOWN, ("annotations", 1, "label")),
    ],
)
@pytest.mark.parametrize("mode", [SKIP, OVERWRITE])
def test_a_wrong_item_is_named_by_its_place_and_nothing_is_added(
    lab: Lab, item: Any, code: ErrorCode, path: tuple[str | int, ...], mode: UploadMode
) -> None:
    dataset = lab.dataset(new_item("/there"))

    with lab.refused(code, "files", 1, *path):
        lab.add(dataset, new_item("/fine"), item, argument="files", mode=mode)


@ON_SQLITE
def test_a_path_given_twice_in_two_spellings_is_refused(lab: Lab) -> None:
    dataset = lab.empty()

    with lab.refused(ErrorCode.INVALID, "items", 2, "path"):
        lab.add(dataset, new_item("/é"), new_item("/b"), new_item("e\u0301"))


def test_a_file_that_was_swept_away_in_the_meantime_is_refused(lab: Lab) -> None:
    dataset = lab.empty()
    lab.write(lambda tx: tx.execute(sa.delete(BINARIES).where(BINARIES.c.id == 3)))

    with lab.refused(ErrorCode.CONFLICT):
        lab.add(dataset, new_item("/a"), new_item("/b", 3))


# Whom they refuse, alike.

CHANGES = {
    "add": lambda lab, dataset, **how: lab.add(dataset, new_item("/new"), **how),
    "update": lambda lab, dataset, **how: lab.update(dataset, JPGS, ItemPatch(hidden=True), **how),
    "move": lambda lab, dataset, **how: lab.move(dataset, {lab.keys(dataset)[0]: "/m"}, **how),
    "delete": lambda lab, dataset, **how: lab.delete(dataset, lab.keys(dataset)[0], **how),
}


@ON_SQLITE
@pytest.mark.parametrize("change", CHANGES)
def test_a_change_expects_the_version_that_it_is_told(lab: Lab, change: str) -> None:
    dataset = lab.dataset()

    for wrong in (1, 3):
        with lab.refused(ErrorCode.VERSION_MOVED, "expectedVersion") as refusal:
            CHANGES[change](lab, dataset, expected_version=wrong)
        assert refusal.value.current_version == 2
    assert CHANGES[change](lab, dataset, expected_version=2).version == 3


@ON_SQLITE
@pytest.mark.parametrize("change", ["add", "update"])
def test_a_dataset_that_is_absent_or_deleted_cannot_be_changed(lab: Lab, change: str) -> None:
    dataset = lab.dataset()
    lab.write(delete_dataset, dataset)

    for absent in (dataset, 99):
        with lab.refused(ErrorCode.NOT_FOUND, "datasetId"):
            CHANGES[change](lab, absent)


@ON_SQLITE
def test_an_item_of_another_dataset_is_not_found(lab: Lab) -> None:
    dataset, other = lab.dataset(), lab.dataset()
    mine, foreign = lab.keys(dataset)[0], lab.keys(other)[0]

    with lab.refused(ErrorCode.NOT_FOUND, "ids"):
        lab.update(dataset, by_keys(mine, foreign), ItemPatch(hidden=True))
    with lab.refused(ErrorCode.NOT_FOUND, "ids"):
        lab.move(dataset, {mine: "/m", foreign: "/n"})
    with lab.refused(ErrorCode.NOT_FOUND, "ids"):
        lab.delete(dataset, mine, foreign)


# Changing.


@pytest.mark.parametrize(
    ("before", "patch", "after"),
    [  # the examples of RFC 7396 that begin with an object
        ({"a": "b"}, {"a": "c"}, '{"a":"c"}'),
        ({"a": "b"}, {"b": "c"}, '{"a":"b","b":"c"}'),
        ({"a": "b"}, {"a": None}, "{}"),
        ({"a": "b", "b": "c"}, {"a": None}, '{"b":"c"}'),
        ({"a": ["b"]}, {"a": "c"}, '{"a":"c"}'),
        ({"a": "c"}, {"a": ["b"]}, '{"a":["b"]}'),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, '{"a":{"b":"d"}}'),
        ({"a": [{"b": "c"}]}, {"a": [1]}, '{"a":[1]}'),
        ({"e": None}, {"a": 1}, '{"a":1,"e":null}'),
        ({}, {"a": {"bb": {"ccc": None}}}, '{"a":{"bb":{}}}'),
    ],
)
@ON_SQLITE
def test_metadata_is_merged_as_a_json_merge_patch(
    lab: Lab, before: Any, patch: Any, after: str
) -> None:
    dataset = lab.dataset(new_item("/a", metadata=before))

    lab.update(dataset, by_keys(*lab.keys(dataset)), ItemPatch(metadata=patch))

    assert lab.items(dataset)["/a"].metadata == after


def test_an_update_changes_what_a_filter_selects_as_one_version(lab: Lab) -> None:
    dataset = lab.dataset(*samples(3), new_item("/note.txt"))
    where = ItemFilter(metadata=[JsonFilter(path=["n"], gte=1)])

    outcome = lab.update(
        dataset, Selection(where=where), ItemPatch(description="late"), message="m"
    )

    assert (outcome.version, outcome.updated, len(outcome.keys)) == (3, 2, 2)
    described = {path: row.description for path, row in lab.items(dataset).items()}
    assert described == {"/0.jpg": None, "/1.jpg": "late", "/2.jpg": "late", "/note.txt": None}
    version = lab.version(dataset, 3)
    assert (version.operation, version.items_modified, version.items) == ("UPDATE", 2, 4)
    assert lab.shown(dataset, 2) != lab.shown(dataset, 3)
    lab.verify()


def test_an_update_counts_only_what_it_changes(lab: Lab) -> None:
    dataset = lab.dataset()
    first, *_ = lab.keys(dataset)
    lab.update(dataset, by_keys(first), ItemPatch(hidden=True))

    outcome = lab.update(dataset, JPGS, ItemPatch(hidden=True))

    assert (outcome.updated, len(outcome.keys)) == (2, 3)


@ON_SQLITE
@pytest.mark.parametrize(
    "patch",
    [
        ItemPatch(),
        ItemPatch(metadata={}),
        ItemPatch(metadata={"n": 0.0, "absent": None}),
        ItemPatch(description=None, hidden=False),
    ],
)
def test_an_update_that_changes_nothing_makes_no_version(lab: Lab, patch: ItemPatch) -> None:
    dataset = lab.dataset(new_item("/0.jpg", metadata={"n": 0}))

    assert lab.update(dataset, JPGS, patch).version is None
    assert lab.head(dataset) == 2


@ON_SQLITE
def test_a_description_given_as_none_is_taken_away(lab: Lab) -> None:
    dataset = lab.dataset(new_item("/0.jpg", description="d"))

    assert lab.update(dataset, JPGS, ItemPatch(description=None)).updated == 1
    assert lab.items(dataset)["/0.jpg"].description is None


@ON_SQLITE
@pytest.mark.parametrize(
    ("patch", "code", "path"),
    [
        (ItemPatch(metadata=[]), ErrorCode.INVALID, ("metadata",)),
        (ItemPatch(metadata=None), ErrorCode.INVALID, ("metadata",)),
        (ItemPatch(metadata={"a": {"b": 2**70}}), ErrorCode.INVALID, ("metadata", "a", "b")),
        (ItemPatch(metadata={"a": "x" * 70_000}), ErrorCode.LIMIT_EXCEEDED, ("metadata",)),
        (ItemPatch(description="x" * 10_001), ErrorCode.LIMIT_EXCEEDED, ("description",)),
    ],
)
def test_a_wrong_patch_is_refused_with_its_place(
    lab: Lab, patch: ItemPatch, code: ErrorCode, path: tuple[str, ...]
) -> None:
    dataset = lab.dataset()

    with lab.refused(code, *path):
        lab.update(dataset, JPGS, patch)


@ON_SQLITE
def test_metadata_that_would_grow_too_large_by_merging_is_refused(lab: Lab) -> None:
    dataset = lab.dataset(new_item("/0.jpg", metadata={"a": "x" * 40_000}))

    with lab.refused(ErrorCode.LIMIT_EXCEEDED, "metadata"):
        lab.update(dataset, JPGS, ItemPatch(metadata={"b": "x" * 40_000}))


def test_the_creator_stays_and_the_updater_is_who_changes(
    lab: Lab, database: Database, clock: SetClock
) -> None:
    dataset = lab.dataset(new_item("/a"))
    (before,) = lab.items(dataset).values()
    clock.advance(timedelta(hours=1))
    other = new_user(database, "other")

    database.write(
        lambda tx: update_items(tx, dataset, by_keys(before.key), ItemPatch(hidden=True)),
        actor=other,
    )

    (after,) = lab.items(dataset).values()
    assert (after.created_by, after.created_at) == (lab.actor, before.created_at)
    assert (after.updated_by, after.updated_at) == (other, clock.now)
    assert lab.version(dataset, 3).author == other


# Moving.


def test_items_of_one_call_can_swap_their_paths(lab: Lab) -> None:
    dataset = lab.dataset()
    a, b, c = lab.keys(dataset)

    outcome = lab.move(dataset, {a: "/1.jpg", b: "/2.jpg", c: "/0.jpg"})

    assert (outcome.version, outcome.updated) == (3, 3)
    assert {row.key: path for path, row in lab.items(dataset).items()} == {
        a: "/1.jpg",
        b: "/2.jpg",
        c: "/0.jpg",
    }
    assert lab.version(dataset, 3).operation == "MOVE"
    assert lab.labels(dataset) == {path: ["cat"] for path in lab.paths(dataset)}
    lab.verify()


def test_items_of_a_clone_can_swap_what_shines_through_with_what_is_its_own(lab: Lab) -> None:
    source = lab.dataset()
    clone = lab.clone(source)
    a, b, _ = lab.keys(source)
    lab.update(clone, by_keys(a), ItemPatch(hidden=True))

    lab.move(clone, {a: "/1.jpg", b: "/0.jpg"})

    assert [lab.items(clone)[path].key for path in ("/0.jpg", "/1.jpg")] == [b, a]
    assert [lab.items(source)[path].key for path in ("/0.jpg", "/1.jpg")] == [a, b]
    lab.verify()


def test_a_path_of_an_item_that_stays_is_refused(lab: Lab) -> None:
    dataset = lab.dataset()
    clone = lab.clone(dataset)
    a, b, _ = lab.keys(dataset)

    for place in (dataset, clone):
        with lab.refused(ErrorCode.PATH_TAKEN, "path"):
            lab.move(place, {a: "/free.jpg", b: "/2.jpg"})


@ON_SQLITE
def test_two_items_cannot_move_to_one_path(lab: Lab) -> None:
    dataset = lab.dataset()
    a, b, _ = lab.keys(dataset)

    with lab.refused(ErrorCode.PATH_TAKEN, "path"):
        lab.move(dataset, {a: "/é", b: "e\u0301"})


@ON_SQLITE
def test_moving_an_item_to_where_it_is_makes_no_version(lab: Lab) -> None:
    dataset = lab.dataset()
    a, *_ = lab.keys(dataset)

    assert lab.move(dataset, {a: "0.jpg"}).version is None


@ON_SQLITE
def test_a_path_that_is_none_is_refused(lab: Lab) -> None:
    dataset = lab.dataset()
    a, *_ = lab.keys(dataset)

    with lab.refused(ErrorCode.INVALID, "path"):
        lab.move(dataset, {a: "/a//b"})


# Deleting.


def test_a_deleted_item_goes_with_its_annotations_and_history_keeps_both(lab: Lab) -> None:
    dataset = lab.dataset()
    before = lab.shown(dataset)
    first, *_ = lab.keys(dataset)

    outcome = lab.delete(dataset, first)

    assert (outcome.version, outcome.removed, outcome.keys) == (3, 1, (first,))
    version = lab.version(dataset, 3)
    assert (version.operation, version.items_removed, version.annotations_removed) == (
        "DELETE",
        1,
        1,
    )
    assert (version.items, version.annotations, version.annotated_items) == (2, 2, 2)
    assert lab.labels(dataset) == {"/1.jpg": ["cat"], "/2.jpg": ["cat"]}
    assert lab.shown(dataset, 2) == before
    lab.verify()


def test_items_of_a_clone_are_deleted_by_a_filter_and_the_source_keeps_them(lab: Lab) -> None:
    source = lab.dataset()
    clone = lab.clone(source)

    outcome = lab.write(delete_items, clone, JPGS)

    assert outcome.removed == 3
    assert (lab.paths(clone), lab.annotations(clone)) == ([], [])
    assert len(lab.paths(source)) == len(lab.paths(clone, 1)) == 3
    lab.verify()


@ON_SQLITE
def test_deleting_nothing_makes_no_version(lab: Lab) -> None:
    dataset = lab.dataset()

    assert lab.delete(dataset) == Outcome(None, ())


# What it costs.


@pytest.mark.parametrize("change", ["add", "overwrite", "update", "move", "delete"])
def test_a_hundred_items_cost_as_many_statements_as_one(
    lab: Lab, count_statements: CountStatements, change: str
) -> None:
    def run(size: int) -> int:
        new = [new_item(f"/{n}", 1, "cat") for n in range(size)]
        dataset = lab.empty() if change == "add" else lab.dataset(*new)
        place = lab.clone(dataset) if change != "overwrite" else dataset
        keys = lab.keys(place)
        changes = {
            "add": lambda: lab.add(dataset, *new),
            "overwrite": lambda: lab.add(
                place, *[new_item(one.path, 2, "dog") for one in new], mode=OVERWRITE
            ),
            "update": lambda: lab.update(place, by_keys(*keys), ItemPatch(metadata={"x": 1})),
            "move": lambda: lab.move(place, {key: f"/moved/{key}" for key in keys}),
            "delete": lambda: lab.delete(place, *keys),
        }
        with count_statements() as statements:
            changes[change]()
        # PostgreSQL looks at a line that has grown by so many rows, whatever wrote them.
        return sum(not statement.startswith("ANALYZE") for statement in statements)

    assert run(1) == run(100)


def test_a_change_of_one_item_writes_one_state(lab: Lab) -> None:
    dataset = lab.dataset(*samples(20))
    before = len(lab.rows(ITEMS))

    lab.update(dataset, by_keys(lab.keys(dataset)[0]), ItemPatch(hidden=True))

    assert len(lab.rows(ITEMS)) == before + 1


def test_marks_are_checked_under_the_recipe_of_the_dataset(lab: Lab) -> None:
    birds = lab.dataset(new_item("/a", 1, "wren"), recipe=lab.birds)

    with lab.refused(ErrorCode.LABEL_UNKNOWN, "annotations", 0, "label"):
        lab.annotate(birds, lab.keys(birds)[0], mark("cat"))
