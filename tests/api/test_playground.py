"""Where the playground and the API share an address."""

from __future__ import annotations

from starlette.testclient import TestClient

from tests.api.client import Client
from tests.api.shelf import Shelf
from tests.builders import ON_SQLITE


@ON_SQLITE
def test_a_dataset_is_a_page_for_browsers_and_json_for_programs(
    http: TestClient, ada: Client, shelf: Shelf
) -> None:
    address = f"/datasets/{shelf.dataset}"
    browser = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8"}

    page = http.get(address, headers=browser)
    described = http.get(address, headers=ada.headers)
    refused = http.get(address)

    assert page.headers["content-type"].startswith("text/html")
    assert "script-src 'self';" in page.headers["content-security-policy"]
    assert shelf.dataset not in page.text
    assert described.json()["id"] == shelf.dataset
    assert refused.status_code == 401
    assert {answer.headers["vary"] for answer in (page, described)} == {"Accept"}
