"""The connection to the database breaks in the midst of a COMMIT, and the client tries again.

Nobody knows then whether the first attempt was committed; under a key nobody has to.

Seeded bug that turned this red: the key claimed in a transaction of its own, before the work.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import anyio
import pytest
from starlette.testclient import TestClient

from gql_service.api.application import application
from gql_service.api.context import Backend
from gql_service.database.engine import Database
from gql_service.settings import Settings
from gql_service.vault.contract import Vault
from tests.api.client import Client, document
from tests.api.conftest import Census
from tests.api.relay import COMMIT_BYTES, Relay
from tests.api.shelf import BOX, Shelf
from tests.conftest import SetClock, driven
from tests.postgres import MIGRATED, Cluster

ON_POSTGRESQL = pytest.mark.parametrize("database", ["postgresql"], indirect=True)
"""SQLite has no connection that could break."""

MINUTE = timedelta(minutes=1)
FIELDS = "version { number createdAt } annotations { id }"


@pytest.fixture
def relay(cluster: Cluster) -> Iterator[Relay]:
    with tempfile.TemporaryDirectory(prefix="gql-relay-", dir="/tmp") as folder:
        relay = Relay(cluster.folder, Path(folder))
        yield relay
        relay.close()


@pytest.fixture
def relayed(relay: Relay, clock: SetClock) -> Iterator[Database]:
    database = Database(driven(relay.url(MIGRATED)), clock=clock)
    yield database
    database.close()


@pytest.mark.exhaustive
@ON_POSTGRESQL
def test_wherever_a_commit_breaks_off_a_retry_makes_it_once(
    ada: Client,
    shelf: Shelf,
    relay: Relay,
    relayed: Database,
    vault: Vault,
    settings: Settings,
    census: Census,
    clock: SetClock,
) -> None:
    before = census()["annotation_states"]
    backend = Backend(settings, relayed, vault, anyio.CapacityLimiter(8))
    with TestClient(application(backend)) as http:
        client = Client(http, None)
        client.headers = ada.headers
        for passing in range(COMMIT_BYTES + 1):
            relayed.close()  # what is sent often enough is not sent as text any more
            input = {
                "datasetId": shelf.dataset,
                "annotations": [{"itemId": shelf.items[1], **BOX}],
                "idempotencyKey": f"key {passing}",
            }
            relay.lose(passing)
            broken = client.answer(document("addAnnotations", FIELDS), input=input)
            assert broken["errors"][0]["extensions"]["code"] == "INTERNAL"
            assert not relay.armed
            first = clock()
            clock.advance(MINUTE)

            done = client.change("addAnnotations", FIELDS, **input)

            made = first if passing == COMMIT_BYTES else clock()
            assert done["version"]["createdAt"] == made.isoformat().replace("+00:00", "Z")
            assert done["version"]["number"] == 2 + passing + 1
            assert client.change("addAnnotations", FIELDS, **input) == done
            assert census()["annotation_states"] == before + passing + 1
