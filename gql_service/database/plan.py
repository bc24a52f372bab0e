"""Statements that are compiled once and then given to the driver as they are.

Finding a statement in SQLAlchemy's cache, binding it and wrapping its result takes longer than
SQLite takes to find a row. What is asked in every transaction is therefore kept in the form in
which the driver wants it; SQLAlchemy still makes it, and says what its errors are.
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Dialect

Params = Mapping[str, Any]
Row = sa.Row[Any]
_Process = Callable[[Any], Any]


class Plan:
    """The text of a statement for one kind of database, and where each parameter goes.

    `keys` are the columns that an INSERT is given.
    """

    def __init__(
        self, statement: sa.Executable, dialect: Dialect, keys: Sequence[str] = ()
    ) -> None:
        if isinstance(statement, sa.Insert) and not statement.exported_columns:
            statement = statement.inline()  # nobody asks for the keys that it makes
        element: Any = statement
        compiled: Any = element.compile(dialect=dialect, column_keys=list(keys) or None)
        assert not getattr(compiled, "insert_prefetch", ()), "a default that Python has to make"
        open_ = {name for name, parameter in compiled.binds.items() if parameter.required}
        processors = {
            name: parameter.type.dialect_impl(dialect).bind_processor(dialect)
            for name, parameter in compiled.binds.items()
        }
        # Lists that are spelt out in the text get their length here and now.
        state = compiled.construct_expanded_state(dict.fromkeys(open_))
        self.text: str = state.statement
        self._places: Sequence[str] | None = state.positiontup
        self._fixed: dict[str, Any] = {}
        self._open: list[tuple[str, _Process | None]] = []
        for name, value in state.parameters.items():
            process = state.processors.get(name) or processors.get(name)
            if name in open_:
                self._open.append((name, process))
            else:
                self._fixed[name] = process(value) if process else value
        self._make, self._results = _shape(statement, dialect)

    def rows(self, connection: Connection, given: Params) -> list[Row]:
        """All rows. `given` has a value for every named parameter, and may have more."""
        found = sent(connection, self.text, self._bound(given)).fetchall()
        return [self._row(values) for values in found]

    def first(self, connection: Connection, given: Params) -> Row | None:
        found = sent(connection, self.text, self._bound(given)).fetchone()
        return None if found is None else self._row(found)

    def run(self, connection: Connection, given: Params | Sequence[Params]) -> int:
        """Runs a statement that writes, once or for each of many; how many rows it met."""
        if isinstance(given, Mapping):
            count: int = sent(connection, self.text, self._bound(given)).rowcount
        else:
            bound = [self._bound(one) for one in given]
            count = sent(connection, self.text, bound, many=True).rowcount
        return count

    def _bound(self, given: Params) -> Any:
        values = self._fixed.copy()
        for name, process in self._open:
            value = given[name]
            values[name] = process(value) if process else value
        if self._places is None:
            return values
        return tuple([values[name] for name in self._places])

    def _row(self, values: tuple[Any, ...]) -> Row:
        if self._results:
            listed = list(values)
            for place, process in self._results:
                listed[place] = process(listed[place])
            values = tuple(listed)
        row: Row = self._make(values)
        return row


class Prepared:
    """A statement with its plans, one for each kind of database that it has met.

    What a `lasting` one finds depends on its parameters and the state of the database only, and is
    little and asked for again and again.
    """

    def __init__(self, statement: sa.Executable, *, lasting: bool = False) -> None:
        self.statement = statement
        self.lasting = lasting
        self._plans: dict[tuple[str, ...], Plan] = {}

    def plan(self, connection: Connection, given: Params | Sequence[Params] = ()) -> Plan:
        """For an INSERT, `given` names the columns."""
        keys: tuple[str, ...] = ()
        if isinstance(self.statement, sa.Insert) and given:
            keys = tuple(given if isinstance(given, Mapping) else given[0])
        dialect = connection.dialect
        plan = self._plans.get((dialect.name, *keys))
        if plan is None:
            plan = Plan(self.statement, dialect, keys)
            self._plans[(dialect.name, *keys)] = plan
        return plan


def sent(connection: Connection, text: str, bound: Any = None, *, many: bool = False) -> Any:
    """The cursor. Errors of the driver are raised as SQLAlchemy does."""
    if connection._has_events or connection.engine._has_events:  # somebody listens
        return connection.exec_driver_sql(text, bound)
    dialect: Any = connection.dialect
    cursor: Any = connection.connection.cursor()
    try:
        (cursor.executemany if many else cursor.execute)(text, bound)
    except dialect.loaded_dbapi.Error as error:
        raise sa.exc.DBAPIError.instance(
            text,
            bound,
            error,
            dialect.loaded_dbapi.Error,
            hide_parameters=connection.engine.hide_parameters,
            dialect=dialect,
        ) from error
    return cursor


def _shape(
    statement: sa.Executable, dialect: Dialect
) -> tuple[Callable[[Any], Any], list[tuple[int, _Process]]]:
    """What makes a row of the values of a result, and which values are to be changed before."""
    columns: Any = getattr(statement, "exported_columns", None)
    if columns is None:
        return tuple, []
    named = list(columns)
    processes = [
        (place, process)
        for place, column in enumerate(named)
        if (process := column.type.dialect_impl(dialect).result_processor(dialect, None))
    ]
    return _row_class(tuple(columns.keys()))._make, processes


@lru_cache(maxsize=512)
def _row_class(names: tuple[str, ...]) -> Any:
    """What `sqlalchemy.Row` is to its readers: a tuple with names, and `_mapping`."""
    make: Any = namedtuple
    plain = make("Row", names, rename=True)
    return type("Row", (plain,), {"__slots__": (), "_mapping": property(plain._asdict)})
