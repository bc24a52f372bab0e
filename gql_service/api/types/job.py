"""Jobs: long work, how far it is and what came of it."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Annotated, Any

import sqlalchemy as sa
import strawberry

import gql_service.api.types.dataset as datasets
import gql_service.api.types.merge as merges
import gql_service.api.types.version as versions
from gql_service.api.context import Info
from gql_service.api.described import resolver
from gql_service.api.ids import JobId
from gql_service.api.point import Point
from gql_service.api.scalars import BigInt
from gql_service.api.types.enums import JobKind, JobStatus
from gql_service.api.types.lazy import LazyDataset
from gql_service.api.types.merge import MergeReport, PathChange
from gql_service.api.types.node import Node
from gql_service.api.types.user import User, load_user
from gql_service.catalog.dataset import datasets_by_id
from gql_service.catalog.project import roles_of_actor
from gql_service.database.engine import Tx
from gql_service.jobs.job import jobs_by_id
from gql_service.versions.clone_plan import ClonePlan
from gql_service.versions.report_read import renames_of


@strawberry.type(description="How far a job is.")
class Progress:
    done: BigInt = strawberry.field(description="How many units are done.")
    total: BigInt | None = strawberry.field(
        description="How many there are in all; null while that is unknown."
    )
    unit: str = strawberry.field(description="What is counted, such as items.")
    percent: float | None = strawberry.field(
        description="From 0 to 100; null while the total is unknown."
    )


@strawberry.type(description="A piece of long work.")
class Job(Node):
    row: strawberry.Private[sa.Row[Any]]
    kind: JobKind = strawberry.field(description="What it does.")
    status: JobStatus = strawberry.field(description="Where it stands.")
    progress: Progress = strawberry.field(description="How far it is.")
    created_at: datetime = strawberry.field(description="When it was asked for.")
    started_at: datetime | None = strawberry.field(description="When it began.")
    finished_at: datetime | None = strawberry.field(description="When it ended.")

    @staticmethod
    def of(row: sa.Row[Any]) -> Job:
        percent = 100.0 * row.done / row.total if row.total else 100.0
        return Job(
            id=strawberry.ID(str(JobId(row.id))),
            row=row,
            kind=JobKind(row.kind),
            status=JobStatus(row.status),
            progress=Progress(
                done=BigInt(row.done), total=BigInt(row.total), unit=row.unit, percent=percent
            ),
            created_at=row.created_at,
            started_at=row.started_at,
            finished_at=row.finished_at,
        )

    @resolver(description="Who asked for it.")
    async def creator(self, info: Info) -> User:
        return await load_user(info, self.row.creator)

    @resolver(
        description="What the mutation that asked for it answered; null until the job has "
        "succeeded."
    )
    def result(self) -> JobResult | None:
        if self.kind is JobKind.MERGE:
            return MergeDatasetsSuccess(job=self)
        return CloneDatasetSuccess(job=self)


@strawberry.type(description="What a clone took, or as a plan, what it would take.")
class CloneReport:
    point: strawberry.Private[Point]
    plan: strawberry.Private[ClonePlan | None]
    items_count: int = strawberry.field(description="How many items it took.")

    @resolver(description="How many annotations it took.")
    async def annotations_count(self, info: Info) -> int:
        if self.plan is not None:
            return self.plan.annotations
        if not self.items_count:
            return 0
        return (await versions.load_version(info, self.point)).annotations_added

    @resolver(description="How many bytes of files the clone stored: none, since files are shared.")
    def bytes_added(self) -> BigInt:
        return BigInt(0)

    @resolver(description="The items that could not have the paths they wanted.")
    async def renamed(self, info: Info) -> list[PathChange]:
        if self.plan is not None:
            return merges.path_changes(self.plan.renamed, self.point)
        if not self.items_count:
            return []
        changes = await info.context.load(renames_of, self.point.pair)
        return merges.path_changes(changes, self.point)


@strawberry.type(description="A clone was made, or a dataset was filled.")
class CloneDatasetSuccess:
    job: Job = strawberry.field(description="The job that did it.")

    @resolver(
        description="The dataset that was made or filled; null until the job has succeeded, and "
        "when it is deleted."
    )
    async def dataset(self, info: Info) -> LazyDataset | None:
        return await _dataset(info, self.job)

    @resolver(description="What was taken; null until the job has succeeded.")
    def report(self) -> CloneReport | None:
        return CloneReport(point=_made(self.job), plan=None, items_count=self.job.row.done)


def planned_clone(plan: ClonePlan) -> CloneReport:
    """The report that a clone would give; its items are shown in the source."""
    return CloneReport(point=Point(*plan.source, fixed=True), plan=plan, items_count=plan.items)


@strawberry.type(description="Datasets were merged, into a new one or into one that was there.")
class MergeDatasetsSuccess:
    job: Job = strawberry.field(description="The job that did it.")

    @resolver(
        description="The dataset that was made, or merged into; null until the job has succeeded, "
        "and when it is deleted."
    )
    async def dataset(self, info: Info) -> LazyDataset | None:
        return await _dataset(info, self.job)

    @resolver(
        description="What was decided; null until the job has succeeded, and when the dataset to "
        "merge into had all of it already, so that no version was made."
    )
    async def report(self, info: Info) -> MergeReport | None:
        return await merges.load_merge_report(info, _made(self.job).pair)


JobResult = Annotated[
    CloneDatasetSuccess | MergeDatasetsSuccess,
    strawberry.union("JobResult", description="What came of a job, by its kind."),
]


async def load_job(info: Info, job: int) -> Job | None:
    """The job, None when it is of a project that the viewer is not a member of."""
    row = await info.context.load(readable_jobs, job)
    return None if row is None else Job.of(row)


def readable_jobs(tx: Tx, ids: Collection[int]) -> dict[int, sa.Row[Any]]:
    """Those of `ids` in projects of which the actor is a member."""
    found = jobs_by_id(tx, ids)
    readable = roles_of_actor(tx, {row.project for row in found.values()})
    return {id: row for id, row in found.items() if row.project in readable}


def _made(job: Job) -> Point:
    return Point(job.row.dataset, job.row.version, fixed=True)


async def _dataset(info: Info, job: Job) -> datasets.Dataset | None:
    """As it is now: what a client wants to go on with."""
    record = await info.context.load(datasets_by_id, job.row.dataset)
    return None if record is None else datasets.Dataset.at_head(info.context, record)
