"""The first start, the second one, and what is refused at the start; and a client off the shelf."""

from __future__ import annotations

import stat
from io import BytesIO
from pathlib import Path

import pytest
import sqlalchemy as sa
from gql import Client as GqlClient
from gql import FileVar, gql
from gql.transport.httpx import HTTPXTransport

from gql_service.app import Service, build, open_store
from gql_service.errors import SchemaTooNew, ServiceError
from gql_service.settings import Settings
from tests.api.client import Client, document
from tests.api.shelf import Shelf
from tests.conftest import MIGRATED, Cluster


def test_the_first_start_makes_an_admin_whose_token_only_we_can_read(
    service: Service, ada: Client
) -> None:
    mode = stat.S_IMODE(service.token_file.stat().st_mode)
    assert mode == 0o600
    viewer = ada.run("{ viewer { admin user { email } } }")["viewer"]
    assert viewer == {"admin": True, "user": {"email": "admin@localhost"}}


def test_a_second_start_finds_everything_and_makes_nobody(settings: Settings) -> None:
    first = build(settings)
    token = first.token_file.read_text()
    first.close()
    second = build(settings)
    assert second.token_file.read_text() == token
    with second.database.read() as tx:
        assert tx.scalar(sa.text("SELECT count(*) FROM users")) == 1
    second.close()


def test_a_token_file_that_was_put_away_is_not_made_again(settings: Settings) -> None:
    first = build(settings)
    first.token_file.unlink()
    first.close()
    second = build(settings)
    assert not second.token_file.exists()
    second.close()


def test_a_database_of_a_newer_release_is_refused(settings: Settings) -> None:
    store = open_store(settings)
    store.database.write(
        lambda tx: tx.execute(sa.text("UPDATE alembic_version SET version_num = 'x'")) and None
    )
    store.close()
    with pytest.raises(SchemaTooNew):
        build(settings)


def test_a_shared_database_is_migrated_only_when_told_to(cluster: Cluster, tmp_path: Path) -> None:
    url = cluster.create("unmigrated")
    settings = Settings(data_dir=tmp_path, database_url=url)
    with pytest.raises(ServiceError, match="gql-service migrate"):
        build(settings)
    open_store(settings, migrate=True).close()
    build(settings).close()
    cluster.drop("unmigrated")
    assert MIGRATED != "unmigrated"


def test_the_python_client_gql_reads_the_schema_uploads_and_clones(
    ada: Client, service: Service, url: str
) -> None:
    shelf = Shelf.fill(ada, count=1)
    token = service.token_file.read_text().strip()
    transport = HTTPXTransport(
        url=f"{url}/graphql",
        headers={"Authorization": f"Bearer {token}", "GraphQL-Require-Preflight": "1"},
    )
    with GqlClient(transport=transport, fetch_schema_from_transport=True) as session:
        upload = gql(document("uploadItems", "added items { path binary { size } }"))
        upload.variable_values = {
            "input": {
                "datasetId": shelf.dataset,
                "files": [{"file": FileVar(BytesIO(b"from gql"), filename="gql.txt")}],
            }
        }
        done = session.execute(upload, upload_files=True)["uploadItems"]
        assert done["items"] == [{"path": "/gql.txt", "binary": {"size": "8"}}]
        clone = gql(document("cloneDataset", "report { itemsCount }"))
        clone.variable_values = {"input": {"datasetId": shelf.dataset, "name": "copy"}}
        assert session.execute(clone)["cloneDataset"]["report"] == {"itemsCount": 2}
