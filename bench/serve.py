"""Requests over HTTP: the service as `gql-service serve` runs it, beside other servers.

All servers answer the same questions from the same data, one server at a time and in turns, while
the others wait. Only ours asks who is asking, and only ours knows versions.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from importlib.metadata import PackageNotFoundError, version

from bench import node
from bench.contenders import BARE, OURS, Arena, Contender
from bench.load import Loaded, load, tool
from bench.measure import Figure
from bench.store import Store

_SECONDS = 3.0
_UNITS = {"rate": "requests/s", "p50": "ms", "p99": "ms"}
Goals = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Case:
    """One load: what is asked, of how many processes, over how many connections.

    `goals` are what ours should reach, by measure, on SQLite and on PostgreSQL.
    """

    name: str
    question: str
    measures: tuple[str, ...] = ("rate", "p50", "p99")
    processes: int = 1
    connections: int = 16
    goals: tuple[Goals, Goals] = field(default=({}, {}))


CASES = (
    Case("page of 100", "page", goals=({"rate": "≥ 1,100"}, {"rate": "≥ 850"})),
    Case("page of 100", "page", processes=2, goals=({}, {"rate": "≥ 1,000"})),
    Case(
        "page of 100",
        "page",
        connections=1,
        goals=({"p50": "≤ 1.1", "p99": "≤ 2"}, {"p50": "≤ 2", "p99": "≤ 3.5"}),
    ),
    Case("deep page of 100", "deep", goals=({"rate": "first ± 5 %"}, {"rate": "first ± 5 %"})),
    Case("page of 100 with a label", "marked"),
    Case("one item", "item", goals=({"rate": "≥ 9,000"}, {"rate": "≥ 3,400"})),
)


def measure(store: Store, runs: int) -> Iterator[Figure]:
    """One process on SQLite, two as well on PostgreSQL.

    A small store, which cannot give figures worth having, is asked over fewer connections.
    """
    most = 2 if store.postgres else 1
    widest = max(1, store.stage.items // 50)
    with ExitStack() as stack:
        contenders = Arena(store, most, stack).all()
        for case in CASES:
            if case.processes <= most:
                asked = replace(case, connections=min(case.connections, widest))
                yield from _figures(store, asked, contenders, runs)
        yield from _memory(store, contenders)


def versions() -> list[str]:
    """What serves, what asks, and who stands beside it."""
    loop = f"uvloop {_installed('uvloop')}" if _installed("uvloop") else "asyncio"
    http = f"httptools {_installed('httptools')}"
    strawberry = f"Strawberry {_installed('strawberry-graphql')}"
    served = f"uvicorn {_installed('uvicorn')} on {loop} and {http}"
    return [strawberry, served, *node.versions(), tool()]


def _figures(
    store: Store, case: Case, contenders: Sequence[Contender], runs: int
) -> Iterator[Figure]:
    seconds = min(_SECONDS, store.stage.items / 2000)
    taken: dict[str, list[Loaded]] = {contender.name: [] for contender in contenders}
    for contender in contenders if seconds >= 1 else ():
        _load(case, contender, seconds / 3)  # plans, pools and compiled code
    for _ in range(runs):
        for contender in contenders:
            taken[contender.name].append(_load(case, contender, seconds))
    goals = case.goals[store.postgres]
    for measured in case.measures:
        values = {
            name: tuple(getattr(loaded, measured) for loaded in of_server)
            for name, of_server in taken.items()
        }
        name = f"{case.name}, {_count(case.processes, 'process', 'es')}, "
        name += _count(case.connections, "connection", "s")
        if measured != "rate":
            name += f": {measured}"
        yield _figure(name, store, _UNITS[measured], values, goals.get(measured, ""))


def _load(case: Case, contender: Contender, seconds: float) -> Loaded:
    request = contender.requests[case.question]
    return load(request, contender.ports(case.processes), case.connections, seconds)


def _memory(store: Store, contenders: Sequence[Contender]) -> Iterator[Figure]:
    """Resident memory of the process of each that was asked most."""
    found = {contender.name: contender.processes[0].memory() for contender in contenders}
    values = {name: (size,) for name, size in found.items() if size is not None}
    if OURS in values:
        yield _figure("memory of a process after all", store, "MB", values, "≤ 100")


def _figure(
    name: str, store: Store, unit: str, values: Mapping[str, tuple[float, ...]], goal: str
) -> Figure:
    others = tuple((name, of) for name, of in values.items() if name not in (OURS, BARE))
    said = "one statement makes the body"
    return Figure(name, store.stage.items, unit, values[OURS], values[BARE], said, others, goal)


def _count(number: int, noun: str, several: str) -> str:
    return f"{number} {noun}{several if number > 1 else ''}"


def _installed(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""
