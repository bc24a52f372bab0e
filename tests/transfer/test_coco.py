"""COCO in: images, boxes, polygons, masks and keypoints; whatever cannot be taken is told."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from gql_service.catalog.binary import BLOB_KEYS, CANDIDATES
from gql_service.errors import ErrorCode, Invalid
from gql_service.transfer.coco_reading import read_coco
from gql_service.transfer.importing import plan_import, run_import
from gql_service.transfer.record import Report, Source
from gql_service.transfer.target import Target
from gql_service.versions.datasets import recipe_at
from gql_service.versions.items import UploadMode
from tests.builders import ON_SQLITE, Lab
from tests.transfer.carrying import bring, content, told
from tests.transfer.pictures import picture, put, put_json

CATEGORIES = [{"id": 1, "name": "cat"}, {"id": 7, "name": "dog"}]


def box(id: int, category: int = 1, image: int = 1, **rest: Any) -> dict[str, Any]:
    return {
        "id": id,
        "image_id": image,
        "category_id": category,
        "bbox": [1, 2, 3.5, 4],
        **rest,
    }


def coco(folder: Path, annotations: list[Any], **rest: Any) -> Path:
    """Two pictures of 20 × 10 pixels, and these annotations."""
    for number in (1, 2):
        put(folder / f"images/sub/{number}.png", picture(20, 10, number))
    images = [{"id": n, "file_name": f"sub/{n}.png", "width": 20, "height": 10} for n in (1, 2)]
    described = {"images": images, "categories": CATEGORIES, "annotations": annotations}
    put_json(folder / "annotations.json", described | rest)
    return folder


def corners(left: float, top: float, right: float, bottom: float) -> list[dict[str, float]]:
    return [{"x": left, "y": top}, {"x": right, "y": bottom}]


@ON_SQLITE
def test_images_with_boxes_become_one_version_with_a_recipe_of_the_categories(
    lab: Lab, tmp_path: Path
) -> None:
    source = coco(tmp_path / "coco", [box(1), box(2, 7, bbox=[0.1, 0.2, 0.2, 0.1])])

    dataset, report = bring(lab, read_coco, source, directory="/in")

    assert told(report) == {}
    assert content(lab, dataset) == {
        "/in/sub/1.png": [
            ("BOX", "cat", corners(1, 2, 4.5, 6)),
            ("BOX", "dog", corners(0.1, 0.2, 0.3, 0.3)),
        ],
        "/in/sub/2.png": [],
    }
    assert lab.head(dataset) == 2
    assert lab.version(dataset, 2).operation == "IMPORT"
    recipe = lab.read(recipe_at, dataset, 2).content
    assert [label.name for label in recipe.labels] == ["cat", "dog"]
    lab.verify()


HOSTILE_IMAGES = {
    "../secret.png": "UNSAFE_PATH",
    "sub/../../secret.png": "UNSAFE_PATH",
    "/etc/passwd": "UNSAFE_PATH",
    "link.png": "UNSAFE_PATH",
    "C:\\windows\\x.png": "UNSAFE_PATH",
    "sub\\1.png": "UNSAFE_PATH",
    "a\x00b.png": "UNSAFE_PATH",
    "gone.png": "MISSING_FILE",
    "sub": "MISSING_FILE",
    "x" * 300: "UNSAFE_PATH",
    "": "MALFORMED",
    "sub/1.png": "DUPLICATE",
}


@ON_SQLITE
def test_hostile_images_are_left_out_with_their_annotations_and_told(
    lab: Lab, tmp_path: Path
) -> None:
    folder = coco(tmp_path / "coco", [])
    put(tmp_path / "secret.png", b"secret")
    put(folder / "secret.png", b"secret")
    (folder / "images/link.png").symlink_to(tmp_path / "secret.png")
    images: list[Any] = [
        {"id": at, "file_name": name} for at, name in enumerate(["sub/1.png", *HOSTILE_IMAGES])
    ]
    odd: list[Any] = [
        {"id": 0, "file_name": "sub/2.png"},
        {"file_name": "sub/2.png"},
        5,
        {"id": 99},
    ]
    odd.append({"id": 98, "file_name": str(folder / "images/sub/2.png")})
    annotations = [box(1, image=0), *(box(n + 1, image=n) for n in range(1, len(images)))]
    put_json(
        folder / "annotations.json",
        {"images": [*images, *odd], "categories": CATEGORIES, "annotations": annotations},
    )

    dataset, report = bring(lab, read_coco, folder)

    assert list(content(lab, dataset)) == ["/sub/1.png"]
    counted = told(report)
    for reason in set(HOSTILE_IMAGES.values()):
        extra = {"MALFORMED": 3, "DUPLICATE": 1, "UNSAFE_PATH": 1}.get(reason, 0)
        expected = list(HOSTILE_IMAGES.values()).count(reason) + extra
        assert counted["image", reason] == expected, reason
    assert counted["annotation", "UNKNOWN_IMAGE"] == len(HOSTILE_IMAGES)
    assert len(lab.annotations(dataset)) == 1
    lab.verify()


HOSTILE_ANNOTATIONS: list[tuple[Any, str]] = [
    (5, "MALFORMED"),
    (box(10, category=99), "UNKNOWN_CATEGORY"),
    (box(11, category=[1]), "UNKNOWN_CATEGORY"),  # type: ignore[arg-type]
    (box(12, image=99), "UNKNOWN_IMAGE"),
    (box(1), "DUPLICATE"),
    (box(13, bbox=[1, 2, 3]), "MALFORMED"),
    (box(14, bbox=[1, 2, -3, 4]), "MALFORMED"),
    (box(15, bbox=[1, 2, "3", 4]), "MALFORMED"),
    (box(16, bbox=[1e300, 2, 3, 4]), "MALFORMED"),
    (box(17, bbox=None), "MALFORMED"),
    (box(18, bbox=[30, 2, 3, 4]), "OUTSIDE_IMAGE"),
    (box(19, bbox=[-9, 2, 3, 4]), "OUTSIDE_IMAGE"),
    (box(20, segmentation=[[1, 2, 3, 4]]), "MALFORMED"),
    (box(21, segmentation=[[1, 2, 3, 4, 5, 6, 7]]), "MALFORMED"),
    (box(22, segmentation={"size": [10, 20], "counts": [1, 2]}), "MALFORMED"),
    (box(23, segmentation={"size": [10**6, 10**6], "counts": [10**12]}), "MALFORMED"),
    (box(24, segmentation={"size": [10, 20], "counts": "P"}), "MALFORMED"),
    (box(30, segmentation={"size": [10, 20], "counts": "X6P"}), "MALFORMED"),  # goes on, and ends
    (box(25, segmentation={"size": [10, 20], "counts": [-5, 205]}), "MALFORMED"),
    (box(26, segmentation="nonsense"), "MALFORMED"),
    (box(27, keypoints=[1, 2]), "MALFORMED"),
    (box(28, attributes={"x": {"not": "a value"}}), "NOT_IN_RECIPE"),
    (box(29, segmentation={"size": [10, 20], "counts": "oooooo0"}), "MALFORMED"),
]


@ON_SQLITE
def test_hostile_annotations_are_left_out_and_told(lab: Lab, tmp_path: Path) -> None:
    source = coco(tmp_path, [box(1), *(one for one, _ in HOSTILE_ANNOTATIONS), box(2)])

    dataset, report = bring(lab, read_coco, source)

    assert len(lab.annotations(dataset)) == 2
    reasons = [reason for _, reason in HOSTILE_ANNOTATIONS]
    expected = {("annotation", reason): reasons.count(reason) for reason in reasons}
    assert told(report) == expected
    assert {entry.where for entry in report.first} >= {"annotations[1]", "annotations[5]"}
    lab.verify()


@ON_SQLITE
def test_what_is_no_coco_file_is_refused_and_nothing_is_written(lab: Lab, tmp_path: Path) -> None:
    before = lab.everything()
    for text in (b"", b"[]", b'{"images": 5}', b"\xff\xfe{}", b'{"images": [NaN]}'):
        put(tmp_path / "annotations.json", text)
        with pytest.raises(Invalid) as refusal:
            bring(lab, read_coco, tmp_path)
        assert refusal.value.path == ("source",)
    assert lab.everything() == before


@ON_SQLITE
def test_nothing_is_taken_where_nothing_can_be(lab: Lab, tmp_path: Path) -> None:
    put_json(tmp_path / "a.json", {"images": [{"id": 1, "file_name": "gone"}]})
    before = lab.everything()
    with pytest.raises(Invalid, match="nothing to import"):
        bring(lab, read_coco, tmp_path)
    put_json(tmp_path / "b.json", {"images": []})
    with pytest.raises(Invalid, match=r"a\.json, b\.json"):
        bring(lab, read_coco, tmp_path)
    with pytest.raises(Invalid, match="no"):
        bring(lab, read_coco, tmp_path / "missing")
    assert lab.everything() == before


@ON_SQLITE
def test_the_recipe_of_the_dataset_or_a_chosen_one_decides_what_is_taken(
    lab: Lab, tmp_path: Path
) -> None:
    source = coco(tmp_path, [box(1), box(2, 7)])

    dataset, report = bring(lab, read_coco, source, recipe=lab.birds)
    assert told(report) == {("annotation", "NOT_IN_RECIPE"): 2}
    assert lab.read(recipe_at, dataset, 2).id == lab.birds
    with lab.refused(ErrorCode.INVALID, "recipe"):
        bring(lab, read_coco, source, recipe=lab.pets)
    pets = lab.empty("pets")
    assert bring(lab, read_coco, source, name="pets")[0] == pets
    assert lab.labels(pets) == {"/sub/1.png": ["cat", "dog"], "/sub/2.png": []}
    lab.verify()


@ON_SQLITE
def test_what_is_there_already_is_told_or_gets_the_annotations_too(
    lab: Lab, tmp_path: Path
) -> None:
    source = coco(tmp_path, [box(1)])
    dataset, _ = bring(lab, read_coco, source)

    _, report = bring(lab, read_coco, source)
    assert told(report) == {("image", "ALREADY_THERE"): 2}
    assert lab.head(dataset) == 2
    bring(lab, read_coco, source, mode=UploadMode.OVERWRITE)

    assert lab.labels(dataset)["/sub/1.png"] == ["cat", "cat"]
    lab.verify()


@ON_SQLITE
def test_a_size_that_is_not_that_of_the_file_is_told(lab: Lab, tmp_path: Path) -> None:
    coco(tmp_path, [])
    images = [{"id": 1, "file_name": "sub/1.png", "width": 21, "height": 10}]
    put_json(tmp_path / "annotations.json", {"images": images})

    assert told(bring(lab, read_coco, tmp_path)[1]) == {("image", "SIZE_DIFFERS"): 1}


class Stop(Exception):
    """What a progress bar may raise."""


@ON_SQLITE
def test_what_stops_an_import_leaves_neither_a_dataset_nor_bytes(lab: Lab, tmp_path: Path) -> None:
    source = coco(tmp_path, [box(1)])
    before, kept = lab.everything(), set(lab.vault.keys())
    report, target, calls = Report(), Target("new project", "new"), iter(range(9))
    plan = lab.read(plan_import, target, read_coco(Source(source), report), report)

    def stop() -> None:
        if next(calls) == 1:
            raise Stop

    def run(progress: Callable[[], None]) -> None:
        lease = timedelta(hours=1)
        actor = lab.actor
        run_import(
            lab.database,
            lab.vault,
            target,
            plan,
            report,
            actor=actor,
            lease=lease,
            progress=progress,
        )

    with pytest.raises(Stop):
        run(stop)
    plan.records[1].file.unlink()
    with pytest.raises(FileNotFoundError):
        run(lambda: None)

    after = lab.everything()
    assert {table for table in before if after[table] != before[table]} <= {
        BLOB_KEYS.name,
        CANDIDATES.name,
    }
    assert set(lab.vault.keys()) == kept
    lab.verify()
