"""What the mutations of recipes are given, and what that means to the catalog."""

from __future__ import annotations

import strawberry

from gql_service.api.inputs.operators import operator
from gql_service.api.inputs.selectors import IDEMPOTENCY_KEY
from gql_service.api.types.enums import AnnotationType, AttributeType
from gql_service.catalog import recipe_content as content
from gql_service.catalog.recipe_content import RecipeContent

_TITLE = "Its title: 1 to 200 characters on one line."
_LABELS = "The roots of the label tree: at most 10,000 labels in all, 16 levels deep."
_ATTRIBUTES = "What annotations can say beside their labels: at most 200."
_TOOLS = "Which types of annotations are allowed; empty for all."
_INSTRUCTIONS = "What annotators should know: up to 50,000 characters; an empty text for none."
_STRICT = "Whether labels and attributes of annotations must be among these."


@strawberry.input(description="A label, and those below it.")
class LabelInput:
    name: str = strawberry.field(
        description="Its own part of the full name, without dots, unique among its siblings."
    )
    display_name: str | None = operator("What to show to people; by default the name.")
    color: str | None = operator("As #rrggbb; by default one that follows from the name.")
    attributes: list[str] | None = operator(
        "Keys of attributes of this recipe that apply to it, beside those whose scope says so."
    )
    children: list[LabelInput] | None = operator("The labels directly below it.")


@strawberry.input(description="The numbers that a range attribute takes.")
class AttributeRangeInput:
    min: float = strawberry.field(description="The least number, included.")
    max: float = strawberry.field(description="The greatest number, included.")
    step: float | None = operator(
        "The distance of allowed numbers, counted from the least; by default any number."
    )


@strawberry.input(description="Something an annotation can say beside its label.")
class AttributeInput:
    key: str = strawberry.field(description="Its name in `attributes` of annotations.")
    title: str | None = operator("What to show to people; by default the key.")
    type: AttributeType = strawberry.field(description="What values it takes.")
    values: list[str] | None = operator("The choices, 1 to 1,000: for choices only.")
    range: AttributeRangeInput | None = operator("The numbers: for ranges only.")
    scope: list[str] | None = operator(
        "Full names of labels of this recipe that it applies to; by default all labels."
    )
    optional: bool = strawberry.field(
        default=True, description="Whether an annotation can be complete without."
    )


@strawberry.input(description="A recipe to create.")
class CreateRecipeInput:
    project_id: strawberry.ID = strawberry.field(description="The project that it is for.")
    title: str = strawberry.field(description=_TITLE)
    labels: list[LabelInput] | None = operator(_LABELS)
    attributes: list[AttributeInput] | None = operator(_ATTRIBUTES)
    tools: list[AnnotationType] | None = operator(_TOOLS)
    instructions: str | None = operator(_INSTRUCTIONS)
    strict: bool = strawberry.field(default=True, description=_STRICT)
    idempotency_key: str | None = operator(IDEMPOTENCY_KEY)


@strawberry.input(description="What to change of a recipe; what is not given stays.")
class UpdateRecipeInput:
    recipe_id: strawberry.ID = strawberry.field(description="The recipe.")
    title: str | None = operator(_TITLE)
    labels: list[LabelInput] | None = operator(_LABELS)
    attributes: list[AttributeInput] | None = operator(_ATTRIBUTES)
    tools: list[AnnotationType] | None = operator(_TOOLS)
    instructions: str | None = operator(_INSTRUCTIONS)
    strict: bool | None = operator(_STRICT)
    idempotency_key: str | None = operator(IDEMPOTENCY_KEY)


@strawberry.input(description="A recipe to copy.")
class CloneRecipeInput:
    recipe_id: strawberry.ID = strawberry.field(
        description="The recipe, which the viewer can read."
    )
    project_id: strawberry.ID | None = operator(
        "The project that the copy is for; by default that of the recipe."
    )
    title: str | None = operator("Of the copy: 1 to 200 characters; by default that of the recipe.")
    idempotency_key: str | None = operator(IDEMPOTENCY_KEY)


@strawberry.input(description="A recipe to delete.")
class DeleteRecipeInput:
    recipe_id: strawberry.ID = strawberry.field(description="The recipe.")
    idempotency_key: str | None = operator(IDEMPOTENCY_KEY)


def content_of(input: CreateRecipeInput) -> RecipeContent:
    return changed(RecipeContent(), input)


def changed(held: RecipeContent, input: CreateRecipeInput | UpdateRecipeInput) -> RecipeContent:
    """The content with what is given in the place of what was there. Not yet checked."""
    return RecipeContent(
        labels=held.labels if input.labels is None else tuple(map(_label, input.labels)),
        attributes=(
            held.attributes
            if input.attributes is None
            else tuple(map(_attribute, input.attributes))
        ),
        tools=held.tools if input.tools is None else tuple(input.tools),
        instructions=held.instructions if input.instructions is None else input.instructions,
        strict=held.strict if input.strict is None else input.strict,
    )


def _label(given: LabelInput) -> content.Label:
    return content.Label(
        name=given.name,
        display_name=given.display_name or "",
        color=given.color or "",
        attributes=tuple(given.attributes or ()),
        children=tuple(map(_label, given.children or ())),
    )


def _attribute(given: AttributeInput) -> content.Attribute:
    span = given.range
    return content.Attribute(
        key=given.key,
        type=given.type,
        title=given.title or "",
        values=None if given.values is None else tuple(given.values),
        range=None if span is None else content.AttributeRange(span.min, span.max, span.step),
        scope=None if given.scope is None else tuple(given.scope),
        optional=given.optional,
    )
