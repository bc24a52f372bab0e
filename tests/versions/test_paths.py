"""Who gets a path that several items want."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gql_service.catalog.item_path import numbered
from gql_service.errors import LimitExceeded
from gql_service.versions.paths import PathChange, settle_paths


class Others:
    """The paths of items that are not among the wishes, and how often one asks for them."""

    def __init__(self, *paths: str) -> None:
        self.paths = set(paths)
        self.asked: list[Sequence[str]] = []

    def __call__(self, paths: Sequence[str]) -> set[str]:
        self.asked.append(paths)
        return self.paths & set(paths)


def test_who_wants_a_path_alone_gets_it_and_one_question_is_enough() -> None:
    others = Others("/z")

    assert settle_paths([(1, "/a"), (2, "/b")], others) == []
    assert others.asked == [["/a", "/b"]]


def test_nothing_is_settled_for_nobody() -> None:
    assert settle_paths([], Others()) == []


def test_the_first_keeps_the_path_and_the_others_are_numbered_in_their_order() -> None:
    wishes = [(3, "/a/b.jpg"), (1, "/a/b.jpg"), (2, "/a/b.jpg")]

    assert settle_paths(wishes, Others()) == [
        PathChange(1, "/a/b.jpg", "/a/b (2).jpg"),
        PathChange(2, "/a/b.jpg", "/a/b (3).jpg"),
    ]


def test_even_the_first_gives_way_to_an_item_that_is_not_among_the_wishes() -> None:
    assert settle_paths([(1, "/a")], Others("/a", "/a (2)")) == [PathChange(1, "/a", "/a (3)")]


def test_a_number_that_somebody_wants_is_left_to_them_even_when_they_come_later() -> None:
    wishes = [(1, "/a"), (2, "/a"), (3, "/a (2)")]

    assert settle_paths(wishes, Others()) == [PathChange(2, "/a", "/a (3)")]


def test_a_path_that_a_loser_wanted_is_not_given_to_another_loser() -> None:
    wishes = [(1, "/a"), (2, "/a"), (3, "/a (2)"), (4, "/a (2)")]

    given = [change.given for change in settle_paths(wishes, Others())]

    assert given == ["/a (3)", "/a (2) (2)"]


def test_thousands_of_losers_cost_a_few_questions() -> None:
    others = Others("/a", *(f"/a ({n})" for n in range(2, 4000)))
    wishes = [(n, "/a") for n in range(1000)]

    changes = settle_paths(wishes, others)

    assert [change.given for change in changes] == [f"/a ({n})" for n in range(4000, 5000)]
    assert len(others.asked) < 12


def test_a_path_without_room_for_a_number_is_refused() -> None:
    path = "/" + "/".join(["d" * 200] * 5) + "/" + "e" * 14 + "/nn"

    with pytest.raises(LimitExceeded):
        settle_paths([(1, path), (2, path)], Others())


NAMES = st.sampled_from(["/a", "/a (2)", "/a (3)", "/a (2) (2)", "/b.c", "/b (2).c"])


@given(st.lists(NAMES, max_size=8), st.sets(NAMES))
@settings(max_examples=200, deadline=None)
def test_the_answer_is_that_of_asking_for_one_after_another(
    wanted: list[str], outside: set[str]
) -> None:
    wishes = list(enumerate(wanted))
    taken, losers, expected = set(outside), [], []
    for item, path in wishes:
        if path in taken:
            losers.append((item, path))
        taken.add(path)
    for item, path in losers:
        number = 2
        while numbered(path, number) in taken | outside:
            number += 1
        taken.add(numbered(path, number))
        expected.append(PathChange(item, path, numbered(path, number)))

    assert settle_paths(wishes, Others(*outside)) == expected
