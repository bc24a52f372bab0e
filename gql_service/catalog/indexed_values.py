"""What stands at a path of a document, as the rows of a metadata index have it.

A value is its kind, a number and a text, of which the kind says which one counts; an index over the
three has all values of a kind together, numbers and texts in their order. What cannot be put like
that is only told of: it is looked up in the document.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, JSONPATH

from gql_service.catalog.filter_json import positive
from gql_service.catalog.filter_json_place import COMPARISONS, Comparison, is_number, text_of
from gql_service.catalog.filters import JsonFilter
from gql_service.database.sets import among

Column = sa.ColumnElement[Any]
Predicate = sa.ColumnElement[bool]

NUMBER, STRING, BOOLEAN, NULL = range(4)
DOCUMENT = 4
"""A list, an object or a long text."""
ON_THE_WAY = 5
"""Nothing, but there is a list in the document, and what looks through lists may find something."""
LONGEST = 256
"""Characters of a text that is kept: an index of PostgreSQL takes no more than 2,700 bytes."""


def values_at(document: Column, path: Column, *, postgres: bool) -> tuple[Column, Column, Column]:
    """Kind, number and text of what stands at a spelt path; the kind is NULL where nothing does."""
    return (_on_postgres if postgres else _on_sqlite)(document, path)


def _on_sqlite(document: Column, path: Column) -> tuple[Column, Column, Column]:
    type_ = sa.func.json_type(document, path, type_=sa.Text())
    value = sa.func.json_extract(document, path)
    numeric = type_.in_(("integer", "real"))
    short = sa.and_(type_ == "text", sa.func.length(value) <= LONGEST)
    flag = type_.in_(("true", "false"))
    deep = sa.and_(sa.func.instr(path, '"."') > 0, sa.func.instr(document, "[") > 0)
    number = sa.case((sa.or_(numeric, flag), value), else_=0)
    kind = _kind(numeric, short, flag, type_ == "null", type_.is_not(None), deep)
    return kind, number, sa.case((short, value), else_="")


def _on_postgres(document: Column, path: Column) -> tuple[Column, Column, Column]:
    spelled = sa.cast(sa.literal("strict ", sa.Text()) + path, JSONPATH)
    place = sa.func.jsonb_path_query_first(
        sa.cast(document, JSONB), spelled, sa.cast("{}", sa.Text()).cast(JSONB), sa.true()
    )
    type_ = sa.func.jsonb_typeof(place, type_=sa.Text())
    value = place.op("#>>", return_type=sa.Text())(sa.literal_column("'{}'::text[]"))
    numeric, flag = type_ == "number", type_ == "boolean"
    short = sa.and_(type_ == "string", sa.func.length(value) <= LONGEST)
    deep = sa.and_(sa.func.strpos(path, '"."') > 0, sa.func.strpos(document, "[") > 0)
    number = sa.case(
        (numeric, sa.cast(value, sa.Numeric())), (sa.and_(flag, value == "true"), 1), else_=0
    )
    kind = _kind(numeric, short, flag, type_ == "null", type_.is_not(None), deep)
    return kind, number, sa.case((short, value), else_="")


def _kind(*holds: Predicate) -> Column:
    kinds = (NUMBER, STRING, BOOLEAN, NULL, DOCUMENT, ON_THE_WAY)
    cases = [(test, sa.literal(kind)) for test, kind in zip(holds, kinds, strict=True)]
    return sa.case(*cases, else_=sa.cast(sa.null(), sa.Integer()))


def unsure(filter: JsonFilter, values: sa.FromClause) -> Predicate:
    """True of the rows whose document must be asked whether it satisfies the filter."""
    if filter.through:
        return values.c.kind.in_((DOCUMENT, ON_THE_WAY))
    return values.c.kind == DOCUMENT


def surely(filter: JsonFilter, values: sa.FromClause, *, postgres: bool) -> list[Predicate] | None:
    """Tests, of which one is true of a row whose value satisfies the filter, and never two; none of
    the rows that `unsure` is true of counts. Each is a range of the index.

    None where rows cannot tell: of a filter that what is missing satisfies too, or of patterns.
    """
    row = _Row(values, postgres)
    ways: _Ways | None = None
    for name, operand in filter.asked():
        more = _ways(filter, name, operand, row)
        if more is None:
            return None
        ways = more if ways is None else {k: ways[k] + more[k] for k in ways.keys() & more.keys()}
    if ways is None:
        return None
    return [row.holds(kind, tests) for kind, tests in sorted(ways.items())]


_Ways = dict[int, list[Predicate]]
"""By kind, the tests that a value of this kind must pass."""


class _Row:
    """Tests of the value in a row."""

    def __init__(self, values: sa.FromClause, postgres: bool) -> None:
        self._c = values.c
        self._postgres = postgres

    def holds(self, kind: int, tests: Sequence[Predicate]) -> Predicate:
        """What decides nothing has one value: said, so that the index leads to what follows it."""
        idle = []
        if kind in (STRING, NULL):
            idle.append(self._c.number == 0)
        if kind != STRING:
            idle.append(self._c.text == "")
        return sa.and_(self._c.kind == kind, *idle, *tests)

    def is_scalar(self) -> _Ways:
        return {kind: [] for kind in (NUMBER, STRING, BOOLEAN, NULL)}

    def is_one_of(self, operands: Sequence[Any]) -> _Ways:
        flags = sorted({int(one) for one in operands if isinstance(one, bool)})
        texts = [one for one in operands if isinstance(one, str) and len(one) <= LONGEST]
        numbers = sorted({text_of(one) for one in operands if is_number(one)})
        ways: _Ways = {}
        if numbers:
            ways[NUMBER] = [self._one_of(numbers)]
        if texts:
            same = self._c.text == texts[0] if len(texts) == 1 else among(self._c.text, texts)
            ways[STRING] = [same]
        if flags:
            ways[BOOLEAN] = [self._c.number.in_(flags)]
        if None in operands:
            ways[NULL] = []
        return ways

    def compares(self, comparison: Comparison, operands: Sequence[Any]) -> _Ways:
        ways: _Ways = {}
        for one in operands:
            if isinstance(one, str):
                ways[STRING] = [comparison(self._c.text, one)]
            elif is_number(one):
                ways[NUMBER] = [comparison(self._number(), self._read(text_of(one)))]
        return ways

    def _one_of(self, numbers: list[str]) -> Predicate:
        if len(numbers) == 1:
            equal: Predicate = self._number() == self._read(numbers[0])
            return equal
        if self._postgres:
            given = sa.cast(sa.literal(numbers, ARRAY(sa.Text())), ARRAY(sa.Numeric()))
            return self._c.number == sa.any_(given)
        listed = sa.func.json_each(f"[{','.join(numbers)}]").table_valued("value")
        return self._number().in_(sa.select(listed.c.value))

    def _number(self) -> Column:
        return sa.type_coerce(self._c.number, sa.types.NullType())

    def _read(self, number: str) -> Column:
        """The operand as the database reads it, which is how it has read the documents."""
        text: Column = sa.literal(number, sa.Text())
        read = sa.cast(text, sa.Numeric()) if self._postgres else sa.func.json_extract(text, "$")
        return sa.type_coerce(read, sa.types.NullType())


def _ways(filter: JsonFilter, name: str, operand: Any, row: _Row) -> _Ways | None:
    listed = operand if name == "in_" else [operand]
    match name:
        case "exists":
            return row.is_scalar() if operand else None
        case "eq" | "in_" if not filter.through:
            return row.is_one_of(listed)
        case "eq" | "in_" if None not in listed:  # which what is not there equals, too
            return row.is_one_of(_stands_for(filter, name, operand))
        case "gt" | "gte" | "lt" | "lte":
            operands = _stands_for(filter, name, operand) if filter.through else listed
            return row.compares(COMPARISONS[name], operands)
    return None


def _stands_for(filter: JsonFilter, name: str, operand: Any) -> list[Any]:
    """The values that an operand is compared as, where a text may stand for a number."""
    return [one for reach in positive(filter.path, name, operand) for one in reach.operand]
