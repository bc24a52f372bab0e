"""Methods, addresses, parameters and headers that do not fit."""

from __future__ import annotations

import json
from collections.abc import Iterator
from urllib.parse import quote, unquote, urlencode

from tests.api.malformed.request import CREATE, FORM, GOOD, JSON, QUERY, Wrong, posted


def content_types() -> Iterator[Wrong]:
    kinds = ["", " ", "text/plain", "text/html", "application/graphql", "application/xml"]
    kinds += ["application/jsonfoo", "application/json+x", "text/json", "json", "/", "*/*"]
    kinds += ["application/*", "application/json, text/plain", "application/x-www-form-urlencoded"]
    kinds += ["application/json; charset=utf-16", "application/json; charset=latin-1"]
    kinds += ['application/json; charset="utf-16"', "application/json;charset=", "multipart/mixed"]
    kinds += ["application/json; CHARSET=UTF-7", "application/octet-stream", "multipart/related"]
    kinds += ["application/graphql-response+json", "application/json\tx", "\xe9", "x" * 4_000]
    for kind in kinds:
        yield Wrong(f"{kind[:50]!r}", 415, GOOD, headers={"content-type": kind})
    yield Wrong("none", 415, GOOD)
    yield Wrong("none and no body", 415)


def accepted_types() -> Iterator[Wrong]:
    kinds = ["text/html", "text/*", "image/png", "application/xml", "application/jsonfoo"]
    kinds += [
        "multipart/mixed",
        "x",
        ";",
        ",",
        "application",
        "*/json",
        "\xe9",
    ]
    for kind in kinds:
        yield posted(repr(kind), 406, GOOD, accept=kind)
        yield Wrong(
            f"{kind!r}, by GET",
            406,
            method="GET",
            headers={"accept": kind},
            target="/graphql?" + urlencode({"query": QUERY}),
        )


def methods() -> Iterator[Wrong]:
    for method in ("PUT", "PATCH", "DELETE", "OPTIONS"):
        yield Wrong(method, 405, GOOD, method=method, headers={"content-type": JSON})
    for method in ("TRACE", "CONNECT", "PROPFIND", "QUERY", "get", "X"):
        yield Wrong(method, 405, GOOD, method=method, headers={"content-type": JSON})
    for token in (True, False):
        for mutation in (
            CREATE,
            f"query q {{ __typename }} {CREATE.replace('mutation', 'mutation m')}",
        ):
            name = "m" if "mutation m" in mutation else ""
            target = "/graphql?" + urlencode({"query": mutation, "operationName": name})
            status, code = (405, "INVALID") if token else (401, "UNAUTHENTICATED")
            yield Wrong(
                f"a mutation by GET, {name} {token}",
                status,
                code=code,
                method="GET",
                target=target,
                token=token,
            )
    for target in ("/healthz", "/datasets/ds_1", "/files/bi_x", "/files/ds_1/it_1_1"):
        for method in ("POST", "PUT", "DELETE"):
            yield Wrong(f"{method} {target}", 405, method=method, target=target)


def parameters() -> Iterator[Wrong]:
    good = quote(QUERY)
    targets = ["", "?", "?query", "?query=", "?query=%20", "?Query=" + good, "?" + good]
    targets += [
        f"?query={good}&variables=" + quote(text)
        for text in ("1", "[]", "x", "{", '"x"', "true", "NaN", '{"a": NaN}', "[" * 5_000, "{}{}")
    ]
    targets += [
        f"?query={good}&extensions=" + quote(text)
        for text in ("1", "[]", "x", "{", '"x"', "false", "[" * 5_000)
    ]
    targets += [f"?query={good}&operationName=nothing", f"?query={good}&query="]
    for target in targets:
        yield Wrong(
            f"{len(target)} {unquote(target)[-40:]}", 400, method="GET", target="/graphql" + target
        )
    for target in ("?query=%ff", "?query=%", "?query=%00", "?query=%7B", "?query=%7B%20x%20%7D"):
        yield Wrong(target, 200, method="GET", target="/graphql" + target)


def tokens() -> Iterator[Wrong]:
    good = posted("", 401, GOOD).body
    known = ["", " ", "Bearer", "Bearer ", "Bearer  ", "Bearer x", "bearer x y", "Token x", "x"]
    known += ["Basic YTpi", "Digest username=x", "Bearer gqls_", "Bearer gqls_" + "A" * 43]
    known += ["Bearer gqls_" + "A" * 5_000, "Bearer \xe9", "Bearer null", "Bearer undefined"]
    known += ['Bearer "gqls_x"', "Bearer,gqls_x", "Bearer\tgqls_x", "Bearer gqls_' OR 1=1 --"]
    for given in known:
        for body in (good, b'{"query": "{ __typename }"}'):
            kind = "introspection" if b"__typename" in body else "a query"
            yield posted(
                f"{len(given)} {given[-30:]!r} for {kind}",
                401,
                body,
                "UNAUTHENTICATED",
                authorization=given,
            )
    for name, query in {
        "a query": QUERY,
        "a mutation": CREATE,
        "beside introspection": "{ __typename viewer { user { id } } }",
    }.items():
        body = json.dumps({"query": query}).encode()
        yield Wrong(
            f"none for {name}",
            401,
            body,
            "UNAUTHENTICATED",
            headers={"content-type": JSON},
            token=False,
        )
    yield Wrong(
        "none for a form", 401, b"", "UNAUTHENTICATED", headers={"content-type": FORM}, token=False
    )


def addresses() -> Iterator[Wrong]:
    for target in (
        "/nothing",
        "/graphql/x",
        "/Graphql",
        "/graphql%00",
        "/files",
        "/files/",
        "/datasets",
        "/datasets/",
        "//graphql",
        "/%2e%2e/etc/passwd",
        "/files/a/b/c",
        "/\xff",
        "/files/x",
        "/files/bi_" + "0" * 64,
        "/files/ds_1/it_1_1",
        "/files/ds_1/1",
        "/files/ds_1/%00",
        "/files/ds_99999999999999999999/1",
        "/files/../x",
        "/datasets/x",
        "/datasets/ds_0",
        "/datasets/ds_999999",
        "/datasets/it_1_1",
        "/datasets/%ff",
        "/datasets/" + "d" * 3_000,
        "/playground/x",
        "/playground/assets/",
        "/playground/assets/x",
        "/playground/assets/page.html",
        "/playground/assets/..%2fpage.html",
        "/playground/assets/%00",
    ):
        yield Wrong(
            quote(target[:40]), 404, code="NOT_FOUND", method="GET", target=quote(target, "/%")
        )
