"""What a clone would take: decided as the clone decides it, and nothing is written.

A snapshot is enough: no lock is taken, and nobody who writes waits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from gql_service.catalog.names import clean_name
from gql_service.catalog.version import versions_by_number
from gql_service.catalog.visibility import View, open_view, visible_annotations
from gql_service.database.engine import Tx
from gql_service.database.sets import among, chunks
from gql_service.versions.birth import require_free_name
from gql_service.versions.clone import CloneRequest, open_source, require_equal_recipe
from gql_service.versions.clone_into import choose_items
from gql_service.versions.datasets import project_of, recipe_at
from gql_service.versions.locking import expect_version
from gql_service.versions.paths import PathChange
from gql_service.versions.selection import selected_keys


@dataclass(frozen=True, slots=True)
class ClonePlan:
    """What a clone would report. Items are named by their keys in `source`, (dataset, version),
    because those of second copies are drawn when they are made."""

    source: tuple[int, int]
    items: int
    annotations: int
    renamed: tuple[PathChange, ...] = ()


def plan_clone(tx: Tx, request: CloneRequest) -> ClonePlan:
    """The report of the clone that `clone_dataset` would make now. Raises what it raises."""
    request, source = open_source(tx, request)
    point = (source.dataset, source.version)
    into = None
    if request.destination is not None:
        into = _open_destination(tx, request, source, request.destination)
    else:
        project = request.project or project_of(tx, source.dataset)
        require_free_name(tx, project, clean_name(request.name or "", ("name",)))
    if into is not None or request.strip_folders:
        chosen = choose_items(
            tx,
            source,
            request.selection,
            into,
            directory=request.directory,
            flat=request.strip_folders,
            allow_many=request.allow_many,
        )
        keys = [row.key for row in chosen.rows]
        renamed = tuple(chosen.renamed)
        return ClonePlan(point, len(keys), _annotations_on(tx, source, keys), renamed)
    if request.selection is not None:
        keys = selected_keys(tx, source, request.selection)
        return ClonePlan(point, len(keys), _annotations_on(tx, source, keys))
    record = versions_by_number(tx, [point])[point]
    annotations = record.annotations if source.sheets[0].annotations else 0
    return ClonePlan(point, record.items, annotations)


def _open_destination(tx: Tx, request: CloneRequest, source: View, destination: int) -> View:
    into = open_view(tx, destination)
    expect_version(into.version, request.expected_version)
    require_equal_recipe(tx, source, recipe_at(tx, destination, into.version))
    return into


def _annotations_on(tx: Tx, source: View, keys: Sequence[int]) -> int:
    return sum(_count_on(tx, source, part) for part in chunks(keys))


def _count_on(tx: Tx, source: View, items: Sequence[int]) -> int:
    found = visible_annotations(source, lambda c: sa.select(c.key).where(among(c.item, items)))
    count: int = tx.scalar(sa.select(sa.func.count()).select_from(found.subquery()))
    return count
