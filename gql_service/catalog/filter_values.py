"""Conditions on single columns as SQL: texts, numbers, moments, ids and words. Never NULL."""

from __future__ import annotations

import operator
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from gql_service.catalog.filters import StringFilter, ValueFilter
from gql_service.database import glob
from gql_service.database.columns import Timestamp, to_microseconds
from gql_service.database.sets import among

Column = sa.ColumnElement[Any]
Predicate = sa.ColumnElement[bool]

_LAST_BEFORE_SURROGATES = 0xD7FF
_FIRST_AFTER_SURROGATES = 0xE000
_LAST = 0x10FFFF


@dataclass(frozen=True, slots=True)
class TextColumn:
    """A column of texts, and what is known of them.

    `composed`: they are in NFC, so operands are brought into it. `indexed` is a column, sorted by
    its bytes, of longer texts that begin with this one: itself, or the path of a directory. Ranges
    over it let an index find a prefix. `segments` is false of texts that are no paths.
    """

    value: Column
    composed: bool = False
    indexed: Column | None = None
    nullable: bool = False
    segments: bool = True

    def spelt(self, operand: str) -> str:
        return unicodedata.normalize("NFC", operand) if self.composed else operand


def text_predicate(column: TextColumn, filter: StringFilter, *, postgres: bool) -> Predicate:
    """True where the text satisfies every operator of the filter."""
    tests = _equalities(column, filter) + _parts(column, filter, postgres)
    ordered = sa.collate(column.value, "C") if postgres else column.value
    for operand, comparison in (
        (filter.gt, operator.gt),
        (filter.gte, operator.ge),
        (filter.lt, operator.lt),
        (filter.lte, operator.le),
    ):
        if operand is not None:
            tests.append((comparison(ordered, column.spelt(operand)), True))
    if filter.exists is not None:
        tests.append((column.value.is_not(None) if column.nullable else sa.true(), filter.exists))
    # NULL AND false is false: with the first test, nothing here is NULL.
    there = [column.value.is_not(None)] if column.nullable else []
    whole = [(sa.and_(*there, test) if there else test, wanted) for test, wanted in tests]
    return sa.and_(sa.true(), *(test if wanted else sa.not_(test) for test, wanted in whole))


def _equalities(column: TextColumn, filter: StringFilter) -> list[tuple[Predicate, bool]]:
    """Tests of equality, each with whether it is to hold or to fail."""
    tests: list[tuple[Predicate, bool]] = []
    if filter.eq is not None:
        tests.append((column.value == column.spelt(filter.eq), True))
    if filter.ne is not None:
        tests.append((column.value == column.spelt(filter.ne), False))
    for operands, wanted in ((filter.in_, True), (filter.not_in, False)):
        if operands is not None:
            spelt = [column.spelt(operand) for operand in operands]
            tests.append((_one_of(column.value, spelt), wanted))
    return tests


def _parts(
    column: TextColumn, filter: StringFilter, postgres: bool
) -> list[tuple[Predicate, bool]]:
    """Tests of what the text has in it, which are to hold."""
    tests: list[Predicate] = []
    if filter.contains is not None:
        position = sa.func.strpos if postgres else sa.func.instr
        tests.append(position(column.value, column.spelt(filter.contains)) > 0)
    if filter.starts_with is not None:
        tests.append(_starts_with(column, column.spelt(filter.starts_with)))
    for given, ones in ((filter.glob, True), (filter.stars, False)):
        if given is not None:
            pattern = column.spelt(given)
            tests.append(in_range(column.indexed, glob.literal_prefix(pattern, ones=ones)))
            tests.append(
                glob.matches(
                    column.value,
                    pattern,
                    postgres=postgres,
                    ones=ones,
                    segments=column.segments,
                )
            )
    return [(test, True) for test in tests]


def _starts_with(column: TextColumn, prefix: str) -> Predicate:
    begins = sa.func.substr(column.value, 1, len(prefix)) == prefix
    return sa.and_(in_range(column.indexed, prefix), begins)


def in_range(column: Column | None, prefix: str) -> Predicate:
    """True at least where a byte-ordered column begins with `prefix`."""
    if column is None or not prefix:
        return sa.true()
    end = successor(prefix)
    return column >= prefix if end is None else sa.and_(column >= prefix, column < end)


def successor(prefix: str) -> str | None:
    """The least text above all that begin with `prefix`, by code points; None if there is none."""
    kept = prefix.rstrip(chr(_LAST))
    if not kept:
        return None
    code = ord(kept[-1])
    following = _FIRST_AFTER_SURROGATES if code == _LAST_BEFORE_SURROGATES else code + 1
    return kept[:-1] + chr(following)


def value_predicate(
    column: Column, filter: ValueFilter[Any], *, nullable: bool = False
) -> Predicate:
    """True where the value satisfies every operator. Moments are compared as microseconds."""
    # 64 bits for every operand: one that the column cannot hold is unequal, not an error.
    stored = sa.type_coerce(column, sa.BigInteger()) if _is_whole(column) else column
    equal: list[tuple[Predicate, bool]] = []
    for operand, wanted in ((filter.eq, True), (filter.ne, False)):
        if operand is not None:
            equal.append((stored == _stored(operand), wanted))
    for operands, wanted in ((filter.in_, True), (filter.not_in, False)):
        if operands is not None:
            equal.append((_one_of(stored, [_stored(operand) for operand in operands]), wanted))
    ordered = [
        (filter.gt, stored.__gt__),
        (filter.gte, stored.__ge__),
        (filter.lt, stored.__lt__),
        (filter.lte, stored.__le__),
    ]
    tests = equal + [(compare(_stored(v)), True) for v, compare in ordered if v is not None]
    if filter.exists is not None:
        tests.append((stored.is_not(None) if nullable else sa.true(), filter.exists))
    # NULL AND false is false: with the first test, nothing here is NULL.
    there = [stored.is_not(None)] if nullable else []
    whole = [(sa.and_(*there, test), wanted) for test, wanted in tests]
    return sa.and_(sa.true(), *(test if wanted else sa.not_(test) for test, wanted in whole))


def _is_whole(column: Column) -> bool:
    return isinstance(column.type, sa.Integer | Timestamp)


def _stored(operand: Any) -> Any:
    return to_microseconds(operand) if isinstance(operand, datetime) else operand


def _one_of(column: Column, values: Sequence[Any]) -> Predicate:
    return among(column, values) if values else sa.false()
