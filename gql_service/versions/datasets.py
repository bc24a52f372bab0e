"""Datasets as wholes: create, rename, delete, restore, lock, and the choice of their recipe."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from gql_service.catalog.dataset import DatasetType, Operation
from gql_service.catalog.names import clean_name
from gql_service.catalog.recipe import RecipeRecord, recipes_by_id
from gql_service.catalog.recipe_use import recipe_for_use
from gql_service.catalog.visibility import DATASETS
from gql_service.database.engine import Tx
from gql_service.database.plan import Prepared
from gql_service.errors import DatasetLocked, NotFound, NotLocked
from gql_service.versions.birth import begin_dataset, refuse_taken_name
from gql_service.versions.draft import VERSIONS, open_draft
from gql_service.versions.locking import hold_dataset, lock_dataset

_PROJECT = Prepared(sa.select(DATASETS.c.project).where(DATASETS.c.id == sa.bindparam("dataset")))
_RECIPE = Prepared(
    sa.select(VERSIONS.c.recipe).where(
        VERSIONS.c.dataset == sa.bindparam("dataset"), VERSIONS.c.number == sa.bindparam("number")
    )
)
_REVISION = Prepared(
    sa.select(VERSIONS.c.recipe, VERSIONS.c.recipe_revision, DATASETS.c.head)
    .join(DATASETS, DATASETS.c.id == VERSIONS.c.dataset)
    .where(
        VERSIONS.c.dataset == sa.bindparam("dataset"), VERSIONS.c.number == sa.bindparam("number")
    )
)


def create_dataset(
    tx: Tx, project: int, name: str, recipe: int, *, message: str | None = None
) -> int:
    """A new empty dataset at version 1. Raises Invalid, NameTaken, NotFound (the recipe)."""
    recipe_for_use(tx, recipe)
    draft = begin_dataset(
        tx,
        project=project,
        name=clean_name(name, ("name",)),
        kind=DatasetType.MASTER,
        recipe=recipe,
        operation=Operation.CREATE,
        message=message,
    )
    draft.publish()
    return draft.dataset


def switch_recipe(
    tx: Tx,
    dataset: int,
    recipe: int,
    *,
    expected_version: int | None = None,
    message: str | None = None,
) -> int | None:
    """Gives a dataset another recipe and returns the new version, None when it had it already.

    What is annotated stays as it is, also under labels that the new recipe does not have. Raises
    NotFound and VersionMoved.
    """
    draft = open_draft(
        tx, dataset, Operation.SWITCH_RECIPE, expected_version=expected_version, message=message
    )
    if draft.recipe == recipe:
        return None
    recipe_for_use(tx, recipe)
    draft.recipe = recipe
    draft.force = True
    return draft.publish()


def rename_dataset(tx: Tx, dataset: int, name: str) -> None:
    """Gives a dataset another name; not a version.

    Raises Invalid, NotFound, DatasetLocked, NameTaken.
    """
    lock_dataset(tx, dataset)
    row = tx.first(sa.select(DATASETS.c.project, DATASETS.c.name).where(DATASETS.c.id == dataset))
    assert row is not None, "a dataset that we hold"
    wanted = clean_name(name, ("name",))
    if wanted == row.name:
        return
    with refuse_taken_name(tx, row.project, wanted):
        tx.execute(sa.update(DATASETS).where(DATASETS.c.id == dataset).values(name=wanted))


def delete_dataset(tx: Tx, dataset: int) -> None:
    """Deletes a dataset softly: it is out of sight, can be restored, and is purged later.

    Its name is free at once, and its clones are not touched. Raises NotFound and DatasetLocked.
    """
    lock_dataset(tx, dataset)
    tx.execute(sa.update(DATASETS).where(DATASETS.c.id == dataset).values(deleted_at=tx.now))
    tx.announced.add(dataset)


def restore_dataset(tx: Tx, dataset: int) -> None:
    """Takes a soft delete back. Raises NotFound when purged, NameTaken when the name is in use."""
    row = tx.first(
        sa.select(DATASETS.c.project, DATASETS.c.name)
        .where(
            DATASETS.c.id == dataset,
            DATASETS.c.deleted_at.is_not(None),
            DATASETS.c.purged_at.is_(None),
        )
        .with_for_update()
    )
    if row is None:
        raise NotFound("There is no such deleted dataset", path=("datasetId",))
    with refuse_taken_name(tx, row.project, row.name):
        tx.execute(sa.update(DATASETS).where(DATASETS.c.id == dataset).values(deleted_at=None))


def set_lock(tx: Tx, dataset: int, reason: str | None = None) -> None:
    """Makes a dataset read-only; not a version. Who is writing it is waited for.

    It can still be read, cloned and merged from, and its versions tagged. Raises NotFound, and
    DatasetLocked when it is already.
    """
    held = hold_dataset(tx, dataset)
    if held.locked_at is not None:
        raise DatasetLocked("The dataset is locked already", path=("datasetId",))
    _put_lock(tx, dataset, locked_at=tx.now, locked_by=tx.actor, lock_reason=reason)


def lift_lock(tx: Tx, dataset: int) -> None:
    """Lets a dataset be changed again. Raises NotFound, and NotLocked when it is not locked."""
    held = hold_dataset(tx, dataset)
    if held.locked_at is None:
        raise NotLocked("The dataset is not locked", path=("datasetId",))
    _put_lock(tx, dataset, locked_at=None, locked_by=None, lock_reason=None)


def _put_lock(tx: Tx, dataset: int, **lock: Any) -> None:
    tx.execute(sa.update(DATASETS).where(DATASETS.c.id == dataset).values(lock))


def recipe_at(tx: Tx, dataset: int, version: int) -> RecipeRecord:
    """The recipe a dataset is read under: at its head the newest revision, before that the one
    which was the newest when the version was written."""
    row = tx.first(_REVISION, {"dataset": dataset, "number": version})
    if row is None:
        raise NotFound("There is no such dataset or version")
    revision = None if version == row.head else row.recipe_revision
    return recipes_by_id(tx, [(row.recipe, revision)])[row.recipe, revision]


def recipe_number(tx: Tx, dataset: int, version: int) -> int:
    """The number of the recipe that a version chose."""
    number: int = tx.scalar(_RECIPE, {"dataset": dataset, "number": version})
    return number


def project_of(tx: Tx, dataset: int) -> int:
    """The project that a dataset belongs to."""
    project: int = tx.scalar(_PROJECT, {"dataset": dataset})
    return project
