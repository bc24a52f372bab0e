"""Random queries of the JSON query language."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from tests.catalog.filter_oracle import EMAILS
from tests.catalog.filter_strategies import SEGMENTS, WORDS, few_keys, globs, paths, thickets

Json = dict[str, Any]
ORDERING = ("$gt", "$gte", "$lt", "$lte")

plain_keys = few_keys.filter(lambda key: key != "")
dotted = st.lists(plain_keys, min_size=1, max_size=3).map(".".join)
user_keys = st.one_of(
    dotted.map(lambda key: f"metadata.user.{key}"),
    dotted.map(lambda key: f"metadata.{key}"),
    st.just("metadata.user"),
)
strange = st.none() | st.integers(0, 2) | st.just(["a"])
texts = st.sampled_from([*WORDS, *SEGMENTS, "/a/**", "*", "a*", "**", "/a/*", "video*"])
times = st.sampled_from(
    [
        "2020-01-01T00:00:00",
        "2020-01-01",
        "2020-01-01T00:00:00.000001Z",
        "2019-12-31T23:00:00-01:00",
    ]
)
sizes = st.sampled_from([0, 1, 2, 0.5, 1.5, -1, 2**40, 1e30, "1", "0.5", "-1e400", "x", None])
people = st.sampled_from([*EMAILS.values(), "Zoe@A/B.example", "ada@*", "Zoe@*", None])
flags = st.booleans() | st.none()


def nested(condition: Json) -> bool:
    """Whether a condition may stand as a plain nested object, which has no operators in it."""
    return not any(key.startswith("$") for key in condition)


def literal(text: Any) -> bool:
    return not (isinstance(text, str) and "*" in text)


def values(operands: st.SearchStrategy[Any], *, ordered: bool = True) -> st.SearchStrategy[Any]:
    """A plain value, or one to two operators."""
    lists = st.lists(operands, max_size=3)
    choices: dict[str, Any] = {"$eq": operands, "$ne": operands, "$in": lists, "$nin": lists}
    choices["$exists"] = st.booleans()
    if ordered:
        choices |= dict.fromkeys(ORDERING, operands)
    names = st.lists(st.sampled_from(sorted(choices)), min_size=1, max_size=2, unique=True)
    one = names.flatmap(lambda chosen: st.fixed_dictionaries({n: choices[n] for n in chosen}))
    simple = operands.filter(lambda value: not isinstance(value, dict)) | one
    several = st.lists(simple, max_size=3)
    return simple | st.sampled_from(["$or", "$and"]).flatmap(
        lambda how: several.map(lambda parts: {how: parts})
    )


def keyed(keys: st.SearchStrategy[str], inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Json]:
    return st.dictionaries(keys, inner, min_size=1, max_size=2)


def trees(leaves: st.SearchStrategy[Json]) -> st.SearchStrategy[Json]:
    """Conditions of conditions."""
    return st.recursive(
        leaves,
        lambda inner: st.dictionaries(
            st.sampled_from(["$and", "$or"]), st.lists(inner, max_size=3), min_size=1, max_size=2
        ),
        max_leaves=5,
    )


json_values = values(thickets | globs.filter(literal) | texts.filter(literal)) | globs
matches = st.recursive(
    trees(keyed(dotted, json_values)),
    lambda inner: keyed(dotted, inner.map(lambda c: {"$match": c}) | inner.filter(nested)),
    max_leaves=2,
)


json_leaves = keyed(
    user_keys,
    json_values | matches.map(lambda c: {"$match": c}) | matches.filter(nested),
)
facts = st.sampled_from(["size", "width", "height"]).map("metadata.system.{}".format)
item_leaves = st.one_of(
    keyed(st.sampled_from(["name", "filename", "dir"]), values(texts | paths | strange)),
    keyed(st.sampled_from(["description", "metadata.system.mimetype"]), values(texts | strange)),
    keyed(st.sampled_from(["creator", "updatedBy"]), values(people)),
    keyed(st.just("type"), values(st.sampled_from(["file", "dir", "f*", "a", None]))),
    keyed(st.sampled_from(["hidden", "annotated"]), values(flags, ordered=False)),
    keyed(st.sampled_from(["createdAt", "updatedAt"]), values(times)),
    keyed(st.just("id"), values(st.integers(1, 8).map("it_{}".format))),
    keyed(
        st.sampled_from(["size", "width", "height"]).map("metadata.system.{}".format), values(sizes)
    ),
    keyed(
        st.sampled_from(["metadata.system.refs", "annotationStatus", "metadata.system.refs.id"]),
        values(st.sampled_from(["a", None, []])),
    ),
    keyed(st.just("metadata.system.tags.train"), values(st.sampled_from([None, True, "a"]))),
    json_leaves,
    json_leaves,
)
annotation_leaves = st.one_of(
    keyed(st.just("label"), values(texts | strange)),
    keyed(st.just("type"), values(st.sampled_from(["box", "Box", "point", "segment", "p*", None]))),
    keyed(st.just("status"), values(st.sampled_from(["issue", "Approved", "a*", None]))),
    keyed(st.sampled_from(["createdAt", "updatedAt"]), values(times)),
    keyed(st.just("creator"), values(people)),
    keyed(st.just("id"), values(st.integers(100, 103).map("an_{}".format))),
    keyed(st.just("itemId"), values(st.integers(1, 8).map("it_{}".format))),
    keyed(dotted.map("attributes.{}".format) | st.just("attributes"), json_values),
    keyed(user_keys, json_values),
)
conditions = trees(item_leaves)
joins = st.fixed_dictionaries(
    {"filter": trees(annotation_leaves)},
    optional={"on": st.just({"resource": "annotations", "local": "itemId", "forigen": "id"})},
)
inner_queries = st.fixed_dictionaries({}, optional={"filter": conditions, "join": joins}).filter(
    bool
)
others = inner_queries.map(lambda query: {"query": query})
whole_queries = st.fixed_dictionaries(
    {"filter": conditions},
    optional={"join": joins, "intersect": others, "except": others, "resource": st.just("items")},
)
queries = conditions | whole_queries

marks = trees(annotation_leaves)
item_joins = st.fixed_dictionaries(
    {"filter": conditions},
    optional={"on": st.just({"resource": "items", "local": "id", "forigen": "itemId"})},
)
other_marks = (
    st.fixed_dictionaries({}, optional={"filter": marks, "join": item_joins})
    .filter(bool)
    .map(lambda query: {"query": query})
)
annotation_queries = marks | st.fixed_dictionaries(
    {"filter": marks},
    optional={
        "join": item_joins,
        "intersect": other_marks,
        "except": other_marks,
        "resource": st.just("annotations"),
    },
)
"""Of annotations, of which a join says what their items are."""
