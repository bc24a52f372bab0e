"""The whole life of files in an S3-compatible store, told over real HTTP."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest

from gql_service.app import Service
from gql_service.catalog.sweep import sweep
from gql_service.settings import Settings
from gql_service.vault.s3_signing import Account, unfinished_uploads
from gql_service.versions.retention import purge_deleted
from tests.api.client import Client
from tests.api.shelf import Shelf
from tests.conftest import SetClock

pytestmark = pytest.mark.exhaustive

URLS = "query ($id: ID!) { dataset(by: {id: $id}) { items(first: 9) { nodes { downloadUrl } } } }"


@pytest.fixture
def settings(tmp_path: Path, swift: Account) -> Settings:
    return Settings(
        data_dir=tmp_path / "data",
        storage_url=f"s3://{swift.bucket}/stories/{secrets.token_hex(8)}",
        storage_endpoint=swift.endpoint,
        storage_access_key=swift.access_key,
        storage_secret_key=swift.secret_key,
        direct_downloads=True,
    )


def downloads(client: Client, dataset: str) -> Iterator[Any]:
    """The answers about each item's file, redirections not followed."""
    for item in client.run(URLS, id=dataset)["dataset"]["items"]["nodes"]:
        yield client.get(item["downloadUrl"].removeprefix("http://127.0.0.1:8000"))


def forget(service: Service, clock: SetClock) -> None:
    clock.advance(timedelta(days=31))
    service.database.write(lambda tx: purge_deleted(tx, timedelta(days=30)))
    for _ in range(5):
        sweep(service.database, service.vault, service.settings, force=True)
        clock.advance(timedelta(days=8))


def test_files_are_uploaded_cloned_merged_downloaded_and_swept(
    ada: Client, service: Service, settings: Settings, swift: Account, clock: SetClock
) -> None:
    shelf = Shelf.fill(ada, count=3)
    clone = ada.change("cloneDataset", "dataset { id }", datasetId=shelf.dataset, name="copy")
    ids = [shelf.dataset, clone["dataset"]["id"]]
    merged = ada.change("mergeDatasets", "dataset { id }", name="both", datasetIds=ids)
    ids.append(merged["dataset"]["id"])
    assert len(set(service.vault.keys())) == 3

    for number, answer in enumerate(downloads(ada, ids[-1])):
        assert answer.status_code == 307
        with httpx2.Client() as anybody:
            file = anybody.get(answer.headers["location"])
        assert (file.status_code, file.content) == (200, f"shelf {number}".encode())
        assert answer.headers["cache-control"] == "no-store"
        assert file.headers["cache-control"].startswith("private")
        assert file.headers["content-disposition"] == answer.headers["content-disposition"]
        assert file.headers["content-disposition"].startswith("attachment;")
        assert "html" not in file.headers["content-type"]

    for dataset in ids:
        ada.change("deleteDataset", datasetId=dataset)
    forget(service, clock)
    assert list(service.vault.keys()) == []
    prefix = str(settings.storage_url).partition(f"{swift.bucket}/")[2]
    assert list(unfinished_uploads(swift, prefix)) == []
