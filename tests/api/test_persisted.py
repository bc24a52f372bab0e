"""Documents that are named instead of sent."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest
from starlette.testclient import TestClient

from gql_service.api.application import application
from gql_service.api.context import Backend
from gql_service.database.engine import Database
from gql_service.errors import Invalid
from gql_service.settings import Settings
from gql_service.vault.contract import Vault
from tests.api.client import Client

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)

QUERY = "query Who { viewer { user { name } } }"
OTHER = "{ __typename }"
DIGEST = hashlib.sha256(QUERY.encode()).hexdigest()
NAMED = {"persistedQuery": {"version": 1, "sha256Hash": DIGEST}}
ADA = {"data": {"viewer": {"user": {"name": "Ada"}}}}

Serving = Callable[[Mapping[str, Any]], AbstractContextManager[Client]]


def asked(client: Client, **request: Any) -> tuple[int, Any]:
    """Status and body of the answer to a request with these members."""
    headers = {**client.headers, "content-type": "application/json"}
    response = client.http.request("POST", "/graphql", content=json.dumps(request), headers=headers)
    return response.status_code, response.json()


def refused(answer: tuple[int, Any]) -> tuple[int, str, list[str] | None]:
    status, body = answer
    (error,) = body["errors"]
    return status, error["extensions"]["code"], error["extensions"].get("path")


@pytest.fixture
def serving(
    ada: Client, database: Database, vault: Vault, settings: Settings, tmp_path: Path
) -> Serving:
    """`with serving(trusted) as client:` speaks for Ada to a service with trusted documents."""

    @contextmanager
    def serve(trusted: Mapping[str, Any]) -> Iterator[Client]:
        path = tmp_path / "trusted.json"
        path.write_text(json.dumps(trusted))
        closed = settings.model_copy(update={"trusted_documents": path})
        backend = Backend(closed, database, vault, anyio.CapacityLimiter(8))
        with TestClient(application(backend)) as http:
            client = Client(http, None)
            client.headers = ada.headers
            yield client

    return serve


def test_a_document_that_was_sent_with_its_digest_is_found_by_it(ada: Client) -> None:
    status, body = asked(ada, extensions=NAMED)
    assert (status, body["errors"][0]["message"]) == (200, "PersistedQueryNotFound")
    assert body["errors"][0]["extensions"] == {"code": "PERSISTED_QUERY_NOT_FOUND"}

    assert asked(ada, query=QUERY, extensions=NAMED) == (200, ADA)
    assert asked(ada, extensions=NAMED) == (200, ADA)
    assert asked(ada, documentId=DIGEST) == (200, ADA)
    assert asked(ada, documentId=f"sha256:{DIGEST}") == (200, ADA)
    assert asked(ada, extensions=NAMED, operationName="Who") == (200, ADA)


def test_a_named_document_is_asked_for_by_get_too(ada: Client) -> None:
    asked(ada, query=QUERY, extensions=NAMED)
    response = ada.http.request(
        "GET", "/graphql", params={"extensions": json.dumps(NAMED)}, headers=ada.headers
    )
    assert response.json() == ADA


def test_without_a_token_nothing_is_remembered_and_nothing_more_answered(ada: Client) -> None:
    nobody = Client(ada.http, None)
    digest = hashlib.sha256(OTHER.encode()).hexdigest()
    named = {"persistedQuery": {"version": 1, "sha256Hash": digest}}

    assert asked(nobody, query=OTHER, extensions=named)[0] == 200
    assert refused(asked(nobody, extensions=named))[1] == "PERSISTED_QUERY_NOT_FOUND"

    asked(ada, query=QUERY, extensions=NAMED)
    assert refused(asked(nobody, extensions=NAMED)) == (401, "UNAUTHENTICATED", None)


def test_a_name_of_the_wrong_form_is_refused(ada: Client, subtests: pytest.Subtests) -> None:
    wrong: dict[str, tuple[dict[str, Any], list[str]]] = {
        "another digest": (
            {"query": OTHER, "extensions": NAMED},
            ["extensions", "persistedQuery", "sha256Hash"],
        ),
        "no digest": (
            {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": "abc"}}},
            ["extensions", "persistedQuery", "sha256Hash"],
        ),
        "another version": (
            {"extensions": {"persistedQuery": {"version": 2, "sha256Hash": DIGEST}}},
            ["extensions", "persistedQuery"],
        ),
        "no object": ({"extensions": {"persistedQuery": 1}}, ["extensions", "persistedQuery"]),
        "a number": ({"documentId": 1}, ["documentId"]),
        "an empty name": ({"documentId": ""}, ["documentId"]),
        "an empty text": ({"documentId": DIGEST, "query": " "}, ["query"]),
        "nothing at all": ({}, ["query"]),
    }
    for name, (request, path) in wrong.items():
        with subtests.test(name):
            assert refused(asked(ada, **request)) == (400, "INVALID", path)


def test_with_trusted_documents_nothing_else_runs(
    serving: Serving, subtests: pytest.Subtests
) -> None:
    manifest = {
        "format": "apollo-persisted-query-manifest",
        "version": 1,
        "operations": [{"id": DIGEST, "name": "Who", "type": "query", "body": QUERY}],
    }
    for name, trusted in {"by digest": {DIGEST: QUERY}, "a manifest": manifest}.items():
        with subtests.test(name), serving(trusted) as client:
            assert asked(client, query=QUERY) == (200, ADA)
            assert asked(client, extensions=NAMED) == (200, ADA)
            assert refused(asked(client, query=OTHER)) == (403, "FORBIDDEN", ["query"])
            assert refused(asked(client, query=QUERY + " ")) == (403, "FORBIDDEN", ["query"])
            assert refused(asked(client, documentId="x"))[1] == "PERSISTED_QUERY_NOT_FOUND"
    with subtests.test("any name"), serving({"Who": QUERY}) as client:
        assert asked(client, documentId="Who") == (200, ADA)


def test_a_file_of_something_else_is_refused_at_the_start(
    serving: Serving, subtests: pytest.Subtests
) -> None:
    for name, trusted in {
        "texts without names": [QUERY],
        "numbers": {"a": 1},
        "a manifest without bodies": {"operations": [{"id": "a"}]},
    }.items():
        with subtests.test(name), pytest.raises(Invalid), serving(trusted):  # type: ignore[arg-type]
            pass
