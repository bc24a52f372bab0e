"""What a filter may not be, and how the refusal names the place."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from gql_service.catalog.filter_limits import check
from gql_service.catalog.filters import (
    AnnotationFilter,
    AnnotationsFilter,
    DateTimeFilter,
    IntFilter,
    ItemFilter,
    JsonFilter,
    StringFilter,
)
from gql_service.errors import Invalid, LimitExceeded


def nested(depth: int) -> ItemFilter:
    return ItemFilter() if depth == 1 else ItemFilter(not_=nested(depth - 1))


def json(**operators: Any) -> ItemFilter:
    return ItemFilter(metadata=[JsonFilter(path=["k"], **operators)])


@pytest.mark.parametrize(
    "where",
    [
        nested(8),
        ItemFilter(or_=[ItemFilter(hidden=True)] * 100),
        ItemFilter(path=StringFilter(in_=["/a"] * 1_000, glob="*" * 256)),
        ItemFilter(ids=[2**63 - 1, -(2**63)]),
        json(eq=None),
    ],
)
def test_a_filter_within_the_limits_is_accepted(where: ItemFilter) -> None:
    check(where)


@pytest.mark.parametrize(
    ("where", "path"),
    [
        (nested(9), "not.not.not.not.not.not.not.not"),
        (ItemFilter(or_=[ItemFilter(hidden=True)] * 101), ""),
        (ItemFilter(or_=[ItemFilter()] * 101), ""),
        (ItemFilter(metadata=[JsonFilter(path=["a"])] * 101), ""),
        (ItemFilter(ids=[1] * 1_001), "ids"),
        (ItemFilter(mime_type=StringFilter(not_in=["a"] * 1_001)), "mimeType.notIn"),
        (json(in_=[1] * 1_001), "metadata.0.in"),
        (ItemFilter(or_=[ItemFilter(name=StringFilter(glob="a" * 257))]), "or.0.name.glob"),
        (json(glob="a" * 257), "metadata.0.glob"),
        (ItemFilter(metadata=[JsonFilter(path=["a"] * 33)]), "metadata.0.path"),
        (ItemFilter(path=StringFilter(contains="a" * 5_000)), "path.contains"),
    ],
)
def test_a_filter_beyond_a_limit_is_refused(where: ItemFilter, path: str) -> None:
    with pytest.raises(LimitExceeded) as refusal:
        check(where)
    assert ".".join(refusal.value.path) == path


@pytest.mark.parametrize(
    ("where", "path"),
    [
        (ItemFilter(path=StringFilter(eq="\x00")), "path.eq"),
        (ItemFilter(path=StringFilter(in_=["a", "\ud800"])), "path.in.1"),
        (ItemFilter(size=IntFilter(gt=2**63)), "size.gt"),
        (ItemFilter(ids=[2**63]), "ids.0"),
        (ItemFilter(created_at=DateTimeFilter(eq=datetime(2020, 1, 1))), "createdAt.eq"),
        (
            ItemFilter(created_at=DateTimeFilter(eq=datetime.fromisoformat("0001-01-01T00:00+14"))),
            "createdAt.eq",
        ),
        (json(eq=float("nan")), "metadata.0.eq"),
        (json(eq={"a": ["\x00"]}), "metadata.0.eq.a.0"),
        (json(in_=[2**70]), "metadata.0.in.0"),
        (json(glob="\ud800"), "metadata.0.glob"),
        (
            ItemFilter(
                annotations=AnnotationsFilter(
                    some=AnnotationFilter(attributes=[JsonFilter(path=["\x00"], eq=1)])
                )
            ),
            "annotations.some.attributes.0.path",
        ),
    ],
)
def test_an_operand_that_cannot_be_compared_is_refused(where: ItemFilter, path: str) -> None:
    with pytest.raises(Invalid) as refusal:
        check(where)
    assert ".".join(refusal.value.path) == path


def test_the_place_of_the_filter_leads_the_path() -> None:
    with pytest.raises(LimitExceeded) as refusal:
        check(ItemFilter(ids=[1] * 1_001), ("input", "filters", "where"))
    assert refusal.value.path == ("input", "filters", "where", "ids")
