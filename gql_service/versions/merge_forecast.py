"""What a merge would do: decided as the merge decides it, and nothing is written.

A snapshot is enough: no lock is taken, and nobody who writes waits.
"""

from __future__ import annotations

from dataclasses import dataclass

from gql_service.catalog.names import clean_name
from gql_service.database.engine import Tx
from gql_service.versions.birth import require_free_name
from gql_service.versions.datasets import project_of
from gql_service.versions.merge import decide, relation
from gql_service.versions.merge_opening import MergeRequest
from gql_service.versions.merge_plan import MergePlan
from gql_service.versions.merge_sources import Source
from gql_service.versions.merge_taking import count_alone
from gql_service.versions.paths import PathChange
from gql_service.versions.report import ConflictRecord, Point, told


@dataclass(frozen=True, slots=True)
class MergeForecast:
    """What a merge would report. `sources` are (dataset, version), the destination first;
    `homes` tells at which of them a renamed item is to be seen, because there is no result yet.
    `changed` says whether a version would be made."""

    sources: tuple[Point, ...]
    outcome: str
    items: int
    annotations: int
    unified: int
    summed: int
    conflicts: tuple[ConflictRecord, ...]
    renamed: tuple[PathChange, ...]
    homes: dict[int, Point]
    changed: bool


def forecast_merge(tx: Tx, request: MergeRequest) -> MergeForecast:
    """The report of the merge that `merge_datasets` would make now. Raises what it raises."""
    sources, plan = decide(tx, request)
    if request.name is not None:
        project = request.project or project_of(tx, sources[0].dataset)
        require_free_name(tx, project, clean_name(request.name, ("name",)))
    points = tuple(source.point for source in sources)
    annotations = sources[plan.ground].annotations + plan.annotations
    if plan.alone is not None:
        annotations += count_alone(tx, plan.alone)
    return MergeForecast(
        points,
        relation(sources),
        plan.unified + plan.summed - plan.removed,
        annotations,
        plan.unified,
        plan.summed,
        tuple(told(tx, plan.conflicts, points)),
        tuple(plan.paths.renamed),
        {item: points[source] for item, source in plan.paths.homes.items()},
        request.into is None or _changes(plan, sources),
    )


def _changes(plan: MergePlan, sources: list[Source]) -> bool:
    strangers = (sources[s].items for s in range(len(sources)) if s not in plan.kin)
    return any(
        (
            plan.paths.puts,
            plan.item_removals,
            plan.annotation_puts,
            plan.annotation_removals,
            plan.conflicts,
            plan.news,
            any(strangers),
        )
    )
