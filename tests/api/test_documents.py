"""Documents at their limits and one beyond, and that judging them takes no time to speak of."""

from __future__ import annotations

import time
from collections import Counter
from typing import Any

import pytest
from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    OperationDefinitionNode,
    SelectionSetNode,
    get_introspection_query,
    parse,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from gql_service.api.documents import REPEATS, Documents
from gql_service.api.measure import COUNTLESS, Measure, measure
from gql_service.errors import LimitExceeded
from gql_service.settings import Settings


def chain(levels: int) -> str:
    return "{ a " * levels + "}" * levels


def fragments(count: int, tail: str, each: str = "...F{0} ...F{0}") -> str:
    """F0 is spread twice by F1, which is spread twice by F2, and so on."""
    parts = [f"fragment F0 on Query {{ {tail} }}"]
    parts += [f"fragment F{n} on Query {{ {each.format(n - 1)} }}" for n in range(1, count)]
    return f"query {{ x {{ ...F{count - 1} }} }} " + " ".join(parts)


def fields(count: int) -> str:
    """One field that has all others below it, each with a name of its own."""
    return "{ x { " + " ".join(f"f{n:x}" for n in range(count - 1)) + " } }"


def directives(count: int) -> str:
    return "query ($v: Int @d) @d { a ... @d { b ...F @d } } fragment F on Query @d { c " + (
        "@d " * (count - 5) + "}"
    )


LIMITS: list[tuple[str, str, str, str]] = [
    ("bytes", "{ a }" + " " * (16 * 1024 - 5), "{ a }" + " " * (16 * 1024 - 4), "16,384 bytes"),
    ("not letters", "{a}#" + "é" * 8_190, "{a}#" + "é" * 8_190 + "xx", "16,384 bytes"),
    (
        "tokens",
        "{ x(list: [" + "1 " * 1_991 + "]) }",
        "{ x(list: [" + "1 " * 1_992 + "]) }",
        "2,000 tokens",
    ),
    ("depth", chain(12), chain(13), "12 levels of fields"),
    (
        "depth in fragments",
        "{ a { ...F } } fragment F on Q { b { ...G } } fragment G on Q " + chain(10),
        "{ a { ...F } } fragment F on Q { b { ...G } } fragment G on Q " + chain(11),
        "12 levels of fields",
    ),
    (
        "root fields",
        "query { " + " ".join(f"f{n}" for n in range(18)) + " ...F } fragment F on Q { a b }",
        "query { " + " ".join(f"f{n}" for n in range(19)) + " ...F } fragment F on Q { a b }",
        "20 root fields",
    ),
    ("fields", fields(1_000), fields(1_001), "1,000 fields, fragments expanded"),
    (
        "aliases",
        "{ x { ...F } y { ...F } } fragment F on Q { " + "".join(f"a{n}: b " for n in range(15)),
        "{ x { ...F } y { ...F } z: y { b } } fragment F on Q { "
        + "".join(f"a{n}: b " for n in range(15)),
        "30 aliases, fragments expanded",
    ),
    ("directives", directives(50), directives(51), "50 directives, fragments expanded"),
    (
        "repeats",
        "{ x { " + "id " * 63 + "} }",  # 63 * 62 / 2 pairs
        "{ x { " + "id " * 64 + "} }",
        f"{REPEATS:,} pairs",
    ),
]


def closed(text: str) -> str:
    return text + "}" * (text.count("{") - text.count("}"))


@pytest.mark.parametrize(("at", "beyond", "named"), [row[1:] for row in LIMITS])
def test_a_document_at_a_limit_is_read_and_one_beyond_is_refused_by_name(
    at: str, beyond: str, named: str
) -> None:
    documents = Documents(Settings())
    assert isinstance(documents.read(closed(at)).node, DocumentNode)
    with pytest.raises(LimitExceeded, match=f"A document can have {named}") as refusal:
        documents.read(closed(beyond))
    assert "; this one has " in refusal.value.message
    assert refusal.value.path == ("query",)


SETTINGS: list[tuple[dict[str, Any], str, str]] = [
    ({"max_document_bytes": 1_024}, "{ a }" + " " * 1_019, "{ a }" + " " * 1_020),
    (
        {"max_document_tokens": 100},
        "{ a(b: [" + "1 " * 91 + "]) }",
        "{ a(b: [" + "1 " * 92 + "]) }",
    ),
    ({"max_depth": 2}, chain(2), chain(3)),
    ({"max_root_fields": 1}, "{ a }", "{ a b }"),
    ({"max_fields": 3}, "{ a { b c } }", "{ a { b c d } }"),
    ({"max_aliases": 0}, "{ a }", "{ b: a }"),
    ({"max_directives": 1}, "{ a @d }", "{ a @d @d }"),
]


@pytest.mark.parametrize(("changed", "at", "beyond"), SETTINGS)
def test_every_limit_is_a_setting(changed: dict[str, Any], at: str, beyond: str) -> None:
    documents = Documents(Settings(**{"max_root_fields": 200, **changed}))
    documents.read(at)
    with pytest.raises(LimitExceeded):
        documents.read(beyond)


def test_comments_are_not_tokens() -> None:
    Documents(Settings()).read("{ a }" + "#\n" * 8_000)


def test_what_lies_below_introspection_may_be_deep() -> None:
    documents = Documents(Settings())
    documents.read(get_introspection_query())
    documents.read("{ __schema " + "{ ofType " * 100 + "}" * 101)
    documents.read(closed("{ a " * 10 + "{ __type " + "{ ofType " * 100))
    with pytest.raises(LimitExceeded, match="levels"):
        documents.read(closed("{ __schema { x } a " + chain(12)))


BOMBS = {
    "fields": fragments(200, "a"),
    "aliases": fragments(200, "a: b"),
    "directives": fragments(150, "a", "...F{0} @d ...F{0} @d"),
    "depth": fragments(150, "a", "a {{ ...F{0} }} b {{ ...F{0} }}"),
    "inline": fragments(100, "a", "... {{ ...F{0} }} ... on Query {{ ...F{0} ...F{0} }}"),
}


@pytest.mark.parametrize("kind", BOMBS)
def test_fragments_that_double_and_double_are_counted_without_being_expanded(kind: str) -> None:
    node = parse(BOMBS[kind])
    began = time.perf_counter()
    size = measure(node)
    assert time.perf_counter() - began < 0.1
    assert size.fields == COUNTLESS
    with pytest.raises(LimitExceeded):
        Documents(Settings()).read(BOMBS[kind])


@pytest.mark.parametrize(
    "text",
    [
        "{ ...A } fragment A on Q { ...A }",
        "{ ...A } fragment A on Q { a { ...B } } fragment B on Q { ... { ...C } a }"
        " fragment C on Q { ...A ...D } fragment D on Q { a }",
        "{ a } fragment A on Q { ...B } fragment B on Q { ...A }",
    ],
)
def test_a_fragment_that_contains_itself_is_refused(text: str) -> None:
    with pytest.raises(GraphQLError, match="contains itself"):
        Documents(Settings()).read(text)


@pytest.mark.parametrize(
    "text",
    [
        "{ a } fragment Unused on Q { " + "id " * 100 + "}",
        "{ ...F } fragment F on Q { " + "id " * 100 + "} fragment F on Q { a }",
        "{ ...F } fragment F on Q { a } fragment F on Q { ...G } fragment G on Q { " + "b " * 100,
        "query a { a } query b { " + "...F " * 5 + "} fragment F on Q { ...G ...H }"
        " fragment G on Q { " + "i " * 40 + "} fragment H on Q { " + "i " * 40,
    ],
)
def test_no_definition_escapes_by_not_being_used(text: str) -> None:
    with pytest.raises(LimitExceeded, match=r"pairs of fields|root fields"):
        Documents(Settings()).read(closed(text))


def test_what_is_sent_again_is_not_read_again() -> None:
    documents = Documents(Settings())
    first = documents.read("{ a }")
    assert documents.read("{ a }") is first
    for number in range(256):
        documents.read(f"{{ a{number} }}")
    assert documents.read("{ a }") is not first


def test_an_empty_selection_is_no_document() -> None:
    for text in ("{}", "{ a {} }", "{ ... {} }", "{ ...F } fragment F on Q {}"):
        with pytest.raises(GraphQLError):
            Documents(Settings()).read(text)


# Against a count that simply expands everything.


def expanded(node: DocumentNode) -> Measure:
    named = {f.name.value: f for f in node.definitions if isinstance(f, FragmentDefinitionNode)}
    totals: Counter[str] = Counter()
    places: Counter[tuple[str, ...]] = Counter()

    def walk(selections: SelectionSetNode, path: tuple[str, ...]) -> None:
        for one in selections.selections:
            totals["directives"] += len(one.directives or ())
            if isinstance(one, FieldNode):
                here = (*path, (one.alias or one.name).value)
                totals["fields"] += 1
                totals["aliases"] += one.alias is not None
                totals["root_fields"] += not path
                totals["repeats"] += places[here]
                places[here] += 1
                totals["depth"] = max(totals["depth"], len(here))
                if one.selection_set:
                    walk(one.selection_set, here)
            elif isinstance(one, FragmentSpreadNode):
                fragment = named[one.name.value]
                totals["directives"] += len(fragment.directives or ())
                walk(fragment.selection_set, path)
            else:
                walk(one.selection_set, path)

    for definition in node.definitions:
        if isinstance(definition, OperationDefinitionNode):
            walk(definition.selection_set, ())
    return Measure(**totals)


@st.composite
def any_document(draw: st.DrawFn) -> str:
    """Three fragments, each of which may spread those before it, and an operation with all."""
    made: list[str] = []

    def selections(depth: int, spreadable: int) -> str:
        return "{ " + " ".join(one(depth, spreadable) for _ in range(draw(st.integers(1, 3)))) + "}"

    def one(depth: int, spreadable: int) -> str:
        kind = draw(st.sampled_from(["leaf", "leaf", "field", "inline", "spread"]))
        directive = draw(st.sampled_from(["", "@d"]))
        if kind == "spread" and spreadable:
            return f"...F{draw(st.integers(0, spreadable - 1))} {directive}"
        if kind == "inline" and depth:
            return f"... {directive} {selections(depth - 1, spreadable)}"
        alias = draw(st.sampled_from(["", "x: ", "y: "]))
        below = selections(depth - 1, spreadable) if kind == "field" and depth else ""
        return f"{alias}{draw(st.sampled_from('abc'))} {directive} {below}"

    for number in range(3):
        made.append(f"fragment F{number} on Q {selections(2, number)}")
    return f"query {selections(2, 3)[:-1]} ...F0 ...F1 ...F2 }} " + " ".join(made)


@given(any_document())
@settings(max_examples=100, deadline=None)
def test_measuring_agrees_with_expanding(text: str) -> None:
    node = parse(text)
    wanted, found = expanded(node), measure(node)
    # A fragment that is spread twice at one place is compared with itself by no validator.
    assert found.repeats <= wanted.repeats
    for name in ("depth", "root_fields", "fields", "aliases", "directives"):
        assert getattr(found, name) == getattr(wanted, name), name
