"""Counters of a snapshot, counted the long way, and what changed from one version to the next."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from tests.oracle.model import Snapshot

Content = tuple[Any, ...]


@dataclass(frozen=True)
class Counters:
    items: int
    annotated_items: int
    annotations: int
    labels: dict[str, int]


@dataclass(frozen=True)
class Changes:
    """Keys that came, keys whose content changed, keys that went: (added, modified, removed)."""

    items: tuple[int, int, int]
    annotations: tuple[int, int, int]


def counters(snapshot: Snapshot) -> Counters:
    return Counters(
        items=len(snapshot.items),
        annotated_items=len({row.item for row in snapshot.annotations.values()}),
        annotations=len(snapshot.annotations),
        labels=dict(Counter(row.label for row in snapshot.annotations.values())),
    )


def changes(before: Snapshot, after: Snapshot) -> Changes:
    """Rows under one key count as modified when their contents differ."""

    def count(old: dict[int, Content], new: dict[int, Content]) -> tuple[int, int, int]:
        modified = sum(old[key] != new[key] for key in old.keys() & new.keys())
        return len(new.keys() - old.keys()), modified, len(old.keys() - new.keys())

    return Changes(
        items=count(
            {key: row.content() for key, row in before.items.items()},
            {key: row.content() for key, row in after.items.items()},
        ),
        annotations=count(
            {key: row.content() for key, row in before.annotations.items()},
            {key: row.content() for key, row in after.annotations.items()},
        ),
    )
