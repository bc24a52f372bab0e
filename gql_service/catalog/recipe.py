"""Recipes: what a dataset promises about its labels. Every edit is a new immutable revision."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from gql_service.catalog.names import clean_name
from gql_service.catalog.project import Permission, require
from gql_service.catalog.recipe_check import checked
from gql_service.catalog.recipe_content import RecipeContent, from_text, to_text
from gql_service.catalog.recipe_equality import fingerprint
from gql_service.database.columns import BigKey, Timestamp, table_of
from gql_service.database.engine import Tx
from gql_service.database.plan import Prepared
from gql_service.database.sets import among, among_given
from gql_service.errors import NotFound


class Recipe(SQLModel, table=True):
    """A line of revisions; `revision` is the newest one, which the heads of datasets follow."""

    __tablename__ = "recipes"

    id: int | None = Field(default=None, sa_type=BigKey, primary_key=True)
    project: int = Field(sa_type=sa.BigInteger, foreign_key="projects.id", index=True)
    revision: int = Field(sa_type=sa.BigInteger)
    creator: int = Field(sa_type=sa.BigInteger, foreign_key="users.id")
    created_at: datetime = Field(sa_type=Timestamp)
    deleted_at: datetime | None = Field(default=None, sa_type=Timestamp)


class RecipeRevision(SQLModel, table=True):
    """One immutable state of a recipe. `content` is the JSON text of `RecipeContent`."""

    __tablename__ = "recipe_revisions"

    recipe: int = Field(sa_type=sa.BigInteger, foreign_key="recipes.id", primary_key=True)
    revision: int = Field(sa_type=sa.BigInteger, primary_key=True)
    title: str
    fingerprint: str
    content: str
    author: int = Field(sa_type=sa.BigInteger, foreign_key="users.id")
    created_at: datetime = Field(sa_type=Timestamp)


RECIPES = table_of(Recipe)
REVISIONS = table_of(RecipeRevision)


@dataclass(frozen=True)
class RecipeRecord:
    """One revision of a recipe as read. `created_at` and `creator` are those of the recipe,
    `revised_at` and `author` those of the revision; `newest` is the newest revision there is."""

    id: int
    project: int
    newest: int
    creator: int
    created_at: datetime
    deleted_at: datetime | None
    revision: int
    title: str
    fingerprint: str
    text: str
    author: int
    revised_at: datetime

    @cached_property
    def content(self) -> RecipeContent:
        return from_text(self.text)


def create_recipe(tx: Tx, project: int, title: str, content: RecipeContent) -> int:
    """A new recipe at revision 1. Raises NotFound, Forbidden, Invalid and LimitExceeded."""
    require(tx, project, Permission.WRITE)
    return insert_recipe(tx, project, clean_name(title, ("title",)), checked(content))


def insert_recipe(tx: Tx, project: int, title: str, content: RecipeContent) -> int:
    """A new recipe of a clean title and a checked content; rights are the caller's to check."""
    row = {"project": project, "revision": 1, "creator": tx.actor, "created_at": tx.now}
    recipe: int = tx.scalar(sa.insert(RECIPES).values(row).returning(RECIPES.c.id))
    _insert_revision(tx, recipe, 1, title, content)
    return recipe


def update_recipe(
    tx: Tx, recipe: int, *, title: str | None = None, content: RecipeContent | None = None
) -> int:
    """The newest revision afterwards: a new one, or the old one when nothing would change.

    What is not given stays. The heads of datasets follow at once. Raises NotFound, Forbidden,
    Invalid and LimitExceeded.
    """
    held = lock_recipe(tx, recipe)
    require_writer(tx, held)
    wanted_title = held.title if title is None else clean_name(title, ("title",))
    wanted = held.content if content is None else checked(content)
    if (wanted_title, to_text(wanted)) == (held.title, held.text):
        return held.revision
    revision = held.revision + 1
    tx.execute(sa.update(RECIPES).where(RECIPES.c.id == recipe).values(revision=revision))
    _insert_revision(tx, recipe, revision, wanted_title, wanted)
    return revision


def lock_recipe(tx: Tx, recipe: int, *, shared: bool = False) -> RecipeRecord:
    """The newest revision, held to the end of the transaction: against every change, or with
    `shared` against changes by others only. Raises NotFound for one that is absent or deleted."""
    row = tx.first(
        sa.select(RECIPES.c.deleted_at).where(RECIPES.c.id == recipe).with_for_update(read=shared)
    )
    if row is None or row.deleted_at is not None:
        raise no_such_recipe()
    return recipes_by_id(tx, [(recipe, None)])[recipe, None]


def require_writer(tx: Tx, recipe: RecipeRecord) -> None:
    """Lets the actor change a recipe, or raises NotFound, as for an absent one, or Forbidden."""
    try:
        require(tx, recipe.project, Permission.WRITE, ("recipeId",))
    except NotFound:
        raise no_such_recipe() from None


def recipes_by_id(
    tx: Tx, wanted: Collection[tuple[int, int | None]]
) -> dict[tuple[int, int | None], RecipeRecord]:
    """The revisions asked for, None being the newest, under the very pairs asked for.

    Unknown ones are left out, deleted ones are not: old versions speak of them. Whoever asks.
    """
    ids = sorted({recipe for recipe, _ in wanted})
    numbers = sorted({revision for _, revision in wanted if revision is not None})
    rows = tx.rows(_REVISIONS_OF, {"recipes": ids, "revisions": numbers})
    found: dict[tuple[int, int | None], RecipeRecord] = {}
    for record in map(_record, rows):
        found[record.id, record.revision] = record
        if record.revision == record.newest:
            found[record.id, None] = record
    return {pair: found[pair] for pair in wanted if pair in found}


def newest_revision(tx: Tx, recipe: int) -> int:
    """Raises NotFound when there is no such recipe, or none any more."""
    revision: int | None = tx.scalar(
        sa.select(RECIPES.c.revision).where(RECIPES.c.id == recipe, RECIPES.c.deleted_at.is_(None))
    )
    if revision is None:
        raise no_such_recipe()
    return revision


def count_recipes(tx: Tx, projects: Collection[int]) -> dict[int, int]:
    """How many recipes each of `projects` has, deleted ones left out."""
    counted = dict.fromkeys(projects, 0)
    statement = sa.select(RECIPES.c.project, sa.func.count().label("recipes"))
    statement = statement.where(among(RECIPES.c.project, projects), RECIPES.c.deleted_at.is_(None))
    rows = tx.rows(statement.group_by(RECIPES.c.project))
    return counted | {row.project: row.recipes for row in rows}


def recipe_page(
    tx: Tx,
    project: int,
    *,
    limit: int,
    after: int | None = None,
    before: int | None = None,
    backwards: bool = False,
) -> list[RecipeRecord]:
    """Up to `limit` recipes of a project at their newest revisions, oldest recipe first.

    Ids lie between `after` and `before`, both excluded; `backwards` counts from the end, and the
    answer ascends all the same.
    """
    statement = _records().where(
        RECIPES.c.project == project,
        RECIPES.c.deleted_at.is_(None),
        REVISIONS.c.revision == RECIPES.c.revision,
    )
    if after is not None:
        statement = statement.where(RECIPES.c.id > after)
    if before is not None:
        statement = statement.where(RECIPES.c.id < before)
    statement = statement.order_by(RECIPES.c.id.desc() if backwards else RECIPES.c.id)
    page = [_record(row) for row in tx.rows(statement.limit(limit))]
    return page[::-1] if backwards else page


def no_such_recipe() -> NotFound:
    return NotFound("There is no such recipe", path=("recipeId",))


def _insert_revision(
    tx: Tx, recipe: int, revision: int, title: str, content: RecipeContent
) -> None:
    row = {
        "recipe": recipe,
        "revision": revision,
        "title": title,
        "fingerprint": fingerprint(content),
        "content": to_text(content),
        "author": tx.actor,
        "created_at": tx.now,
    }
    tx.execute(sa.insert(REVISIONS).values(row))


def _records() -> sa.Select[Any]:
    """The columns of `RecipeRecord`, by its names."""
    return sa.select(
        RECIPES.c.id,
        RECIPES.c.project,
        RECIPES.c.revision.label("newest"),
        RECIPES.c.creator,
        RECIPES.c.created_at,
        RECIPES.c.deleted_at,
        REVISIONS.c.revision,
        REVISIONS.c.title,
        REVISIONS.c.fingerprint,
        REVISIONS.c.content.label("text"),
        REVISIONS.c.author,
        REVISIONS.c.created_at.label("revised_at"),
    ).join(REVISIONS, REVISIONS.c.recipe == RECIPES.c.id)


_REVISIONS_OF = Prepared(
    _records().where(
        among_given(RECIPES.c.id, "recipes"),
        sa.or_(
            REVISIONS.c.revision == RECIPES.c.revision,
            among_given(REVISIONS.c.revision, "revisions"),
        ),
    )
)


def _record(row: sa.Row[Any]) -> RecipeRecord:
    return RecipeRecord(**row._mapping)
