"""Jobs: one row per piece of work, so that a client can ask for it again by id."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from enum import Enum
from typing import Any

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from gql_service.database.columns import BigKey, Timestamp, table_of
from gql_service.database.engine import Tx
from gql_service.database.plan import Prepared
from gql_service.database.sets import among


class JobKind(Enum):
    """What a job does."""

    CLONE = "CLONE"
    MERGE = "MERGE"


class JobStatus(Enum):
    """How far a job is."""

    SUCCEEDED = "SUCCEEDED"


NO_VERSION = 0
"""The version of a job that found nothing to change."""


class Job(SQLModel, table=True):
    """A piece of work and its outcome; `dataset` and `version` are what it made."""

    __tablename__ = "jobs"

    id: int | None = Field(default=None, sa_type=BigKey, primary_key=True)
    kind: str
    status: str
    project: int = Field(sa_type=sa.BigInteger, foreign_key="projects.id", index=True)
    creator: int = Field(sa_type=sa.BigInteger, foreign_key="users.id")
    done: int = Field(sa_type=sa.BigInteger)
    total: int = Field(sa_type=sa.BigInteger)
    unit: str
    dataset: int = Field(sa_type=sa.BigInteger)
    version: int = Field(sa_type=sa.BigInteger)
    created_at: datetime = Field(sa_type=Timestamp)
    started_at: datetime = Field(sa_type=Timestamp)
    finished_at: datetime = Field(sa_type=Timestamp)


JOBS = table_of(Job)
_FINISHED = Prepared(sa.insert(JOBS).returning(JOBS.c.id))


def record_finished(
    tx: Tx, kind: JobKind, *, project: int, dataset: int, version: int, done: int, unit: str
) -> int:
    """The job of work that was done within the request, in the same transaction as the work."""
    job: int = tx.scalar(
        _FINISHED,
        {
            "kind": kind.value,
            "status": JobStatus.SUCCEEDED.value,
            "project": project,
            "creator": tx.actor,
            "done": done,
            "total": done,
            "unit": unit,
            "dataset": dataset,
            "version": version,
            "created_at": tx.now,
            "started_at": tx.now,
            "finished_at": tx.now,
        },
    )
    return job


def jobs_by_id(tx: Tx, ids: Collection[int]) -> dict[int, sa.Row[Any]]:
    """The jobs with these ids; absent ones are left out."""
    rows = tx.rows(sa.select(JOBS).where(among(JOBS.c.id, ids)))
    return {row.id: row for row in rows}
