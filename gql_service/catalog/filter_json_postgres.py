"""Conditions on stored JSON for PostgreSQL, which casts the text to jsonb.

`#>` takes a key or a position; it would also take -1 from the end and read " 1" as 1, so only
plain positions go through it and `->` takes all other keys. jsonb orders texts by the collation of
the database, so texts are compared under "C".
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, JSONPATH

from gql_service.catalog.filter_json_place import (
    POSITION,
    Column,
    Comparison,
    PlaceTest,
    Predicate,
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


def reached_from(document: Column, keys: Sequence[str], test: PlaceTest) -> Predicate:
    """Whether the keys lead through arrays to a value that satisfies the test."""
    whole: Column = sa.cast(document, JSONB)
    if len(keys) != 1:
        return PostgresPlace(whole).reaches(keys, test)
    place = PostgresPlace(whole.op("->")(sa.cast(keys[0], sa.Text())))
    return sa.and_(place.exists(), test(place))


def reached(value: Column, keys: Sequence[str]) -> sa.TableValuedAlias:
    """All that the keys lead to through arrays, as rows `value`."""
    # A path that is lax, as by default, opens an array that meets a key, once.
    return _queried(value, "$" + "".join("." + orjson.dumps(key).decode() for key in keys))


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

    def some_object(self, test: PlaceTest) -> Predicate:
        # A path that is lax takes a value that is no array for the only element of one.
        one = _queried(self.value, "$[*]")
        found = PostgresPlace(one.c.value)
        return (
            sa.select(sa.literal(1))
            .select_from(one)
            .where(found.kind == "object", test(found))
            .exists()
        )

    def element(self, test: PlaceTest) -> Predicate:
        array = sa.case((self.kind == "array", self.value), else_=_jsonb([]))
        member = sa.func.jsonb_array_elements(array).table_valued("value")
        found = test(PostgresPlace(member.c.value))
        return sa.select(sa.literal(1)).select_from(member).where(found).exists()

    def reaches(self, keys: Sequence[str], test: PlaceTest) -> Predicate:
        if not keys:
            return self._there(test(self))
        found = reached(self.value, keys)
        holds = test(PostgresPlace(found.c.value))
        return sa.select(sa.literal(1)).select_from(found).where(holds).exists()

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
