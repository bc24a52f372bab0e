"""CSV and Parquet hold all that a version shows; tables by others are met."""

from __future__ import annotations

from pathlib import Path

import pytest

from gql_service.catalog.annotation_content import AnnotationStatus, AnnotationType
from gql_service.errors import Invalid
from gql_service.transfer.csv_table import CsvWriter, read_csv
from gql_service.transfer.exporting import OpenWriter
from gql_service.transfer.parquet_table import ParquetWriter, read_parquet
from gql_service.versions.annotations import NewAnnotation
from gql_service.versions.datasets import recipe_at
from gql_service.versions.items import ItemPatch
from tests.builders import ON_SQLITE, Lab, by_keys
from tests.transfer.carrying import Reader, bring, content, take, told, whole
from tests.transfer.pictures import picture, put, random_dataset

BOTH = pytest.mark.parametrize(
    ("read", "write"), [(read_csv, CsvWriter), (read_parquet, ParquetWriter)]
)


@ON_SQLITE
@BOTH
def test_everything_that_a_version_shows_comes_back(
    lab: Lab, tmp_path: Path, read: Reader, write: OpenWriter
) -> None:
    source = random_dataset(lab, tmp_path / "source", list(AnnotationType), seed=8)
    first, second, third = lab.keys(source)[:3]
    patch = ItemPatch({"a": [1, {"b": None}], "=cmd": "x"}, 'over\nlines, "quoted"; ü', True)
    lab.update(source, by_keys(first), patch)
    described = NewAnnotation(
        AnnotationType.CLASSIFICATION,
        "cat",
        attributes={"size": 3, "fur": ["long", "soft"], "name": "Tom"},
        metadata={"deep": {"er": [True, None, 1.5]}},
        status=AnnotationStatus.APPROVED,
    )
    lab.annotate(source, second, described)
    lab.move(source, {third: "/c"})
    lab.move(source, {lab.keys(source)[5]: "/c/d.png"})  # in a folder, where /c is a file

    report = take(lab, source, write, tmp_path / "out")
    recipe = lab.read(recipe_at, source, lab.head(source)).id
    copy, back = bring(lab, read, tmp_path / "out", name="copy", recipe=recipe)

    assert told(report) == {("path", "RENAMED"): 1}
    assert told(back) == {}
    assert whole(lab, copy) == whole(lab, source)
    lab.verify()


@ON_SQLITE
def test_tables_by_others_are_met(lab: Lab, tmp_path: Path) -> None:
    for number in (1, 2):
        put(tmp_path / f"in/{number}.png", picture(20, 10, number))
    rows = [
        "filename,class,xmin,ymin,xmax,ymax,attributes",
        "1.png,cat,1,2,3.5,4,",
        "1.png,dog,,,,,",
        "2.png,,,,,,",
        "2.png,cat,,,,,[]",
    ]
    put(tmp_path / "in/labels.csv", b"\xef\xbb\xbf" + "\r\n".join(rows).encode())

    dataset, report = bring(lab, read_csv, tmp_path / "in")

    assert told(report) == {("annotation", "MALFORMED"): 1}
    assert content(lab, dataset) == {
        "/1.png": [
            ("BOX", "cat", [{"x": 1, "y": 2}, {"x": 3.5, "y": 4}]),
            ("CLASSIFICATION", "dog", None),
        ],
        "/2.png": [],
    }


ROWS = {
    b"1.png,BOX,cat,APPROVED,,,": "MALFORMED",
    b'1.png,BOX,,,"[]",,': "MALFORMED",
    b"1.png,BLOB,cat,,,,": "MALFORMED",
    b"1.png,,cat,PERHAPS,,,": "MALFORMED",
    b"1.png,,cat,,{,,": "MALFORMED",
    b'1.png,POINT,cat,,"{""x"": NaN, ""y"": 1}",,': "MALFORMED",
    b'1.png,POINT,cat,,"{""x"": 1e99, ""y"": 1}",,': "MALFORMED",
    b"1.png,,cat,,,[],": "MALFORMED",
    b"1.png,,c\xfft,,,,": "MALFORMED",
    b'1.png,,cat,,,,"{""a"": ""\xff""}"': "MALFORMED",
    b"1.png,,cow,,,,": "NOT_IN_RECIPE",
    b"../x.png,,cat,,,,": "UNKNOWN_IMAGE",
    b"1.png,,cat,,,,": "",
}


@ON_SQLITE
def test_rows_that_are_none_are_told_by_their_line(lab: Lab, tmp_path: Path) -> None:
    put(tmp_path / "in/1.png", picture(20, 10))
    head = b"path,type,label,status,coordinates,attributes,metadata"
    put(tmp_path / "in/labels.csv", b"\n".join([head, *ROWS]))

    dataset, report = bring(lab, read_csv, tmp_path / "in", recipe=lab.pets)

    reasons = [reason for reason in ROWS.values() if reason]
    expected = {("annotation", reason): reasons.count(reason) for reason in reasons}
    assert told(report) == {**expected, ("image", "UNSAFE_PATH"): 1}
    assert lab.labels(dataset) == {"/1.png": ["cat"]}
    assert "labels.csv:3" in {entry.where for entry in report.first}
    lab.verify()


@ON_SQLITE
def test_what_is_no_table_is_refused(lab: Lab, tmp_path: Path) -> None:
    before = lab.everything()
    for text in (b"", b'a,path\n"1,2', b"PAR1junkPAR1"):
        for suffix, read in (("csv", read_csv), ("parquet", read_parquet)):
            put(tmp_path / f"table.{suffix}", text)
            for path in (tmp_path, tmp_path / "missing"):
                with pytest.raises(Invalid) as refusal:
                    bring(lab, read, path)
                assert refusal.value.path == ("source",)
    assert lab.everything() == before
