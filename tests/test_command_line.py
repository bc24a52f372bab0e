"""The command line: what it prints, what it leaves, and its one clear line for every refusal."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
import sqlalchemy as sa

from gql_service import logs
from gql_service.__main__ import main
from gql_service.api.schema import printed_schema
from gql_service.app import Store, open_store
from gql_service.catalog.binary import BINARIES
from gql_service.catalog.user import tokens_of, user_of_token
from gql_service.catalog.visibility import open_view, visible_annotations, visible_items
from gql_service.database.engine import Tx
from gql_service.playground.pages import is_built
from gql_service.settings import Settings
from gql_service.versions.clone import CloneRequest, clone_dataset
from tests.postgres import Cluster


@dataclass(frozen=True)
class Ran:
    """An exit code, and the lines of both outputs."""

    code: int
    out: list[str]
    err: list[str]

    def refused(self, *words: str, code: int = 1) -> None:
        """One line on standard error that has these words."""
        assert (self.code, len(self.err)) == (code, 1), self
        assert all(word in self.err[0] for word in words), self
        assert "Traceback" not in self.err[0]


Command = Callable[..., Ran]


@pytest.fixture(autouse=True)
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty folder, and no setting from outside."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("GQL_SERVICE_")]:
        monkeypatch.delenv(name)


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """Runs the console script in this process, which is left to write no log of requests."""
    monkeypatch.setattr(logs, "_requests", None)

    def run(*words: str) -> Ran:
        monkeypatch.setattr(sys, "argv", ["gql-service", *words])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        printed = capsys.readouterr()
        code = ended.value.code
        assert code is None or isinstance(code, int)
        return Ran(code or 0, printed.out.splitlines(), printed.err.splitlines())

    return run


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    for name in ("cats/1.jpg", "cats/2.jpg", "dogs/1.jpg", "note.txt"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(name.encode())
    return folder


@pytest.fixture
def user(command: Command) -> str:
    """Somebody to import as; the first user is an admin."""
    return command("token", "ann@example.org", "--create", "Ann").out[0]


def importing(command: Command, folder: Path, *options: str) -> Ran:
    return command("import", str(folder), "--project", "Pets", "--dataset", "pets", *options)


def stored() -> Store:
    return open_store(Settings())


def shown(store: Store) -> tuple[list[str], list[str]]:
    """The paths and labels of the first dataset."""

    def read(tx: Tx) -> tuple[list[str], list[str]]:
        view = open_view(tx, 1)
        paths = sorted(row.path for row in tx.rows(visible_items(view)))
        return paths, sorted(row.label for row in tx.rows(visible_annotations(view)))

    try:
        with store.database.read() as tx:
            return read(tx)
    finally:
        store.close()


# token


def test_a_token_is_printed_once_and_for_a_user_who_is_there(command: Command) -> None:
    made = command("token", "ann@example.org", "--create", "Ann")
    again = command("token", "ANN@example.org", "--name", "laptop")

    for ran in (made, again):
        assert (ran.code, ran.err) == (0, [])
        assert re.fullmatch(r"gqls_[\w-]{43}", ran.out[0])
    assert made.out != again.out
    command("token", "bob@example.org").refused("no user bob@example.org")
    command("token", "ann@example.org", "--project", "Pets").refused("no project 'Pets'")
    command("token", "ann@example.org", "--create", "Ann").refused("already exists")
    command("token", "nonsense", "--create", "Ann").refused("e-mail")


def test_a_token_is_narrowed_on_the_command_line(command: Command, photos: Path, user: str) -> None:
    importing(command, photos)
    asked = ("token", "ann@example.org", "--scope", "READ", "--scope", "ANNOTATE")
    made = command(*asked, "--project", "Pets", "--days", "7")
    with closing(stored()) as store, store.database.read() as tx:
        known = user_of_token(tx, made.out[0])
        assert known is not None
        whole, narrow = tokens_of(tx, known.user.id)
    assert known.actor.bounds.scopes == {"READ", "ANNOTATE"}
    assert known.actor.bounds.projects == {1}
    for token, days in ((whole, 90), (narrow, 7)):
        assert token.expires_at is not None
        assert token.expires_at - token.created_at == timedelta(days=days)
    assert command("token", "ann@example.org", "--scope", "ALL").code == 2


# import


def test_a_folder_is_imported_as_one_version(command: Command, photos: Path, user: str) -> None:
    ran = importing(command, photos, "--message", "first")

    assert (ran.code, ran.out) == (0, ["version 2: 4 added, 0 replaced, 0 skipped"])
    assert shown(stored()) == (
        ["/cats/1.jpg", "/cats/2.jpg", "/dogs/1.jpg", "/note.txt"],
        ["cats", "cats", "dogs"],
    )
    (photos / "note.txt").write_text("changed")
    skipping = importing(command, photos)
    assert skipping.out == ["no new version: 0 added, 0 replaced, 4 skipped"]
    replacing = importing(command, photos, "--overwrite", "--no-classes")
    assert replacing.out == ["version 3: 0 added, 1 replaced, 0 skipped"]
    assert command("verify", "--deep").code == 0


def test_an_import_goes_under_a_directory_without_classes_as_somebody(
    command: Command, photos: Path, user: str
) -> None:
    ran = importing(
        command, photos, "--directory", "in", "--no-classes", "--user", "ann@example.org"
    )

    assert ran.code == 0
    paths, labels = shown(stored())
    assert (paths[0], labels) == ("/in/cats/1.jpg", [])


def test_what_cannot_be_imported_is_told_in_a_line_and_nothing_is_left(
    command: Command, photos: Path, tmp_path: Path, user: str
) -> None:
    (tmp_path / "empty").mkdir()
    odd = tmp_path / "odd"
    odd.mkdir()
    (odd / "a\\b").write_bytes(b"")

    importing(command, tmp_path / "missing").refused("missing is not a folder")
    importing(command, photos / "note.txt").refused("note.txt is not a folder")
    importing(command, tmp_path / "empty").refused("no files")
    importing(command, odd).refused("a\\b", "Backslashes")
    importing(command, photos, "--directory", "/../x").refused("..")
    importing(command, photos, "--user", "bob@example.org").refused("no user bob@example.org")
    store = stored()
    with store.database.read() as tx:
        assert tx.scalar(sa.text("SELECT count(*) FROM datasets")) == 0
    store.close()


def test_labels_that_the_dataset_has_not_are_refused(
    command: Command, photos: Path, user: str
) -> None:
    importing(command, photos / "cats", "--no-classes")

    importing(command, photos).refused("no label cats")

    assert command("verify").code == 0
    store = stored()
    assert len(list(store.vault.keys())) == 2
    store.close()


def test_without_a_user_there_is_nobody_to_import_as(command: Command, photos: Path) -> None:
    importing(command, photos).refused("no user yet")


def test_a_dataset_comes_in_and_goes_out_in_other_formats(
    command: Command, tmp_path: Path, user: str
) -> None:
    (tmp_path / "in/files").mkdir(parents=True)
    (tmp_path / "in/files/a.txt").write_text("a")
    rows = "path,label,xmin,ymin,xmax,ymax\na.txt,cat,1,2,3,4\ngone.txt,cat,,,,\na.txt,,1,2,3,4\n"
    (tmp_path / "in/table.csv").write_text(rows)
    where = ("--project", "P", "--dataset", "d")

    ran = command("import", "in", "--format", "csv", *where, "--report", "told.jsonl")

    assert (ran.code, ran.out) == (
        0,
        [
            "version 2: 1 added, 0 replaced, 0 skipped; 1 annotations",
            "left out: 1 annotation (MALFORMED)",
            "    table.csv:4: It has no label",
            "left out: 1 annotation (UNKNOWN_IMAGE)",
            "    table.csv:3: Its file was left out",
            "left out: 1 image (MISSING_FILE)",
            "    table.csv:3: There is no file gone.txt",
        ],
    )
    lines = [json.loads(line) for line in Path("told.jsonl").read_text().splitlines()]
    assert [line["reason"] for line in lines] == ["MISSING_FILE", "UNKNOWN_IMAGE", "MALFORMED"]
    out = command("export", "out", "--format", "coco", *where, "--where", '{"filename": "/a.*"}')
    assert (out.code, out.out) == (0, ["1 items of version 2 in out"])
    bbox = json.loads(Path("out/annotations.json").read_text())["annotations"][0]["bbox"]
    assert bbox == [1, 2, 2, 2]
    none = command("export", "none", "--format", "csv", *where, "--where", '{"filename": "/b"}')
    assert none.out == ["0 items of version 2 in none"]
    assert command("export", "first", "--format", "csv", *where, "--at", "1").code == 0
    command("export", "out", "--format", "csv", *where).refused("out exists already")
    command("export", "x", "--format", "csv", *where, "--at", "9").refused("no such")
    command("export", "x", "--format", "csv", *where, "--at", "tag").refused("tag")
    command("export", "x", "--format", "csv", *where, "--where", "{").refused("--where")
    command("export", "x", "--format", "csv", "--project", "Q", "--dataset", "d").refused("Q")
    command("import", "in", "--recipe", "re_1", *where).refused("--recipe", "folder")
    assert not Path("x").exists()
    assert command("verify").code == 0


def test_a_format_whose_library_is_not_there_says_what_to_install(
    command: Command, user: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("in").mkdir()
    for name in ("data.yaml", "a.xml", "t.parquet"):
        (Path("in") / name).touch()
    libraries = {"yolo": "yaml", "voc": "defusedxml.ElementTree", "parquet": "pyarrow"}

    for format, module in libraries.items():
        monkeypatch.setitem(sys.modules, module, None)
        ran = command("import", "in", "--format", format, "--project", "P", "--dataset", "d")
        ran.refused("pip install 'gql-service[formats]'")


def test_wrong_usage_is_exit_code_2(command: Command, photos: Path) -> None:
    for words in (["import", str(photos)], ["serve", "--nonsense"], ["nonsense"]):
        ran = command(*words)
        assert ran.code == 2
        assert not any("Traceback" in line for line in ran.err)


# schema


def test_the_schema_is_printed_and_compared(command: Command, tmp_path: Path) -> None:
    printed = command("schema")
    assert (printed.code, "\n".join(printed.out) + "\n") == (0, printed_schema())

    command("schema", "--check").refused("schema.graphql is not the printed schema")
    Path("schema.graphql").write_text(printed_schema(), encoding="utf-8")
    assert command("schema", "--check") == Ran(0, [], [])
    Path("schema.graphql").write_text(printed_schema() + "\n", encoding="utf-8")
    command("schema", "--check").refused("schema.graphql")


# migrate


def test_an_embedded_database_is_migrated_again_and_again(command: Command) -> None:
    for _ in range(2):
        ran = command("migrate")
        assert (ran.code, ran.err) == (0, [])
        assert re.fullmatch(r"The database is at revision \w+", ran.out[0])


@pytest.fixture
def fresh_postgresql(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("GQL_SERVICE_DATABASE_URL", cluster.create("fresh"))
    yield
    cluster.drop("fresh")


def test_a_database_of_its_own_is_migrated_only_when_one_says_so(
    command: Command, fresh_postgresql: None
) -> None:
    command("verify").refused("gql-service migrate")
    assert command("migrate").code == 0
    assert command("verify").out == ["Every invariant holds"]


def test_a_database_of_a_newer_release_is_refused(command: Command) -> None:
    command("migrate")
    store = stored()
    store.database.write(
        lambda tx: tx.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    )
    store.close()

    for name in ("migrate", "verify", "serve"):
        command(name).refused("9999", "newer")


# verify, sweep


def test_a_sound_store_is_said_to_be_sound(command: Command, photos: Path, user: str) -> None:
    importing(command, photos)

    assert command("verify") == Ran(0, ["Every invariant holds"], [])


def test_a_finding_is_a_line_and_exit_code_1(command: Command, photos: Path, user: str) -> None:
    importing(command, photos)
    store = stored()
    with store.database.read() as tx:
        keys = [row.blob_key for row in tx.rows(sa.select(BINARIES.c.blob_key).limit(2))]
    changed, gone = (Path("data/files") / key[:2] / key for key in keys)
    store.close()

    changed.write_bytes(changed.read_bytes().upper())
    assert command("verify").code == 0
    command("verify", "--deep").refused("every binary hashes to its name: ")
    gone.unlink()
    command("verify").refused("every binary has its bytes: ", "found")


def test_a_damaged_file_is_marked_by_a_deep_check_and_healed_by_the_same_file(
    command: Command, photos: Path, user: str
) -> None:
    importing(command, photos)
    (damaged,) = (path for path in Path("data/files").rglob("*") if _is(path, photos / "note.txt"))
    damaged.write_bytes(b"x")
    assert command("verify", "--deep").code == 1
    waiting = "1 binaries are corrupt; uploading the same files again heals them"
    assert command("verify", "--deep") == Ran(0, [waiting, "Every invariant holds"], [])

    importing(command, photos, "--overwrite")

    assert command("verify", "--deep") == Ran(0, ["Every invariant holds"], [])


def _is(path: Path, other: Path) -> bool:
    return path.is_file() and path.read_bytes() == other.read_bytes()


def test_a_dry_sweep_says_what_would_go_and_takes_nothing(
    command: Command, photos: Path, user: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    importing(command, photos)
    monkeypatch.setenv("GQL_SERVICE_DATASET_RETENTION_DAYS", "0")
    store = stored()
    deletion = sa.text("UPDATE datasets SET deleted_at = 0 WHERE id = 1")
    store.database.write(lambda tx: tx.execute(deletion))
    store.close()

    dry = command("sweep", "--dry-run")
    assert (dry.code, dry.err) == (0, [])
    assert "dry run: True" in dry.out
    assert not any(line.startswith("datasets purged") for line in dry.out)
    swept = command("sweep")

    assert "datasets purged: 1" in swept.out
    assert "condemned: 4" in swept.out
    assert command("verify").code == 0


def test_a_sweep_flattens_what_lies_on_too_much_and_a_dry_one_says_so_beforehand(
    command: Command, photos: Path, user: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    importing(command, photos)
    store = stored()
    for source in (1, 2):
        store.database.write(
            lambda tx, source=source: clone_dataset(tx, CloneRequest(source, name=f"of {source}")),  # type: ignore[misc]
            actor=1,
        )
    store.close()

    assert "flattened: ds_3 at version 1" not in command("sweep").out
    monkeypatch.setenv("GQL_SERVICE_FLATTEN_LAYERS", "1")
    assert "would be flattened: ds_3" in command("sweep", "--dry-run").out
    assert "flattened: ds_3 at version 1" in command("sweep").out
    assert not any("flattened" in line for line in command("sweep").out)
    assert command("verify").code == 0


def test_a_sweep_removes_what_has_expired_and_a_dry_one_says_so_beforehand(
    command: Command, photos: Path, user: str
) -> None:
    importing(command, photos)
    store = stored()
    expiring = sa.text("UPDATE datasets SET item_max_days = 30, expiration_by = 1")
    aging = sa.text("UPDATE item_states SET created_at = 0 WHERE path LIKE '/cats/%'")
    store.database.write(lambda tx: (tx.execute(expiring), tx.execute(aging)))
    store.close()
    found = "ds_1 'pets', older than 30 days: items 2, annotations 2"

    dry = command("sweep", "--dry-run")
    assert dry.out[0] == f"would expire: {found}, bytes freed 0 (older versions hold them)"
    assert (dry.code, dry.err) == (0, [])
    assert shown(stored())[1] == ["cats", "cats", "dogs"]
    store = stored()
    lock = "UPDATE datasets SET locked_at = :at, locked_by = 1, lock_reason = 'frozen'"
    store.database.write(lambda tx: tx.execute(sa.text(lock), {"at": 1}))
    why = "The dataset is locked against changes: frozen"
    for words in (("sweep", "--dry-run"), ("sweep",)):
        assert command(*words).out[0] == f"kept, though expired: {found}. {why}"
    lift = "UPDATE datasets SET locked_at = NULL, locked_by = NULL, lock_reason = NULL"
    store.database.write(lambda tx: tx.execute(sa.text(lift)))
    store.close()

    swept = command("sweep")
    assert swept.out[0] == f"expired: {found}, version 3"
    assert "condemned: 0" in swept.out
    assert shown(stored()) == (["/dogs/1.jpg", "/note.txt"], ["dogs"])
    assert command("sweep").out[0] == "datasets purged: 0"
    assert command("verify").code == 0


def test_a_sweep_lets_versions_expire_and_a_dry_one_says_what_that_frees(
    command: Command, photos: Path, user: str
) -> None:
    importing(command, photos)
    (photos / "note.txt").write_bytes(b"a longer note")
    importing(command, photos, "--overwrite")
    store = stored()
    retention = sa.text("UPDATE datasets SET keep_versions = 1, retention_by = 1")
    store.database.write(lambda tx: tx.execute(retention))
    store.close()
    found = (
        "ds_1 'pets': versions 2, states of items 1, states of annotations 0, binaries 1, bytes 8"
    )

    dry = command("sweep", "--dry-run")
    assert (dry.code, dry.out[0]) == (0, f"would free: {found}")
    assert "condemned: 0" in dry.out

    swept = command("sweep")
    assert swept.out[0] == f"freed: {found}"
    assert "condemned: 1" in swept.out
    assert command("sweep").out[0] == "datasets purged: 0"
    assert command("verify").code == 0


# Settings and the world outside.


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("PORT", "hello", ["GQL_SERVICE_PORT", "integer"]),
        ("PORT", "70000", ["GQL_SERVICE_PORT", "65535"]),
        ("MAX_UPLOAD_BYTES", "0", ["GQL_SERVICE_MAX_UPLOAD_BYTES"]),
        ("UPLOAD_LEASE_HOURS", "-1", ["GQL_SERVICE_UPLOAD_LEASE_HOURS"]),
        ("DATABASE_URL", "not an address", ["database"]),
        ("DATABASE_URL", "nonsense://here/x", ["database"]),
        ("DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none", ["database", "127.0.0.1"]),
        ("DATABASE_URL", "sqlite:////proc/none/x.sqlite3", ["/proc/none"]),
        ("DATA_DIR", "a-file", ["a-file"]),
    ],
)
def test_a_setting_that_cannot_work_is_told_in_a_line(
    command: Command,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    value: str,
    words: list[str],
) -> None:
    Path("a-file").write_bytes(b"")
    monkeypatch.setenv(f"GQL_SERVICE_{name}", value)

    for verb in ("verify", "serve"):
        command(verb).refused(*words)


def test_a_port_that_is_taken_is_told_in_a_line(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        monkeypatch.setenv("GQL_SERVICE_PORT", str(port))

        for verb in ("serve", "demo"):
            ran = command(verb)
            ran.refused(f"127.0.0.1:{port}", "Address already in use")
            assert ran.out == []


# Real processes.


def environment() -> dict[str, str]:
    return {**os.environ, "GQL_SERVICE_PORT": "0"}


def test_a_server_says_where_it_is_answers_and_ends_quietly_on_ctrl_c(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "gql_service", "serve"],
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as server:
        assert server.stdout is not None
        where = server.stdout.readline().split()[-1]
        token_file = tmp_path / "data" / "admin-token"
        secret = token_file.read_text().strip()
        request = urllib.request.Request(
            where,
            data=b'{"query": "{ viewer { user { name } } }"}',
            headers={"Authorization": f"Bearer {secret}", "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request) as answer:
            assert b'"name":"Admin"' in answer.read().replace(b" ", b"")
        server.send_signal(signal.SIGINT)
        out, err = server.communicate(timeout=60)

    assert server.returncode == 130
    assert secret not in out + err
    assert [json.loads(line)["operation"] for line in err.splitlines()] == ["viewer"]
    assert token_file.stat().st_mode & 0o777 == 0o600


@pytest.mark.exhaustive
@pytest.mark.usefixtures("user")
def test_an_import_that_is_interrupted_says_so_and_leaves_a_sound_store(
    command: Command, tmp_path: Path
) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    for number in range(3_000):
        (photos / f"{number}.txt").write_text(str(number))
    with subprocess.Popen(
        [
            *(sys.executable, "-m", "gql_service", "import", str(photos)),
            *("--project", "p", "--dataset", "d"),
        ],
        env=environment(),
        # Who runs the tests in the background of a shell has it ignored, and so would we.
        preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as running:
        files = tmp_path / "data" / "files"
        while running.poll() is None and not any(one.is_file() for one in files.rglob("*")):
            pass
        running.send_signal(signal.SIGINT)
        _, err = running.communicate(timeout=60)

    assert (running.returncode, err.splitlines()[-1:]) == (
        130,
        ["Interrupted; nothing was left half-done"],
    )
    assert command("verify") == Ran(0, ["Every invariant holds"], [])


# The demo.

STORY = [
    "Imported 1797 images as 'digits'",
    "Cloned whole into 'digits-team-a': 1797 items, 1797 annotations, 0 bytes copied",
    "Cloned what is labelled three or eight into 'threes-and-eights': 357 items",
    "Team A drew 40 boxes",
    "The owner approved 40 labels",
    "(COMBINED): 1797 items, 1837 annotations, 0 conflicts, 0 bytes copied",
    "Refused to merge",
    "(SUMMED): 1798 items, 1837 annotations",
    "BOX eight by Team A; its bytes are held by 7 items, stored once",
]


def test_the_demo_plays_its_story_once_and_leaves_a_sound_store(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GQL_SERVICE_PORT", "0")
    ran = command("demo", "--once")

    lines = ran.out
    assert (ran.code, ran.err) == (0, []), ran.err
    for number, (line, words) in enumerate(zip(lines, STORY, strict=False), 1):
        assert line.startswith(f"{number}. ")
        assert words in line
    assert re.match(r"GraphQL at http://127.0.0.1:\d+/graphql", lines[9])
    assert re.match(r"The admin's token is in .*admin-token", lines[10])
    opening = r"Playground at http://127.0.0.1:\d+/playground"
    assert re.fullmatch(opening if is_built() else "The playground was not built; .*", lines[11])
    assert "gqls_" not in "".join(lines), "what is not a terminal is a log"
    assert command("verify") == Ran(0, ["Every invariant holds"], [])

    again = command("demo", "--once")
    assert (again.code, again.err) == (0, [])
    assert "played on this data before" in again.out[0]


# Settings.


def test_settings_are_shown_with_where_they_come_from_and_without_secrets(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = "postgresql://ann:canary@db.example.org/rows?sslpassword=canary&sslmode=require"
    monkeypatch.setenv("GQL_SERVICE_DATABASE_URL", url)
    monkeypatch.setenv("GQL_SERVICE_GRANT_SECRET", "canary" * 10)
    monkeypatch.setenv("GQL_SERVICE_METRICS_TOKEN", "canary" * 10)

    table, told = command("settings"), command("settings", "--json")
    assert (table.code, told.code, table.err, told.err) == (0, 0, [], [])
    assert "canary" not in str(table) + str(told)
    found = {one["name"]: one for one in json.loads("\n".join(told.out))}
    assert len(found) == len(Settings.model_fields) == len(table.out) - 1
    shown_url = found["GQL_SERVICE_DATABASE_URL"]["value"]
    assert shown_url.startswith("postgresql://ann:***@db.example.org/rows?")
    assert "sslmode=require" in shown_url
    secret, port = found["GQL_SERVICE_GRANT_SECRET"], found["GQL_SERVICE_PORT"]
    assert (secret["value"], secret["source"]) == ("(hidden)", "environment")
    assert (port["value"], port["source"]) == (8000, "default")
    monkeypatch.setenv("GQL_SERVICE_DATABASE_URL", "ann:canary at nowhere")
    assert "canary" not in str(command("settings"))


def test_several_workers_are_refused_on_sqlite(command: Command) -> None:
    command("serve", "--workers", "2").refused("PostgreSQL", "SQLite")


def test_a_dataset_goes_out_and_comes_in_with_all_of_its_versions(
    command: Command, photos: Path, user: str
) -> None:
    importing(command, photos)
    where = ("--format", "bundle", "--project", "Pets", "--dataset")

    out = command("export", "pets.bundle", *where, "pets")
    into = command("import", "pets.bundle", *where, "again")

    assert out.out == ["versions 1 to 2 of pets in pets.bundle"]
    assert into.out == ["versions 1 to 2 of again"]
    command("export", "pets.bundle", *where, "pets").refused("pets.bundle exists already")
    command("export", "x", *where, "pets", "--at", "1").refused("--at is not for the format bundle")
    command("import", "pets.bundle", *where, "again").refused("already exists")
    command("import", "pets.bundle", *where, "b", "--overwrite").refused("--overwrite")
    Path("pets.bundle").write_bytes(Path("pets.bundle").read_bytes()[:-1])
    command("import", "pets.bundle", *where, "b").refused("not a whole bundle")
    assert command("verify").code == 0
