"""What readers notice of a flatten, and what they have of it.

A pile of nine layers, in each of which one item in a hundred was changed, is flattened by the
thread that does it in a service, while one reader goes on reading its first page.
"""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from bench.clone import by_label, clone, view_of
from bench.data import LABELS
from bench.history import change, first_keys
from bench.measure import Figure, Work, often
from bench.page import read_page
from bench.store import Store
from gql_service.catalog.filters import AnnotationFilter, StringFilter
from gql_service.catalog.page import count_annotations, count_items
from gql_service.catalog.visibility import View, open_view
from gql_service.database.engine import Tx
from gql_service.jobs.background import Background
from gql_service.versions.flatten import flatten

LAYERS = 9
USUAL = 500
"""How many pages are read before; fewer in a small dataset."""
MOST_MILLISECONDS = 5_000.0
"""For how long anything else is repeated."""


@dataclass(slots=True)
class _Taken:
    """Milliseconds, per run."""

    usual: list[float] = field(default_factory=list)
    meanwhile: list[float] = field(default_factory=list)
    whole: list[float] = field(default_factory=list)
    before: dict[str, list[float]] = field(default_factory=dict)
    after: dict[str, list[float]] = field(default_factory=dict)


def measure(store: Store, runs: int) -> Iterator[Figure]:
    items, taken = store.stage.items, _Taken()
    keys = first_keys(store, max(10, items // 10))[::10]
    for _ in range(runs):
        dataset = store.stage.dataset
        for _layer in range(LAYERS):
            dataset = clone(store, dataset).dataset
            change(store, dataset, keys)
        _one_run(store, dataset, taken)
    goal = "< 2 ×"
    meanwhile, usual = tuple(taken.meanwhile), tuple(taken.usual)
    yield Figure(
        f"page of 100 over {LAYERS} layers, 99th percentile during a flatten",
        items,
        "ms",
        meanwhile,
        usual,
        "our own page before",
        goal=goal,
    )
    for what, after in taken.after.items():
        before = tuple(taken.before[what])
        yield Figure(
            f"{what}, after the flatten", items, "ms", tuple(after), before, "our own before"
        )
    yield Figure("flatten from beginning to end", items, "ms", tuple(taken.whole))


def _one_run(store: Store, dataset: int, taken: _Taken) -> None:
    store.settle()
    works = _works(store, dataset)
    page = works["first page of 100"]
    for what, work in works.items():
        taken.before.setdefault(what, []).append(_average(work, store.stage.items))
    usual = [_milliseconds(page) for _ in range(min(USUAL, store.stage.items // 4))]
    taken.usual.append(_percentile(usual))
    done = threading.Event()

    def flattened(number: int) -> None:
        try:
            flatten(store.database, number, rest=background.rest)
        finally:
            done.set()

    background = Background("flatten", flattened, lambda: [dataset])
    start = time.perf_counter()
    background.start()
    meanwhile = [_milliseconds(page)]
    while not done.is_set():
        meanwhile.append(_milliseconds(page))
    taken.whole.append((time.perf_counter() - start) * 1000)
    background.close()
    taken.meanwhile.append(_percentile(meanwhile))
    assert len(view_of(store, dataset).sheets) == 1, "flattened"
    for what, work in works.items():
        taken.after.setdefault(what, []).append(_average(work, store.stage.items))


def _works(store: Store, dataset: int) -> dict[str, Work]:
    asked = AnnotationFilter(label=StringFilter(eq=LABELS[0]))

    def reading(work: Callable[[Tx, View], object]) -> Work:
        def read() -> None:
            with store.database.read(store.stage.actor) as tx:
                work(tx, open_view(tx, dataset))

        return read

    return {
        "first page of 100": lambda: read_page(store, dataset),
        "count items by label": reading(lambda tx, v: count_items(tx, v, by_label(LABELS[0]))),
        "count annotations by label": reading(lambda tx, v: count_annotations(tx, v, asked)),
    }


def _average(work: Work, items: int) -> float:
    times = max(1, min(often(items), int(MOST_MILLISECONDS / _milliseconds(work))))
    return statistics.fmean(_milliseconds(work) for _ in range(times))


def _milliseconds(work: Work) -> float:
    start = time.perf_counter()
    work()
    return (time.perf_counter() - start) * 1000


def _percentile(values: list[float]) -> float:
    """The 99th."""
    return sorted(values)[len(values) * 99 // 100]
