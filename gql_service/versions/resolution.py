"""What a reviewer says about the conflicts of a merge, and what is to be written for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from gql_service.versions.content import AnnotationContent, ItemContent, Row
from gql_service.versions.given import GIVEN_NOTHING, Given

Path = tuple[str | int, ...]


class ConflictChoice(Enum):
    """What is chosen for a conflict."""

    LEFT = "LEFT"
    RIGHT = "RIGHT"
    BASE = "BASE"
    KEEP = "KEEP"


class SkipReason(Enum):
    """Why a conflict stays open."""

    RESOLVED = "RESOLVED"
    CHANGED = "CHANGED"
    GONE = "GONE"
    PATH_TAKEN = "PATH_TAKEN"
    BINARY_GONE = "BINARY_GONE"
    NO_SIDE = "NO_SIDE"


class Skip(Exception):
    """The conflict cannot be decided in this way now."""

    def __init__(self, reason: SkipReason) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Resolution:
    """What to do about one conflict: `choose`, or set a `value`. `path` is where it was asked."""

    position: int
    choose: ConflictChoice | None = None
    value: Given = GIVEN_NOTHING
    path: Path = ()


@dataclass(frozen=True, slots=True)
class State:
    """An item with its annotations by key; None where it is not shown."""

    item: Row | None
    annotations: Mapping[int, Row]


@dataclass(frozen=True, slots=True)
class Stock:
    """What chosen values can mean: binaries by SHA-256, and the items that hold paths now."""

    binaries: Mapping[str, int]
    paths: Mapping[str, int]


@dataclass(slots=True)
class Effects:
    """What is to be written, by key. Conflicts of one item add up in its content."""

    items: dict[int, ItemContent] = field(default_factory=dict)
    removed_items: set[int] = field(default_factory=set)
    annotations: dict[int, AnnotationContent] = field(default_factory=dict)
    chosen_annotations: dict[int, Row] = field(default_factory=dict)
    """Those that stay alone as they are: a decision, which is a new write."""
    removed_annotations: set[int] = field(default_factory=set)
    paths: set[str] = field(default_factory=set)
    """Paths that are given to somebody."""
