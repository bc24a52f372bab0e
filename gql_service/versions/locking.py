"""The locks of datasets: one writer at a time, and no purge under whoever reads for long.

And the lock that people set, which makes a dataset read-only: it is read from the row that a writer
has locked, so that no writer goes on who has looked before it was set.

A snapshot, in which things are planned and nothing is written, needs no lock and takes none.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from gql_service.catalog.visibility import DATASETS
from gql_service.database.engine import Tx
from gql_service.database.plan import Prepared
from gql_service.errors import DatasetLocked, NotFound, VersionMoved


def lock_dataset(tx: Tx, dataset: int) -> int:
    """Takes the dataset's lock to the end of the transaction, to change it; returns its head.

    Raises NotFound for one that is absent, deleted or not yet published, and DatasetLocked for one
    that is read-only.
    """
    row = hold_dataset(tx, dataset)
    refuse_read_only(row)
    head: int = row.head
    return head


def hold_dataset(tx: Tx, dataset: int) -> sa.Row[Any]:
    """Takes the dataset's lock to the end of the transaction, also when it is read-only.

    Returns `head` and what says whether it is. Raises NotFound as `lock_dataset`.
    """
    return _locked(tx, dataset, shared=False)


def refuse_read_only(held: sa.Row[Any], path: Sequence[str] = ("datasetId",)) -> None:
    """Raises DatasetLocked when a dataset, as `hold_dataset` returned it, is read-only."""
    if held.locked_at is not None:
        why = f": {held.lock_reason}" if held.lock_reason else ""
        raise DatasetLocked(
            f"The dataset is locked against changes{why}", path=path, current_version=held.head
        )


def lock_source(tx: Tx, dataset: int) -> int:
    """Keeps a dataset from being purged to the end of the transaction, and returns its head.

    Writers go on meanwhile. Raises NotFound as `lock_dataset`.
    """
    head: int = _locked(tx, dataset, shared=True).head
    return head


def expect_version(head: int, expected: int | None) -> None:
    """Raises VersionMoved unless the head is the version that the caller expects, if any."""
    if expected is not None and expected != head:
        raise VersionMoved(
            f"The dataset is at version {head}, not {expected}",
            path=("expectedVersion",),
            current_version=head,
        )


_HEAD = sa.select(
    DATASETS.c.head,
    DATASETS.c.kept_from,
    DATASETS.c.deleted_at,
    DATASETS.c.locked_at,
    DATASETS.c.lock_reason,
).where(DATASETS.c.id == sa.bindparam("dataset"))
_HEAD_TO_PLAN = Prepared(_HEAD)
_HEAD_TO_WRITE = Prepared(_HEAD.with_for_update(key_share=True))
_HEAD_TO_READ = Prepared(_HEAD.with_for_update(key_share=True, read=True))


def _locked(tx: Tx, dataset: int, *, shared: bool) -> sa.Row[Any]:
    statement = _HEAD_TO_READ if shared else _HEAD_TO_WRITE
    row = tx.first(_HEAD_TO_PLAN if tx.snapshot else statement, {"dataset": dataset})
    if row is None or row.deleted_at is not None or row.head == 0:
        raise NotFound("There is no such dataset", path=("datasetId",))
    return row
