"""Windows of lists: what may be asked for, and cursors that fit one list only."""

from __future__ import annotations

from typing import Any

import pytest

from gql_service.api.connections import window
from gql_service.errors import Invalid, LimitExceeded

OF = ("items", 1, None, ())


def test_without_arguments_a_page_is_the_first_fifty() -> None:
    asked = window(OF)
    assert (asked.limit, asked.backwards, asked.anchor) == (50, False, None)


def test_a_cursor_says_where_and_at_which_version() -> None:
    cursor = window(OF).cursor(345, 3)
    asked = window(OF, 10, cursor)
    assert (asked.limit, asked.anchor, asked.version, asked.backwards) == (10, 345, 3, False)
    asked = window(OF, last=10, before=cursor)
    assert (asked.anchor, asked.backwards) == (345, True)


@pytest.mark.parametrize(
    ("given", "argument"),
    [
        ({"first": 1, "last": 1}, "last"),
        ({"first": -1}, "first"),
        ({"last": -1}, "last"),
        ({"after": "x", "last": 1}, "after"),
        ({"before": "x", "first": 1}, "before"),
        ({"after": "x", "before": "x"}, "before"),
        ({"after": ""}, "after"),
        ({"after": "1.2"}, "after"),
        ({"after": "-1.2.00000000"}, "after"),
        ({"after": f"1.{2**63}.00000000"}, "after"),
        ({"after": "1.2.00000000"}, "after"),
        ({"after": "\ud800"}, "after"),
        ({"before": "0"}, "before"),
    ],
)
def test_what_makes_no_sense_is_refused_naming_the_argument(
    given: dict[str, Any], argument: str
) -> None:
    with pytest.raises(Invalid) as refusal:
        window(OF, **given)
    if given.keys() != {"after", "before"}:
        assert refusal.value.path == (argument,)


def test_a_page_has_five_hundred_rows_at_most() -> None:
    assert window(OF, 500).limit == 500
    with pytest.raises(LimitExceeded):
        window(OF, 501)


def test_a_cursor_of_another_list_filter_or_order_is_refused() -> None:
    cursor = window(OF).cursor(345, 3)
    for other in [("items", 2, None, ()), ("items", 1, "filter", ()), ("items", 1, None, ("x",))]:
        with pytest.raises(Invalid, match="another list"):
            window(other, 1, cursor)
