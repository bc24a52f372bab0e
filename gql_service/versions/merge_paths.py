"""The paths of a merge's items: each has one of its own, and the item of the earlier source keeps
the one that several want."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import sqlalchemy as sa

from gql_service.catalog.visibility import View, visible_items
from gql_service.database.engine import Tx
from gql_service.database.sets import chunks
from gql_service.versions.content import AnnotationPut, ItemPut, items_by_path
from gql_service.versions.merge_rules import AnnotationFact, ItemFact
from gql_service.versions.merge_sources import Source, item_fact
from gql_service.versions.paths import PathChange, settle_paths

Wish = tuple[int, ItemPut]
"""An item as it would be if nobody else wanted its path, and the first source that holds it."""


@dataclass(frozen=True, slots=True)
class ItemPaths:
    """The items that had to be `renamed`; what is to be put, because it was decided and differs
    from what the ground has or because it is renamed; and which of that each source beside the
    kin, by its position, will therefore not bring in by itself. `homes` tells the first source
    that holds each of the renamed."""

    renamed: list[PathChange]
    puts: list[ItemPut]
    strangers: dict[int, set[int]]
    homes: dict[int, int]


def settle_item_paths(
    tx: Tx,
    sources: Sequence[Source],
    kin: Sequence[int],
    ground: int,
    held: Mapping[int, ItemFact],
    removed: Collection[int],
    wishes: Sequence[Wish],
) -> ItemPaths:
    """Gives every item a path of its own.

    `wishes` and the `removed` items are what has been decided. All else that the ground shows, and
    all that the sources beside `kin` show, stays as it is if its path is free. `held` is what the
    ground has of the decided items.
    """
    decided = {put.key for _, put in wishes}.union(removed)
    strangers = [s for s in range(len(sources)) if s not in kin]
    views = {sources[ground].view: min(kin)} | {sources[s].view: s for s in strangers}
    paths = {put.content.path for _, put in wishes}.union(_shared_paths(tx, list(views)))
    bystanders = _bystanders(tx, views, sorted(paths), decided)
    ordered = sorted([*wishes, *bystanders], key=lambda wish: (wish[0], wish[1].key))
    known = {put.key for _, put in ordered}.union(removed)

    def occupied(paths: Sequence[str]) -> set[str]:
        found = (row for view in views for row in _at(tx, view, paths))
        return {row.path for row in found if row.key not in known}

    renamed = settle_paths([(put.key, put.content.path) for _, put in ordered], occupied)
    given = {change.item: change.given for change in renamed}
    settled = [
        (first, _renamed(put, given[put.key]) if put.key in given else put)
        for first, put in ordered
        if put.key in decided or put.key in given
    ]
    puts = [put for _, put in settled if put.key not in held or changes(put, held[put.key])]
    left_out = {s: {put.key for first, put in settled if first == s} for s in strangers}
    homes = {put.key: first for first, put in settled if put.key in given}
    return ItemPaths(renamed, puts, left_out, homes)


def changes(put: ItemPut | AnnotationPut, held: ItemFact | AnnotationFact) -> bool:
    """Whether what is to be differs from what is there."""
    return put.renew or put.written != held.written or put.content != held.content


def _shared_paths(tx: Tx, views: Sequence[View]) -> list[str]:
    """Paths that more than one of the views shows."""
    if len(views) < 2:
        return []
    shown = [
        sa.select(visible_items(view, lambda c: sa.select(c.path)).subquery().c.path)
        for view in views
    ]
    path = sa.union_all(*shown).subquery().c.path
    return [row[0] for row in tx.rows(sa.select(path).group_by(path).having(sa.func.count() > 1))]


def _bystanders(
    tx: Tx, views: Mapping[View, int], paths: Sequence[str], decided: Collection[int]
) -> list[Wish]:
    """Items that nobody has decided and that have one of these paths. They take part only to be
    renamed when a rival comes from an earlier source."""
    return [
        (first, _unchanged(item_fact(row)))
        for view, first in views.items()
        for row in _at(tx, view, paths)
        if row.key not in decided
    ]


def _at(tx: Tx, view: View, paths: Sequence[str]) -> list[sa.Row[tuple[object, ...]]]:
    return [row for part in chunks(paths) for row in items_by_path(tx, view, part).values()]


def _unchanged(fact: ItemFact) -> ItemPut:
    return ItemPut(
        fact.key,
        fact.content,
        copied_from=fact.copied_from,
        written=fact.written,
        authorship=fact.authorship,
    )


def _renamed(put: ItemPut, path: str) -> ItemPut:
    content = replace(put.content, path=path)
    return replace(put, content=content, written=None, renew=True)
