"""What a merge reads: where the sources can differ, and what each holds and has seen there."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa

from gql_service.catalog.prepared import read_annotations
from gql_service.catalog.visibility import (
    ANNOTATIONS,
    ITEM_WHITEOUTS,
    ITEMS,
    LINES,
    Sheet,
    View,
)
from gql_service.database.engine import Tx
from gql_service.database.sets import among, among_given, chunks
from gql_service.versions.changes import changed_annotations, changed_items
from gql_service.versions.content import (
    Row,
    annotation_content,
    annotations_of_items,
    authorship,
    item_content,
    items_by_key,
    written,
)
from gql_service.versions.knowledge import Seen, Sight, sights
from gql_service.versions.lost import lost_annotations, lost_items, lost_removals
from gql_service.versions.merge_rules import AnnotationFact, Group, ItemFact
from gql_service.versions.merge_settled import settled_annotations, settled_items
from gql_service.versions.piles import with_the_past


@dataclass(frozen=True, slots=True)
class Source:
    """A dataset at a version, as the merge is to see it, and what that version has seen."""

    dataset: int
    version: int
    view: View
    seen: tuple[Seen, ...]
    items: int
    annotations: int

    @property
    def point(self) -> tuple[int, int]:
        return self.dataset, self.version

    def behind(self, other: Source) -> View:
        """What this source shows behind the masks that the merge lays over another one: what is
        the same there but for a mask is the same value, and needs no decision."""
        mask = other.view.sheets[0]
        return self.view.masked(
            annotations=mask.annotations, metadata=mask.metadata, status=mask.status
        )


@dataclass(slots=True)
class Facts:
    """What the sources hold of the lineages in question, and what each has seen."""

    items: list[dict[int, ItemFact]]
    annotations: list[dict[int, list[AnnotationFact]]]
    sights: list[Sight]

    def item_group(self, key: int) -> Group[ItemFact]:
        held = [(facts[key],) if key in facts else () for facts in self.items]
        return Group(held, self.seen_item)

    def annotation_group(self, root: int) -> Group[AnnotationFact]:
        return Group([facts.get(root, []) for facts in self.annotations], self.seen_annotation)

    def writes_of(self, source: int, root: int) -> set[int]:
        """The writes that a source holds of a lineage of annotations."""
        return {fact.written.write for fact in self.annotations[source].get(root, ())}

    def seen_item(self, source: int, fact: ItemFact) -> bool:
        origin = fact.written
        return self.sights[source].has_seen(
            fact.key, origin.dataset, origin.version, annotation=False
        )

    def seen_annotation(self, source: int, fact: AnnotationFact) -> bool:
        origin = fact.written
        return self.sights[source].has_seen(
            fact.content.item, origin.dataset, origin.version, annotation=True
        )


def families(sources: Sequence[Source]) -> list[list[int]]:
    """The positions of the sources, those together that know of a common dataset.

    Sources of different families have no key in common, and none has seen anything of the other.
    """
    found: list[tuple[set[int], list[int]]] = []
    for position, source in enumerate(sources):
        known, members = {one.other for one in source.seen}, [position]
        for family in [family for family in found if family[0] & known]:
            found.remove(family)
            known |= family[0]
            members = [*family[1], *members]
        found.append((known, sorted(members)))
    return [members for _, members in found]


def candidate_items(tx: Tx, sources: Sequence[Source], kin: Sequence[int], ground: int) -> set[int]:
    """Keys of the items that some source among `kin` may show otherwise than the ground."""
    found: set[int] = set()
    for other in (sources[s] for s in kin if s != ground):
        base = sources[ground].behind(other)
        keys = changed_items(tx, base, other.view)
        found |= keys - settled_items(tx, base, other.view, keys)
    return found


def candidate_annotations(
    tx: Tx, sources: Sequence[Source], kin: Sequence[int], ground: int
) -> set[int]:
    """Roots of the annotations that some source among `kin` may show otherwise than the ground."""
    found: set[int] = set()
    for other in (sources[s] for s in kin if s != ground):
        if other.view.sheets[0].annotations:  # else it shows none, and has seen none
            base = sources[ground].behind(other)
            roots = changed_annotations(tx, base, other.view)
            found |= roots - settled_annotations(tx, base, other.view, roots)
    return found


def read_items(
    tx: Tx, sources: Sequence[Source], kin: Sequence[int], keys: set[int]
) -> list[dict[int, ItemFact]]:
    """What each source among `kin` holds of these items, the others nothing."""
    return [
        _items_of(tx, source.view, keys) if position in kin else {}
        for position, source in enumerate(sources)
    ]


def read_facts(
    tx: Tx,
    sources: Sequence[Source],
    kin: Sequence[int],
    items: list[dict[int, ItemFact]],
    uneven: Collection[int],
    roots: Collection[int],
) -> Facts:
    """Beside the items, these lineages and all that lies on `uneven` items, which not all hold."""
    annotations: list[dict[int, list[AnnotationFact]]] = [{} for _ in sources]
    for position in kin:
        view = sources[position].view
        rows = (r for part in chunks(uneven) for r in annotations_of_items(tx, view, part))
        annotations[position] = _by_root(map(_annotation_fact, rows))
    known = {root for held in annotations for root in held}.union(roots)
    for position in kin:
        held = annotations[position]
        for part in chunks(sorted(known - held.keys())):
            held.update(_by_root(_annotations_at(tx, sources[position].view, part)))
    concerned = {key for held in items for key in held}
    concerned |= {f.content.item for held in annotations for fs in held.values() for f in fs}
    sight = sights(tx, [source.seen for source in sources], concerned)
    return Facts(items, annotations, sight)


def _items_of(tx: Tx, view: View, keys: Iterable[int]) -> dict[int, ItemFact]:
    found: dict[int, ItemFact] = {}
    for part in chunks(sorted(keys)):
        found.update((key, item_fact(row)) for key, row in items_by_key(tx, view, part).items())
    return found


_BY_KEY = read_annotations(lambda c: sa.select(*c.all()).where(among_given(c.key, "roots")))
_BESIDE = read_annotations(
    lambda c: sa.select(*c.all()).where(c.root != c.key, among_given(c.root, "roots"))
)


def _annotations_at(tx: Tx, view: View, roots: Sequence[int]) -> Iterable[AnnotationFact]:
    """The visible annotations of lineages. Those that a merge kept beside the first, under keys of
    their own, are found by an index that holds nothing else."""
    for read in (_BY_KEY, _BESIDE):
        yield from map(_annotation_fact, read.rows(tx, view, roots=list(roots)))


def _by_root(facts: Iterable[AnnotationFact]) -> dict[int, list[AnnotationFact]]:
    found: dict[int, list[AnnotationFact]] = {}
    for fact in facts:
        found.setdefault(fact.root, []).append(fact)
    for siblings in found.values():
        siblings.sort(key=lambda fact: fact.key)
    return found


def item_fact(row: Row) -> ItemFact:
    return ItemFact(row.key, written(row), item_content(row), authorship(row), row.copied_from)


def _annotation_fact(row: Row) -> AnnotationFact:
    return AnnotationFact(row.key, row.root, written(row), annotation_content(row), authorship(row))


def item_history(
    tx: Tx, sources: Sequence[Source], keys: Sequence[int]
) -> dict[int, list[ItemFact]]:
    """Every state of these items where any source may have seen it: those that are stored, and
    what is left of those that retention took."""
    write = sa.func.coalesce(ITEMS.c.copy_of, ITEMS.c.id).label("write")
    found: dict[int, list[ItemFact]] = {}
    for part in chunks(sorted(keys)):
        rows = tx.rows(
            sa.select(ITEMS, write).where(
                ITEMS.c.line.in_(_known_lines(sources)), among(ITEMS.c.key, part)
            )
        )
        for row in rows:
            found.setdefault(row.key, []).append(item_fact(row))
        for lost in lost_items(tx, _known_lines(sources), part):
            found.setdefault(lost.key, []).append(lost)
    return found


def annotation_history(
    tx: Tx, sources: Sequence[Source], roots: Sequence[int]
) -> dict[int, list[AnnotationFact]]:
    """Every state of these lineages, as `item_history`, behind the merge's own status mask."""
    c = ANNOTATIONS.c
    write = sa.func.coalesce(c.copy_of, c.id).label("write")
    lines = c.line.in_(_known_lines(sources))
    with_status = all(source.view.sheets[0].status for source in sources)
    found: dict[int, list[AnnotationFact]] = {}
    for part in chunks(sorted(roots)):
        for wanted in (among(c.key, part), sa.and_(c.root != c.key, among(c.root, part))):
            for row in tx.rows(sa.select(ANNOTATIONS, write).where(lines, wanted)):
                fact = _annotation_fact(row)
                if not with_status:
                    content = replace(fact.content, status=None, status_known=False)
                    fact = replace(fact, content=content)
                found.setdefault(row.root, []).append(fact)
        for lost in lost_annotations(tx, _known_lines(sources), part):
            found.setdefault(lost.root, []).append(lost)
    return found


def _known_lines(sources: Sequence[Source]) -> sa.Select[Any]:
    datasets = {one.other for source in sources for one in source.seen}
    return sa.select(LINES.c.id).where(among(LINES.c.dataset, sorted(datasets)))


def removals(tx: Tx, view: View, keys: Sequence[int]) -> dict[int, tuple[int, int]]:
    """Where items that a view does not show were removed: the (dataset, version) that ended them
    on its pile. Items that it never had are left out."""
    found: dict[int, tuple[int, int]] = {}
    if not keys:
        return found
    sheets = with_the_past(tx, view.sheets)
    depth = {sheet.line: at for at, sheet in enumerate(sheets)}
    for part in chunks(sorted(keys)):
        asked = [*_endings(sheets, part), lost_removals(sheets, part)]
        events = [row for select in asked for row in tx.rows(select)]
        for row in sorted(events, key=lambda row: (depth[row.line], -row.version)):
            found.setdefault(row.key, (row.dataset, row.version))
    return found


def _endings(sheets: Sequence[Sheet], keys: Sequence[int]) -> list[sa.Select[Any]]:
    """What ended on the lines of a pile: states that were closed, states that were covered."""
    cover = ITEM_WHITEOUTS
    closed = [sa.and_(ITEMS.c.line == s.line, ITEMS.c.until <= s.at) for s in sheets]
    covered = [sa.and_(cover.c.line == s.line, cover.c.since <= s.at) for s in sheets]
    shown = [ITEMS.c.key, LINES.c.dataset, LINES.c.id.label("line")]
    return [
        sa.select(*shown, ITEMS.c.until.label("version"))
        .join(LINES, LINES.c.id == ITEMS.c.line)
        .where(among(ITEMS.c.key, keys), sa.or_(*closed)),
        sa.select(*shown, cover.c.since.label("version"))
        .select_from(
            cover.join(ITEMS, ITEMS.c.id == cover.c.state).join(LINES, LINES.c.id == cover.c.line)
        )
        .where(among(ITEMS.c.key, keys), sa.or_(*covered)),
    ]
