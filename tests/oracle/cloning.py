"""Clones in the naive model: whole, filtered, flattened, and into a dataset that exists."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

from tests.oracle.editing import Draft
from tests.oracle.model import Dataset, Entry, Flags, Item, Refused, Snapshot, World, masked
from tests.oracle.paths import first_free, flat, under


@dataclass(frozen=True)
class Outcome:
    """Which dataset holds the result, how much was taken, and (item, wanted, given) paths."""

    dataset: Dataset
    items: int
    annotations: int
    renamed: tuple[tuple[int, str, str], ...] = ()


@dataclass
class Taken:
    """What a clone into a dataset has decided so far, beside the rows in its draft."""

    learnt: set[Entry]
    items: int = 0
    annotations: int = 0


def clone(
    world: World,
    source: Dataset,
    version: int,
    *,
    chosen: Collection[int] | None = None,
    flags: Flags = Flags(),  # noqa: B008 - frozen
    strip_folders: bool = False,
) -> Outcome:
    """A new dataset over `source` as it was; `chosen` None takes all items.

    A path that stripFolders changes is a new write of the clone, though its author and times stay.
    What was not chosen is not seen.
    """
    if source.deleted:
        raise Refused("NOT_FOUND")
    view = masked(source.at(version), flags)
    items = dict(view.items)
    annotations = dict(view.annotations)
    seen = view.seen
    if chosen is not None or strip_folders:
        kept = set(items) if chosen is None else set(chosen)
        items = {key: row for key, row in items.items() if key in kept}
        annotations = {key: row for key, row in annotations.items() if row.item in items}
        seen = frozenset(entry for entry in seen if entry[0] in items)
    renamed: list[tuple[int, str, str]] = []
    if strip_folders:
        wanted = {row.key: flat(row.path) for row in items.values()}
        given = settle(list(items.values()), wanted, occupied=())
        for row in list(items.values()):
            if given[row.key] != wanted[row.key]:
                renamed.append((row.key, wanted[row.key], given[row.key]))
            if given[row.key] != row.path:
                items[row.key] = replace(
                    row,
                    path=given[row.key],
                    write=world.fresh_write(),
                )
    dataset = world.new_dataset()
    world.publish(
        dataset,
        items=items.values(),
        annotations=annotations.values(),
        seen=seen,
        recipe=view.recipe,
        operation="CLONE",
        kin=view.kin,
    )
    return Outcome(dataset, len(items), len(annotations), tuple(renamed))


def settle(
    rows: Collection[Item], wanted: dict[int, str], *, occupied: Collection[str]
) -> dict[int, str]:
    """Final paths, in order of (old path, key): the first keeps the name, others are numbered."""
    taken = set(occupied)
    asked = set(wanted.values())
    given: dict[int, str] = {}
    for row in sorted(rows, key=lambda row: (row.path, row.key)):
        path = wanted[row.key]
        if path in taken:
            path = first_free(path, wanted=asked, taken=taken)
        taken.add(path)
        given[row.key] = path
    return given


def clone_into(
    world: World,
    source: Dataset,
    version: int,
    destination: Dataset,
    *,
    directory: str = "/",
    chosen: Collection[int] | None = None,
    flags: Flags = Flags(),  # noqa: B008 - frozen
    strip_folders: bool = False,
    allow_many: bool = False,
) -> Outcome:
    """One version of the destination, or none when nothing is taken."""
    if source.deleted:
        raise Refused("NOT_FOUND")
    draft = Draft(world, destination)
    view = masked(source.at(version), flags)
    if world.recipes[view.recipe] != world.recipes[draft.head.recipe]:
        raise Refused("RECIPE_MISMATCH")
    rows = [row for row in view.items.values() if chosen is None or row.key in set(chosen)]
    rows = [row for row in rows if allow_many or row.key not in draft.head.items]
    wanted = {
        row.key: under(directory, flat(row.path) if strip_folders else row.path) for row in rows
    }
    given = settle(rows, wanted, occupied=draft.head.paths())
    renamed: list[tuple[int, str, str]] = []
    taken = Taken(set())
    for row in sorted(rows, key=lambda row: (row.path, row.key)):
        key = _take(draft, view, row, given[row.key], taken)
        if given[row.key] != wanted[row.key]:
            renamed.append((key, wanted[row.key], given[row.key]))
    draft.finish("CLONE", learnt=frozenset(taken.learnt), kin=view.kin)
    return Outcome(destination, taken.items, taken.annotations, tuple(renamed))


def _take(draft: Draft, view: Snapshot, row: Item, path: str, taken: Taken) -> int:
    """Copies one item with its annotations; returns the key that it has in the destination."""
    world = draft.world
    taken.items += 1
    second = row.key in draft.head.items
    key = world.fresh_key() if second else row.key
    if not second:
        taken.learnt |= {entry for entry in view.seen if entry[0] == row.key}
    if second or path != row.path or row.entry() in draft.head.seen:
        row = replace(
            row,
            key=key,
            path=path,
            write=world.fresh_write(),
            copied_from=row.key if second else row.copied_from,
        )
    draft.items[key] = row
    origin = row.copied_from if second else row.key
    for annotation in sorted(view.annotations_of(origin or 0), key=lambda a: a.key):
        taken.annotations += 1
        if second:
            fresh = world.fresh_key()
            annotation = replace(annotation, key=fresh, root=fresh, item=key)
        if second or annotation.entry() in draft.head.seen:
            annotation = replace(annotation, write=world.fresh_write())
        draft.annotations[annotation.key] = annotation
    return key
