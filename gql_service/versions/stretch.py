"""Two points between which one line wrote all that can differ: what it ended, and what it began.

Two versions of one line are such points, and a pile and the same pile under one more line. Then no
keys have to be found first: what was there before and is not any more, and what is there since, are
ranges of indexes, and one statement compares them. As in every diff, contents are compared: what
was written anew with the same content is no difference.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from gql_service.catalog.visibility import (
    ANNOTATION_WHITEOUTS,
    ANNOTATIONS,
    ITEM_WHITEOUTS,
    ITEMS,
    Sheet,
    View,
)
from gql_service.database.columns import FOREVER
from gql_service.database.plan import Prepared
from gql_service.database.sets import among_given
from gql_service.versions.comparing import (
    ANNOTATION_VALUES,
    ITEM_VALUES,
    differ,
    flag,
)


@dataclass(frozen=True, slots=True)
class Stretch:
    """What `line` wrote after version `low` up to `high`; `backwards` when the diff goes from
    `high` to `low`."""

    line: int
    low: int
    high: int
    backwards: bool

    def given(self, **more: Any) -> dict[str, Any]:
        """The parameters of a statement about it."""
        return {"line": self.line, "low": self.low, "high": self.high, **more}


def stretch_between(before: View, after: View) -> Stretch | None:
    """The stretch that lies between two views; None when there is more between them, or a mask."""
    for old, new, backwards in ((before, after, False), (after, before, True)):
        top, under = new.sheets[0], new.sheets[1:]
        if any(_is_masked(sheet) for sheet in new.sheets):
            return None
        if under == old.sheets:
            return Stretch(top.line, 0, top.at, backwards)
        if old.line == top.line and old.sheets[0].at <= top.at:
            return Stretch(top.line, old.sheets[0].at, top.at, backwards)
    return None


def _is_masked(sheet: Sheet) -> bool:
    return not (sheet.annotations and sheet.metadata and sheet.status)


_LINE: sa.BindParameter[int] = sa.bindparam("line")
_LOW: sa.BindParameter[int] = sa.bindparam("low")
_HIGH: sa.BindParameter[int] = sa.bindparam("high")
_YES: sa.ColumnElement[int] = sa.literal_column("1")
_NO: sa.ColumnElement[int] = sa.literal_column("0")
_MOVED: sa.ColumnElement[int] = sa.literal_column("2")


@dataclass(frozen=True, slots=True)
class _Kind:
    """Items, or annotations: their states twice, as they were and as they are."""

    name: str
    old: sa.FromClause
    new: sa.FromClause
    cover: sa.Table
    item: str
    """The column with the key of the item."""
    values: tuple[str, ...]

    def gone(
        self, select: sa.Select[Any], source: sa.FromClause, *, paged: bool = False
    ) -> list[sa.Select[Any]]:
        """Of what was shown at `low` and is not at `high`: states that ended, and were covered.
        `source` is what is selected from, which the old states are part of."""
        c, w = self.old.c, self.cover.c
        ended = c.until < sa.literal_column(str(FOREVER))  # spelt out: a partial index asks for it
        own = (c.line == _LINE, ended, c.until > _LOW, c.until <= _HIGH, c.since <= _LOW)
        covered = (w.line == _LINE, w.since > _LOW, w.since <= _HIGH)
        within = _within(c[self.item], paged)
        return [
            select.select_from(source).where(*own, *within),
            select.select_from(source.join(self.cover, w.state == c.id)).where(*covered, *within),
        ]

    def come(self) -> list[sa.ColumnElement[bool]]:
        """What is shown at `high` and was not at `low`."""
        c = self.new.c
        return [c.line == _LINE, c.since > _LOW, c.since <= _HIGH, c.until > _HIGH]

    def pairs(self, *, paged: bool) -> sa.CTE:
        """What went with what came under the same key, one of which may be missing, where they
        differ: `item`, `was`, `is_now`, and whether they differ in nothing but the path."""
        old, new = self.old.c, self.new.c
        moved = differ(self.old, self.new, "path") if "path" in self.values else sa.false()
        rest = sa.or_(*(differ(self.old, self.new, name) for name in self.values if name != "path"))
        there = new.id.is_not(None)
        lost = sa.union_all(
            *self.gone(
                sa.select(
                    old.key.label("key"),
                    old[self.item].label("item"),
                    flag(there).label("is_now"),
                    sa.case((sa.or_(~there, rest), _YES), (moved, _MOVED), else_=_NO).label("how"),
                ),
                self.old.outerjoin(self.new, sa.and_(new.key == old.key, *self.come())),
                paged=paged,
            )
        ).cte(f"{self.name}_lost")
        added = (
            sa.select(new[self.item], _NO, _YES, _NO)
            .select_from(self.new.outerjoin(lost, lost.c.key == new.key))
            .where(*self.come(), lost.c.key.is_(None), *_within(new[self.item], paged))
        )
        moved_only = flag(lost.c.how == _MOVED).label("moved_only")
        return sa.union_all(
            sa.select(lost.c.item, _YES.label("was"), lost.c.is_now, moved_only).where(
                lost.c.how > _NO
            ),
            added,
        ).cte(self.name)


def _within(key: sa.ColumnElement[int], paged: bool) -> list[sa.ColumnElement[bool]]:
    """Only the given items, `paged`; not a range of keys, most of which may be unchanged."""
    return [among_given(key, "items")] if paged else []


def _kind(
    name: str, states: sa.Table, cover: sa.Table, item: str, values: tuple[str, ...]
) -> _Kind:
    old, new = (states.alias(f"{name}_{side}") for side in ("old", "new"))
    return _Kind(name, old, new, cover, item, values)


_ITEMS = _kind("items", ITEMS, ITEM_WHITEOUTS, "key", ITEM_VALUES)
_ANNOTATIONS = _kind("annotations", ANNOTATIONS, ANNOTATION_WHITEOUTS, "item", ANNOTATION_VALUES)


def _listed(*, backwards: bool) -> sa.Select[Any]:
    """What differs of the given `items`: `key`, `was`, `is_now`, `moved_only`; by key."""
    items, annotations = _ITEMS.pairs(paged=True).c, _ANNOTATIONS.pairs(paged=True).c
    was, is_now = ("is_now", "was") if backwards else ("was", "is_now")
    rows = sa.union_all(
        sa.select(
            items.item.label("key"),
            items[was].label("was"),
            items[is_now].label("is_now"),
            items.moved_only.label("moved_only"),
        ),
        # Both sides show an item that is only here for its annotations.
        sa.select(annotations.item, _YES, _YES, _NO),
    )
    found = rows.subquery().c
    sides = (sa.func.min(one).label(one.name) for one in (found.was, found.is_now))
    moved = sa.func.max(found.moved_only).label("moved_only")
    return sa.select(found.key, *sides, moved).group_by(found.key).order_by(found.key)


def _numbers(*, backwards: bool) -> sa.Select[Any]:
    """How many items and annotations differ, in the order of `diff.Counts`; one row."""
    items, annotations = _ITEMS.pairs(paged=False), _ANNOTATIONS.pairs(paged=False)
    others = (
        sa.select(sa.func.count(annotations.c.item.distinct()))
        .select_from(annotations.outerjoin(items, items.c.item == annotations.c.item))
        .where(items.c.item.is_(None))
        .scalar_subquery()
    )
    kinds = [_sums(one, backwards) for one in (items, annotations)]
    (all, *of_items), (_, *of_annotations) = (one.c for one in kinds)
    return sa.select(all + others, *of_items, *of_annotations).select_from(
        kinds[0].join(kinds[1], sa.true())
    )


def _sums(pairs: sa.CTE, backwards: bool) -> sa.Subquery:
    """How many differ, are added, modified, removed."""
    c = pairs.c
    added, removed = (c.is_now, c.was) if backwards else (c.was, c.is_now)
    each = (1 - added, c.was * c.is_now, 1 - removed)
    sums = (sa.func.coalesce(sa.func.sum(one), 0) for one in each)
    names = zip(("added", "modified", "removed"), sums, strict=True)
    return (
        sa.select(sa.func.count().label("differ"), *(one.label(name) for name, one in names))
        .select_from(pairs)
        .subquery()
    )


def _keys() -> sa.Select[Any]:
    """The first items, by key, of which anything was written."""
    writes = [
        select
        for kind in (_ITEMS, _ANNOTATIONS)
        for select in (
            *kind.gone(sa.select(kind.old.c[kind.item].label("key")), kind.old),
            sa.select(kind.new.c[kind.item]).where(*kind.come()),
        )
    ]
    key = sa.union_all(*writes).subquery().c.key
    first = sa.select(key).where(key > sa.bindparam("behind")).distinct().order_by(key)
    return first.limit(sa.bindparam("limit"))


FIRST_KEYS = Prepared(_keys())
"""`key`; takes a stretch, `behind` which key they begin, and a `limit`."""
COUNTS = {way: Prepared(_numbers(backwards=way)) for way in (False, True)}
LISTS = {way: Prepared(_listed(backwards=way)) for way in (False, True)}
"""By whether a stretch is gone through backwards. LISTS take the `items` that are asked about."""
