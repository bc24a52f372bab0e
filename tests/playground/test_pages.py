"""What the playground's addresses answer, with a bundle and without one."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from gql_service.playground.pages import MAKE_IT, POLICY, playground_routes

SCRIPT = b"console.log(1)\n" * 100


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    (tmp_path / "assets").mkdir()
    (tmp_path / "page.html").write_text("<!doctype html><title>The page</title>")
    (tmp_path / "assets" / "page-X1.js.gz").write_bytes(gzip.compress(SCRIPT))
    (tmp_path / "assets" / "..\\other.js.gz").write_bytes(b"")  # elsewhere, on Windows
    return tmp_path


@pytest.fixture
def http(bundle: Path) -> Iterator[TestClient]:
    with TestClient(Starlette(routes=playground_routes(bundle))) as client:
        yield client


def test_the_root_leads_to_the_page_which_runs_nothing_from_elsewhere(http: TestClient) -> None:
    root = http.get("/", follow_redirects=False)
    page = http.get("/playground")

    assert (root.status_code, root.headers["location"]) == (307, "/playground")
    assert (page.status_code, "The page" in page.text) == (200, True)
    assert page.headers["cache-control"] == "no-cache"
    given = dict(part.split(" ", 1) for part in page.headers["content-security-policy"].split("; "))
    assert given == POLICY
    assert given["default-src"] == "'none'"
    assert {given[name] for name in ("script-src", "worker-src", "connect-src")} == {"'self'"}
    assert given["frame-ancestors"] == "'none'"
    assert not any("eval" in value or "http" in value for value in given.values())
    assert page.headers["x-content-type-options"] == "nosniff"
    assert page.headers["referrer-policy"] == "no-referrer"


def test_assets_are_sent_as_they_were_compressed_and_kept_for_ever(http: TestClient) -> None:
    packed = http.get("/playground/assets/page-X1.js")
    plain = http.get("/playground/assets/page-X1.js", headers={"accept-encoding": "identity"})

    assert (packed.content, plain.content) == (SCRIPT, SCRIPT)
    assert packed.headers["content-encoding"] == "gzip"
    assert int(packed.headers["content-length"]) < len(SCRIPT) / 2
    assert "content-encoding" not in plain.headers
    for answer in (packed, plain):
        assert answer.headers["content-type"].startswith("text/javascript")
        assert answer.headers["vary"] == "Accept-Encoding"
        assert "immutable" in answer.headers["cache-control"]
        assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("name", ["page-X2.js", "..%2fpage.html", "%00", "..%5cother.js"])
def test_nothing_but_assets_is_sent(http: TestClient, name: str) -> None:
    assert http.get(f"/playground/assets/{name}").status_code == 404


def test_without_a_bundle_the_page_says_how_to_make_it(tmp_path: Path) -> None:
    with TestClient(Starlette(routes=playground_routes(tmp_path))) as http:
        page = http.get("/playground")

    assert page.status_code == 503
    assert MAKE_IT in page.text
    assert "<script" not in page.text
    assert "default-src 'none'" in page.headers["content-security-policy"]
