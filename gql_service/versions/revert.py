"""Revert: a new version in which items are as they were at an older one.

All of them, with the recipe of that version; or some, and then nothing else is touched. The old
content is written again, as new writes of the new version: rows are never reopened, whiteouts never
lifted, and what the dataset has seen of others stays seen, so a later merge cannot undo the revert.
Only what may differ is looked at, so the cost grows with the changes since.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa

from gql_service.catalog.dataset import Operation
from gql_service.catalog.filter_limits import check
from gql_service.catalog.filter_sql import item_predicate
from gql_service.catalog.filters import ItemFilter
from gql_service.catalog.recipe import RECIPES
from gql_service.catalog.recipe_use import recipe_for_use
from gql_service.catalog.visibility import ItemColumns, View, open_view, visible_items
from gql_service.database.engine import Tx
from gql_service.database.sets import among, chunks
from gql_service.errors import Conflict, NotFound
from gql_service.versions.changes import Lineages, changed_lineages
from gql_service.versions.content import annotations_of_items, items_by_key
from gql_service.versions.counting import Counters
from gql_service.versions.datasets import recipe_number
from gql_service.versions.draft import Draft, open_draft
from gql_service.versions.given import Outcome
from gql_service.versions.locking import expect_version, lock_dataset
from gql_service.versions.putting_back import (
    annotations_back,
    items_back,
    refuse_taken_paths,
)
from gql_service.versions.selection import Selection


@dataclass(frozen=True, slots=True)
class RevertRequest:
    """What to revert, and to which of its versions; without `selection`, all of it.

    A filter judges an item as it was at that version, and one that was not there as it is now.
    """

    dataset: int
    to_version: int
    selection: Selection | None = None
    expected_version: int | None = None
    message: str | None = None


@dataclass(frozen=True, slots=True)
class RevertReport:
    """What a revert to version `to` changes."""

    to: int
    recipe_changed: bool
    items_added: int
    items_modified: int
    items_removed: int
    annotations_added: int
    annotations_modified: int
    annotations_removed: int


@dataclass(frozen=True, slots=True)
class RevertOutcome:
    """`version` is the one that was made, None when nothing had to change."""

    version: int | None
    report: RevertReport


def revert_dataset(tx: Tx, request: RevertRequest) -> RevertOutcome:
    """Makes a version that shows what an older one shows; none when nothing differs.

    Raises NotFound (the dataset, the version, selected ids), LimitExceeded (of a filter),
    VersionMoved, PathTaken (an item that is not selected has a path that must come back), and
    Conflict when the recipe of that version is deleted.
    """
    draft = open_draft(
        tx,
        request.dataset,
        Operation.REVERT,
        expected_version=request.expected_version,
        message=request.message,
    )
    old = _older(tx, request, draft.number - 1)
    chosen = _chosen(tx, old, draft.view, request.selection)
    recipe = _recipe_back(tx, request, draft.recipe)
    if recipe is not None:
        recipe_for_use(tx, recipe)
        draft.recipe, draft.force = recipe, True
    _put_back(draft, old, chosen, "selection")
    report = _report(request.to_version, recipe is not None, draft.tally.counters)
    return RevertOutcome(draft.publish(), report)


def plan_revert(tx: Tx, request: RevertRequest) -> RevertReport:
    """What `revert_dataset` would change; writes nothing, and refuses what it would refuse."""
    head = lock_dataset(tx, request.dataset)  # in a snapshot, which takes no lock
    expect_version(head, request.expected_version)
    now = open_view(tx, request.dataset, head)
    old = _older(tx, request, now.version)
    chosen = _chosen(tx, old, now, request.selection)
    recipe = _recipe_back(tx, request, recipe_number(tx, request.dataset, now.version))
    items = items_back(tx, old, now, chosen.items)
    refuse_taken_paths(tx, now, items, "selection")
    counted = Counters(
        items_added=len(items.puts) - len(items.held),
        items_modified=len(items.held),
        items_removed=len(items.removed),
    )
    for part in chunks(items.removed):
        counted.annotations_removed += len(annotations_of_items(tx, now, part))
    for part in chunks(items.there):
        found = annotations_back(tx, old, now, chosen, part)
        counted.annotations_added += len(found.puts) - len(found.held)
        counted.annotations_modified += len(found.held)
        counted.annotations_removed += len(found.removed)
    return _report(request.to_version, recipe is not None, counted)


def restore_items(
    tx: Tx,
    dataset: int,
    from_version: int,
    keys: Sequence[int],
    *,
    expected_version: int | None = None,
    message: str | None = None,
) -> Outcome:
    """Brings items that are gone back as a version shows them, with their annotations.

    A revert of items that are not there. Raises NotFound (the dataset, the version, an item that
    it does not show), Conflict (an item that is there), VersionMoved and PathTaken.
    """
    draft = open_draft(
        tx, dataset, Operation.RESTORE, expected_version=expected_version, message=message
    )
    old = _older(tx, RevertRequest(dataset, from_version), draft.number - 1, "from")
    was, present = items_by_key(tx, old, keys), draft.items(keys)
    for at, key in enumerate(keys):
        if key not in was:
            raise NotFound("That version has no such item", path=("ids", at))
        if key in present:
            raise Conflict("The item is there; revertDataset changes it back", path=("ids", at))
    _put_back(draft, old, Lineages(sorted(set(keys)), None), "ids")
    return Outcome(draft.publish(), tuple(keys), added=draft.tally.counters.items_added)


def _older(tx: Tx, request: RevertRequest, head: int, argument: str = "to") -> View:
    if not 1 <= request.to_version <= head:
        raise NotFound("The dataset has no such version", path=(argument,))
    return open_view(tx, request.dataset, request.to_version)


def _put_back(draft: Draft, old: View, lineages: Lineages, argument: str) -> None:
    tx = draft.tx
    items = items_back(tx, old, draft.view, lineages.items)
    refuse_taken_paths(tx, draft.view, items, argument)
    draft.remove_items(items.removed)
    draft.put_items(items.puts, held=items.held)
    for part in chunks(items.there):
        found = annotations_back(tx, old, draft.view, lineages, part)
        draft.remove_annotations(found.removed)
        draft.put_annotations(found.puts, held=found.held)


def _chosen(tx: Tx, old: View, now: View, selection: Selection | None) -> Lineages:
    """The selected items that may differ."""
    candidates = changed_lineages(tx, old, now)
    if selection is None:
        return candidates
    if selection.keys is not None:
        wanted = set(selection.keys)
        for part in chunks(sorted(wanted)):
            known = items_by_key(tx, old, part).keys() | items_by_key(tx, now, part).keys()
            if not known >= set(part):
                raise NotFound("Neither version has such an item", path=("ids",))
        return replace(candidates, items=[key for key in candidates.items if key in wanted])
    where = selection.where
    assert where is not None, "a selection of nothing"
    if not selection.checked:
        check(where, ("where",))
    chosen: list[int] = []
    for part in chunks(candidates.items):
        then, today = _matches(tx, old, where, part), _matches(tx, now, where, part)
        chosen += [key for key in part if then.get(key, today.get(key, False))]
    return replace(candidates, items=chosen)


def _matches(tx: Tx, view: View, where: ItemFilter, keys: Sequence[int]) -> dict[int, bool]:
    """Of the items with these keys that a view shows, whether they match there."""

    def build(c: ItemColumns) -> sa.Select[Any]:
        matches = sa.case((item_predicate(where, c, view, postgres=tx.postgres), 1), else_=0)
        return sa.select(c.key.label("key"), matches.label("matches")).where(among(c.key, keys))

    return {row.key: bool(row.matches) for row in tx.rows(visible_items(view, build))}


def _recipe_back(tx: Tx, request: RevertRequest, present: int) -> int | None:
    """The recipe that a whole revert has to put back; None when the dataset has it."""
    if request.selection is not None:
        return None
    recipe = recipe_number(tx, request.dataset, request.to_version)
    if recipe == present:
        return None
    deleted = sa.select(RECIPES.c.deleted_at).where(RECIPES.c.id == recipe)
    if tx.scalar(deleted) is not None:
        raise Conflict(
            "The recipe of that version is deleted; a revert of selected items leaves the recipe "
            "as it is",
            path=("to",),
        )
    return recipe


def _report(to: int, recipe_changed: bool, counted: Counters) -> RevertReport:
    return RevertReport(
        to,
        recipe_changed,
        counted.items_added,
        counted.items_modified,
        counted.items_removed,
        counted.annotations_added,
        counted.annotations_modified,
        counted.annotations_removed,
    )
