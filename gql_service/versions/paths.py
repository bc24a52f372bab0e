"""Who gets a path that several items want: the first one, and the others a number.

A name becomes `name (2).ext`, then (3) and so on: the first one that nobody has and nobody wants.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from gql_service.catalog.item_path import numbered

FIRST_TRIES = 8


@dataclass(frozen=True, slots=True)
class PathChange:
    """An item that could not have the path it wanted."""

    item: int
    wanted: str
    given: str


def settle_paths(
    wishes: Sequence[tuple[int, str]], occupied: Callable[[Sequence[str]], set[str]]
) -> list[PathChange]:
    """The changes that give every item a path of its own. `wishes` come in order of precedence.

    `occupied` tells which of some paths belong to items that are not among the wishes; it is asked
    a few times for many paths, not once per path.
    """
    held = occupied(sorted({path for _, path in wishes}))
    taken: set[str] = set()
    losers: list[tuple[int, str]] = []
    for item, path in wishes:
        if path in held or path in taken:
            losers.append((item, path))
        else:
            taken.add(path)
    if not losers:
        return []
    return _number(losers, taken | held | {path for _, path in wishes}, occupied)


def _number(
    losers: Sequence[tuple[int, str]],
    taken: set[str],
    occupied: Callable[[Sequence[str]], set[str]],
) -> list[PathChange]:
    changes: list[PathChange] = []
    tries: dict[str, int] = {path: FIRST_TRIES for _, path in losers}
    next_number: dict[str, int] = dict.fromkeys(tries, 2)
    waiting: Iterable[tuple[int, str]] = losers
    asked: set[str] = set()
    while waiting:
        counts: dict[str, int] = {}
        for _, path in waiting:
            counts[path] = counts.get(path, 0) + 1
        candidates = {
            numbered(path, n)
            for path, count in counts.items()
            for n in range(next_number[path], next_number[path] + count + tries[path])
        } - asked
        taken |= occupied(sorted(candidates))
        asked |= candidates
        later: list[tuple[int, str]] = []
        for item, path in waiting:
            n = next_number[path]
            while (name := numbered(path, n)) in taken:
                n += 1
            next_number[path] = n
            if name not in asked:
                later.append((item, path))
                continue
            taken.add(name)
            changes.append(PathChange(item, path, name))
        for path in {path for _, path in later}:
            tries[path] *= 4
        waiting = later
    return changes
