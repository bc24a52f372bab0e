"""COCO out: what comes back is what went out, and its own library reads it."""

from __future__ import annotations

import json
from pathlib import Path

from gql_service.catalog.coordinates import AnnotationType
from gql_service.transfer.coco_reading import read_coco
from gql_service.transfer.coco_writing import CocoWriter
from gql_service.transfer.masks import code_of_png, png_of_code
from tests.builders import ON_SQLITE, Lab
from tests.transfer.carrying import bring, content, take, told
from tests.transfer.pictures import picture, put, put_json, random_dataset, without_boxes_around

HELD = [
    AnnotationType.BOX,
    AnnotationType.POLYGON,
    AnnotationType.BINARY_MASK,
]


@ON_SQLITE
def test_boxes_polygons_and_masks_come_back_as_they_went_out(lab: Lab, tmp_path: Path) -> None:
    source = random_dataset(lab, tmp_path / "source", HELD, seed=5)

    report = take(lab, source, CocoWriter, tmp_path / "out")
    copy, back = bring(lab, read_coco, tmp_path / "out", name="copy")
    take(lab, copy, CocoWriter, tmp_path / "again")
    again, _ = bring(lab, read_coco, tmp_path / "again", name="again")

    assert told(back) == {}
    assert set(told(report)) == {("item metadata", "NOT_HELD")}
    assert content(lab, copy) == content(lab, source)
    assert content(lab, again) == content(lab, copy)
    lab.verify()


@ON_SQLITE
def test_poses_come_back_with_the_boxes_around_them(lab: Lab, tmp_path: Path) -> None:
    types = [AnnotationType.POSE]
    source = random_dataset(lab, tmp_path / "source", types, seed=6)

    take(lab, source, CocoWriter, tmp_path / "out")
    copy, back = bring(lab, read_coco, tmp_path / "out", name="copy")
    take(lab, copy, CocoWriter, tmp_path / "again")
    again, _ = bring(lab, read_coco, tmp_path / "again", name="again")

    assert told(back) == {}
    assert without_boxes_around(content(lab, copy)) == without_boxes_around(content(lab, source))
    assert content(lab, again) == content(lab, copy)


@ON_SQLITE
def test_what_was_one_annotation_is_one_again(lab: Lab, tmp_path: Path) -> None:
    put(tmp_path / "in/images/1.png", picture(20, 10))
    person = {
        "id": 7,
        "image_id": "first",
        "category_id": 3,
        "bbox": [1, 1, 9, 8],
        "segmentation": [[2, 2, 5, 2, 5, 5.5]],
        "keypoints": [3, 3, 2, 4, 4, 1, 0, 0, 0],
        "iscrowd": 0,
        "attributes": {"age": 7, "hat": True},
    }
    crowd = {
        "id": 8,
        "image_id": "first",
        "category_id": 3,
        "segmentation": {"size": [10, 20], "counts": [100, 7, 93]},
        "iscrowd": 1,
    }
    category = {"id": 3, "name": "person", "keypoints": ["nose", "ear", "tail"]}
    images = [{"id": "first", "file_name": "1.png", "width": 20, "height": 10}]
    described = {"images": images, "categories": [category], "annotations": [person, crowd]}
    put_json(tmp_path / "in/annotations.json", described)

    dataset, report = bring(lab, read_coco, tmp_path / "in")
    lost = take(lab, dataset, CocoWriter, tmp_path / "out")

    assert (told(report), told(lost)) == ({}, {})
    kinds = [kind for kind, _, _ in content(lab, dataset)["/1.png"]]
    assert kinds == ["BINARY_MASK", "BOX", "POLYGON", "POSE"]
    written = json.loads((tmp_path / "out/annotations.json").read_text())
    mask, whole = sorted(written["annotations"], key=lambda one: -one["iscrowd"])
    for name in ("bbox", "segmentation", "attributes", "iscrowd"):
        assert whole[name] == person[name]
    assert (whole["keypoints"][:6], whole["num_keypoints"]) == ([3, 3, 2, 4, 4, 1], 2)
    assert whole["area"] == 5.25
    assert (mask["area"], mask["iscrowd"]) == (7, 1)
    lab.verify()


@ON_SQLITE
def test_what_coco_cannot_hold_is_told(lab: Lab, tmp_path: Path) -> None:
    source = random_dataset(lab, tmp_path / "source", list(AnnotationType), seed=7)

    report = told(take(lab, source, CocoWriter, tmp_path / "out"))

    types = [kind for marks in content(lab, source).values() for kind, _, _ in marks]
    unheld = {kind.value for kind in AnnotationType} - {"BOX", "POLYGON", "BINARY_MASK", "POSE"}
    lost = {kind: count for (kind, reason), count in report.items() if kind in unheld}
    assert lost == {kind: types.count(kind) for kind in unheld}


def test_a_code_becomes_a_mask_and_the_same_code() -> None:
    code = {"size": [3, 4], "counts": [1, 2, 3, 4, 2]}

    text = png_of_code(code, 4, 3)
    packed = code_of_png(text, 4, 3)

    assert png_of_code(packed, 4, 3) == text
    assert packed["size"] == [3, 4]
