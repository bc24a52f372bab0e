"""A check of the store finds each damage to binaries, their journal and their bytes."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from gql_service.catalog.binary import BINARIES, BLOB_KEYS
from gql_service.database.engine import Database
from gql_service.vault.disk import DiskVault
from gql_service.versions.verify import verify_store
from tests.builders import CONTENTS, ON_SQLITE, Lab, make_lab, new_item


def findings(lab: Lab, *, deep: bool = False) -> list[Any]:
    return verify_store(lab.database, lab.vault, deep=deep)


def of_binary(table: sa.Table, **values: Any) -> Callable[[Lab], None]:
    """Changes the row of the first binary, or of its key."""

    def damage(lab: Lab) -> None:
        first = sa.select(BINARIES.c.blob_key).where(BINARIES.c.id == 1).scalar_subquery()
        key = BINARIES.c.blob_key if table is BINARIES else BLOB_KEYS.c.key
        lab.write(lambda tx: tx.execute(sa.update(table).where(key == first).values(**values)))

    return damage


def key_of_first(lab: Lab) -> str:
    key: str = next(row.blob_key for row in lab.rows(BINARIES) if row.id == 1)
    return key


def journal_key(lab: Lab) -> None:
    row = {"key": "f" * 32, "state": "live", "lease_until": lab.database.clock()}
    lab.write(lambda tx: tx.execute(sa.insert(BLOB_KEYS).values(row)))


BYTES: dict[str, tuple[Callable[[Lab], None], set[str]]] = {
    "held and condemned": (
        of_binary(BINARIES, state="condemned"),
        {"no binary that is held is condemned"},
    ),
    "a live key for nobody": (journal_key, {"every live key serves a binary or a thumbnail"}),
    "served by a dead key": (
        of_binary(BLOB_KEYS, state="dead"),
        {"every binary is served by a live key"},
    ),
    "an object that is gone": (
        lambda lab: lab.vault.delete(key_of_first(lab)),
        {"every binary has its bytes"},
    ),
    "an object that is shorter": (
        lambda lab: lab.vault.put(key_of_first(lab), [b"short"]),
        {"every binary has its bytes"},
    ),
    "an object that nobody knows": (
        lambda lab: lab.vault.put("e" * 32, [b"?"]),
        {"every object has been journalled"},
    ),
}


@ON_SQLITE
@pytest.mark.parametrize("damage", BYTES)
def test_every_damage_of_binaries_is_found_and_nothing_else(lab: Lab, damage: str) -> None:
    lab.dataset(new_item("/a", 1))
    work, expected = BYTES[damage]

    work(lab)

    assert {one.invariant for one in findings(lab)} == expected


@ON_SQLITE
def test_bytes_that_changed_are_found_when_they_are_read(lab: Lab) -> None:
    lab.vault.put(key_of_first(lab), [CONTENTS[0].upper()])

    assert findings(lab) == []
    (finding,) = findings(lab, deep=True)
    assert finding.invariant == "every binary hashes to its name"


@ON_SQLITE
def test_bytes_that_are_known_to_be_corrupt_are_no_finding(lab: Lab) -> None:
    of_binary(BINARIES, state="corrupt")(lab)
    lab.vault.delete(key_of_first(lab))

    assert findings(lab, deep=True) == []


@ON_SQLITE
def test_bytes_that_cannot_be_read_are_found(
    database: Database, actor: int, tmp_path: Path
) -> None:
    lab = make_lab(database, DiskVault(tmp_path / "files"), actor)
    key = key_of_first(lab)
    path = tmp_path / "files" / key[:2] / key
    path.unlink()
    path.mkdir()  # it has a size and cannot be opened, whoever we are
    of_binary(BINARIES, size=path.stat().st_size)(lab)

    (finding,) = findings(lab, deep=True)

    assert finding.invariant == "every binary can be read"
    shutil.rmtree(path)
