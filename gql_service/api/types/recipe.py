"""Recipes: labels, attributes, tools and instructions, one immutable revision at a time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import strawberry

import gql_service.api.types.dataset_list as dataset_lists
import gql_service.api.types.project as projects
from gql_service.api.connections import After, Connection, First
from gql_service.api.context import Info
from gql_service.api.described import resolver
from gql_service.api.ids import RecipeId
from gql_service.api.types.enums import AnnotationType, AttributeType
from gql_service.api.types.errors import RecipeDifference, difference
from gql_service.api.types.lazy import LazyDataset, LazyProject
from gql_service.api.types.node import Node
from gql_service.catalog import recipe_content as content
from gql_service.catalog.dataset_list import DatasetScope
from gql_service.catalog.recipe import RecipeRecord, recipes_by_id
from gql_service.catalog.recipe_equality import differences


@strawberry.type(description="A label, and those below it.")
class Label:
    name: str = strawberry.field(description="Its own part of the full name, without dots.")
    full_name: str = strawberry.field(
        description="The names from the root joined by dots, as annotations carry it: "
        "animal.dog.poodle."
    )
    display_name: str = strawberry.field(description="What to show to people.")
    color: str = strawberry.field(description="As #rrggbb.")
    attributes: list[str] = strawberry.field(
        description="Keys of attributes that apply to it beside those whose scope says so."
    )
    children: list[Label] = strawberry.field(description="The labels directly below it.")


@strawberry.type(description="The numbers that a range attribute takes.")
class AttributeRange:
    min: float = strawberry.field(description="The least number, included.")
    max: float = strawberry.field(description="The greatest number, included.")
    step: float | None = strawberry.field(
        description="The distance of allowed numbers, counted from the least; null for any number."
    )


@strawberry.type(description="Something an annotation can say beside its label.")
class Attribute:
    key: str = strawberry.field(description="Its name in `attributes` of annotations.")
    title: str = strawberry.field(description="What to show to people.")
    type: AttributeType = strawberry.field(description="What values it takes.")
    values: list[str] | None = strawberry.field(description="The choices; null for other types.")
    range: AttributeRange | None = strawberry.field(
        description="The numbers; null for other types."
    )
    scope: list[str] | None = strawberry.field(
        description="Full names of the labels it applies to; null for all labels."
    )
    optional: bool = strawberry.field(description="Whether an annotation can be complete without.")


@strawberry.type(
    description="What a dataset promises about its labels, at one revision. Heads of datasets "
    "follow the newest revision; old versions read under the one they were written under."
)
class Recipe(Node):
    record: strawberry.Private[RecipeRecord]
    title: str = strawberry.field(description="Its title.")
    revision: int = strawberry.field(description="The number of this revision, from 1.")
    fingerprint: str = strawberry.field(
        description="64 hexadecimal digits, equal for equal recipes: those with the same labels, "
        "attributes and tools, whatever their titles, colours, orders and instructions."
    )
    created_at: datetime = strawberry.field(description="When the recipe was created.")

    @staticmethod
    def of(record: RecipeRecord, *, fixed: bool = False) -> Recipe:
        """`fixed` says that it was asked for at this revision; otherwise it is the newest."""
        return Recipe(
            id=strawberry.ID(str(RecipeId(record.id, record.revision if fixed else None))),
            record=record,
            title=record.title,
            revision=record.revision,
            fingerprint=record.fingerprint,
            created_at=record.created_at,
        )

    @resolver(
        description="The project it is in; null when the viewer is not a member of it, which is so "
        "for a recipe that a clone shares with a dataset elsewhere."
    )
    async def project(self, info: Info) -> LazyProject | None:
        return await projects.load_project(info, self.record.project)

    @resolver(description="The roots of the label tree.")
    def labels(self) -> list[Label]:
        return _labels(self.record.content.labels, "")

    @resolver(description="What annotations can say beside their labels.")
    def attributes(self) -> list[Attribute]:
        return [_attribute(one) for one in self.record.content.attributes]

    @resolver(description="Which types of annotations are allowed; empty for all.")
    def tools(self) -> list[AnnotationType]:
        return list(self.record.content.tools)

    @resolver(description="What annotators should know.")
    def instructions(self) -> str | None:
        return self.record.content.instructions

    @resolver(description="Whether labels and attributes of annotations must be among these.")
    def strict(self) -> bool:
        return self.record.content.strict

    @resolver(description="The readable datasets whose head has this recipe, by name.")
    async def datasets(
        self, info: Info, first: First = None, after: After = None
    ) -> Connection[LazyDataset]:
        return await dataset_lists.dataset_connection(
            info, DatasetScope.RECIPE, self.record.id, None, None, (first, after, None, None)
        )


@strawberry.type(description="Whether two recipes are equal, and in what they differ.")
class RecipeComparison:
    equal: bool = strawberry.field(description="Whether datasets with these recipes can be merged.")
    left: Recipe = strawberry.field(description="The one recipe.")
    right: Recipe = strawberry.field(description="The other recipe.")
    differences: list[RecipeDifference] = strawberry.field(
        description="Labels, then attributes, then tools, each by name; empty when equal."
    )


def comparison(left: Recipe, right: Recipe) -> RecipeComparison:
    found = differences(left.record.content, right.record.content)
    return RecipeComparison(
        equal=left.fingerprint == right.fingerprint,
        left=left,
        right=right,
        differences=[difference(each) for each in found],
    )


async def load_recipe(info: Info, recipe: int, revision: int | None) -> Recipe:
    """A recipe that a version names: at its newest revision, or at the one given."""
    record = await info.context.load(recipes_by_id, (recipe, revision))
    assert record is not None, "a version names a recipe that does not exist"
    return Recipe.of(record, fixed=revision is not None)


def _labels(labels: Sequence[content.Label], parent: str) -> list[Label]:
    named = [(f"{parent}.{label.name}" if parent else label.name, label) for label in labels]
    return [
        Label(
            name=label.name,
            full_name=full_name,
            display_name=label.display_name,
            color=label.color,
            attributes=list(label.attributes),
            children=_labels(label.children, full_name),
        )
        for full_name, label in named
    ]


def _attribute(one: content.Attribute) -> Attribute:
    span = one.range
    return Attribute(
        key=one.key,
        title=one.title,
        type=one.type,
        values=None if one.values is None else list(one.values),
        range=None if span is None else AttributeRange(min=span.min, max=span.max, step=span.step),
        scope=None if one.scope is None else list(one.scope),
        optional=one.optional,
    )
