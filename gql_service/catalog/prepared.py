"""Statements over views that are built once per shape and used again for every view of it.

Building a UNION ALL with eighteen columns a branch takes longer than running it by a key. Views
that have as many sheets, behind the same masks, differ in numbers only; those become parameters.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Generic, TypeVar, cast

import sqlalchemy as sa

from gql_service.catalog.sheet import AnnotationColumns, ItemColumns, Sheet
from gql_service.catalog.visibility import Statement, View, visible_annotations, visible_items
from gql_service.database.engine import Tx
from gql_service.database.plan import Prepared

SHAPES = 256
"""Statements remembered per read; shapes are few, but a depth of eight has many masks."""

C = TypeVar("C", ItemColumns, AnnotationColumns)
Masks = tuple[bool, bool, bool]


@dataclass(frozen=True, eq=False)
class PreparedRead(Generic[C]):
    """A read of items or annotations of any view; `build` is called once per shape and branch.

    `build` names its own parameters, which `rows` is given.
    """

    over: Callable[[View, Callable[[C], sa.Select[Any]]], Statement]
    build: Callable[[C], sa.Select[Any]]

    def rows(self, tx: Tx, view: View, **given: Any) -> list[sa.Row[Any]]:
        statement = _statement(self, view.live, masks_of(view))
        return list(tx.rows(statement, numbers_of(view) | given))


def read_items(build: Callable[[ItemColumns], sa.Select[Any]]) -> PreparedRead[ItemColumns]:
    return PreparedRead(visible_items, build)


def read_annotations(
    build: Callable[[AnnotationColumns], sa.Select[Any]],
) -> PreparedRead[AnnotationColumns]:
    return PreparedRead(visible_annotations, build)


@lru_cache(maxsize=SHAPES)
def _statement(read: PreparedRead[Any], live: bool, masks: tuple[Masks, ...]) -> Prepared:
    return Prepared(read.over(view_shaped(live, masks), read.build))


def masks_of(view: View) -> tuple[Masks, ...]:
    """What decides, with `live`, how the statements over a view look."""
    return tuple((s.annotations, s.metadata, s.status) for s in view.sheets)


def view_shaped(live: bool, masks: tuple[Masks, ...], of: str = "") -> View:
    """A view with parameters in the place of numbers; `numbers_of` gives them.

    `of` tells the parameters of several views in one statement apart.
    """
    sheets = [
        Sheet(_number(f"{of}line_{depth}"), _number(f"{of}at_{depth}"), *mask)
        for depth, mask in enumerate(masks)
    ]
    return View(0, 0, live, tuple(sheets))


def numbers_of(view: View, of: str = "") -> dict[str, int]:
    numbers = {f"{of}line_{depth}": sheet.line for depth, sheet in enumerate(view.sheets)}
    return numbers | {f"{of}at_{depth}": sheet.at for depth, sheet in enumerate(view.sheets)}


def _number(name: str) -> int:
    """A parameter in the place of a number: a condition is built from either alike."""
    return cast(int, sa.bindparam(name, type_=sa.BigInteger()))
