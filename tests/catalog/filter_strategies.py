"""Random filters and random nasty items."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

from hypothesis import strategies as st

from gql_service.catalog.filters import (
    AnnotationFilter,
    AnnotationsFilter,
    DateTimeFilter,
    EnumFilter,
    IdFilter,
    IntFilter,
    ItemFilter,
    JsonCondition,
    JsonFilter,
    StringFilter,
)
from tests.catalog.filter_oracle import EMAILS, PlainAnnotation, PlainItem
from tests.catalog.filter_shelf import LONG_AGO

WORDS = ["", "a", "A", "b", "ab", "aab", "a/b", "/", "%", "_", "[a]", "]", "*", "?", "\\", "'", '"']
WORDS += ["é", "e\u0301", "ß", "😀", "\ud7ff", "\ue000", "\U0010ffff", "1", "true", "null", "a\nb"]
SEGMENTS = ["a", "b", "A", "ab", "a.jpg", "[a]", "*", "?", "%", "_a", "é", "a b", "'", '"', "😀"]
KEYS = ["a", "b", "0", "1", "00", "-1", " 1", "+1", "", 'a"b', "c\\d", "é", "a.b", "$", "[0]", "%"]
NUMBERS = [0, 1, -1, 2, 1.0, 0.5, 0.1, -0.0, 2**53, 2**53 + 1, float(2**53), 2**60, float(2**60)]
NUMBERS += [2**63 - 1, -(2**63), float(2**63), -float(2**63), 1e22, 1.5e300, 1e-300, 5e-324]

words = st.sampled_from(WORDS) | st.text(st.sampled_from("aAb/*?[]\\%_é"), max_size=5)
numbers = st.sampled_from(NUMBERS) | st.integers(-(2**63), 2**63 - 1)
numbers = numbers | st.floats(allow_nan=False, allow_infinity=False)
keys = st.sampled_from(KEYS)
scalars = st.none() | st.booleans() | numbers | words
json_values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3),
    max_leaves=5,
)
few_keys = st.sampled_from(["a", "b", "a", "b", "0", 'a"b', "é", ""])
few_values = st.none() | st.booleans() | st.sampled_from([0, 1, 0.5, 10, 2**60, 1e22]) | words
few_values = few_values | st.sampled_from(["0", "1", "0.5", "10", "1e22", " 1", "01", "1.0", "nan"])
thickets = st.recursive(
    few_values,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(few_keys, inner, max_size=2),
    max_leaves=6,
)
documents = st.dictionaries(keys, json_values, max_size=3)
documents = documents | st.dictionaries(few_keys, thickets, max_size=2)
paths = st.lists(st.sampled_from(SEGMENTS), min_size=1, max_size=4).map(lambda s: "/" + "/".join(s))
globs = st.lists(
    st.sampled_from(["*", "**", "?", "/", "a", "b", "A", "[", "]", "\\", "é", ".", "^", "$", "%"]),
    max_size=7,
).map("".join)
moments = st.integers(-3, 3).map(lambda n: LONG_AGO + timedelta(microseconds=n))
sizes = st.sampled_from([0, 1, 2, 2**40])
small = st.sampled_from([0, 1, 2])
people = st.integers(1, 3)
emails = st.sampled_from([*EMAILS.values(), "*@example.org", "?da@*", "zoe@*", "zoe@**"])
types = st.sampled_from(["BOX", "POINT"])
statuses = st.sampled_from(["ISSUE", "APPROVED"])


def optional(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | strategy


def some_of(build: Callable[..., Any], most: int, **choices: Any) -> st.SearchStrategy[Any]:
    """`build` with up to `most` of the keywords, each from its strategy."""
    names = st.lists(st.sampled_from(sorted(choices)), max_size=most, unique=True)
    return names.flatmap(lambda chosen: st.builds(build, **{n: choices[n] for n in chosen}))


def text_filters(texts: st.SearchStrategy[str]) -> st.SearchStrategy[StringFilter]:
    lists = st.lists(texts, max_size=3)
    operators: dict[str, Any] = {
        "eq": texts,
        "ne": texts,
        "in_": lists,
        "not_in": lists,
        "contains": words,
    }
    operators |= {"starts_with": texts | words, "glob": globs | texts, "exists": st.booleans()}
    operators |= {"stars": globs | texts} | dict.fromkeys(("gt", "gte", "lt", "lte"), texts | words)
    return some_of(StringFilter, 2, **operators)


def value_filters(
    kind: Any, values: st.SearchStrategy[Any], *, ordered: bool = True
) -> st.SearchStrategy[Any]:
    lists = st.lists(values, max_size=3)
    operators: dict[str, Any] = {"eq": values, "ne": values, "in_": lists, "not_in": lists}
    operators |= {"exists": st.booleans()}
    if ordered:
        operators |= dict.fromkeys(("gt", "gte", "lt", "lte"), values)
    return some_of(kind, 2, **operators)


def json_filters() -> st.SearchStrategy[JsonFilter]:
    lists = st.lists(json_values, max_size=4)
    operators: dict[str, Any] = dict.fromkeys(
        ("eq", "ne", "gt", "gte", "lt", "lte", "contains"), json_values
    )
    operators |= {"in_": lists, "not_in": lists, "glob": globs, "exists": st.booleans()}
    operators |= {"stars": globs}
    return at_paths(st.lists(keys, max_size=3), some_of(bare, 2, **operators)) | through_filters()


def bare(**given: Any) -> JsonFilter:
    return JsonFilter(path=[], **given)


def at_paths(
    steps: st.SearchStrategy[list[str]], wheres: st.SearchStrategy[JsonFilter], **more: Any
) -> st.SearchStrategy[JsonFilter]:
    return st.builds(lambda path, rest: replace(rest, path=path, **more), steps, wheres)


def through_filters() -> st.SearchStrategy[JsonFilter]:
    steps = st.lists(few_keys, max_size=3)
    lists = st.lists(thickets, max_size=3)
    operators: dict[str, Any] = dict.fromkeys(
        ("eq", "ne", "gt", "gte", "lt", "lte", "contains"), few_values | thickets
    )
    operators |= {"in_": lists, "not_in": lists, "glob": globs, "exists": st.booleans()}
    operators |= {"stars": globs | words}
    leaves = at_paths(steps, some_of(bare, 2, **operators), through=True)

    def matching(inner: st.SearchStrategy[JsonFilter]) -> st.SearchStrategy[JsonFilter]:
        conditions = some_of(JsonCondition, 2, at=st.lists(inner, max_size=2))
        nested = some_of(
            JsonCondition,
            2,
            and_=st.lists(conditions, max_size=2),
            or_=st.lists(conditions, max_size=2),
            not_=conditions,
            at=st.lists(inner, max_size=2),
        )
        return at_paths(steps, st.builds(lambda c: bare(match=c), nested), through=True)

    return st.recursive(leaves, matching, max_leaves=3)


def json_lists() -> st.SearchStrategy[list[JsonFilter]]:
    return st.lists(json_filters(), max_size=2)


annotation_leaves = some_of(
    AnnotationFilter,
    2,
    label=text_filters(words),
    type=value_filters(EnumFilter, types, ordered=False),
    status=value_filters(EnumFilter, statuses, ordered=False),
    key=value_filters(IdFilter, st.integers(100, 103)),
    creator=value_filters(IdFilter, people),
    creator_email=text_filters(emails),
    updated_at=value_filters(DateTimeFilter, moments),
    created_at=value_filters(DateTimeFilter, moments),
    attributes=json_lists(),
    metadata=json_lists(),
)
item_leaves = some_of(
    ItemFilter,
    2,
    ids=st.lists(st.integers(1, 8), max_size=3),
    path=text_filters(paths),
    name=text_filters(st.sampled_from(SEGMENTS)),
    directory=text_filters(paths | st.just("/")),
    hidden=st.booleans(),
    annotated=st.booleans(),
    mime_type=text_filters(words),
    size=value_filters(IntFilter, sizes),
    width=value_filters(IntFilter, sizes),
    height=value_filters(IntFilter, sizes),
    sha256=text_filters(st.integers(1, 8).map("{:064x}".format)),
    created_at=value_filters(DateTimeFilter, moments),
    updated_at=value_filters(DateTimeFilter, moments),
    creator=value_filters(IdFilter, people),
    updated_by=value_filters(IdFilter, people),
    key=value_filters(IdFilter, st.integers(1, 8)),
    description=text_filters(words),
    creator_email=text_filters(emails),
    updater_email=text_filters(emails),
    metadata=json_lists(),
)


def combined(kind: Any, leaves: st.SearchStrategy[Any], **more: Any) -> st.SearchStrategy[Any]:
    return st.recursive(
        leaves,
        lambda inner: some_of(
            kind,
            2,
            and_=st.lists(inner, max_size=3),
            or_=st.lists(inner, max_size=3),
            not_=inner,
            **more,
        ),
        max_leaves=4,
    )


annotation_filters = combined(AnnotationFilter, annotation_leaves)
quantified = some_of(
    AnnotationsFilter, 2, some=annotation_filters, none=annotation_filters, every=annotation_filters
)
item_filters = combined(ItemFilter, item_leaves, annotations=quantified, metadata=json_lists())

plain_annotations = st.builds(
    PlainAnnotation,
    key=st.just(0),
    label=words.map(lambda word: word.replace("e\u0301", "é")),
    type=types,
    status=optional(statuses),
    creator=people,
    created_at=moments,
    updated_at=moments,
    attributes=documents,
    metadata=documents,
)
plain_items = st.builds(
    PlainItem,
    key=st.just(0),
    path=paths,
    hidden=st.booleans(),
    description=optional(words),
    metadata=documents,
    mime_type=words,
    size=sizes,
    width=optional(small),
    height=optional(small),
    creator=people,
    updated_by=people,
    created_at=moments,
    updated_at=moments,
    annotations=st.lists(plain_annotations, max_size=3),
)


def numbered(items: list[PlainItem]) -> list[PlainItem]:
    """The same with keys and digests of their own."""
    for key, item in enumerate(items, 1):
        item.key, item.sha256 = key, f"{key:064x}"
        for place, annotation in enumerate(item.annotations):
            annotation.key = 100 * key + place
    return items


def seen_through(item: PlainItem, annotations: bool, metadata: bool, status: bool) -> PlainItem:
    """The item as a layer with these masks shows it."""
    marks = [replace(a, status=a.status if status else None) for a in item.annotations]
    return replace(
        item,
        metadata=item.metadata if metadata else {},
        annotations=marks if annotations else [],
    )


shelves = st.lists(plain_items, min_size=1, max_size=6, unique_by=lambda i: i.path).map(numbered)
masks = st.tuples(st.booleans(), st.booleans(), st.booleans())
