"""Damage to a sound store: what a check must find, each done to the rows behind its back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from gql_service.catalog.lost_state import LOST
from gql_service.catalog.metadata_index import VALUES
from gql_service.catalog.tag import TAGS
from gql_service.catalog.visibility import (
    ANNOTATIONS,
    DATASETS,
    ITEMS,
    LAYERS,
    LINES,
)
from gql_service.database.columns import FOREVER
from gql_service.database.engine import Tx
from gql_service.versions.counting import LABEL_COUNTS
from gql_service.versions.draft import VERSIONS
from gql_service.versions.index_filling import declare_index
from gql_service.versions.knowledge import KNOWLEDGE
from gql_service.versions.tags import tag_version
from tests.builders import Lab


@dataclass(frozen=True)
class Place:
    """A sound store: a dataset with a history, its clone with edits, and the clone's clone.

    `/a` (with two marks) is edited in the dataset, `/b` in the clone; `/c` nobody has touched.
    """

    lab: Lab
    source: int
    clone: int
    top: int
    keys: tuple[int, int, int]


def line_of(tx: Tx, dataset: int) -> int:
    line: int = tx.scalar(sa.select(LINES.c.id).where(LINES.c.dataset == dataset))
    return line


def state_of(tx: Tx, states: sa.Table, line: int, key: int) -> sa.Row[Any]:
    """The newest state of an item, or of the first annotation on it."""
    of = states.c.key if states is ITEMS else states.c["item"]
    row = tx.first(
        sa.select(states).where(states.c.line == line, of == key).order_by(states.c.id.desc())
    )
    assert row is not None
    return row


def put(tx: Tx, states: sa.Table, line: int, key: int, **values: Any) -> None:
    row = state_of(tx, states, line, key)
    tx.execute(sa.update(states).where(states.c.id == row.id).values(**values))


def again(tx: Tx, states: sa.Table, line: int, of: int, /, **values: Any) -> None:
    """Inserts the state once more, with some values changed."""
    row = dict(state_of(tx, states, line, of)._mapping)
    row["copy_of"] = row["copy_of"] or row["id"]
    del row["id"]
    tx.execute(sa.insert(states).values({states.c[name]: v for name, v in (row | values).items()}))


def dated_after_the_head(states: sa.Table) -> Callable[[Tx, Place], None]:
    def damage(tx: Tx, place: Place) -> None:
        later: dict[str, Any] = {"since": 90, "until": 99, "key": 10**9, "copy_of": None}
        again(tx, states, line_of(tx, place.source), place.keys[2], **later)

    return damage


def closed_after_the_head(states: sa.Table) -> Callable[[Tx, Place], None]:
    def damage(tx: Tx, place: Place) -> None:
        put(tx, states, line_of(tx, place.source), place.keys[2], until=9)

    return damage


def overlapping(states: sa.Table) -> Callable[[Tx, Place], None]:
    def damage(tx: Tx, place: Place) -> None:
        again(tx, states, line_of(tx, place.source), place.keys[2], until=3)

    return damage


def stray_whiteout(states: sa.Table, whiteouts: sa.Table) -> Callable[[Tx, Place], None]:
    """Covers a state that had ended before the clone was made."""

    def damage(tx: Tx, place: Place) -> None:
        line = line_of(tx, place.source)
        old = tx.first(sa.select(states).where(states.c.line == line, states.c.until < FOREVER))
        assert old is not None
        cover = {"state": old.id, "line": line_of(tx, place.clone), "since": 2}
        tx.execute(sa.insert(whiteouts).values(cover))

    return damage


def covered_twice(whiteouts: sa.Table) -> Callable[[Tx, Place], None]:
    def damage(tx: Tx, place: Place) -> None:
        line = line_of(tx, place.clone)
        row = tx.first(sa.select(whiteouts).where(whiteouts.c.line == line))
        assert row is not None
        cover = {"state": row.state, "line": line_of(tx, place.top), "since": 1}
        tx.execute(sa.insert(whiteouts).values(cover))

    return damage


def late_whiteout(states: sa.Table, whiteouts: sa.Table) -> Callable[[Tx, Place], None]:
    def damage(tx: Tx, place: Place) -> None:
        state = state_of(tx, states, line_of(tx, place.source), place.keys[2])
        cover = {"state": state.id, "line": line_of(tx, place.top), "since": 5}
        tx.execute(sa.insert(whiteouts).values(cover))

    return damage


def layer(depth: int, **values: Any) -> Callable[[Tx, Place], None]:
    def damage(tx: Tx, place: Place) -> None:
        chosen = sa.and_(LAYERS.c.line == line_of(tx, place.top), LAYERS.c.depth == depth)
        tx.execute(sa.update(LAYERS).where(chosen).values(**values))

    return damage


def number(name: str) -> Callable[[Tx, Place], None]:
    def damage(tx: Tx, place: Place) -> None:
        chosen = sa.and_(VERSIONS.c.dataset == place.source, VERSIONS.c.number == 2)
        tx.execute(sa.update(VERSIONS).where(chosen).values({name: 7}))

    return damage


def wrong_label_count(tx: Tx, place: Place) -> None:
    chosen = sa.and_(LABEL_COUNTS.c.dataset == place.top, LABEL_COUNTS.c.label == "cat")
    tx.execute(sa.update(LABEL_COUNTS).where(chosen).values(annotations=9))


def forgotten(tx: Tx, place: Place) -> None:
    chosen = sa.and_(KNOWLEDGE.c.dataset == place.top, KNOWLEDGE.c.other == place.source)
    tx.execute(sa.delete(KNOWLEDGE).where(chosen))


def forgotten_annotations(tx: Tx, place: Place) -> None:
    chosen = sa.and_(KNOWLEDGE.c.dataset == place.top, KNOWLEDGE.c.other == place.source)
    tx.execute(sa.update(KNOWLEDGE).where(chosen).values(annotations=False))


def two_values(states: sa.Table, **values: Any) -> Callable[[Tx, Place], None]:
    """A filtered clone's copy says something else than the state that it is a copy of."""

    def damage(tx: Tx, place: Place) -> None:
        copied = sa.select(states).where(states.c.copy_of.is_not(None))
        row = tx.first(copied.order_by(states.c.id.desc()))
        assert row is not None
        changed = {states.c[name]: value for name, value in values.items()}
        tx.execute(sa.update(states).where(states.c.id == row.id).values(changed))

    return damage


def annotation_without_item(tx: Tx, place: Place) -> None:
    line = line_of(tx, place.source)
    put(tx, ANNOTATIONS, line, place.keys[2], item=10**9)


def tag_beyond_the_head(tx: Tx, place: Place) -> None:
    surplus_version(tx, place)
    number = tag_version(tx, place.top, "newest")
    tx.execute(sa.update(TAGS).where(TAGS.c.id == number).values(version=2))


def dataset_row(**values: Any) -> Callable[[Tx, Place], None]:
    def damage(tx: Tx, place: Place) -> None:
        tx.execute(sa.update(DATASETS).where(DATASETS.c.id == place.top).values(values))

    return damage


def expired_version(
    *, kept_from: int | None, tag: str | None = None
) -> Callable[[Tx, Place], None]:
    """The first version of the source, and from where on all are said to be kept."""

    def damage(tx: Tx, place: Place) -> None:
        if tag is not None:
            tag_version(tx, place.source, tag, 1)
        chosen = sa.and_(VERSIONS.c.dataset == place.source, VERSIONS.c.number == 1)
        tx.execute(sa.update(VERSIONS).where(chosen).values(expired_at=tx.now))
        source = DATASETS.c.id == place.source
        tx.execute(sa.update(DATASETS).where(source).values(kept_from=kept_from))

    return damage


def lost_after_the_head(tx: Tx, place: Place) -> None:
    row = {"key": 1, "line": line_of(tx, place.source), "until": 99, "of_item": True}
    row |= {"root": 1, "item": 1, "write": 1, "origin_dataset": 1, "origin_version": 1}
    tx.execute(sa.insert(LOST).values(row))


def index_value(**values: Any) -> Callable[[Tx, Place], None]:
    """A value of an index of the source that says something else; without values, it is gone."""

    def damage(tx: Tx, place: Place) -> None:
        declare_index(tx, place.source, ["n"])
        one = VALUES.c.state == sa.select(sa.func.min(VALUES.c.state)).scalar_subquery()
        change = sa.update(VALUES).values(**values) if values else sa.delete(VALUES)
        tx.execute(change.where(one))

    return damage


def missing_version(tx: Tx, place: Place) -> None:
    chosen = sa.and_(VERSIONS.c.dataset == place.source, VERSIONS.c.number == 3)
    tx.execute(sa.delete(VERSIONS).where(chosen))


def surplus_version(tx: Tx, place: Place) -> None:
    chosen = VERSIONS.c.dataset == place.source
    tx.execute(sa.update(DATASETS).where(DATASETS.c.id == place.top).values(head=1))
    row = dict(tx.rows(sa.select(VERSIONS).where(chosen))[0]._mapping)
    row |= {"dataset": place.top, "number": 2}
    tx.execute(sa.insert(VERSIONS).values({VERSIONS.c[name]: v for name, v in row.items()}))
