"""The naive model: every version of every dataset is a full copy, and knowledge is a plain set.

Nothing here is clever, so that it can be believed by reading it. A `World` holds datasets, a
dataset holds snapshots, a snapshot holds rows. Keys and writes are numbers that the world hands
out, rising: a greater write was written later. What a version has seen is a set of entries
(item key, root of the annotation or None, write).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

Json = Any
Entry = tuple[int, int | None, int]
Stamp = tuple[int, int]
"""Who and when: a user and the tick of the world."""


class Refused(Exception):
    """An operation that must change nothing; `code` is the one a client would see."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True)
class Flags:
    """What a clone or a merge lets through; False means unknown from then on, not empty."""

    annotations: bool = True
    metadata: bool = True
    status: bool = True


@dataclass(frozen=True)
class Item:
    key: int
    write: int
    path: str
    binary: int
    metadata: Mapping[str, Json]
    metadata_known: bool
    description: str | None
    hidden: bool
    copied_from: int | None
    created: Stamp
    updated: Stamp

    def content(self) -> tuple[Any, ...]:
        """All that an edit can change; two rows with equal content are equal values."""
        return (
            self.path,
            self.binary,
            self.description,
            self.hidden,
            self.metadata,
            self.metadata_known,
        )

    def entry(self) -> Entry:
        return (self.key, None, self.write)


@dataclass(frozen=True)
class Annotation:
    key: int
    root: int
    item: int
    write: int
    type: str
    label: str
    coordinates: Json
    attributes: Mapping[str, Json]
    metadata: Mapping[str, Json]
    status: str | None
    status_known: bool
    created: Stamp
    updated: Stamp

    def value(self) -> tuple[Any, ...]:
        """All that an edit can change but the status, which merges by itself."""
        return (
            self.item,
            self.type,
            self.label,
            self.coordinates,
            self.attributes,
            self.metadata,
        )

    def content(self) -> tuple[Any, ...]:
        return (*self.value(), self.status, self.status_known)

    def entry(self) -> Entry:
        return (self.item, self.root, self.write)


@dataclass(frozen=True)
class Snapshot:
    """One version: all its rows by key, all it has seen, and the recipe it stands under.

    `kin` are the datasets that it comes from, itself among them; `made` is by whom and when.
    """

    items: Mapping[int, Item]
    annotations: Mapping[int, Annotation]
    seen: frozenset[Entry]
    recipe: int
    operation: str
    kin: frozenset[int] = frozenset()
    made: Stamp = (0, 0)

    def annotations_of(self, item: int) -> list[Annotation]:
        return [row for row in self.annotations.values() if row.item == item]

    def paths(self) -> set[str]:
        return {row.path for row in self.items.values()}


@dataclass
class Dataset:
    number: int
    versions: list[Snapshot] = field(default_factory=list)
    deleted: bool = False
    locked: bool = False
    golden: bool = False
    tagged: set[int] = field(default_factory=set)
    expired: set[int] = field(default_factory=set)
    reports: dict[int, list[Any]] = field(default_factory=dict)
    """The conflicts of each version that a merge made, in the order in which they are reported."""

    @property
    def head(self) -> int:
        return len(self.versions)

    def at(self, version: int) -> Snapshot:
        """A version as it is read; one that has expired is refused."""
        if version in self.expired:
            raise Refused("ERASED")
        return self.versions[version - 1]

    def then(self, version: int) -> Snapshot:
        """A version as it was, whether anybody may read it or not."""
        return self.versions[version - 1]

    def readable(self) -> list[int]:
        return [one for one in range(1, self.head + 1) if one not in self.expired]


@dataclass
class World:
    """Everything there is. `user` and `tick` stamp what is written next.

    `recipes` maps a recipe to its fingerprint: recipes with one fingerprint are equal. `written`
    is every write as it was first made, `origin` says in which dataset and version, and `lineage`
    lists those of an item key or of a root. `stored` is asked in which form an old write can still
    be found when a merge looks for a base; a purge makes it forget. Of what is `lost` to retention
    it is known that it was written, and not what.
    """

    recipes: dict[int, str]
    datasets: list[Dataset] = field(default_factory=list)
    written: dict[int, Item | Annotation] = field(default_factory=dict)
    origin: dict[int, tuple[int, int]] = field(default_factory=dict)
    lineage: dict[int, list[int]] = field(default_factory=dict)
    last_key: int = 0
    last_write: int = 0
    user: int = 0
    tick: int = 0
    stored: Callable[[Item | Annotation], Item | Annotation | None] = lambda row: row
    lost: Callable[[Item | Annotation], bool] = lambda row: False  # noqa: ARG005

    @property
    def stamp(self) -> Stamp:
        return (self.user, self.tick)

    def fresh_key(self) -> int:
        self.last_key += 1
        return self.last_key

    def fresh_write(self) -> int:
        self.last_write += 1
        return self.last_write

    def new_dataset(self) -> Dataset:
        dataset = Dataset(len(self.datasets))
        self.datasets.append(dataset)
        return dataset

    def publish(
        self,
        dataset: Dataset,
        *,
        items: Iterable[Item],
        annotations: Iterable[Annotation],
        seen: Iterable[Entry],
        recipe: int,
        operation: str,
        kin: frozenset[int] = frozenset(),
    ) -> Snapshot:
        """Appends a version; writes nobody has recorded yet are this version's own."""
        rows: list[Item | Annotation] = [*items, *annotations]
        own = [row for row in rows if row.write not in self.written]
        version = dataset.head + 1
        for row in own:
            self.written[row.write] = row
            self.origin[row.write] = (dataset.number, version)
            thing = row.key if isinstance(row, Item) else row.root
            self.lineage.setdefault(thing, []).append(row.write)
        snapshot = Snapshot(
            items={row.key: row for row in rows if isinstance(row, Item)},
            annotations={row.key: row for row in rows if isinstance(row, Annotation)},
            seen=frozenset(seen) | {row.entry() for row in own},
            recipe=recipe,
            operation=operation,
            kin=kin | {dataset.number},
            made=self.stamp,
        )
        dataset.versions.append(snapshot)
        return snapshot


def masked(snapshot: Snapshot, flags: Flags) -> Snapshot:
    """What is left of a snapshot behind the flags, rows and knowledge."""
    items = snapshot.items
    if not flags.metadata:
        items = {k: replace(r, metadata={}, metadata_known=False) for k, r in items.items()}
    annotations = snapshot.annotations
    seen = snapshot.seen
    if not flags.annotations:
        annotations = {}
        seen = frozenset(entry for entry in seen if entry[1] is None)
    if not flags.status:
        annotations = {
            k: replace(r, status=None, status_known=False) for k, r in annotations.items()
        }
    return replace(snapshot, items=items, annotations=annotations, seen=seen)
