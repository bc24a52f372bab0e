"""Objects that were truncated, changed or lost are found, never served, and healed by an upload.

Seeded bugs that turned these red: bytes that are not hashed; damage that is found and not marked;
an upload that heals nothing.
"""

from __future__ import annotations

import random
import secrets
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from gql_service.catalog.binary import BINARIES, BinaryRecord, binaries_by_id
from gql_service.catalog.binary_audit import audit_binaries, corrupt_count, mark_damaged
from gql_service.catalog.blob import open_binary, store_files
from gql_service.catalog.finding import Finding
from gql_service.database.engine import Database
from gql_service.errors import BinaryCorrupt
from gql_service.vault.contract import CHUNK
from gql_service.vault.disk import DiskVault
from tests.builders import ON_SQLITE
from tests.catalog.holding import LEASE, Shelf, make_shelf
from tests.conftest import SetClock

pytestmark = ON_SQLITE

DAMAGES = ("a bit flipped", "cut short", "emptied", "longer", "gone", "another file's")


@pytest.fixture
def shelf(database: Database, actor: int, tmp_path: Path) -> Shelf:
    return make_shelf(database, DiskVault(tmp_path / "vault"), actor)


def damaged(path: Path, damage: str, rng: random.Random) -> None:
    content = bytearray(path.read_bytes())
    if damage == "gone":
        path.unlink()
        return
    if damage == "a bit flipped":
        content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
    elif damage == "cut short":
        del content[rng.randrange(1, len(content)) :]
    elif damage == "emptied":
        content.clear()
    elif damage == "longer":
        content += b"\0"
    else:
        content[:] = secrets.token_bytes(len(content))
    path.write_bytes(content)


def found(shelf: Shelf) -> list[Finding]:
    with shelf.database.read() as tx:
        return list(audit_binaries(tx, shelf.vault, deep=True))


def record(shelf: Shelf, number: int) -> BinaryRecord:
    with shelf.database.read() as tx:
        return binaries_by_id(tx, [number])[number]


def corrupt(shelf: Shelf) -> int:
    with shelf.database.read() as tx:
        count: int = corrupt_count(tx)
    return count


def served(shelf: Shelf, number: int) -> bytes:
    return b"".join(open_binary(shelf.database, shelf.vault, record(shelf, number)))


def heal_all(shelf: Shelf, clock: SetClock, count: int) -> None:
    """Damages `count` objects among a few sound ones, and follows them until they are healed."""
    rng = random.Random(1)
    contents = [rng.randbytes(rng.choice((3, 700, CHUNK, CHUNK + 1))) for _ in range(count + 3)]
    contents = [number.to_bytes(2, "big") + one for number, one in enumerate(contents)]
    numbers = added(shelf, contents)
    bad = dict(list(zip(numbers, contents, strict=True))[:count])
    for at, number in enumerate(bad):
        key = record(shelf, number).blob_key
        damaged(file_of(shelf, key), DAMAGES[at % len(DAMAGES)], rng)

    findings = found(shelf)
    assert {one.damaged for one in findings} == {record(shelf, n).blob_key for n in bad}
    shelf.database.write(lambda tx: mark_damaged(tx, findings))
    assert (corrupt(shelf), found(shelf)) == (count, [])
    for number, content in zip(numbers, contents, strict=True):
        if number in bad:
            with pytest.raises(BinaryCorrupt):
                served(shelf, number)
        else:
            assert served(shelf, number) == content

    assert added(shelf, list(bad.values())) == list(bad)
    assert (corrupt(shelf), found(shelf), shelf.problems()) == (0, [], [])
    assert [served(shelf, number) for number in numbers] == contents
    for _ in range(3):
        assert shelf.sweep().alarms == ()
        clock.advance(timedelta(days=8))
    assert len(list(shelf.vault.keys())) == len(shelf.rows(BINARIES)) == count + 3


def added(shelf: Shelf, contents: list[bytes]) -> list[int]:
    with TemporaryDirectory() as folder:
        files = [Path(folder) / str(at) for at in range(len(contents))]
        for file, content in zip(files, contents, strict=True):
            file.write_bytes(content)
        return shelf.publish(list(store_files(shelf.database, shelf.vault, files, lease=LEASE)))


def file_of(shelf: Shelf, key: str) -> Path:
    assert isinstance(shelf.vault, DiskVault)
    return shelf.vault.folder / key[:2] / key


def test_every_kind_of_damage_is_found_marked_and_healed(shelf: Shelf, clock: SetClock) -> None:
    heal_all(shelf, clock, len(DAMAGES))


@pytest.mark.exhaustive
def test_of_100_damages_100_are_found_and_healed(shelf: Shelf, clock: SetClock) -> None:
    heal_all(shelf, clock, 100)
