"""Recipes: create, change, copy, delete."""

from __future__ import annotations

from typing import Annotated

import strawberry
from pydantic import TypeAdapter

from gql_service.api.context import Info
from gql_service.api.described import mutation
from gql_service.api.ids import ProjectId, RecipeId, parse_as
from gql_service.api.inputs.recipes import (
    CloneRecipeInput,
    CreateRecipeInput,
    DeleteRecipeInput,
    UpdateRecipeInput,
    changed,
    content_of,
)
from gql_service.api.mutations.answers import INPUT
from gql_service.api.once import NOTHING, NUMBER, write_once
from gql_service.api.types.enums import Permission
from gql_service.api.types.errors import (
    ConflictError,
    ForbiddenError,
    NotFoundError,
    ValidationError,
)
from gql_service.api.types.facet import LabelCount
from gql_service.api.types.recipe import Recipe
from gql_service.catalog.deletion import delete_recipe
from gql_service.catalog.project import require
from gql_service.catalog.recipe import (
    create_recipe,
    lock_recipe,
    no_such_recipe,
    recipes_by_id,
    update_recipe,
)
from gql_service.catalog.recipe_use import (
    clone_recipe,
    label_uses,
    readable_recipes,
    readable_revisions,
    recipe_for_use,
)
from gql_service.database.engine import Tx

_USES: TypeAdapter[dict[str, int]] = TypeAdapter(dict[str, int])


@strawberry.type(description="The recipe was created.")
class CreateRecipeSuccess:
    recipe: Recipe = strawberry.field(description="The new recipe, at revision 1.")


@strawberry.type(description="The recipe has the content that was asked for.")
class UpdateRecipeSuccess:
    recipe: Recipe = strawberry.field(
        description="The recipe at its newest revision: the same as before when nothing changed."
    )
    removed_labels: list[LabelCount] = strawberry.field(
        description="Labels that the change removed, with how many annotations still carry them in "
        "the heads of readable datasets; those annotations stay."
    )


@strawberry.type(description="The recipe was copied.")
class CloneRecipeSuccess:
    recipe: Recipe = strawberry.field(description="The copy, at revision 1.")


@strawberry.type(description="The recipe was deleted.")
class DeleteRecipeSuccess:
    recipe_id: strawberry.ID = strawberry.field(description="The id that the recipe had.")


CreateRecipeResult = Annotated[
    CreateRecipeSuccess | ValidationError | NotFoundError | ForbiddenError | ConflictError,
    strawberry.union("CreateRecipeResult", description="The new recipe, or why there is none."),
]
UpdateRecipeResult = Annotated[
    UpdateRecipeSuccess | ValidationError | NotFoundError | ForbiddenError | ConflictError,
    strawberry.union("UpdateRecipeResult", description="The recipe, or why it stays as it was."),
]
CloneRecipeResult = Annotated[
    CloneRecipeSuccess | ValidationError | NotFoundError | ForbiddenError | ConflictError,
    strawberry.union("CloneRecipeResult", description="The copy, or why there is none."),
]
DeleteRecipeResult = Annotated[
    DeleteRecipeSuccess | ValidationError | NotFoundError | ForbiddenError | ConflictError,
    strawberry.union("DeleteRecipeResult", description="The id, or why the recipe stays."),
]


@strawberry.type
class RecipeMutations:
    @mutation(description="Creates a recipe. For developers and owners.")
    async def create_recipe(
        self, info: Info, input: Annotated[CreateRecipeInput, INPUT]
    ) -> CreateRecipeResult:
        project = parse_as(ProjectId, input.project_id, ("projectId",)).key
        content = content_of(input)
        recipe = await write_once(
            info, input, NUMBER, lambda tx: create_recipe(tx, project, input.title, content)
        )
        return CreateRecipeSuccess(recipe=await _recipe(info, recipe))

    @mutation(
        description="Makes a new revision of a recipe, which the heads of its datasets follow at "
        "once; no version of a dataset is made. For developers and owners."
    )
    async def update_recipe(
        self, info: Info, input: Annotated[UpdateRecipeInput, INPUT]
    ) -> UpdateRecipeResult:
        recipe = _recipe_key(input.recipe_id)
        removed = await write_once(info, input, _USES, lambda tx: _update(tx, recipe, input))
        return UpdateRecipeSuccess(
            recipe=await _recipe(info, recipe),
            removed_labels=[
                LabelCount(label=label, count=uses) for label, uses in sorted(removed.items())
            ],
        )

    @mutation(
        description="Copies a recipe that the viewer can read, with its whole content. For "
        "developers and owners of the project that the copy is for."
    )
    async def clone_recipe(
        self, info: Info, input: Annotated[CloneRecipeInput, INPUT]
    ) -> CloneRecipeResult:
        source = _recipe_key(input.recipe_id)
        given = input.project_id
        project = None if given is None else parse_as(ProjectId, given, ("projectId",)).key

        def clone(tx: Tx) -> int:
            held = recipe_for_use(tx, source)
            into = held.project if project is None else project
            return clone_recipe(tx, source, into, input.title or held.title)

        recipe = await write_once(info, input, NUMBER, clone)
        return CloneRecipeSuccess(recipe=await _recipe(info, recipe))

    @mutation(
        description="Takes a recipe out of its project; old versions still read under its "
        "revisions. For developers and owners. Fails with CONFLICT while the head of a dataset "
        "has it."
    )
    async def delete_recipe(
        self, info: Info, input: Annotated[DeleteRecipeInput, INPUT]
    ) -> DeleteRecipeResult:
        recipe = _recipe_key(input.recipe_id)
        await write_once(info, input, NOTHING, lambda tx: _delete(tx, recipe))
        return DeleteRecipeSuccess(recipe_id=strawberry.ID(str(RecipeId(recipe))))


async def _recipe(info: Info, recipe: int) -> Recipe:
    """A recipe at its newest revision. Raises NotFound when it is not the viewer's to read any
    more: a retry may come late."""
    newest: tuple[int, int | None] = (recipe, None)
    record = await info.context.load(readable_revisions, newest)
    if record is None:
        raise no_such_recipe()
    return Recipe.of(record, fixed=False)


def _recipe_key(text: str) -> int:
    return parse_as(RecipeId, text, ("recipeId",)).key


def _update(tx: Tx, recipe: int, input: UpdateRecipeInput) -> dict[str, int]:
    """Updates, and returns the labels that are not there any more with their uses."""
    _require_visible(tx, recipe)
    held = lock_recipe(tx, recipe)
    require(tx, held.project, Permission.WRITE, ("recipeId",))
    update_recipe(tx, recipe, title=input.title, content=changed(held.content, input))
    now = recipes_by_id(tx, [(recipe, None)])[recipe, None]
    removed = held.content.labels_by_name.keys() - now.content.labels_by_name.keys()
    return label_uses(tx, recipe, removed) if removed else {}


def _delete(tx: Tx, recipe: int) -> None:
    _require_visible(tx, recipe)
    delete_recipe(tx, recipe)


def _require_visible(tx: Tx, recipe: int) -> None:
    """A recipe of others must look like none at all."""
    if not readable_recipes(tx, [recipe]):
        raise no_such_recipe()
