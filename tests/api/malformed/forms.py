"""Multipart bodies that cannot be read, or say where nothing is."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from tests.api.malformed.request import CREATE, FORM, GOOD, Wrong

PREFLIGHT = {"content-type": FORM, "graphql-require-preflight": "1"}
OPERATIONS = {"query": CREATE, "variables": {"file": None, "list": [None], "text": "x"}}


def form(parts: list[tuple[str, str, bytes]], end: bytes = b"--x--\r\n") -> bytes:
    """A body of parts: name, more of the disposition, content."""
    lines = b""
    for name, more, content in parts:
        lines += f'--x\r\ncontent-disposition: form-data; name="{name}"{more}\r\n\r\n'.encode(
            "latin-1"
        )
        lines += content + b"\r\n"
    return lines + end


def forms() -> Iterator[Wrong]:
    op, places = (
        ("operations", "", json.dumps(OPERATIONS).encode()),
        ("map", "", b'{"0": ["variables.file"]}'),
    )
    file = ("0", '; filename="x"', b"x")
    good = form([op, places, file])
    bodies: dict[str, bytes] = {
        "nothing": b"",
        "only the end": b"--x--\r\n",
        "only a boundary": b"--x\r\n",
        "half a boundary": b"--",
        "another boundary": good.replace(b"--x", b"--y"),
        "JSON": GOOD,
        "no end": form([op, places, file], b""),
        "cut in a file": good[:-12],
        "cut in a header": good[:40],
        "no blank line": good.replace(b"\r\n\r\n", b"\r\n"),
        "only line feeds": good.replace(b"\r\n", b"\n"),
        "a part without headers": b"--x\r\n\r\nx\r\n" + good,
        "a part without a disposition": b"--x\r\ncontent-type: text/plain\r\n\r\nx\r\n" + good,
        "a part without a name": good.replace(b'name="operations"', b""),
        "a part that is no form-data": good.replace(b"form-data", b"attachment", 1),
        "a header without a colon": good.replace(
            b"content-disposition:", b"content-disposition", 1
        ),
        "a header with a space": good.replace(b"content-disposition", b"content disposition", 1),
        "a header of 100 kB": b"--x\r\nx: " + b"y" * 100_000 + b"\r\n\r\n\r\n" + good,
        "a hundred headers": b"--x\r\n" + b"x: y\r\n" * 100 + b"\r\n\r\n" + good,
        "no operations": form([places, file]),
        "no map": form([op, file]),
        "only a file": form([file]),
        "operations as a file": form([("operations", '; filename="o"', op[2]), places, file]),
        "map as a file": form([op, ("map", '; filename="m"', places[2]), file]),
        "a field for a file": form([op, places, ("0", "", b"x")]),
        "another field": form([op, places, ("other", "", b"x"), file]),
        "a file that no map names": form([op, ("map", "", b"{}"), file]),
        "two files, one named": form([op, places, file, ("1", '; filename="y"', b"y")]),
        "too many files": form(
            [op, places, *[(str(n), '; filename="y"', b"y") for n in range(30)]]
        ),
    }
    for name, body in bodies.items():
        yield Wrong(name, 400, body, headers=PREFLIGHT)
    for kind in (
        "multipart/form-data",
        "multipart/form-data; boundary=",
        'multipart/form-data; boundary=""',
        "multipart/form-data; boundary=" + "x" * 300,
        "multipart/form-data; boundary=\xe9",
        "multipart/form-data; bondary=x",
        "multipart/form-data, boundary=x",
    ):
        status = 415 if "," in kind else 400
        yield Wrong(kind[:50], status, good, headers={**PREFLIGHT, "content-type": kind})
    yield Wrong("without the header against other sites", 400, good, headers={"content-type": FORM})
    yield Wrong(
        "with an empty one", 400, good, headers={**PREFLIGHT, "graphql-require-preflight": ""}
    )
    texts = [
        "",
        " ",
        "null",
        "1",
        '"x"',
        "[]",
        "[{}]",
        "{",
        "{}",
        "NaN",
        '{"query": 1}',
        '{"query": ""}',
        "[" * 9_000,
        '{"query": "{ a }", "variables": []}',
        "\xff",
    ]
    for text in texts:
        body = form([("operations", "", text.encode("latin-1")), places, file])
        yield Wrong(f"operations {text[:40]!r}", 400, body, headers=PREFLIGHT)


def maps() -> Iterator[Wrong]:
    texts = ["", "null", "1", '"0"', "[]", "{", '["variables.file"]', "NaN", "\xff"]
    values: list[Any] = [None, 1, True, "variables.file", {}, [], [1], [None], [["variables.file"]]]
    values += [["variables.file", "variables.list.0"], ["variables.file"] * 2]
    paths = [
        "",
        ".",
        "..",
        "variables",
        "variables.",
        ".variables.file",
        "variables.nothing",
        "file",
    ]
    paths += [
        "variables.file.x",
        "variables.list",
        "variables.list.1",
        "variables.list.-1",
        "query",
    ]
    paths += [
        "variables.list.x",
        "variables.list.00000000000",
        "variables.text",
        "variables.text.0",
    ]
    paths += ["operations.variables.file", "0.variables.file", "variables.list.٠", "Variables.file"]
    paths += ["variables.__class__", "variables.list.0.0", "variables.\x00", "variables.\ud800"]
    paths += ["variables" + ".file" * 100, "x" * 5_000, "variables.list.1e0", "variables.list. 0"]
    texts += [json.dumps({"0": value}) for value in values]
    texts += [json.dumps({"0": [path]}) for path in paths]
    texts += [
        json.dumps({name: ["variables.file"]}) for name in ("1", "", "operations", "map", "00")
    ]
    texts += [json.dumps({"0": ["variables.file"], "1": ["variables.list.0"]})]
    texts += [json.dumps({"0": ["variables.file"], "operations": ["variables.list.0"]})]
    for text in texts:
        parts = [
            ("operations", "", json.dumps(OPERATIONS).encode()),
            ("map", "", text.encode("latin-1")),
        ]
        body = form([*parts, ("0", '; filename="x"', b"x")])
        yield Wrong(text[:60], 400, body, headers=PREFLIGHT)
