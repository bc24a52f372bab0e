"""What became of items and annotations on lines, version by version, straight from their states.

A version of a dataset writes on the dataset's line only: a state that begins with it is what the
thing is from then on, a state that it ends, or covers on a lower line, is what the thing was until
then. So one look at the states of a thing tells its whole past, whatever number of versions it has.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa

from gql_service.catalog.sheet import annotation_columns, item_columns
from gql_service.catalog.visibility import (
    ANNOTATION_WHITEOUTS,
    ANNOTATIONS,
    DATASETS,
    ITEM_WHITEOUTS,
    ITEMS,
    LAYERS,
    LINES,
    AnnotationColumns,
    ItemColumns,
    Sheet,
)
from gql_service.database.columns import FOREVER
from gql_service.database.engine import Tx
from gql_service.database.plan import Prepared
from gql_service.database.sets import among_given
from gql_service.versions.content import Row

_WHOLE = Sheet(0, 0)
_BIG = sa.BigInteger()
Columns = ItemColumns | AnnotationColumns


@dataclass(frozen=True, slots=True)
class Change:
    """What a version of a dataset did to a thing: what it was before, and what it was then.

    The rows have the columns of `ItemColumns` or `AnnotationColumns`, behind the masks of the
    dataset. `copied` says that it came along: it was written, or removed, elsewhere.
    """

    dataset: int
    version: int
    before: Row | None
    after: Row | None

    @property
    def place(self) -> tuple[int, int]:
        return self.dataset, self.version

    @property
    def copied(self) -> bool:
        if self.after is None:  # a merge begins without what one of its sources removed
            return self.version == 1
        return self.after.copy_of is not None

    @property
    def either(self) -> Row:
        row = self.before if self.after is None else self.after
        assert row is not None, "a change of nothing"
        return row


@dataclass(frozen=True, slots=True)
class Lines:
    """Lines with their datasets; `complete` when no version of these has expired, so that the
    states tell everything."""

    datasets: Mapping[int, int]
    complete: bool


def lines_of(tx: Tx, datasets: Collection[int]) -> Lines:
    """The lines that belong to these datasets."""
    rows = tx.rows(_LINES, {"datasets": list(datasets)})
    return Lines({row.id: row.dataset for row in rows}, all(row.kept_from is None for row in rows))


def past_of_items(tx: Tx, lines: Mapping[int, int], keys: Collection[int]) -> list[Change]:
    """All that was done on these lines to the items with these keys; the lines that they lie on
    must be among them, here and in what follows."""
    given = {"lines": list(lines), "below": list(lines), "keys": list(keys)}
    return _changes(tx.rows(_ITEMS_BY_KEY, given), lines)


def past_of_annotations(
    tx: Tx, lines: Mapping[int, int], keys: Collection[int], roots: Collection[int]
) -> list[Change]:
    """All that was done to the annotations with these keys, and to others of these lineages."""
    given = {"lines": list(lines), "below": list(lines), "roots": list(roots)}
    given |= {"keys": list({*keys, *roots})}
    rows = [*tx.rows(_ANNOTATIONS_BY_KEY, given)]
    if roots:
        rows += tx.rows(_SIBLINGS, given)
    return _changes(rows, lines)


def past_on_items(tx: Tx, lines: Mapping[int, int], items: Collection[int]) -> list[Change]:
    """All that was done to annotations of these items; only `key`, `item` and `copy_of` of rows."""
    given = {"lines": list(lines), "items": list(items)}
    return _changes(tx.rows(_TRACES_ON_ITEMS, given), lines)


def past_at(
    tx: Tx, lines: Mapping[int, int], items: Collection[int], versions: Collection[int]
) -> list[Change]:
    """What versions with these numbers did to annotations of these items, whatever the lines lie
    on."""
    given = {"lines": list(lines), "items": list(items), "versions": list(versions)}
    below = [row.below for row in tx.rows(_LAYERS, given)]
    return _changes(tx.rows(_ANNOTATIONS_AT, given | {"below": [*lines, *below]}), lines)


def _changes(rows: Iterable[Row], lines: Mapping[int, int]) -> list[Change]:
    """Of rows that say on which `sheet` and in which version they `began` or `ended`."""
    after: dict[tuple[int, int, int], Row] = {}
    before: dict[tuple[int, int, int], Row] = {}
    for row in rows:
        if row.began is not None:
            after[row.sheet, row.began, row.key] = row
        if row.ended is not None:
            before[row.sheet, row.ended, row.key] = row
    return [
        Change(lines[where[0]], where[1], before.get(where), after.get(where))
        for where in after.keys() | before.keys()
    ]


_LINES = Prepared(
    sa.select(LINES.c.id, LINES.c.dataset, DATASETS.c.kept_from)
    .join(DATASETS, DATASETS.c.id == LINES.c.dataset)
    .where(among_given(LINES.c.dataset, "datasets"))
)


_LAYERS = Prepared(sa.select(LAYERS.c.below).where(among_given(LAYERS.c.line, "lines")))


def _past(
    columns: Columns,
    states: sa.Table,
    whiteouts: sa.Table,
    which: sa.ColumnElement[bool],
    *,
    versions: bool = False,
) -> Prepared:
    """The chosen states as their lines have them, and as the lines that cover them saw them."""
    c, w = states.c, whiteouts.c
    dated = [
        c.line.label("sheet"),
        c.since.label("began"),
        sa.case((c.until < FOREVER, c.until), else_=None).label("ended"),
    ]
    own = sa.select(*columns.all(), c.copy_of.label("copy_of"), *dated)
    seen = _masked(columns)
    nothing = sa.cast(sa.null(), _BIG).label("began")
    covered = sa.select(
        *seen.all(), c.copy_of.label("copy_of"), w.line.label("sheet"), nothing, w.since
    ).select_from(_joined(states, whiteouts))
    own_tests = [among_given(c.line, "lines"), which]
    cover_tests = [among_given(c.line, "below"), which, among_given(w.line, "lines")]
    if versions:
        began, ended = among_given(c.since, "versions"), among_given(c.until, "versions")
        own_tests.append(sa.or_(began, ended))
        cover_tests.append(among_given(w.since, "versions"))
    return Prepared(sa.union_all(own.where(*own_tests), covered.where(*cover_tests)))


def _joined(states: sa.Table, whiteouts: sa.Table) -> sa.FromClause:
    layer = sa.and_(LAYERS.c.line == whiteouts.c.line, LAYERS.c.below == states.c.line)
    return states.join(whiteouts, whiteouts.c.state == states.c.id).join(LAYERS, layer)


def _masked(columns: Columns) -> Columns:
    """The columns as a layer shows them."""
    no = sa.false()
    if isinstance(columns, ItemColumns):
        shown, empty = LAYERS.c.with_metadata, sa.literal("{}", sa.Text())
        return replace(
            columns,
            metadata=sa.case((shown, columns.metadata), else_=empty),
            metadata_known=sa.case((shown, columns.metadata_known), else_=no),
        )
    shown, nothing = LAYERS.c.with_status, sa.cast(sa.null(), sa.Text())
    return replace(
        columns,
        status=sa.case((shown, columns.status), else_=nothing),
        status_known=sa.case((shown, columns.status_known), else_=no),
    )


def _traces() -> Prepared:
    """When states of annotations of items began and ended, without what they say."""
    c, w = ANNOTATIONS.c, ANNOTATION_WHITEOUTS.c
    which = sa.and_(among_given(c.line, "lines"), among_given(c.item, "items"))
    said: Sequence[sa.ColumnElement[Any]] = (c.key, c.item, c.copy_of)
    ended = sa.case((c.until < FOREVER, c.until), else_=None).label("ended")
    own = sa.select(*said, c.line.label("sheet"), c.since.label("began"), ended).where(which)
    nothing = sa.cast(sa.null(), _BIG).label("began")
    covered = (
        sa.select(*said, w.line.label("sheet"), nothing, w.since)
        .select_from(ANNOTATIONS.join(ANNOTATION_WHITEOUTS, w.state == c.id))
        .where(which, among_given(w.line, "lines"))
    )
    return Prepared(sa.union_all(own, covered))


_ITEM = item_columns(ITEMS, _WHOLE)
_ANNOTATION = annotation_columns(ANNOTATIONS, _WHOLE)
_ITEMS_BY_KEY = _past(_ITEM, ITEMS, ITEM_WHITEOUTS, among_given(ITEMS.c.key, "keys"))
_ANNOTATIONS_BY_KEY = _past(
    _ANNOTATION, ANNOTATIONS, ANNOTATION_WHITEOUTS, among_given(ANNOTATIONS.c.key, "keys")
)
_SIBLINGS = _past(
    _ANNOTATION,
    ANNOTATIONS,
    ANNOTATION_WHITEOUTS,
    sa.and_(among_given(ANNOTATIONS.c.root, "roots"), ANNOTATIONS.c.root != ANNOTATIONS.c.key),
)
_ANNOTATIONS_AT = _past(
    _ANNOTATION,
    ANNOTATIONS,
    ANNOTATION_WHITEOUTS,
    among_given(ANNOTATIONS.c.item, "items"),
    versions=True,
)
_TRACES_ON_ITEMS = _traces()
