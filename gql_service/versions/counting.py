"""The counters of a version: kept as final numbers, and per label as intervals of versions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

import sqlalchemy as sa

from gql_service.catalog.dataset import LabelCount
from gql_service.catalog.visibility import View
from gql_service.database.columns import FOREVER, table_of
from gql_service.database.engine import Tx
from gql_service.database.plan import Prepared
from gql_service.database.sets import among_given, chunks
from gql_service.versions.content import annotated_items

LABEL_COUNTS = table_of(LabelCount)


@dataclass(slots=True)
class Counters:
    """What a version counts: final numbers, and what changed to reach them."""

    items: int = 0
    annotated_items: int = 0
    annotations: int = 0
    items_added: int = 0
    items_modified: int = 0
    items_removed: int = 0
    annotations_added: int = 0
    annotations_modified: int = 0
    annotations_removed: int = 0

    @property
    def changed(self) -> bool:
        return any(
            (
                self.items_added,
                self.items_modified,
                self.items_removed,
                self.annotations_added,
                self.annotations_modified,
                self.annotations_removed,
            )
        )

    def as_first(self) -> None:
        """A first version adds all that it shows, however it came to show it."""
        self.items_added, self.items_modified, self.items_removed = self.items, 0, 0
        self.annotations_added = self.annotations
        self.annotations_modified = self.annotations_removed = 0


@dataclass(slots=True)
class Tally:
    """Follows what a draft writes, so that its version can say how much there is."""

    counters: Counters
    labels: Counter[str] = field(default_factory=Counter)
    fresh: set[int] = field(default_factory=set)
    """Items that this version adds: nothing was annotated on them before."""
    _fresh_annotated: set[int] = field(default_factory=set)
    _annotated_before: dict[int, bool] = field(default_factory=dict)

    def items(self, *, added: int = 0, modified: int = 0, removed: int = 0) -> None:
        self.counters.items_added += added
        self.counters.items_modified += modified
        self.counters.items_removed += removed
        self.counters.items += added - removed

    def annotations(self, *, added: int = 0, modified: int = 0, removed: int = 0) -> None:
        self.counters.annotations_added += added
        self.counters.annotations_modified += modified
        self.counters.annotations_removed += removed
        self.counters.annotations += added - removed

    def note(self, tx: Tx, view: View, items: Iterable[int]) -> None:
        """Remembers which items have annotations; to be called before theirs are changed."""
        unknown = sorted(set(items) - self._annotated_before.keys() - self.fresh)
        annotated = annotated_items(tx, view, unknown)
        self._annotated_before.update((key, key in annotated) for key in unknown)

    def annotate(self, items: Iterable[int]) -> None:
        """Says that these items are given annotations."""
        self._fresh_annotated.update(self.fresh.intersection(items))

    def settle(self, tx: Tx, view: View) -> None:
        """Brings `annotated_items` up to date, and writes the counts per label."""
        noted = sorted(self._annotated_before)
        after = sum(len(annotated_items(tx, view, part)) for part in chunks(noted))
        before = sum(self._annotated_before.values())
        self.counters.annotated_items += after - before + len(self._fresh_annotated)
        self._settle_labels(tx, view)

    def _settle_labels(self, tx: Tx, view: View) -> None:
        """Closes the intervals of the labels whose number changed, and opens the next ones."""
        moved = {label: delta for label, delta in self.labels.items() if delta}
        if not moved:
            return
        these = {"of": view.dataset, "labels": sorted(moved)}
        counts = {row.label: row.annotations for row in tx.rows(_CURRENT, these)}
        if view.version == 1:  # inherited at this very version: replaced, not ended
            tx.run(_REPLACE, these)
        elif counts:
            tx.run(_END, these | {"at": view.version})
        rows = [
            {
                "dataset": view.dataset,
                "label": label,
                "since": view.version,
                "until": FOREVER,
                "annotations": counts.get(label, 0) + delta,
            }
            for label, delta in moved.items()
            if counts.get(label, 0) + delta
        ]
        if rows:
            tx.run(_BEGIN, rows)


_WHICH = sa.and_(
    LABEL_COUNTS.c.dataset == sa.bindparam("of"),
    LABEL_COUNTS.c.until == FOREVER,
    among_given(LABEL_COUNTS.c.label, "labels", numbers=False),
)
_CURRENT = Prepared(sa.select(LABEL_COUNTS.c.label, LABEL_COUNTS.c.annotations).where(_WHICH))
_REPLACE = Prepared(sa.delete(LABEL_COUNTS).where(_WHICH))
_END = Prepared(sa.update(LABEL_COUNTS).where(_WHICH).values(until=sa.bindparam("at")))
_BEGIN = Prepared(sa.insert(LABEL_COUNTS))
