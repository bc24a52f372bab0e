"""Conditions on stored JSON as SQL, with one meaning on SQLite and PostgreSQL.

Stored documents and operands are both canonical (`json_text`): equal values are equal texts, whole
numbers are integers and others have their shortest form. So SQLite may compare arrays and objects
by their text, and PostgreSQL may compare numbers as decimals, and both agree.

* SQLite reads with its JSON functions. Their paths cannot spell every key (quotes, backslashes)
  and tell `"0"` from `[0]` only when asked for one of them; such paths are walked step by step
  through `json_each`, which gives both as key 0, about three times slower.
* PostgreSQL casts the text to jsonb. `#>` takes a key or a position; it would also take -1 from
  the end and read " 1" as 1, so only plain positions go through it and `->` takes all other keys.
  jsonb orders texts by the collation of the database, so texts are compared under "C".
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from gql_service.catalog.filters import JsonFilter
from gql_service.catalog.json_text import canonical
from gql_service.database import glob
from gql_service.database.sets import among

Column = sa.ColumnElement[Any]
Predicate = sa.ColumnElement[bool]
Comparison = Callable[[Any, Any], Any]

_COMPARISONS: dict[str, Comparison] = {
    "gt": operator.gt,
    "gte": operator.ge,
    "lt": operator.lt,
    "lte": operator.le,
}
_POSITION = re.compile("0|[1-9][0-9]{0,8}")
_PLAIN_KEY = re.compile(r'[^"\\\x00-\x1f\x7f]+')


def json_predicate(document: Column, filter: JsonFilter, *, postgres: bool) -> Predicate:
    """True where the JSON text in `document` satisfies every operator; never NULL."""
    path = tuple(filter.path)
    place: _Place = _PostgresPlace(_walked(document, path)) if postgres else _sqlite(document, path)
    return sa.and_(sa.true(), *(_asked(place, *asked) for asked in filter.asked()))


class _Place(Protocol):
    """Where a path leads in a document. No predicate of it is NULL; where nothing is, all fail."""

    def exists(self) -> Predicate: ...

    def is_one_of(self, values: Sequence[Any]) -> Predicate: ...

    def compares(self, comparison: Comparison, operand: Any) -> Predicate: ...

    def contains(self, operand: Any) -> Predicate: ...

    def matches(self, pattern: str) -> Predicate: ...


def _asked(place: _Place, name: str, operand: Any) -> Predicate:
    match name:
        case "eq":
            return place.is_one_of([operand])
        case "ne":
            return sa.not_(place.is_one_of([operand]))
        case "in_":
            return place.is_one_of(operand)
        case "not_in":
            return sa.not_(place.is_one_of(operand))
        case "contains":
            return place.contains(operand)
        case "glob":
            return place.matches(operand)
        case "exists":
            return place.exists() if operand else sa.not_(place.exists())
        case _:
            return place.compares(_COMPARISONS[name], operand)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _text(value: Any) -> str:
    return canonical(value, object_only=False)


# --- SQLite -------------------------------------------------------------------------------------

_SqliteTest = Callable[[Column, Column], Predicate]
"""A predicate of a value's JSON type and its SQL value: NULL only where the type is."""


@dataclass(frozen=True, slots=True)
class _SqlitePlace:
    where: Callable[[_SqliteTest], Predicate]
    """True where the place is there and a test holds of it."""

    def exists(self) -> Predicate:
        return self.where(lambda _kind, _value: sa.true())

    def is_one_of(self, values: Sequence[Any]) -> Predicate:
        return self.where(lambda kind, value: _sqlite_one_of(kind, value, values))

    def compares(self, comparison: Comparison, operand: Any) -> Predicate:
        if isinstance(operand, str):
            return self.where(lambda k, v: sa.and_(k == "text", comparison(v, operand)))
        if _is_number(operand):  # read by SQLite's own parser, as the stored number is
            number = sa.func.json_extract(_text(operand), "$")
            return self.where(lambda k, v: sa.and_(_number(k), comparison(v, number)))
        return sa.false()

    def contains(self, operand: Any) -> Predicate:
        def test(kind: Column, value: Column) -> Predicate:
            array = sa.case((kind == "array", value), else_="[]")
            member = sa.func.json_each(array).table_valued("value", "type")
            found = _sqlite_one_of(member.c.type, member.c.value, [operand])
            has = sa.select(sa.literal(1)).select_from(member).where(found).exists()
            if not isinstance(operand, str):
                return has
            return sa.or_(has, sa.and_(kind == "text", sa.func.instr(value, operand) > 0))

        return self.where(test)

    def matches(self, pattern: str) -> Predicate:
        return self.where(
            lambda k, v: sa.and_(k == "text", glob.matches(v, pattern, postgres=False))
        )


def _sqlite(document: Column, path: tuple[str, ...]) -> _SqlitePlace:
    if all(_PLAIN_KEY.fullmatch(step) and not _POSITION.fullmatch(step) for step in path):
        spelled = "$" + "".join(f'."{step}"' for step in path)
        kind = sa.func.json_type(document, spelled, type_=sa.Text())
        value = sa.func.json_extract(document, spelled)
        return _SqlitePlace(lambda test: sa.and_(kind.is_not(None), test(kind, value)))
    return _SqlitePlace(lambda test: _sqlite_walked(document, path, test))


def _sqlite_walked(document: Column, path: tuple[str, ...], test: _SqliteTest) -> Predicate:
    inside, reached = document, sa.select(sa.literal(1))
    kind = value = document
    for step in path:
        level = sa.func.json_each(inside).table_valued(
            "key", "value", "type", joins_implicitly=True
        )
        kind, value = level.c.type, level.c.value
        reached = reached.select_from(level).where(sa.cast(level.c.key, sa.Text()) == step)
        inside = sa.case((kind.in_(("object", "array")), value), else_="[]")
    return reached.where(test(kind, value)).exists()


def _number(kind: Column) -> Predicate:
    return kind.in_(("integer", "real"))


def _sqlite_one_of(kind: Column, value: Column, values: Sequence[Any]) -> Predicate:
    """True where a value equals one of `values` with its type."""
    words = {None: "null", True: "true", False: "false"}
    constants = [words[v] for v in values if v is None or isinstance(v, bool)]
    texts = [v for v in values if isinstance(v, str)]
    numbers = [v for v in values if _is_number(v)]
    wholes = [_text(v) for v in values if isinstance(v, list | dict)]
    tests: list[Predicate] = []
    if constants:
        tests.append(kind.in_(sorted(set(constants))))
    if texts:
        tests.append(sa.and_(kind == "text", among(value, texts)))
    if numbers:
        listed = sa.func.json_each(_text(numbers)).table_valued("value")
        tests.append(sa.and_(_number(kind), value.in_(sa.select(listed.c.value))))
    if wholes:
        tests.append(sa.and_(kind.in_(("array", "object")), among(value, wholes)))
    return sa.or_(sa.false(), *tests)


# --- PostgreSQL ---------------------------------------------------------------------------------


def _walked(document: Column, path: tuple[str, ...]) -> Column:
    """The jsonb at a path, NULL where nothing is."""
    place: Column = sa.cast(document, JSONB)
    for step in path:
        if _POSITION.fullmatch(step):
            place = place.op("#>")(sa.cast([step], ARRAY(sa.Text())))
        else:
            place = place.op("->")(sa.cast(step, sa.Text()))
    return place


@dataclass(frozen=True, slots=True)
class _PostgresPlace:
    value: Column

    @property
    def kind(self) -> Column:
        return sa.func.jsonb_typeof(self.value, type_=sa.Text())

    @property
    def text(self) -> Column:
        whole = sa.cast(sa.literal([], ARRAY(sa.Text())), ARRAY(sa.Text()))
        return self.value.op("#>>", return_type=sa.Text())(whole)

    def exists(self) -> Predicate:
        return self.value.is_not(None)

    def is_one_of(self, values: Sequence[Any]) -> Predicate:
        if len(values) == 1:
            return self._there(_equals(self.value, values[0]))
        listed = sa.func.jsonb_array_elements(_jsonb(values)).table_valued("value")
        return self._there(self.value.in_(sa.select(listed.c.value)))

    def compares(self, comparison: Comparison, operand: Any) -> Predicate:
        if isinstance(operand, str):
            ordered = sa.collate(self.text, "C")
            return self._there(sa.and_(self.kind == "string", comparison(ordered, operand)))
        if _is_number(operand):
            compared = _equals(self.value, operand, comparison)
            return self._there(sa.and_(self.kind == "number", compared))
        return sa.false()

    def contains(self, operand: Any) -> Predicate:
        array = sa.case((self.kind == "array", self.value), else_=_jsonb([]))
        member = sa.func.jsonb_array_elements(array).table_valued("value")
        found = _equals(member.c.value, operand)
        has = sa.select(sa.literal(1)).select_from(member).where(found).exists()
        if not isinstance(operand, str):
            return has
        within = sa.func.strpos(self.text, operand) > 0
        return sa.or_(has, self._there(sa.and_(self.kind == "string", within)))

    def matches(self, pattern: str) -> Predicate:
        matched = glob.matches(self.text, pattern, postgres=True)
        return self._there(sa.and_(self.kind == "string", matched))

    def _there(self, test: Predicate) -> Predicate:
        return sa.and_(self.value.is_not(None), test)


def _jsonb(value: Any) -> Column:
    return sa.cast(sa.literal(_text(value), sa.Text()), JSONB)


def _equals(value: Column, operand: Any, comparison: Comparison = operator.eq) -> Predicate:
    # jsonb values compare as such; their SQLAlchemy type would bind the operand as JSON again.
    compared: Predicate = comparison(
        sa.type_coerce(value, sa.types.NullType()),
        sa.type_coerce(_jsonb(operand), sa.types.NullType()),
    )
    return compared
