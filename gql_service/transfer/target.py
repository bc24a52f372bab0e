"""Where an import goes: a dataset found by its name, or made together with what it needs."""

from __future__ import annotations

from collections.abc import Sequence

from gql_service.catalog.coordinates import AnnotationType
from gql_service.catalog.dataset import dataset_by_name
from gql_service.catalog.project import Permission, create_project, project_by_name, require
from gql_service.catalog.recipe import create_recipe
from gql_service.catalog.recipe_content import Label, RecipeContent
from gql_service.database.engine import Tx
from gql_service.versions.datasets import create_dataset

COLORS = ("#e6194b", "#3cb44b", "#4363d8", "#f58231", "#911eb4", "#46f0f0", "#f032e6", "#9a6324")


def prepare_target(tx: Tx, project: str, dataset: str, classes: Sequence[str]) -> int:
    """The dataset of that name in the project of that name, for the actor to write to.

    What is absent is made: the project, and a dataset whose recipe has `classes` as its labels and
    lets them be given as classifications and boxes. An existing dataset keeps its recipe. Raises
    Forbidden, NotFound (a project of others), Invalid.
    """
    found = project_by_name(tx, project)
    owner = create_project(tx, project) if found is None else found.id
    require(tx, owner, Permission.WRITE)
    existing = dataset_by_name(tx, owner, dataset)
    if existing is not None:
        return existing.id
    recipe = create_recipe(tx, owner, f"Classes of {dataset}", class_recipe(classes))
    return create_dataset(tx, owner, dataset, recipe)


def class_recipe(classes: Sequence[str]) -> RecipeContent:
    """A recipe with a flat list of labels."""
    labels = tuple(
        Label(name, display_name=name, color=COLORS[at % len(COLORS)])
        for at, name in enumerate(classes)
    )
    tools = (AnnotationType.CLASSIFICATION, AnnotationType.BOX)
    return RecipeContent(labels=labels, attributes=(), tools=tools, instructions=None, strict=True)
