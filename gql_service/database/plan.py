"""Statements that are compiled once and kept, where preparing them would cost more than running."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Dialect

from gql_service.database.engine import Tx


class Plan:
    """The text of a statement, and where each parameter goes.

    Elements of our own are not found again in SQLAlchemy's cache of compiled statements; whoever
    keeps plans spares both that search and the making of the statement.
    """

    def __init__(self, statement: sa.Select[Any], dialect: Dialect) -> None:
        compiled: Any = statement.compile(dialect=dialect)
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
        self._processors: dict[str, Any] = {}
        for name, value in state.parameters.items():
            process = state.processors.get(name) or processors.get(name) or _as_it_is
            if name in open_:
                self._processors[name] = process
            else:
                self._fixed[name] = process(value)

    def rows(self, tx: Tx, given: Mapping[str, Any]) -> Sequence[sa.Row[Any]]:
        """Runs it. `given` has a value for every named parameter, and may have more."""
        values = dict(self._fixed)
        for name, process in self._processors.items():
            values[name] = process(given[name])
        params: Any = values
        if self._places is not None:
            params = tuple([values[name] for name in self._places])
        return tx.connection.exec_driver_sql(self.text, params).all()


def _as_it_is(value: Any) -> Any:
    return value
