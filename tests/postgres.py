"""A PostgreSQL of our own for one test run: started from the machine's binaries, gone afterwards.

It listens on a socket in its own folder only, and trades durability for speed. Its texts sort by
English rules where the build knows them, so that a test notices a column that forgot to say "C".
"""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

MIGRATED = "postgres"
"""The database that every cluster has: tests share it, cleaned before each."""

_SETTINGS = {
    "listen_addresses": "",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": "100",
    "deadlock_timeout": "100ms",
    "autovacuum": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_wal_size": "4GB",
}

# Lives exactly as long as its standard input is open: however the tests end, also by SIGKILL, the
# server stops (at once: nothing is worth a checkpoint) and takes its folder along. Some builds know
# no rules of languages; they are then asked again without.
_KEEPER = """
folder=$1 binaries=$2; shift 2
make_cluster() {
    "$binaries/initdb" -D "$folder/data" -U postgres -A trust --no-sync --encoding=UTF8 --locale=C \
        "$@" >>"$folder/log" 2>&1 </dev/null
}
if make_cluster --locale-provider=icu --icu-locale=en-US || make_cluster; then
    "$binaries/postgres" -D "$folder/data" -k "$folder" "$@" >>"$folder/log" 2>&1 </dev/null &
    read -r _
    kill -QUIT $!
    wait $!
else
    cat "$folder/log" >&2
fi
rm -rf "$folder"
"""

# Empties every table and starts every sequence again. Deleting costs 1 ms where TRUNCATE costs 40
# and a new database 80; a table that has grown is truncated, so that dead rows do not pile up. The
# function lives as long as the connection, which plans its statements once.
_MAKE_CLEAN = """
DO $make$
DECLARE
    body text := '';
    a record;
BEGIN
    FOR a IN
        SELECT oid::regclass AS name FROM pg_class
        WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
            AND relname <> 'alembic_version'
    LOOP
        body := body || format(
            'IF pg_relation_size(%L) > 1000000 THEN TRUNCATE %s CASCADE;'
            ' ELSE DELETE FROM %s; END IF;', a.name, a.name, a.name);
    END LOOP;
    FOR a IN
        SELECT format('%I.%I', schemaname, sequencename) AS name, start_value FROM pg_sequences
    LOOP
        body := body || format('PERFORM setval(%L, %s, false);', a.name, a.start_value);
    END LOOP;
    EXECUTE format(
        'CREATE FUNCTION pg_temp.clean() RETURNS void LANGUAGE plpgsql'
        ' SET session_replication_role = replica SET lock_timeout = ''10s'''
        ' AS $clean$ BEGIN %s END $clean$', body);
END $make$
"""


def find_binaries() -> Path | None:
    """The folder of `initdb` and `postgres`: by PATH, by pg_config, or where Debian keeps them."""
    candidates = []
    if on_path := shutil.which("initdb"):
        candidates.append(Path(on_path).resolve().parent)
    if pg_config := shutil.which("pg_config"):
        told = subprocess.run([pg_config, "--bindir"], capture_output=True, text=True, check=False)
        candidates.append(Path(told.stdout.strip()))
    installed = Path("/usr/lib/postgresql").glob("*/bin")
    candidates += sorted(installed, key=lambda path: float(path.parent.name), reverse=True)
    return next((path for path in candidates if _has_server(path)), None)


def _has_server(folder: Path) -> bool:
    return (folder / "initdb").is_file() and (folder / "postgres").is_file()


def version_of(binaries: Path) -> str:
    told = subprocess.run(
        [binaries / "postgres", "--version"], capture_output=True, text=True, check=True
    )
    return told.stdout.strip()


class Cluster:
    """A running server; `administer` is an autocommit connection to `MIGRATED`, kept warm."""

    def __init__(self, folder: Path, administer: psycopg.Connection) -> None:
        self.folder = folder
        self.administer = administer
        self._has_cleaner = False

    def url(self, name: str) -> str:
        return f"postgresql://postgres@/{name}?host={self.folder}"

    def create(self, name: str) -> str:
        """Makes a database without a table and returns its address."""
        self.administer.execute(f"CREATE DATABASE {name} TEMPLATE template0")
        return self.url(name)

    def drop(self, name: str) -> None:
        self.administer.execute(f"DROP DATABASE {name} WITH (FORCE)")

    def clean(self) -> None:
        """Empties the migrated database, whoever is still at work in it.

        Who is connected and idle may stay: a new connection costs as much as a short test.
        """
        self.administer.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid() AND state <> 'idle'"
        )
        if not self._has_cleaner:
            self.administer.execute(_MAKE_CLEAN)
            self._has_cleaner = True
        self.administer.execute("SELECT pg_temp.clean()")


@contextmanager
def running_cluster(binaries: Path) -> Iterator[Cluster]:
    """A fresh server, until the end of the block or of this process."""
    folder = Path(tempfile.mkdtemp(prefix="gql-pg-", dir="/tmp"))  # a socket's path is ≤ 107 bytes
    owner = _unprivileged(folder)
    settings = [f"-c{name}={value}" for name, value in _SETTINGS.items()]
    keeper = subprocess.Popen(
        ["/bin/sh", "-c", _KEEPER, "keeper", folder, binaries, *settings],
        stdin=subprocess.PIPE,
        cwd=folder,
        user=owner,
        group=None if owner is None else pwd.getpwuid(owner).pw_gid,
        extra_groups=None if owner is None else [],
        start_new_session=True,  # Ctrl-C is for the tests; they still want their server
    )
    try:
        with _connect(folder, keeper) as administer:
            yield Cluster(folder, administer)
    finally:
        keeper.communicate()


def _unprivileged(folder: Path) -> int | None:
    """The user to run the server as, since it refuses root; None stays who we are."""
    if os.geteuid() != 0:
        return None
    names = {entry.pw_name: entry.pw_uid for entry in pwd.getpwall()}
    owner = names.get("postgres", names.get("nobody"))
    assert owner is not None, "neither a user `postgres` nor `nobody` to run the server as"
    os.chown(folder, owner, -1)
    return owner


def _connect(folder: Path, keeper: subprocess.Popen[bytes]) -> psycopg.Connection:
    """Waits until the server answers."""
    give_up = time.monotonic() + 30
    while True:
        try:
            address = f"postgresql://postgres@/{MIGRATED}?host={folder}"
            return psycopg.connect(address, autocommit=True)
        except psycopg.OperationalError:
            if keeper.poll() is not None:
                raise RuntimeError("initdb failed: its words are above") from None
            if time.monotonic() > give_up:
                raise RuntimeError((folder / "log").read_text()) from None
            time.sleep(0.02)
