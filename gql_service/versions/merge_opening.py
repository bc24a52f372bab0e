"""What a merge begins with: its sources, locked, checked and opened behind its flags."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from gql_service.catalog.recipe_equality import differences
from gql_service.catalog.version import versions_by_number
from gql_service.catalog.visibility import DATASETS, open_view
from gql_service.database.engine import Tx
from gql_service.errors import DatasetLocked, Invalid, NotFound, RecipeMismatch
from gql_service.versions.datasets import recipe_at
from gql_service.versions.knowledge import seen_by
from gql_service.versions.locking import expect_version, lock_dataset, lock_source
from gql_service.versions.merge_rules import ConflictPolicy, MergePolicy
from gql_service.versions.merge_sources import Source

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class MergeRequest:
    """What to merge, in which order, and how. A version of None is the head.

    The result is a new dataset of that `name`, or the next version of the dataset `into`, which
    then counts as the first source, without flags; exactly one of the two. `project` is the new
    dataset's, by default the first source's. `projects`, when given, must contain the project of
    every source. `expected_version` is of `into`.
    """

    name: str | None
    sources: tuple[tuple[int, int | None], ...]
    into: int | None = None
    project: int | None = None
    projects: tuple[int, ...] | None = None
    with_annotations: bool = True
    with_metadata: bool = True
    with_status: bool = True
    policy: MergePolicy = MergePolicy.UNION
    on_conflict: ConflictPolicy = ConflictPolicy.LAST
    message: str | None = None
    expected_version: int | None = None


def open_sources(tx: Tx, request: MergeRequest) -> list[Source]:
    """The sources in their order, the destination before all others.

    All are locked against being purged, the destination for writing: nothing is decided on a head
    that moves afterwards. Raises Invalid, NotFound, VersionMoved,
    DatasetLocked and RecipeMismatch.
    """
    _check(request)
    points = list(request.sources)
    paths: dict[int, Path] = {}
    if request.into is not None:
        points.insert(0, (request.into, None))
        paths[request.into] = ("into",)
    for position, (dataset, _) in enumerate(request.sources):
        paths[dataset] = ("datasetIds", position)
    _lock(tx, request, paths)
    _require_projects(tx, request, paths)
    sources = [_source(tx, request, dataset, version) for dataset, version in points]
    _require_equal_recipes(tx, sources, paths)
    return sources


def _check(request: MergeRequest) -> None:
    if (request.name is None) == (request.into is None):
        raise Invalid("Give exactly one of name and into", path=("name",))
    if request.into is None and request.expected_version is not None:
        raise Invalid(
            "A new dataset has no version yet; name the versions of the sources instead",
            path=("expectedVersion",),
        )
    datasets = [dataset for dataset, _ in request.sources]
    if len(datasets) + (request.into is not None) < 2:
        raise Invalid("A merge needs two or more datasets", path=("datasetIds",))
    for position, dataset in enumerate(datasets):
        if dataset in datasets[:position]:
            raise Invalid("A dataset is named twice", path=("datasetIds", position))
        if dataset == request.into:
            raise Invalid(
                "The dataset that is merged into is the first source already",
                path=("datasetIds", position),
            )


def _lock(tx: Tx, request: MergeRequest, paths: dict[int, Path]) -> None:
    for dataset in sorted(paths):
        try:  # in one order for all merges, so that two of them cannot wait for one another
            if dataset == request.into:
                expect_version(lock_dataset(tx, dataset), request.expected_version)
            else:
                lock_source(tx, dataset)
        except (NotFound, DatasetLocked) as refusal:
            refusal.path = tuple(map(str, paths[dataset]))
            raise


def _require_projects(tx: Tx, request: MergeRequest, paths: dict[int, Path]) -> None:
    if request.projects is None:
        return
    rows = tx.rows(
        sa.select(DATASETS.c.id, DATASETS.c.project).where(DATASETS.c.id.in_(sorted(paths)))
    )
    projects = {row.id: row.project for row in rows}
    for dataset, path in paths.items():
        if projects[dataset] not in request.projects:
            raise Invalid("The project of this dataset is not among projectIds", path=path)


def _source(tx: Tx, request: MergeRequest, dataset: int, version: int | None) -> Source:
    view = open_view(tx, dataset, version)
    point = (dataset, view.version)
    seen = seen_by(tx, *point)
    record = versions_by_number(tx, [point])[point]
    if dataset == request.into:
        return Source(*point, view, tuple(seen), record.items, record.annotations)
    return Source(
        *point,
        view.masked(
            annotations=request.with_annotations,
            metadata=request.with_metadata,
            status=request.with_status,
        ),
        tuple(one.masked(annotations=request.with_annotations) for one in seen),
        record.items,
        record.annotations if request.with_annotations else 0,
    )


def _require_equal_recipes(tx: Tx, sources: Sequence[Source], paths: dict[int, Path]) -> None:
    recipes = [recipe_at(tx, source.dataset, source.version) for source in sources]
    for source, recipe in zip(sources, recipes, strict=True):
        if recipe.fingerprint != recipes[0].fingerprint:
            raise RecipeMismatch(
                "The datasets have different recipes",
                differences(recipes[0].content, recipe.content),
                path=paths[source.dataset],
            )
