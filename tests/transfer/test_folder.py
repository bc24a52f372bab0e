"""A folder becomes items with classes, all of it as one version, or nothing of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from gql_service.catalog.binary import BINARIES, BLOB_KEYS, CANDIDATES
from gql_service.errors import ErrorCode, Invalid
from gql_service.transfer.folder import FoundFile, class_names, find_files, import_files
from gql_service.transfer.folder_writing import FolderWriter
from gql_service.versions.given import Outcome
from gql_service.versions.items import UploadMode
from tests.builders import CONTENTS, ON_SQLITE, Lab
from tests.transfer.carrying import take, told

LEASE = timedelta(hours=1)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two classes, one file without, one nested, and what is left out."""
    files = {
        "cat/1.jpg": b"cat one",
        "cat/small/2.jpg": b"cat two",
        "dog/1.jpg": b"dog",
        "notes.txt": b"notes",
        ".hidden": b"no",
        ".git/config": b"no",
        "cat/.DS_Store": b"no",
    }
    root = tmp_path / "photos"
    for name, content in files.items():
        write(root / name, content)
    (root / "empty").mkdir()
    return root


def write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def importing(lab: Lab, dataset: int, files: Sequence[FoundFile], **how: Any) -> Outcome:
    return import_files(
        lab.database, lab.vault, dataset, files, actor=lab.actor, lease=LEASE, **how
    )


# Finding.


def test_files_are_found_by_path_with_the_class_of_their_first_folder(folder: Path) -> None:
    files = find_files(folder)

    assert files == [
        FoundFile(folder / "cat/1.jpg", "/cat/1.jpg", "cat"),
        FoundFile(folder / "cat/small/2.jpg", "/cat/small/2.jpg", "cat"),
        FoundFile(folder / "dog/1.jpg", "/dog/1.jpg", "dog"),
        FoundFile(folder / "notes.txt", "/notes.txt", None),
    ]
    assert class_names(files) == ["cat", "dog"]


def test_without_classes_the_folders_are_only_paths(folder: Path) -> None:
    files = find_files(folder, with_classes=False)

    assert {file.label for file in files} == {None}
    assert class_names(files) == []


@pytest.mark.parametrize("directory", ["/in/here", "in/here", "/in/here/"])
def test_a_directory_goes_before_every_path(folder: Path, directory: str) -> None:
    files = find_files(folder, directory=directory)

    assert [file.path for file in files][-1] == "/in/here/notes.txt"
    assert files[0].label == "cat"


def test_a_directory_that_is_none_is_refused(folder: Path) -> None:
    with pytest.raises(Invalid) as refusal:
        find_files(folder, directory="/a/../b")
    assert refusal.value.path == ("directory",)


def test_links_are_followed_to_files_and_not_to_folders(folder: Path, tmp_path: Path) -> None:
    write(tmp_path / "elsewhere/file", b"linked")
    (folder / "dog/link").symlink_to(tmp_path / "elsewhere/file")
    (folder / "dog/round").symlink_to(folder, target_is_directory=True)
    (folder / "dog/dead").symlink_to(tmp_path / "nowhere")

    paths = [file.path for file in find_files(folder)]

    assert [path for path in paths if path.startswith("/dog")] == ["/dog/1.jpg", "/dog/link"]


def test_names_are_brought_into_one_spelling(tmp_path: Path) -> None:
    write(tmp_path / "cafe\u0301/x", b"x")

    (file,) = find_files(tmp_path)

    assert (file.path, file.label) == ("/café/x", "café")


@pytest.mark.parametrize(
    "name", ["a\\b", "line\nbreak", b"\xff.jpg".decode("utf-8", "surrogateescape")]
)
def test_a_name_that_cannot_be_a_path_is_told_with_the_file(tmp_path: Path, name: str) -> None:
    write(tmp_path / "fine", b"")
    write(tmp_path / name, b"")

    with pytest.raises(Invalid) as refusal:
        find_files(tmp_path)
    assert refusal.value.path == ("folder",)
    assert str(tmp_path) in refusal.value.message


def test_a_folder_whose_name_cannot_be_a_label_is_refused_unless_it_names_no_class(
    tmp_path: Path,
) -> None:
    write(tmp_path / ("n" * 250) / "file", b"")

    with pytest.raises(Invalid):
        find_files(tmp_path)
    assert len(find_files(tmp_path, with_classes=False)) == 1


def test_a_path_that_is_too_long_under_the_directory_is_refused(folder: Path) -> None:
    directory = "/" + "/".join(["d" * 254] * 4)

    with pytest.raises(Invalid):
        find_files(folder, directory=directory)


@pytest.mark.parametrize("what", ["missing", "file", "empty", "hidden"])
def test_what_is_no_folder_or_has_no_files_is_refused(tmp_path: Path, what: str) -> None:
    path = tmp_path / what
    if what == "file":
        path.write_bytes(b"")
    if what in ("empty", "hidden"):
        path.mkdir()
    if what == "hidden":
        write(path / ".only", b"")

    with pytest.raises(Invalid) as refusal:
        find_files(path)
    assert (refusal.value.path, str(path) in refusal.value.message) == (("folder",), True)


# Importing.


def test_a_folder_becomes_one_version_with_classes_as_annotations(lab: Lab, folder: Path) -> None:
    dataset = lab.empty()
    sizes: list[int] = []

    outcome = importing(lab, dataset, find_files(folder), message="m", progress=sizes.append)

    assert (outcome.version, outcome.added, outcome.skipped) == (2, 4, 0)
    assert lab.labels(dataset) == {
        "/cat/1.jpg": ["cat"],
        "/cat/small/2.jpg": ["cat"],
        "/dog/1.jpg": ["dog"],
        "/notes.txt": [],
    }
    assert {row.type for row in lab.annotations(dataset)} == {"CLASSIFICATION"}
    version = lab.version(dataset, 2)
    assert (version.operation, version.message, version.author) == ("IMPORT", "m", lab.actor)
    assert sizes == [7, 7, 3, 5]
    mime_types = {row.id: row.mime_type for row in lab.rows(BINARIES)}
    assert mime_types[lab.items(dataset)["/notes.txt"].binary] == "text/plain"
    lab.verify()


def test_a_second_import_reuses_the_stored_bytes(lab: Lab, folder: Path) -> None:
    dataset, other = lab.empty(), lab.empty()
    files = find_files(folder)
    importing(lab, dataset, files)
    binaries = set(lab.rows(BINARIES))

    again = importing(lab, dataset, files)
    importing(lab, other, files)

    assert (again.version, again.skipped) == (None, 4)
    assert set(lab.rows(BINARIES)) == binaries
    live = [row.key for row in lab.rows(BLOB_KEYS) if row.state == "live"]
    assert sorted(live) == sorted(row.blob_key for row in binaries)
    lab.verify()


def test_equal_files_are_stored_once(lab: Lab, tmp_path: Path) -> None:
    for name in ("a", "b", "c"):
        write(tmp_path / "photos" / name, CONTENTS[0])
    dataset = lab.empty()

    importing(lab, dataset, find_files(tmp_path / "photos"))

    assert {row.binary for row in lab.items(dataset).values()} == {1}
    lab.verify()


def test_taken_paths_are_skipped_or_overwritten(lab: Lab, folder: Path) -> None:
    dataset = lab.empty()
    importing(lab, dataset, find_files(folder))
    before = lab.items(dataset)
    write(folder / "notes.txt", b"other notes")
    write(folder / "more.txt", b"more")

    skipping = importing(lab, dataset, find_files(folder))
    assert (skipping.added, skipping.updated, skipping.skipped) == (1, 0, 4)
    assert lab.items(dataset)["/notes.txt"].binary == before["/notes.txt"].binary
    write(folder / "dog/1.jpg", b"other dog")
    replacing = importing(
        lab, dataset, find_files(folder, with_classes=False), mode=UploadMode.OVERWRITE
    )

    assert (replacing.added, replacing.updated) == (0, 2)
    after = lab.items(dataset)
    changed = {path for path in before if after[path].binary != before[path].binary}
    assert changed == {"/notes.txt", "/dog/1.jpg"}
    assert {path: row.key for path, row in before.items()}.items() <= {
        path: row.key for path, row in after.items()
    }.items()
    assert lab.labels(dataset)["/dog/1.jpg"] == ["dog"]
    lab.verify()


# Failing.


def nothing_is_left(lab: Lab, dataset: int, before: dict[str, Any]) -> None:
    """No row but those of given-up uploads, and no bytes but those from before."""
    after = lab.everything()
    for table in before.keys() - {BLOB_KEYS.name, CANDIDATES.name}:
        assert after[table] == before[table], table
    assert {row.state for row in lab.rows(BLOB_KEYS)} <= {"live", "dead"}
    served = {row.blob_key for row in lab.rows(BINARIES)}
    assert set(lab.vault.keys()) == served
    assert lab.head(dataset) == 1
    lab.verify()


def test_labels_that_the_recipe_has_not_are_refused_and_no_bytes_stay(
    lab: Lab, folder: Path
) -> None:
    dataset = lab.empty(recipe=lab.birds)
    before = lab.everything()

    with pytest.raises(Invalid) as refusal:
        importing(lab, dataset, find_files(folder))

    assert refusal.value.code is ErrorCode.LABEL_UNKNOWN
    assert refusal.value.path == ("items", "0", "annotations", "0", "label")
    nothing_is_left(lab, dataset, before)


class Stop(Exception):
    """What a progress bar may raise."""


@pytest.mark.parametrize("reason", [KeyboardInterrupt, Stop])
@pytest.mark.parametrize("after", [1, 3, 4])
def test_whatever_stops_it_in_the_middle_leaves_the_dataset_as_it_was_and_no_bytes(
    lab: Lab, folder: Path, reason: type[BaseException], after: int
) -> None:
    dataset = lab.empty()
    before = lab.everything()
    calls: list[int] = []

    def progress(size: int) -> None:
        calls.append(size)
        if len(calls) == after:
            raise reason

    with pytest.raises(reason):
        importing(lab, dataset, find_files(folder), progress=progress)

    nothing_is_left(lab, dataset, before)


def unreadable(path: Path) -> None:
    path.unlink()
    path.mkdir()  # cannot be opened as a file, whoever we are


def gone(path: Path) -> None:
    path.unlink()


@pytest.mark.parametrize("spoil", [unreadable, gone])
@pytest.mark.parametrize("name", ["cat/1.jpg", "notes.txt"])
def test_a_file_that_cannot_be_read_fails_everything(
    lab: Lab, folder: Path, spoil: Callable[[Path], None], name: str
) -> None:
    dataset = lab.empty()
    before = lab.everything()
    files = find_files(folder)
    spoil(folder / name)

    with pytest.raises(OSError, match=name.rsplit("/", 1)[-1]):
        importing(lab, dataset, files)

    nothing_is_left(lab, dataset, before)


def test_after_a_failure_the_same_import_goes_through(lab: Lab, folder: Path) -> None:
    dataset = lab.empty()
    with pytest.raises(Stop):
        importing(lab, dataset, find_files(folder), progress=stop)

    assert importing(lab, dataset, find_files(folder)).added == 4
    lab.verify()


@ON_SQLITE
def test_a_folder_goes_out_as_it_came_in(lab: Lab, folder: Path, tmp_path: Path) -> None:
    dataset = lab.empty()
    importing(lab, dataset, find_files(folder))
    lab.move(dataset, {lab.keys(dataset)[2]: "/else/where.jpg"})

    report = take(lab, dataset, FolderWriter, tmp_path / "out")

    assert told(report) == {("path", "RENAMED"): 1}
    again = find_files(tmp_path / "out")
    assert [(file.path, file.label) for file in again] == [
        ("/cat/1.jpg", "cat"),
        ("/cat/small/2.jpg", "cat"),
        ("/dog/else/where.jpg", "dog"),
        ("/notes.txt", None),
    ]
    assert (tmp_path / "out/dog/else/where.jpg").read_bytes() == b"dog"


def stop(_size: int) -> None:
    raise Stop
