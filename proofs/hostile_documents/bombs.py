"""Documents that try to cost more to answer than to send, of every family and of many sizes."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

Bomb = tuple[str, dict[str, Any]]
"""The document and its variables."""

_ROOTS = ["viewer { user { id } }", 'node(id: "pr_1") { id }', "projects { totalCount }"]
_LISTS = ["fields", "inputFields", "possibleTypes", "interfaces", "enumValues"]


def _size(rng: random.Random, most: int) -> int:
    """Mostly around what just passes; now and then all that a document can hold."""
    return max(1, int(most * rng.choice([0.01, 0.03, 0.1, 0.3, 0.6, 1.0]) * rng.uniform(0.5, 1.1)))


def aliases(rng: random.Random) -> Bomb:
    count = _size(rng, 900)
    field = rng.choice(["__typename", *_ROOTS])
    return "{ " + " ".join(f"a{n}: {field}" for n in range(count)) + " }", {}


def nested_aliases(rng: random.Random) -> Bomb:
    count = _size(rng, 60)
    inner = " ".join(f"a{n}: id" for n in range(count))
    return f"{{ viewer {{ {' '.join(f'u{n}: user {{ {inner} }}' for n in range(count))} }} }}", {}


def repeated_fields(rng: random.Random) -> Bomb:
    count = _size(rng, 990)
    field = rng.choice(["id", "name", "id name", "__typename"])
    return "{ viewer { user { " + f"{field} " * count + "} } }", {}


def repeated_selections(rng: random.Random) -> Bomb:
    wide = _size(rng, 30)
    return "{ " + ("viewer { " + "user { id name } " * wide + "} ") * _size(rng, 30) + "}", {}


def doubling_fragments(rng: random.Random) -> Bomb:
    count, times = _size(rng, 150), rng.randint(1, 4)
    spread = rng.choice(["...F{0}", "... {{ ...F{0} }}", "... on User {{ ...F{0} }}", "...F{0} @a"])
    parts = [
        f"fragment F{n} on User {{ {' '.join([spread.format(n - 1)] * times)} }}"
        for n in range(1, count)
    ]
    rng.shuffle(parts)
    text = f"{{ viewer {{ user {{ ...F{count - 1} }} }} }} fragment F0 on User {{ id name }} "
    return text + " ".join(parts), {}


def many_fragments(rng: random.Random) -> Bomb:
    count, field = _size(rng, 170), rng.choice(["id", "name", "id name email"])
    parts = [f"fragment F{n} on User {{ {field} }}" for n in range(count)]
    spreads = " ".join(f"...F{n}" for n in range(count))
    return f"{{ viewer {{ user {{ {spreads} }} }} }} {' '.join(parts)}", {}


def deep_fragments(rng: random.Random) -> Bomb:
    count = _size(rng, 120)
    parts = [
        f"fragment F{n} on Project {{ datasets {{ nodes {{ project {{ ...F{n - 1} }} }} }} }}"
        for n in range(1, count)
    ]
    text = (
        f'{{ project(by: {{id: "pr_1"}}) {{ ...F{count - 1} }} }} fragment F0 on Project {{ id }} '
    )
    return text + " ".join(parts), {}


def cyclic_fragments(rng: random.Random) -> Bomb:
    count = _size(rng, 150)
    ends = [(n, rng.randrange(count)) for n in range(count)]
    parts = [f"fragment F{n} on User {{ id ...F{end} }}" for n, end in ends]
    return "{ viewer { user { ...F0 } } } " + " ".join(parts), {}


def chained_and_fanned(rng: random.Random) -> Bomb:
    chain, fan = _size(rng, 110), _size(rng, 300)
    parts = [f"fragment F{n} on User {{ ...F{n - 1} }}" for n in range(1, chain)]
    text = (
        f"{{ viewer {{ user {{ {f'...F{chain - 1} ' * fan} }} }} }} fragment F0 on User {{ id }} "
    )
    return text + " ".join(parts), {}


def directives(rng: random.Random) -> Bomb:
    one = rng.choice(["@a", "@skip(if: false)", "@include(if: true)", '@x(y: "z")'])
    place = rng.choice(
        ["{{ __typename {0} }}", "query {0} {{ __typename }}", "{{ ... {0} {{ __typename }} }}"]
    )
    return place.format(f"{one} " * _size(rng, 900)), {}


def depth(rng: random.Random) -> Bomb:
    levels = _size(rng, 900)
    step = rng.choice(["a", "viewer", "... ", "... on Query ", "node(id: 1)"])
    return f"{{ {step} " * levels + "{ id }" + "}" * levels, {}


def real_depth(rng: random.Random) -> Bomb:
    levels = _size(rng, 20)
    step = "datasets(first: 500) { nodes { project { "
    return '{ project(by: {name: "x"}) { ' + step * levels + "id" + "} } } " * levels + "} }", {}


def introspection(rng: random.Random) -> Bomb:
    names = " ".join(f"a{n}: name" for n in range(rng.randint(1, 28)))
    of_type = "ofType { " * rng.randint(0, 9)
    inner = (
        f"type {{ {of_type} {rng.choice(_LISTS)} {{ name }} kind name {'}' * of_type.count('{')} }}"
    )
    for _ in range(rng.randint(0, 1)):
        inner = f"type {{ fields {{ name {inner} }} }}"
    inner = f"fields {{ {inner} {names} args {{ name type {{ name kind }} }} }}"
    start = rng.choice(["__schema { types { %s } }", '__type(name: "Mutation") { %s }'])
    return "{ " + start % inner + " }", {}


def introspection_depth(rng: random.Random) -> Bomb:
    levels = _size(rng, 400)
    step = rng.choice(["ofType", "fields { type", "interfaces"])
    open_, close = f"{step} {{ ", "} " * (2 if "{" in step else 1)
    return "{ __schema { types { " + open_ * levels + "name " + close * levels + "} } }", {}


def lists(rng: random.Random) -> Bomb:
    count = _size(rng, 900)
    value = rng.choice(
        ["[" * count + "]" * count, "[" + "1 " * count + "]", "{a: " * count + "1" + "}" * count]
    )
    field = rng.choice(
        ["node(id: %s) { id }", "nodes(ids: %s) { id }", "projects(where: %s) { totalCount }"]
    )
    return "{ " + field % value + " }", {}


def filters(rng: random.Random) -> Bomb:
    levels, kind = _size(rng, 300), rng.choice(["not", "and", "or"])
    inner, opening = ("{hidden: true}", f"{{{kind}: ")
    if kind == "not":
        where = opening * levels + inner + "}" * levels
    elif rng.random() < 0.5:
        where = f"{{{kind}: [{inner * levels}]}}"
    else:
        where = f"{{{kind}: [" * levels + inner + "]}" * levels
    return f'{{ items(datasetId: "ds_1", where: {where}) {{ totalCount }} }}', {}


def filter_variables(rng: random.Random) -> Bomb:
    where: Any = {"hidden": True}
    wide = rng.random() < 0.5
    for _ in range(_size(rng, 300)):
        where = {"not": where} if not wide else where
    if wide:
        where = {"or": [{"path": {"in": ["x"] * rng.choice([10, 999, 1_001])}}] * _size(rng, 150)}
    query = 'query ($w: ItemWhere) { items(datasetId: "ds_1", where: $w) { totalCount } }'
    return query, {"w": where}


def patterns(rng: random.Random) -> Bomb:
    glob = rng.choice(["*a", "**/", "[!a]", "{a,b}", "?*", "\\\\"]) * _size(rng, 140)
    query = (
        'query ($g: String) { items(datasetId: "ds_1", where: {path: {glob: $g}}) { totalCount } }'
    )
    return query, {"g": glob}


def ids(rng: random.Random) -> Bomb:
    given = [
        rng.choice(["pr_1", "ds_1", "x", f"us_{n}", f"it_1_{n}"]) for n in range(_size(rng, 600))
    ]
    return "query ($ids: [ID!]!) { nodes(ids: $ids) { id } }", {"ids": given}


def variables(rng: random.Random) -> Bomb:
    count = _size(rng, 330)
    default = rng.choice(["", " = 1", " = [[[1]]]"])
    given = {f"v{n}": n for n in range(count)}
    head = " ".join(f"$v{n}: {rng.choice(['Int', '[Int!]', 'ID!'])}{default}" for n in range(count))
    return f"query ({head}) {{ __typename }}", given


def operations(rng: random.Random) -> Bomb:
    shared = "fragment F on User { " + "id " * rng.randint(1, 60) + "}"
    parts = [f"query q{n} {{ viewer {{ user {{ ...F }} }} }}" for n in range(_size(rng, 160))]
    return " ".join(parts) + shared, {}


def conflicts(rng: random.Random) -> Bomb:
    count = _size(rng, 60)
    parts = [
        f'... on Query {{ a: node(id: "{n}") {{ id ... on User {{ name }} }} }}'
        for n in range(count)
    ]
    return "{ " + " ".join(parts) + " }", {}


def unknown(rng: random.Random) -> Bomb:
    count = _size(rng, 950)
    return "{ viewer { " + " ".join(f"x{rng.randrange(10**6)}" for _ in range(count)) + " } }", {}


def long_texts(rng: random.Random) -> Bomb:
    text = rng.choice(["x", "\\\\u00e9", "é", "\\\\n"]) * _size(rng, 20_000)
    comment = "#" * _size(rng, 17_000)
    blank = ",\t \n" * _size(rng, 4_500)
    return rng.choice(
        [
            f'{{ node(id: "{text}") {{ id }} }}',
            f'{{ node(id: """{text}""") {{ id }} }}',
            f"{{ __typename }} {comment}",
            f"{{ {blank} __typename }}",
        ]
    ), {}


def mutations(rng: random.Random) -> Bomb:
    one = 'deleteProject(input: {projectId: "pr_999"}) { __typename ... on Error { code path } }'
    return "mutation { " + " ".join(f"m{n}: {one}" for n in range(_size(rng, 40))) + " }", {}


def soup(rng: random.Random) -> Bomb:
    words = [
        "{",
        "}",
        "(",
        ")",
        "[",
        "]",
        ":",
        "=",
        "!",
        "...",
        "@",
        "$",
        "|",
        "&",
        "a",
        "query",
        "fragment",
        "on",
        "1",
        "-1.5e3",
        '"x"',
        '"""y"""',
        "#c\n",
        "null",
        "true",
        "viewer",
        "é",
    ]
    return " ".join(rng.choices(words, k=_size(rng, 1_500))), {}


FAMILIES: list[Callable[[random.Random], Bomb]] = [
    aliases,
    nested_aliases,
    repeated_fields,
    repeated_selections,
    doubling_fragments,
    many_fragments,
    deep_fragments,
    cyclic_fragments,
    chained_and_fanned,
    directives,
    depth,
    real_depth,
    introspection,
    introspection_depth,
    lists,
    filters,
    filter_variables,
    patterns,
    ids,
    variables,
    operations,
    conflicts,
    unknown,
    long_texts,
    mutations,
    soup,
]
