"""Where an import goes: a dataset found by its name, or made together with what it needs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gql_service.catalog.coordinates import AnnotationType
from gql_service.catalog.dataset import DatasetRecord, dataset_by_name
from gql_service.catalog.project import Permission, create_project, project_by_name, require
from gql_service.catalog.recipe import RecipeRecord, create_recipe
from gql_service.catalog.recipe_content import Label, RecipeContent
from gql_service.catalog.recipe_use import recipe_for_use
from gql_service.database.engine import Tx
from gql_service.errors import Invalid
from gql_service.versions.datasets import create_dataset, recipe_at

COLORS = ("#e6194b", "#3cb44b", "#4363d8", "#f58231", "#911eb4", "#46f0f0", "#f032e6", "#9a6324")


@dataclass(frozen=True, slots=True)
class Target:
    """The names of a project and a dataset, and a recipe by number for a dataset to be made."""

    project: str
    dataset: str
    recipe: int | None = None


def prepare_target(tx: Tx, project: str, dataset: str, classes: Sequence[str]) -> int:
    """The dataset of that name in the project of that name, for the actor to write to.

    What is absent is made: the project, and a dataset whose recipe has `classes` as its labels and
    lets them be given as classifications and boxes. An existing dataset keeps its recipe. Raises
    Forbidden, NotFound (a project of others), Invalid.
    """
    return make_target(tx, Target(project, dataset), class_recipe(classes))


def make_target(tx: Tx, target: Target, content: RecipeContent) -> int:
    """The dataset of a target. One that is made gets the target's recipe, or a new one of this
    content. Raises as `prepare_target`."""
    found = project_by_name(tx, target.project)
    owner = create_project(tx, target.project) if found is None else found.id
    require(tx, owner, Permission.WRITE)
    existing = dataset_by_name(tx, owner, target.dataset)
    if existing is not None:
        return existing.id
    recipe = target.recipe
    if recipe is None:
        recipe = create_recipe(tx, owner, f"Classes of {target.dataset}", content)
    return create_dataset(tx, owner, target.dataset, recipe)


def recipe_of_target(tx: Tx, target: Target) -> RecipeRecord | None:
    """The recipe that an import has to keep to: the dataset's, else the target's, else None.

    Raises Invalid when the dataset has another recipe than the target, NotFound for a recipe that
    the actor cannot read.
    """
    existing = dataset_of_target(tx, target)
    wanted = None if target.recipe is None else recipe_for_use(tx, target.recipe)
    if existing is None:
        return wanted
    held = recipe_at(tx, existing.id, existing.head)
    if wanted is not None and wanted.id != held.id:
        raise Invalid(f"The dataset has the recipe {held.title!r} already", path=("recipe",))
    return held


def dataset_of_target(tx: Tx, target: Target) -> DatasetRecord | None:
    """The dataset, when it is there for the actor to read."""
    project = project_by_name(tx, target.project)
    return None if project is None else dataset_by_name(tx, project.id, target.dataset)


def class_recipe(classes: Sequence[str]) -> RecipeContent:
    """A recipe with a flat list of labels."""
    labels = tuple(
        Label(name, display_name=name, color=COLORS[at % len(COLORS)])
        for at, name in enumerate(classes)
    )
    tools = (AnnotationType.CLASSIFICATION, AnnotationType.BOX)
    return RecipeContent(labels=labels, attributes=(), tools=tools, instructions=None, strict=True)
