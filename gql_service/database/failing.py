"""What drivers say of contention, of a full disk and of being stopped, in our words."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError

from gql_service.database import deadline
from gql_service.errors import Busy, InsufficientStorage, Timeout

_FOREIGN_KEY_VIOLATION = "23503"
_RETRYABLE_SQLSTATES = {"40001", "40P01", _FOREIGN_KEY_VIOLATION}
_CANCELED = "57014"


class LostRace(Exception):
    """The transaction was undone by a concurrent one and may simply be run again."""

    def __init__(self, error: DBAPIError, *, reference_gone: bool) -> None:
        super().__init__()
        self.error = error
        self.reference_gone = reference_gone


@contextmanager
def translated() -> Iterator[None]:
    """Turns the driver's words for contention, a full disk and being stopped into ours."""
    try:
        yield
    except DBAPIError as error:
        cause = error.orig
        sqlstate = getattr(cause, "sqlstate", None)
        if sqlstate in _RETRYABLE_SQLSTATES:
            gone = sqlstate == _FOREIGN_KEY_VIOLATION
            raise LostRace(error, reference_gone=gone) from error
        if sqlstate == _CANCELED:
            raise _stopped() from error
        if sqlstate in {"53100", "53200"}:
            raise InsufficientStorage("The database has no room left") from error
        if isinstance(cause, sqlite3.OperationalError):
            if cause.sqlite_errorcode == sqlite3.SQLITE_INTERRUPT:
                raise _stopped() from error
            if cause.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
                raise too_busy() from error
            if cause.sqlite_errorcode == sqlite3.SQLITE_FULL:
                raise InsufficientStorage("The database has no room left") from error
        raise


def too_busy() -> Busy:
    """Raises Timeout past the deadline."""
    if (current := deadline.current()) is not None:
        current.check()
    return Busy("The database is busy; try again")


def _stopped() -> Timeout:
    current = deadline.current()
    return Timeout("The database stopped this") if current is None else current.refusal()
