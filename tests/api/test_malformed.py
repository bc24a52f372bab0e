"""Whatever is wrong with a request: a status that says whose fault it is, and a code in JSON."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

import anyio
import pytest
from starlette.applications import Starlette

from gql_service.api.application import application
from gql_service.api.context import Backend
from gql_service.catalog.user import create_token, create_user
from gql_service.database.engine import Database
from gql_service.errors import ErrorCode
from gql_service.settings import Settings
from gql_service.vault.contract import Vault
from gql_service.versions.verify import verify_store
from tests.api.conftest import Census
from tests.api.malformed.every import every
from tests.api.malformed.request import Wrong
from tests.api.server import Answer, request, serving

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)
"""None of it reaches a database."""

LEAST = 300


def ask(app: Starlette, wrong: Wrong, token: str) -> Answer:
    """Hands the request over as a server would, without a client that makes it better first."""
    path, _, query = wrong.target.partition("?")
    headers = dict(wrong.headers)
    if wrong.token:
        headers.setdefault("authorization", f"Bearer {token}")
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": wrong.method,
        "scheme": "http",
        "path": unquote(path),
        "raw_path": path.encode("latin-1"),
        "root_path": "",
        "query_string": query.encode("latin-1"),
        "headers": [(k.encode("latin-1"), v.encode("latin-1")) for k, v in headers.items()],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
    }
    sent: list[dict[str, Any]] = []

    async def run() -> None:
        over = asyncio.Event()
        body: Iterator[bytes] = iter([wrong.body])

        async def receive() -> dict[str, Any]:
            piece = next(body, None)
            if piece is None:
                await over.wait()
                return {"type": "http.disconnect"}
            return {"type": "http.request", "body": piece, "more_body": False}

        async def send(message: Any) -> None:
            sent.append(message)

        await app(scope, receive, send)

    asyncio.run(run())
    given = {k.decode(): v.decode("latin-1") for k, v in sent[0]["headers"]}
    return Answer(sent[0]["status"], given, b"".join(one.get("body", b"") for one in sent[1:]))


@pytest.mark.exhaustive
def test_every_request_that_is_wrong_is_refused_with_a_code_and_changes_nothing(
    database: Database, vault: Vault, settings: Settings, census: Census, subtests: pytest.Subtests
) -> None:
    token = database.write(lambda tx: create_token(tx, create_user(tx, "Ada", "a@x.org"), "t"))
    app = application(Backend(settings, database, vault, anyio.CapacityLimiter(2)))
    before, names = census(), set()
    for wrong in every():
        with subtests.test(wrong.name):
            assert wrong.name not in names
            names.add(wrong.name)
            answer = ask(app, wrong, token)
            body = json.loads(answer.body)
            code = body["errors"][0]["extensions"]["code"]
            assert (answer.status, code) == (wrong.status, wrong.code), body
            assert answer.headers["content-type"].startswith("application/")
            assert answer.headers["content-type"].partition(";")[0].endswith("json")
            assert code in ErrorCode.__members__
            assert body["errors"][0]["message"]
            assert "data" not in body
    assert len(names) >= LEAST
    assert census() == before
    assert set(vault.keys()) == set()
    assert verify_store(database, vault, deep=True) == []


START = b"POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
CHUNKED = START + b"transfer-encoding: chunked\r\n"
FRAMES: dict[str, bytes] = {
    "no HTTP": b"hello\r\n\r\n",
    "NULs": b"\x00" * 64 + b"\r\n\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "no version": b"POST /graphql\r\n\r\n",
    "an unknown version": b"POST /graphql HTTP/7.5\r\n\r\n",
    "no target": b"POST HTTP/1.1\r\nhost: x\r\n\r\n",
    "a space in the target": b"GET /graphql?query={ a } HTTP/1.1\r\nhost: x\r\n\r\n",
    "no host": b"POST /graphql HTTP/1.1\r\ncontent-length: 0\r\n\r\n",
    "two hosts": START + b"host: y\r\n\r\n",
    "a header without a colon": START + b"nonsense\r\n\r\n",
    "a header with a space in its name": START + b"x y: z\r\n\r\n",
    "a header without a name": START + b": z\r\n\r\n",
    "a header with a NUL": START + b"x: \x00\r\n\r\n",
    "a header of 100 kB": START + b"x: " + b"y" * 100_000 + b"\r\n\r\n",
    "thousands of headers": START + b"x: y\r\n" * 20_000 + b"\r\n",
    "a length that is no number": START + b"content-length: x\r\n\r\n{}",
    "a negative length": START + b"content-length: -1\r\n\r\n{}",
    "a length with a plus": START + b"content-length: +2\r\n\r\n{}",
    "a length of hundreds of digits": START + b"content-length: " + b"9" * 400 + b"\r\n\r\n{}",
    "two lengths": START + b"content-length: 2\r\ncontent-length: 3\r\n\r\n{}x",
    "an empty length": START + b"content-length: \r\n\r\n{}",
    "two encodings": START + b"transfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "an unknown encoding": START + b"transfer-encoding: gzip\r\n\r\n{}",
    "a chunk without a length": CHUNKED + b"\r\n\r\n{}\r\n0\r\n\r\n",
    "a chunk of no number": CHUNKED + b"\r\nxyz\r\n{}\r\n0\r\n\r\n",
    "a chunk of a negative length": CHUNKED + b"\r\n-2\r\n{}\r\n0\r\n\r\n",
    "a chunk longer than its length": CHUNKED + b"\r\n2\r\n{}{}{}\r\n0\r\n\r\n",
    "a chunk of a huge length": CHUNKED + b"\r\n" + b"f" * 40 + b"\r\n{}\r\n0\r\n\r\n",
    "no body": START + b"content-length: 0\r\n\r\n",
    "chunks of nothing": CHUNKED + b"\r\n0\r\n\r\n",
    "a body cut into bytes": CHUNKED + b"\r\n" + b"1\r\n{\r\n" * 50 + b"0\r\n\r\n",
    "a body shorter than its length": request(b"{}{}").replace(b"gth: 4", b"gth: 3"),
}
CUT: dict[str, bytes] = {
    "half of the first line": b"POST /gra",
    "half of the headers": START + b"x: ",
    "half of the body": START + b"content-length: 100\r\n\r\n{",
    "half of a chunk": CHUNKED + b"\r\n10\r\n{",
    "no last chunk": CHUNKED + b"\r\n2\r\n{}\r\n",
}
ENDLESS: dict[str, bytes] = {
    "a first line": b"GET /graphql?query=",
    "a header": START + b"x: ",
    "a trailer": CHUNKED + b"\r\n2\r\n{}\r\n0\r\nx: ",
    "an extension of a chunk": CHUNKED + b"\r\n2;x=",
}
"""How each begins; what follows are 200 kB of the same letter, which no limit of time ends."""


def test_what_is_no_http_is_answered_in_json_as_well(
    database: Database, vault: Vault, settings: Settings, subtests: pytest.Subtests
) -> None:
    app = application(Backend(settings, database, vault, anyio.CapacityLimiter(2)))
    with serving(app) as server:
        for name, sent in FRAMES.items():
            with subtests.test(name):
                answer = server.send(sent)
                assert answer is not None
                assert 400 <= answer.status < 500
                (error,) = json.loads(answer.body)["errors"]
                assert error["extensions"]["code"] in ErrorCode.__members__
                assert answer.headers["content-type"].startswith("application/json")
        for name, sent in CUT.items():
            with subtests.test(name):
                answer = server.send(sent, end=True)
                assert answer is None or 400 <= answer.status < 500
        for name, sent in ENDLESS.items():
            with subtests.test(f"{name} without an end"):
                answer = server.send(sent, *[b"y" * 10_000] * 20)
                assert answer is None or answer.status == 400
        good = request(b'{"query": "{ __typename }"}')
        with server.connect() as connection:  # two requests in the same breath
            connection.sendall(good.replace(b"connection: close\r\n", b"") + good)
            answers = connection.makefile("rb").read()
        assert answers.count(b"HTTP/1.1 200 OK") == 2
        well = server.send(request(b'{"query": "{ __typename }"}'))
        assert well is not None and well.status == 200
