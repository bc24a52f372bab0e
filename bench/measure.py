"""Times, medians and the table they are printed in."""

from __future__ import annotations

import gc
import os
import platform
import sqlite3
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import sqlalchemy as sa

Work = Callable[[], object]


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured operation: a value per run of ours and of the floor, in `unit`.

    `floor_is` says what the bare database was asked to do; without a floor it is empty. `others`
    are further programs that did the same, by name; `goal` is what ours should reach.
    """

    operation: str
    items: int
    unit: str
    ours: tuple[float, ...]
    floor: tuple[float, ...] = ()
    floor_is: str = ""
    others: tuple[tuple[str, tuple[float, ...]], ...] = ()
    goal: str = ""

    @property
    def ratio(self) -> float | None:
        """How many times the floor's cost is ours; of rates, how many times slower we are."""
        if not self.floor:
            return None
        ours, floor = statistics.median(self.ours), statistics.median(self.floor)
        return floor / ours if self.unit.endswith("/s") else ours / floor


def side_by_side(
    operation: str,
    items: int,
    runs: int,
    ours: Work,
    floor: Work | None = None,
    floor_is: str = "",
    *,
    times: int = 1,
    settle: Work = lambda: None,
) -> Figure:
    """Milliseconds of one execution, ours and the floor's in turns; `times` executions are a run.

    Everything is executed once before, unless a run is a single execution. `settle` runs before
    each run and does not count.
    """
    taken: list[tuple[float, ...]] = []
    works = [ours] if floor is None else [ours, floor]
    if times > 1:
        for work in works:
            work()
    for _ in range(runs):
        taken.append(tuple(_milliseconds(work, times, settle) for work in works))
    columns = list(zip(*taken, strict=True))
    return Figure(operation, items, "ms", columns[0], columns[1] if floor else (), floor_is)


def often(items: int) -> int:
    """How many executions make a run, of something that takes milliseconds."""
    return min(50, max(1, items // 100))


def _milliseconds(work: Work, times: int, settle: Work) -> float:
    settle()
    gc.collect()
    start = time.perf_counter()
    for _ in range(times):
        work()
    return (time.perf_counter() - start) * 1000 / times


def as_rate(figure: Figure, count: int, unit: str) -> Figure:
    """The same figure as `count` things per second."""

    def rates(values: Sequence[float]) -> tuple[float, ...]:
        return tuple(count / (value / 1000) for value in values)

    return Figure(
        figure.operation,
        figure.items,
        unit,
        rates(figure.ours),
        rates(figure.floor),
        figure.floor_is,
    )


def heading(command: str, runs: int, further: Sequence[str]) -> list[str]:
    """What has to stand above figures, so that somebody else can take them again.

    `further` are versions of what else was a part of it.
    """
    return [
        f"Date: {datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        f"Command: {command}",
        f"Machine: {_processor()}, {os.cpu_count()} cores, {_memory()}, {platform.system()} "
        f"{platform.release()}; load before the run {os.getloadavg()[0]:.1f}",
        f"Versions: Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, "
        f"SQLAlchemy {sa.__version__}, psycopg {psycopg.__version__}"
        + "".join(f", {name}" for name in further if name),
        f"Figures: median of {runs} runs (smallest – largest)",
    ]


def table(title: str, figures: Sequence[Figure], *, markdown: bool) -> list[str]:
    """One table of figures; columns are aligned unless it is Markdown.

    Other programs have a column each, and goals have one, where some figure has such.
    """
    names = list(dict.fromkeys(name for figure in figures for name, _ in figure.others))
    goals = any(figure.goal for figure in figures)
    further = [*names, "goal"] if goals else names
    rows = [["operation", "items", "ours", "bare database", "ratio", "the bare database …"]]
    rows[0] += further
    rows += [_cells(figure, names, goals=goals) for figure in figures]
    if markdown:
        lines = ["| " + " | ".join(row) + " |" for row in rows]
        lines.insert(1, "|---|---:|---:|---:|---:|---|" + "---:|" * len(further))
        return ["", f"### {title}", "", *lines]
    widths = [max(len(row[at]) for row in rows) for at in range(len(rows[0]))]
    left = {0, 5}
    return [
        "",
        title,
        *(
            "  ".join(
                cell.ljust(width) if at in left else cell.rjust(width)
                for at, (cell, width) in enumerate(zip(row, widths, strict=True))
            ).rstrip()
            for row in rows
        ),
    ]


def _cells(figure: Figure, names: Sequence[str], *, goals: bool) -> list[str]:
    ratio = "" if figure.ratio is None else f"{figure.ratio:.2f} ×"
    others = dict(figure.others)
    cells = [
        figure.operation,
        f"{figure.items:,}",
        _spread(figure.ours, figure.unit),
        _spread(figure.floor, figure.unit),
        ratio,
        figure.floor_is,
        *(_spread(others.get(name, ()), figure.unit) for name in names),
    ]
    return [*cells, figure.goal] if goals else cells


def _spread(values: Sequence[float], unit: str) -> str:
    if not values:
        return ""
    middle, low, high = statistics.median(values), min(values), max(values)
    return f"{_number(middle)} {unit} ({_number(low)} – {_number(high)})"


def _number(value: float) -> str:
    """Three significant digits, without an exponent."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def _processor() -> str:
    for name, value in _pairs(Path("/proc/cpuinfo")):
        if name == "model name":
            return value
    return platform.processor() or platform.machine()


def _memory() -> str:
    for name, value in _pairs(Path("/proc/meminfo")):
        if name == "MemTotal":
            return f"{int(value.split()[0]) / 2**20:.0f} GiB of memory"
    return "memory unknown"


def _pairs(file: Path) -> Iterator[tuple[str, str]]:
    if file.is_file():
        for line in file.read_text().splitlines():
            name, _, value = line.partition(":")
            yield name.strip(), value.strip()


@contextmanager
def told(what: str, say: Callable[[str], None]) -> Iterator[None]:
    """Says what takes so long, and then how long it took."""
    start = time.perf_counter()
    yield
    say(f"{what}: {time.perf_counter() - start:.1f} s")
