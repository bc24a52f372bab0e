"""Datasets, their versions, and the counters of every version."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from gql_service.catalog.names import clean_name
from gql_service.catalog.permission import Permission, Role, check_permission
from gql_service.catalog.project import MEMBERS, held_membership, membership, own_projects
from gql_service.database.columns import (
    FOREVER,
    BigKey,
    ByteOrderedText,
    Timestamp,
    table_of,
)
from gql_service.database.engine import Tx
from gql_service.database.plan import Prepared
from gql_service.database.sets import among_given
from gql_service.errors import NotFound


class DatasetType(Enum):
    """How a dataset came to be."""

    MASTER = "MASTER"
    CLONE = "CLONE"
    MERGE = "MERGE"


class Operation(Enum):
    """What made a version."""

    CREATE = "CREATE"
    UPLOAD = "UPLOAD"
    IMPORT = "IMPORT"
    ADD = "ADD"
    UPDATE = "UPDATE"
    MOVE = "MOVE"
    DELETE = "DELETE"
    ANNOTATE = "ANNOTATE"
    CLONE = "CLONE"
    MERGE = "MERGE"
    RESOLVE = "RESOLVE"
    SWITCH_RECIPE = "SWITCH_RECIPE"
    REVERT = "REVERT"
    RESTORE = "RESTORE"
    EXPIRE = "EXPIRE"


class Dataset(SQLModel, table=True):
    """A named line of versions. `head` is the newest published one; 0 while it is being built.

    `deleted_at` is a soft delete. A purged dataset keeps this row, nameless, because knowledge and
    sources of others speak of it by number. While `locked_at` is set the dataset is read-only; it
    stands here, in the row that every writer locks, so that nobody can have read it too early.
    While `item_max_days` is set, sweeps remove items that are older, in the name of
    `expiration_by`. While `keep_versions` or `keep_days` is set, by `retention_by`, they let
    versions expire that fall out of all that is set. `kept_from` is the first of the versions that
    reach to the head without one that has expired; NULL while none has.
    """

    __tablename__ = "datasets"
    __table_args__ = (
        sa.Index(
            "datasets_name",
            "project",
            "name",
            unique=True,
            sqlite_where=sa.text("deleted_at IS NULL"),
            postgresql_where=sa.text("deleted_at IS NULL"),
        ),
        sa.CheckConstraint("head >= 0", name="datasets_head"),
    )

    id: int | None = Field(default=None, sa_type=BigKey, primary_key=True)
    project: int = Field(sa_type=sa.BigInteger, foreign_key="projects.id")
    name: str
    type: str
    head: int = Field(sa_type=sa.BigInteger)
    creator: int = Field(sa_type=sa.BigInteger, foreign_key="users.id")
    created_at: datetime = Field(sa_type=Timestamp)
    deleted_at: datetime | None = Field(default=None, sa_type=Timestamp)
    purged_at: datetime | None = Field(default=None, sa_type=Timestamp)
    locked_at: datetime | None = Field(default=None, sa_type=Timestamp)
    locked_by: int | None = Field(default=None, sa_type=sa.BigInteger, foreign_key="users.id")
    lock_reason: str | None = None
    item_max_days: int | None = None
    expiration_by: int | None = Field(default=None, sa_type=sa.BigInteger, foreign_key="users.id")
    keep_versions: int | None = None
    keep_days: int | None = None
    retention_by: int | None = Field(default=None, sa_type=sa.BigInteger, foreign_key="users.id")
    kept_from: int | None = Field(default=None, sa_type=sa.BigInteger)


class Version(SQLModel, table=True):
    """An immutable numbered state: who, when, what, and final counters.

    Once it has expired this row is all that is left of it.
    """

    __tablename__ = "versions"

    dataset: int = Field(sa_type=sa.BigInteger, foreign_key="datasets.id", primary_key=True)
    number: int = Field(sa_type=sa.BigInteger, primary_key=True)
    operation: str
    message: str | None = None
    author: int = Field(sa_type=sa.BigInteger, foreign_key="users.id")
    created_at: datetime = Field(sa_type=Timestamp)
    recipe: int = Field(sa_type=sa.BigInteger, foreign_key="recipes.id", index=True)
    recipe_revision: int = Field(sa_type=sa.BigInteger)
    items: int = Field(sa_type=sa.BigInteger)
    annotated_items: int = Field(sa_type=sa.BigInteger)
    annotations: int = Field(sa_type=sa.BigInteger)
    items_added: int = Field(sa_type=sa.BigInteger)
    items_modified: int = Field(sa_type=sa.BigInteger)
    items_removed: int = Field(sa_type=sa.BigInteger)
    annotations_added: int = Field(sa_type=sa.BigInteger)
    annotations_modified: int = Field(sa_type=sa.BigInteger)
    annotations_removed: int = Field(sa_type=sa.BigInteger)
    expired_at: datetime | None = Field(default=None, sa_type=Timestamp)


class LabelCount(SQLModel, table=True):
    """How many annotations carry a label, in the versions [since, until) of a dataset."""

    __tablename__ = "label_counts"
    __table_args__ = (sa.CheckConstraint("since < until", name="label_counts_interval"),)

    dataset: int = Field(sa_type=sa.BigInteger, foreign_key="datasets.id", primary_key=True)
    until: int = Field(default=FOREVER, sa_type=sa.BigInteger, primary_key=True)
    label: str = Field(sa_type=ByteOrderedText, primary_key=True)
    since: int = Field(sa_type=sa.BigInteger)
    annotations: int = Field(sa_type=sa.BigInteger)


DATASETS = table_of(Dataset)
VERSIONS = table_of(Version)


@dataclass(frozen=True, slots=True)
class DatasetRecord:
    """A dataset as read; `head` is its newest published version.

    `locked_at` and `locked_by` are both there or both None; so are `item_max_days` and
    `expiration_by`. `retention_by` is there when `keep_versions` or `keep_days` is.
    """

    id: int
    project: int
    name: str
    type: DatasetType
    head: int
    creator: int
    created_at: datetime
    deleted_at: datetime | None
    locked_at: datetime | None
    locked_by: int | None
    lock_reason: str | None
    item_max_days: int | None
    expiration_by: int | None
    keep_versions: int | None
    keep_days: int | None
    retention_by: int | None
    kept_from: int | None


def dataset_columns() -> sa.Select[Any]:
    """The columns of `DatasetRecord`, in its order."""
    return sa.select(*(DATASETS.c[name] for name in DatasetRecord.__slots__))


def dataset_record(row: Sequence[Any]) -> DatasetRecord:
    id, project, name, type, *rest = row
    return DatasetRecord(id, project, name, DatasetType(type), *rest)


def alive() -> sa.ColumnElement[bool]:
    """Published, and not deleted."""
    return sa.and_(DATASETS.c.deleted_at.is_(None), DATASETS.c.head > 0)


def readable(tx: Tx) -> sa.ColumnElement[bool]:
    """Alive, and in a project that the actor may read."""
    return sa.and_(alive(), DATASETS.c.project.in_(own_projects(tx)))


_OF_ACTOR = dataset_columns().where(
    among_given(DATASETS.c.id, "ids"),
    alive(),
    DATASETS.c.project.in_(
        sa.select(MEMBERS.c.project).where(
            MEMBERS.c.user == sa.bindparam("actor", type_=sa.BigInteger())
        )
    ),
)
_BY_ID = Prepared(_OF_ACTOR, lasting=True)
_BY_ID_AMONG = Prepared(_OF_ACTOR.where(among_given(DATASETS.c.project, "projects")), lasting=True)


def datasets_by_id(tx: Tx, ids: Collection[int]) -> dict[int, DatasetRecord]:
    """Those of `ids` that the actor may read; deleted ones are out of sight."""
    given = {"ids": list(ids), "actor": tx.actor}
    if tx.bounds.projects is None:
        rows = tx.rows(_BY_ID, given)
    else:
        rows = tx.rows(_BY_ID_AMONG, {**given, "projects": sorted(tx.bounds.projects)})
    return {row.id: dataset_record(row) for row in rows}


def living_dataset(tx: Tx, dataset: int) -> DatasetRecord | None:
    """The dataset unless it is deleted, whoever asks: for those who were given leave before."""
    row = tx.first(_LIVING, {"id": dataset})
    return None if row is None else dataset_record(row)


_LIVING = Prepared(
    dataset_columns().where(DATASETS.c.id == sa.bindparam("id", type_=sa.BigInteger()), alive())
)


_HEADS = Prepared(
    sa.select(DATASETS.c.id, DATASETS.c.head).where(among_given(DATASETS.c.id, "ids"), alive())
)


def heads_of(tx: Tx, ids: Collection[int]) -> dict[int, int]:
    """The heads of those of `ids` that are published and not deleted, whoever asks."""
    return {row.id: row.head for row in tx.rows(_HEADS, {"ids": list(ids)})}


def dataset_by_name(
    tx: Tx, project: int, name: str, path: Sequence[str | int] = ("name",)
) -> DatasetRecord | None:
    """The dataset of that name, if the actor may read it. Raises Invalid when it is no name."""
    wanted = clean_name(name, path)
    row = tx.first(
        dataset_columns().where(
            DATASETS.c.project == project, DATASETS.c.name == wanted, readable(tx)
        )
    )
    return None if row is None else dataset_record(row)


def require_dataset(
    tx: Tx,
    dataset: int,
    permission: Permission,
    path: Sequence[str | int] = ("datasetId",),
    *,
    deleted: bool | None = False,
) -> DatasetRecord:
    """The dataset, when the actor may do this in its project.

    Raises NotFound for one that is absent, not the actor's to read, or deleted (with `deleted`:
    not deleted, or purged; with None: purged), and Forbidden when the role or the token does not
    allow it. In a writing transaction the membership stays until the commit, as with `require`.
    """
    wanted = [DATASETS.c.id == dataset, DATASETS.c.purged_at.is_(None), DATASETS.c.head > 0]
    if deleted is not None:
        gone = DATASETS.c.deleted_at
        wanted.append(gone.is_not(None) if deleted else gone.is_(None))
    # Together with the membership, so that nobody can tell by the time it takes which ids exist.
    statement = (
        dataset_columns()
        .add_columns(MEMBERS.c.role)
        .join(MEMBERS, sa.and_(MEMBERS.c.project == DATASETS.c.project, membership(tx)))
        .where(*wanted)
    )
    row = tx.first(held_membership(tx, statement))
    if row is None:
        raise NotFound(f"There is no such {'deleted ' if deleted else ''}dataset", path=path)
    check_permission(tx, Role(row.role), permission, tuple(path))
    return dataset_record(row[:-1])
