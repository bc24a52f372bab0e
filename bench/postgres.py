"""A PostgreSQL of the bench's own: durable as in production, on a socket in a folder of its own."""

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

SETTINGS = {
    "listen_addresses": "",
    "fsync": "on",
    "synchronous_commit": "on",
    "shared_buffers": "1GB",
    "max_wal_size": "4GB",
    "checkpoint_timeout": "30min",
}
"""Durable, and large enough that no checkpoint falls into one figure and not into another."""

# Lives as long as its standard input is open, so that the server stops however the bench ends.
_KEEPER = """
folder=$1 binaries=$2; shift 2
"$binaries/initdb" -D "$folder/data" -U postgres -A trust --no-sync --encoding=UTF8 --locale=C \
    >>"$folder/log" 2>&1 </dev/null || exit 1
"$binaries/postgres" -D "$folder/data" -k "$folder" "$@" >>"$folder/log" 2>&1 </dev/null &
read -r _
kill -QUIT $!
wait $!
"""


def find_binaries() -> Path | None:
    """The folder of `initdb` and `postgres`: on PATH, or where Debian keeps them."""
    on_path = shutil.which("initdb")
    candidates = [Path(on_path).resolve().parent] if on_path else []
    installed = Path("/usr/lib/postgresql").glob("*/bin")
    candidates += sorted(installed, key=lambda path: float(path.parent.name), reverse=True)
    return next((path for path in candidates if (path / "postgres").is_file()), None)


def version_of(binaries: Path) -> str:
    told = subprocess.run(
        [binaries / "postgres", "--version"], capture_output=True, text=True, check=True
    )
    return told.stdout.strip().removeprefix("postgres (").replace(")", "", 1)


@contextmanager
def running_server(binaries: Path) -> Iterator[Path]:
    """A fresh server until the end of the block; yields the folder of its socket."""
    folder = Path(tempfile.mkdtemp(prefix="gql-bench-pg-", dir="/tmp"))  # a socket's path is short
    owner = _unprivileged()
    if owner is not None:
        os.chown(folder, owner.pw_uid, owner.pw_gid)
    settings = [f"-c{name}={value}" for name, value in SETTINGS.items()]
    keeper = subprocess.Popen(
        ["/bin/sh", "-c", _KEEPER, "keeper", folder, binaries, *settings],
        stdin=subprocess.PIPE,
        cwd=folder,
        user=owner.pw_uid if owner else None,
        group=owner.pw_gid if owner else None,
        extra_groups=[] if owner else None,
        start_new_session=True,
    )
    try:
        _wait_for(folder, keeper)
        yield folder
    finally:
        keeper.communicate()
        shutil.rmtree(folder, ignore_errors=True)


def url(folder: Path, name: str) -> str:
    return f"postgresql://postgres@/{name}?host={folder}"


def create(folder: Path, name: str, template: str = "template0") -> str:
    """Makes a database, a copy of `template`, and returns its address."""
    with psycopg.connect(url(folder, "postgres"), autocommit=True) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)".encode())
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}".encode())
    return url(folder, name)


def _unprivileged() -> pwd.struct_passwd | None:
    """Whom to run the server as, since it refuses root; None stays who we are."""
    if os.geteuid() != 0:
        return None
    users = {entry.pw_name: entry for entry in pwd.getpwall()}
    return users.get("postgres") or users["nobody"]


def _wait_for(folder: Path, keeper: subprocess.Popen[bytes]) -> None:
    give_up = time.monotonic() + 60
    while True:
        try:
            psycopg.connect(url(folder, "postgres")).close()
            return
        except psycopg.OperationalError:
            if keeper.poll() is not None or time.monotonic() > give_up:
                raise RuntimeError((folder / "log").read_text()) from None
            time.sleep(0.05)
