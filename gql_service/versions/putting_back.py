"""What has to be written so that items are again as a version shows them.

Both views are read in a few statements for any number of items. What is written are new writes:
whoever has seen the old ones, a merge above all, must learn that they hold again.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from gql_service.catalog.visibility import View
from gql_service.database.engine import Tx
from gql_service.database.sets import chunks
from gql_service.errors import PathTaken
from gql_service.versions.changes import Lineages
from gql_service.versions.content import (
    AnnotationPut,
    Authorship,
    ItemPut,
    Row,
    annotation_content,
    annotations_by_key,
    annotations_of_items,
    item_content,
    items_by_key,
    items_by_path,
)


@dataclass(slots=True)
class ItemsBack:
    """Items as they are to be: `removed` were not there, `puts` were, otherwise or not now.

    `held` is what is shown under the keys of `puts`; `there` are all items that were there, whose
    annotations may differ.
    """

    removed: list[int] = field(default_factory=list)
    puts: list[ItemPut] = field(default_factory=list)
    held: dict[int, Row] = field(default_factory=dict)
    there: list[int] = field(default_factory=list)


@dataclass(slots=True)
class AnnotationsBack:
    """Annotations as they are to be; `held` is what is shown under the keys of `puts`."""

    removed: list[int] = field(default_factory=list)
    puts: list[AnnotationPut] = field(default_factory=list)
    held: dict[int, Row] = field(default_factory=dict)


def items_back(tx: Tx, old: View, now: View, keys: Iterable[int]) -> ItemsBack:
    """What becomes of the items with these keys, so that `now` shows them as `old` does."""
    found = ItemsBack()
    for part in chunks(keys):
        was, held = items_by_key(tx, old, part), items_by_key(tx, now, part)
        found.removed += [key for key in part if key in held and key not in was]
        found.there += [key for key in part if key in was]
        for key, row in was.items():
            present = held.get(key)
            if present is not None and item_content(present) == item_content(row):
                continue
            if present is not None:
                found.held[key] = present
            found.puts.append(
                ItemPut(key, item_content(row), row.copied_from, authorship=_authors(tx, row))
            )
    return found


def annotations_back(
    tx: Tx, old: View, now: View, lineages: Lineages, items: Sequence[int]
) -> AnnotationsBack:
    """What becomes of the annotations of items of the lineages that `old` shows."""
    keys = lineages.annotations_of(items)

    def shown(view: View) -> Iterable[Row]:
        if keys is None:
            return annotations_of_items(tx, view, items)
        return annotations_by_key(tx, view, keys).values()

    held = {row.key: row for row in shown(now)}
    found = AnnotationsBack()
    for row in shown(old):
        present = held.pop(row.key, None)
        if present is not None and annotation_content(present) == annotation_content(row):
            continue
        if present is not None:
            found.held[row.key] = present
        found.puts.append(
            AnnotationPut(row.key, row.root, annotation_content(row), authorship=_authors(tx, row))
        )
    found.removed = list(held)
    return found


def refuse_taken_paths(tx: Tx, now: View, items: ItemsBack, argument: str) -> None:
    """Raises PathTaken, naming the path, when an item that stays has one that must come back."""
    moving: Collection[int] = {*items.removed, *items.held}
    wanted = [put.content.path for put in items.puts if _moves(put, items.held)]
    for part in chunks(sorted(wanted)):
        for path, row in sorted(items_by_path(tx, now, part).items()):
            if row.key not in moving:
                raise PathTaken(f"Another item has the path {path!r} now", path=(argument,))


def _moves(put: ItemPut, held: Mapping[int, Row]) -> bool:
    present = held.get(put.key)
    return present is None or present.path != put.content.path


def _authors(tx: Tx, row: Row) -> Authorship:
    """Who made it stays known; whoever puts it back has changed it."""
    assert tx.actor is not None, "nobody puts it back"
    return Authorship(row.created_by, row.created_at, tx.actor, tx.now)
