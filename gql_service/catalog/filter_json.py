"""Conditions on stored JSON as SQL, with one meaning on SQLite and PostgreSQL."""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Sequence
from typing import Any

import sqlalchemy as sa

from gql_service.catalog import filter_json_postgres, filter_json_sqlite
from gql_service.catalog.filter_json_place import (
    Column,
    Comparison,
    Place,
    PlaceTest,
    Predicate,
)
from gql_service.catalog.filters import JsonCondition, JsonFilter

_COMPARISONS: dict[str, Comparison] = {
    "gt": operator.gt,
    "gte": operator.ge,
    "lt": operator.lt,
    "lte": operator.le,
}
_NEGATIONS = {"ne": "eq", "not_in": "in_"}
_INTEGER = re.compile("-?[0-9]{1,19}")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")


def json_predicate(document: Column, filter: JsonFilter, *, postgres: bool) -> Predicate:
    """True where the JSON object in `document` satisfies every operator; never NULL."""
    place_at: Callable[[Column, Sequence[str]], Place] = (
        filter_json_postgres.place_at if postgres else filter_json_sqlite.place_at
    )
    if not filter.through:
        place = place_at(document, filter.path)
        return sa.and_(sa.true(), *(_asked(place, *asked) for asked in filter.asked()))

    def reaches(test: PlaceTest) -> Predicate:
        if filter.match is not None:
            return place_at(document, ()).reaches(filter.path, test)
        if postgres:
            return filter_json_postgres.reached_from(document, filter.path, test)
        return filter_json_sqlite.reached_from(document, filter.path, test)

    return sa.and_(sa.true(), *(_reaching(reaches, *asked) for asked in filter.asked()))


def _asked(place: Place, name: str, operand: Any) -> Predicate:
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
        case "glob" | "stars":
            return place.matches(operand, ones=name == "glob")
        case "exists":
            return place.exists() if operand else sa.not_(place.exists())
        case "match":
            return _some_object(place, operand)
        case _:
            return place.compares(_COMPARISONS[name], operand)


Reaches = Callable[[PlaceTest], Predicate]
"""Whether a value that the path reaches satisfies a test."""


# --- Through arrays -----------------------------------------------------------------------------


def _reaching(reaches: Reaches, name: str, operand: Any) -> Predicate:
    """One operator of a filter that looks through arrays."""
    if name in _NEGATIONS:
        return sa.not_(_reaching(reaches, _NEGATIONS[name], operand))
    match name:
        case "exists":
            there = reaches(lambda _place: sa.true())
            return there if operand else sa.not_(there)
        case "eq":
            return _equal(reaches, [operand])
        case "in_":
            return _equal(reaches, operand)
        case "match":
            return reaches(lambda place: _some_object(place, operand))
        case _:
            operands = [operand] if name in ("contains", "glob", "stars") else _spelt(operand)
            return reaches(
                lambda place: _self_or_element(
                    place, lambda one: sa.or_(*(_asked(one, name, o) for o in operands))
                )
            )


def _equal(reaches: Reaches, operands: Sequence[Any]) -> Predicate:
    lists = [operand for operand in operands if isinstance(operand, list)]
    others = [o for operand in operands if not isinstance(operand, list) for o in _spelt(operand)]

    def test(place: Place) -> Predicate:
        whole = [place.is_one_of(lists)] if lists else []
        return sa.or_(*whole, _self_or_element(place, lambda one: one.is_one_of(others)))

    tests: list[Predicate] = [reaches(test)] if operands else []
    if None in others:
        tests.append(sa.not_(reaches(lambda _place: sa.true())))
    return sa.or_(sa.false(), *tests)


def _spelt(operand: Any) -> list[Any]:
    """The operand, and the number that it spells."""
    if not isinstance(operand, str) or not _NUMBER.fullmatch(operand):
        return [operand]
    number: int | float = float(operand)
    if _INTEGER.fullmatch(operand) and -(2**63) <= int(operand) < 2**63:
        number = int(operand)
    return [operand, number] if math.isfinite(number) else [operand]


def _self_or_element(place: Place, test: PlaceTest) -> Predicate:
    return sa.or_(test(place), place.element(test))


def _some_object(place: Place, condition: JsonCondition) -> Predicate:
    return place.some_object(lambda one: _condition(one, condition))


def _condition(place: Place, condition: JsonCondition) -> Predicate:
    tests = [_condition(place, inner) for inner in condition.and_ or ()]
    if condition.or_ is not None:
        tests.append(sa.or_(sa.false(), *(_condition(place, one) for one in condition.or_)))
    if condition.not_ is not None:
        tests.append(sa.not_(_condition(place, condition.not_)))
    for filter in condition.at or ():
        tests += [_at(place, filter, *asked) for asked in filter.asked()]
    return sa.and_(sa.true(), *tests)


def _at(place: Place, filter: JsonFilter, name: str, operand: Any) -> Predicate:
    def reaches(test: PlaceTest) -> Predicate:
        return place.reaches(filter.path, test)

    return _reaching(reaches, name, operand)
