"""Two points of datasets side by side, however they are related."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gql_service.catalog.filters import ItemFilter
from gql_service.catalog.visibility import View, open_view, open_views
from gql_service.database.engine import Tx
from gql_service.versions.diff import (
    Counts,
    ItemDifference,
    count_differences,
    count_stretch,
    lineages_between,
    page_of_differences,
    page_of_stretch,
)
from gql_service.versions.diff_annotations import (
    AnnotationDifference,
    Pair,
    annotation_differences,
)
from gql_service.versions.diff_by_path import count_by_path, page_by_path
from gql_service.versions.knowledge import seen_by
from gql_service.versions.stretch import Stretch, stretch_between

Place = tuple[int, int]
"""A dataset at a version."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two views; without `before`, all that `after` shows counts as added.

    `related` says that the two have a common ancestor: then keys tell what is the same item.
    """

    before: View | None
    after: View
    related: bool

    def counts(self, tx: Tx, filter: ItemFilter | None) -> Counts:
        """How much differs, of the items that match (as they are now, or were before)."""
        if self.before is not None and not self.related:
            return count_by_path(tx, self.before, self.after, filter)
        stretch = self._stretch(filter)
        if stretch is not None:
            return count_stretch(tx, stretch)
        lineages = lineages_between(tx, self.before, self.after)
        return count_differences(tx, self.before, self.after, lineages, filter)

    def page(
        self, tx: Tx, filter: ItemFilter | None, behind: int | None, limit: int
    ) -> list[ItemDifference]:
        """The items that differ beyond the one with the key `behind`: by key, strangers by path."""
        if self.before is not None and not self.related:
            return page_by_path(tx, self.before, self.after, filter, behind=behind, limit=limit)
        stretch = self._stretch(filter)
        if stretch is not None:
            return page_of_stretch(tx, stretch, behind=behind, limit=limit)
        lineages = lineages_between(tx, self.before, self.after)
        return page_of_differences(
            tx, self.before, self.after, lineages, filter, behind=behind, limit=limit
        )

    def _stretch(self, filter: ItemFilter | None) -> Stretch | None:
        """What one line wrote, when that is all there can be. A filter asks about what is shown."""
        if filter is not None or self.before is None:
            return None
        return stretch_between(self.before, self.after)

    def annotations(self, tx: Tx, pairs: Sequence[Pair]) -> dict[Pair, list[AnnotationDifference]]:
        """What differs in the annotations of these items."""
        return annotation_differences(tx, self.before, self.after, pairs)


def compare(tx: Tx, before: Place | None, after: Place) -> Comparison:
    """Raises NotFound where there is no such dataset or version."""
    if before is None:
        return Comparison(None, open_view(tx, *after), related=True)
    views = open_views(tx, [before, after])
    return Comparison(views[before], views[after], related(tx, before, after))


def related(tx: Tx, one: Place, other: Place) -> bool:
    """Whether two points know of a common dataset, and so can have items in common."""
    if one[0] == other[0]:
        return True
    ours, theirs = ({seen.other for seen in seen_by(tx, *place)} for place in (one, other))
    return not ours.isdisjoint(theirs)
