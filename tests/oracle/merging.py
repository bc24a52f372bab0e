"""The merge of whole snapshots: survivors, decisions, paths, and the report.

Written for reading: every row of every side is looked at, and nothing is skipped because it
cannot have changed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from tests.oracle import annotation_merging, item_merging
from tests.oracle.groups import FAIL, THREE_WAY, Conflict, Group, Side
from tests.oracle.model import (
    Annotation,
    Dataset,
    Entry,
    Flags,
    Item,
    Refused,
    Snapshot,
    World,
    masked,
)
from tests.oracle.paths import first_free

COMBINED, SUMMED, MIXED = "COMBINED", "SUMMED", "MIXED"
KEPT, REMOVED = "kept", "removed"


@dataclass(frozen=True)
class Report:
    """`conflicts` in no order; `renamed` as (item, wanted, given)."""

    dataset: Dataset
    outcome: str
    unified: int
    summed: int
    conflicts: tuple[Conflict, ...]
    renamed: tuple[tuple[int, str, str], ...]


def merge(
    world: World,
    sources: Sequence[tuple[Dataset, int]],
    *,
    policy: str,
    on_conflict: str,
    flags: Flags = Flags(),  # noqa: B008 - frozen
) -> Report:
    """A new dataset at version 1. Refuses what must be refused before anything is written."""
    sides = _sides(sources, flags)
    work = _decided(world, sides, policy, on_conflict, flags)
    renamed = work.settle_paths()
    dataset = world.new_dataset()
    work.publish(dataset)
    outcome, unified, summed = _sums(sides)
    return Report(dataset, outcome, unified, summed, tuple(work.conflicts), tuple(renamed))


def merge_into(
    world: World,
    destination: Dataset,
    sources: Sequence[tuple[Dataset, int]],
    *,
    policy: str,
    on_conflict: str,
    flags: Flags = Flags(),  # noqa: B008 - frozen
    more_to_tell: bool = False,
) -> Report:
    """One version of the destination, which counts as the first source and stands behind no flags.

    None is made when it shows the same afterwards, holds or has seen all that the sources hold, and
    there is no conflict. `more_to_tell` says that there is one of those the model does not know.
    A locked destination refuses also what would change nothing.
    """
    for dataset in sorted([destination, *(one for one, _ in sources)], key=lambda d: d.number):
        if dataset.deleted:
            raise Refused("NOT_FOUND")
        if dataset is destination and dataset.locked:
            raise Refused("DATASET_LOCKED")
    sides = _sides([(destination, destination.head), *sources], flags, into=True)
    work = _decided(world, sides, policy, on_conflict, flags)
    renamed = work.settle_paths()
    if work.changed() or work.conflicts or more_to_tell:
        work.publish(destination)
    outcome, unified, summed = _sums(sides)
    return Report(destination, outcome, unified, summed, tuple(work.conflicts), tuple(renamed))


def _sides(
    sources: Sequence[tuple[Dataset, int]], flags: Flags, *, into: bool = False
) -> list[Side]:
    if any(dataset.deleted for dataset, _ in sources):
        raise Refused("NOT_FOUND")
    return [
        Side(
            index,
            dataset.number,
            version,
            masked(dataset.at(version), Flags() if into and index == 0 else flags),
        )
        for index, (dataset, version) in enumerate(sources)
    ]


def _decided(
    world: World, sides: Sequence[Side], policy: str, on_conflict: str, flags: Flags
) -> _Merge:
    if len({world.recipes[side.view.recipe] for side in sides}) > 1:
        raise Refused("RECIPE_MISMATCH")
    work = _Merge(world, sides, policy, on_conflict, flags)
    work.run()
    if on_conflict == FAIL and work.conflicts:
        raise Refused("CONFLICT")
    return work


def _sums(sides: Sequence[Side]) -> tuple[str, int, int]:
    """Items that several sides hold were unified, items of one side alone were summed."""
    holders = Counter(key for side in sides for key in side.view.items)
    unified = sum(count > 1 for count in holders.values())
    return _kinship(sides), unified, len(holders) - unified


def _kinship(sides: Sequence[Side]) -> str:
    """Whether all sides come from one another, none do, or some."""
    family = list(range(len(sides)))
    for left in sides:
        for right in sides:
            if left.view.kin & right.view.kin:
                old, new = family[right.index], family[left.index]
                family = [new if one == old else one for one in family]
    if len(set(family)) == 1:
        return COMBINED
    return SUMMED if len(set(family)) == len(sides) else MIXED


class _Merge:
    """One merge at work: `items` and `annotations` are the result, with what was decided."""

    def __init__(
        self,
        world: World,
        sides: Sequence[Side],
        policy: str,
        on_conflict: str,
        flags: Flags,
    ) -> None:
        self.world = world
        self.sides = sides
        self.policy = policy
        self.on_conflict = on_conflict
        self.flags = flags
        self.items: dict[int, item_merging.Kept] = {}
        self.annotations: list[annotation_merging.Kept] = []
        self.conflicts: list[Conflict] = []

    def run(self) -> None:
        roots = self._roots()
        for key in sorted({key for side in self.sides for key in side.view.items}):
            self._merge_item(key, roots.get(key, []))

    # Which writes survive.

    def _roots(self) -> dict[int, list[Group[Annotation]]]:
        """The lineages of annotations, by item."""
        roots: dict[int, set[int]] = {}
        for side in self.sides:
            for row in side.view.annotations.values():
                roots.setdefault(row.item, set()).add(row.root)
        return {
            item: [self._annotation_group(root) for root in sorted(found)]
            for item, found in roots.items()
        }

    def _annotation_group(self, root: int) -> Group[Annotation]:
        held = [
            sorted(
                (row for row in side.view.annotations.values() if row.root == root),
                key=lambda row: row.key,
            )
            for side in self.sides
        ]
        return Group(self.sides, held)

    def _annotation_survivors(self, group: Group[Annotation], item: int) -> list[int]:
        """A side that does not hold the item has no say about its annotations."""
        entitled = [side.index for side in self.sides if item in side.view.items]
        survivors = {
            write
            for write in group.all_writes
            if not group.replaced(write)
            and not (
                self.policy == THREE_WAY and any(group.removes(side, write) for side in entitled)
            )
        }
        return group.by_first_holder(survivors)

    def _item_survivors(self, group: Group[Item]) -> list[int]:
        survivors = {
            write
            for write in group.all_writes
            if not group.replaced(write)
            and not (
                self.policy == THREE_WAY
                and any(group.removes(side.index, write) for side in self.sides)
            )
        }
        return group.by_first_holder(survivors)

    # What the result holds.

    def _merge_item(self, key: int, roots: list[Group[Annotation]]) -> None:
        rows = [side.view.items.get(key) for side in self.sides]
        group: Group[Item] = Group(self.sides, [[row] if row else [] for row in rows])
        annotations = [self._annotation_survivors(root, key) for root in roots]
        survivors = self._item_survivors(group)
        overruled = False
        if not survivors:
            absent = [side for side in self.sides if key not in side.view.items]
            standing = [
                root.rows_with(write)[0]
                for root, writes in zip(roots, annotations, strict=True)
                for write in writes
            ]
            if all(any(side.has_seen(row) for side in absent) for row in standing):
                return
            overruled = True
            survivors = group.by_first_holder(
                {write for write in group.all_writes if not group.replaced(write)}
            )
            self._report_kept(group, survivors, absent)
        assert survivors, "an item that stays has a write that nobody replaced"
        self._decide_item(group, survivors, overruled=overruled)
        for root, writes in zip(roots, annotations, strict=True):
            self._decide_annotations(root, writes)

    def _report_kept(
        self, group: Group[Item], survivors: list[int], absent: Sequence[Side]
    ) -> None:
        row = group.representative(survivors[0])
        removers = [
            side.index for side in absent if any(side.has_seen(r) for h in group.held for r in h)
        ]
        self.conflicts.append(
            Conflict(
                item=row.key,
                annotation=None,
                field="removed",
                base=None,
                left=KEPT,
                right=REMOVED,
                chosen=KEPT,
                left_source=group.first_holder(survivors[0]),
                right_source=removers[0],
            )
        )

    def _decide_item(self, group: Group[Item], survivors: list[int], *, overruled: bool) -> None:
        base = self._base(group, survivors)
        choices = item_merging.Choices(self.on_conflict, base if isinstance(base, Item) else None)
        kept, conflicts = item_merging.decide(group, survivors, choices)
        self.items[kept.row.key] = replace(kept, decided=kept.decided or overruled)
        self.conflicts += conflicts

    def _decide_annotations(self, group: Group[Annotation], survivors: list[int]) -> None:
        base = self._base(group, survivors) if survivors else None
        if isinstance(base, Annotation) and not self.flags.status:
            base = replace(base, status=None, status_known=False)
        choices = annotation_merging.Choices(
            self.on_conflict,
            self.world.fresh_key,
            base if isinstance(base, Annotation) else None,
        )
        kept, conflicts = annotation_merging.decide(group, survivors, choices)
        self.annotations += kept
        self.conflicts += conflicts

    def _base(
        self, group: Group[Item] | Group[Annotation], survivors: list[int]
    ) -> Item | Annotation | None:
        """The newest write of the same thing that all holders of all survivors have seen."""
        holders = {side for write in survivors for side in group.holders(write)}
        example = group.rows_with(survivors[0])[0]
        thing = example.key if isinstance(example, Item) else example.root
        for write in sorted(self.world.lineage[thing], reverse=True):
            row = self.world.written[write]
            if not all(self.sides[side].has_seen(row) for side in holders):
                continue
            stored = self.world.stored(row)
            if stored is not None or self.world.lost(row):
                return stored
        return None

    # Paths and publication.

    def settle_paths(self) -> list[tuple[int, str, str]]:
        """Of several items at one path the one of the earliest side, then smallest key, stays."""
        rows = {key: kept.row for key, kept in self.items.items()}
        wanted = {row.path for row in rows.values()}
        winners: dict[str, int] = {}
        for key in sorted(rows, key=lambda key: (self._first_side(key), key)):
            winners.setdefault(rows[key].path, key)
        losers = [key for key in rows if winners[rows[key].path] != key]
        taken = set(wanted)
        renamed = []
        for key in sorted(losers, key=lambda key: (self._first_side(key), rows[key].path, key)):
            given = first_free(rows[key].path, wanted=wanted, taken=taken)
            taken.add(given)
            renamed.append((key, rows[key].path, given))
            row = replace(rows[key], path=given)
            self.items[key] = item_merging.Kept(row, decided=True)
        return renamed

    def _first_side(self, key: int) -> int:
        return next(side.index for side in self.sides if key in side.view.items)

    def changed(self) -> bool:
        """Whether the first side would show something else, or learn of something."""
        first, *others = self.sides
        if any(kept.decided for kept in (*self.items.values(), *self.annotations)):
            return True
        return (
            {key: kept.row for key, kept in self.items.items()} != first.view.items
            or {kept.row.key: kept.row for kept in self.annotations} != first.view.annotations
            or any(
                not first.has_seen(row)
                for side in others
                for row in (*side.view.items.values(), *side.view.annotations.values())
            )
        )

    def publish(self, dataset: Dataset) -> Snapshot:
        seen: set[Entry] = set()
        for side in self.sides:
            seen |= side.view.seen
        return self.world.publish(
            dataset,
            items=[self._numbered(kept) for kept in self.items.values()],
            annotations=[self._numbered_annotation(kept) for kept in self.annotations],
            seen=seen,
            recipe=self.sides[0].view.recipe,
            kin=frozenset().union(*(side.view.kin for side in self.sides)),
            operation="MERGE",
        )

    def _numbered(self, kept: item_merging.Kept) -> Item:
        if not kept.decided:
            return kept.row
        return replace(kept.row, write=self.world.fresh_write())

    def _numbered_annotation(self, kept: annotation_merging.Kept) -> Annotation:
        if not kept.decided:
            return kept.row
        return replace(kept.row, write=self.world.fresh_write())
