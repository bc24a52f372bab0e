"""YOLO out and in: what comes back is what went out."""

from __future__ import annotations

from pathlib import Path

import pytest

from gql_service.catalog.coordinates import AnnotationType
from gql_service.catalog.filters import ItemFilter, StringFilter
from gql_service.errors import BinaryCorrupt, ErrorCode, Invalid
from gql_service.transfer.formats import WAYS
from gql_service.transfer.yolo_reading import read_yolo
from gql_service.transfer.yolo_writing import open_detection, open_segmentation
from tests.builders import ON_SQLITE, Lab
from tests.transfer.carrying import bring, bytes_of, content, take, told
from tests.transfer.pictures import picture, put, random_dataset


@ON_SQLITE
def test_boxes_come_back_as_they_went_out(lab: Lab, tmp_path: Path) -> None:
    source = random_dataset(lab, tmp_path / "source", [AnnotationType.BOX], seed=1)

    report = take(lab, source, open_detection, tmp_path / "out")
    copy, back = bring(lab, read_yolo, tmp_path / "out", name="copy")

    assert told(back) == {}
    assert content(lab, copy) == content(lab, source)
    path = next(iter(content(lab, copy)))
    assert bytes_of(lab, copy, path) == bytes_of(lab, source, path)
    assert set(told(report)) == {("item metadata", "NOT_HELD")}
    lab.verify()


@ON_SQLITE
def test_polygons_of_one_ring_come_back_as_they_went_out(lab: Lab, tmp_path: Path) -> None:
    source = random_dataset(lab, tmp_path / "source", [AnnotationType.POLYGON], seed=2)

    report = take(lab, source, open_segmentation, tmp_path / "out")
    copy, back = bring(lab, read_yolo, tmp_path / "out", name="copy")

    expected = {
        path: [mark for mark in marks if len(mark[2]) == 1]
        for path, marks in content(lab, source).items()
    }
    lost = sum(map(len, content(lab, source).values())) - sum(map(len, expected.values()))
    assert told(report)["POLYGON", "NOT_HELD"] == lost > 0
    assert told(back) == {}
    assert content(lab, copy) == expected


@ON_SQLITE
def test_other_shapes_become_the_boxes_around_them_and_the_rest_is_told(
    lab: Lab, tmp_path: Path
) -> None:
    source = random_dataset(lab, tmp_path / "source", list(AnnotationType), seed=3)
    folder = tmp_path / "out"

    report = told(take(lab, source, open_detection, folder))

    types = [kind for marks in content(lab, source).values() for kind, _, _ in marks]
    for kind in ("POLYGON", "ELLIPSE", "BINARY_MASK"):
        assert report.get((kind, "BOX_ONLY"), 0) + report.get((kind, "NOT_HELD"), 0) == types.count(
            kind
        )
    for kind in ("POSE", "CLASSIFICATION", "POLYLINE", "POINT", "CUBE", "NOTE"):
        assert report[kind, "NOT_HELD"] == types.count(kind)
    for line in "".join(file.read_text() for file in folder.rglob("*.txt")).splitlines():
        numbers = [float(word) for word in line.split()]
        assert len(numbers) == 5
        assert all(0 <= number <= 1 for number in numbers[1:])


@ON_SQLITE
def test_pictures_that_would_share_a_label_file_or_a_folder_get_numbers(
    lab: Lab, tmp_path: Path
) -> None:
    names = ["a.png", "b/images/1.png", "c.png"]
    for at, name in enumerate(names):
        put(tmp_path / "in" / name, picture(10, 10, at))
        put(
            (tmp_path / "in" / name.replace("images", "labels")).with_suffix(".txt"), b"0 .5 .5 1 1"
        )
    put(tmp_path / "in/classes.txt", b"cat\n")
    dataset, _ = bring(lab, read_yolo, tmp_path / "in")
    keys = dict(zip(lab.paths(dataset), lab.keys(dataset), strict=True))
    lab.move(dataset, {keys["/c.png"]: "/a.jpg"})

    report = take(lab, dataset, open_detection, tmp_path / "out")

    assert told(report) == {("path", "RENAMED"): 2}
    files = {file.relative_to(tmp_path / "out").as_posix() for file in tmp_path.glob("out/**/*.*")}
    assert files == {
        *("images/a.jpg", "images/a (2).png", "images/b/images_/1.png", "data.yaml"),
        *("labels/a.txt", "labels/a (2).txt", "labels/b/images_/1.txt"),
    }
    assert len(lab.annotations(bring(lab, read_yolo, tmp_path / "out", name="copy")[0])) == 3


LINES = {
    "0 0.5 0.5 0.2 0.2": None,
    "": None,
    "0 0.5 0.5 0.2": "MALFORMED",
    "0 0.5 0.5 0.2 0.2 0.9": "MALFORMED",
    "0 nan 0.5 0.2 0.2": "MALFORMED",
    "0 0.5 0.5 inf 0.2": "MALFORMED",
    "0 0.5 0.5 -0.2 0.2": "MALFORMED",
    "cat 0.5 0.5 0.2 0.2": "MALFORMED",
    "0 1e300 0.5 0.2 0.2": "MALFORMED",
    "7 0.5 0.5 0.2 0.2": "UNKNOWN_CATEGORY",
    "-1 0.5 0.5 0.2 0.2": "UNKNOWN_CATEGORY",
    "0.5 0.5 0.5 0.2 0.2": "UNKNOWN_CATEGORY",
    "0 5 0.5 0.2 0.2": "OUTSIDE_IMAGE",
    "\ufffd \ufffd": "MALFORMED",
}


@ON_SQLITE
def test_lines_that_are_none_are_told_by_file_and_number(lab: Lab, tmp_path: Path) -> None:
    put(tmp_path / "in/images/1.png", picture(10, 10))
    put(tmp_path / "in/labels/1.txt", "\n".join(LINES).encode().replace(b"\xef\xbf\xbd", b"\xff"))
    put(tmp_path / "in/images/2.png", b"no picture")
    put(tmp_path / "in/labels/2.txt", b"0 0.5 0.5 0.2 0.2")
    put(tmp_path / "elsewhere.png", picture(5, 5))
    (tmp_path / "in/images/3.png").symlink_to(tmp_path / "elsewhere.png")
    put(tmp_path / "in/data.yaml", b"names: {0: cat, 1: dog}")

    dataset, report = bring(lab, read_yolo, tmp_path / "in")

    assert {path: len(marks) for path, marks in content(lab, dataset).items()} == {
        "/1.png": 1,
        "/2.png": 0,
    }
    reasons = [reason for reason in LINES.values() if reason]
    assert told(report) == {
        **{("annotation", reason): reasons.count(reason) for reason in reasons},
        ("image", "UNSAFE_PATH"): 1,
        ("label file", "MALFORMED"): 1,
    }
    assert "1.txt:3" in {entry.where for entry in report.first}
    lab.verify()


SETTINGS = (
    b"{",
    b"[1]",
    b"names: 5",
    b"names: {0: a, 999999999: b}",
    b"names: [[a]]",
    b"x: " + b"[" * 1500,
    b"names: [a]\nkpt_shape: [17, 3]",
    b"!!python/object/apply:os.system ['true']",
)


@ON_SQLITE
def test_settings_that_are_none_are_refused(lab: Lab, tmp_path: Path) -> None:
    put(tmp_path / "images/1.png", picture(10, 10))
    before = lab.everything()
    for text in SETTINGS:
        put(tmp_path / "data.yaml", text)
        with pytest.raises(Invalid) as refusal:
            bring(lab, read_yolo, tmp_path)
        assert refusal.value.path == ("source",)
    assert lab.everything() == before


@ON_SQLITE
def test_an_export_is_of_a_version_and_a_filter_and_stands_nowhere_before_it_is_whole(
    lab: Lab, tmp_path: Path
) -> None:
    dataset = random_dataset(lab, tmp_path / "source", [AnnotationType.BOX], seed=4)
    version, paths = lab.head(dataset), lab.paths(dataset)
    lab.delete(dataset, lab.keys(dataset)[0])
    take(lab, dataset, open_detection, tmp_path / "old", version=version)
    assert len(list((tmp_path / "old/images").rglob("*.png"))) == len(paths)
    some = ItemFilter(path=StringFilter(in_=paths[1:3]))
    take(lab, dataset, open_detection, tmp_path / "some", where=some)
    assert len(list((tmp_path / "some/images").rglob("*.png"))) == 2

    with lab.refused(ErrorCode.CONFLICT, "target"):
        take(lab, dataset, open_detection, tmp_path / "old")
    with lab.refused(ErrorCode.INVALID, "target"):
        take(lab, dataset, open_detection, tmp_path / "no/where")
    for key in list(lab.vault.keys())[3:5]:
        lab.vault.delete(key)
    for format, way in WAYS.items():
        with pytest.raises(BinaryCorrupt):
            take(lab, dataset, way.write, tmp_path / format.value)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["old", "some", "source"]
