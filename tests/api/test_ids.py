"""Ids: one spelling each, and nothing else is one."""

from __future__ import annotations

import pytest

from gql_service.api import ids
from gql_service.errors import Invalid

SHA = "0123456789abcdef" * 4
SPELT = {
    "pr_1": ids.ProjectId(1),
    "us_2": ids.UserId(2),
    "to_3": ids.TokenId(3),
    "jo_4": ids.JobId(4),
    f"bi_{SHA}": ids.BinaryId(SHA),
    "re_5": ids.RecipeId(5),
    "re_5_r2": ids.RecipeId(5, 2),
    "ds_12": ids.DatasetId(12),
    "ds_12_v3": ids.DatasetId(12, 3),
    "it_12_345": ids.ItemId(12, 345),
    "it_12_345_v3": ids.ItemId(12, 345, 3),
    "an_12_678": ids.AnnotationId(12, 678),
    "an_12_678_v3": ids.AnnotationId(12, 678, 3),
    "ve_12_3": ids.VersionId(12, 3),
    "ta_6": ids.TagId(6),
    f"pr_{2**63 - 1}": ids.ProjectId(2**63 - 1),
}
NONE = [
    "",
    "1",
    "pr_",
    "pr_0",
    "pr_01",
    "pr_-1",
    "pr_+1",
    "pr_1 ",
    " pr_1",
    "pr_1\n",
    "PR_1",
    "pr_1_v2",
    "pr_１",
    "pr_1.0",
    f"pr_{2**63}",
    "pr_" + "9" * 1000,
    "xx_1",
    "re_5_v2",
    "re_5_r0",
    "ds_12_v",
    "ds_12_v0",
    "ds_12_r3",
    "it_12",
    "it_12_345_678",
    "ve_12",
    "ve_12_3_v4",
    "ta_6_v1",
    f"bi_{SHA.upper()}",
    f"bi_{SHA[:-1]}",
    "\ud800",
    "pr_1\x00",
]


@pytest.mark.parametrize(("text", "id"), SPELT.items())
def test_an_id_is_read_as_it_is_written(text: str, id: ids.NodeId) -> None:
    assert ids.parse(text, ("id",)) == id
    assert str(id) == text


@pytest.mark.parametrize("text", NONE)
def test_anything_else_is_refused_naming_the_argument(text: str) -> None:
    with pytest.raises(Invalid) as refusal:
        ids.parse(text, ("by", "id"))
    assert refusal.value.path == ("by", "id")


def test_an_id_of_another_type_is_refused() -> None:
    with pytest.raises(Invalid, match="of a dataset is needed here, not of an item"):
        ids.parse_as(ids.DatasetId, "it_1_2", ("datasetId",))


def test_an_item_of_another_dataset_is_refused() -> None:
    assert ids.item_of(1, "it_1_2_v9", ("ids", 0)) == 2
    with pytest.raises(Invalid):
        ids.item_of(1, "it_3_2", ("ids", 0))
    with pytest.raises(Invalid):
        ids.annotation_of(1, "an_3_2", ("ids", 0))
