"""Random filters over random nasty items: SQL on both databases against the plain evaluator."""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gql_service.catalog.filters import AnnotationFilter, ItemFilter
from gql_service.database.engine import Database
from tests.catalog.filter_indexes import compare_with_indexes, with_indexes
from tests.catalog.filter_layers import Masks, layered
from tests.catalog.filter_oracle import PlainItem, annotation_matches, item_matches
from tests.catalog.filter_shelf import found_annotations, found_items
from tests.catalog.filter_strategies import annotation_filters, item_filters, masks, shelves
from tests.catalog.undone import undone

pytestmark = pytest.mark.model

EXAMPLES = int(os.environ.get("FILTER_EXAMPLES", "12"))
FILTERS_PER_EXAMPLE = 8


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    items=shelves,
    through=masks,
    wheres=st.lists(item_filters, min_size=1, max_size=FILTERS_PER_EXAMPLE),
    inner=st.lists(annotation_filters, min_size=1, max_size=FILTERS_PER_EXAMPLE),
)
def test_a_filter_finds_what_the_plain_evaluator_finds(
    database: Database,
    actor: int,
    items: list[PlainItem],
    through: Masks,
    wheres: list[ItemFilter],
    inner: list[AnnotationFilter],
) -> None:
    compare_filters(database, actor, items, through, wheres, inner)


def compare_filters(
    database: Database,
    actor: int,
    items: list[PlainItem],
    through: Masks,
    wheres: list[ItemFilter],
    inner: list[AnnotationFilter],
) -> None:
    with undone(database, actor) as tx:
        view, shown = layered(tx, items, through)
        for where in wheres:
            expected = {item.key for item in shown if item_matches(where, item)}
            assert found_items(tx, view, where) == expected, where
        helped = with_indexes(tx, view, wheres)
        for where in helped:
            expected = {item.key for item in shown if item_matches(where, item)}
            compare_with_indexes(tx, view, where, expected)
        for condition in inner:
            marks = [mark for item in shown for mark in item.annotations]
            kept = {mark.key for mark in marks if annotation_matches(condition, mark)}
            assert found_annotations(tx, view, condition) == kept, condition
