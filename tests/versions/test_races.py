"""Several at once: versions stay contiguous, nothing is lost, and nobody waits for ever."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import orjson

from gql_service.catalog.dataset_source import sources_of
from gql_service.catalog.visibility import DATASETS, open_view
from gql_service.database.engine import Tx
from gql_service.errors import NameTaken, NotFound, PathTaken, ServiceError, VersionMoved
from gql_service.versions.datasets import delete_dataset, restore_dataset
from gql_service.versions.draft import VERSIONS
from gql_service.versions.items import ItemPatch
from gql_service.versions.retention import purge_deleted
from tests.builders import Lab, by_keys, mark, new_item

THREADS = 4
PATIENCE = 60
"""Seconds; only a deadlock would need them."""


def at_once(*works: Callable[[], Any]) -> list[Any]:
    """Runs all of them from one start; what one is refused with stands in place of its result."""
    barrier = threading.Barrier(len(works))

    def run(work: Callable[[], Any]) -> Any:
        barrier.wait(PATIENCE)
        try:
            return work()
        except ServiceError as refusal:
            return refusal

    with ThreadPoolExecutor(len(works)) as pool:
        return [one.result(PATIENCE) for one in [pool.submit(run, work) for work in works]]


def refusals(results: Sequence[Any], kind: type[ServiceError]) -> int:
    """How many were refused so; nobody may have been refused otherwise."""
    refused = [result for result in results if isinstance(result, ServiceError)]
    assert all(type(one) is kind for one in refused), refused
    return len(refused)


def numbers(lab: Lab, dataset: int) -> list[int]:
    return sorted(row.number for row in lab.rows(VERSIONS) if row.dataset == dataset)


def test_writers_of_one_dataset_make_contiguous_versions_and_lose_nothing(lab: Lab) -> None:
    dataset = lab.dataset(new_item("/shared", metadata={}))
    (key,) = lab.keys(dataset)

    def writer(number: int) -> Callable[[], list[int | None]]:
        def work() -> list[int | None]:
            return [
                lab.add(dataset, new_item(f"/{number}", 1, "cat")).version,
                lab.update(dataset, by_keys(key), ItemPatch(metadata={str(number): True})).version,
                lab.annotate(dataset, key, mark("dog")).version,
            ]

        return work

    made = at_once(*map(writer, range(THREADS)))

    assert sorted(n for versions in made for n in versions) == list(range(3, 3 + 3 * THREADS))
    assert all(versions == sorted(versions) for versions in made)
    assert numbers(lab, dataset) == list(range(1, 3 + 3 * THREADS))
    shown = lab.items(dataset)
    assert orjson.loads(shown["/shared"].metadata) == {str(n): True for n in range(THREADS)}
    assert lab.labels(dataset)["/shared"] == ["dog"] * THREADS
    assert len(shown) == 1 + THREADS
    lab.verify()


def test_of_those_who_expect_one_version_exactly_one_gets_through(lab: Lab) -> None:
    dataset = lab.dataset()

    results = at_once(
        *(
            lambda n=n: lab.add(dataset, new_item(f"/{n}"), expected_version=2)
            for n in range(THREADS)
        )
    )

    assert refusals(results, VersionMoved) == THREADS - 1
    moved = {one.current_version for one in results if isinstance(one, VersionMoved)}
    assert moved == {3}
    assert len(lab.paths(dataset)) == 4
    lab.verify()


def test_of_those_who_upload_one_path_the_first_adds_it_and_the_others_skip_it(lab: Lab) -> None:
    dataset = lab.empty()

    results = at_once(*(lambda: lab.add(dataset, new_item("/a")) for _ in range(THREADS)))

    assert sorted(one.added for one in results) == [0] * (THREADS - 1) + [1]
    assert len({one.keys for one in results}) == 1
    assert lab.head(dataset) == 2


def test_of_those_who_move_to_one_path_one_gets_it(lab: Lab) -> None:
    dataset = lab.dataset(*[new_item(f"/{n}") for n in range(THREADS)])
    keys = lab.keys(dataset)

    results = at_once(*(lambda key=key: lab.move(dataset, {key: "/there"}) for key in keys))

    assert refusals(results, PathTaken) == THREADS - 1
    lab.verify()


def test_of_those_who_give_one_name_exactly_one_has_it(lab: Lab) -> None:
    source, other, deleted = lab.dataset(), lab.dataset(), lab.empty("wanted")
    lab.write(delete_dataset, deleted)

    results = at_once(
        lambda: lab.empty("wanted"),
        lambda: lab.clone(source, name="wanted"),
        lambda: lab.clone(source, name="wanted", strip_folders=True),
        lambda: lab.merge(source, other, name="wanted"),
        lambda: lab.write(restore_dataset, deleted),
    )

    assert refusals(results, NameTaken) == 4
    alive = [row for row in lab.rows(DATASETS) if row.name == "wanted" and row.deleted_at is None]
    assert len(alive) == 1
    lab.verify()


def test_a_clone_is_one_version_of_its_source_whoever_writes_to_it_meanwhile(lab: Lab) -> None:
    source = lab.dataset(new_item("/shared", 1, "cat"))
    (key,) = lab.keys(source)
    (label,) = [row.key for row in lab.annotations(source)]
    destination = lab.empty()

    def edit() -> None:
        for number in range(5):
            lab.update(source, by_keys(key), ItemPatch(metadata={"n": number}))
            lab.add(source, new_item(f"/{number}", 1, "dog"))
        lab.erase(source, label)

    def clone(**how: Any) -> Callable[[], list[int]]:
        return lambda: [lab.clone(source, **how) for _ in range(3)]

    _, whole, parts, _ = at_once(
        edit,
        clone(),
        clone(strip_folders=True),
        lambda: [lab.cloning(source, destination=destination) for _ in range(3)],
    )

    for made in (*whole, *parts):
        ((_, version),) = lab.read(sources_of, [(made, 1)])[made, 1]
        assert lab.shown(made) == lab.shown(source, version)
    taken = lab.read(sources_of, [(destination, lab.head(destination))])
    for _, version in taken[destination, lab.head(destination)]:
        assert set(lab.items(source, version)) <= set(lab.items(destination))
    lab.verify()


def test_a_clone_of_what_is_purged_is_whole_or_refused(lab: Lab) -> None:
    def race(how: dict[str, Any]) -> None:
        source = lab.dataset(new_item("/a", 1, "cat"), new_item("/b"))
        before = lab.shown(source)

        def purge() -> None:
            lab.write(delete_dataset, source)
            lab.write(purge_deleted, timedelta(0))

        def clone() -> int:
            return lab.clone(source, **how)

        _, *clones = at_once(purge, clone, clone)

        refusals(clones, NotFound)
        for made in clones:
            if isinstance(made, int):
                assert lab.shown(made) == before

    for how in ({}, {"strip_folders": True}):
        race(how)
    lab.verify()


def test_datasets_that_are_cloned_into_one_another_do_not_wait_for_ever(lab: Lab) -> None:
    one, other = lab.dataset(new_item("/one")), lab.dataset(new_item("/other"))

    results = at_once(
        lambda: lab.cloning(one, destination=other),
        lambda: lab.cloning(other, destination=one),
        lambda: lab.cloning(one, destination=one, directory="/again", allow_many=True),
        lambda: lab.cloning(one, destination=one, directory="/more", allow_many=True),
    )

    assert not any(isinstance(one, ServiceError) for one in results)
    for dataset in (one, other):
        assert numbers(lab, dataset) == list(range(1, lab.head(dataset) + 1))
        assert {"/one", "/other"} <= set(lab.paths(dataset))
    lab.verify()


def test_merges_of_the_same_sources_in_any_order_all_get_through(lab: Lab) -> None:
    source = lab.dataset()
    clone = lab.clone(source)
    key, *_ = lab.keys(source)
    lab.annotate(clone, key, mark("dog"))

    merged = at_once(
        lambda: lab.merge(source, clone),
        lambda: lab.merge(clone, source),
        lambda: lab.merge(source, clone),
        lambda: lab.annotate(source, key, mark("dog")),
    )[:3]

    for made in merged:
        assert len(lab.paths(made)) == 3
        assert lab.labels(made)["/0.jpg"][:2] == ["cat", "dog"]

    def heads(tx: Tx) -> set[int]:
        return {open_view(tx, made).version for made in merged}

    assert lab.read(heads) == {1}
    lab.verify()
