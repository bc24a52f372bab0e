"""Metadata indexes: no answer changes by them, clones have them, and nobody waits for them."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from gql_service.catalog import indexed_filter
from gql_service.catalog.dataset import alive
from gql_service.catalog.filters import ItemFilter, JsonFilter, StringFilter
from gql_service.catalog.indexed_filter import helped
from gql_service.catalog.metadata_index import (
    COMPLETE,
    DATASET_INDEXES,
    LINE_INDEXES,
    VALUES,
    indexes_of,
    steps_of,
)
from gql_service.catalog.page import count_items, page_items
from gql_service.catalog.visibility import DATASETS, open_view
from gql_service.database.engine import Tx
from gql_service.errors import ErrorCode
from gql_service.versions import index_filling
from gql_service.versions.datasets import delete_dataset, set_lock
from gql_service.versions.flatten import flatten
from gql_service.versions.index_filling import (
    declare_index,
    drop_index,
    due_indexes,
    fill_batch,
    tend_indexes,
)
from gql_service.versions.items import ItemPatch, update_items
from gql_service.versions.locking import hold_dataset
from gql_service.versions.retention import purge_deleted
from gql_service.versions.revert import RevertRequest, revert_dataset
from tests.builders import ON_SQLITE, Lab, by_keys, new_item

LONG = "x" * 300
NASTY: list[dict[str, Any]] = [
    *({"a": {"b": value}} for value in (0, 1, 1.0, 0.5, 2**53 + 1, 2**53, -(2**63), 1e300, 5e-324)),
    *({"a": {"b": value}} for value in ("", "1", "é", "😀", "\ud7ff", LONG, LONG + "y", "a\nb")),
    *({"a": {"b": value}} for value in (True, False, None, [], [1], {}, {"c": 1}, [[1]], ["1"])),
    *({}, {"a": 1}, {"a": None}, {"a": []}, {"a": [{"b": 1}, {"b": "é"}]}, {"a.b": 1}, {"b": 1}),
]
OPERANDS: list[Any] = [0, 1, 2**53 + 1, 1e300, "", "1", "é", LONG, True, False, None, [1], {}]


EQUAL_TO_B = [ItemFilter(metadata=[JsonFilter(path=["a", "b"], eq=1)])]


def conditions() -> list[ItemFilter]:
    """Every operator that an index helps, of the value itself and through lists."""
    found = []
    for through in (False, True):
        how: dict[str, Any] = {"path": ["a", "b"], "through": through}
        found += [JsonFilter(**how, exists=True), JsonFilter(**how, in_=OPERANDS)]
        found += [JsonFilter(**how, in_=[1, 1.0, 2, "é"]), JsonFilter(**how, gte=0, lt=2)]
        found += [JsonFilter(**how, eq=operand) for operand in OPERANDS]
        for operand in (1.5, 2**53, "1", LONG, True):
            found += [JsonFilter(**how, gt=operand), JsonFilter(**how, lte=operand)]
    return [ItemFilter(metadata=[one]) for one in found]


def matches(tx: Tx, dataset: int, version: int, where: ItemFilter) -> tuple[list[str], int]:
    """The paths of a page of all that match, and their number."""
    view = open_view(tx, dataset, version)
    page = page_items(tx, view, where, limit=500)
    return [row.path for row in page.rows], count_items(tx, view, where)


def compare(lab: Lab, *datasets: int, wheres: list[ItemFilter]) -> int:
    """All versions answer as they do without an index; how often one was used."""
    used = 0

    def ask(tx: Tx) -> list[Any]:
        nonlocal used
        points = [(d, v) for d in datasets for v in range(1, open_view(tx, d).version + 1)]
        used += sum(
            bool(helped(tx, open_view(tx, *at), where)) for at in points for where in wheres
        )
        return [matches(tx, *at, where) for at in points for where in wheres]

    with pytest.MonkeyPatch.context() as patch:
        answers = [lab.read(ask)]
        times = used
        patch.setattr(indexed_filter, "_can_be_told", lambda *_, **__: False)
        answers.append(lab.read(ask))
    assert answers[0] == answers[1]
    return times


def nasty(lab: Lab) -> int:
    return lab.dataset(*(new_item(f"/{n:02}", metadata=one) for n, one in enumerate(NASTY)))


def ready(lab: Lab, dataset: int) -> list[bool]:
    return [one.ready for one in lab.read(indexes_of, [dataset])[dataset]]


def alive_datasets(tx: Tx) -> list[int]:
    return [row.id for row in tx.rows(sa.select(DATASETS.c.id).where(alive()))]


def lines_indexed(lab: Lab) -> int:
    return len(lab.rows(LINE_INDEXES))


@pytest.mark.exhaustive
def test_nothing_that_a_filter_finds_depends_on_an_index(lab: Lab) -> None:
    dataset = nasty(lab)
    lab.write(declare_index, dataset, ["a", "b"])

    assert ready(lab, dataset) == [True]
    assert compare(lab, dataset, wheres=conditions()) == 2 * len(conditions()) - 4
    spelt_alike = ItemFilter(metadata=[JsonFilter(path=['a"."b'], exists=True)])
    assert compare(lab, dataset, wheres=[spelt_alike]) == 0
    assert len(lab.rows(VALUES)) == 28  # 26 values, and two lists on the way to nothing
    lab.verify()


def story(lab: Lab) -> list[int]:
    """Datasets that have been through all that may happen to a dataset with an index."""
    dataset = lab.dataset(*(new_item(f"/{n}", metadata={"k": n % 3, "n": n}) for n in range(9)))
    for path in (["k"], ["n"]):
        lab.write(declare_index, dataset, path)
    clone = lab.clone(dataset)
    keys = lab.keys(dataset)
    lab.update(dataset, by_keys(*keys[:3]), ItemPatch(metadata={"k": "now"}))
    lab.update(clone, by_keys(*keys[2:6]), ItemPatch(metadata={"k": 0, "n": [1]}))
    lab.delete(clone, keys[7])
    lab.move(clone, {keys[8]: "/new"})
    lab.add(clone, new_item("/more", metadata={"k": 0}))
    masked, top = lab.clone(clone, with_metadata=False), lab.clone(clone)
    lab.update(top, by_keys(keys[5]), ItemPatch(metadata={"k": None}))
    lab.update(masked, by_keys(keys[0]), ItemPatch(metadata={"k": 2}))
    merged = lab.merge(dataset, top)
    lab.write(revert_dataset, RevertRequest(clone, to_version=2))
    assert flatten(lab.database, top) is not None
    lab.delete(top, keys[1])
    stranger = lab.dataset(new_item("/s", metadata={"k": 0}), new_item("/t"))
    return [dataset, clone, masked, top, merged, lab.merge(clone, stranger)]


@pytest.mark.exhaustive
@ON_SQLITE
def test_whole_clones_and_what_comes_of_them_have_the_indexes_of_their_source(lab: Lab) -> None:
    datasets = story(lab)
    wheres = [ItemFilter(metadata=[JsonFilter(path=["k"], in_=[0, 2, "now", None])])]
    wheres.append(ItemFilter(and_=[ItemFilter(metadata=[JsonFilter(path=["n"], gt=3)])]))
    wheres.append(
        ItemFilter(
            metadata=[JsonFilter(path=["k"], exists=True)],
            path=StringFilter(in_=["/1", "/3", "/new"]),
        )
    )
    masked = datasets.pop(2)
    versions = sum(lab.head(one) for one in datasets)

    assert compare(lab, *datasets, wheres=wheres) == versions * len(wheres)
    assert [ready(lab, one) for one in datasets] == [[True, True]] * 5
    assert (compare(lab, masked, wheres=wheres), ready(lab, masked)) == (0, [])
    lab.verify()


@pytest.mark.exhaustive
@ON_SQLITE
def test_an_index_outlives_the_dataset_whose_values_it_holds(lab: Lab) -> None:
    dataset, *rest = story(lab)
    wheres = [ItemFilter(metadata=[JsonFilter(path=["k"], lte=1)])]
    lab.write(delete_dataset, dataset)
    lab.write(purge_deleted, timedelta(0))

    rest.pop(1)  # it has seen no metadata
    versions = sum(lab.head(one) for one in rest)
    assert compare(lab, *rest, wheres=wheres) == versions
    for one in lab.read(alive_datasets):
        lab.write(delete_dataset, one)
    lab.write(purge_deleted, timedelta(0))
    for one in lab.read(due_indexes):
        tend_indexes(lab.database, one)
    assert [lab.rows(table) for table in (DATASET_INDEXES, LINE_INDEXES, VALUES)] == [[], [], []]
    lab.verify()


@ON_SQLITE
def test_an_index_that_is_dropped_stays_with_those_who_need_it(lab: Lab) -> None:
    dataset = nasty(lab)
    lab.write(declare_index, dataset, ["a", "b"])
    clone = lab.clone(dataset)
    lab.write(drop_index, dataset, ["a", "b"])
    tend_indexes(lab.database, dataset)

    assert (ready(lab, dataset), ready(lab, clone)) == ([], [True])
    assert lines_indexed(lab) == 2
    lab.update(dataset, by_keys(lab.keys(dataset)[0]), ItemPatch(metadata={"a": {"b": 9}}))
    assert compare(lab, dataset, clone, wheres=EQUAL_TO_B) > 0
    lab.write(drop_index, clone, ["a", "b"])
    tend_indexes(lab.database, clone)
    assert (lines_indexed(lab), lab.rows(VALUES)) == (0, [])
    lab.verify()


@ON_SQLITE
def test_a_large_dataset_is_indexed_in_pieces_while_others_write(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index_filling, "BATCH", 2)
    dataset = lab.dataset(*(new_item(f"/{n}", metadata={"k": n % 2}) for n in range(9)))
    clone = lab.clone(dataset)
    where = [ItemFilter(metadata=[JsonFilter(path=["k"], eq=1)])]
    lab.write(declare_index, clone, ["k"])
    keys, edits = lab.keys(dataset), iter(range(9))

    def rest() -> None:
        """Somebody edits, in the source too, before and behind what has been filled."""
        n = next(edits)
        assert ready(lab, clone) == [False]
        assert compare(lab, dataset, clone, wheres=where) == 0 or n > 3
        lab.update(dataset, by_keys(keys[n]), ItemPatch(metadata={"k": 5}))
        lab.update(clone, by_keys(keys[-1 - n]), ItemPatch(metadata={"k": 1}))
        lab.verify()

    tend_indexes(lab.database, clone, rest=rest)

    assert next(edits) > 2
    assert ready(lab, clone) == [True]
    assert {row.filled for row in lab.rows(LINE_INDEXES)} == {COMPLETE}
    assert compare(lab, dataset, clone, wheres=where) == lab.head(dataset) + lab.head(clone)
    lab.verify()


@ON_SQLITE
def test_an_index_declared_again_while_it_is_emptied_is_filled_anew(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset = nasty(lab)
    lab.write(declare_index, dataset, ["a", "b"])
    monkeypatch.setattr(index_filling, "BATCH", 5)
    lab.write(drop_index, dataset, ["a", "b"])

    def rest() -> None:
        lab.write(declare_index, dataset, ["a", "b"])
        monkeypatch.undo()

    tend_indexes(lab.database, dataset, rest=rest)  # gives up: somebody needs it
    assert ready(lab, dataset) == [False]
    assert lab.read(due_indexes) == [dataset]
    tend_indexes(lab.database, dataset)
    assert ready(lab, dataset) == [True]
    assert compare(lab, dataset, wheres=EQUAL_TO_B) == 2
    lab.verify()


@ON_SQLITE
def test_a_dataset_that_is_flattened_meanwhile_keeps_its_index(lab: Lab) -> None:
    dataset = lab.clone(lab.dataset(*(new_item(f"/{n}", metadata={"k": n}) for n in range(5))))
    where = [ItemFilter(metadata=[JsonFilter(path=["k"], gte=2)])]
    last = by_keys(lab.keys(dataset)[-1])
    steps: Iterator[Callable[[], object]] = iter(
        [
            lambda: lab.write(declare_index, dataset, ["k"]),
            lambda: lab.update(dataset, last, ItemPatch(metadata={"k": 9})),
        ]
    )

    def rest() -> None:
        next(steps, lambda: None)()

    assert flatten(lab.database, dataset, rest=rest) is not None
    tend_indexes(lab.database, dataset)

    assert ready(lab, dataset) == [True]
    # The line that the first version is read through was indexed as well.
    assert compare(lab, dataset, wheres=where) == lab.head(dataset) == 2
    lab.verify()


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)  # SQLite has one writer
def test_a_state_that_ends_while_its_value_is_brought_in_is_not_left_open(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset = lab.dataset(*(new_item(f"/{n}", metadata={"k": n}) for n in range(3)))
    monkeypatch.setattr(index_filling, "BATCH", 1)
    lab.write(declare_index, dataset, ["k"])
    (index,) = lab.rows(LINE_INDEXES)
    keys = lab.keys(dataset)
    filler = threading.Thread(target=lambda: lab.write(fill_batch, index.id, 10))

    def edit(tx: Tx) -> None:
        hold_dataset(tx, dataset)
        filler.start()
        filler.join(0.2)  # it cannot go on while the dataset is ours
        assert filler.is_alive()
        update_items(tx, dataset, by_keys(*keys), ItemPatch(metadata={"k": "new"}))

    lab.write(edit)
    filler.join(20)

    assert ready(lab, dataset) == [True]
    lab.verify()


@ON_SQLITE
def test_an_index_is_refused_with_the_argument_that_is_wrong(lab: Lab) -> None:
    dataset, other = lab.dataset(), lab.dataset()
    lab.write(declare_index, dataset, ["n"])
    for path in ([], [""], ["0"], ["a", "17"], ['a"b'], ["a\\b"], ["a\x00"], ["\ud800"]):
        with lab.refused(ErrorCode.INVALID, "path"):
            lab.write(declare_index, dataset, path)
    with lab.refused(ErrorCode.LIMIT_EXCEEDED, "path"):
        lab.write(declare_index, dataset, ["a"] * 33)
    with lab.refused(ErrorCode.LIMIT_EXCEEDED, "path"):
        lab.write(declare_index, dataset, ["m"], most=1)
    with lab.refused(ErrorCode.CONFLICT, "path"):
        lab.write(declare_index, dataset, ["n"])
    with lab.refused(ErrorCode.NOT_FOUND, "path"):
        lab.write(drop_index, other, ["n"])
    with lab.refused(ErrorCode.NOT_FOUND, "datasetId"):
        lab.write(declare_index, 999, ["n"])


@ON_SQLITE
def test_a_read_only_dataset_can_be_indexed_and_has_no_new_version(lab: Lab) -> None:
    dataset = lab.dataset()
    lab.write(set_lock, dataset, None)
    lab.write(declare_index, dataset, ["a", "key with spaces. and dots"])
    (index,) = lab.read(indexes_of, [dataset])[dataset]
    lab.write(drop_index, dataset, steps_of(index.path))
    tend_indexes(lab.database, dataset)

    assert steps_of(index.path) == ["a", "key with spaces. and dots"]
    assert (lab.head(dataset), lines_indexed(lab)) == (2, 0)


def test_counts_and_pages_are_read_from_the_index(lab: Lab) -> None:
    items = (new_item(f"/{n}", metadata={"k": n % 300, "t": str(n % 300)}) for n in range(900))
    source = lab.dataset(*items)
    for path in ("k", "t"):
        lab.write(declare_index, source, [path])
    clone = lab.clone(source)
    asked = [JsonFilter(path=["k"], eq=7), JsonFilter(path=["t"], in_=["7", "8"])]
    asked += [JsonFilter(path=["k"], gt=290, lte=295), JsonFilter(path=["t"], eq="7", through=True)]
    with lab.database.engine.connect() as connection:
        connection.exec_driver_sql(
            "ANALYZE" if lab.database.dialect == "postgresql" else "SELECT 1"
        )
        connection.commit()

    for dataset in (source, clone):
        for condition in asked:
            where = ItemFilter(metadata=[condition])
            for plan in lab.read(plans, dataset, where):
                assert re.search(BY_INDEX, plan) and not re.search(WHOLE_TABLE, plan), plan


BY_INDEX = r"item_values_value|line_indexes|PRIMARY KEY \(rowid=|Index Cond: \(id = ANY"
WHOLE_TABLE = "SCAN item_|Seq Scan on item_|item_states_live_path"


def plans(tx: Tx, dataset: int, where: ItemFilter) -> list[str]:
    """How the database carries out what a count and a page ask of items."""
    view, ran = open_view(tx, dataset), []

    def keep(_connection: Any, _cursor: Any, text: str, given: Any, *_: Any) -> None:
        ran.append((text, given))

    sa.event.listen(tx.connection, "before_cursor_execute", keep)
    count_items(tx, view, where)
    page_items(tx, view, where, limit=5)
    sa.event.remove(tx.connection, "before_cursor_execute", keep)
    explain = "EXPLAIN " if tx.postgres else "EXPLAIN QUERY PLAN "
    if tx.postgres:  # which reads so small a table as a whole
        tx.connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
    found = []
    for text, given in ran:
        rows = tx.connection.exec_driver_sql(explain + text, given).all()
        found.append("\n".join(str(row[-1]) for row in rows))
    return found
