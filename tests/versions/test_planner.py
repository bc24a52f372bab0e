"""What PostgreSQL's planner knows of lines that were written a moment ago."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from gql_service.catalog.visibility import open_view
from gql_service.database.engine import Tx
from gql_service.database.planner import LARGE_GROWTH
from tests.builders import Lab, mark, new_item

_COMMON = sa.text(
    "SELECT most_common_vals::text FROM pg_stats"
    " WHERE tablename = 'annotation_states' AND attname = 'line'"
)


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_lines_that_grew_by_much_are_known_at_once(lab: Lab) -> None:
    dataset = lab.dataset(new_item("/a.jpg"), new_item("/b.jpg"))
    clones = [lab.clone(dataset) for _ in range(2)]
    for clone, item in zip(clones, lab.keys(dataset), strict=True):
        lab.annotate(clone, item, *(mark() for _ in range(LARGE_GROWTH)))

    merged = lab.merge(*clones)  # which copies what one of them has, without reading it

    lines = {lab.read(lambda tx, d=d: open_view(tx, d).line) for d in (*clones, merged)}
    assert lab.read(_common) == lines


def _common(tx: Tx) -> set[int]:
    return {int(line) for line in tx.scalar(_COMMON).strip("{}").split(",")}
