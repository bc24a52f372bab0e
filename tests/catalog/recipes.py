"""Recipes to test with, and Hypothesis strategies for them."""

from __future__ import annotations

from hypothesis import strategies as st

from gql_service.catalog.coordinates import AnnotationType
from gql_service.catalog.recipe_check import checked
from gql_service.catalog.recipe_content import (
    CHOICES,
    Attribute,
    AttributeRange,
    AttributeType,
    Label,
    RecipeContent,
    walk,
)

PETS = RecipeContent(
    labels=(
        Label(
            "animal",
            attributes=("colour",),
            children=(
                Label("dog", display_name="Dog", color="#AABBCC", children=(Label("poodle"),)),
                Label("cat"),
            ),
        ),
        Label("person"),
    ),
    attributes=(
        Attribute("colour", AttributeType.SINGLE_CHOICE, values=("black", "brown"), scope=()),
        Attribute(
            "seen",
            AttributeType.MULTIPLE_CHOICE,
            values=("head", "tail", "paws"),
            scope=("animal.dog", "animal.cat"),
            optional=False,
        ),
        Attribute("age", AttributeType.RANGE, range=AttributeRange(0, 20, 0.5)),
        Attribute("asleep", AttributeType.BOOLEAN),
        Attribute("remark", AttributeType.FREE_TEXT, title="Remark"),
    ),
    tools=(AnnotationType.BOX, AnnotationType.CLASSIFICATION),
    instructions="Draw tightly.",
)

_NAMES = st.sampled_from(["a", "b", "c", "é", "ñandú", "Å", "x y", "Ω"])
_NUMBERS = st.integers(-100, 100) | st.floats(-100, 100, width=16)


@st.composite
def _attributes(draw: st.DrawFn, key: str, full_names: list[str]) -> Attribute:
    type_ = draw(st.sampled_from(AttributeType))
    values = draw(st.lists(_NAMES, min_size=1, max_size=4, unique=True))
    low, high = sorted([draw(_NUMBERS), draw(_NUMBERS)])
    step = draw(st.none() | st.just((high - low) / 2)) or None
    scopes = st.lists(st.sampled_from(full_names), unique=True) if full_names else st.just([])
    scope = draw(st.none() | scopes)
    return Attribute(
        key,
        type_,
        values=tuple(values) if type_ in CHOICES else None,
        range=AttributeRange(low, high, step) if type_ is AttributeType.RANGE else None,
        scope=None if scope is None else tuple(scope),
        optional=draw(st.booleans()),
    )


def _trees(keys: list[str]) -> st.SearchStrategy[list[Label]]:
    own_keys = st.lists(st.sampled_from(keys), unique=True) if keys else st.just([])

    def level(children: st.SearchStrategy[list[Label]]) -> st.SearchStrategy[list[Label]]:
        label = st.builds(
            Label,
            name=_NAMES,
            attributes=own_keys.map(tuple),
            children=children.map(tuple),
        )
        return st.lists(label, max_size=2, unique_by=lambda label: label.name)

    return level(level(level(st.just([]))))


@st.composite
def contents(draw: st.DrawFn) -> RecipeContent:
    """Checked contents of every kind."""
    keys = draw(st.lists(_NAMES, max_size=3, unique=True))
    labels = tuple(draw(_trees(keys)))
    full_names = [name for name, _ in walk(labels)]
    return checked(
        RecipeContent(
            labels=labels,
            attributes=tuple(draw(_attributes(key, full_names)) for key in keys),
            tools=tuple(draw(st.lists(st.sampled_from(AnnotationType), unique=True, max_size=3))),
            instructions=draw(st.none() | _NAMES),
            strict=draw(st.booleans()),
        )
    )
