"""Conditions on stored JSON for PostgreSQL, which casts the text to jsonb.

`#>` takes a key or a position; it would also take -1 from the end and read " 1" as 1, so only
plain positions go through it and `->` takes all other keys. jsonb orders texts by the collation of
the database, so texts are compared under "C".
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, JSONPATH

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


def place_at(document: Column, path: Sequence[str]) -> PostgresPlace:
    """What stands at a path of keys and positions in an object that is never NULL."""
    place: Column = sa.cast(document, JSONB)
    for step in path:
        if POSITION.fullmatch(step):
            place = place.op("#>")(sa.cast([step], ARRAY(sa.Text())))
        else:
            place = place.op("->")(sa.cast(step, sa.Text()))
    return PostgresPlace(place)


def sorted_by(document: Column, path: Sequence[str], missing: int) -> tuple[Column, Column, Column]:
    """What stands at a path as a rank, a number and a text; `missing` is the rank of all else."""
    place = place_at(document, path)
    kinds = (("number", 0), ("string", 1), ("boolean", 2))
    rank = sa.case(*((place.kind == kind, n) for kind, n in kinds), else_=missing)
    flag = sa.case((place.text == "true", 1), else_=0)
    number = sa.case(
        (place.kind == "number", sa.cast(place.text, sa.Numeric())),
        (place.kind == "boolean", sa.cast(flag, sa.Numeric())),
        else_=sa.cast(0, sa.Numeric()),
    )
    text = sa.collate(sa.case((place.kind == "string", place.text), else_=""), "C")
    return rank, number, text


def reached(document: Column, reach: Reach) -> Predicate:
    """Whether something that is reached satisfies a test."""
    return _reached(sa.cast(document, JSONB), reach)


def scalars(
    rows: sa.Select[Any], document: Column, keys: Sequence[str]
) -> tuple[sa.Select[Any], Column, Column]:
    """`rows` joined with the scalars that keys reach, or that are elements of what they reach.

    Their kind (boolean, null, number or string) and their text, some perhaps more than once.
    """
    found = _queried(sa.cast(document, JSONB), _path(keys) + "[*]")
    one = PostgresPlace(found.c.value)
    scalar = one.kind.not_in(("array", "object"))
    return rows.select_from(found).where(scalar), one.kind, one.text


def _path(keys: Sequence[str]) -> str:
    return "$" + "".join("." + orjson.dumps(key).decode() for key in keys)


def _reached(document: Column, reach: Reach) -> Predicate:
    # A path that is lax, as by default, opens an array that meets a key, once; and `[*]` gives
    # the elements of an array, or what is no array itself.
    path = _path(reach.keys)
    if reach.name == "exists":
        return _some(document, path, lambda _place: sa.true())
    if reach.name == "match":
        return _some(document, path + "[*]", lambda place: _matches(place, reach.operand))
    tests = [_some(document, path + "[*]", reach.test)]
    if reach.lists:
        tests.append(_some(document, path, lambda place: place.is_one_of(reach.lists)))
    if reach.name == "contains":  # of the array itself, which `[*]` opens
        tests.append(_some(document, path, reach.test))
    return sa.or_(*tests)


def _matches(place: PostgresPlace, condition: Any) -> Predicate:
    return sa.and_(place.kind == "object", _condition(place, condition))


def _condition(place: PostgresPlace, condition: Any) -> Predicate:
    """A condition as `database.json_reach` has it."""
    tests = [_condition(place, inner) for inner in condition.get("and", ())]
    if "or" in condition:
        ways = [_condition(place, inner) for inner in condition["or"]]
        tests.append(sa.or_(sa.false(), *ways))
    if "not" in condition:
        tests.append(sa.not_(_condition(place, condition["not"])))
    for test in condition.get("at", ()):
        reach = Reach(tuple(test["keys"]), test["is"], test.get("of"))
        found = _reached(place.value, reach)
        tests.append(sa.not_(found) if test.get("not") else found)
    return sa.and_(sa.true(), *tests)


def _some(document: Column, path: str, test: Callable[[PostgresPlace], Predicate]) -> Predicate:
    found = _queried(document, path)
    holds = test(PostgresPlace(found.c.value))
    return sa.select(sa.literal(1)).select_from(found).where(holds).exists()


def _queried(value: Column, path: str) -> sa.TableValuedAlias:
    spelled = sa.cast(sa.literal(path, sa.Text()), JSONPATH)
    found = sa.func.jsonb_path_query(value, spelled)
    return found.table_valued("value", joins_implicitly=True).render_derived()


@dataclass(frozen=True, slots=True)
class PostgresPlace:
    """A place in jsonb; `value` is NULL where nothing is."""

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
        if is_number(operand):
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

    def matches(self, pattern: str, *, ones: bool) -> Predicate:
        matched = glob.matches(self.text, pattern, postgres=True, ones=ones)
        return self._there(sa.and_(self.kind == "string", matched))

    def _there(self, test: Predicate) -> Predicate:
        return sa.and_(self.value.is_not(None), test)


def _jsonb(value: Any) -> Column:
    return sa.cast(sa.literal(text_of(value), sa.Text()), JSONB)


def _equals(value: Column, operand: Any, comparison: Comparison = operator.eq) -> Predicate:
    # jsonb values compare as such; their SQLAlchemy type would bind the operand as JSON again.
    compared: Predicate = comparison(
        sa.type_coerce(value, sa.types.NullType()),
        sa.type_coerce(_jsonb(operand), sa.types.NullType()),
    )
    return compared
