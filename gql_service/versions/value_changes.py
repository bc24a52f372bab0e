"""Where two JSON values differ, by path."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class ValueChange:
    """A value that differs; None also where there is none."""

    path: tuple[str, ...]
    before: Any
    after: Any


def value_changes(before: Any, after: Any, path: tuple[str, ...] = ()) -> Iterator[ValueChange]:
    """The smallest values that differ, by path; lists are taken whole, 1 is not true."""
    if isinstance(before, dict) and isinstance(after, dict):
        for key in sorted(before.keys() | after.keys()):
            if key in before and key in after:
                yield from value_changes(before[key], after[key], (*path, key))
            else:
                yield ValueChange((*path, key), before.get(key), after.get(key))
    elif not same_json(before, after):
        yield ValueChange(path, before, after)


def same_json(left: Any, right: Any) -> bool:
    """Whether two JSON values are the same; Python alone holds True and 1 for equal."""
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(same_json, left, right))
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(same_json(left[k], right[k]) for k in left)
    return bool(left == right)
