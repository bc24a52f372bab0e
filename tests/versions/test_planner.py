"""What PostgreSQL's planner knows of lines that were written a moment ago."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from gql_service.catalog.visibility import open_view
from gql_service.database.engine import Database, Tx
from gql_service.database.planner import FIRST_LOOK, TIMES, Planner
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
        lab.annotate(clone, item, *(mark() for _ in range(FIRST_LOOK)))

    merged = lab.merge(*clones)  # which copies what one of them has, without reading it

    lines = {lab.read(lambda tx, d=d: open_view(tx, d).line) for d in (*clones, merged)}
    assert lab.read(_common) == lines


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_a_line_is_looked_at_when_many_small_changes_have_made_it_large(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[str] = []
    monkeypatch.setattr(sa.Connection, "exec_driver_sql", lambda _self, text: looks.append(text))
    planner, rows, seen = Planner(database.engine), 0, []
    while rows < FIRST_LOOK * TIMES**2:
        planner.told({("item_states", 1): 50, ("annotation_states", 2): 1})
        rows += 50
        if looks:
            assert looks.pop() == 'ANALYZE (SKIP_LOCKED) "item_states" (line, since)'
            seen.append(rows)
    assert seen == [FIRST_LOOK, FIRST_LOOK * TIMES, FIRST_LOOK * TIMES**2]


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_a_look_that_fails_does_not_undo_what_was_committed(database: Database) -> None:
    Planner(database.engine).told({("no such table", 1): FIRST_LOOK})


def _common(tx: Tx) -> set[int]:
    return {int(line) for line in tx.scalar(_COMMON).strip("{}").split(",")}
