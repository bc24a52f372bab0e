"""A check of the store: silent on every sound one, and for each kind of damage the one finding."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from gql_service.catalog.annotation_content import AnnotationStatus
from gql_service.catalog.binary import BINARIES, BLOB_KEYS
from gql_service.catalog.visibility import (
    ANNOTATION_WHITEOUTS,
    ANNOTATIONS,
    DATASETS,
    ITEM_WHITEOUTS,
    ITEMS,
    LAYERS,
    LINES,
)
from gql_service.database.columns import FOREVER
from gql_service.database.engine import Database, Tx
from gql_service.vault.disk import DiskVault
from gql_service.versions.annotations import AnnotationPatch
from gql_service.versions.counting import LABEL_COUNTS
from gql_service.versions.datasets import delete_dataset, switch_recipe
from gql_service.versions.draft import VERSIONS
from gql_service.versions.items import ItemPatch, UploadMode
from gql_service.versions.knowledge import KNOWLEDGE
from gql_service.versions.merge_rules import MergePolicy
from gql_service.versions.retention import purge_deleted
from gql_service.versions.verify import verify_store, verify_versions
from tests.builders import CONTENTS, ON_SQLITE, Lab, by_keys, make_lab, mark, new_item
from tests.catalog.undone import undone


@dataclass(frozen=True)
class Place:
    """A sound store: a dataset with a history, its clone with edits, and the clone's clone.

    `/a` (with two marks) is edited in the dataset, `/b` in the clone; `/c` nobody has touched.
    """

    lab: Lab
    source: int
    clone: int
    top: int
    keys: tuple[int, int, int]


@pytest.fixture
def place(lab: Lab) -> Place:
    source = lab.dataset(
        new_item("/a", 1, "cat", "dog", metadata={"n": 0}),
        new_item("/b", 2, "cat", metadata={"n": 1}),
        new_item("/c", 3, "cat", metadata={"n": 2}),
    )
    a, b, c = lab.keys(source)
    first = lab.annotations(source)[0].key
    lab.update(source, by_keys(a), ItemPatch(metadata={"x": 1}))
    lab.change(source, AnnotationPatch(first, status=AnnotationStatus.ISSUE))
    clone = lab.clone(source)
    lab.update(clone, by_keys(b), ItemPatch(metadata={"x": 2}))
    (on_b,) = [row.key for row in lab.annotations(clone) if row.item == b]
    lab.change(clone, AnnotationPatch(on_b, label="dog"))
    top = lab.clone(clone)
    return Place(lab, source, clone, top, (a, b, c))


def line_of(tx: Tx, dataset: int) -> int:
    line: int = tx.scalar(sa.select(LINES.c.id).where(LINES.c.dataset == dataset))
    return line


def state_of(tx: Tx, states: sa.Table, line: int, key: int) -> sa.Row[Any]:
    """The newest state of an item, or of the first annotation on it."""
    of = states.c.key if states is ITEMS else states.c["item"]
    row = tx.first(
        sa.select(states).where(states.c.line == line, of == key).order_by(states.c.id.desc())
    )
    assert row is not None
    return row


def put(tx: Tx, states: sa.Table, line: int, key: int, **values: Any) -> None:
    row = state_of(tx, states, line, key)
    tx.execute(sa.update(states).where(states.c.id == row.id).values(**values))


def again(tx: Tx, states: sa.Table, line: int, of: int, /, **values: Any) -> None:
    """Inserts the state once more, with some values changed."""
    row = dict(state_of(tx, states, line, of)._mapping)
    row["copy_of"] = row["copy_of"] or row["id"]
    del row["id"]
    tx.execute(sa.insert(states).values({states.c[name]: v for name, v in (row | values).items()}))


def dated_after_the_head(states: sa.Table) -> Callable[[Tx, Place], None]:
    def damage(tx: Tx, place: Place) -> None:
        later: dict[str, Any] = {"since": 90, "until": 99, "key": 10**9, "copy_of": None}
        again(tx, states, line_of(tx, place.source), place.keys[2], **later)

    return damage


def closed_after_the_head(states: sa.Table) -> Callable[[Tx, Place], None]:
    def damage(tx: Tx, place: Place) -> None:
        put(tx, states, line_of(tx, place.source), place.keys[2], until=9)

    return damage


def overlapping(states: sa.Table) -> Callable[[Tx, Place], None]:
    def damage(tx: Tx, place: Place) -> None:
        again(tx, states, line_of(tx, place.source), place.keys[2], until=3)

    return damage


def stray_whiteout(states: sa.Table, whiteouts: sa.Table) -> Callable[[Tx, Place], None]:
    """Covers a state that had ended before the clone was made."""

    def damage(tx: Tx, place: Place) -> None:
        line = line_of(tx, place.source)
        old = tx.first(sa.select(states).where(states.c.line == line, states.c.until < FOREVER))
        assert old is not None
        cover = {"state": old.id, "line": line_of(tx, place.clone), "since": 2}
        tx.execute(sa.insert(whiteouts).values(cover))

    return damage


def covered_twice(whiteouts: sa.Table) -> Callable[[Tx, Place], None]:
    def damage(tx: Tx, place: Place) -> None:
        line = line_of(tx, place.clone)
        row = tx.first(sa.select(whiteouts).where(whiteouts.c.line == line))
        assert row is not None
        cover = {"state": row.state, "line": line_of(tx, place.top), "since": 1}
        tx.execute(sa.insert(whiteouts).values(cover))

    return damage


def late_whiteout(states: sa.Table, whiteouts: sa.Table) -> Callable[[Tx, Place], None]:
    def damage(tx: Tx, place: Place) -> None:
        state = state_of(tx, states, line_of(tx, place.source), place.keys[2])
        cover = {"state": state.id, "line": line_of(tx, place.top), "since": 5}
        tx.execute(sa.insert(whiteouts).values(cover))

    return damage


def layer(depth: int, **values: Any) -> Callable[[Tx, Place], None]:
    def damage(tx: Tx, place: Place) -> None:
        chosen = sa.and_(LAYERS.c.line == line_of(tx, place.top), LAYERS.c.depth == depth)
        tx.execute(sa.update(LAYERS).where(chosen).values(**values))

    return damage


def number(name: str) -> Callable[[Tx, Place], None]:
    def damage(tx: Tx, place: Place) -> None:
        chosen = sa.and_(VERSIONS.c.dataset == place.source, VERSIONS.c.number == 2)
        tx.execute(sa.update(VERSIONS).where(chosen).values({name: 7}))

    return damage


def wrong_label_count(tx: Tx, place: Place) -> None:
    chosen = sa.and_(LABEL_COUNTS.c.dataset == place.top, LABEL_COUNTS.c.label == "cat")
    tx.execute(sa.update(LABEL_COUNTS).where(chosen).values(annotations=9))


def forgotten(tx: Tx, place: Place) -> None:
    chosen = sa.and_(KNOWLEDGE.c.dataset == place.top, KNOWLEDGE.c.other == place.source)
    tx.execute(sa.delete(KNOWLEDGE).where(chosen))


def forgotten_annotations(tx: Tx, place: Place) -> None:
    chosen = sa.and_(KNOWLEDGE.c.dataset == place.top, KNOWLEDGE.c.other == place.source)
    tx.execute(sa.update(KNOWLEDGE).where(chosen).values(annotations=False))


def two_values(states: sa.Table, **values: Any) -> Callable[[Tx, Place], None]:
    """A filtered clone's copy says something else than the state that it is a copy of."""

    def damage(tx: Tx, place: Place) -> None:
        copied = sa.select(states).where(states.c.copy_of.is_not(None))
        row = tx.first(copied.order_by(states.c.id.desc()))
        assert row is not None
        changed = {states.c[name]: value for name, value in values.items()}
        tx.execute(sa.update(states).where(states.c.id == row.id).values(changed))

    return damage


def annotation_without_item(tx: Tx, place: Place) -> None:
    line = line_of(tx, place.source)
    put(tx, ANNOTATIONS, line, place.keys[2], item=10**9)


def missing_version(tx: Tx, place: Place) -> None:
    chosen = sa.and_(VERSIONS.c.dataset == place.source, VERSIONS.c.number == 3)
    tx.execute(sa.delete(VERSIONS).where(chosen))


def surplus_version(tx: Tx, place: Place) -> None:
    chosen = VERSIONS.c.dataset == place.source
    tx.execute(sa.update(DATASETS).where(DATASETS.c.id == place.top).values(head=1))
    row = dict(tx.rows(sa.select(VERSIONS).where(chosen))[0]._mapping)
    row |= {"dataset": place.top, "number": 2}
    tx.execute(sa.insert(VERSIONS).values({VERSIONS.c[name]: v for name, v in row.items()}))


AFTER = "no {} is dated after its dataset's head"
OVERLAP = "no two {} of a key overlap on a line"
COVERS = "every one of {} covers what its line saw"
TWICE = "no state is covered twice in one pile by {}"
ONE_VALUE = "one write of {} is one value everywhere"
COUNTERS, PER_LABEL = "counters are counts", "counts per label are counts"
SEEN = "what is shown has been seen"
NUMBERED = "versions are numbered from 1 to the head"
ORPHANS = "every annotation lies on an item that is shown"
ITEM_TWICE, PATH_TWICE = "every item is shown once", "every path is shown once"
REFERENCES = "references are what heads show"

DAMAGES: dict[str, tuple[Callable[[Tx, Place], None], set[str]]] = {
    "an item dated after the head": (
        dated_after_the_head(ITEMS),
        {AFTER.format("item_states")},
    ),
    "an annotation dated after the head": (
        dated_after_the_head(ANNOTATIONS),
        {AFTER.format("annotation_states")},
    ),
    "an item closed after the head": (
        closed_after_the_head(ITEMS),
        {AFTER.format("item_states"), COUNTERS, ORPHANS},
    ),
    "an annotation closed after the head": (
        closed_after_the_head(ANNOTATIONS),
        {AFTER.format("annotation_states"), COUNTERS, PER_LABEL},
    ),
    "an item state twice": (
        overlapping(ITEMS),
        {OVERLAP.format("item_states"), ITEM_TWICE, PATH_TWICE, COUNTERS},
    ),
    "an annotation state twice": (
        overlapping(ANNOTATIONS),
        {
            OVERLAP.format("annotation_states"),
            "every annotation is shown once",
            COUNTERS,
            PER_LABEL,
        },
    ),
    "a whiteout of an item that was not there": (
        stray_whiteout(ITEMS, ITEM_WHITEOUTS),
        {COVERS.format("item_whiteouts")},
    ),
    "a whiteout of an annotation that was not there": (
        stray_whiteout(ANNOTATIONS, ANNOTATION_WHITEOUTS),
        {COVERS.format("annotation_whiteouts")},
    ),
    "an item covered twice": (covered_twice(ITEM_WHITEOUTS), {TWICE.format("item_whiteouts")}),
    "an annotation covered twice": (
        covered_twice(ANNOTATION_WHITEOUTS),
        {TWICE.format("annotation_whiteouts")},
    ),
    "an item whiteout dated after the head": (
        late_whiteout(ITEMS, ITEM_WHITEOUTS),
        {AFTER.format("item_whiteouts"), REFERENCES},
    ),
    "an annotation whiteout dated after the head": (
        late_whiteout(ANNOTATIONS, ANNOTATION_WHITEOUTS),
        {AFTER.format("annotation_whiteouts")},
    ),
    "a pile that is not that of its parent": (
        layer(2, at=3),
        {"a line lies on its parent and on all that lies under it"},
    ),
    "a mask that the parent has not": (
        layer(2, with_status=False),
        {"masks of layers are combined downwards"},
    ),
    "a mask of the parent that does not go through": (
        layer(1, with_metadata=False),
        {"masks of layers are combined downwards"},
    ),
    "a layer at a version to come": (
        layer(1, at=9),
        {"no layer is frozen at a version that is not published"},
    ),
    "a wrong number of items": (number("items"), {COUNTERS}),
    "a wrong number of annotations": (number("annotations"), {COUNTERS}),
    "a wrong number of annotated items": (number("annotated_items"), {COUNTERS}),
    "a wrong number of a label": (wrong_label_count, {PER_LABEL}),
    "values that were never seen": (forgotten, {SEEN}),
    "annotations that were never seen": (forgotten_annotations, {SEEN}),
    "a path that is shown twice": (
        lambda tx, place: put(tx, ITEMS, line_of(tx, place.clone), place.keys[1], path="/c"),
        {PATH_TWICE},
    ),
    "an annotation on nothing": (annotation_without_item, {ORPHANS}),
    "a version that is missing": (missing_version, {NUMBERED}),
    "a version beyond the head": (surplus_version, {NUMBERED}),
}


def test_every_damage_of_versions_is_found_and_nothing_else(
    place: Place, subtests: pytest.Subtests
) -> None:
    lab = place.lab
    lab.verify()
    for name, (damage, expected) in DAMAGES.items():
        with subtests.test(name), undone(lab.database, lab.actor) as tx:
            damage(tx, place)
            assert {one.invariant for one in verify_versions(tx)} == expected


OF_COPIES: dict[str, tuple[Callable[[Tx, Place], None], set[str]]] = {
    "another binary": (two_values(ITEMS, binary=2), {ONE_VALUE.format("item_states")}),
    "another origin": (
        two_values(ITEMS, origin_version=1),
        {ONE_VALUE.format("item_states")},
    ),
    "another metadata": (
        two_values(ITEMS, metadata='{"z":1}'),
        {"one write of item_states has one metadata"},
    ),
    "other coordinates": (
        two_values(ANNOTATIONS, coordinates="[]"),
        {ONE_VALUE.format("annotation_states")},
    ),
    "another status": (
        two_values(ANNOTATIONS, status="REVIEW"),
        {"one write of annotation_states has one status"},
    ),
}


def test_copies_that_differ_are_found(place: Place, subtests: pytest.Subtests) -> None:
    lab = place.lab
    lab.clone(place.source, selection=by_keys(*place.keys))
    lab.verify()
    for name, (damage, expected) in OF_COPIES.items():
        with subtests.test(name), undone(lab.database, lab.actor) as tx:
            damage(tx, place)
            assert {one.invariant for one in verify_versions(tx)} == expected


def test_a_copy_behind_a_mask_is_no_other_value(place: Place) -> None:
    for flag in ("with_metadata", "with_status"):
        place.lab.clone(place.source, selection=by_keys(*place.keys), **{flag: False})

    place.lab.verify()


def test_a_finding_says_where(place: Place) -> None:
    place.lab.write(number("items"), place)

    (finding,) = findings(place.lab)

    assert finding.detail == f"dataset {place.source}, version 2: items is 7, there are 3"


def findings(lab: Lab, *, deep: bool = False) -> list[Any]:
    return verify_store(lab.database, lab.vault, deep=deep)


# Binaries.


def of_binary(table: sa.Table, **values: Any) -> Callable[[Lab], None]:
    """Changes the row of the first binary, or of its key."""

    def damage(lab: Lab) -> None:
        first = sa.select(BINARIES.c.blob_key).where(BINARIES.c.id == 1).scalar_subquery()
        key = BINARIES.c.blob_key if table is BINARIES else BLOB_KEYS.c.key
        lab.write(lambda tx: tx.execute(sa.update(table).where(key == first).values(**values)))

    return damage


def key_of_first(lab: Lab) -> str:
    key: str = next(row.blob_key for row in lab.rows(BINARIES) if row.id == 1)
    return key


def journal_key(lab: Lab) -> None:
    row = {"key": "f" * 32, "state": "live", "lease_until": lab.database.clock()}
    lab.write(lambda tx: tx.execute(sa.insert(BLOB_KEYS).values(row)))


BYTES: dict[str, tuple[Callable[[Lab], None], set[str]]] = {
    "held and condemned": (
        of_binary(BINARIES, state="condemned"),
        {"no binary that is held is condemned"},
    ),
    "a live key for nobody": (journal_key, {"every live key serves a binary"}),
    "served by a dead key": (
        of_binary(BLOB_KEYS, state="dead"),
        {"every binary is served by a live key"},
    ),
    "an object that is gone": (
        lambda lab: lab.vault.delete(key_of_first(lab)),
        {"every binary has its bytes"},
    ),
    "an object that is shorter": (
        lambda lab: lab.vault.put(key_of_first(lab), [b"short"]),
        {"every binary has its bytes"},
    ),
    "an object that nobody knows": (
        lambda lab: lab.vault.put("e" * 32, [b"?"]),
        {"every object has been journalled"},
    ),
}


@ON_SQLITE
@pytest.mark.parametrize("damage", BYTES)
def test_every_damage_of_binaries_is_found_and_nothing_else(lab: Lab, damage: str) -> None:
    lab.dataset(new_item("/a", 1))
    work, expected = BYTES[damage]

    work(lab)

    assert {one.invariant for one in findings(lab)} == expected


@ON_SQLITE
def test_bytes_that_changed_are_found_when_they_are_read(lab: Lab) -> None:
    lab.vault.put(key_of_first(lab), [CONTENTS[0].upper()])

    assert findings(lab) == []
    (finding,) = findings(lab, deep=True)
    assert finding.invariant == "every binary hashes to its name"


@ON_SQLITE
def test_bytes_that_are_known_to_be_corrupt_are_no_finding(lab: Lab) -> None:
    of_binary(BINARIES, state="corrupt")(lab)
    lab.vault.delete(key_of_first(lab))

    assert findings(lab, deep=True) == []


@ON_SQLITE
def test_bytes_that_cannot_be_read_are_found(
    database: Database, actor: int, tmp_path: Path
) -> None:
    lab = make_lab(database, DiskVault(tmp_path / "files"), actor)
    key = key_of_first(lab)
    path = tmp_path / "files" / key[:2] / key
    path.unlink()
    path.mkdir()  # it has a size and cannot be opened, whoever we are
    of_binary(BINARIES, size=path.stat().st_size)(lab)

    (finding,) = findings(lab, deep=True)

    assert finding.invariant == "every binary can be read"
    shutil.rmtree(path)


# Sound stores.


def test_an_empty_store_is_sound(database: Database, lab: Lab) -> None:
    lab.verify()


def test_a_rich_history_is_sound_and_every_version_and_binary_is_looked_at(place: Place) -> None:
    lab, (a, b, c) = place.lab, place.keys
    part = lab.clone(place.top, selection=by_keys(a, b), with_metadata=False)
    flat = lab.clone(part, strip_folders=True, with_status=False)
    lab.annotate(flat, a, mark("dog"))
    lab.add(part, new_item("/a", 3, "dog"), new_item("/d"), mode=UploadMode.OVERWRITE)
    lab.move(place.top, {a: "/b", b: "/a"})
    lab.delete(place.clone, c)
    merges = [
        lab.merge(place.source, place.clone, part, flat, policy=policy) for policy in MergePolicy
    ]
    lab.cloning(place.source, destination=merges[0], allow_many=True)
    lab.cloning(merges[1], destination=part)
    lab.write(switch_recipe, flat, lab.twin)
    lab.merge(*merges, with_annotations=False)
    for gone in (place.clone, part, merges[0]):
        lab.write(delete_dataset, gone)
    lab.verify()
    lab.write(purge_deleted, timedelta(0))
    steps = []

    assert verify_store(lab.database, lab.vault, deep=True, progress=lambda: steps.append(1)) == []

    assert len(steps) == len(lab.rows(VERSIONS)) + len(lab.rows(BINARIES))
