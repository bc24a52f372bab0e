"""Pages of the recipes of a project."""

from __future__ import annotations

from collections.abc import Collection

import gql_service.api.types.recipe as recipes
from gql_service.api.arguments import PageArguments
from gql_service.api.connections import Connection, window
from gql_service.api.context import Info
from gql_service.api.types.lazy import LazyRecipe
from gql_service.catalog.recipe import RecipeRecord, count_recipes, recipe_page
from gql_service.database.engine import Tx

_Shape = tuple[int | None, int, bool]


async def recipe_connection(
    info: Info, project: int, page: PageArguments
) -> Connection[LazyRecipe]:
    """A page of the recipes of a project that the viewer may read."""
    asked = window(("recipes", project), *page)
    shape = (asked.anchor, asked.limit, asked.backwards)
    found = await info.context.load_with(_pages, project, shape) or []
    more = len(found) > asked.limit
    kept = found[more:] if asked.backwards else found[: asked.limit]

    async def count() -> int:
        return await info.context.load(count_recipes, project) or 0

    anchored = asked.anchor is not None
    return Connection(
        rows=[recipes.Recipe.of(record) for record in kept],
        cursors=[asked.cursor(record.id) for record in kept],
        has_next=anchored if asked.backwards else more,
        has_previous=more if asked.backwards else anchored,
        count=count,
    )


def _pages(tx: Tx, projects: Collection[int], shape: _Shape) -> dict[int, list[RecipeRecord]]:
    """One recipe more than asked for, which tells whether there are more. One page per project."""
    anchor, limit, backwards = shape
    return {
        project: recipe_page(
            tx,
            project,
            limit=limit + 1,
            after=None if backwards else anchor,
            before=anchor if backwards else None,
            backwards=backwards,
        )
        for project in projects
    }
