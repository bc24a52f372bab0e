"""Conditions on stored JSON for SQLite, with its JSON functions.

Their paths cannot spell every key (quotes, backslashes) and tell `"0"` from `[0]` only when asked
for one of them; such paths are walked step by step through `json_each`, which gives both as key 0,
about three times slower.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
import sqlalchemy as sa

from gql_service.catalog.filter_json_place import (
    POSITION,
    Column,
    Comparison,
    Predicate,
    Reach,
    is_number,
    text_of,
)
from gql_service.database import glob
from gql_service.database.sets import among

_OBJECT: Column = sa.literal("object", sa.Text())
"""The kind of what is known to be an object."""
_PLAIN_KEY = re.compile(r'[^"\\\x00-\x1f\x7f]+')

SqliteTest = Callable[[Column, Column], Predicate]
"""A predicate of a value's JSON type and its SQL value: NULL only where the type is."""


@dataclass(frozen=True, slots=True)
class SqlitePlace:
    """A place in JSON as SQLite's functions read it."""

    where: Callable[[SqliteTest], Predicate]
    """True where the place is there and a test holds of it."""

    def exists(self) -> Predicate:
        return self.where(lambda _kind, _value: sa.true())

    def is_one_of(self, values: Sequence[Any]) -> Predicate:
        return self.where(lambda kind, value: _one_of(kind, value, values))

    def compares(self, comparison: Comparison, operand: Any) -> Predicate:
        if isinstance(operand, str):
            return self.where(lambda k, v: sa.and_(k == "text", comparison(v, operand)))
        if is_number(operand):  # read by SQLite's own parser, as the stored number is
            number = sa.func.json_extract(text_of(operand), "$")
            return self.where(lambda k, v: sa.and_(_number(k), comparison(v, number)))
        return sa.false()

    def contains(self, operand: Any) -> Predicate:
        def test(kind: Column, value: Column) -> Predicate:
            array = sa.case((kind == "array", value), else_="[]")
            member = sa.func.json_each(array).table_valued("value", "type")
            found = _one_of(member.c.type, member.c.value, [operand])
            has = sa.select(sa.literal(1)).select_from(member).where(found).exists()
            if not isinstance(operand, str):
                return has
            return sa.or_(has, sa.and_(kind == "text", sa.func.instr(value, operand) > 0))

        return self.where(test)

    def matches(self, pattern: str, *, ones: bool) -> Predicate:
        def test(kind: Column, value: Column) -> Predicate:
            return sa.and_(kind == "text", glob.matches(value, pattern, postgres=False, ones=ones))

        return self.where(test)


def place_at(document: Column, path: Sequence[str]) -> SqlitePlace:
    """What stands at a path of keys and positions in an object that is never NULL."""
    if not path:
        return _known(_OBJECT, document)
    if all(_PLAIN_KEY.fullmatch(step) and not POSITION.fullmatch(step) for step in path):
        return _spelt_place(document, path)
    return SqlitePlace(lambda test: _walked(document, path, test))


def reached(document: Column, reach: Reach) -> Predicate:
    """Whether something that is reached satisfies a test.

    A place that the keys lead to directly is the only one, and most are no arrays; a function of
    ours looks into arrays, there or on the way.
    """
    if reach.name == "match" or not reach.keys or not all(map(_PLAIN_KEY.fullmatch, reach.keys)):
        return _reaches(document, reach)
    direct = _spelt_place(document, reach.keys)
    found = direct.exists()
    unsure: Predicate = sa.false()
    if reach.name != "exists":
        found = direct.where(lambda kind, value: reach.test(_known(kind, value)))
        unsure = direct.where(lambda kind, _value: kind == "array")
    if len(reach.keys) > 1:
        opened = sa.and_(sa.not_(direct.exists()), sa.func.instr(document, "[") > 0)
        unsure = sa.or_(unsure, opened)
    return sa.or_(found, sa.and_(unsure, _reaches(document, reach)))


def _reaches(document: Column, reach: Reach) -> Predicate:
    asked = {"keys": list(reach.keys), "is": reach.name, "of": reach.operand}
    test = sa.literal(orjson.dumps(asked).decode(), sa.Text())
    return sa.func.json_reaches(document, test, type_=sa.Boolean()) == sa.true()


def scalars(
    rows: sa.Select[Any], document: Column, keys: Sequence[str]
) -> tuple[sa.Select[Any], Column, Column]:
    """`rows` joined with the scalars that keys reach, or that are elements of what they reach.

    Their kind (boolean, null, number or string) and their value, some perhaps more than once.
    """
    found: Column = sa.func.json_scalars(
        document, orjson.dumps(list(keys)).decode(), type_=sa.Text()
    )
    if keys and all(map(_PLAIN_KEY.fullmatch, keys)):
        spelled = _spelled(keys)
        kind = sa.func.json_type(document, spelled, type_=sa.Text())
        looked = sa.case((sa.func.instr(document, "[") > 0, found), else_="[]")
        found = sa.case(
            (kind.is_(None), looked if len(keys) > 1 else "[]"),
            (kind == "array", sa.func.json_extract(document, spelled)),
            (kind == "object", "[]"),
            else_=sa.func.json_extract(document, spelled, spelled),  # of two, a list with types
        )
    one = sa.func.json_each(found).table_valued("value", "type", joins_implicitly=True)
    kinds = {"integer": "number", "real": "number", "text": "string", "null": "null"}
    named = sa.case(*((one.c.type == k, name) for k, name in kinds.items()), else_="boolean")
    scalar = one.c.type.not_in(("array", "object"))
    return rows.select_from(one).where(scalar), named, one.c.value


def _known(kind: Column, value: Column) -> SqlitePlace:
    return SqlitePlace(lambda test: test(kind, value))


def _spelled(path: Sequence[str]) -> str:
    return "$" + "".join(f'."{step}"' for step in path)


def _spelt_place(document: Column, path: Sequence[str]) -> SqlitePlace:
    spelled = _spelled(path)
    kind = sa.func.json_type(document, spelled, type_=sa.Text())
    value = sa.func.json_extract(document, spelled)
    return SqlitePlace(lambda test: sa.and_(kind.is_not(None), test(kind, value)))


def sorted_by(document: Column, path: Sequence[str], missing: int) -> tuple[Column, Column, Column]:
    """What stands at a path as a rank, a number and a text; `missing` is the rank of all else."""
    if all(_PLAIN_KEY.fullmatch(step) and not POSITION.fullmatch(step) for step in path):
        spelled = _spelled(path)
        kind: Column = sa.func.json_type(document, spelled, type_=sa.Text())
        value: Column = sa.func.json_extract(document, spelled)
    else:
        select, kind, value = _steps(document, path)
        kind, value = (select.with_only_columns(c).scalar_subquery() for c in (kind, value))
    flag = kind.in_(("true", "false"))
    rank = sa.case((_number(kind), 0), (kind == "text", 1), (flag, 2), else_=missing)
    number = sa.case((sa.or_(_number(kind), flag), value), else_=0)
    text = sa.case((kind == "text", value), else_="")
    return rank, sa.type_coerce(number, sa.types.NullType()), sa.type_coerce(text, sa.Text())


def _walked(document: Column, path: Sequence[str], test: SqliteTest) -> Predicate:
    reached, kind, value = _steps(document, path)
    return reached.where(test(kind, value)).exists()


def _steps(document: Column, path: Sequence[str]) -> tuple[sa.Select[Any], Column, Column]:
    """The row of the value at a path of keys and positions, with its kind and value."""
    inside, reached = document, sa.select(sa.literal(1))
    kind = value = document
    for step in path:
        level = sa.func.json_each(inside).table_valued(
            "key", "value", "type", joins_implicitly=True
        )
        kind, value = level.c.type, level.c.value
        reached = reached.select_from(level).where(sa.cast(level.c.key, sa.Text()) == step)
        inside = sa.case((kind.in_(("object", "array")), value), else_="[]")
    return reached, kind, value


def _number(kind: Column) -> Predicate:
    return kind.in_(("integer", "real"))


def _one_of(kind: Column, value: Column, values: Sequence[Any]) -> Predicate:
    """True where a value equals one of `values` with its type."""
    words = {None: "null", True: "true", False: "false"}
    constants = [words[v] for v in values if v is None or isinstance(v, bool)]
    texts = [v for v in values if isinstance(v, str)]
    numbers = [v for v in values if is_number(v)]
    wholes = [text_of(v) for v in values if isinstance(v, list | dict)]
    tests: list[Predicate] = []
    if constants:
        tests.append(kind.in_(sorted(set(constants))))
    if texts:
        tests.append(sa.and_(kind == "text", among(value, texts)))
    if numbers:
        listed = sa.func.json_each(text_of(numbers)).table_valued("value")
        tests.append(sa.and_(_number(kind), value.in_(sa.select(listed.c.value))))
    if wholes:
        tests.append(sa.and_(kind.in_(("array", "object")), among(value, wholes)))
    return sa.or_(sa.false(), *tests)
