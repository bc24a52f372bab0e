"""Recipes as datasets use them: who may see one, taking one up, and which labels are in use.

A clone in another project shares its source's recipe, so a recipe is also readable through the
datasets that have, or at some version had, it.
"""

from __future__ import annotations

from collections.abc import Collection

import sqlalchemy as sa

from gql_service.catalog.dataset import Dataset, LabelCount, Version
from gql_service.catalog.names import clean_name
from gql_service.catalog.project import Permission, own_projects, require
from gql_service.catalog.recipe import (
    RECIPES,
    RecipeRecord,
    insert_recipe,
    lock_recipe,
    no_such_recipe,
    recipes_by_id,
)
from gql_service.database.columns import FOREVER, table_of
from gql_service.database.engine import Tx
from gql_service.database.sets import among

DATASETS = table_of(Dataset)
VERSIONS = table_of(Version)
LABEL_COUNTS = table_of(LabelCount)


def readable_recipes(tx: Tx, ids: Collection[int]) -> set[int]:
    """Those of `ids` that the actor may read: their project's, or a readable dataset's."""
    members = own_projects(tx)
    used = (
        sa.select(VERSIONS.c.recipe)
        .join(DATASETS, DATASETS.c.id == VERSIONS.c.dataset)
        .where(
            VERSIONS.c.recipe == RECIPES.c.id,
            DATASETS.c.project.in_(members),
            DATASETS.c.deleted_at.is_(None),
        )
    )
    rows = tx.rows(
        sa.select(RECIPES.c.id).where(
            among(RECIPES.c.id, ids), sa.or_(RECIPES.c.project.in_(members), used.exists())
        )
    )
    return {row.id for row in rows}


def readable_revisions(
    tx: Tx, wanted: Collection[tuple[int, int | None]]
) -> dict[tuple[int, int | None], RecipeRecord]:
    """As `recipes_by_id`, of the recipes that the actor may read."""
    readable = readable_recipes(tx, {recipe for recipe, _ in wanted})
    return recipes_by_id(tx, [pair for pair in wanted if pair[0] in readable])


def recipe_for_use(tx: Tx, recipe: int) -> RecipeRecord:
    """The newest revision of a recipe that a dataset is about to take up.

    It can be neither edited nor deleted until the transaction ends. Raises NotFound for one that
    is absent, deleted, or not the actor's to read.
    """
    if not readable_recipes(tx, [recipe]):
        raise no_such_recipe()
    return lock_recipe(tx, recipe, shared=True)


def clone_recipe(tx: Tx, recipe: int, project: int, title: str) -> int:
    """A new recipe in `project`, at revision 1, with the content that `recipe` has now.

    Raises NotFound (the project, the recipe), Forbidden and Invalid.
    """
    require(tx, project, Permission.WRITE)
    source = recipe_for_use(tx, recipe)
    return insert_recipe(tx, project, clean_name(title, ("title",)), source.content)


def label_uses(tx: Tx, recipe: int, labels: Collection[str]) -> dict[str, int]:
    """How many annotations carry each of `labels` in the heads of datasets that have the recipe.

    Counts only datasets that the actor may read; labels that none carries count 0.
    """
    members = own_projects(tx)
    rows = tx.rows(
        sa.select(LABEL_COUNTS.c.label, sa.func.sum(LABEL_COUNTS.c.annotations).label("uses"))
        .join(DATASETS, DATASETS.c.id == LABEL_COUNTS.c.dataset)
        .join(
            VERSIONS,
            sa.and_(VERSIONS.c.dataset == DATASETS.c.id, VERSIONS.c.number == DATASETS.c.head),
        )
        .where(
            VERSIONS.c.recipe == recipe,
            DATASETS.c.project.in_(members),
            DATASETS.c.deleted_at.is_(None),
            LABEL_COUNTS.c.until == FOREVER,
            among(LABEL_COUNTS.c.label, labels),
        )
        .group_by(LABEL_COUNTS.c.label)
    )
    return dict.fromkeys(labels, 0) | {row.label: int(row.uses) for row in rows}
