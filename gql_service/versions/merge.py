"""Merges: everybody's items and annotations, in one new dataset or in one that is there already."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from gql_service.catalog.dataset import DatasetType, Operation
from gql_service.catalog.names import clean_name
from gql_service.database.engine import Tx
from gql_service.database.keys import take_keys
from gql_service.errors import Conflict as Refused
from gql_service.jobs.job import NO_VERSION, JobKind, record_finished
from gql_service.versions.birth import add_sources, begin_dataset
from gql_service.versions.copying import add_states
from gql_service.versions.datasets import project_of, recipe_number
from gql_service.versions.draft import Draft, open_draft
from gql_service.versions.knowledge import learn
from gql_service.versions.merge_annotations import FRESH_KEY
from gql_service.versions.merge_opening import MergeRequest, open_sources
from gql_service.versions.merge_plan import MergePlan, plan_merge
from gql_service.versions.merge_rules import Conflict, ConflictPolicy
from gql_service.versions.merge_sources import Source, families
from gql_service.versions.merge_taking import take_annotations
from gql_service.versions.paths import PathChange
from gql_service.versions.report import keep_merge_report, told

__all__ = ["MergeOutcome", "MergeRequest", "decide", "merge_datasets", "relation"]


@dataclass(frozen=True, slots=True)
class MergeOutcome:
    """What a merge made. `outcome` is COMBINED (all sources related), SUMMED (none) or MIXED;
    `unified` items were held by two or more sources, `summed` ones by exactly one. `version` is
    None when a dataset had already all that was merged into it."""

    dataset: int
    version: int | None
    outcome: str
    items: int
    annotations: int
    unified: int
    summed: int
    conflicts: tuple[Conflict, ...]
    renamed: tuple[PathChange, ...]
    job: int


def merge_datasets(tx: Tx, request: MergeRequest) -> MergeOutcome:
    """Merges datasets into a new one, of type MERGE, at version 1; or into one that exists, as its
    next version, whose name, type and history stay.

    Raises Invalid (fewer than two, one of them twice, a project that was not named), NotFound,
    RecipeMismatch, NameTaken, VersionMoved, and Conflict when `on_conflict` is FAIL and there is
    one.
    """
    sources, plan = decide(tx, request)
    if request.into is not None:
        return _merge_into(tx, request, sources, plan)
    draft = _begin(tx, request, sources, plan)
    _carry_out(tx, draft, plan, sources)
    learn(tx, draft.dataset, 1, [one for source in sources for one in source.seen])
    draft.publish()
    return _outcome(tx, draft, plan, sources, draft.number)


def decide(tx: Tx, request: MergeRequest) -> tuple[list[Source], MergePlan]:
    """All that a merge has to decide, without writing. Raises what `merge_datasets` raises, but for
    what concerns the name of a new dataset."""
    sources = open_sources(tx, request)
    plan = plan_merge(
        tx, sources, request.policy, request.on_conflict, into=request.into is not None
    )
    if request.on_conflict is ConflictPolicy.FAIL and plan.conflicts:
        raise Refused(
            f"The merge has {len(plan.conflicts)} conflicts, the first about "
            f"{plan.conflicts[0].field}",
            path=("onConflict",),
        )
    return sources, plan


def relation(sources: Sequence[Source]) -> str:
    """Whether the sources come from one another: all, none, or some."""
    found = len(families(sources))
    if found == 1:
        return "COMBINED"
    return "SUMMED" if found == len(sources) else "MIXED"


def _begin(tx: Tx, request: MergeRequest, sources: Sequence[Source], plan: MergePlan) -> Draft:
    """The new dataset, which shows what the ground shows."""
    first, ground = sources[0], sources[plan.ground].view
    return begin_dataset(
        tx,
        project=request.project or project_of(tx, first.dataset),
        name=clean_name(request.name or "", ("name",)),
        kind=DatasetType.MERGE,
        recipe=recipe_number(tx, first.dataset, first.version),
        operation=Operation.MERGE,
        message=request.message,
        sources=[source.point for source in sources],
        base=ground,
    )


def _merge_into(
    tx: Tx, request: MergeRequest, sources: Sequence[Source], plan: MergePlan
) -> MergeOutcome:
    """The next version of the first source, which is locked since the plan was made on its head.

    A version is also made when nothing changes but there is something to learn, or a conflict to
    tell: else every later merge would meet them anew.
    """
    destination, *others = sources
    draft = open_draft(tx, destination.dataset, Operation.MERGE, message=request.message)
    _carry_out(tx, draft, plan, sources)
    draft.force = plan.news or bool(plan.conflicts)
    version = draft.publish()
    if version is not None:
        add_sources(tx, draft.dataset, version, [source.point for source in others])
        news = (one for source in others for one in source.seen)
        learn(tx, draft.dataset, version, news, known=destination.seen)
    return _outcome(tx, draft, plan, sources, version)


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


def _outcome(
    tx: Tx, draft: Draft, plan: MergePlan, sources: Sequence[Source], version: int | None
) -> MergeOutcome:
    counters = draft.tally.counters
    job = record_finished(
        tx,
        JobKind.MERGE,
        project=project_of(tx, draft.dataset),
        dataset=draft.dataset,
        version=NO_VERSION if version is None else version,
        done=counters.items,
        unit="items",
    )
    outcome = MergeOutcome(
        draft.dataset,
        version,
        relation(sources),
        counters.items,
        counters.annotations,
        plan.unified,
        plan.summed,
        tuple(plan.conflicts),
        tuple(plan.paths.renamed),
        job,
    )
    if version is not None:
        keep_merge_report(
            tx,
            draft.dataset,
            version,
            outcome=outcome.outcome,
            unified=plan.unified,
            summed=plan.summed,
            conflicts=told(tx, plan.conflicts, [source.point for source in sources]),
            renamed=plan.paths.renamed,
        )
    return outcome
