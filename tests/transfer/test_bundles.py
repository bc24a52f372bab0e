"""Bundles: a dataset comes back with all of its past, or not at all."""

from __future__ import annotations

import gzip
import hashlib
import random
import shutil
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest

from gql_service.catalog.binary import BLOB_KEYS
from gql_service.catalog.dataset import DATASETS
from gql_service.catalog.member import add_member
from gql_service.catalog.permission import Role
from gql_service.catalog.user import TOKENS, USERS, create_user
from gql_service.catalog.visibility import LINES
from gql_service.database.engine import Database
from gql_service.errors import ErrorCode, Invalid
from gql_service.sweeping import sweep_lines
from gql_service.transfer.bundle_file import BundleWriter, members
from gql_service.transfer.bundling import export_bundle, import_bundle
from gql_service.transfer.target import Target
from gql_service.vault.memory import MemoryVault
from gql_service.versions.items import ItemPatch
from gql_service.versions.keeping import set_retention
from gql_service.versions.retention import purge_deleted
from tests.builders import CONTENTS, ON_SQLITE, Lab, by_keys, make_lab, new_item, samples
from tests.conftest import SetClock, driven
from tests.postgres import MIGRATED, Cluster
from tests.transfer.stories import live_stories, telling

LEASE = timedelta(hours=1)
NAMED = ("versions", "item_states", "annotation_states", "recipes")
"""Tables in which users are named."""
Change = Callable[[dict[str, bytes]], object]
"""What somebody does to the members of a bundle before they seal it again."""


def out_of(lab: Lab, dataset: int, file: Path) -> Path:
    export_bundle(lab.database, lab.vault, dataset, file, actor=lab.actor)
    return file


def into(lab: Lab, file: Path, name: str) -> int:
    target = Target("lab", name)
    arrived = import_bundle(lab.database, lab.vault, file, target, actor=lab.actor, lease=LEASE)
    return arrived.dataset


def inside(file: Path) -> dict[str, bytes]:
    return {name: content.read() for name, _, content in members(file)}


def table(found: dict[str, bytes], name: str) -> bytes:
    return found[f"tables/{name}.ndjson.gz"]


def flattened(lab: Lab, dataset: int) -> list[bool]:
    """Whether each line of a dataset is known to have begun as another one."""
    return [row.flat_of is not None for row in lab.rows(LINES) if row.dataset == dataset]


def sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@pytest.fixture
def elsewhere(
    cluster: Cluster, clock: SetClock, sqlite_template: Path, tmp_path: Path
) -> Iterator[list[Lab]]:
    """Another installation on PostgreSQL, and one more on SQLite; each with other numbers."""
    cluster.clean()
    shutil.copy(sqlite_template, tmp_path / "third.sqlite3")
    labs = []
    for url in (cluster.url(MIGRATED), f"sqlite:///{tmp_path / 'third.sqlite3'}"):
        database = Database(driven(url), clock=clock)
        database.write(lambda tx: create_user(tx, "Root", "root@example.org"))
        actor = database.write(lambda tx: create_user(tx, "Zoe", "zoe@example.org"))
        labs.append(make_lab(database, MemoryVault(), actor))
        labs[-1].dataset(*samples(2))
    yield labs
    for lab in labs:
        lab.database.close()


@ON_SQLITE
@pytest.mark.parametrize(
    "names",
    [
        ("source", "merged"),
        pytest.param(("above", "bare", "chosen"), marks=pytest.mark.model),
    ],
)
def test_a_dataset_with_all_of_its_past_goes_to_another_kind_of_database_and_back(
    lab: Lab, clock: SetClock, elsewhere: list[Lab], tmp_path: Path, names: tuple[str, ...]
) -> None:
    stories = live_stories(lab, clock)
    for name in names:
        dataset = stories[name]
        whole = name == "source"
        told = telling(lab.database, lab.actor, dataset, whole=whole)
        file = out_of(lab, dataset, tmp_path / name)
        clock.advance(timedelta(days=1))
        for place in elsewhere:
            arrived = into(place, file, name)
            assert told == telling(place.database, place.actor, arrived, whole=whole)
            assert flattened(place, arrived) == flattened(lab, dataset)
            again = out_of(place, arrived, tmp_path / f"{name} {place.database.dialect}")
            assert inside(again) == inside(file)
            file = again
    for place in elsewhere:
        place.verify()


@ON_SQLITE
def test_what_came_in_lives_on(lab: Lab, tmp_path: Path) -> None:
    clone = lab.clone(lab.dataset())
    lab.delete(clone, lab.keys(clone)[2])
    file = out_of(lab, clone, tmp_path / "bundle")
    first, second = (into(lab, file, name) for name in "ab")
    lab.update(first, by_keys(lab.keys(first)[0]), ItemPatch(metadata={"new": 1}))
    heir = lab.clone(first)
    lab.delete(heir, lab.keys(heir)[0])
    merged = lab.merge(first, heir)
    assert set(lab.keys(first)).isdisjoint(lab.keys(second))
    assert lab.paths(merged) == lab.paths(first)
    lab.write(set_retention, first, 1, None)
    assert list(sweep_lines(lab.database, dry_run=False))
    lab.write(purge_deleted, timedelta(0))
    lab.verify()


@ON_SQLITE
def test_a_clone_takes_along_what_it_shows_and_nothing_else(lab: Lab, tmp_path: Path) -> None:
    hidden = new_item("/secret.jpg", 2, "dog", metadata={"secret": 1})
    source = lab.dataset(*samples(1), hidden)
    between = lab.clone(source)
    lab.delete(between, lab.items(between)["/secret.jpg"].key)
    clone = lab.clone(between, with_metadata=False, with_status=False, with_annotations=False)
    found = inside(out_of(lab, clone, tmp_path / "bundle"))

    items = [orjson.loads(line) for line in gzip.decompress(table(found, "item_states")).split()]

    assert [[value for value in row if value in ("/0.jpg", "{}", '{"n":0}')] for row in items] == [
        ["/0.jpg", "{}"]
    ]
    for name in ("annotation_states", "item_whiteouts", "annotation_whiteouts"):
        assert gzip.decompress(table(found, name)) == b""
    assert [name for name in found if name.startswith("blobs/")] == [f"blobs/{sha(CONTENTS[0])}"]


@ON_SQLITE
def test_users_are_known_by_their_addresses_and_strangers_get_no_access(
    lab: Lab, elsewhere: list[Lab], tmp_path: Path
) -> None:
    dataset = lab.dataset()
    grace = lab.write(create_user, "Grace", "grace@example.org")
    lab.write(add_member, lab.project, grace, Role.DEVELOPER)
    replace(lab, actor=grace).update(dataset, by_keys(lab.keys(dataset)[0]), ItemPatch(hidden=True))
    file = out_of(lab, dataset, tmp_path / "bundle")
    third = elsewhere[1]
    hers = third.write(create_user, "Another name", "grace@example.org")

    arrived = into(third, file, "brought")

    authors = [third.version(arrived, number).author for number in (1, 2, 3)]
    (made,) = [row for row in third.rows(USERS) if row.email == "ada@example.org"]
    assert authors == [made.id, made.id, hers]
    assert (made.name, made.admin) == ("Ada", False)
    went, came = inside(file), inside(out_of(third, arrived, tmp_path / "again"))
    assert [table(came, name) for name in NAMED] == [table(went, name) for name in NAMED]
    assert third.rows(TOKENS) == []
    with lab.refused(ErrorCode.FORBIDDEN, "datasetId"):
        out_of(replace(lab, actor=grace), dataset, tmp_path / "hers")
    with lab.refused(ErrorCode.FORBIDDEN, "projectId"):
        into(replace(lab, actor=grace), file, "hers")
    with third.refused(ErrorCode.NAME_TAKEN, "name"):
        into(third, file, "brought")
    with lab.refused(ErrorCode.CONFLICT, "target"):
        out_of(lab, dataset, file)
    assert sorted(path.name for path in tmp_path.iterdir() if "bundle" in path.name) == ["bundle"]


@pytest.fixture
def bundle(lab: Lab, tmp_path: Path) -> Path:
    dataset = lab.dataset(*samples(3))
    lab.delete(dataset, lab.keys(dataset)[2])
    return out_of(lab, dataset, tmp_path / "bundle")


@ON_SQLITE
@pytest.mark.parametrize("how", ["cut", "flipped"])
def test_a_bundle_that_is_cut_off_or_has_a_flipped_bit_is_refused_and_leaves_nothing(
    lab: Lab, bundle: Path, how: str
) -> None:
    whole, chance = bundle.read_bytes(), random.Random(how)
    places = [0, 1, 512, len(whole) - 1, len(whole) - 1024, len(whole) - 2048]
    places += [chance.randrange(len(whole)) for _ in range(14)]
    objects = sorted(lab.vault.keys())

    for place in places:
        changed = bytearray(whole if how == "flipped" else whole[:place])
        if how == "flipped":
            changed[place] ^= 1 << chance.randrange(8)
        bundle.write_bytes(changed)
        with lab.refused(ErrorCode.INVALID, "source"):
            into(lab, bundle, "brought")

    assert sorted(lab.vault.keys()) == objects
    bundle.write_bytes(whole)
    into(lab, bundle, "brought")
    lab.verify()


def _row(name: str, column: str, value: Any) -> Change:
    """Changes the first row of a table."""

    def change(found: dict[str, bytes]) -> None:
        columns = orjson.loads(found["bundle.json"])["columns"][name]
        rows = [orjson.loads(one) for one in gzip.decompress(table(found, name)).splitlines()]
        rows[0][columns.index(column)] = value
        text = b"".join(orjson.dumps(row) + b"\n" for row in rows)
        found[f"tables/{name}.ndjson.gz"] = gzip.compress(text)

    return change


def _described(change: Callable[[Any], object]) -> Change:
    def apply(found: dict[str, bytes]) -> None:
        description = orjson.loads(found["bundle.json"])
        change(description)
        found["bundle.json"] = orjson.dumps(description)

    return apply


def _first_blob(content: bytes | None) -> Change:
    """Gives it other bytes; without any, as many others."""

    def change(found: dict[str, bytes]) -> None:
        name = min(name for name in found if name.startswith("blobs/"))
        found[name] = found[name][::-1] if content is None else content

    return change


def _without_a_blob(found: dict[str, bytes]) -> None:
    del found[max(name for name in found if name.startswith("blobs/"))]


@ON_SQLITE
@pytest.mark.parametrize(
    "change",
    [
        *(
            _row("versions", "number", 7),
            _row("versions", "items", 1),
            _row("versions", "author", 9),
        ),
        *(_row("item_states", "binary", 9), _row("item_states", "until", 1)),
        *(_row("item_states", "path", "/1.jpg"), _row("annotation_states", "item", 2)),
        *(_row("annotation_states", "origin_dataset", 0), _row("label_counts", "annotations", 8)),
        *(_described(lambda d: d.update(version=2)), _described(lambda d: d.update(format="x"))),
        _described(lambda d: d["columns"]["tags"].append("from_the_future")),
        *(_first_blob(None), _first_blob(b"short"), _without_a_blob),
    ],
)
def test_rows_and_files_that_do_not_belong_together_are_refused_and_leave_nothing(
    lab: Lab, bundle: Path, tmp_path: Path, change: Change
) -> None:
    found = inside(bundle)
    change(found)
    writer = BundleWriter(tmp_path / "forged")
    for name, content in found.items():
        writer.add(name, len(content), [content])
    writer.seal()
    writer.close()
    journal = {row.key for row in lab.rows(BLOB_KEYS) if row.state != "dead"}
    datasets, objects = lab.rows(DATASETS), sorted(lab.vault.keys())

    with pytest.raises(Invalid) as refused:
        into(lab, tmp_path / "forged", "brought")

    assert refused.value.path == ("source",)
    assert (lab.rows(DATASETS), sorted(lab.vault.keys())) == (datasets, objects)
    assert {row.key for row in lab.rows(BLOB_KEYS) if row.state != "dead"} == journal
    lab.verify()


@ON_SQLITE
def test_a_bundle_is_an_archive_that_any_tar_reads(bundle: Path) -> None:
    with tarfile.open(bundle) as archive:
        names = archive.getnames()

    assert (names[0], names[-1]) == ("bundle.json", "SHA256")
    assert f"blobs/{sha(CONTENTS[0])}" in names
