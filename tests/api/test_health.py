"""What operators see: lines, counts, health, and nothing that is secret."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Callable, Iterator
from pathlib import Path

import anyio
import pytest
import sqlalchemy as sa
from pydantic import SecretStr
from starlette.testclient import TestClient

from gql_service import logs
from gql_service.api.application import application
from gql_service.api.context import Backend
from gql_service.catalog.sweep import SweepReport
from gql_service.catalog.sweep_totals import add_sweep
from gql_service.database.engine import Database
from gql_service.settings import Settings
from gql_service.vault.disk import DiskVault
from tests.api.client import Client

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)

Lines = Callable[[], list[dict[str, object]]]
HERE, ELSEWHERE = ("127.0.0.1", 5000), ("192.0.2.7", 5000)


@pytest.fixture
def lines() -> Iterator[Lines]:
    """What has been logged since it was asked for last."""
    root, ours = logging.getLogger(), logging.getLogger("gql_service")
    before = list(root.handlers), root.level, ours.level
    written = io.BytesIO()
    logs.configure("info", to=io.TextIOWrapper(written, write_through=True))
    yield lambda: [json.loads(line) for line in written.getvalue().splitlines()]
    logs.configure("error")
    root.handlers, root.level = before[0], before[1]
    ours.setLevel(before[2])


def test_each_request_is_one_line_with_its_id_and_nothing_secret(
    http: TestClient, ada: Client, lines: Lines
) -> None:
    create = """mutation Make($name: String!) {
        createProject(input: {name: $name}) { ... on Error { code } } }"""
    ada.headers["x-request-id"] = "from-the-proxy.1"
    ada.run(create, name="canary-name")
    ada.run(create, name="canary-name")
    ada.headers["x-request-id"] = "new\x7fline"
    answer = http.post(
        "/graphql?variables=canary-query", json={"query": "{ nothing }"}, headers=ada.headers
    )
    http.get("/files/ds_1/it_1_1?grant=canary-grant")

    told = lines()
    made, again, wrong, file = told
    expected = {"request_id": "from-the-proxy.1", "method": "POST", "path": "/graphql"}
    expected |= {"operation": "createProject", "name": "Make", "type": "mutation", "user": 1}
    assert expected.items() <= made.items()
    assert (made["status"], made["codes"], made["level"]) == (200, [], "info")
    assert made["sql"] > 2 and 0 < made["sql_ms"] < made["ms"]  # type: ignore[operator]
    assert made["received"] > len(create) and made["sent"] > 10  # type: ignore[operator]
    assert again["codes"] == ["NAME_TAKEN"]
    assert (wrong["operation"], wrong["codes"]) == ("unknown", ["INVALID"])
    assert answer.headers["x-request-id"] == wrong["request_id"] != "new\x7fline"
    assert (file["operation"], file["status"]) == ("file", 401)
    said = json.dumps(told)
    assert "canary" not in said and ada.headers["authorization"].split()[1] not in said


def test_a_fault_is_logged_under_its_request_with_the_way_there_but_no_values(
    ada: Client, database: Database, lines: Lines
) -> None:
    database.write(lambda tx: tx.execute(sa.text("ALTER TABLE projects RENAME TO gone")))
    try:
        ada.headers["x-request-id"] = "broken-1"
        answer = ada.answer(
            "mutation($n: String!) { createProject(input: {name: $n}) { __typename } }",
            n="canary-value",
        )
    finally:
        database.write(lambda tx: tx.execute(sa.text("ALTER TABLE gone RENAME TO projects")))

    assert answer["errors"][0]["extensions"]["code"] == "INTERNAL"
    fault, *_, line = lines()
    assert fault["request_id"] == line["request_id"] == "broken-1"
    assert "Traceback" in str(fault["exception"]) and "no such table" in str(fault["exception"])
    assert line["codes"] == ["INTERNAL"]
    assert "canary" not in json.dumps([fault, line])


def test_counts_are_by_names_of_the_schema_only(
    database: Database, settings: Settings, ada: Client
) -> None:
    with TestClient(ada.http.app, client=HERE) as http:  # type: ignore[attr-defined]
        for query in ("query Evil1 { viewer { user { id } } }", "query Evil2 { evil3 }"):
            http.post("/graphql", json={"query": query}, headers=ada.headers)
        http.get("/evil4", headers={"x-request-id": "evil5"})
        done = SweepReport(condemned=3, freed_bytes=70)
        add_sweep(settings.data_dir, done)
        add_sweep(settings.data_dir, done)
        text = http.get("/metrics").text

    values = dict(line.rsplit(" ", 1) for line in text.splitlines() if line[0] != "#")
    viewer = 'operation="viewer",status="200",type="query"'
    assert float(values[f'gql_service_requests_total{{code="",{viewer}}}']) >= 1
    unknown = 'operation="unknown",status="200",type="query"'
    assert float(values[f'gql_service_requests_total{{code="INVALID",{unknown}}}']) >= 1
    assert float(values['gql_service_sql_statements_total{operation="viewer"}']) >= 1
    assert float(values['gql_service_request_seconds_count{operation="viewer"}']) >= 1
    assert values["gql_service_transactions_open"] == values["gql_service_threads_busy"] == "0.0"
    assert values["gql_service_sweep_runs_total"] == "2.0"
    assert values["gql_service_sweep_freed_bytes_total"] == "140.0"
    assert "process_resident_memory_bytes" in values
    assert "evil" not in text.lower()


def test_counts_are_read_here_or_with_their_token(
    database: Database, settings: Settings, tmp_path: Path
) -> None:
    secret = "canary-metrics-token"
    guarded = settings.model_copy(update={"metrics_token": SecretStr(secret)})
    public = settings.model_copy(update={"public_url": "https://data.example.org"})
    bearer = {"authorization": f"Bearer {secret}"}

    def read(given: Settings, client: tuple[str, int], headers: dict[str, str]) -> int:
        backend = Backend(given, database, DiskVault(tmp_path), anyio.CapacityLimiter(1))
        asgi = application(backend)
        return TestClient(asgi, client=client).get("/metrics", headers=headers).status_code

    assert read(settings, HERE, {}) == 200
    assert read(settings, ("::1", 1), {}) == 200
    assert read(settings, ELSEWHERE, {}) == 404
    assert read(settings, HERE, {"x-forwarded-for": "127.0.0.1"}) == 404
    assert read(public, HERE, {}) == 404
    assert read(guarded, HERE, {}) == 404
    assert read(guarded, ELSEWHERE, bearer) == 200
    assert read(guarded, ELSEWHERE, {"authorization": "Bearer wrong"}) == 404


def test_a_service_is_ready_when_all_that_it_needs_is(
    database: Database, settings: Settings, tmp_path: Path
) -> None:
    vault = DiskVault(tmp_path / "files")

    def asked(path: str = "/readyz", over: Database = database, end: bool = False) -> list[object]:
        backend = Backend(settings, over, vault, anyio.CapacityLimiter(1))
        backend.stopping.begun = end
        answer = TestClient(application(backend)).get(path)
        checks = answer.json().get("checks", {})
        return [answer.status_code, *sorted(name for name in checks if checks[name] != "ok")]

    assert asked() == [200]
    assert asked(end=True) == [503, "serving"]
    assert asked("/healthz", end=True) == [200]
    nowhere = Database("postgresql+psycopg://nobody:canary@127.0.0.1:1/none")
    assert asked(over=nowhere) == [503, "database", "schema"]
    assert asked("/healthz", over=nowhere) == [200]
    nowhere.close()
    other = sa.text("UPDATE alembic_version SET version_num = 'other'")
    head = database.write(lambda tx: tx.scalar(sa.text("SELECT version_num FROM alembic_version")))
    database.write(lambda tx: tx.execute(other))
    try:
        assert asked() == [503, "schema"]
    finally:
        back = sa.text("UPDATE alembic_version SET version_num = :head")
        database.write(lambda tx: tx.execute(back, {"head": head}))
    vault.folder.rename(tmp_path / "elsewhere")
    assert asked() == [503, "storage"]
