"""What formats read and write: files with marks, and a report of what could not be taken.

A record knows neither the database nor a format. Its coordinates, attributes and metadata are plain
JSON values in the shapes of `catalog/coordinates`, not yet checked; whoever imports checks them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any

import orjson

from gql_service.catalog.annotation_content import AnnotationStatus, AnnotationType

EXAMPLES = 3
"""Entries of a report, of each thing and reason, that are kept to be shown; a sink gets all."""


@dataclass(frozen=True, slots=True)
class Mark:
    """An annotation. `where` is the place that it was read from, for people."""

    type: AnnotationType
    label: str
    coordinates: Any = None
    attributes: dict[str, Any] = field(default_factory=dict)
    metadata: dict[str, Any] = field(default_factory=dict)
    status: AnnotationStatus | None = None
    where: str = ""


@dataclass(frozen=True, slots=True)
class Record:
    """A file with its marks. `path` is the item's; width and height are pixels, where known.

    `file` is where the bytes are: what is read from, or what has been written already.
    """

    path: str
    file: Path
    width: int | None = None
    height: int | None = None
    marks: tuple[Mark, ...] = ()
    metadata: dict[str, Any] = field(default_factory=dict)
    description: str | None = None
    hidden: bool = False
    where: str = ""


@dataclass(frozen=True, slots=True)
class Source:
    """Where to read: a file or folder, and the folder of the files when it is another one."""

    path: Path
    files: Path | None = None


class Reason(Enum):
    """Why something was left out, or is not held as it was."""

    MISSING_FILE = "MISSING_FILE"
    UNSAFE_PATH = "UNSAFE_PATH"
    DUPLICATE = "DUPLICATE"
    UNKNOWN_CATEGORY = "UNKNOWN_CATEGORY"
    UNKNOWN_IMAGE = "UNKNOWN_IMAGE"
    MALFORMED = "MALFORMED"
    OUTSIDE_IMAGE = "OUTSIDE_IMAGE"
    NOT_IN_RECIPE = "NOT_IN_RECIPE"
    TOO_LARGE = "TOO_LARGE"
    ALREADY_THERE = "ALREADY_THERE"
    NOT_HELD = "NOT_HELD"
    BOX_ONLY = "BOX_ONLY"
    CUT_OFF = "CUT_OFF"
    RENAMED = "RENAMED"
    SIZE_DIFFERS = "SIZE_DIFFERS"


CHANGED = (Reason.BOX_ONLY, Reason.CUT_OFF, Reason.RENAMED, Reason.SIZE_DIFFERS)
"""Reasons that do not keep a thing out, only change something about it."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing (`what`: image, annotation, attribute, …) of a place, and why it is told."""

    what: str
    reason: Reason
    where: str
    detail: str

    def line(self) -> str:
        """The entry as a line of JSON."""
        told = {"what": self.what, "reason": self.reason.value, "where": self.where}
        return orjson.dumps({**told, "detail": self.detail}).decode()


class Report:
    """Counts what is told by what and why, and keeps the first few; `sink` gets every line."""

    def __init__(self, sink: Callable[[str], None] | None = None) -> None:
        self._sink = sink
        self.counts: Counter[tuple[str, Reason]] = Counter()
        self.first: list[Entry] = []

    def tell(self, what: str, reason: Reason, where: str, detail: str) -> None:
        entry = Entry(what, reason, printable(where), printable(detail))
        self.counts[what, reason] += 1
        if self.counts[what, reason] <= EXAMPLES:
            self.first.append(entry)
        if self._sink is not None:
            self._sink(entry.line())

    def count(self, reason: Reason) -> int:
        return sum(number for (_, why), number in self.counts.items() if why is reason)


@contextmanager
def report_to(file: Path | None) -> Iterator[Report]:
    """A report whose entries also become lines of JSON in a file, as they come."""
    if file is None:
        yield Report()
        return
    with file.open("w", encoding="utf-8") as lines:

        def write(line: str) -> None:
            lines.write(line + "\n")

        yield Report(write)


def printable(text: str, longest: int = 300) -> str:
    """`text` on one line, with escapes for what cannot be shown."""
    cut = text[:longest] + ("…" if len(text) > longest else "")
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in cut)
