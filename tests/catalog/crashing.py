"""Kills a process at every step of uploads and sweeps, one after the other, and looks what is left.

    python -m tests.catalog.crashing <folder> <migrated SQLite file>

A step is a call to the file system, or a transaction, and the process is killed just before and
just after each: the code itself knows nothing of it. Each crash has a store of its own; afterwards,
another process opens it. Prints a line of JSON for each crash.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy as sa

from gql_service.catalog.binary import BINARIES, binary_by_sha256
from gql_service.catalog.binary_audit import audit_binaries
from gql_service.catalog.blob import abandon, open_binary, store_files
from gql_service.catalog.user import User
from gql_service.database.columns import table_of
from gql_service.database.engine import Database
from gql_service.vault.disk import DiskVault
from tests.catalog.holding import LEASE, Shelf, make_shelf

T = TypeVar("T")
CALLS = ("open", "write", "fsync", "rename", "unlink")
START = datetime(2026, 1, 1, tzinfo=UTC)
ACKNOWLEDGED, ENDED = "acknowledged ", "ended"
KEPT, BAD, BACK, GOES, NEW = b"kept", b"bad", b"back", b"goes", b"new"


class Crash:
    """Kills this process at the n-th step; `steps` names those that were passed."""

    def __init__(self, at: int, pipe: int) -> None:
        self.at = at
        self.steps = 0
        self.pipe = pipe

    def reached(self, name: str) -> None:
        self.steps += 1
        if self.steps == self.at:
            told(self.pipe, name)
            os.kill(os.getpid(), signal.SIGKILL)

    def around(self, name: str, call: Callable[..., T]) -> Callable[..., T]:
        def stepping(*args: Any, **options: Any) -> T:
            self.reached(f"before {name}")
            done = call(*args, **options)
            self.reached(f"after {name}")
            return done

        return stepping


_write = os.write


def told(descriptor: int, text: str) -> None:
    """What the process that is left will read."""
    _write(descriptor, f"{text}\n".encode())


class Site:
    """A store of its own: held contents, one of them gone bad, and an unfinished upload."""

    def __init__(self, folder: Path, template: Path) -> None:
        self.folder = folder
        shutil.copy(template, folder / "rows.sqlite3")
        shelf = self.open()
        for content in (KEPT, BAD, BACK, GOES):  # whose numbers are 1 to 4
            shelf.add(content)
        shelf.upload(b"never")
        marked = sa.update(BINARIES).where(BINARIES.c.id == 2).values(state="corrupt")
        shelf.database.write(lambda tx: tx.execute(marked))
        key = shelf.binary(2)["blob_key"]
        (folder / "files" / key[:2] / key).write_bytes(b"rot")
        shelf.database.close()

    def open(self, now: datetime = START) -> Shelf:
        database = Database(f"sqlite:///{self.folder / 'rows.sqlite3'}", clock=lambda: now)
        vault = DiskVault(self.folder / "files")
        with database.read() as tx:
            known = tx.scalar(sa.select(sa.func.count()).select_from(table_of(User)))
        if known:
            return Shelf(database, vault, actor=1, line=1)
        row = {"name": "Ada", "email": "a@example.org", "admin": False, "created_at": START}
        actor: int = database.write(
            lambda tx: tx.scalar(
                sa.insert(table_of(User)).values(row).returning(table_of(User).c.id)
            )
        )
        return make_shelf(database, vault, actor)


def upload(shelf: Shelf, acknowledge: Callable[[bytes], None]) -> None:
    """New bytes, bytes that are stored, and bytes that are stored and bad."""
    for content in (NEW, KEPT, BAD):
        shelf.add(content)
        acknowledge(content)


def many(shelf: Shelf, acknowledge: Callable[[bytes], None]) -> None:
    """Several files under one entry of the journal; the last one is given up."""
    folder = Path(str(shelf.database.engine.url.database)).parent
    files = [folder / "first", folder / "second"]
    for file in files:
        file.write_bytes(file.name.encode())
    first, second = store_files(shelf.database, shelf.vault, files, lease=LEASE)
    shelf.publish([first])
    acknowledge(b"first")
    abandon(shelf.database, shelf.vault, [second])


def swept(shelf: Shelf, acknowledge: Callable[[bytes], None]) -> None:
    """Every step of the sweep, with bytes that come back between condemnation and deletion."""
    now = [shelf.database.clock()]
    shelf.database.clock = lambda: now[-1]
    shelf.purge(3, 4)
    for number in range(5):
        shelf.sweep(force=True)
        if number == 0:
            shelf.add(BACK)
            acknowledge(BACK)
        now.append(now[-1] + timedelta(days=8))


SCENARIOS = {"upload": upload, "many": many, "sweep": swept}


def crash(site: Site, scenario: str, at: int, pipe: int) -> None:
    """In a process of its own: plays the scenario, up to the step where it is killed."""
    shelf = site.open()
    crash = Crash(at, pipe)
    for name in CALLS:
        setattr(os, name, crash.around(name, getattr(os, name)))
    setattr(shelf.database, "write", crash.around("transaction", shelf.database.write))  # noqa: B010
    SCENARIOS[scenario](shelf, lambda content: told(pipe, f"{ACKNOWLEDGED}{content.hex()}"))
    told(pipe, ENDED)
    os._exit(0)


def problems(site: Site, scenario: str, acknowledged: list[bytes]) -> list[str]:
    """What is wrong after the crash; then the scenario again, and everything must be swept."""
    shelf = site.open(START + timedelta(days=60))
    with shelf.database.read() as tx:
        found = [str(one) for one in audit_binaries(tx, shelf.vault, deep=True)]
    found += [f"lost: {content!r}" for content in acknowledged if served(shelf, content) != content]
    again: list[bytes] = []
    SCENARIOS[scenario](shelf, again.append)
    shelf.database.clock = lambda: START + timedelta(days=120)
    found += [f"not again: {one!r}" for one in [*acknowledged, *again] if served(shelf, one) != one]
    shelf.purge()
    for month in range(1, 6):
        shelf.database.clock = lambda month=month: START + timedelta(days=120 + 30 * month)
        found += shelf.sweep(force=True).alarms
    if not shelf.is_empty():
        found.append("something is left")
    shelf.database.close()
    return found


def served(shelf: Shelf, content: bytes) -> bytes | None:
    with shelf.database.read() as tx:
        record = binary_by_sha256(tx, hashlib.sha256(content).hexdigest())
    if record is None:
        return None
    return b"".join(open_binary(shelf.database, shelf.vault, record))


def crashed(site: Site, scenario: str, at: int) -> tuple[str, list[bytes]]:
    """The name of the step that killed the process, or ENDED; what was acknowledged before."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        crash(site, scenario, at, writing)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        *lines, last = pipe.read().splitlines()
    _, status = os.waitpid(child, 0)
    assert last == ENDED or os.WTERMSIG(status) == signal.SIGKILL, last
    return last, [KEPT, *(bytes.fromhex(line.removeprefix(ACKNOWLEDGED)) for line in lines)]


def main(folder: Path, template: Path) -> None:
    for scenario in SCENARIOS:
        for at in count(1):
            place = folder / f"{scenario}-{at}"
            place.mkdir()
            site = Site(place, template)
            step, acknowledged = crashed(site, scenario, at)
            found = problems(site, scenario, acknowledged)
            line = {"scenario": scenario, "at": at, "step": step, "problems": found}
            sys.stdout.write(json.dumps(line) + "\n")
            shutil.rmtree(place)
            if step == ENDED:
                break


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
