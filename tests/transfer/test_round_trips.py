"""What any format holds comes back as it went out, whatever it was."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from gql_service.catalog.coordinates import AnnotationType
from gql_service.transfer.formats import WAYS, Format
from gql_service.versions.datasets import recipe_at
from tests.builders import ON_SQLITE, Lab
from tests.transfer.carrying import bring, content, take, told
from tests.transfer.pictures import random_dataset

HELD: dict[Format, Sequence[AnnotationType]] = {
    Format.COCO: (AnnotationType.BOX, AnnotationType.POLYGON, AnnotationType.BINARY_MASK),
    Format.YOLO: (AnnotationType.BOX,),
    Format.VOC: (AnnotationType.BOX,),
    Format.CSV: tuple(AnnotationType),
    Format.PARQUET: tuple(AnnotationType),
}


@ON_SQLITE
@pytest.mark.exhaustive
@pytest.mark.parametrize("seed", range(100, 104))
@pytest.mark.parametrize("format", list(HELD))
def test_what_a_format_holds_comes_back(
    lab: Lab, tmp_path: Path, format: Format, seed: int
) -> None:
    way = WAYS[format]
    assert way.read is not None
    source = random_dataset(lab, tmp_path / "source", HELD[format], seed)
    recipe = lab.read(recipe_at, source, lab.head(source)).id

    take(lab, source, way.write, tmp_path / "out")
    copy, report = bring(lab, way.read, tmp_path / "out", name="copy", recipe=recipe)

    assert told(report) == {}
    assert content(lab, copy) == content(lab, source)
    lab.verify()
