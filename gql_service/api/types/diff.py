"""What differs between two versions: items, and what differs inside each."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

import strawberry

import gql_service.api.types.annotation as annotation_types
import gql_service.api.types.item as items
import gql_service.api.types.item_list as item_lists
import gql_service.api.types.recipe as recipes
import gql_service.api.types.version as versions
from gql_service.api.connections import After, Connection, First, Window, window
from gql_service.api.context import Info
from gql_service.api.described import resolver
from gql_service.api.ids import DatasetId, parse_as
from gql_service.api.inputs.filters import ItemWhere, item_filter
from gql_service.api.inputs.selectors import DatasetRef, point_of, spelt
from gql_service.api.point import Point
from gql_service.api.scalars import JSON
from gql_service.api.types.change_counts import COMPLETE, ChangeCounts
from gql_service.api.types.enums import ChangeKind
from gql_service.api.types.lazy import LazyAnnotation, LazyItem, LazyRecipeComparison, LazyVersion
from gql_service.catalog.dataset import datasets_by_id
from gql_service.catalog.filters import ItemFilter
from gql_service.catalog.json_text import parse
from gql_service.catalog.lineage import PlacedItem, items_by_place
from gql_service.database.engine import Tx
from gql_service.versions.comparison import Place, compare
from gql_service.versions.content import Row
from gql_service.versions.diff import ItemDifference
from gql_service.versions.diff_annotations import AnnotationDifference, Pair
from gql_service.versions.history import inside_events
from gql_service.versions.value_changes import ValueChange as Change
from gql_service.versions.value_changes import value_changes


@dataclass(frozen=True, slots=True)
class Sides:
    """What is compared; without `before`, all that `after` shows was added.

    `made_in` is the version that made the change, where one did.
    """

    before: Point | None
    after: Point
    made_in: Place | None = None

    @staticmethod
    def of_version(dataset: int, number: int) -> Sides:
        """What a version changed."""
        before = Point(dataset, number - 1, fixed=True) if number > 1 else None
        return Sides(before, Point(dataset, number, fixed=True), (dataset, number))

    @property
    def pairs(self) -> tuple[Place | None, Place]:
        return (self.before.pair if self.before else None), self.after.pair


@strawberry.type(description="A value that differs.")
class ValueChange:
    path: list[str] = strawberry.field(
        description="Which one: `label`, `coordinates`, `type` or `status` of an annotation, or "
        "keys into its `attributes` or `metadata`; for an item, keys into its metadata."
    )
    before: JSON | None = strawberry.field(description="As it was; null also for none.")
    after: JSON | None = strawberry.field(description="As it is; null also for none.")


@strawberry.type(description="An annotation that differs.")
class AnnotationChange:
    found: strawberry.Private[AnnotationDifference]
    sides: strawberry.Private[Sides]
    kind: ChangeKind = strawberry.field(description="How it differs; never RENAMED.")

    @resolver(description="As it was; null for one that was added.")
    def before(self) -> LazyAnnotation | None:
        if self.found.before is None or self.sides.before is None:
            return None
        return annotation_types.Annotation.of(self.found.before, self.sides.before)

    @resolver(description="As it is; null for one that was removed.")
    def after(self) -> LazyAnnotation | None:
        if self.found.after is None:
            return None
        return annotation_types.Annotation.of(self.found.after, self.sides.after)

    @resolver(description="The version that made the change; null between any two versions.")
    async def version(self, info: Info) -> LazyVersion | None:
        return await _version(info, self.sides)

    @resolver(description="What differs in it; empty for one that was added or removed.")
    def values(self) -> list[ValueChange]:
        old, new = self.found.before, self.found.after
        if old is None or new is None:
            return []
        return _changes(_annotation_values(old), _annotation_values(new))


@strawberry.type(description="A page of annotations that differ.")
class AnnotationChangeConnection(Connection[AnnotationChange]):
    complete: bool = strawberry.field(default=True, description=COMPLETE)


@strawberry.type(description="An item that differs, itself or in its annotations.")
class ItemChange:
    found: strawberry.Private[ItemDifference]
    sides: strawberry.Private[Sides]
    kind: ChangeKind = strawberry.field(description="How it differs.")
    event: strawberry.Private[bool] = False
    """Whether it comes from a history: others then come from other versions."""

    @resolver(description="As it was; null for one that was added.")
    async def before(self, info: Info) -> LazyItem | None:
        placed = await self._old(info)
        if placed is None or self.sides.before is None:
            return None
        return items.Item.of(placed, self.sides.before)

    @resolver(description="As it is; null for one that was removed.")
    async def after(self, info: Info) -> LazyItem | None:
        placed = await self._new(info)
        return None if placed is None else items.Item.of(placed, self.sides.after)

    @resolver(description="The version that made the change; null between any two versions.")
    async def version(self, info: Info) -> LazyVersion | None:
        return await _version(info, self.sides)

    @resolver(
        description="What differs in its metadata, by path; empty for an item that was added or "
        "removed."
    )
    async def metadata(self, info: Info) -> list[ValueChange]:
        old, new = await self._old(info), await self._new(info)
        if old is None or new is None:
            return []
        return _changes(parse(old.row.metadata), parse(new.row.metadata))

    @resolver(description="Its annotations that differ, by key.")
    async def annotations(
        self, info: Info, first: First = None, after: After = None
    ) -> AnnotationChangeConnection:
        pair: Pair = (self.found.before, self.found.after)
        asked = window(("annotation changes", self.sides.pairs, pair), first, after)
        if self.event:
            place = (*self.sides.after.pair, self.found.key)
            found = await info.context.load(inside_events, place) or []
        else:
            found = await info.context.load_with(_annotations, pair, self.sides.pairs) or []
        rows = [one for one in found if asked.anchor is None or one.key > asked.anchor]
        kept = rows[: asked.limit]

        async def count() -> int:
            return len(found)

        return AnnotationChangeConnection(
            rows=[AnnotationChange(found=one, sides=self.sides, kind=one.kind) for one in kept],
            cursors=[asked.cursor(one.key) for one in kept],
            has_next=len(rows) > asked.limit,
            has_previous=asked.anchor is not None,
            count=count,
        )

    async def _old(self, info: Info) -> PlacedItem | None:
        if self.found.before is None or self.sides.before is None:
            return None
        return await info.context.load(items_by_place, (*self.sides.before.pair, self.found.before))

    async def _new(self, info: Info) -> PlacedItem | None:
        if self.found.after is None:
            return None
        return await info.context.load(items_by_place, (*self.sides.after.pair, self.found.after))


@strawberry.type(description="A page of items that differ.")
class ItemChangeConnection(Connection[ItemChange]):
    complete: bool = strawberry.field(default=True, description=COMPLETE)


async def changes_between(
    info: Info, sides: Sides, filter: ItemFilter | None, asked: Window
) -> ItemChangeConnection:
    """A page of what differs between two versions that the viewer may read."""
    found = await info.context.read(
        lambda tx: compare(tx, *sides.pairs).page(tx, filter, asked.anchor, asked.limit + 1)
    )
    kept = found[: asked.limit]

    return ItemChangeConnection(
        rows=[ItemChange(found=one, sides=sides, kind=one.kind) for one in kept],
        cursors=[asked.cursor(one.key, sides.after.version) for one in kept],
        has_next=len(found) > asked.limit,
        has_previous=asked.anchor is not None,
        count=lambda: info.context.read(
            lambda tx: compare(tx, *sides.pairs).counts(tx, filter).items
        ),
    )


async def _version(info: Info, sides: Sides) -> versions.Version | None:
    if sides.made_in is None:
        return None
    point = Point(*sides.made_in, fixed=True)
    return versions.Version.of(await versions.load_version(info, point))


def _annotations(
    tx: Tx, pairs: Collection[Pair], sides: tuple[Place | None, Place]
) -> dict[Pair, list[AnnotationDifference]]:
    return compare(tx, *sides).annotations(tx, list(pairs))


def _annotation_values(row: Row) -> dict[str, object]:
    return {
        "type": row.type,
        "label": row.label,
        "coordinates": parse(row.coordinates),
        "attributes": parse(row.attributes),
        "metadata": parse(row.metadata),
        "status": row.status,
    }


def _changes(before: object, after: object) -> list[ValueChange]:
    return [_value_change(change) for change in value_changes(before, after)]


def _value_change(change: Change) -> ValueChange:
    return ValueChange(path=list(change.path), before=JSON(change.before), after=JSON(change.after))


@strawberry.type(description="What differs between two versions of datasets.")
class DatasetDiff:
    sides: strawberry.Private[Sides]
    filter: strawberry.Private[ItemFilter | None]
    follows: strawberry.Private[bool]
    """Whether the later side is a head: further pages are read where the first one was."""

    @resolver(name="from", description="The version that is compared.")
    async def from_(self, info: Info) -> LazyVersion:
        assert self.sides.before is not None, "a diff has two sides"
        return versions.Version.of(await versions.load_version(info, self.sides.before))

    @resolver(description="The version that it is compared with.")
    async def to(self, info: Info) -> LazyVersion:
        return versions.Version.of(await versions.load_version(info, self.sides.after))

    @resolver(
        description="How much differs. An item of which only annotations differ counts as not "
        "modified."
    )
    async def counts(self, info: Info) -> ChangeCounts:
        sides, filter = self.sides.pairs, self.filter
        found = await info.context.read(lambda tx: compare(tx, *sides).counts(tx, filter))
        return ChangeCounts.of(found)

    @resolver(
        description="The items that differ: oldest item first, or by path where the datasets have "
        "no common ancestor, whose items are then the same where their paths are."
    )
    async def items(
        self, info: Info, first: First = None, after: After = None
    ) -> ItemChangeConnection:
        before, dataset = self.sides.pairs[0], self.sides.after.dataset
        asked = window(("diff", before, dataset, self.filter), first, after)
        after_side = replace(self.sides.after, fixed=not self.follows)
        pinned = replace(await item_lists.pinned(info, after_side, asked), fixed=True)
        sides = replace(self.sides, after=pinned)
        return await changes_between(info, sides, self.filter, asked)

    @resolver(description="What differs between the recipes of the two versions.")
    async def recipe(self, info: Info) -> LazyRecipeComparison:
        assert self.sides.before is not None, "a diff has two sides"
        left = await versions.load_version(info, self.sides.before)
        right = await versions.load_version(info, self.sides.after)
        return recipes.comparison(
            await recipes.load_recipe(info, left.recipe, left.recipe_revision),
            await recipes.load_recipe(info, right.recipe, right.recipe_revision),
        )


async def find_ref(info: Info, ref: DatasetRef, path: Sequence[str]) -> Point | None:
    """A readable dataset at a version as a caller names it; None when it is not there."""
    id = parse_as(DatasetId, ref.dataset_id, (*path, "datasetId"))
    record = await info.context.load(datasets_by_id, id.key)
    if record is None:
        return None
    with spelt("at", *path, "at"):
        return await info.context.read(
            lambda tx: point_of(info.context, tx, record, ref.at, of_id=id.version)
        )


def difference(before: Point, after: Point, where: ItemWhere | None) -> DatasetDiff:
    """The nodes of a diff are read at their versions, and say so in their ids."""
    sides = Sides(replace(before, fixed=True), replace(after, fixed=True))
    return DatasetDiff(sides=sides, filter=item_filter(where), follows=not after.fixed)
