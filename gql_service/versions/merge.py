"""Merges: one new dataset out of several, holding everybody's items and annotations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import sqlalchemy as sa

from gql_service.catalog.dataset import DatasetType, Operation
from gql_service.catalog.names import clean_name
from gql_service.catalog.recipe_equality import differences
from gql_service.catalog.visibility import DATASETS, open_view
from gql_service.database.engine import Tx
from gql_service.database.keys import take_keys
from gql_service.errors import Conflict as Refused
from gql_service.errors import Invalid, NotFound, RecipeMismatch
from gql_service.jobs.job import JobKind, record_finished
from gql_service.versions.birth import MAX_LAYERS, begin_dataset
from gql_service.versions.copying import add_states, copy_states
from gql_service.versions.datasets import project_of, recipe_at, recipe_number
from gql_service.versions.draft import VERSIONS, Draft
from gql_service.versions.knowledge import learn, seen_by
from gql_service.versions.locking import lock_source
from gql_service.versions.merge_annotations import FRESH_KEY
from gql_service.versions.merge_plan import MergePlan, plan_merge
from gql_service.versions.merge_rules import Conflict, ConflictPolicy, MergePolicy
from gql_service.versions.merge_sources import Source, families
from gql_service.versions.merge_taking import take_annotations
from gql_service.versions.paths import PathChange
from gql_service.versions.report import keep_merge_report


@dataclass(frozen=True, slots=True)
class MergeRequest:
    """What to merge, in which order, and how. A version of None is the head.

    `project` is the new dataset's, by default the first source's. `projects`, when given, must
    contain the project of every source.
    """

    name: str
    sources: tuple[tuple[int, int | None], ...]
    project: int | None = None
    projects: tuple[int, ...] | None = None
    with_annotations: bool = True
    with_metadata: bool = True
    with_status: bool = True
    policy: MergePolicy = MergePolicy.UNION
    on_conflict: ConflictPolicy = ConflictPolicy.LAST
    message: str | None = None


@dataclass(frozen=True, slots=True)
class MergeOutcome:
    """What a merge made. `outcome` is COMBINED (all sources related), SUMMED (none) or MIXED;
    `unified` items were held by two or more sources, `summed` ones by exactly one."""

    dataset: int
    version: int
    outcome: str
    items: int
    annotations: int
    unified: int
    summed: int
    conflicts: tuple[Conflict, ...]
    renamed: tuple[PathChange, ...]
    job: int


def merge_datasets(tx: Tx, request: MergeRequest) -> MergeOutcome:
    """Merges datasets into a new one, of type MERGE, at version 1.

    Raises Invalid (fewer than two, one of them twice, a project that was not named), NotFound,
    RecipeMismatch, NameTaken, and Conflict when `on_conflict` is FAIL and there is one.
    """
    sources = _open_sources(tx, request)
    _require_equal_recipes(tx, sources)
    plan = plan_merge(tx, sources, request.policy, request.on_conflict)
    if request.on_conflict is ConflictPolicy.FAIL and plan.conflicts:
        raise Refused(
            f"The merge has {len(plan.conflicts)} conflicts, the first about "
            f"{plan.conflicts[0].field}",
            path=("onConflict",),
        )
    first = sources[0]
    ground = sources[plan.ground].view
    layered = len(ground.sheets) <= MAX_LAYERS
    draft = begin_dataset(
        tx,
        project=request.project or project_of(tx, first.dataset),
        name=clean_name(request.name, ("name",)),
        kind=DatasetType.MERGE,
        recipe=recipe_number(tx, first.dataset, first.version),
        operation=Operation.MERGE,
        message=request.message,
        sources=[(source.dataset, source.version) for source in sources],
        base=ground if layered else None,
    )
    if not layered:
        copy_states(draft, ground, None)
    _carry_out(tx, draft, plan, sources)
    learn(tx, draft.dataset, 1, [one for source in sources for one in source.seen])
    draft.publish()
    return _outcome(tx, draft, plan, sources)


def _open_sources(tx: Tx, request: MergeRequest) -> list[Source]:
    datasets = [dataset for dataset, _ in request.sources]
    if len(datasets) < 2:
        raise Invalid("A merge needs two or more datasets", path=("datasetIds",))
    for position, dataset in enumerate(datasets):
        if dataset in datasets[:position]:
            raise Invalid("A dataset is named twice", path=("datasetIds", position))
    for position, dataset in sorted(enumerate(datasets), key=lambda pair: pair[1]):
        try:  # in one order for all merges, so that two of them cannot wait for one another
            lock_source(tx, dataset)
        except NotFound as refusal:
            raise NotFound(refusal.message, path=("datasetIds", position)) from None
    if request.projects is not None:
        projects = _projects(tx, datasets)
        for position, dataset in enumerate(datasets):
            if projects[dataset] not in request.projects:
                raise Invalid(
                    "The project of this dataset is not among projectIds",
                    path=("datasetIds", position),
                )
    return [_source(tx, request, dataset, version) for dataset, version in request.sources]


def _source(tx: Tx, request: MergeRequest, dataset: int, version: int | None) -> Source:
    view = open_view(tx, dataset, version)
    seen = seen_by(tx, dataset, view.version)
    items = tx.scalar(
        sa.select(VERSIONS.c["items"]).where(
            VERSIONS.c.dataset == dataset, VERSIONS.c.number == view.version
        )
    )
    return Source(
        dataset,
        view.version,
        view.masked(
            annotations=request.with_annotations,
            metadata=request.with_metadata,
            status=request.with_status,
        ),
        tuple(one.masked(annotations=request.with_annotations) for one in seen),
        items,
    )


def _projects(tx: Tx, datasets: Sequence[int]) -> dict[int, int]:
    rows = tx.rows(sa.select(DATASETS.c.id, DATASETS.c.project).where(DATASETS.c.id.in_(datasets)))
    return {row.id: row.project for row in rows}


def _require_equal_recipes(tx: Tx, sources: Sequence[Source]) -> None:
    recipes = [recipe_at(tx, source.dataset, source.version) for source in sources]
    for position, recipe in enumerate(recipes):
        if recipe.fingerprint != recipes[0].fingerprint:
            raise RecipeMismatch(
                "The datasets have different recipes",
                differences(recipes[0].content, recipe.content),
                path=("datasetIds", position),
            )


def _carry_out(tx: Tx, draft: Draft, plan: MergePlan, sources: Sequence[Source]) -> None:
    """Removals before additions, so that paths are free when they are given again."""
    if plan.alone is not None:
        take_annotations(draft, plan.alone)
    draft.remove_annotations(plan.annotation_removals)
    draft.remove_items(plan.item_removals)
    draft.put_items(plan.paths.puts)
    for position, renamed in plan.paths.strangers.items():
        add_states(draft, sources[position].view, but=renamed)
    fresh = iter(take_keys(tx, sum(put.key == FRESH_KEY for put in plan.annotation_puts)))
    draft.put_annotations(
        replace(put, key=next(fresh)) if put.key == FRESH_KEY else put
        for put in plan.annotation_puts
    )


def _outcome_of(sources: Sequence[Source]) -> str:
    """Whether the sources come from one another: all, none, or some."""
    found = len(families(sources))
    if found == 1:
        return "COMBINED"
    return "SUMMED" if found == len(sources) else "MIXED"


def _outcome(tx: Tx, draft: Draft, plan: MergePlan, sources: Sequence[Source]) -> MergeOutcome:
    counters = draft.tally.counters
    job = record_finished(
        tx,
        JobKind.MERGE,
        project=project_of(tx, draft.dataset),
        dataset=draft.dataset,
        version=draft.number,
        done=counters.items,
        unit="items",
    )
    outcome = MergeOutcome(
        draft.dataset,
        draft.number,
        _outcome_of(sources),
        counters.items,
        counters.annotations,
        plan.unified,
        plan.summed,
        tuple(plan.conflicts),
        tuple(plan.paths.renamed),
        job,
    )
    points = [(source.dataset, source.version) for source in sources]
    keep_merge_report(
        tx,
        draft.dataset,
        draft.number,
        outcome=outcome.outcome,
        unified=plan.unified,
        summed=plan.summed,
        conflicts=plan.conflicts,
        sources=points,
        renamed=plan.paths.renamed,
    )
    return outcome
