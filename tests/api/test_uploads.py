"""Multipart requests: what they must have, and what is refused before anything is stored."""

from __future__ import annotations

import json
from collections.abc import Iterator
from reprlib import repr
from typing import Any

import pytest

from gql_service.vault.contract import Vault
from tests.api.client import Client, document
from tests.api.conftest import Census
from tests.api.shelf import Shelf
from tests.builders import ON_SQLITE

PREFLIGHT = {"graphql-require-preflight": "1"}
MUTATION = document("uploadItems", "added")


def operations(dataset: str, files: int = 1) -> dict[str, Any]:
    given = {"datasetId": dataset, "files": [{"file": None} for _ in range(files)]}
    return {"query": MUTATION, "variables": {"input": given}}


def send(
    client: Client,
    sent: Any,
    places: Any,
    files: Any,
    headers: dict[str, str] = PREFLIGHT,
) -> Any:
    data = {}
    if sent is not None:
        data["operations"] = sent if isinstance(sent, str) else json.dumps(sent)
    if places is not None:
        data["map"] = places if isinstance(places, str) else json.dumps(places)
    return client.http.request(
        "POST", "/graphql", data=data, files=files, headers={**client.headers, **headers}
    )


def refused(response: Any) -> tuple[int, str, list[str] | None]:
    (error,) = response.json()["errors"]
    extensions = error["extensions"]
    return response.status_code, extensions["code"], extensions.get("path")


FILE = [("0", ("x.txt", b"x"))]
PLACE = {"0": ["variables.input.files.0.file"]}


@ON_SQLITE
@pytest.mark.parametrize("header", ["GraphQL-Require-Preflight", "Apollo-Require-Preflight"])
def test_a_multipart_request_needs_a_header_that_forms_cannot_send(
    ada: Client, shelf: Shelf, header: str
) -> None:
    sent = operations(shelf.dataset)
    assert refused(send(ada, sent, PLACE, FILE, {})) == (400, "INVALID", None)
    answer = send(ada, sent, PLACE, FILE, {header: "1"}).json()
    assert answer["data"]["uploadItems"]["added"] == 1


@ON_SQLITE
def test_without_a_token_nothing_of_the_body_is_read(ada: Client, shelf: Shelf) -> None:
    def endless() -> Iterator[bytes]:
        raise AssertionError("the body was read")
        yield b""

    response = ada.http.request(
        "POST",
        "/graphql",
        content=endless(),
        headers={**PREFLIGHT, "content-type": "multipart/form-data; boundary=x"},
    )
    assert refused(response) == (401, "UNAUTHENTICATED", None)


AT = ["files", "0", "file"]
WRONG: list[tuple[Any, Any, Any, tuple[int, str, list[str] | None]]] = [
    (None, PLACE, FILE, (400, "INVALID", None)),
    ("", PLACE, FILE, (400, "INVALID", None)),
    ("1", PLACE, FILE, (400, "INVALID", None)),
    ("[]", PLACE, FILE, (400, "INVALID", None)),
    ("{", PLACE, FILE, (400, "INVALID", None)),
    ("{}", PLACE, FILE, (400, "INVALID", None)),
    (..., None, FILE, (400, "INVALID", None)),
    (..., "[]", FILE, (400, "INVALID", None)),
    (..., "{", FILE, (400, "INVALID", None)),
    (..., {"0": "variables.input.files.0.file"}, FILE, (400, "INVALID", None)),
    (..., {"0": []}, FILE, (400, "INVALID", None)),
    (..., {"0": [1]}, FILE, (400, "INVALID", None)),
    (..., {"0": ["variables.input.files.0.file"] * 2}, FILE, (400, "INVALID", None)),
    (..., {"0": ["variables.input.files.1.file"]}, FILE, (400, "INVALID", None)),
    (..., {"0": ["variables.input.files.-1.file"]}, FILE, (400, "INVALID", None)),
    (..., {"0": ["variables.input.datasetId"]}, FILE, (400, "INVALID", None)),
    (..., {"0": ["variables.input.datasetId.0"]}, FILE, (400, "INVALID", None)),
    (..., {"0": ["query"]}, FILE, (400, "INVALID", None)),
    (..., {"0": ["variables"]}, FILE, (400, "INVALID", None)),
    (..., {"0": [""]}, FILE, (400, "INVALID", None)),
    (..., {"0": ["." * 1000]}, FILE, (400, "INVALID", None)),
    (..., {"1": ["variables.input.files.0.file"]}, FILE, (400, "INVALID", AT)),
    (..., {}, FILE, (400, "INVALID", None)),
    (..., PLACE, [*FILE, ("1", ("y", b"y"))], (400, "INVALID", None)),
    (..., PLACE, [(str(at), ("y", b"y")) for at in range(6)], (400, "INVALID", None)),
]


@ON_SQLITE
def test_a_multipart_body_that_makes_no_sense_is_refused(
    ada: Client, shelf: Shelf, census: Census, vault: Vault, subtests: pytest.Subtests
) -> None:
    for sent, places, files, refusal in WRONG:
        given = operations(shelf.dataset) if sent is ... else sent
        with subtests.test(f"{sent} {repr(places)} {repr(files)}"):
            before, objects = census(), set(vault.keys())
            assert refused(send(ada, given, places, files)) == refusal
            assert (census(), set(vault.keys())) == (before, objects)


@ON_SQLITE
def test_a_file_beyond_the_limit_leaves_nothing(
    ada: Client, shelf: Shelf, census: Census, vault: Vault
) -> None:
    before, objects = census(), set(vault.keys())
    too_long = [("0", ("x", b"x" * 100_001))]
    refusal = refused(send(ada, operations(shelf.dataset), PLACE, too_long))
    assert refusal == (413, "LIMIT_EXCEEDED", AT)
    assert (census(), set(vault.keys())) == (before, objects)


BROKEN = [
    b"",
    b"--x",
    b"--x--\r\n",
    b"--x\r\n\r\n\r\n--x--\r\n",
    b'--x\r\ncontent-disposition: form-data; name="operations"\r\n\r\n\xff\r\n--x--\r\n',
    b'--x\r\ncontent-disposition: form-data; name="map"; filename="x"\r\n\r\n{}\r\n--x--',
]


@ON_SQLITE
def test_a_broken_multipart_body_is_refused(ada: Client, subtests: pytest.Subtests) -> None:
    for body in BROKEN:
        for kind in ("multipart/form-data; boundary=x", "multipart/form-data"):
            with subtests.test(f"{body!r} as {kind}"):
                headers = {**ada.headers, **PREFLIGHT, "content-type": kind}
                response = ada.http.request("POST", "/graphql", content=body, headers=headers)
                assert refused(response)[:2] == (400, "INVALID")


@ON_SQLITE
def test_a_file_is_only_a_part_of_the_request(ada: Client, shelf: Shelf) -> None:
    for evil in ("text", {"filename": "x"}, 1, None, ["x"]):
        files = [{"file": evil}]
        code, path = ada.refused("uploadItems", datasetId=shelf.dataset, files=files)
        assert code == "INVALID" and path is not None and path[:2] == ["files", "0"]


@ON_SQLITE
def test_a_file_of_just_the_limit_passes(ada: Client, shelf: Shelf) -> None:
    done = ada.upload(shelf.dataset, [("x", b"x" * 100_000)], "items { binary { size } }")
    assert done["items"] == [{"binary": {"size": "100000"}}]


@ON_SQLITE
def test_an_upload_of_no_files_changes_nothing(ada: Client, shelf: Shelf) -> None:
    done = ada.change("uploadItems", "added version { number }", datasetId=shelf.dataset, files=[])
    assert (done["added"], done["version"]) == (0, None)


def test_one_content_twice_is_stored_once(ada: Client, shelf: Shelf, vault: Vault) -> None:
    objects = len(set(vault.keys()))
    files = [("a", b"same"), ("b", b"same")]
    done = ada.upload(shelf.dataset, files, "items { binary { id referenceCount } }")
    assert done["items"][0] == done["items"][1]
    assert done["items"][0]["binary"]["referenceCount"] == 2
    assert len(set(vault.keys())) <= objects + 2  # the spare one waits for a sweep
