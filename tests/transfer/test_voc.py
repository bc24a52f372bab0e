"""Pascal VOC in and out: boxes come back as they went out, and bombs do not go off."""

from __future__ import annotations

from pathlib import Path

import pytest

from gql_service.catalog.coordinates import AnnotationType
from gql_service.errors import Invalid
from gql_service.transfer.voc_reading import read_voc
from gql_service.transfer.voc_writing import VocWriter
from tests.builders import ON_SQLITE, Lab
from tests.transfer.carrying import bring, content, take, told, whole
from tests.transfer.pictures import picture, put, random_dataset

BOX = "<bndbox><xmin>1</xmin><ymin>2</ymin><xmax>3.5</xmax><ymax>4</ymax></bndbox>"


def described(name: str, *objects: str) -> bytes:
    size = "<size><width>20</width><height>10</height><depth>3</depth></size>"
    inside = "".join(f"<object>{one}</object>" for one in objects)
    return f"<annotation><filename>{name}</filename>{size}{inside}</annotation>".encode()


@ON_SQLITE
def test_boxes_come_back_as_they_went_out(lab: Lab, tmp_path: Path) -> None:
    source = random_dataset(lab, tmp_path / "source", [AnnotationType.BOX], seed=9)

    report = take(lab, source, VocWriter, tmp_path / "out")
    copy, back = bring(lab, read_voc, tmp_path / "out", name="copy")

    assert set(told(report)) == {("item metadata", "NOT_HELD")}
    assert told(back) == {}
    assert content(lab, copy) == content(lab, source)
    lab.verify()


@ON_SQLITE
def test_what_voc_says_of_an_object_comes_back_too(lab: Lab, tmp_path: Path) -> None:
    for number in (1, 2):
        put(tmp_path / f"in/{number}.png", picture(20, 10, number))
    said = "<pose>Left</pose><truncated>1</truncated><difficult>0</difficult><part/>"
    put(tmp_path / "in/1.xml", described("1.png", f"<name> cat </name>{said}{BOX}"))

    dataset, report = bring(lab, read_voc, tmp_path / "in")
    take(lab, dataset, VocWriter, tmp_path / "out")
    copy, _ = bring(lab, read_voc, tmp_path / "out", name="copy")

    assert told(report) == {("voc element", "NOT_HELD"): 1}
    assert [row.metadata for row in lab.annotations(dataset)] == [
        '{"voc":{"pose":"Left","truncated":1}}'
    ]
    assert whole(lab, copy) == whole(lab, dataset)
    assert lab.paths(copy) == ["/1.png", "/2.png"]


BOMB = b"""<!DOCTYPE a [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>
<annotation><filename>&b;</filename></annotation>"""
STEALING = b"""<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>
<annotation><filename>1.png</filename><object><name>&x;</name></object></annotation>"""
FILES = {
    "bomb": (BOMB, "MALFORMED"),
    "stealing": (STEALING, "MALFORMED"),
    "broken": (b"<annotation>", "MALFORMED"),
    "bytes": (b"<annotation><filename>\xff</filename></annotation>", "MALFORMED"),
    "other": (b"<html/>", "MALFORMED"),
    "encoding": (b'<?xml version="1.0" encoding="nonsense"?><annotation/>', "MALFORMED"),
    "nothing": (b"<annotation/>", "MALFORMED"),
    "away": (described("../secret.png"), "UNSAFE_PATH"),
    "root": (described("/etc/passwd"), "UNSAFE_PATH"),
    "gone": (described("gone.png"), "MISSING_FILE"),
    "twice": (described("1.png"), "DUPLICATE"),
}


@ON_SQLITE
def test_hostile_files_are_left_out_and_told(lab: Lab, tmp_path: Path) -> None:
    put(tmp_path / "secret.png", b"secret")
    put(tmp_path / "in/JPEGImages/1.png", picture(20, 10))
    for name, (text, _) in FILES.items():
        put(tmp_path / f"in/Annotations/{name}.xml", text)
    objects = (
        f"<name>cat</name>{BOX}",
        "<name>cat</name>",
        BOX,
        f"<name>cat</name>{BOX.replace('3.5', 'nan')}",
        f"<name>cat</name>{BOX.replace('3.5', '1e400')}",
        f"<name>cat</name>{BOX.replace('3.5', '0')}",
        f"<name>cat</name>{BOX.replace('1', '1e99').replace('3.5', '1e100')}",
        f"<name>cat</name>{BOX.replace('>1<', '>50<').replace('3.5', '60')}",
    )
    put(tmp_path / "in/Annotations/1.xml", described("1.png", *objects))

    dataset, report = bring(lab, read_voc, tmp_path / "in")

    reasons = [reason for _, reason in FILES.values()]
    assert told(report) == {
        **{("image", reason): reasons.count(reason) for reason in reasons},
        ("annotation", "MALFORMED"): 6,
        ("annotation", "OUTSIDE_IMAGE"): 1,
    }
    assert lab.labels(dataset) == {"/1.png": ["cat"]}
    lab.verify()


@ON_SQLITE
def test_a_folder_without_xml_is_refused(lab: Lab, tmp_path: Path) -> None:
    put(tmp_path / "in/1.png", picture(20, 10))
    for path in (tmp_path / "in", tmp_path / "missing", tmp_path / "in/1.png"):
        with pytest.raises(Invalid) as refusal:
            bring(lab, read_voc, path)
        assert refusal.value.path == ("source",)
