"""Taking items of one dataset into another: keys, paths and writes, decided item by item."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa

from gql_service.catalog.item_path import name_of, under
from gql_service.catalog.visibility import ItemColumns, View, visible_items
from gql_service.database.engine import Tx
from gql_service.database.keys import take_keys
from gql_service.database.sets import chunks
from gql_service.versions.content import (
    AnnotationPut,
    Authorship,
    ItemPut,
    Row,
    annotation_content,
    annotations_of_items,
    authorship,
    item_content,
    items_by_key,
    items_by_path,
    written,
)
from gql_service.versions.draft import Draft
from gql_service.versions.knowledge import Sight, seen_by, sights
from gql_service.versions.paths import PathChange, settle_paths
from gql_service.versions.selection import Selection, condition


@dataclass(frozen=True, slots=True)
class Chosen:
    """What is to be taken: the items, which of them the destination holds already, and the paths
    that they are given, by their keys in the source."""

    rows: Sequence[Row]
    held: Collection[int]
    paths: dict[int, str]
    renamed: Sequence[PathChange]


@dataclass(frozen=True, slots=True)
class Taken:
    """What a dataset took: how many items, the keys that kept their lineage, the new paths."""

    items: int
    lineage: tuple[int, ...]
    renamed: tuple[PathChange, ...]


def choose_items(
    tx: Tx,
    source: View,
    selection: Selection | None,
    into: View | None,
    *,
    directory: str,
    flat: bool,
    allow_many: bool = False,
) -> Chosen:
    """What `into` would take of the selected items, under `directory`; None has nothing yet.

    An item that the destination holds is left out, unless `allow_many`. Writes nothing.
    """
    chosen = condition(tx, source, selection)

    def build(columns: ItemColumns) -> sa.Select[Any]:
        return sa.select(*columns.all()).where(chosen(columns))

    rows = sorted(tx.rows(visible_items(source, build)), key=lambda r: (r.path, r.key))
    held: Collection[int] = ()
    if into is not None and rows:
        held = items_by_key(tx, into, [row.key for row in rows]).keys()
    if not allow_many:
        rows = [row for row in rows if row.key not in held]
    wishes = [(row.key, _placed(row.path, directory, flat)) for row in rows]

    def occupied(paths: Sequence[str]) -> set[str]:
        return set() if into is None else set(items_by_path(tx, into, paths))

    renamed = settle_paths(wishes, occupied)
    return Chosen(
        rows, held, dict(wishes) | {change.item: change.given for change in renamed}, renamed
    )


def take_into(draft: Draft, source: View, chosen: Chosen) -> Taken:
    """Copies the chosen items into the draft, with their annotations.

    One that the draft's dataset holds already is taken under a fresh key, which is another item to
    every later merge. A copy keeps its write when nothing about it changes and the dataset has not
    seen it before: one that it has seen, and let go, must count as new, or the next merge would
    let it go again.
    """
    rows = chosen.rows
    if not rows:
        return Taken(0, (), ())
    copies = _number_copies(draft, [row.key for row in rows if row.key in chosen.held])
    (sight,) = sights(
        draft.tx, [seen_by(draft.tx, draft.dataset, draft.number - 1)], [r.key for r in rows]
    )
    draft.put_items(
        _item_put(row, copies.get(row.key, row.key), chosen.paths[row.key], sight) for row in rows
    )
    _take_annotations(draft, source, rows, copies, sight)
    lineage = tuple(row.key for row in rows if row.key not in copies)
    renamed = (
        replace(change, item=copies.get(change.item, change.item)) for change in chosen.renamed
    )
    return Taken(len(rows), lineage, tuple(renamed))


def _number_copies(draft: Draft, keys: Sequence[int]) -> dict[int, int]:
    return dict(zip(keys, take_keys(draft.tx, len(keys)), strict=True))


def _placed(path: str, directory: str, flat: bool) -> str:
    own = "/" + name_of(path) if flat else path
    return under(directory.rstrip("/"), own, ("destination", "directory"))


def _item_put(row: Row, key: int, path: str, sight: Sight) -> ItemPut:
    content = replace(item_content(row), path=path)
    if key != row.key:
        return ItemPut(key, content, copied_from=row.key, authorship=authorship(row))
    known = sight.has_seen(row.key, row.origin_dataset, row.origin_version, annotation=False)
    same = path == row.path and not known
    return ItemPut(
        key,
        content,
        copied_from=row.copied_from,
        written=written(row) if same else None,
        authorship=authorship(row),
    )


def _take_annotations(
    draft: Draft, source: View, rows: Sequence[Row], copies: dict[int, int], sight: Sight
) -> None:
    for part in chunks(rows):
        found = annotations_of_items(draft.tx, source, [row.key for row in part])
        found.sort(key=lambda row: row.key)  # fresh keys follow the order of the old ones
        fresh = [row for row in found if row.item in copies]
        numbers = dict(
            zip((row.key for row in fresh), take_keys(draft.tx, len(fresh)), strict=True)
        )
        draft.put_annotations(_annotation_put(row, copies, numbers, sight) for row in found)


def _annotation_put(
    row: Row, copies: dict[int, int], numbers: dict[int, int], sight: Sight
) -> AnnotationPut:
    authors: Authorship = authorship(row)
    content = annotation_content(row)
    if row.item in copies:
        key = numbers[row.key]
        content = replace(content, item=copies[row.item])
        return AnnotationPut(key, key, content, authorship=authors)
    known = sight.has_seen(row.item, row.origin_dataset, row.origin_version, annotation=True)
    return AnnotationPut(
        row.key,
        row.root,
        content,
        written=None if known else written(row),
        authorship=authors,
    )
