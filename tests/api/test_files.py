"""Downloads: the very bytes, in parts, and never as something that a browser would run."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from gql_service.vault.contract import Vault
from tests.api.client import Client
from tests.api.shelf import Shelf
from tests.builders import ON_SQLITE

BYTES = b"0123456789"
URL = "query ($by: ItemBy!) { item(by: $by) { downloadUrl binary { downloadUrl sha256 } } }"


@pytest.fixture
def url(ada: Client, shelf: Shelf) -> str:
    done = ada.upload(shelf.dataset, [("digits.txt", BYTES)], "items { downloadUrl }")
    found: str = done["items"][0]["downloadUrl"]
    return found


@ON_SQLITE
def test_the_bytes_come_back_guarded(ada: Client, url: str) -> None:
    response = ada.get(url)
    assert (response.status_code, response.content) == (200, BYTES)
    headers = response.headers
    assert headers["content-length"] == "10"
    assert headers["content-type"] == "text/plain; charset=utf-8"
    assert headers["etag"] == f'"{hashlib.sha256(BYTES).hexdigest()}"'
    assert headers["content-disposition"].startswith('attachment; filename="digits.txt"')
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["content-security-policy"] == "default-src 'none'; sandbox"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert headers["accept-ranges"] == "bytes"


@ON_SQLITE
def test_a_head_has_the_headers_and_no_bytes(ada: Client, url: str) -> None:
    path = url.removeprefix("http://127.0.0.1:8000")
    response = ada.http.request("HEAD", path, headers=ada.headers)
    assert (response.status_code, response.content) == (200, b"")
    assert response.headers["content-length"] == "10"


RANGES: list[tuple[str, int, bytes | None, str | None]] = [
    ("bytes=0-3", 206, b"0123", "bytes 0-3/10"),
    ("bytes=4-", 206, b"456789", "bytes 4-9/10"),
    ("bytes=-3", 206, b"789", "bytes 7-9/10"),
    ("bytes=-99", 206, BYTES, "bytes 0-9/10"),
    ("bytes=8-99", 206, b"89", "bytes 8-9/10"),
    ("bytes=9-9", 206, b"9", "bytes 9-9/10"),
    ("bytes=10-", 416, None, "bytes */10"),
    ("bytes=99-100", 416, None, "bytes */10"),
    ("bytes=-0", 416, None, "bytes */10"),
    ("bytes=3-1", 200, BYTES, None),
    ("bytes=0-1,3-4", 200, BYTES, None),
    ("bytes=-", 200, BYTES, None),
    ("bytes=a-b", 200, BYTES, None),
    ("items=0-3", 200, BYTES, None),
    ("bytes=" + "9" * 40 + "-", 200, BYTES, None),
]


@ON_SQLITE
def test_one_range_is_served(ada: Client, url: str, subtests: pytest.Subtests) -> None:
    tag = f'"{hashlib.sha256(BYTES).hexdigest()}"'
    for asked, status, content, told in RANGES:
        with subtests.test(asked):
            response = ada.get(url, range=asked)
            assert response.status_code == status
            assert response.headers.get("content-range") == told
            if content is None:
                assert response.json()["errors"][0]["extensions"]["code"] == "INVALID"
            else:
                assert response.content == content
            if status == 206:
                assert ada.get(url, range=asked, **{"if-range": tag}).status_code == 206
                assert ada.get(url, range=asked, **{"if-range": '"other"'}).content == BYTES


@ON_SQLITE
def test_a_copy_that_one_has_is_not_sent_again(ada: Client, url: str) -> None:
    tag = f'"{hashlib.sha256(BYTES).hexdigest()}"'
    for given in (tag, f'"other", W/{tag}', "*"):
        response = ada.get(url, **{"if-none-match": given})
        assert (response.status_code, response.content) == (304, b"")
        assert response.headers["etag"] == tag
    assert ada.get(url, **{"if-none-match": '"other"'}).status_code == 200


@ON_SQLITE
def test_a_file_is_its_readers_only(ada: Client, bob: Client, url: str) -> None:
    assert bob.get(url).status_code == 404
    response = Client(ada.http, None).get(url.partition("?")[0])
    assert response.status_code == 401
    assert response.headers["www-authenticate"] == "Bearer"


NOWHERE = [
    "ds_1/it_1_999",
    "ds_1/it_2_1",
    "ds_2/it_2_1",
    "ds_1/an_1_1",
    "ds_1/999",
    "ds_1/0",
    "ds_1/x",
    "ds_1_v1/it_1_1",
    "ds_1_v99/it_1_1",
    "ds_1_v2/it_1_1_v1",
    "it_1_1/it_1_1",
    "ds_1/9999999999999999999",
    "ds_1/..%2f..%2fetc%2fpasswd",
    "ds_1",
    "bi_x",
    "bi_" + "0" * 64,
]


@ON_SQLITE
def test_what_is_not_there_is_not_found(
    ada: Client, shelf: Shelf, subtests: pytest.Subtests
) -> None:
    for path in NOWHERE:
        with subtests.test(path):
            response = ada.get(f"/files/{path}")
            assert response.status_code == 404
            assert response.json()["errors"][0]["extensions"]["code"] == "NOT_FOUND"


@ON_SQLITE
def test_an_item_is_found_by_key_and_at_a_version(ada: Client, shelf: Shelf) -> None:
    key = shelf.items[0].split("_")[-1]
    ada.upload(shelf.dataset, [("file0.txt", b"new")], mode="OVERWRITE")
    assert ada.get(f"/files/{shelf.dataset}/{key}").content == b"new"
    assert ada.get(f"/files/{shelf.dataset}_v2/{key}").content == b"shelf 0"
    assert ada.get(f"/files/{shelf.dataset}/{shelf.items[0]}_v2").content == b"shelf 0"
    ada.change("deleteItems", datasetId=shelf.dataset, selection={"where": {}})
    assert ada.get(f"/files/{shelf.dataset}/{key}").status_code == 404
    assert ada.get(f"/files/{shelf.dataset}_v2/{key}").content == b"shelf 0"


@ON_SQLITE
def test_a_binary_is_downloaded_by_its_own_address(ada: Client, bob: Client, shelf: Shelf) -> None:
    url = ada.run(URL, by={"id": shelf.items[0]})["item"]["binary"]["downloadUrl"]
    assert ada.get(url).content == b"shelf 0"
    assert bob.get(url).status_code == 404


DANGEROUS = [
    ("x.html", b"<script>alert(1)</script>", "application/octet-stream"),
    ("x.svg", b"<svg xmlns='http://www.w3.org/2000/svg'><script/></svg>", None),
    ("x.xml", b"<?xml version='1.0'?><x/>", "application/octet-stream"),
    ("x.pdf", b"%PDF-1.4", "application/octet-stream"),
    ("x.js", b"alert(1)", "application/octet-stream"),
    ("x.gif", b"GIF89a/*<script>*/", None),
    ("x.unknown", b"\x00\x01", "application/octet-stream"),
]


@ON_SQLITE
def test_nothing_is_sent_as_what_a_browser_would_run(
    ada: Client, shelf: Shelf, subtests: pytest.Subtests
) -> None:
    for name, content, kind in DANGEROUS:
        with subtests.test(name):
            done = ada.upload(shelf.dataset, [(name, content)], "items { downloadUrl }")
            response = ada.get(done["items"][0]["downloadUrl"])
            assert response.content == content
            sent = response.headers["content-type"]
            assert sent == kind if kind else sent in ("application/octet-stream", "image/gif")
            assert response.headers["content-disposition"].startswith("attachment")


@ON_SQLITE
def test_any_name_is_given_in_full(ada: Client, shelf: Shelf) -> None:
    name = 'Ünïcode "quoted"; x=%41.txt'
    done = ada.upload(
        shelf.dataset, [{"name": "x", "content": b"x", "path": name}], "items { downloadUrl path }"
    )
    headers = ada.get(done["items"][0]["downloadUrl"]).headers
    assert headers["content-disposition"] == (
        'attachment; filename="_n_code _quoted_; x=_41.txt"; '
        "filename*=UTF-8''%C3%9Cn%C3%AFcode%20%22quoted%22%3B%20x%3D%2541.txt"
    )


@ON_SQLITE
def test_missing_bytes_are_an_error_and_not_a_file(
    ada: Client, shelf: Shelf, vault: Vault, http: Any
) -> None:
    url = ada.run(URL, by={"id": shelf.items[0]})["item"]["downloadUrl"]
    keys = list(vault.keys())
    kept = {key: b"".join(vault.read(key)) for key in keys}
    for key in kept:
        vault.delete(key)
    response = ada.get(url)
    assert response.status_code == 502
    assert response.json()["errors"][0]["extensions"]["code"] == "BINARY_CORRUPT"
    done = ada.upload(shelf.dataset, [("again.txt", b"shelf 0")])
    assert done["added"] == 1
    assert ada.get(url).content == b"shelf 0"
    for key, content in kept.items():
        if content != b"shelf 0":
            vault.put(key, [content])


@ON_SQLITE
def test_other_bytes_of_the_same_length_are_an_error_too_before_any_is_sent(
    ada: Client, shelf: Shelf, vault: Vault
) -> None:
    url = ada.run(URL, by={"id": shelf.items[0]})["item"]["downloadUrl"]
    for key in list(vault.keys()):
        if b"".join(vault.read(key)) == b"shelf 0":
            vault.delete(key)
            vault.put(key, [b"shelf X"])
    response = ada.get(url)
    assert response.status_code == 502
    assert response.json()["errors"][0]["extensions"]["code"] == "BINARY_CORRUPT"
    assert ada.upload(shelf.dataset, [("again.txt", b"shelf 0")])["added"] == 1
    assert ada.get(url).content == b"shelf 0"
