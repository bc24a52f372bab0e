"""Bodies that are no JSON, or no request."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from tests.api.malformed.request import CREATE, GOOD, QUERY, Wrong, posted


def not_json() -> Iterator[Wrong]:
    texts: dict[str, bytes] = {
        "nothing": b"",
        "blank": b"  \n\t ",
        "an open object": b"{",
        "an open string": b'{"query": "{',
        "an open list": b"[1, 2",
        "a closed object only": b"}",
        "single quotes": b"{'query': '{ a }'}",
        "a bare word": b"query",
        "GraphQL itself": QUERY.encode(),
        "a comma at the end": b'{"query": "{ a }",}',
        "a comma too many": b'{"query": "{ a }",, "x": 1}',
        "a comment": b'{"query": "{ a }" /* c */}',
        "no colon": b'{"query" "{ a }"}',
        "a name without quotes": b'{query: "{ a }"}',
        "something behind": GOOD + b"x",
        "two objects": GOOD + GOOD,
        "lines of objects": GOOD + b"\n" + GOOD,
        "NaN": b'{"query": "{ a }", "x": NaN}',
        "Infinity": b'{"query": "{ a }", "x": Infinity}',
        "minus Infinity": b'{"query": "{ a }", "x": -Infinity}',
        "a hexadecimal number": b'{"query": "{ a }", "x": 0x1}',
        "a number with a leading zero": b'{"query": "{ a }", "x": 01}',
        "a number with a plus": b'{"query": "{ a }", "x": +1}',
        "a number that ends with a dot": b'{"query": "{ a }", "x": 1.}',
        "a number of thousands of digits": b'{"query": "{ a }", "x": ' + b"1" * 5_000 + b"}",
        "True": b'{"query": "{ a }", "x": True}',
        "undefined": b'{"query": "{ a }", "x": undefined}',
        "an unknown escape": b'{"query": "\\q"}',
        "half an escape": b'{"query": "\\u12"}',
        "a line break in a string": b'{"query": "{\n}"}',
        "a tab in a string": b'{"query": "{\t}"}',
        "a NUL in a string": b'{"query": "{\x00}"}',
        "a NUL before": b"\x00" + GOOD,
        "a NUL behind": GOOD + b"\x00",
        "a byte order mark": b"\xef\xbb\xbf" + GOOD,
        "UTF-16 with its mark": GOOD.decode().encode("utf-16"),
        "UTF-16 without": GOOD.decode().encode("utf-16-le"),
        "UTF-32": GOOD.decode().encode("utf-32-be"),
        "Latin-1": '{"query": "{ é }"}'.encode("latin-1"),
        "half a letter": b'{"query": "\xc3"}',
        "a letter in too many bytes": b'{"query": "\xc0\xaf"}',
        "a surrogate in bytes": b'{"query": "\xed\xa0\x80"}',
        "a byte of no encoding": b'{"query": "\xff"}',
        "lists a hundred thousand deep": b"[" * 100_000,
        "objects a hundred thousand deep": b'{"a":' * 100_000,
        "deep and closed": b'{"query": "{ a }", "x": ' + b"[" * 50_000 + b"]" * 50_000 + b"}",
        "XML": b"<query/>",
        "YAML": b"query: '{ a }'",
        "compressed": b"\x1f\x8b\x08\x00\x00\x00\x00\x00",
        "MessagePack": b"\x81\xa5query\xa5{ a }",
    }
    for name, text in texts.items():
        yield posted(name, 400, text)


def wrong_shapes() -> Iterator[Wrong]:
    values: list[Any] = [None, True, False, 0, -1, 1.5, 1e300, "", "x", QUERY, [], {}]
    values += [[[]], [None], [1], [{}], [{"query": QUERY}], [{"query": QUERY}] * 2, [QUERY]]
    values += [{"": QUERY}, {"Query": QUERY}, {"queries": [QUERY]}, {"mutation": CREATE}]
    values += [{"documentId": 1}, {"data": {"query": QUERY}}, {"variables": {}}]
    values += [{"extensions": {"persistedQuery": {"version": 1, "sha256Hash": "0" * 63}}}]
    for value in values:
        yield posted(json.dumps(value)[:60], 400, json.dumps(value).encode())


def wrong_members() -> Iterator[Wrong]:
    kinds: dict[str, Any] = {
        "null": None,
        "true": True,
        "false": False,
        "zero": 0,
        "a number": 1,
        "a fraction": 0.5,
        "a string": "x",
        "blank": " \n",
        "an empty list": [],
        "a list": ["x"],
        "a list of objects": [{}],
        "an object": {"x": 1},
    }
    fit = {
        "query": {"a string"},
        "variables": {"null", "an object"},
        "extensions": {"null", "an object"},
        "operationName": {"null"},
    }
    for member, right in fit.items():
        for kind, value in kinds.items():
            if kind not in right:
                given = {"query": QUERY, member: value}
                yield posted(f"{member} is {kind}", 400, json.dumps(given).encode())
    two = "query a { __typename } query b { __typename }"
    for name, query, operation in [
        ("no name for two operations", two, None),
        ("an empty name for two operations", two, ""),
        ("another name", two, "c"),
        ("the name in capitals", two, "A"),
        ("a name where there is none", QUERY, "a"),
        ("the name of a fragment", "query q { ...F } fragment F on Query { __typename }", "F"),
        ("half of a surrogate pair", two, "\ud800"),
        ("a NUL", two, "a\x00"),
        ("only a fragment", "fragment F on Query { __typename }", None),
        ("only a type", "type A { a: Int }", None),
    ]:
        given = {"query": query, "operationName": operation}
        yield posted(name, 400, json.dumps(given).encode())
