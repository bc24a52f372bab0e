"""Random JSON queries over random nasty items: SQL on both databases against plain Python."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gql_service.catalog.dql_keys import Keys
from gql_service.catalog.dql_query import compile_annotations, compile_items
from gql_service.catalog.dql_settings import Surroundings
from gql_service.database.engine import Database
from gql_service.errors import LimitExceeded
from tests.catalog.dql_oracle import annotation_query_matches, query_matches
from tests.catalog.dql_strategies import annotation_queries, queries
from tests.catalog.filter_indexes import compare_with_indexes, with_indexes
from tests.catalog.filter_layers import Masks, layered
from tests.catalog.filter_oracle import PlainItem
from tests.catalog.filter_shelf import matching_annotations, matching_items
from tests.catalog.filter_strategies import masks, shelves
from tests.catalog.undone import undone

pytestmark = pytest.mark.model

EXAMPLES = int(os.environ.get("FILTER_EXAMPLES", "12"))
QUERIES_PER_EXAMPLE = 8


def number_of(text: str, path: Sequence[str | int]) -> int:
    return int(text.split("_")[1])


KEYS = Keys(item=number_of, annotation=number_of)
AROUND = Surroundings(page=None, dataset=(), project=())


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    items=shelves,
    through=masks,
    asked=st.lists(queries, min_size=1, max_size=QUERIES_PER_EXAMPLE),
)
def test_a_json_query_finds_what_the_plain_evaluator_finds(
    database: Database, actor: int, items: list[PlainItem], through: Masks, asked: list[Any]
) -> None:
    compare_queries(database, actor, items, through, asked)


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    items=shelves,
    through=masks,
    asked=st.lists(annotation_queries, min_size=1, max_size=QUERIES_PER_EXAMPLE),
)
def test_a_json_query_finds_the_annotations_that_the_plain_evaluator_finds(
    database: Database, actor: int, items: list[PlainItem], through: Masks, asked: list[Any]
) -> None:
    compare_annotation_queries(database, actor, items, through, asked)


def compare_queries(
    database: Database, actor: int, items: list[PlainItem], through: Masks, asked: list[Any]
) -> None:
    with undone(database, actor) as tx:
        view, shown = layered(tx, items, through)
        expected = {}
        for place, query in enumerate(asked):
            try:
                where = compile_items(query, KEYS, AROUND).filter
            except LimitExceeded:  # nested deeper than may be asked
                continue
            found = {item.key for item in shown if query_matches(query, item)}
            assert matching_items(tx, view, where) == found, query
            expected[place] = (where, found)
        with_indexes(tx, view, [where for where, _ in expected.values()])
        for where, found in expected.values():
            compare_with_indexes(tx, view, where, found)


def compare_annotation_queries(
    database: Database, actor: int, items: list[PlainItem], through: Masks, asked: list[Any]
) -> None:
    with undone(database, actor) as tx:
        view, shown = layered(tx, items, through)
        placed = [(mark, item) for item in shown for mark in item.annotations]
        for query in asked:
            try:
                where = compile_annotations(query, KEYS, AROUND).filter
            except LimitExceeded:
                continue
            expected = {m.key for m, item in placed if annotation_query_matches(query, m, item)}
            assert matching_annotations(tx, view, where) == expected, query
