"""Clones: a dataset over another one, frozen at a version, without copying a byte.

A whole clone lays an empty line over the source's and costs the same at every size. A filtered
one, one without folders, and one into an existing dataset, copies the narrow rows; the bytes are
shared either way. What was not taken is unknown to the clone, never
removed by it: so say its knowledge and the keys it chose.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa

from gql_service.catalog.dataset import DatasetType, Operation
from gql_service.catalog.names import clean_name
from gql_service.catalog.recipe import RecipeRecord
from gql_service.catalog.recipe_equality import differences
from gql_service.catalog.visibility import ITEMS, View, open_view
from gql_service.database.engine import Tx
from gql_service.errors import Invalid, NotFound, RecipeMismatch
from gql_service.jobs.job import JobKind, record_finished
from gql_service.versions.birth import add_sources, begin_dataset
from gql_service.versions.clone_into import choose_items, take_into
from gql_service.versions.copying import copy_states
from gql_service.versions.datasets import project_of, recipe_at, recipe_number
from gql_service.versions.draft import Draft, open_draft
from gql_service.versions.knowledge import choose, learn, seen_by
from gql_service.versions.locking import (
    expect_version,
    hold_dataset,
    lock_source,
    refuse_read_only,
)
from gql_service.versions.paths import PathChange
from gql_service.versions.report import keep_renames
from gql_service.versions.selection import Selection, selected_keys

_DESTINATION = ("destination", "datasetId")


@dataclass(frozen=True, slots=True)
class CloneRequest:
    """What to clone, where to, and what of it. `name` or `destination`, not both.

    `version` None is the head; `project` None the source's. `directory` and `allow_many` belong
    to `destination`. `expected_version` is of the dataset that changes, or of the source when a
    new one is made.
    """

    source: int
    version: int | None = None
    name: str | None = None
    project: int | None = None
    destination: int | None = None
    directory: str = "/"
    selection: Selection | None = None
    with_annotations: bool = True
    with_metadata: bool = True
    with_status: bool = True
    strip_folders: bool = False
    allow_many: bool = False
    message: str | None = None
    expected_version: int | None = None


@dataclass(frozen=True, slots=True)
class CloneOutcome:
    """What a clone made: `items` and `annotations` are how many it took."""

    dataset: int
    version: int
    items: int
    annotations: int
    renamed: tuple[PathChange, ...]
    job: int


def clone_dataset(tx: Tx, request: CloneRequest) -> CloneOutcome:
    """Makes a clone, or fills an existing dataset.

    Raises NotFound (source, version, destination, selected ids), Invalid, NameTaken, VersionMoved,
    RecipeMismatch (a destination with another recipe), DatasetLocked (the destination), PathTaken.
    """
    request, source = open_source(tx, request)
    if request.destination is not None:
        return _clone_into(tx, request, source, request.destination)
    return _clone_new(tx, request, source)


def open_source(tx: Tx, request: CloneRequest) -> tuple[CloneRequest, View]:
    """Locks what is concerned, and opens the source behind the flags; what is selected is what it
    shows without them. Raises NotFound, Invalid, VersionMoved (of a source)."""
    if request.name is None and request.destination is None:
        raise Invalid("Must provide clone name or destination dataset id", path=("name",))
    if request.name is not None and request.destination is not None:
        raise Invalid("Give a name or a destination, not both", path=("destination",))
    head = _lock(tx, request)
    shown = open_view(tx, request.source, request.version)
    source = shown.masked(
        annotations=request.with_annotations,
        metadata=request.with_metadata,
        status=request.with_status,
    )
    if request.selection is not None and source != shown:
        # a filter is about what the source shows; the flags only say what comes along
        keys = selected_keys(tx, shown, request.selection)
        request = replace(request, selection=Selection(keys=tuple(keys)))
    if request.destination is None:
        expect_version(head, request.expected_version)
    return request, source


def require_equal_recipe(tx: Tx, source: View, ours: RecipeRecord) -> None:
    """Raises RecipeMismatch when the source has another recipe than the destination."""
    theirs = recipe_at(tx, source.dataset, source.version)
    if theirs.fingerprint != ours.fingerprint:
        raise RecipeMismatch(
            "The destination has another recipe",
            differences(ours.content, theirs.content),
            path=_DESTINATION,
        )


def _lock(tx: Tx, request: CloneRequest) -> int:
    """Locks the destination and the source, and returns the source's head.

    In one order for all, so that no two clones into one another wait for each other; a dataset
    that takes copies of its own items is locked for writing at once.
    """
    if request.destination is None:
        return lock_source(tx, request.source)
    if request.destination > request.source:
        head = lock_source(tx, request.source)
        held = _hold_destination(tx, request.destination)
    else:
        held = _hold_destination(tx, request.destination)
        head = lock_source(tx, request.source)
    refuse_read_only(held, _DESTINATION)
    return head


def _hold_destination(tx: Tx, destination: int) -> sa.Row[Any]:
    try:
        return hold_dataset(tx, destination)
    except NotFound as refusal:
        raise NotFound(refusal.message, path=_DESTINATION) from None


def _clone_new(tx: Tx, request: CloneRequest, source: View) -> CloneOutcome:
    chosen_part = request.selection is not None or request.strip_folders
    project = request.project or project_of(tx, source.dataset)
    draft = begin_dataset(
        tx,
        project=project,
        name=clean_name(request.name or "", ("name",)),
        kind=DatasetType.CLONE,
        recipe=recipe_number(tx, source.dataset, source.version),
        operation=Operation.CLONE,
        message=request.message,
        sources=[(source.dataset, source.version)],
        base=None if chosen_part else source,
    )
    renamed: Sequence[PathChange] = ()
    if request.strip_folders:
        chosen = choose_items(tx, source, request.selection, None, directory="/", flat=True)
        renamed = take_into(draft, source, chosen).renamed
    elif chosen_part:
        copy_states(draft, source, request.selection)
    batch = _batch_of_line(tx, draft) if chosen_part else None
    _learn_from(tx, draft, source, batch)
    draft.publish()
    return _outcome(tx, draft, renamed, draft.number, project)


def _clone_into(tx: Tx, request: CloneRequest, source: View, destination: int) -> CloneOutcome:
    draft = open_draft(
        tx,
        destination,
        Operation.CLONE,
        expected_version=request.expected_version,
        message=request.message,
    )
    project = project_of(tx, destination)
    require_equal_recipe(tx, source, draft.recipe_record())
    chosen = choose_items(
        tx,
        source,
        request.selection,
        draft.view,
        directory=request.directory,
        flat=request.strip_folders,
        allow_many=request.allow_many,
    )
    taken = take_into(draft, source, chosen)
    if not taken.items:
        return _outcome(tx, draft, (), draft.number - 1, project)
    add_sources(tx, destination, draft.number, [(source.dataset, source.version)])
    _learn_from(tx, draft, source, choose(tx, taken.lineage))
    draft.publish()
    return _outcome(tx, draft, taken.renamed, draft.number, project)


def _batch_of_line(tx: Tx, draft: Draft) -> int:
    return choose(tx, sa.select(ITEMS.c.key).where(ITEMS.c.line == draft.view.line))


def _learn_from(tx: Tx, draft: Draft, source: View, batch: int | None) -> None:
    """What the source has seen, the clone has seen; within its batch, when it took a part."""
    seen = [
        one.masked(annotations=source.sheets[0].annotations)
        for one in seen_by(tx, source.dataset, source.version)
    ]
    if batch is not None:
        seen = [one.within(batch) for one in seen]
    learn(tx, draft.dataset, draft.number, seen)


def _outcome(
    tx: Tx, draft: Draft, renamed: Sequence[PathChange], version: int, project: int
) -> CloneOutcome:
    counters = draft.tally.counters
    keep_renames(tx, draft.dataset, version, renamed)
    job = record_finished(
        tx,
        JobKind.CLONE,
        project=project,
        dataset=draft.dataset,
        version=version,
        done=counters.items_added,
        unit="items",
    )
    return CloneOutcome(
        draft.dataset,
        version,
        counters.items_added,
        counters.annotations_added,
        tuple(renamed),
        job,
    )
