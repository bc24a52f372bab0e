"""The locks of datasets: one writer at a time, and no purge under whoever reads for long."""

from __future__ import annotations

import sqlalchemy as sa

from gql_service.catalog.visibility import DATASETS
from gql_service.database.engine import Tx
from gql_service.database.plan import Prepared
from gql_service.errors import NotFound


def lock_dataset(tx: Tx, dataset: int) -> int:
    """Takes the dataset's lock to the end of the transaction and returns its head.

    Raises NotFound for one that is absent, deleted or not yet published.
    """
    return _locked(tx, dataset, shared=False)


def lock_source(tx: Tx, dataset: int) -> int:
    """Keeps a dataset from being purged to the end of the transaction, and returns its head.

    Writers go on meanwhile. Raises NotFound as `lock_dataset`.
    """
    return _locked(tx, dataset, shared=True)


_HEAD = sa.select(DATASETS.c.head, DATASETS.c.deleted_at).where(
    DATASETS.c.id == sa.bindparam("dataset")
)
_HEAD_TO_WRITE = Prepared(_HEAD.with_for_update(key_share=True))
_HEAD_TO_READ = Prepared(_HEAD.with_for_update(key_share=True, read=True))


def _locked(tx: Tx, dataset: int, *, shared: bool) -> int:
    row = tx.first(_HEAD_TO_READ if shared else _HEAD_TO_WRITE, {"dataset": dataset})
    if row is None or row.deleted_at is not None or row.head == 0:
        raise NotFound("There is no such dataset", path=("datasetId",))
    head: int = row.head
    return head
