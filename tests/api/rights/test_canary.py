"""Secrets stand nowhere but in the one answer that shows them: a whole story, and then a search.

What is searched: every answer, every line that was logged, whatever the level, what was printed,
every column of every table, and every file of the service.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from starlette.testclient import TestClient

from gql_service.__main__ import main
from gql_service.app import Service, build, open_store
from gql_service.settings import Settings
from tests.api.client import Client
from tests.api.shelf import Shelf
from tests.conftest import Cluster

PASSWORD = "canary-password-7f3a"
GUESS = "gqls_" + "canaryGuess" * 4
KEY = "canary-idempotency-key-91c2"
SHOWN_ONCE = re.compile(r"gqls_[A-Za-z0-9_-]{43}")


class Told:
    """The application, and all that it ever answers."""

    def __init__(self, http: TestClient) -> None:
        self.http = http
        self.heard: list[str] = []

    def request(self, method: str, url: str, **given: Any) -> Any:
        response = self.http.request(method, url, **given)
        self.heard += [response.text, repr(response.headers)]
        return response


@pytest.fixture(params=["sqlite", "postgresql"])
def service(
    request: pytest.FixtureRequest, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> Iterator[Service]:
    """A service that logs everything, from its first start."""
    caplog.set_level(logging.DEBUG)
    if request.param == "sqlite":
        settings = Settings(data_dir=tmp_path / "data")
    else:
        cluster: Cluster = request.getfixturevalue("cluster")
        url = cluster.create("canary").replace("postgres@", f"postgres:{PASSWORD}@")
        assert PASSWORD in url
        settings = Settings(data_dir=tmp_path / "data", database_url=url)
        open_store(settings, migrate=True).close()
    service = build(settings)
    yield service
    service.close()
    if request.param == "postgresql":
        cluster.drop("canary")


def play(service: Service, told: Told) -> list[str]:
    """A story in which secrets are made, used, refused and asked for again; all of them."""
    secret = service.token_file.read_text(encoding="utf-8").strip()
    ada = Client(told, secret)
    ann = {"name": "Ann", "email": "ann@example.org", "idempotencyKey": KEY}
    made = [ada.change("createUser", "text", **ann)["text"]]
    given = {"name": "CI", "scopes": ["READ"], "idempotencyKey": KEY}
    made.append(ada.change("createToken", "text token { id name scopes }", **given)["text"])
    for answer in (told.heard[-2], told.heard[-4]):  # where they are shown, once
        assert SHOWN_ONCE.search(answer)
        told.heard.remove(answer)
    for mutation, again in (("createUser", ann), ("createToken", given)):
        assert ada.refused(mutation, **again) == ("IDEMPOTENCY_CONFLICT", ["idempotencyKey"])
    shelf = Shelf.fill(ada, count=1)
    ada.run("{ viewer { token { id name scopes expiresAt } tokens { id name scopes } } }")
    small = Client(told, made[1])
    assert small.refused("createToken", name="wider")[0] == "FORBIDDEN"
    assert small.refused("updateProject", projectId=shelf.project, name="x")[0] == "FORBIDDEN"
    small.get(f"/files/{shelf.dataset}/{shelf.items[0]}")
    for headers in (f"Bearer {GUESS}", f"Basic {GUESS}", f"Bearer {secret} {secret}"):
        told.request("POST", "/graphql", headers={"authorization": headers}, content=b"{")
        told.request("GET", "/files/ds_1/it_1_1", headers={"authorization": headers})
    told.request("GET", "/graphql?query={viewer{user{id}}}", headers={"authorization": GUESS})
    break_it(service, ada)
    return [secret, *made, GUESS, KEY, PASSWORD]


def break_it(service: Service, ada: Client) -> None:
    """A mistake of ours is logged, with where it happened: a table is missing for a moment."""
    for table, question in (
        ("tags", '{ dataset(by: {id: "ds_1"}) { tags { name } } }'),
        ("tokens", "{ viewer { user { name } } }"),
    ):
        rename = "ALTER TABLE {} RENAME TO {}"
        away, back = (sa.text(rename.format(*names)) for names in ((table, "x"), ("x", table)))
        service.database.write(lambda tx, this=away: tx.execute(this) and None)
        assert "INTERNAL" in str(ada.answer(question))
        service.database.write(lambda tx, this=back: tx.execute(this) and None)


def columns(service: Service) -> str:
    """Every value of every row."""
    inspector = sa.inspect(service.database.engine)
    with service.database.read() as tx:
        return "\n".join(
            repr(tx.connection.exec_driver_sql(f'SELECT * FROM "{table}"').all())
            for table in inspector.get_table_names()
        )


def files(service: Service) -> dict[str, bytes]:
    """Every file but the one that is meant to hold the admin's token, and only that."""
    found = {
        path: path.read_bytes() for path in service.settings.data_dir.rglob("*") if path.is_file()
    }
    assert len(found.pop(service.token_file).split()) == 1
    return {str(path): content for path, content in found.items()}


@pytest.mark.exhaustive
def test_secrets_stand_nowhere(
    service: Service, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    with TestClient(service.asgi) as http:
        told = Told(http)
        secrets = play(service, told)
    assert "Traceback" in caplog.text, "something had to go wrong"
    printed = capfd.readouterr()
    searched = {
        "answers": "\n".join(told.heard),
        "log": caplog.text,
        "printed": printed.out + printed.err,
        "columns": columns(service),
        "the settings": repr(service.settings) + str(service.settings.model_dump()),
        **{path: content.decode("latin-1") for path, content in files(service).items()},
    }
    for secret in secrets:
        for place, text in searched.items():
            assert secret not in text, f"a secret stands in: {place}"


@pytest.mark.parametrize(
    "url",
    [
        f"postgresql://user:{PASSWORD}@127.0.0.1:1/nothing",
        f"postgresql://user:{PASSWORD}@127.0.0.1:port/nothing",
        f"postgresql://user:first@{PASSWORD}@127.0.0.1/nothing",
        f"postgresql//user:{PASSWORD}",
        f"nonsense://user:{PASSWORD}@host/nothing",
    ],
)
def test_the_password_of_a_database_that_cannot_be_had_is_not_told(
    url: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    monkeypatch.setenv("GQL_SERVICE_DATABASE_URL", url)
    monkeypatch.setenv("GQL_SERVICE_DATA_DIR", str(tmp_path))
    monkeypatch.setattr("sys.argv", ["gql-service", "verify"])
    with pytest.raises(SystemExit) as ended:
        main()
    said = capfd.readouterr()
    assert ended.value.code == 1
    assert said.err.strip(), "it says that there is something wrong"
    assert PASSWORD not in said.out + said.err + caplog.text
