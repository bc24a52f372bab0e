"""Deleting what datasets stand on, projects and recipes: refused while one may still need it.

A deleted dataset can be restored until it is purged, so it counts until then.
"""

from __future__ import annotations

import sqlalchemy as sa

from gql_service.catalog.dataset import Dataset, Version
from gql_service.catalog.project import MEMBERS, PROJECTS, Permission, lock_project, require
from gql_service.catalog.recipe import RECIPES, lock_recipe, require_writer
from gql_service.database.columns import table_of
from gql_service.database.engine import Tx
from gql_service.errors import Conflict

DATASETS = table_of(Dataset)
VERSIONS = table_of(Version)


def delete_project(tx: Tx, project: int) -> None:
    """Ends a project for everybody: it has no members any more, and its name is free.

    Its row stays, because jobs, purged datasets and recipes that clones in other projects share
    speak of it by number. Raises NotFound, Forbidden, or Conflict while it has a dataset that is
    not purged.
    """
    lock_project(tx, project)
    require(tx, project, Permission.MANAGE_PROJECT)
    # Members first: this waits for every member who is writing, also a new dataset.
    tx.execute(sa.delete(MEMBERS).where(MEMBERS.c.project == project))
    held = sa.select(DATASETS.c.id).where(
        DATASETS.c.project == project, DATASETS.c.purged_at.is_(None)
    )
    if tx.first(held.limit(1)) is not None:
        raise Conflict(
            "The project has datasets; a deleted one counts until it is purged",
            path=("projectId",),
        )
    nameless = f" {project}"  # no name that somebody gives begins with a space
    tx.execute(sa.update(PROJECTS).where(PROJECTS.c.id == project).values(name=nameless))


def delete_recipe(tx: Tx, recipe: int) -> None:
    """Takes a recipe out of its project; old versions still read under its revisions.

    Raises NotFound, Forbidden, or Conflict while the head of a dataset that is not purged has it.
    """
    held = lock_recipe(tx, recipe)
    require_writer(tx, held)
    users = (
        sa.select(DATASETS.c.id)
        .join(
            VERSIONS,
            sa.and_(VERSIONS.c.dataset == DATASETS.c.id, VERSIONS.c.number == DATASETS.c.head),
        )
        .where(VERSIONS.c.recipe == recipe, DATASETS.c.purged_at.is_(None))
    )
    if tx.first(users.limit(1)) is not None:
        raise Conflict(
            "A dataset has this recipe; a deleted one counts until it is purged",
            path=("recipeId",),
        )
    tx.execute(sa.update(RECIPES).where(RECIPES.c.id == recipe).values(deleted_at=tx.now))
