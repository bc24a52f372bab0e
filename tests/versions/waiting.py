"""Two transactions, one of which has to wait for the other."""

from __future__ import annotations

import time
from concurrent.futures import Future
from typing import Any

import sqlalchemy as sa

from gql_service.database.engine import Tx

PATIENCE = 20
"""Seconds; only a mistake would need them."""
# Of the locks, and not of what goes on: that is read once per transaction.
_BLOCKED = sa.text(
    "SELECT count(*) FROM pg_locks"
    " WHERE NOT granted AND pg_backend_pid() = ANY(pg_blocking_pids(pid))"
)


def wait_for_waiting(tx: Tx, other: Future[Any]) -> None:
    """Until the other transaction waits for this one, or is done.

    On SQLite at once: there, two transactions that write never overlap.
    """
    end = time.monotonic() + PATIENCE
    while tx.postgres and not other.done() and not tx.scalar(_BLOCKED):
        assert time.monotonic() < end, "nobody waits"
