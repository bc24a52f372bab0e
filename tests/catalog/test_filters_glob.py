"""Globs on both databases: meaning, and no pattern that is slow."""

from __future__ import annotations

import time

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gql_service.catalog.filter_values import successor
from gql_service.database import glob
from gql_service.database.engine import Database
from tests.catalog.filter_oracle import glob_matches
from tests.catalog.undone import undone


@pytest.mark.parametrize(
    ("pattern", "matching", "other"),
    [
        ("", [""], ["a"]),
        ("/file1*", ["/file1", "/file10"], ["/file2", "/file1/a", "/x/file1"]),
        ("/dir1/**", ["/dir1/a", "/dir1/b/c"], ["/dir1", "/dir10/a"]),
        ("/dir1/dir2/*", ["/dir1/dir2/a"], ["/dir1/dir2/a/b"]),
        ("/a/**/*.jpg", ["/a/b/c.jpg", "/a/b/c/d.jpg"], ["/a/b.jpg", "/a/b/c.png"]),
        ("**a*b", ["ab", "x/axb", "a/ab"], ["a/b", "ab/"]),
        ("?", ["a", "é", "😀", "\n"], ["", "/", "ab"]),
        ("***", ["", "a/b"], []),
        ("[ab]", ["[ab]"], ["a"]),
        ("[^a]*", ["[^a]x"], ["b"]),
        ("a.b", ["a.b"], ["aXb"]),
        ("\\d+$(x|y)^", ["\\d+$(x|y)^"], ["1"]),
        ("%_", ["%_"], ["ab"]),
        ("A*", ["Ab"], ["ab"]),
    ],
)
def test_a_glob_matches(
    database: Database, actor: int, pattern: str, matching: list[str], other: list[str]
) -> None:
    assert [matched(database, actor, pattern, text) for text in matching] == [True] * len(matching)
    assert [matched(database, actor, pattern, text) for text in other] == [False] * len(other)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    pattern=st.text(st.sampled_from("***??//ab[]^\\."), max_size=8),
    texts=st.lists(st.text(st.sampled_from("ab/[]^\\.é"), max_size=8), min_size=1, max_size=20),
)
def test_a_glob_matches_as_the_plain_evaluator_says(
    database: Database, actor: int, pattern: str, texts: list[str]
) -> None:
    with undone(database, actor) as tx:
        column = sa.literal_column("t", sa.Text())
        for text in texts:
            row = sa.select(sa.literal(text, sa.Text()).label("t")).subquery()
            asked = sa.select(glob.matches(column, pattern, postgres=tx.postgres))
            assert bool(tx.scalar(asked.select_from(row))) == glob_matches(pattern, text), text


@pytest.mark.parametrize("pattern", ["*a" * 100 + "b", "**a*" * 60 + "b", "**?a*" * 50 + "**b*c"])
def test_a_hostile_pattern_is_not_slow(database: Database, actor: int, pattern: str) -> None:
    began = time.perf_counter()
    assert not matched(database, actor, pattern, "a" * 20_000)
    assert time.perf_counter() - began < 2


def test_a_glob_begins_with_its_literal_text() -> None:
    assert glob.literal_prefix("/a[b/c*d?") == "/a[b/c"
    assert glob.literal_prefix("?a") == ""


@pytest.mark.parametrize(
    ("prefix", "following"),
    [
        ("a", "b"),
        ("a\ud7ff", "a\ue000"),
        ("a\U0010ffff", "b"),
        ("\U0010ffff", None),
        ("/dir1/", "/dir10"),
    ],
)
def test_the_successor_of_a_prefix_ends_its_range(prefix: str, following: str | None) -> None:
    assert successor(prefix) == following


def matched(database: Database, actor: int, pattern: str, text: str) -> bool:
    with undone(database, actor) as tx:
        subject = sa.select(sa.literal(text, sa.Text()).label("t")).subquery()
        return bool(tx.scalar(sa.select(glob.matches(subject.c.t, pattern, postgres=tx.postgres))))
