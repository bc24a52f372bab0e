"""Conditions on stored JSON as SQL, with one meaning on SQLite and PostgreSQL."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from typing import Any

import sqlalchemy as sa

from gql_service.catalog import filter_json_postgres, filter_json_sqlite
from gql_service.catalog.filter_json_place import COMPARISONS, Column, Place, Predicate, Reach
from gql_service.catalog.filters import JsonCondition, JsonFilter

_NEGATIONS = {"ne": "eq", "not_in": "in_"}
_INTEGER = re.compile("-?[0-9]{1,19}")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")


def json_predicate(document: Column, filter: JsonFilter, *, postgres: bool) -> Predicate:
    """True where the JSON object in `document` satisfies every operator; never NULL."""
    if filter.through:
        reached = filter_json_postgres.reached if postgres else filter_json_sqlite.reached
        tests = [
            _tested(filter.path, name, operand, lambda reach: reached(document, reach))
            for name, operand in filter.asked()
        ]
        return sa.and_(sa.true(), *tests)
    place_at: Callable[[Column, Sequence[str]], Place] = (
        filter_json_postgres.place_at if postgres else filter_json_sqlite.place_at
    )
    place = place_at(document, filter.path)
    return sa.and_(sa.true(), *(_asked(place, *asked) for asked in filter.asked()))


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
        case _:
            return place.compares(COMPARISONS[name], operand)


# --- Through arrays -----------------------------------------------------------------------------


def _tested(
    path: Sequence[str], name: str, operand: Any, reached: Callable[[Reach], Predicate]
) -> Predicate:
    """One operator of a filter that looks through arrays; `reached` makes SQL of a test."""
    tests = [reached(reach) for reach in positive(path, _NEGATIONS.get(name, name), operand)]
    if name in ("eq", "ne", "in_", "not_in") and None in _operands(name, operand):
        tests.append(sa.not_(reached(Reach(tuple(path), "exists"))))
    found = sa.or_(sa.false(), *tests)
    return sa.not_(found) if name in _NEGATIONS or (name == "exists" and not operand) else found


def _operands(name: str, operand: Any) -> Sequence[Any]:
    return operand if name in ("in_", "not_in") else [operand]


def positive(path: Sequence[str], name: str, operand: Any) -> list[Reach]:
    """The positive form of an operator that looks through arrays, as tests of which one must be
    true."""
    keys = tuple(path)
    match name:
        case "exists":
            return [Reach(keys, "exists")]
        case "eq" | "in_":
            values = [spelt for one in _operands(name, operand) for spelt in _spelt(one)]
            return [Reach(keys, "in", values)] if values else []
        case "match":
            return [Reach(keys, "match", _condition(operand))]
        case "contains" | "glob" | "stars":
            return [Reach(keys, name, operand)]
        case _:
            return [Reach(keys, name, _spelt(operand))]


def _condition(condition: JsonCondition) -> dict[str, Any]:
    """The condition as `database.json_reach` has it."""
    made: dict[str, Any] = {}
    if condition.and_ is not None:
        made["and"] = [_condition(inner) for inner in condition.and_]
    if condition.or_ is not None:
        made["or"] = [_condition(inner) for inner in condition.or_]
    if condition.not_ is not None:
        made["not"] = _condition(condition.not_)
    if condition.at is not None:
        made["and"] = made.get("and", []) + [
            _as_condition(filter.path, name, operand)
            for filter in condition.at
            for name, operand in filter.asked()
        ]
    return made


def _as_condition(path: Sequence[str], name: str, operand: Any) -> dict[str, Any]:
    reaches = positive(path, _NEGATIONS.get(name, name), operand)
    ways: list[dict[str, Any]] = [
        {"at": [{"keys": list(reach.keys), "is": reach.name, "of": reach.operand}]}
        for reach in reaches
    ]
    if name in ("eq", "ne", "in_", "not_in") and None in _operands(name, operand):
        ways.append({"at": [{"keys": list(path), "is": "exists", "not": True}]})
    whole = {"or": ways}
    return {"not": whole} if name in _NEGATIONS or (name == "exists" and not operand) else whole


def _spelt(operand: Any) -> list[Any]:
    """The operand, and the number that it spells."""
    if not isinstance(operand, str) or not _NUMBER.fullmatch(operand):
        return [operand]
    number: int | float = float(operand)
    if _INTEGER.fullmatch(operand) and -(2**63) <= int(operand) < 2**63:
        number = int(operand)
    return [operand, number] if math.isfinite(number) else [operand]
